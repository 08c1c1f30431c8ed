"""The report of a finished run, as text and as JSON."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.check import CheckResult
from trainer.cli.checks import check_lines
from trainer.recipe import Recipe
from trainer.terminal import terminal_line
from trainer.text_format import decimal, decimal_range, percent, percent_range

if TYPE_CHECKING:
    from trainer.evaluation.intervals import Interval
    from trainer.evaluation.metrics import ClassScore
    from trainer.evaluation.report import Report, Reports
    from trainer.evaluation.run_report import RunReport
    from trainer.runs.view import RunView


def report_text(view: "RunView", report: "Report", checks: Sequence[CheckResult]) -> str:
    """The report on the test rows with its checks, as lines of text."""
    from trainer.evaluation.baseline import describe_training_rows
    from trainer.evaluation.report import describe_folds_model, describe_tested_rows

    def described(name: str, interval: "Interval") -> str:
        return f"{name} {percent(interval.value)} (95 % interval {percent_range(interval.low, interval.high)})"

    def bounded(interval: "Interval | None") -> str:
        return "–" if interval is None else f"{decimal(interval.value)} ({decimal_range(interval.low, interval.high)})"

    def cut(score: "ClassScore") -> str:
        return "" if score.threshold is None else f"{bounded(score.average_precision):<18}  {decimal(score.threshold):<4}  "

    cut_head = "" if report.per_class[0].threshold is None else f"{'average precision':<18}  cut   "
    # The method frozen has no steps.
    speed = f"{view.samples_per_second or 0:.0f} texts/s while training, " if view.total_steps else ""
    accuracy, name_width = report.accuracy_name, max([len(c.name) for c in report.per_class] + [12])
    headline, *others = report.scores
    scores = [described(headline.metric.title, headline.interval), *(described(other.metric.name, other.interval) for other in others)]
    lines = [
        f"On {describe_tested_rows(report.rows, report.folds)}: {', '.join(scores)}.",
        f"Always answering {terminal_line(report.majority_name)} would be right in {percent(report.majority_share)}.",
    ]
    if report.folds:
        lines.insert(1, f"The model itself is none of those {report.folds}: it {describe_folds_model(stopped=view.status == 'stopped')}.")
    if view.baseline is not None:
        training_rows = describe_training_rows(view.baseline.rows, view.rows.get("train"))
        lines.append(
            f"A simple word-count model, having learned from {training_rows}, reaches {accuracy} {percent(view.baseline.test.accuracy)}, "
            f"macro F1 {percent(view.baseline.test.macro_f1)}."
        )
    if view.compared_linear is not None:
        lines.append(
            f"Without fine-tuning, a linear model on the unchanged encoder reaches {accuracy} {percent(view.compared_linear.test.accuracy)}, "
            f"macro F1 {percent(view.compared_linear.test.macro_f1)}."
        )
    lines += [
        "",
        f"{'class':<{name_width}}  {'precision':<18}  {'recall':<18}  {'F1':<18}  {cut_head}rows",
        *(
            f"{terminal_line(c.name):<{name_width}}  {bounded(c.precision):<18}  {bounded(c.recall):<18}  {bounded(c.f1):<18}  {cut(c)}{c.support:,}"
            for c in report.per_class
        ),
        *check_lines(checks),
        "",
        f"Run {view.name}: {speed}{view.duration_seconds or 0:.0f} s in all, {view.device}.",
    ]
    return "\n".join(lines)


def more_lines(found: "RunReport") -> list[str]:
    """What a report says beyond the scores: steps of a scale, groups that are surely worse, what would help; nothing if there is nothing."""
    lines = []
    if found.ordered is not None:
        kappa = found.ordered.quadratic_kappa
        lines.append(
            f"As steps of a scale ({', '.join(map(terminal_line, found.ordered.order))}): {_number(found.ordered.mean_distance)} steps off on average, "
            f"{percent(found.ordered.within_one.value)} at most one off, quadratic kappa {'–' if kappa is None else _number(kappa)}."
        )
    lines += [terminal_line(group.sentence) for group in found.subgroups if group.is_worse]
    helps = [terminal_line(f"- {suggestion.title}. {suggestion.evidence}") for suggestion in found.suggestions.found]
    lines += ["What would help most, by training and validation rows:", *helps] if helps else []
    return lines and ["", *lines]


def _number(interval: "Interval") -> str:
    return f"{interval.value:.2f} ({interval.low:.2f} to {interval.high:.2f})"


def run_json(view: "RunView", recipe: Recipe, reports: "Reports", folder: Path, *, called_at: float) -> dict[str, Any]:
    """The object that ``train --json`` and ``resume --json`` print. ``called_at``: when the command was called, by the monotonic clock."""
    return {
        "run": view.id,
        "path": str(folder),
        **reports.to_dict(),
        "baseline": view.baseline and view.baseline.to_dict(),
        "linear_model": view.linear and view.linear.to_dict(),
        "seconds": round(time.monotonic() - called_at, 3),
        "train_seconds": view.train_seconds,
        "samples_per_second": view.samples_per_second,
        "epochs": view.epochs,
        "batch_size": view.batch_size,
        "seed": recipe.seed,
        "findings": [finding.to_dict() for finding in view.findings],
        "repairs": view.repairs,
    }
