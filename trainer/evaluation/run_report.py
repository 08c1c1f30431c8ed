"""RunReport: everything that is said of the results of one run, gathered, and as JSON: the same in the terminal, over HTTP and in the file to share."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from trainer.check import CheckResult, run_checks_to_dict
from trainer.evaluation.ordered import OrderedScores
from trainer.evaluation.report import Reports
from trainer.evaluation.subgroups import Subgroup
from trainer.evaluation.suggestions import Suggestion
from trainer.runs.view import RunView


@dataclass(frozen=True)
class Suggestions:
    """What would help, or ``reason`` why that cannot be told."""

    found: tuple[Suggestion, ...]
    reason: str = ""


@dataclass(frozen=True)
class RunReport:
    """The results of a run that has a model. ``ordered`` is None unless its labels are steps of a scale."""

    view: RunView
    reports: Reports
    ordered: OrderedScores | None
    subgroups: tuple[Subgroup, ...]
    suggestions: Suggestions
    training_checks: Sequence[CheckResult]
    result_checks: Sequence[CheckResult]

    def to_dict(self) -> dict[str, Any]:
        """As JSON; no text of any row is in it."""
        view, test = self.view, self.reports.test
        return {
            "run": view.id,
            "name": view.name,
            "labels": list(test.label_names),
            "labels_cut": view.labels_cut,
            **self.reports.to_dict(),
            "ordered": self.ordered and self.ordered.to_dict(),
            "subgroups": [group.to_dict() for group in self.subgroups],
            "suggestions": [suggestion.to_dict() for suggestion in self.suggestions.found],
            "confusion": test.confusion.tolist(),
            "baseline": view.baseline and view.baseline.to_dict(),
            "linear_model": view.linear and view.linear.to_dict(),
            "findings": [finding.to_dict() for finding in view.findings],
            "checks": run_checks_to_dict(view.checks, self.training_checks, self.result_checks),
        }
