"""Answering only where it is safe: a threshold on the confidence with which a promised share of the answers is right. Pure numpy and scipy.

Validation rows choose the threshold; test rows only show what it does. Rows are given as ``confidence`` (n,), the highest probability with which anything
is said of each, and ``mistaken`` (n,), the highest with which anything wrong is: a row is answered from a threshold on if its confidence reaches it, and
right if no mistake does. Both are ``NEVER`` where nothing is said, or nothing wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.evaluation.intervals import Interval, proportion_interval

TARGETS = (0.80, 0.85, 0.90, 0.95, 0.98)
"""Shares of right answers that can be promised."""
NEVER = -1.0
"""Below every threshold."""
_RISK = 0.05
"""How often a promise may be broken."""
_STRICTEST, _OTHERS = 0.5, 0.25
"""The parts of the risk that the three starts of the search have: the strictest, and the other two each."""
_STEPS = 60
"""Thresholds that are tried at most, from the strictest on."""
_MOST_ROWS = 1_000_000
_CURVE_POINTS = 60


@dataclass(frozen=True)
class Answers:
    """Of ``rows`` rows so many are ``answered``, and so many of these are ``right``."""

    rows: int
    answered: int
    right: int

    @property
    def share(self) -> Interval:
        """Of the rows that are answered."""
        return proportion_interval(self.answered, self.rows)

    @property
    def accuracy(self) -> Interval | None:
        """Of the answers; None without any."""
        return proportion_interval(self.right, self.answered) if self.answered else None

    def to_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "answered": self.answered, "right": self.right}


@dataclass(frozen=True)
class Promise:
    """What the model can keep of "at least ``target`` of the answers are right", with a confidence of 95 %.

    ``threshold``: it says nothing with a lower probability than this; None if no threshold keeps the promise, and ``rows_needed`` is
    then about how many validation rows would do, None if this model would need to be better.
    """

    target: float
    threshold: float | None
    validation: Answers | None
    test: Answers | None
    rows_needed: int | None = None

    def to_dict(self) -> dict[str, Any]:
        parts = {"validation": self.validation, "test": self.test}
        return {
            "target": self.target,
            "threshold": self.threshold,
            **{name: part and part.to_dict() for name, part in parts.items()},
            "rows_needed": self.rows_needed,
        }


@dataclass(frozen=True)
class CurvePoint:
    """With some threshold: the share of rows that are answered, and the share of the answers that are right."""

    share: float
    accuracy: float


def find_promise(
    target: float, validation: tuple[np.ndarray, np.ndarray], test: tuple[np.ndarray, np.ndarray], *, risk: float = _RISK
) -> Promise:
    """The least strict threshold that keeps a promise; each pair is ``confidence`` and ``mistaken``."""
    threshold = find_threshold(*validation, target, risk=risk)
    if threshold is None:
        return Promise(target, None, None, None, rows_needed(*validation, target, risk=risk))
    return Promise(target, threshold, answers(*validation, threshold), answers(*test, threshold))


def find_threshold(confidence: np.ndarray, mistaken: np.ndarray, target: float, *, risk: float = _RISK) -> float | None:
    """The lowest confidence from which on at least ``target`` of the answers are right, except with probability ``risk``; None if none is sure.

    Fixed-sequence testing (Angelopoulos, Bates, Candès, Jordan & Lei 2021, Learn then Test): thresholds are tried from a strict one on, until the
    first that fails. Which are tried depends on the confidences alone, not on what is right. Each test is Clopper and Pearson's one-sided lower
    bound (1934). There are three starts, which share the risk (the paper's section on multiple starts): the strictest answers as many rows as allow half of
    the promised mistakes, the others answer half of the rows and all of them, for a model whose mistakes have little to do with its confidence.
    """
    ordered = _falling(confidence)
    n, found = len(ordered), []
    first = _least_rows(lambda sizes: sizes - np.floor(sizes * (1 - target) / 2), target, n, risk * _STRICTEST)
    for start, part_of_risk in ((first, risk * _STRICTEST), (n // 2, risk * _OTHERS), (n, risk * _OTHERS)):
        if not start:
            continue
        counts = np.unique(np.linspace(start, n, _STEPS).round().astype(int))
        # Last, everything is said: of texts that are all answered, further labels.
        thresholds = list(dict.fromkeys([*ordered[counts - 1].tolist(), 0.0]))
        parts = [answers(confidence, mistaken, threshold) for threshold in thresholds]
        bounds = _lower_bounds(np.array([part.right for part in parts]), np.array([part.answered for part in parts]), part_of_risk)
        kept = int(np.cumprod(bounds >= target).sum())
        found += [threshold for number, threshold in enumerate(thresholds[:kept]) if not number or parts[number] != parts[number - 1]]
    return min(found, default=None)


def rows_needed(confidence: np.ndarray, mistaken: np.ndarray, target: float, *, risk: float = _RISK) -> int | None:
    """About how many validation rows would keep the promise, if further ones were like these: two leading digits; None for more than a million."""
    sizes = []
    for part in _prefixes(confidence, mistaken):
        # A few rows that happen to be right promise nothing: one of each kind is added (Laplace).
        accuracy, share = (part.right + 1) / (part.answered + 2), part.answered / part.rows
        if accuracy > target:
            answered = _least_rows(lambda rows, accuracy=accuracy: np.floor(accuracy * rows), target, _MOST_ROWS, risk * _OTHERS)
            sizes += [] if answered is None else [answered / share]
    least = min(sizes, default=_MOST_ROWS + 1)
    if least > _MOST_ROWS:
        return None
    # It never says fewer than there are: those do not suffice.
    least = max(least, len(confidence) + 1)
    unit = 10 ** max(0, int(np.log10(least)) - 1)
    return int(np.ceil(least / unit) * unit)


def answers(confidence: np.ndarray, mistaken: np.ndarray, threshold: float) -> Answers:
    """What is answered from ``threshold`` on."""
    answered, wrong = (np.asarray(highest, dtype=float) >= threshold for highest in (confidence, mistaken))
    return Answers(len(confidence), int(answered.sum()), int((answered & ~wrong).sum()))


def answer_curve(confidence: np.ndarray, mistaken: np.ndarray) -> tuple[CurvePoint, ...]:
    """From the strictest threshold on: how much is answered, and how much of it is right."""
    return tuple(CurvePoint(part.answered / part.rows, part.right / part.answered) for part in _prefixes(confidence, mistaken))


def _falling(confidence: np.ndarray) -> np.ndarray:
    """The confidences of the rows of which anything is said, the highest first."""
    ordered = np.sort(np.asarray(confidence, dtype=float))[::-1]
    return ordered[ordered > NEVER]


def _prefixes(confidence: np.ndarray, mistaken: np.ndarray) -> Sequence[Answers]:
    """The most confident rows, in steps up to all of which anything is said, and everything that is; rows of equal confidence are answered together."""
    ordered = _falling(confidence)
    if not len(ordered):
        return ()
    counts = np.unique(np.linspace(1, len(ordered), _CURVE_POINTS).round().astype(int))
    return tuple(dict.fromkeys(answers(confidence, mistaken, threshold) for threshold in (*ordered[counts - 1].tolist(), 0.0)))


def _least_rows(right_of: Callable[[np.ndarray], np.ndarray], target: float, most: int, risk: float) -> int | None:
    """The least number of answered rows, up to ``most``, that show the target if ``right_of`` them are right; to 2 %, None if no number does."""
    if not most:
        return None
    sizes = np.unique(np.minimum(np.r_[np.arange(1, 100), np.geomspace(100, max(most, 100), 500).astype(int)], most))
    enough = np.flatnonzero(_lower_bounds(right_of(sizes), sizes, risk) >= target)
    return int(sizes[enough[0]]) if len(enough) else None


def _lower_bounds(right: np.ndarray, answered: np.ndarray, risk: float) -> np.ndarray:
    """Clopper and Pearson's one-sided lower bounds of shares, element by element; 0 without any right row."""
    # Imported late: scipy.stats takes half a second to import.
    from scipy.stats import beta

    return np.where(right > 0, beta.ppf(risk, np.maximum(right, 1), answered - right + 1), 0.0)
