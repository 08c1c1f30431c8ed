"""Labels and predictions -> the report: accuracy, F1 with their uncertainty, scores per class, the confusion matrix.

It knows neither texts nor probabilities; the baselines worth comparing with are elsewhere, except the simplest: always the same answer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.evaluation.intervals import Interval, macro_f1_interval, proportion_interval, weighted_f1_interval
from trainer.text_format import pluralize, quote_names


@dataclass(frozen=True)
class ClassScore:
    """One class: shares in 0..1 with their Wilson intervals, and ``support``, its number of true rows.

    None is what cannot be told: all three of a class without true rows, and the precision of one that was never predicted, whose F1 is 0.
    """

    name: str
    precision: Interval | None
    recall: Interval | None
    f1: float | None
    support: int

    def to_dict(self) -> dict[str, Any]:
        shares = {"precision": self.precision, "recall": self.recall}
        return {
            **{name: share and share.value for name, share in shares.items()},
            "f1": self.f1,
            "support": self.support,
            "intervals": {name: share and [share.low, share.high] for name, share in shares.items()},
        }


@dataclass(frozen=True, eq=False)
class Report:
    """The judgement of one split.

    ``confusion`` int64 (k, k): rows are the true class, columns the predicted one; it sums to ``rows``. ``per_class`` has all k classes
    in order of their ids, also those that do not occur. ``majority_share`` is the accuracy of always answering ``majority_name``, the
    most frequent class of this split (the first of them where two are equal). Compared by identity.
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
        """The id of the class with the lowest F1 among those with true rows; None where these are fewer than two or all alike."""
        f1 = {i: score.f1 for i, score in enumerate(self.per_class) if score.f1 is not None}
        return min(f1, key=f1.__getitem__) if len(set(f1.values())) > 1 else None

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON for the terminal and the model card; ``per_class`` is keyed by class name, None is what cannot be told."""
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

    Macro F1 is the plain mean of the F1 of the classes that occur in truth or prediction, which is scikit-learn's default (a class that
    neither the test rows nor the model ever name says nothing about the model; one that is predicted without having true rows counts as
    0). Weighted F1 weights by support. Raises ValueError for no rows, lengths that differ or ids out of range.
    """
    labels, predicted, names = np.asarray(labels), np.asarray(predicted), tuple(label_names)
    _refuse_nonsense(labels, predicted, len(names))
    labels, predicted = labels.astype(np.int64), predicted.astype(np.int64)
    classes = len(names)
    # As scikit-learn's, which warns when there is only one class.
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
    """What the test rows cannot tell of some classes, in sentences for people; none where every class has rows and was predicted."""
    scores, predicted = report.per_class, report.confusion.sum(axis=0)
    absent = [i for i, score in enumerate(scores) if not score.support]
    counted_as_zero = [i for i in absent if predicted[i]]
    silent = [i for i, score in enumerate(scores) if score.support and not predicted[i]]
    sentences = []
    if absent:
        left_out = [i for i in absent if i not in counted_as_zero]
        sentences.append(f"No test rows: {_names(report, absent)}. How well {_it(absent)} recognised cannot be told.")
        if left_out:
            sentences.append(f"Macro F1 leaves {_names(report, left_out)} out.")
    if counted_as_zero:
        rows = pluralize(int(predicted[counted_as_zero].sum()), "row")
        sentences.append(f"Macro F1 counts {_names(report, counted_as_zero)} as 0, as the model gave {rows} of other classes this answer.")
    if silent:
        sentences.append(f"Never predicted: {_names(report, silent)}. So there is no precision, and F1 is 0.")
    return tuple(sentences)


def _names(report: Report, ids: list[int]) -> str:
    return quote_names((report.label_names[i] for i in ids), limit=5)


def _it(ids: list[int]) -> str:
    return "it is" if len(ids) == 1 else "they are"


def _class_scores(confusion: np.ndarray, names: tuple[str, ...]) -> tuple[ClassScore, ...]:
    """The scores of each class from its hits, its true rows and the rows that were said to be of it."""
    columns = (confusion.diagonal().tolist(), confusion.sum(axis=1).tolist(), confusion.sum(axis=0).tolist())
    return tuple(
        ClassScore(
            name,
            precision=proportion_interval(hits, predicted) if support and predicted else None,
            recall=proportion_interval(hits, support) if support else None,
            f1=2 * hits / (support + predicted) if support else None,
            support=support,
        )
        for name, hits, support, predicted in zip(names, *columns, strict=True)
    )


def _refuse_nonsense(labels: np.ndarray, predicted: np.ndarray, classes: int) -> None:
    if labels.ndim != 1 or labels.shape != predicted.shape or not len(labels):
        raise ValueError(f"Labels {labels.shape} and predictions {predicted.shape} must be two lists of one length, of at least one row.")
    both = np.concatenate([labels, predicted])
    if both.dtype.kind not in "iu" or both.min() < 0 or both.max() >= classes:
        raise ValueError(f"Label ids must be whole numbers from 0 to {classes - 1}; found {sorted(set(both.tolist()))[:10]}.")
