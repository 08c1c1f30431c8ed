"""The charts of each task: one table, ``TASK_CHARTS``. What is the same for all tasks (loss, text lengths) is not in it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from trainer.charts.comparison import accuracy_comparison, macro_f1_comparison
from trainer.charts.confusion import ShareOf, confusion_chart
from trainer.charts.curves import accuracy_chart
from trainer.charts.layout import Figure
from trainer.data.task import SINGLE_LABEL, find_task
from trainer.evaluation.curves import RunCurves
from trainer.evaluation.report import Report


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
    mistakes: MistakesChart


TASK_CHARTS: Mapping[str, TaskCharts] = {
    SINGLE_LABEL.key: TaskCharts(
        score=accuracy_chart,
        score_comparisons={"Accuracy": accuracy_comparison, "Macro F1": macro_f1_comparison},
        mistakes=confusion_chart,
    ),
}
"""By ``Task.key``."""


def charts_of(task: str) -> TaskCharts:
    """The charts of a run's ``task``, which may be empty. Raises UserError ``unknown_task``."""
    return TASK_CHARTS[find_task(task).key]
