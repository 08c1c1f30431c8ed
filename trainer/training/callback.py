"""What is done beside the steps of a training: the run's log, the schedule, the stop file, the best weights, the states to go on from."""

import math
import time
from dataclasses import dataclass
from typing import Any

import torch
from transformers import TrainerCallback

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.checkpoints import Checkpoint, Checkpoints
from trainer.runs.run import Run
from trainer.training.classifier import Classifier, save_classifier
from trainer.training.distributed import ProcessGroup
from trainer.training.dropout import DropoutMaskGenerator
from trainer.training.parameter_groups import EncoderFreezer
from trainer.training.schedule import Schedule
from trainer.training.selection import update_best
from trainer.training.state import TrainState, disk_errors_as_oserror, save_state

_METRIC_WORDS = {"macro_f1": "macro F1", "accuracy": "accuracy", "loss": "loss"}

_SAVES_SHARE = 25
"""A state is saved when training has taken so many times as long as the last saving: at most 4 % of the time goes there."""

_PATIENCE = 3
"""So many times later than it should be a state is saved at any step, and not only where a point of the charts is due."""

_SEEDS = 2**32


class EvaluationInterrupted(Exception):
    """A stop was asked for in the middle of an evaluation that is not needed."""


class TrainingComplete(Exception):
    """The evaluation that was made up for has ended the training, or was broken off once more."""


@dataclass(frozen=True)
class TrainingContext:
    """What a training needs to know beside its rows."""

    run: Run
    recipe: Recipe
    schedule: Schedule
    process_group: ProcessGroup
    checkpoints: Checkpoints
    """The same ones from the first look on, as they know which of them were read."""
    save_seconds: float
    """Seconds between two states; with 0 there is one at every logged step."""


class TrainingCallback(TrainerCallback):
    """Writes what the Trainer does into the run's log, follows the schedule, minds the stop file, keeps best weights and states.

    In a training of several processes all of them decide alike; only rank 0 writes.
    """

    def __init__(
        self, task: TrainingContext, freezing: EncoderFreezer, masks: DropoutMaskGenerator | None, before: TrainState | None
    ) -> None:
        self.task = task
        self.checkpoints = task.checkpoints
        self.trainer: Any = None
        self.stopped = False
        self.ended = False
        self.unscored = before.unscored if before else False
        self.best = before.best if before else None
        """What is kept so far; ``_planned_best`` leaves out the evaluation that only a stop made."""
        self.train_seconds = before.train_seconds if before else 0.0
        self._planned_best = self.best
        self._freezing = freezing
        self._masks = masks
        self._seconds_before = before.seconds if before else 0.0
        self._begun = self._mark = self._saved = self._evaluation_begun = time.monotonic()
        self._save_took = 0.0

    # Steps

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._begun = self._mark = self._saved = time.monotonic()
        if self.unscored:
            self.unscored = False
            self.trainer.evaluate()
            if self.stopped:
                raise TrainingComplete
            self.save(self.trainer)
            if self.ended:
                raise TrainingComplete

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step, recipe, rank = state.global_step, self.task.recipe, self.task.process_group.rank
        self._freezing.apply(step)
        # All that is random follows from the seed and the step, so that a training that goes on later draws what it would have drawn.
        torch.manual_seed((recipe.seed * _SEEDS + step * 64 + rank) % 2**63)
        if self._masks is not None:
            self._masks.begin(step * self.task.process_group.world_size + rank)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step, schedule = state.global_step, self.task.schedule
        if step in schedule.evaluation_steps and torch.cuda.is_available():
            # What the GPU still has in its queue is training, not evaluation.
            torch.cuda.synchronize()
        now = time.monotonic()
        self.train_seconds += now - self._mark
        self._mark = now
        self.stopped = self.task.process_group.broadcast_flag(self.stopped or self.task.run.stop_asked())
        control.should_training_stop = control.should_training_stop or self.stopped
        # In several processes all must log at the same step, and their clocks differ.
        late = self._lateness(now)
        due, overdue = late >= 1, late >= _PATIENCE and self.task.process_group.world_size == 1
        # A state is saved where the sums of a point are empty: with points that lie far apart, there is one more.
        control.should_log = self.stopped or overdue or step in schedule.log_steps
        # A stop keeps the best model so far: one is needed, and only then a person waits for it.
        control.should_evaluate = step in schedule.evaluation_steps or (self.stopped and self.best is None)
        control.should_save = self.stopped or overdue or step == schedule.total_steps or (due and step in schedule.log_steps)

    def _lateness(self, now: float) -> float:
        """How many times the time from one state to the next has passed since the last; always once where each logged step has one."""
        if not self.task.save_seconds:
            return 1.0
        return (now - self._saved) / max(self.task.save_seconds, _SAVES_SHARE * self._save_took)

    # Logs

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" not in logs or self.trainer is None:
            return
        # In fp16 a gradient overflows now and then, and the step is left out.
        gradient = 0.0 if args.fp16 else logs.get("grad_norm") or 0.0
        objective, scores = logs["loss"], self.trainer.take_scores()
        if not (math.isfinite(objective) and math.isfinite(gradient)):
            self._end_astray(state.global_step, control)
            return
        self.task.run.log.append(
            "log",
            step=state.global_step,
            epoch=round(state.epoch, 4),
            # The same loss as validation's, so that the two can be compared; what is minimised stands beside it where it is another.
            loss=round(objective if scores.loss is None else scores.loss, 6),
            train_objective=None if scores.loss is None else round(objective, 6),
            accuracy=scores.accuracy,
            learning_rate=logs.get("learning_rate"),
            grad_norm=logs.get("grad_norm"),
            elapsed=round(self.seconds, 3),
            train_seconds=round(self.train_seconds, 3),
            samples_per_second=round(self.samples_per_second(state.global_step), 2),
        )

    def _end_astray(self, step: int, control: Any) -> None:
        """End where weights are no longer numbers: with the model kept before that, or in words where there is none."""
        astray = f"The loss was no longer a number at step {step:,}: the training went astray."
        if self.best is None or not math.isfinite(self.best.best_metric):
            raise UserError(f"{astray} Choose a smaller learning rate and start again.", code="loss_not_finite")
        self.task.run.log.append(
            "notice",
            step=step,
            message=f"{astray} It was ended there, and the model of step {self.best.step:,}, from before that, is kept. "
            "A smaller learning rate would let it go on.",
        )
        self.ended = control.should_training_stop = True
        control.should_evaluate = control.should_save = False

    @property
    def seconds(self) -> float:
        """Since the first step, without the time between an interruption and the resume."""
        return self._seconds_before + time.monotonic() - self._begun

    def samples_per_second(self, step: int) -> float:
        recipe, per_epoch = self.task.recipe, self.task.schedule.epoch_steps[0]
        epochs, steps = divmod(step, per_epoch)
        rows = len(self.trainer.train_dataset) if self.trainer is not None else 0
        samples = epochs * rows + min(steps * recipe.batch_size * recipe.gradient_accumulation, rows)
        return samples / self.train_seconds if self.train_seconds else 0.0

    # Evaluations

    def evaluation_begins(self) -> None:
        """The Trainer's own seconds come from a clock that may be set back meanwhile."""
        self._evaluation_begun = time.monotonic()

    def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        # In several processes each would notice at another batch; they finish the evaluation.
        if self.best is not None and self.task.process_group.world_size == 1 and self.task.run.stop_asked():
            raise EvaluationInterrupted

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], model: Any = None, **_: Any) -> None:
        step, macro_f1 = state.global_step, metrics["eval_macro_f1"]
        planned = step in self.task.schedule.evaluation_steps
        self.task.run.log.append(
            "eval",
            step=step,
            epoch=round(state.epoch, 4),
            loss=round(metrics["eval_loss"], 6),
            accuracy=metrics["eval_accuracy"],
            macro_f1=macro_f1,
            classes=int(metrics["eval_classes"]),
            seconds=round(time.monotonic() - self._evaluation_begun, 3),
            extra=None if planned else True,
        )
        best = update_best(self.best, step, self._score(metrics), self._margin(metrics))
        if best.step == step:
            self._keep(model, step)
            self.best = best
            self._planned_best = self.best if planned else self._planned_best
            self.task.run.log.append("checkpoint", step=step, macro_f1=macro_f1)
        if step != best.best_metric_step and self._enough(step):
            self.ended = control.should_training_stop = control.should_save = True
            self.task.run.log.append("notice", step=step, message=self._early_words(step))
        # Evaluations and saves are not training time.
        self._mark = time.monotonic()

    def _score(self, metrics: dict[str, float]) -> float:
        """What the recipe chooses the best model by, higher being better."""
        metric = self.task.recipe.best_metric
        value = metrics[f"eval_{metric}"]
        # Weights that are no numbers name the first class for every row, and may be right often enough.
        if not (math.isfinite(value) and math.isfinite(metrics["eval_loss"])):
            return -math.inf
        return -value if metric == "loss" else value

    def _margin(self, metrics: dict[str, float]) -> float:
        """How far below the best score another still counts. A loss is finer than right and wrong: there only the lowest does."""
        recipe = self.task.recipe
        if recipe.best_metric == "loss":
            return 0.0
        # Where every row is right no error is seen; that the next row will be is not certain.
        return recipe.best_tolerance * max(metrics[f"eval_{recipe.best_metric}_error"], 1 / len(self.trainer.eval_dataset))

    def _enough(self, step: int) -> bool:
        """Whether so many evaluations passed without a better one that the recipe ends the training here.

        Counted from the schedule and the step of the best score; evaluations of an encoder that is still to be unfrozen say nothing of what comes.
        """
        patience, total = self.task.recipe.early_stopping, self.task.schedule.total_steps
        if patience is None or self.stopped or step == total:
            return False
        since = max(self.best.best_metric_step, self._freezing.steps if self._freezing.steps < total else 0)
        return sum(since < done <= step for done in self.task.schedule.evaluation_steps) >= patience

    def _early_words(self, step: int) -> str:
        count, metric = self.task.recipe.early_stopping, _METRIC_WORDS[self.task.recipe.best_metric]
        kept = f"; the model of step {self.best.step:,} is kept, which scored nearly as well and was trained longer."
        if self.best.step == self.best.best_metric_step:
            kept = ", whose model is kept."
        return (
            f"The training ended early, after step {step:,} of {self.task.schedule.total_steps:,}: "
            f"{'one evaluation' if count == 1 else f'{count} evaluations in a row'} brought no better {metric} "
            f"than that of step {self.best.best_metric_step:,}{kept}"
        )

    # What is kept

    def _keep(self, model: Classifier, step: int) -> None:
        """Keep these weights as the best so far."""
        if not self.task.process_group.is_main_process:
            return

        def fill(folder: Any) -> None:
            with disk_errors_as_oserror():
                save_classifier(model, folder)

        self.checkpoints.write("best", step, fill, needed=[self.best.step] if self.best else ())

    def save(self, trainer: Any) -> None:
        """Keep all that is needed to go on from here."""
        if not self.task.process_group.is_main_process:
            return
        begun = time.monotonic()
        step, best = trainer.state.global_step, self._planned_best
        progress = TrainState(step, trainer.state.epoch, best, self.seconds, self.train_seconds, self.ended, self.unscored)
        self.checkpoints.write(
            "state",
            step,
            lambda folder: save_state(folder, trainer, progress),
            best=best.step if best else None,
            needed=[self.best.step] if self.best else (),
        )
        self.task.run.log.append("saved", step=step)
        self._saved = self._mark = time.monotonic()
        self._save_took = self._saved - begun

    def best_checkpoint(self) -> Checkpoint:
        """The best weights so far. There are some after the first evaluation, which every training has."""
        found = self.checkpoints.best(self.best.step) if self.best else None
        if found is None:
            raise OSError(None, "the best weights are missing or damaged")
        return found
