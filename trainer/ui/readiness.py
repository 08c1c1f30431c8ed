"""Whether a file is ready for training, what is missing, and the button that fixes it.

The Data and Train tabs both show it, so that they cannot disagree.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer.check import CheckResult, found
from trainer.data.checks.repairs import REPAIRS
from trainer.data.splits import Splits
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.text_format import pluralize, split_first_sentence
from trainer.ui.buttons import Button

_MAX_FINDING_CHARS = 110


@dataclass(frozen=True)
class Readiness:
    """Whether a file can be trained on, in words for the page."""

    title: str
    """The heading, in full."""
    advice: str
    """What to do; empty if the heading says everything."""
    summary: str
    """One sentence for the footers of both tabs."""
    splits: Splits | None = None
    """The rows as they would be split; None if nothing can be trained."""
    repair: Button | None = None
    """The button that repairs what has to be fixed, if there is one."""
    is_error: bool = False
    """Whether it cannot be trained on at all, rather than after a fix."""

    @property
    def ready(self) -> bool:
        return self.splits is not None


def assess_readiness(prepared: PreparedDraft, fractions: Mapping[str, Any]) -> Readiness:
    """The readiness of a file split by the recipe's ``validation_share``, ``test_share`` and ``folds``, as the form holds them."""
    if prepared.problem is not None:
        return _not_trainable(prepared.problem, _repair_button(prepared))
    if prepared.blocking_findings:
        return _to_fix(prepared)
    try:
        splits = prepared.splits(Recipe.from_dict(dict(fractions)))
    except UserError as error:
        return _not_trainable(error, None)
    kept_aside = f"{pluralize(len(splits.test), 'test row')} kept aside" if len(splits.test) else "scored in folds"
    summary = f"Ready: {pluralize(len(splits.train), 'training row')}, {kept_aside}."
    few = any(finding.code == "few_rows" for finding in found(prepared.checks))
    return Readiness("Ready to train, but there are few rows" if few else "Ready to train", "", summary, splits)


def repairable_findings(prepared: PreparedDraft) -> list[CheckResult]:
    """The findings that have a repair."""
    return [finding for finding in found(prepared.checks) if finding.repairable]


def _not_trainable(error: UserError, repair: Button | None) -> Readiness:
    first, rest = split_first_sentence(error.message)
    return Readiness(first.rstrip("."), rest, first, repair=repair, is_error=True)


def _to_fix(prepared: PreparedDraft) -> Readiness:
    findings = prepared.blocking_findings
    title = "Fix one thing before training" if len(findings) == 1 else f"Fix {len(findings)} things before training"
    summary = f"Fix {pluralize(len(findings), 'thing')}: {_shortened(findings[0])}{'.' if len(findings) == 1 else ', and more.'}"
    return Readiness(title, "", summary, repair=_repair_button(prepared))


def _repair_button(prepared: PreparedDraft) -> Button | None:
    """One button for the repairs of all blocking findings, and of no others; its code holds theirs, separated by blanks."""
    repairable = [finding for finding in prepared.blocking_findings if finding.repairable]
    if len(repairable) == 1:
        return Button("repair", REPAIRS[repairable[0].code].title, code=repairable[0].code, primary=True, elem_id="repair")
    if repairable:
        title = "Fix both" if len(repairable) == 2 else f"Fix these {len(repairable)}"
        return Button("repair", title, code=" ".join(finding.code for finding in repairable), primary=True, elem_id="repair")
    return None


def _shortened(finding: CheckResult) -> str:
    """The message of a finding without its examples: a footer is one or two lines."""
    if finding.code == "label_variants":
        return pluralize(finding.count, "label is spelt in several ways", "labels are spelt in several ways")
    message = re.split(r": |, such as |, as in ", split_first_sentence(finding.message)[0].rstrip("."), maxsplit=1)[0]
    return message if len(message) <= _MAX_FINDING_CHARS else f"{message[: message.rfind(' ', 0, _MAX_FINDING_CHARS)]} …"
