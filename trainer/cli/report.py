"""The report of a finished run, as text and as JSON."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.check import CheckResult
from trainer.cli.checks import check_lines
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.terminal import terminal_line
from trainer.text_format import decimal, decimal_range, percent, percent_range

if TYPE_CHECKING:
    from trainer.evaluation.intervals import Interval
    from trainer.evaluation.report import Report, Reports


def report_text(view: RunView, report: "Report", checks: Sequence[CheckResult]) -> str:
    """The report on the test rows with its checks, as lines of text."""
    from trainer.evaluation.baseline import describe_training_rows

    def described(name: str, interval: "Interval") -> str:
        return f"{name} {percent(interval.value)} (95 % interval {percent_range(interval.low, interval.high)})"

    def bounded(interval: "Interval | None") -> str:
        return "–" if interval is None else f"{decimal(interval.value)} ({decimal_range(interval.low, interval.high)})"

    # The method frozen has no steps.
    speed = f"{view.samples_per_second or 0:.0f} texts/s while training, " if view.total_steps else ""
    name_width = max([len(c.name) for c in report.per_class] + [12])
    headline, *others = report.scores
    scores = [described(headline.metric.title, headline.interval), *(described(other.metric.name, other.interval) for other in others)]
    lines = [
        f"{report.rows:,} test rows, never trained on. {', '.join(scores)}.",
        f"Always answering {terminal_line(report.majority_name)} would be right in {percent(report.majority_share)}.",
    ]
    if view.baseline is not None:
        training_rows = describe_training_rows(view.baseline.rows, view.rows.get("train"))
        lines.append(
            f"A simple word-count model, having learned from {training_rows}, reaches {percent(view.baseline.test.accuracy)}, "
            f"macro F1 {percent(view.baseline.test.macro_f1)}."
        )
    if view.linear is not None and view.kept.step:
        lines.append(
            f"Without fine-tuning, a linear model on the unchanged encoder reaches {percent(view.linear.test.accuracy)}, "
            f"macro F1 {percent(view.linear.test.macro_f1)}."
        )
    lines += [
        "",
        f"{'class':<{name_width}}  {'precision':<18}  {'recall':<18}  {'F1':<6}  rows",
        *(
            f"{terminal_line(c.name):<{name_width}}  {bounded(c.precision):<18}  {bounded(c.recall):<18}  {'–' if c.f1 is None else decimal(c.f1):<6}  {c.support:,}"
            for c in report.per_class
        ),
        *check_lines(checks),
        "",
        f"Run {view.name}: {speed}{view.duration_seconds or 0:.0f} s in all, {view.device}.",
    ]
    return "\n".join(lines)


def run_json(view: RunView, recipe: Recipe, reports: "Reports", folder: Path, *, called_at: float) -> dict[str, Any]:
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
