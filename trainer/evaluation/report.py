"""Labels and predictions -> the report: accuracy, F1 with their uncertainty, scores per class, the confusion matrix.

It knows neither texts nor probabilities; the baselines worth comparing with are elsewhere, except the simplest: always the same answer.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

_DRAWS = 2000
_SEED = 20_240_229


@dataclass(frozen=True)
class Interval:
    """A share (0..1) and its 95 % interval; ``low <= value <= high`` always."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ClassScore:
    """One class: shares in 0..1 (0 where there is nothing to divide by) and ``support``, its number of true rows."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int


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

    def to_dict(self) -> dict[str, Any]:
        """The same as JSON for the terminal and the model card; ``per_class`` is keyed by class name."""
        averages = {"accuracy": self.accuracy, "macro_f1": self.macro_f1, "weighted_f1": self.weighted_f1}
        return {
            **{name: interval.value for name, interval in averages.items()},
            "per_class": {c.name: {"precision": c.precision, "recall": c.recall, "f1": c.f1, "support": c.support} for c in self.per_class},
            "rows": self.rows,
            "intervals": {name: [interval.low, interval.high] for name, interval in averages.items()},
            "majority": {"name": self.majority_name, "share": self.majority_share},
        }


def make_report(labels: np.ndarray, predicted: np.ndarray, label_names: tuple[str, ...]) -> Report:
    """Compare ``labels`` with ``predicted``, both int (n,) of ids into ``label_names``; n is at least 1.

    Macro F1 is the plain mean of the F1 of the classes that occur in truth or prediction, which is scikit-learn's default (a class that
    neither the test rows nor the model ever name says nothing about the model). Weighted F1 weights by support. Raises ValueError for
    no rows, lengths that differ or ids out of range.
    """
    from sklearn.metrics import precision_recall_fscore_support

    labels, predicted, names = np.asarray(labels), np.asarray(predicted), tuple(label_names)
    _refuse_nonsense(labels, predicted, len(names))
    labels, predicted = labels.astype(np.int64), predicted.astype(np.int64)
    ids = np.arange(len(names))
    # As scikit-learn's, which warns when there is only one class.
    confusion = np.bincount(labels * len(ids) + predicted, minlength=len(ids) ** 2).reshape(len(ids), len(ids)).astype(np.int64)
    columns = precision_recall_fscore_support(labels, predicted, labels=ids, zero_division=0)
    scores = tuple(
        ClassScore(name, float(p), float(r), float(f1), int(support)) for name, p, r, f1, support in zip(names, *columns, strict=True)
    )
    accuracy, macro_f1, weighted_f1 = _intervals(confusion)
    majority = int(confusion.sum(axis=1).argmax())
    return Report(
        rows=len(labels),
        accuracy=accuracy,
        macro_f1=macro_f1,
        weighted_f1=weighted_f1,
        per_class=scores,
        confusion=confusion,
        majority_share=scores[majority].support / len(labels),
        majority_name=names[majority],
        label_names=names,
    )


def _refuse_nonsense(labels: np.ndarray, predicted: np.ndarray, classes: int) -> None:
    if labels.ndim != 1 or labels.shape != predicted.shape or not len(labels):
        raise ValueError(f"Labels {labels.shape} and predictions {predicted.shape} must be two lists of one length, of at least one row.")
    both = np.concatenate([labels, predicted])
    if both.dtype.kind not in "iu" or both.min() < 0 or both.max() >= classes:
        raise ValueError(f"Label ids must be whole numbers from 0 to {classes - 1}; found {sorted(set(both.tolist()))[:10]}.")


def _intervals(confusion: np.ndarray) -> list[Interval]:
    """Accuracy, macro F1 and weighted F1 with 95 % percentile bootstrap intervals over rows (Efron 1979), always the same for one matrix.

    All three are functions of the confusion matrix, and drawing n rows with replacement is drawing its cells from a multinomial, so that
    no row is touched. Two corrections: the point is never left outside, which the percentile method does not promise; and where every row
    was right, or every row wrong, all draws are alike and the bootstrap would claim certainty. There the exact binomial bound
    (Clopper & Pearson 1934) stands in, for F1 too: it is at least as uncertain as the accuracy.
    """
    true, said = np.nonzero(confusion)
    counts, n = confusion[true, said], int(confusion.sum())
    generator = np.random.default_rng(_SEED)
    # In pieces that fit the processor's cache: 2,000 draws of a 500-class matrix would be 100 MB at once.
    at_once = max(1, 100_000 // len(counts))
    pieces = [min(at_once, _DRAWS - start) for start in range(0, _DRAWS, at_once)]
    draws = [_averages(generator.multinomial(n, counts / n, size=piece), true, said) for piece in pieces]
    values = _averages(counts[None], true, said)[:, 0]
    low, high = np.percentile(np.concatenate(draws, axis=1), [2.5, 97.5], axis=1)
    hits = int(np.trace(confusion))
    if hits == n:
        low = np.minimum(low, 0.025 ** (1 / n))
    elif hits == 0:
        high = np.maximum(high, 1 - 0.025 ** (1 / n))
    return [Interval(float(v), float(min(v, lo)), float(max(v, hi))) for v, lo, hi in zip(values, low, high, strict=True)]


def _averages(cells: np.ndarray, true: np.ndarray, said: np.ndarray) -> np.ndarray:
    """(3, draws): accuracy, macro F1, weighted F1 of each draw; ``cells`` (draws, m) counts the cells (true[i], said[i]), by rows."""
    n = cells.sum(axis=1)
    truth, predictions, hits = (np.zeros((len(cells), int(max(true.max(), said.max())) + 1)) for _ in range(3))
    # The cells come sorted by true class, and a second order sorts them by predicted class: sums of runs are cheaper than a product
    # with an indicator matrix (m x classes).
    classes, starts = np.unique(true, return_index=True)
    truth[:, classes] = np.add.reduceat(cells, starts, axis=1)
    order = np.argsort(said, kind="stable")
    classes, starts = np.unique(said[order], return_index=True)
    predictions[:, classes] = np.add.reduceat(cells[:, order], starts, axis=1)
    diagonal = true == said
    hits[:, true[diagonal]] = cells[:, diagonal]
    both = truth + predictions
    f1 = np.divide(2 * hits, both, out=np.zeros_like(both), where=both > 0)
    return np.stack([hits.sum(axis=1) / n, f1.sum(axis=1) / (both > 0).sum(axis=1), (f1 * truth).sum(axis=1) / n])
