"""The Trainer's callback: reports what the Trainer does, follows the schedule, and decides when the training stops.

What it keeps on the disk is keeping.py's.
"""

import math
import time
from typing import Any

import torch
from transformers import TrainerCallback

from trainer.errors import RunError
from trainer.runs.event_types import BestSaved, Evaluated, Logged, Notice
from trainer.training.classifier import Classifier
from trainer.training.dropout import DropoutMaskGenerator
from trainer.training.keeping import CheckpointKeeper
from trainer.training.linear_model import starts_from_linear_model
from trainer.training.optimizer import EncoderFreezer
from trainer.training.resume_state import TrainState
from trainer.training.training_context import TrainingContext

_METRIC_NAMES = {"macro_f1": "macro F1", "accuracy": "accuracy", "loss": "loss"}

_OVERDUE_INTERVALS = 3
"""After this many intervals a state is saved at any step, and not only at a logged one."""

_SEEDS = 2**32


class EvaluationInterrupted(Exception):
    """A stop was requested during an evaluation whose result is not needed."""


class TrainingComplete(Exception):
    """The evaluation repeated on resume ended the training, or was interrupted again. A callback cannot end the Trainer before its first step."""


class TrainingCallback(TrainerCallback):
    """Reports steps and evaluations, and decides what is due after each step: a log, an evaluation, a state, or the end.

    With several processes all of them decide alike; only rank 0 writes.
    """

    def __init__(
        self,
        context: TrainingContext,
        keeper: CheckpointKeeper,
        freezer: EncoderFreezer,
        masks: DropoutMaskGenerator | None,
        resume_from: TrainState | None,
    ) -> None:
        self.context = context
        self.keeper = keeper
        self.trainer: Any = None
        self.stopped = False
        self.stopped_early = False
        self.evaluation_pending = resume_from.evaluation_pending if resume_from else False
        self.train_seconds = resume_from.train_seconds if resume_from else 0.0
        self._resumed = resume_from is not None
        self._freezer = freezer
        self._masks = masks
        self._previous_seconds = resume_from.seconds if resume_from else 0.0
        self._started_at = self._step_ended_at = self._evaluation_started_at = time.monotonic()

    # Steps

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._started_at = self._step_ended_at = time.monotonic()
        self.keeper.start()
        if not self._resumed and starts_from_linear_model(self.trainer.model):
            # The linear model is a candidate like those of later steps.
            self.trainer.evaluate()
        if self.evaluation_pending:
            self.evaluation_pending = False
            self.trainer.evaluate()
            if self.stopped:
                raise TrainingComplete
            self.save_state()
            if self.stopped_early:
                raise TrainingComplete

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step, group = state.global_step, self.context.process_group
        self._freezer.apply(step)
        # All randomness follows from the seed and the step, so that a resumed training draws what it would have drawn.
        torch.manual_seed((self.context.recipe.seed * _SEEDS + step * 64 + group.rank) % 2**63)
        if self._masks is not None:
            self._masks.begin(step * group.world_size + group.rank)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step, schedule, group = state.global_step, self.context.schedule, self.context.process_group
        if step in schedule.evaluation_steps and torch.cuda.is_initialized():
            # What the GPU still has queued is training, not evaluation.
            torch.cuda.synchronize()
        now = time.monotonic()
        self.train_seconds += now - self._step_ended_at
        self._step_ended_at = now
        self.stopped = group.broadcast_flag(self.stopped or self.context.reporter.is_stop_requested())
        control.should_training_stop = control.should_training_stop or self.stopped
        # With several processes all must log at the same step, and their clocks differ.
        intervals = self.keeper.intervals_since_save(now)
        due, overdue = intervals >= 1, intervals >= _OVERDUE_INTERVALS and group.world_size == 1
        # A state is saved where a log point has just reset its sums: if points are far apart, one more is logged.
        control.should_log = self.stopped or overdue or step in schedule.log_steps
        # A stop keeps the best model so far: it needs an evaluation only if there is none yet, as a user waits for it.
        control.should_evaluate = step in schedule.evaluation_steps or (self.stopped and self.keeper.best is None)
        control.should_save = self.stopped or overdue or step == schedule.total_steps or (due and step in schedule.log_steps)

    # Logs

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" not in logs or self.trainer is None:
            return
        # In fp16 a gradient overflows now and then, and the step is skipped.
        gradient = 0.0 if args.fp16 else logs.get("grad_norm") or 0.0
        objective, scores = logs["loss"], self.trainer.compute_training_scores()
        if not (math.isfinite(objective) and math.isfinite(gradient)):
            self._stop_on_nan(state.global_step, control)
            return
        self.context.reporter.emit(
            Logged(
                step=state.global_step,
                epoch=round(state.epoch, 4),
                # The loss that validation is scored by, so that the two compare; the minimized one is added if it differs.
                loss=round(objective if scores.loss is None else scores.loss, 6),
                train_objective=None if scores.loss is None else round(objective, 6),
                accuracy=scores.accuracy,
                learning_rate=logs.get("learning_rate"),
                grad_norm=logs.get("grad_norm"),
                elapsed=round(self.seconds, 3),
                train_seconds=round(self.train_seconds, 3),
                samples_per_second=round(self.samples_per_second(state.global_step), 2),
            )
        )

    def _stop_on_nan(self, step: int, control: Any) -> None:
        """End the training when weights are no longer finite: with the model kept before, or with UserError if there is none."""
        diverged = f"The loss was no longer a number at step {step:,}: the training diverged."
        best = self.keeper.best
        if best is None or not math.isfinite(best.best_metric):
            raise RunError(f"{diverged} Choose a smaller learning rate and start again.", code="loss_not_finite")
        message = (
            f"{diverged} It ended there, and the model of the earlier step {best.step:,} is kept. "
            "With a smaller learning rate it would continue."
        )
        self.context.reporter.emit(Notice(step=step, message=message))
        self.stopped_early = control.should_training_stop = True
        control.should_evaluate = control.should_save = False

    @property
    def seconds(self) -> float:
        """Since the first step, without the time between an interruption and the resume."""
        return self._previous_seconds + time.monotonic() - self._started_at

    def samples_per_second(self, step: int) -> float:
        """Training texts per second of training time, up to this step; 0 before the first one."""
        recipe, steps_per_epoch = self.context.recipe, self.context.schedule.steps_per_epoch
        if not steps_per_epoch:
            return 0.0
        epochs, steps = divmod(step, steps_per_epoch)
        rows = len(self.trainer.train_dataset) if self.trainer is not None else 0
        samples = epochs * rows + min(steps * recipe.batch_size * recipe.gradient_accumulation, rows)
        return samples / self.train_seconds if self.train_seconds else 0.0

    # Evaluations

    def start_evaluation(self) -> None:
        """Start the evaluation's clock: the Trainer's own follows the system time, which may be set back meanwhile."""
        self._evaluation_started_at = time.monotonic()

    def is_evaluation_interrupted(self) -> bool:
        """Whether a stop was requested and there is a model to keep. Several processes would notice it at different batches; they finish the evaluation."""
        return self.keeper.best is not None and self.context.process_group.world_size == 1 and self.context.reporter.is_stop_requested()

    def on_prediction_step(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if self.is_evaluation_interrupted():
            raise EvaluationInterrupted

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, float], model: Classifier | None = None, **_: Any
    ) -> None:
        step, macro_f1 = state.global_step, metrics["eval_macro_f1"]
        scheduled = not step or step in self.context.schedule.evaluation_steps
        self.context.reporter.emit(
            Evaluated(
                step=step,
                epoch=round(state.epoch or 0.0, 4),
                loss=round(metrics["eval_loss"], 6),
                accuracy=metrics["eval_accuracy"],
                macro_f1=macro_f1,
                classes=int(metrics["eval_classes"]),
                seconds=round(time.monotonic() - self._evaluation_started_at, 3),
                unplanned=None if scheduled else True,
            )
        )
        best = self.keeper.update_best(model, step, self._score(metrics), self._tolerance(metrics), scheduled=scheduled)
        if best.step == step:
            self.context.reporter.emit(BestSaved(step=step, macro_f1=macro_f1))
        if step != best.best_metric_step and self._should_stop_early(step):
            self.stopped_early = control.should_training_stop = control.should_save = True
            self.context.reporter.emit(Notice(step=step, message=self._early_stopping_message(step)))
        # Evaluations and saves are not training time.
        self._step_ended_at = time.monotonic()

    def _score(self, metrics: dict[str, float]) -> float:
        """The recipe's metric for the best model, negated for a loss: higher is better."""
        metric = self.context.recipe.best_metric
        value = metrics[f"eval_{metric}"]
        # Weights that are not finite predict the first class for every row, and may be right often enough.
        if not (math.isfinite(value) and math.isfinite(metrics["eval_loss"])):
            return -math.inf
        return -value if metric == "loss" else value

    def _tolerance(self, metrics: dict[str, float]) -> float:
        """How far below the best score another is still kept. A loss is finer than right and wrong: only the lowest is."""
        recipe = self.context.recipe
        if recipe.best_metric == "loss":
            return 0.0
        # If every row is right the error is estimated as 0, although the next row may be wrong.
        return recipe.best_tolerance * max(metrics[f"eval_{recipe.best_metric}_error"], 1 / len(self.trainer.eval_dataset))

    def _should_stop_early(self, step: int) -> bool:
        """Whether as many evaluations without a better score have passed as the recipe's early stopping allows.

        Counted from the schedule and the step of the best score; evaluations while the encoder is still to be unfrozen do not count.
        """
        patience, total = self.context.recipe.early_stopping, self.context.schedule.total_steps
        if patience is None or self.stopped or step == total:
            return False
        since = max(self.keeper.best.best_metric_step, self._freezer.steps if self._freezer.steps < total else 0)
        return sum(since < evaluated <= step for evaluated in self.context.schedule.evaluation_steps) >= patience

    def _early_stopping_message(self, step: int) -> str:
        patience, metric, best = self.context.recipe.early_stopping, _METRIC_NAMES[self.context.recipe.best_metric], self.keeper.best
        kept = f"; the model of step {best.step:,} is kept, which scored nearly as well and was trained longer."
        if best.step == best.best_metric_step:
            kept = ", whose model is kept."
        return (
            f"The training ended early, after step {step:,} of {self.context.schedule.total_steps:,}: "
            f"{'one evaluation' if patience == 1 else f'{patience} evaluations in a row'} brought no better {metric} "
            f"than that of step {best.best_metric_step:,}{kept}"
        )

    # States

    def save_state(self) -> None:
        """Save all that is needed to resume from here. Raises OSError."""
        self.keeper.save_state(
            self.trainer,
            seconds=self.seconds,
            train_seconds=self.train_seconds,
            stopped_early=self.stopped_early,
            evaluation_pending=self.evaluation_pending,
        )
        self._step_ended_at = time.monotonic()
