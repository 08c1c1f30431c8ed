"""Scores of texts that may have several labels, with 95 % intervals, from multi-hot labels and predictions, int64 (n, k).

The rows are the sample: what a row gets right for one label goes with what it gets right for another. Values are scikit-learn's.
"""

import numpy as np

from trainer.evaluation.intervals import Interval, proportion_interval, wilson_interval

_PSEUDO_ROWS = 4.0
"""Rows with a label that are added to it, as right as those of all labels: otherwise three that happen to be right would make a label certain."""


def macro_f1_interval(labels: np.ndarray, said: np.ndarray, *, design_effect: float = 1.0) -> Interval:
    """The unweighted mean of the F1 of the labels that occur in either, scikit-learn's with ``zero_division`` nan; 0 if none does.

    The variance is the delta method's over the rows, in which each label is at least as uncertain as its own F1 with a few rows more.
    """
    hits, both = (labels * said).sum(axis=0), (labels + said).sum(axis=0)
    occurring = both > 0
    if not occurring.any():
        return proportion_interval(0, len(labels))
    hits, both, weight = hits[occurring], both[occurring], 1 / occurring.sum()
    f1 = 2 * hits / both
    derivatives = (2 * labels * said)[:, occurring] / both - (labels + said)[:, occurring] * (f1 / both)
    smooth = (2 * hits + _PSEUDO_ROWS * (2 * hits.sum() + 1) / (both.sum() + 2)) / (both + _PSEUDO_ROWS)
    own = (derivatives**2).sum(axis=0)
    variance = float(((derivatives.sum(axis=1) * weight) ** 2).sum() + weight**2 * np.maximum(_f1_variance(smooth, both) - own, 0).sum())
    # Divide the sum once: the mean of ones is then exactly 1.
    return _interval(float(f1.sum() / occurring.sum()), float(smooth.mean()), variance, len(labels), design_effect)


def micro_f1_interval(labels: np.ndarray, said: np.ndarray, *, design_effect: float = 1.0) -> Interval:
    """The F1 of all pairs of a text and a label together; 0 if no text has or gets a label. The variance is the delta method's over the rows."""
    hits, both = (labels * said).sum(axis=1), (labels + said).sum(axis=1)
    if not both.any():
        return proportion_interval(0, len(labels))
    value = float(2 * hits.sum() / both.sum())
    variance = float((((2 * hits - value * both) / both.sum()) ** 2).sum())
    return _interval(value, value, variance, len(labels), design_effect)


def samples_f1_interval(labels: np.ndarray, said: np.ndarray, *, design_effect: float = 1.0) -> Interval:
    """The mean over the rows of the F1 of their labels; a row that has none and gets none counts as 1."""
    both = (labels + said).sum(axis=1)
    return _mean_interval(np.where(both > 0, 2 * (labels * said).sum(axis=1) / np.maximum(both, 1), 1.0), design_effect)


def hamming_loss_interval(labels: np.ndarray, said: np.ndarray, *, design_effect: float = 1.0) -> Interval:
    """The share of all pairs of a text and a label that are wrong."""
    return _mean_interval((labels != said).mean(axis=1), design_effect)


def exact_match_interval(labels: np.ndarray, said: np.ndarray, *, design_effect: float = 1.0) -> Interval:
    """The share of rows with exactly their labels."""
    return proportion_interval(int((labels == said).all(axis=1).sum()), len(labels), design_effect=design_effect)


def average_precision_interval(labels: np.ndarray, scores: np.ndarray, *, design_effect: float = 1.0) -> Interval | None:
    """The average precision of one label, (n,), by its scores (n,); None if no row has it or all have it.

    Its interval is that of a proportion of the rows with the label (Boyd, Eng & Page 2013, Area under the precision-recall curve).
    """
    positives = int(labels.sum())
    if not 0 < positives < len(labels):
        return None
    order = np.argsort(-scores, kind="stable")
    hits, ranked = np.cumsum(labels[order]), scores[order]
    ends = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)
    gained = np.diff(hits[ends], prepend=0)
    value = float((gained * hits[ends] / (ends + 1)).sum() / positives)
    low, high = wilson_interval(min(value, 1.0), positives / design_effect)
    return Interval(value, min(value, float(low)), max(value, float(high)))


def missed_and_said(labels: np.ndarray, said: np.ndarray) -> np.ndarray:
    """int64 (k, k): how many rows lack label i and have label j instead, which they should not; on the diagonal, those that rightly have label i."""
    missed, surplus = (labels > said).astype(np.int64), (said > labels).astype(np.int64)
    matrix = missed.T @ surplus
    np.fill_diagonal(matrix, (labels * said).sum(axis=0))
    return matrix


def labels_together(labels: np.ndarray) -> np.ndarray:
    """int64 (k, k): how many rows have both labels; on the diagonal, those that have one."""
    return labels.T @ labels


def _f1_variance(f1: np.ndarray, both: np.ndarray) -> np.ndarray:
    """The variance of an F1 = 2 s / (1 + s), where s is a proportion of the rows that have a label or get it (Hand, Christen & Kirielle 2021)."""
    share = f1 / (2 - f1)
    rows = both / (1 + share)
    return (2 / (1 + share) ** 2) ** 2 * share * (1 - share) / rows


def _mean_interval(values: np.ndarray, design_effect: float) -> Interval:
    mean = float(values.mean())
    return _interval(mean, mean, float(values.var() / len(values)), len(values), design_effect)


def _interval(value: float, smooth_value: float, variance: float, rows: int, design_effect: float) -> Interval:
    """Wilson's interval, with the number of rows at which a ratio of ``smooth_value`` has this variance; with ``rows`` if nothing varies."""
    effective = smooth_value * (1 - smooth_value) / variance if variance > 0 else float(rows)
    low, high = wilson_interval(min(max(value, 0.0), 1.0), effective / design_effect)
    return Interval(value, min(value, float(low)), max(value, float(high)))
