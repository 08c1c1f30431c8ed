"""What a run has come to, so that one that was broken off can be compared with one that was left alone."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.evaluation.predictions import load_predictions
from trainer.runs.run import Run
from trainer.runs.view import RunView

SIGNS_OF_LIFE = ("lock", "alive", "heartbeat")
"""Files of a run that say who has it, and nothing of what it is."""


@dataclass(frozen=True)
class Outcome:
    """What a run has come to: the same however often it was broken off."""

    status: str
    weights: bytes
    points: tuple[object, ...]
    evaluations: tuple[object, ...]
    best_step: int | None
    probabilities: bytes

    @property
    def model(self) -> tuple[bytes, bytes]:
        """Its weights and what they say of the test rows; a stop adds a point to the curves, and nothing to these."""
        return self.weights, self.probabilities


def outcome_of(run: Run, view: RunView) -> Outcome:
    weights = (run.model / "model.safetensors").read_bytes()
    probabilities = np.ascontiguousarray(load_predictions(run.predictions).probabilities).tobytes()
    return Outcome(view.status, weights, view.points, view.evaluations, view.best_step, probabilities)


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file of a run."""
    files = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(SIGNS_OF_LIFE))
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
