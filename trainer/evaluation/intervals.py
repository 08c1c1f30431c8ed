"""95 % intervals of proportions and of averages of F1, from counts alone. Deterministic: the same counts give the same interval.

All of them are Wilson's score interval, which holds its 95 % near 0 and 1 too, never has zero width, and moves both ends down with each
further mistake. An average of F1 is not a proportion of rows; it gets the interval of a proportion of as many rows as make it equally
uncertain.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from statistics import NormalDist

import numpy as np

CONFIDENCE = 0.95
_PSEUDO_ROWS = 4.0
"""Rows added to each class, which are right as often as all rows are: otherwise three rows that happen to be right would make a class certain.
Chosen, like the second-order terms below, on simulated tables (tests/evaluation/test_intervals.py): with 2 the ends move less evenly from
mistake to mistake, with 8 or more the coverage leaves 92 to 98 % if classes differ."""

_RAREST_CLASSES = 12
"""Classes whose mistakes are undone one class at a time, so that a lower end does not rise."""


@dataclass(frozen=True)
class Interval:
    """A score in 0..1 and its 95 % interval; ``low <= value <= high`` always."""

    value: float
    low: float
    high: float


def wilson_interval(
    ratio: np.ndarray | float, rows: np.ndarray | float, *, confidence: float = CONFIDENCE
) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the score interval (Wilson 1927) of ``ratio`` (0..1) among ``rows`` (above 0, whole or not), element by element.

    The same numbers as ``scipy.stats.binomtest(k, n).proportion_ci(method="wilson")``, which takes whole rows one by one, 0.2 ms each.
    """
    z2 = NormalDist().inv_cdf((1 + confidence) / 2) ** 2
    ratio, rows = np.asarray(ratio, dtype=float), np.asarray(rows, dtype=float)
    middle = (ratio + z2 / (2 * rows)) / (1 + z2 / rows)
    half = np.sqrt(z2 * (ratio * (1 - ratio) / rows + z2 / (4 * rows**2))) / (1 + z2 / rows)
    # Rounding must not exclude a ratio of 0 or 1.
    return np.clip(middle - half, 0.0, ratio), np.clip(middle + half, ratio, 1.0)


def proportion_interval(hits: int, rows: int, *, design_effect: float = 1.0) -> Interval:
    """The ratio of ``hits`` to ``rows`` (at least 1) with its Wilson interval; with a ``design_effect`` of d, as uncertain as ``rows`` / d rows."""
    low, high = wilson_interval(hits / rows, rows / design_effect)
    return Interval(hits / rows, float(low), float(high))


def f1_interval(correct: int, support: int, predicted: int, *, design_effect: float = 1.0) -> Interval:
    """The F1 of one class with its interval: ``correct`` of its ``support`` true rows are predicted as such, ``predicted`` rows in all.

    F1 is 2 s / (1 + s), where s is a proportion: of the rows that are true or predicted rows of the class, those that are both (Hand, Christen &
    Kirielle 2021, F*: an interpretable transformation of the F-measure). Its Wilson interval is transformed alike.
    """
    share = proportion_interval(correct, support + predicted - correct, design_effect=design_effect)
    low, high = (2 * s / (1 + s) for s in (share.low, share.high))
    value = 2 * correct / (support + predicted)
    return Interval(value, min(low, value), max(high, value))


def folds_design_effect(folds: int) -> float:
    """By how much more uncertain a score from ``folds`` folds is than one on as many independent test rows; 1 without folds.

    The models share most of their training rows, so what they get right is correlated. Nadeau & Bengio 2003 (Inference for the generalization
    error) correct the variance of a mean over folds, sigma^2 / k, to sigma^2 (1 / k + n_test / n_train), which is 1 + k / (k - 1) times as much.
    """
    return 1 + folds / (folds - 1) if folds > 1 else 1.0


def macro_f1_interval(confusion: np.ndarray) -> Interval:
    """The unweighted mean of the F1 of the classes that occur in labels or predictions (scikit-learn's definition), with its interval.

    ``confusion`` (k, k) counts rows of a true class (row) and a predicted one (column), at least one in all. The variance is the delta
    method's (Takahashi, Yamamoto, Kuchiba & Koyama 2022, Confidence interval for micro-averaged F1 and macro-averaged F1 scores), to
    which each class adds 2 f (1 - f) / b^2, and the interval is centred on the mean of f + f (1 - f) / b: the second-order terms of a
    ratio to b, the number of its true and predicted rows, which matter in classes of few rows. The lower end is that of ``_monotone``.
    """
    return _monotone(_macro_f1, confusion)


def weighted_f1_interval(confusion: np.ndarray) -> Interval:
    """The mean of the classes' F1, weighted by their true rows, with its interval; ``confusion`` as for ``macro_f1``.

    The variance is the delta method's, including that of the weights. It needs no second-order terms: classes of few rows hardly count.
    """
    return _monotone(_weighted_f1, confusion)


def _monotone(interval_of: Callable[[np.ndarray], Interval], confusion: np.ndarray) -> Interval:
    """The interval with its lower end no higher than with some of the mistakes undone: one more mistake must not make a score look more certain.

    The first mistake in a rare class makes an average of F1 less certain than the next ones elsewhere, after which the end would rise again.
    A quarter, half, three quarters and all of the mistakes are undone, and those of each of the rarest classes alone, or all others.
    """
    interval = interval_of(confusion)
    return replace(interval, low=min([interval.low, *(interval_of(better).low for better in _with_mistakes_undone(confusion))]))


def _with_mistakes_undone(confusion: np.ndarray) -> Iterator[np.ndarray]:
    truth = confusion.sum(axis=1)
    all_right = np.diag(truth)
    with_mistakes = np.flatnonzero(truth > confusion.diagonal())
    if not len(with_mistakes):
        return
    for fraction in (0.25, 0.5, 0.75, 1.0):
        yield (1 - fraction) * confusion + fraction * all_right
    for i in with_mistakes[np.argsort(truth[with_mistakes], kind="stable")][:_RAREST_CLASSES]:
        without, only = confusion.copy(), all_right.copy()
        without[i], only[i] = all_right[i], confusion[i]
        yield without
        yield only


def _macro_f1(confusion: np.ndarray) -> Interval:
    occurring = _occurring(confusion)
    f1, both = _f1(confusion)
    both = np.maximum(both, 2)  # as if one true row were predicted right
    # Divide the sum once: the mean of ones is then exactly 1.
    value, weights = float(f1.sum() / occurring.sum()), occurring / occurring.sum()
    smooth, shrunk = _smoothed(confusion, occurring)
    expected = _f1(smooth)[0]
    second_order = expected * (1 - expected) / both
    variance = float((shrunk * _f1_gradient(shrunk, weights) ** 2).sum() + 2 * (weights**2 * second_order / both).sum())
    return _interval(value, value + float(weights @ second_order), float(weights @ _f1(shrunk)[0]), variance, confusion)


def _weighted_f1(confusion: np.ndarray) -> Interval:
    truth = confusion.sum(axis=1)
    value, weights = float(truth @ _f1(confusion)[0] / truth.sum()), truth / truth.sum()
    _, shrunk = _smoothed(confusion, _occurring(confusion))
    f1 = _f1(shrunk)[0]
    centre = float(weights @ f1)
    gradient = _f1_gradient(shrunk, weights) + ((f1 - centre) / truth.sum())[:, None]
    return _interval(value, value, centre, float((shrunk * gradient**2).sum()), confusion)


def _interval(value: float, centre: float, smooth_value: float, variance: float, confusion: np.ndarray) -> Interval:
    """Wilson's interval around ``centre``, with the number of rows at which a ratio of ``smooth_value`` has this variance."""
    rows = smooth_value * (1 - smooth_value) / variance if variance > 0 else confusion.sum()
    low, high = wilson_interval(min(centre, 1.0), rows)
    return Interval(value, min(value, float(low)), max(value, float(high)))


def _occurring(confusion: np.ndarray) -> np.ndarray:
    """Which classes occur in labels or predictions, bool (k,)."""
    return confusion.sum(axis=0) + confusion.sum(axis=1) > 0


def _f1(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """F1 of each class (0 if it does not occur), and the sum of its true and predicted rows; both (k,)."""
    both = confusion.sum(axis=0) + confusion.sum(axis=1)
    return np.divide(2 * confusion.diagonal(), both, out=np.zeros(len(both)), where=both > 0), both


def _smoothed(confusion: np.ndarray, occurring: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The counts with pseudo rows in each class that occurs; and these scaled back to each class's own number of rows.

    The pseudo rows are wrong as often as all rows with one right and one wrong added, and then predict all other classes equally often.
    """
    rows, classes = confusion.sum(), occurring.sum()
    wrong = (rows - np.trace(confusion) + 1) / (rows + 2)
    pseudo = np.outer(occurring, occurring) * _PSEUDO_ROWS * wrong / max(classes - 1, 1)
    np.fill_diagonal(pseudo, occurring * _PSEUDO_ROWS * (1 - wrong))
    smooth = confusion + pseudo
    truth, smoothed = confusion.sum(axis=1), smooth.sum(axis=1)
    return smooth, smooth * np.divide(truth, smoothed, out=np.zeros(len(smoothed)), where=smoothed > 0)[:, None]


def _f1_gradient(confusion: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """The change of the weighted sum of the classes' F1 by one more row in each cell, for fixed weights: (k, k)."""
    f1, both = _f1(confusion)
    scale = np.divide(weights, both, out=np.zeros(len(both)), where=both > 0)
    gradient = -(scale * f1)[:, None] - (scale * f1)[None, :]
    gradient[np.diag_indices(len(both))] += 2 * scale
    return gradient
