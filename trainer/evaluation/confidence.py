"""What a run's probabilities are worth: the reliability diagram before and after the temperature, and the promises that can be kept."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.data.task import SINGLE_LABEL, Task
from trainer.evaluation.abstaining import NEVER, TARGETS, CurvePoint, Promise, answer_curve, find_promise
from trainer.evaluation.calibration import ReliabilityBin, expected_calibration_error, reliability
from trainer.evaluation.metrics import EVALUATIONS
from trainer.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Reliability:
    """How well the probabilities of what is said of the test rows agree with how often it is right: equal-count bins, and the expected calibration
    error, 0..1."""

    bins: tuple[ReliabilityBin, ...]
    error: float

    def to_dict(self) -> dict[str, Any]:
        return {"expected_calibration_error": self.error, "bins": [part.to_dict() for part in self.bins]}


@dataclass(frozen=True)
class ConfidenceReport:
    """``before`` is None if the model has no temperature, or one for each label, of which a run's log has only the mean. ``curve``: what could be answered of the test rows, and how much of it is right."""

    after: Reliability
    before: Reliability | None
    promises: tuple[Promise, ...]
    curve: tuple[CurvePoint, ...]
    task: Task = SINGLE_LABEL

    def promise(self, target: float) -> Promise:
        """Raises KeyError for a share that is never promised."""
        return {promise.target: promise for promise in self.promises}[target]

    def to_dict(self) -> dict[str, Any]:
        before = self.before and self.before.to_dict()
        return {
            "calibration": {"after": self.after.to_dict(), "before": before},
            "promises": [promise.to_dict() for promise in self.promises],
        }


@dataclass(frozen=True, eq=False)
class Statements:
    """What a model says of n rows, m labels in all: the row of each, (m,) int64, its probability, (m,) float64, and whether the row has it, (m,) bool."""

    n_rows: int
    rows: np.ndarray
    probabilities: np.ndarray
    right: np.ndarray

    @property
    def surest(self) -> tuple[np.ndarray, np.ndarray]:
        """``confidence`` and ``mistaken`` of the rows, (n,) float64 each, as ``abstaining`` has them."""
        confidence, mistaken = np.full(self.n_rows, NEVER), np.full(self.n_rows, NEVER)
        np.maximum.at(confidence, self.rows, self.probabilities)
        np.maximum.at(mistaken, self.rows[~self.right], self.probabilities[~self.right])
        return confidence, mistaken


def confidence_report(predictions: Predictions, temperature: float | None) -> ConfidenceReport | None:
    """From the predictions of a run whose model has this ``temperature``; None without test rows, or if nothing is said of them."""
    validation, test = predictions.for_split("validation"), predictions.for_split("test")
    said = statements(test, test.probabilities)
    if not len(said.rows):
        return None
    pairs = (statements(validation, validation.probabilities).surest, said.surest)
    uncalibrated = EVALUATIONS[predictions.task.key].uncalibrated
    before = None if temperature is None or uncalibrated is None else statements(test, uncalibrated(test.probabilities, temperature))
    return ConfidenceReport(
        _reliability(said),
        None if before is None else _reliability(before),
        tuple(find_promise(target, *pairs) for target in TARGETS),
        answer_curve(*pairs[1]),
        predictions.task,
    )


def statements(part: Predictions, probabilities: np.ndarray) -> Statements:
    """What is said of the rows of a split, with ``probabilities`` (n, k)."""
    rows, labels = part.task.label_pairs(part.predicted)
    true_rows, true_labels = part.task.label_pairs(part.labels)
    classes = len(part.label_names)
    right = np.isin(rows * classes + labels, true_rows * classes + true_labels)
    return Statements(len(part), rows, np.asarray(probabilities[rows, labels], dtype=float), right)


def _reliability(said: Statements) -> Reliability:
    bins = reliability(said.probabilities, said.right)
    return Reliability(bins, expected_calibration_error(bins))
