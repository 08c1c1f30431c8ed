"""What a training keeps on the disk: its best weights so far, and the states from which it resumes.

Decides which weights are best and how often a state is due; what is in a state is resume_state.py's.
"""

import time
from pathlib import Path
from typing import Any

from trainer.runs.checkpoints import Checkpoint
from trainer.runs.event_types import StateSaved
from trainer.training.checkpoint_selection import BestCheckpoint, update_best
from trainer.training.classifier import Classifier, save_classifier
from trainer.training.resume_state import TrainState, disk_errors_as_oserror, save_state
from trainer.training.training_context import TrainingContext

_MIN_INTERVAL_TO_SAVE_TIME = 25
"""A state is due only after this many times the duration of the last save: saving takes at most 4 % of the time."""


class CheckpointKeeper:
    """Keeps the best weights and the resume states of one training.

    With several processes all of them track what is best, but only rank 0 writes.
    """

    def __init__(self, context: TrainingContext, resume_from: TrainState | None) -> None:
        self.context = context
        self.best = resume_from.best if resume_from else None
        self._scheduled_best = self.best
        """``best`` without an evaluation that was made only because of a stop: a resumed training forgets it."""
        self._saved_at = time.monotonic()
        self._save_seconds = 0.0

    def start(self) -> None:
        """Count the time to the next state from now."""
        self._saved_at = time.monotonic()

    def update_best(self, model: Classifier, step: int, score: float, tolerance: float, *, scheduled: bool) -> BestCheckpoint:
        """Take in the score of an evaluation, and save the weights if they are to be kept, which ``result.step == step`` tells. Raises OSError."""
        best = update_best(self.best, step, score, tolerance)
        if best.step == step:
            self._save_best(model, step)
            self.best = best
            self._scheduled_best = best if scheduled else self._scheduled_best
        return best

    def intervals_since_save(self, now: float) -> float:
        """Time since the last state, in intervals in which one is due; always 1 if every logged step gets one."""
        if not self.context.save_seconds:
            return 1.0
        return (now - self._saved_at) / max(self.context.save_seconds, _MIN_INTERVAL_TO_SAVE_TIME * self._save_seconds)

    def save_state(self, trainer: Any, *, seconds: float, train_seconds: float, stopped_early: bool, evaluation_pending: bool) -> None:
        """Save all that is needed to resume from the Trainer's present step. Raises OSError."""
        if not self.context.process_group.is_main_process:
            return
        started = time.monotonic()
        step, best = trainer.state.global_step, self._scheduled_best
        train_state = TrainState(step, trainer.state.epoch, best, seconds, train_seconds, stopped_early, evaluation_pending)
        self.context.checkpoints.write(
            "state",
            step,
            lambda folder: save_state(folder, trainer, train_state),
            best=best.step if best else None,
            needed=[self.best.step] if self.best else (),
        )
        self.context.reporter.emit(StateSaved(step=step))
        self._saved_at = time.monotonic()
        self._save_seconds = self._saved_at - started

    def best_checkpoint(self) -> Checkpoint:
        """The best weights so far; there are some after the first evaluation, which every training has. Raises OSError if they are damaged."""
        checkpoint = self.context.checkpoints.best(self.best.step) if self.best else None
        if checkpoint is None:
            raise OSError(None, "the best weights are missing or damaged")
        return checkpoint

    def _save_best(self, model: Classifier, step: int) -> None:
        if not self.context.process_group.is_main_process:
            return

        def write(folder: Path) -> None:
            with disk_errors_as_oserror():
                save_classifier(model, folder)

        self.context.checkpoints.write("best", step, write, needed=[self.best.step] if self.best else ())
