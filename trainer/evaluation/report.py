"""Labels and predictions -> the report: accuracy and F1 with their uncertainty, scores per class, the confusion matrix.

Knows neither texts nor probabilities; baselines are in baseline.py, except the most frequent class.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.evaluation.intervals import Interval, macro_f1_interval, proportion_interval, weighted_f1_interval
from trainer.text_format import pluralize, quote_names


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


@dataclass(frozen=True, eq=False)
class Report:
    """The scores of one split.

    ``confusion`` int64 (k, k): rows are the true class, columns the predicted one; it sums to ``rows``. ``per_class`` has all k classes
    in order of their ids, including those that do not occur. ``majority_share`` is the accuracy of always predicting ``majority_name``, the
    most frequent class of this split (of equally frequent ones, the first). Compared by identity.
    """

    rows: int
    accuracy: Interval
    macro_f1: Interval
    weighted_f1: Interval
    per_class: tuple[ClassScore, ...]
    confusion: np.ndarray
    majority_share: float
    majority_name: str
    label_names: tuple[str, ...]

    @property
    def worst(self) -> int | None:
        """The id of the class with the lowest F1 among those with true rows; None if there are fewer than two, or all are equal."""
        f1 = {i: score.f1 for i, score in enumerate(self.per_class) if score.f1 is not None}
        return min(f1, key=f1.__getitem__) if len(set(f1.values())) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """As JSON for the terminal and the model card; ``per_class`` is keyed by class name, None means undefined."""
        averages = {"accuracy": self.accuracy, "macro_f1": self.macro_f1, "weighted_f1": self.weighted_f1}
        return {
            **{name: interval.value for name, interval in averages.items()},
            "per_class": {c.name: c.to_dict() for c in self.per_class},
            "rows": self.rows,
            "intervals": {name: [interval.low, interval.high] for name, interval in averages.items()},
            "majority": {"name": self.majority_name, "share": self.majority_share},
        }


def build_report(labels: np.ndarray, predicted: np.ndarray, label_names: tuple[str, ...]) -> Report:
    """Compare ``labels`` with ``predicted``, both int (n,) of ids into ``label_names``; n is at least 1.

    Macro F1 is the unweighted mean of the F1 of the classes that occur in labels or predictions, scikit-learn's default: a class in neither
    says nothing about the model, and one that is predicted without true rows counts as 0. Weighted F1 weights by support. Raises ValueError
    for no rows, different lengths, or ids out of range.
    """
    labels, predicted, names = np.asarray(labels), np.asarray(predicted), tuple(label_names)
    _validate(labels, predicted, len(names))
    labels, predicted = labels.astype(np.int64), predicted.astype(np.int64)
    classes = len(names)
    # The same as scikit-learn's, which warns if there is only one class.
    confusion = np.bincount(labels * classes + predicted, minlength=classes**2).reshape(classes, classes).astype(np.int64)
    support = confusion.sum(axis=1)
    majority = int(support.argmax())
    return Report(
        rows=len(labels),
        accuracy=proportion_interval(int(np.trace(confusion)), len(labels)),
        macro_f1=macro_f1_interval(confusion),
        weighted_f1=weighted_f1_interval(confusion),
        per_class=_class_scores(confusion, names),
        confusion=confusion,
        majority_share=int(support[majority]) / len(labels),
        majority_name=names[majority],
        label_names=names,
    )


def class_caveats(report: Report) -> tuple[str, ...]:
    """What the test rows cannot tell about some classes, in sentences; empty if every class has rows and was predicted."""
    scores, predicted = report.per_class, report.confusion.sum(axis=0)
    absent = [i for i, score in enumerate(scores) if not score.support]
    counted_as_zero = [i for i in absent if predicted[i]]
    never_predicted = [i for i, score in enumerate(scores) if score.support and not predicted[i]]
    sentences = []
    if absent:
        excluded = [i for i in absent if i not in counted_as_zero]
        sentences.append(f"No test rows: {_names(report, absent)}. How well {_it(absent)} recognised is unknown.")
        if excluded:
            sentences.append(f"Macro F1 excludes {_names(report, excluded)}.")
    if counted_as_zero:
        rows = pluralize(int(predicted[counted_as_zero].sum()), "row")
        sentences.append(
            f"Macro F1 counts {_names(report, counted_as_zero)} as 0, because the model predicted it for {rows} of other classes."
        )
    if never_predicted:
        sentences.append(f"Never predicted: {_names(report, never_predicted)}. So there is no precision, and F1 is 0.")
    return tuple(sentences)


def _names(report: Report, ids: list[int]) -> str:
    return quote_names((report.label_names[i] for i in ids), limit=5)


def _it(ids: list[int]) -> str:
    return "it is" if len(ids) == 1 else "they are"


def _class_scores(confusion: np.ndarray, names: tuple[str, ...]) -> tuple[ClassScore, ...]:
    """The scores of each class from its correct, its true and its predicted rows."""
    columns = (confusion.diagonal().tolist(), confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist())
    return tuple(
        ClassScore(
            name,
            precision=proportion_interval(correct, predicted) if support and predicted else None,
            recall=proportion_interval(correct, support) if support else None,
            f1=2 * correct / (support + predicted) if support else None,
            support=support,
        )
        for name, correct, support, predicted in zip(names, *columns, strict=True)
    )


def _validate(labels: np.ndarray, predicted: np.ndarray, classes: int) -> None:
    if labels.ndim != 1 or labels.shape != predicted.shape or not len(labels):
        raise ValueError(f"Labels {labels.shape} and predictions {predicted.shape} must have the same length, and at least one row.")
    both = np.concatenate([labels, predicted])
    if both.dtype.kind not in "iu" or both.min() < 0 or both.max() >= classes:
        raise ValueError(f"Label ids must be whole numbers from 0 to {classes - 1}; found {sorted(set(both.tolist()))[:10]}.")
