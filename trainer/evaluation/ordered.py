"""Scores of labels that are steps of a scale: by how many steps predictions are off, and the quadratic weighted kappa; each with its interval.

A mistake by one step is worse than none and better than one by four, which accuracy does not know.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.evaluation.intervals import Interval, proportion_interval, wilson_interval

_PSEUDO_ROWS = 2.0
"""Rows added to the counts for the variance, so that no score looks certain because few rows happen to be right; they do not move the scores."""


@dataclass(frozen=True)
class OrderedScores:
    """The scores of n rows over k steps. ``order``: the names from the lowest step to the highest.

    ``mean_distance``: steps between label and prediction, 0 to k - 1, on average. ``within_one``: the share of rows at most one step off.
    ``quadratic_kappa``: Cohen's kappa with quadratic weights (Cohen 1968), -1 to 1, where 0 is what chance gives; None if all rows and predictions
    have one step, where it is undefined.
    """

    order: tuple[str, ...]
    mean_distance: Interval
    within_one: Interval
    quadratic_kappa: Interval | None

    def to_dict(self) -> dict[str, Any]:
        """As JSON, in the form of ``Report.to_dict``."""
        scores = {name: getattr(self, name) for name in ("mean_distance", "within_one", "quadratic_kappa")}
        return {
            "order": list(self.order),
            **{name: score and score.value for name, score in scores.items()},
            "intervals": {name: score and [score.low, score.high] for name, score in scores.items()},
        }


def ordered_scores(confusion: np.ndarray, names: Sequence[str], order: Sequence[int], *, design_effect: float = 1.0) -> OrderedScores:
    """From the ``confusion`` (k, k) of classes ``names``, whose ids from the lowest step to the highest are ``order``; ``design_effect`` as in ScoredRows."""
    counts = confusion[np.ix_(order, order)].astype(float)
    k, rows = len(order), counts.sum()
    distance = np.abs(np.subtract.outer(np.arange(k), np.arange(k)))
    off = (counts * distance).sum() / rows
    within = int(counts[distance <= 1].sum())
    smooth = counts + _PSEUDO_ROWS * rows / (rows + _PSEUDO_ROWS) * _spread(counts)
    smooth *= rows / smooth.sum()
    mean = (smooth * distance).sum() / rows
    variance = (smooth * (distance - mean) ** 2).sum() / rows**2
    return OrderedScores(
        tuple(names[i] for i in order),
        _bounded(off, 0.0, k - 1.0, mean, variance * design_effect, rows / design_effect),
        proportion_interval(within, int(rows), design_effect=design_effect),
        _kappa(counts, smooth, distance, design_effect),
    )


def _spread(counts: np.ndarray) -> np.ndarray:
    """A distribution (k, k) of what rows would be if label and prediction had nothing to do with each other, and half of them were right."""
    truth, predicted = counts.sum(axis=1), counts.sum(axis=0)
    shares = (truth + predicted) / (2 * counts.sum())
    return 0.5 * np.outer(shares, shares) + 0.5 * np.diag(shares)


def _kappa(counts: np.ndarray, smooth: np.ndarray, distance: np.ndarray, design_effect: float) -> Interval | None:
    """Quadratic weighted kappa with the large-sample variance of Fleiss, Cohen & Everitt 1969."""
    value, _ = _kappa_and_variance(counts, distance)
    if value is None:
        return None
    centre, variance = _kappa_and_variance(smooth, distance)
    rows = counts.sum()
    return _bounded(value, -1.0, 1.0, centre, variance * design_effect, rows / design_effect)


def _kappa_and_variance(counts: np.ndarray, distance: np.ndarray) -> tuple[float | None, float]:
    n, k = counts.sum(), len(counts)
    shares = counts / n
    weights = 1 - (distance / (k - 1)) ** 2
    truth, predicted = shares.sum(axis=1), shares.sum(axis=0)
    observed, expected = (weights * shares).sum(), truth @ weights @ predicted
    if expected >= 1:
        return None, 0.0
    kappa = (observed - expected) / (1 - expected)
    means = (weights @ predicted)[:, None] + (truth @ weights)[None, :]
    variance = (shares * (weights - means * (1 - kappa)) ** 2).sum() - (kappa - expected * (1 - kappa)) ** 2
    return float(kappa), max(0.0, float(variance)) / (n * (1 - expected) ** 2)


def _bounded(value: float, least: float, most: float, centre: float, variance: float, rows: float) -> Interval:
    """Wilson's interval of a score between ``least`` and ``most``, as wide as that of a proportion of so many rows as have this variance."""
    width = most - least
    share, spread = (centre - least) / width, variance / width**2
    if spread > 0:
        rows = share * (1 - share) / spread
    position = float(np.clip((value - least) / width, 0.0, 1.0))
    low, high = wilson_interval(position, max(rows, 1e-9))
    return Interval(float(value), min(float(value), least + width * float(low)), max(float(value), least + width * float(high)))
