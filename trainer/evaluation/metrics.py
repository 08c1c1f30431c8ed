"""The metrics of each task: which scores a report has, how each is computed, and the words for it. One table, ``EVALUATIONS``.

A metric in the table is in the report, its JSON, the terminal, the model card and the page. Knows neither texts nor runs.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from trainer.data.task import SINGLE_LABEL
from trainer.evaluation.intervals import Interval, macro_f1_interval, proportion_interval, weighted_f1_interval


@dataclass(frozen=True, eq=False)
class ScoredRows:
    """What metrics are computed from: n rows, at least one, with their ``labels`` and what was ``predicted``, both in the task's shape.

    ``label_names`` has all k classes.
    """

    labels: np.ndarray
    predicted: np.ndarray
    label_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.labels)

    @cached_property
    def confusion(self) -> np.ndarray:
        """int64 (k, k), for one label a text: rows are the true class, columns the predicted one."""
        k = len(self.label_names)
        # The same as scikit-learn's, which warns if there is only one class.
        return np.bincount(self.labels * k + self.predicted, minlength=k**2).reshape(k, k).astype(np.int64)


@dataclass(frozen=True)
class Metric:
    """One score of a split, in 0..1, higher is better."""

    key: str
    """In JSON."""
    name: str
    """For people, as within a sentence."""
    description: str
    """What it is, in a sentence; ``{classes}`` stands for the classes that count: "every class", "each of the 3 classes that occur"."""
    compute: Callable[[ScoredRows], Interval]
    hub_type: str = ""
    """Its name in the metadata of the Hub's model cards; without one it is only in the text of the card."""
    hub_arguments: Mapping[str, Any] | None = None

    @property
    def title(self) -> str:
        """The name at the beginning of a sentence."""
        return self.name[:1].upper() + self.name[1:]


@dataclass(frozen=True)
class ClassScore:
    """The scores of one class in 0..1, with Wilson intervals, and ``support``, its number of true rows.

    None means undefined: all three scores of a class without true rows, and the precision of a class that was never predicted, whose F1 is 0.
    """

    name: str
    precision: Interval | None
    recall: Interval | None
    f1: float | None
    support: int

    def to_dict(self) -> dict[str, Any]:
        intervals = {"precision": self.precision, "recall": self.recall}
        return {
            **{name: interval and interval.value for name, interval in intervals.items()},
            "f1": self.f1,
            "support": self.support,
            "intervals": {name: interval and [interval.low, interval.high] for name, interval in intervals.items()},
        }


@dataclass(frozen=True)
class Evaluation:
    """How the models of one task are judged. The first of the ``metrics`` is the headline; ``class_scores`` has one entry per class."""

    metrics: tuple[Metric, ...]
    class_scores: Callable[[ScoredRows], tuple[ClassScore, ...]]


def _class_scores(rows: ScoredRows) -> tuple[ClassScore, ...]:
    """The scores of each class from its correct, its true and its predicted rows."""
    confusion = rows.confusion
    columns = (confusion.diagonal().tolist(), confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist())
    return tuple(
        ClassScore(
            name,
            precision=proportion_interval(correct, predicted) if support and predicted else None,
            recall=proportion_interval(correct, support) if support else None,
            f1=2 * correct / (support + predicted) if support else None,
            support=support,
        )
        for name, correct, support, predicted in zip(rows.label_names, *columns, strict=True)
    )


EVALUATIONS: Mapping[str, Evaluation] = {
    SINGLE_LABEL.key: Evaluation(
        metrics=(
            Metric(
                "accuracy",
                "accuracy",
                "The share of rows whose class is predicted.",
                lambda rows: proportion_interval(int(np.trace(rows.confusion)), len(rows)),
                hub_type="accuracy",
            ),
            Metric(
                "macro_f1",
                "macro F1",
                "The mean F1: {classes} counts the same.",
                lambda rows: macro_f1_interval(rows.confusion),
                hub_type="f1",
                hub_arguments={"average": "macro"},
            ),
            Metric(
                "weighted_f1",
                "weighted F1",
                "The mean F1: each class counts by its rows.",
                lambda rows: weighted_f1_interval(rows.confusion),
            ),
        ),
        class_scores=_class_scores,
    ),
}
"""By ``Task.key``."""
