"""Temperature scaling: probabilities that are right as often as they say, and how well they are before and after. Pure numpy and scipy.

The one parameter is fitted on validation rows; test rows only show what it does.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.data.logits import logits_of
from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.intervals import Interval, proportion_interval

MIN_ROWS = 30
"""Fewer validation rows than this say nothing about a temperature."""
_FOLDS = 5
_SEED = 20_170_806
_BOUNDS = (0.05, 20.0)
"""Of the temperature. Where every row is right, the best one is 0."""
_BINS, _ROWS_A_BIN = 10, 20


@dataclass(frozen=True)
class Calibration:
    """A temperature, and the mean negative log-likelihood in nats of ``rows`` validation rows without it and with it.

    ``nll_after`` is cross-validated: each row has the temperature of the folds without it. The model gets the temperature only if it falls.
    For several labels a text each label has a temperature of its own, and a shift that is then added to its logits; ``temperature`` is their mean.
    """

    temperature: float
    nll_before: float
    nll_after: float
    rows: int
    temperatures: tuple[float, ...] = ()
    shifts: tuple[float, ...] = ()

    def logits(self, logits: np.ndarray) -> np.ndarray:
        """The calibrated logits (n, k), of the same type."""
        if not self.temperatures:
            return logits / logits.dtype.type(self.temperature)
        return (logits / np.array(self.temperatures) + np.array(self.shifts)).astype(logits.dtype)

    def cuts(self, cuts: Sequence[float]) -> tuple[float, ...]:
        """The cuts with which the calibrated probabilities say what the others said with these; none for none."""
        if not cuts:
            return ()
        calibrated = self.logits(logits_of(cuts))
        return tuple(round(cut, 4) for cut in SEVERAL_LABELS.probabilities(calibrated).tolist())

    def scaled(self, probabilities: np.ndarray) -> np.ndarray:
        """Probabilities (n, k) of another model that is as bold, which then say the same with even cuts: without the shifts, which move cuts."""
        if not self.temperatures:
            return with_temperature(probabilities, self.temperature)
        return SEVERAL_LABELS.probabilities(logits_of(probabilities) / np.array(self.temperatures))

    @property
    def kept(self) -> bool:
        return self.nll_after < self.nll_before


@dataclass(frozen=True)
class ReliabilityBin:
    """Rows of similar confidence: their mean confidence in 0..1, and how often they are right, with its interval."""

    rows: int
    confidence: float
    accuracy: Interval

    def to_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "confidence": self.confidence, "accuracy": self.accuracy.value}


def calibrate(logits: np.ndarray, labels: np.ndarray) -> Calibration | None:
    """The temperature for logits (n, k) of validation rows with labels (n,); None below 30 rows, or if it cannot be found. Deterministic.

    Guo, Pleiss, Sun & Weinberger 2017, On Calibration of Modern Neural Networks: logits are divided by one number, which changes no prediction.
    """
    logits, labels = np.asarray(logits, dtype=float), np.asarray(labels)
    n = len(labels)
    if n < MIN_ROWS or not np.isfinite(logits).all():
        return None
    folds = np.random.default_rng(_SEED).permutation(n) % _FOLDS
    after = np.empty(n)
    for fold in range(_FOLDS):
        left_out = folds == fold
        temperature = fit_temperature(logits[~left_out], labels[~left_out])
        after[left_out] = row_nll(logits[left_out] / temperature, labels[left_out])
    return Calibration(fit_temperature(logits, labels), float(row_nll(logits, labels).mean()), float(after.mean()), n)


def fit_temperature(logits: np.ndarray, labels: np.ndarray) -> float:
    """The temperature in 0.05..20 with the lowest mean negative log-likelihood, which has one minimum in the inverse of the temperature.

    One more row of some other class is imagined, spread over all rows (Platt 2000, Probabilistic outputs for support vector machines): if every
    row is right, the best temperature would otherwise be 0, and the model would never doubt again.
    """
    # Imported late: it takes a tenth of a second.
    from scipy.optimize import minimize_scalar

    low, high = np.log(_BOUNDS)
    # What a label's logit loses to the mean of all, if the label is a little spread out.
    spread = (logits[np.arange(len(labels)), labels] - logits.mean(axis=1)).mean() / (len(labels) + 2)

    def loss(log_temperature: float) -> float:
        temperature = np.exp(log_temperature)
        return float(row_nll(logits / temperature, labels).mean() + spread / temperature)

    return float(np.exp(minimize_scalar(loss, bounds=(low, high), method="bounded", options={"xatol": 1e-6}).x))


def row_nll(logits: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The negative log-likelihood of each row, (n,), in nats."""
    from scipy.special import logsumexp

    return logsumexp(logits, axis=1) - logits[np.arange(len(labels)), labels]


def without_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities (n, k) that the logits had before they were divided by ``temperature``."""
    powers = np.asarray(probabilities, dtype=float) ** temperature
    return powers / powers.sum(axis=1, keepdims=True)


def with_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The probabilities (n, k) after the logits were divided by ``temperature``."""
    return without_temperature(probabilities, 1 / temperature)


def reliability(confidence: np.ndarray, right: np.ndarray) -> tuple[ReliabilityBin, ...]:
    """Up to ten bins of equally many rows, by rising confidence; fewer below 200 rows, so that each has about 20. Both arrays are (n,)."""
    n = len(confidence)
    if not n:
        return ()
    order = np.argsort(confidence, kind="stable")
    parts = np.array_split(order, min(_BINS, max(1, n // _ROWS_A_BIN)))
    return tuple(
        ReliabilityBin(len(part), float(np.mean(confidence[part], dtype=float)), proportion_interval(int(right[part].sum()), len(part)))
        for part in parts
    )


def expected_calibration_error(bins: Sequence[ReliabilityBin]) -> float:
    """How far confidence and accuracy are apart on average, 0..1, each bin weighted by its rows (Naeini, Cooper & Hauskrecht 2015)."""
    return sum(part.rows * abs(part.confidence - part.accuracy.value) for part in bins) / sum(part.rows for part in bins)
