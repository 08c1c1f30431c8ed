"""The outcome of a run, to compare an interrupted training with an undisturbed one."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.evaluation.predictions import load_predictions
from trainer.runs.run import Run
from trainer.runs.view import RunView

LIVENESS_FILES = ("lock", "alive", "heartbeat")
"""Prefixes of files that say who is writing a run; they are not part of its outcome."""


@dataclass(frozen=True)
class Outcome:
    """The same however often the training was interrupted."""

    status: str
    weights: bytes
    points: tuple[object, ...]
    evaluations: tuple[object, ...]
    best_step: int | None
    probabilities: bytes

    @property
    def model(self) -> tuple[bytes, bytes]:
        """Weights and test probabilities, which a stop does not change; it does add a point to the curves."""
        return self.weights, self.probabilities


def outcome_of(run: Run, view: RunView) -> Outcome:
    weights = (run.model / "model.safetensors").read_bytes()
    probabilities = np.ascontiguousarray(load_predictions(run.predictions).probabilities).tobytes()
    return Outcome(view.status, weights, view.points, view.evaluations, view.best_step, probabilities)


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of a run, by relative path."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(LIVENESS_FILES))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
