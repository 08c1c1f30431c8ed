"""What a run's probabilities are worth: the reliability diagram before and after the temperature, and the promises that can be kept."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.data.task import SINGLE_LABEL
from trainer.evaluation.abstaining import TARGETS, CurvePoint, Promise, answer_curve, find_promise
from trainer.evaluation.calibration import ReliabilityBin, expected_calibration_error, reliability, without_temperature
from trainer.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Reliability:
    """How well confidence and accuracy agree on the test rows: equal-count bins, and the expected calibration error, 0..1."""

    bins: tuple[ReliabilityBin, ...]
    error: float

    def to_dict(self) -> dict[str, Any]:
        return {"expected_calibration_error": self.error, "bins": [part.to_dict() for part in self.bins]}


@dataclass(frozen=True)
class ConfidenceReport:
    """``before`` is None if the model has no temperature. ``curve``: what could be answered of the test rows, and how much of it is right."""

    after: Reliability
    before: Reliability | None
    promises: tuple[Promise, ...]
    curve: tuple[CurvePoint, ...]

    def promise(self, target: float) -> Promise:
        """Raises KeyError for a share that is never promised."""
        return {promise.target: promise for promise in self.promises}[target]

    def to_dict(self) -> dict[str, Any]:
        before = self.before and self.before.to_dict()
        return {
            "calibration": {"after": self.after.to_dict(), "before": before},
            "promises": [promise.to_dict() for promise in self.promises],
        }


def confidence_report(predictions: Predictions, temperature: float | None) -> ConfidenceReport | None:
    """From the predictions of a run whose model has this ``temperature``; None for another task than one label a text, or without test rows."""
    validation, test = predictions.for_split("validation"), predictions.for_split("test")
    if predictions.task is not SINGLE_LABEL or not len(test):
        return None
    pairs = [confidence_and_right(part, part.probabilities) for part in (validation, test)]
    before = (
        None if temperature is None else _reliability(*confidence_and_right(test, without_temperature(test.probabilities, temperature)))
    )
    return ConfidenceReport(
        _reliability(*pairs[1]), before, tuple(find_promise(target, *pairs) for target in TARGETS), answer_curve(*pairs[1])
    )


def confidence_and_right(part: Predictions, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The probability of the predicted class of each row, float64 (n,), and whether it is the label, bool (n,)."""
    predicted = part.predicted
    return np.asarray(probabilities[np.arange(len(part)), predicted], dtype=float), predicted == part.labels


def _reliability(confidence: np.ndarray, right: np.ndarray) -> Reliability:
    bins = reliability(confidence, right)
    return Reliability(bins, expected_calibration_error(bins))
