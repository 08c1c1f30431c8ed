"""The charts of each task: one table, ``TASK_CHARTS``. What is the same for all tasks (loss, text lengths) is not in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trainer.charts.comparison import accuracy_comparison, exact_match_comparison, macro_f1_comparison
from trainer.charts.confusion import ShareOf, confusion_chart, missed_chart
from trainer.charts.costs import ACCURACY, MACRO_F1, CostedScore
from trainer.charts.curves import accuracy_chart, macro_f1_chart
from trainer.charts.layout import Figure
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, find_task
from trainer.evaluation.curves import RunCurves
from trainer.evaluation.report import Report

COUNTS = "Counts"


class MistakesChart(Protocol):
    """Which classes are taken for which."""

    def __call__(self, report: Report, *, share_of: ShareOf = "", mistakes_only: bool = False, order: Sequence[int] = ()) -> Figure:
        """``share_of``: per cent of the true or the predicted class instead of counts; ``order``: all class ids as they are drawn."""


@dataclass(frozen=True)
class TaskCharts:
    """The charts that show the scores and mistakes of one task."""

    score: Callable[[RunCurves], Figure]
    """The scores of one run while it trains."""
    score_comparisons: Mapping[str, Callable[[Sequence[RunCurves]], Figure]]
    """Charts of several runs, by the name of the score that they compare; the first is shown unless another is chosen."""
    costed_score: CostedScore
    """What stands against speed and size."""
    mistakes: MistakesChart
    shares: Mapping[str, ShareOf]
    """What the cells of the mistakes can show, by its name; the first is shown unless another is chosen."""


TASK_CHARTS: Mapping[str, TaskCharts] = {
    SINGLE_LABEL.key: TaskCharts(
        score=accuracy_chart,
        score_comparisons={"Accuracy": accuracy_comparison, "Macro F1": macro_f1_comparison},
        costed_score=ACCURACY,
        mistakes=confusion_chart,
        shares={COUNTS: "", "Share of the true class": "true", "Share of the predicted class": "predicted"},
    ),
    SEVERAL_LABELS.key: TaskCharts(
        score=macro_f1_chart,
        score_comparisons={"Macro F1": macro_f1_comparison, "Exact match": exact_match_comparison},
        costed_score=MACRO_F1,
        mistakes=missed_chart,
        shares={COUNTS: "", "Share of the label’s rows": "true"},
    ),
}
"""By ``Task.key``."""


def charts_of(task: str) -> TaskCharts:
    """The charts of a run's ``task``, which may be empty. Raises UserError ``unknown_task``."""
    return TASK_CHARTS[find_task(task).key]
