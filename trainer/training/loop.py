"""The training loop: transformers' Trainer with our batch order, telling a run's log what happens.

Knows steps and metrics; which data, which encoder and what becomes of the model is ``fit``'s business.
"""

import errno
import math
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from sklearn.metrics import f1_score
from transformers import DataCollatorWithPadding, PreTrainedTokenizerBase, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.run import Run
from trainer.training.batching import LengthGroupedSampler
from trainer.training.classifier import Classifier, save_classifier
from trainer.training.dropout import MaskSource
from trainer.training.groups import Freezing, parameter_groups
from trainer.training.hardware import Hardware
from trainer.training.losses import TrainingLoss, training_loss
from trainer.training.schedule import Schedule

Rows = Sequence[dict[str, Any]]
"""Tokenised texts: ``input_ids``, ``attention_mask`` ... and, to learn from, ``labels``."""

_EVALUATION_BATCH = 128

_METRIC_WORDS = {"macro_f1": "macro F1", "accuracy": "accuracy", "loss": "loss"}


class LiveTrainer(Trainer):
    """Trainer that reads batches in our order, lets each weight learn as the recipe wants and counts right answers as it trains."""

    def __init__(self, *, lengths: Sequence[int], recipe: Recipe, loss: TrainingLoss | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._lengths = lengths
        self._recipe = recipe
        self._loss = None if loss is None else loss.to(self.args.device)
        self._correct = torch.zeros((), device=self.args.device)
        self._seen = 0
        if loss is not None:
            # The Trainer then tells how many texts the whole step has, and leaves the loss as it is.
            self.model_accepts_loss_kwargs = True
            self.loss_is_scaled_for_ga = True

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler:
        return LengthGroupedSampler(self._lengths, batch_size=self.args.train_batch_size, seed=self.args.seed)

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            kind, arguments = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            groups = parameter_groups(self.model, self._recipe, decaying=frozenset(self.get_decay_parameter_names(self.model)))
            self.optimizer = kind(groups, **arguments)
        return self.optimizer

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        labels = inputs["labels"]
        if self._loss is None or not model.training:
            texts = num_items_in_batch if model.training else None
            loss, outputs = super().compute_loss(model, inputs, return_outputs=True, num_items_in_batch=texts)
        else:
            outputs = model(**{name: value for name, value in inputs.items() if name != "labels"})
            loss = self._loss(outputs["logits"], labels, texts=num_items_in_batch) * self.accelerator.num_processes
        if model.training:
            # Kept on the device: reading it here would make a GPU wait at every step.
            self._correct += (outputs["logits"].detach().argmax(-1) == labels).sum()
            self._seen += len(labels)
        return (loss, outputs) if return_outputs else loss

    def take_accuracy(self) -> float | None:
        """Share of right answers among the training texts since the last call."""
        accuracy = self._correct.item() / self._seen if self._seen else None
        self._correct.zero_()
        self._seen = 0
        return accuracy


@dataclass(frozen=True)
class Best:
    """The evaluation whose weights are kept: its score (higher is better) and its step."""

    score: float
    step: int


class RunCallback(TrainerCallback):
    """Writes what the Trainer does into the run's log, follows the schedule, minds the stop file, keeps the best weights."""

    def __init__(self, run: Run, schedule: Schedule, recipe: Recipe, freezing: Freezing, masks: MaskSource | None) -> None:
        self.run = run
        self.schedule = schedule
        self.trainer: LiveTrainer | None = None
        self.best: Best | None = None
        self.train_seconds = 0.0
        self.stopped = False
        self._recipe = recipe
        self._freezing = freezing
        self._masks = masks
        self._begun = time.monotonic()
        self._mark = self._begun

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._begun = self._mark = time.monotonic()

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._freezing.apply(state.global_step)
        if self._masks is not None:
            self._masks.begin(state.global_step)

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        step = state.global_step
        if step in self.schedule.evaluation_steps and torch.cuda.is_available():
            # What the GPU still has in its queue is training, not evaluation.
            torch.cuda.synchronize()
        now = time.monotonic()
        self.train_seconds += now - self._mark
        self._mark = now
        self.stopped = self.stopped or self.run.stop_asked()
        control.should_training_stop = control.should_training_stop or self.stopped
        control.should_log = self.stopped or step in self.schedule.log_steps
        control.should_evaluate = self.stopped or step in self.schedule.evaluation_steps

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float], **_: Any) -> None:
        if "loss" not in logs or self.trainer is None:
            return
        loss = logs["loss"]
        if not math.isfinite(loss):
            raise UserError(
                f"The loss is no longer a number at step {state.global_step}: the training went astray. "
                "Choose a smaller learning rate and start again.",
                code="loss_not_finite",
            )
        self.run.log.append(
            "log",
            step=state.global_step,
            epoch=round(state.epoch, 4),
            loss=round(loss, 6),
            accuracy=self.trainer.take_accuracy(),
            learning_rate=logs.get("learning_rate"),
            grad_norm=logs.get("grad_norm"),
            elapsed=round(time.monotonic() - self._begun, 3),
            samples_per_second=round(self.samples_per_second(state), 2),
        )

    def on_evaluate(self, args: Any, state: Any, control: Any, metrics: dict[str, float], model: Any = None, **_: Any) -> None:
        step, macro_f1 = state.global_step, metrics["eval_macro_f1"]
        self.run.log.append(
            "eval",
            step=step,
            epoch=round(state.epoch, 4),
            loss=round(metrics["eval_loss"], 6),
            accuracy=metrics["eval_accuracy"],
            macro_f1=macro_f1,
            seconds=round(metrics.get("eval_runtime", 0.0), 3),
        )
        score = self._score(metrics)
        if self.best is None or score > self.best.score:
            self._keep(model, step)
            self.best = Best(score, step)
            self.run.log.append("checkpoint", step=step, macro_f1=macro_f1)
        elif self._enough(step):
            control.should_training_stop = True
            self.run.log.append("notice", step=step, message=self._early_words(step))
        # Evaluations and saves are not training time.
        self._mark = time.monotonic()

    def _score(self, metrics: dict[str, float]) -> float:
        """What the recipe chooses the best model by, higher being better."""
        value = metrics[f"eval_{self._recipe.best_metric}"]
        if not math.isfinite(value):
            return -math.inf
        return -value if self._recipe.best_metric == "loss" else value

    def _enough(self, step: int) -> bool:
        """Whether so many evaluations passed without a better one that the recipe ends the training here.

        Counted from the schedule and the best step; evaluations of an encoder that is still to be unfrozen say nothing of what comes.
        """
        patience, total = self._recipe.early_stopping, self.schedule.total_steps
        if patience is None or self.stopped or step == total:
            return False
        since = max(self.best.step, self._freezing.steps if self._freezing.steps < total else 0)
        return sum(since < done <= step for done in self.schedule.evaluation_steps) >= patience

    def _early_words(self, step: int) -> str:
        count, metric = self._recipe.early_stopping, _METRIC_WORDS[self._recipe.best_metric]
        return (
            f"The training ended early, after step {step:,} of {self.schedule.total_steps:,}: "
            f"{'one evaluation' if count == 1 else f'{count} evaluations in a row'} brought no better {metric} "
            f"than that of step {self.best.step:,}, whose model is kept."
        )

    def samples_per_second(self, state: Any) -> float:
        per_epoch = self.schedule.epoch_steps[0]
        epochs, steps = divmod(state.global_step, per_epoch)
        rows = len(self.trainer.train_dataset) if self.trainer is not None else 0
        samples = epochs * rows + min(steps * self._recipe.batch_size * self._recipe.gradient_accumulation, rows)
        return samples / self.train_seconds if self.train_seconds else 0.0

    def _keep(self, model: Classifier, step: int) -> None:
        """Save these weights as the best so far, then drop the ones before."""
        folder = self.run.checkpoints / f"best-{step:08d}"
        try:
            save_classifier(model, folder)
        except SafetensorError as error:
            # A full disk reaches us as safetensors' own exception.
            raise OSError(errno.ENOSPC, f"the weights could not be written: {error}") from error
        for other in self.run.checkpoints.glob("best-*"):
            if other != folder:
                shutil.rmtree(other, ignore_errors=True)

    def best_folder(self) -> Path:
        """Where the best weights so far are. There are some after the first evaluation, which every training has."""
        if self.best is None:
            raise RuntimeError("the training ended without an evaluation")
        return self.run.checkpoints / f"best-{self.best.step:08d}"


def make_trainer(
    run: Run,
    model: Classifier,
    tokenizer: PreTrainedTokenizerBase,
    *,
    train: Rows,
    validation: Rows,
    recipe: Recipe,
    schedule: Schedule,
    hardware: Hardware,
    masks: MaskSource | None,
) -> tuple[LiveTrainer, RunCallback]:
    """A Trainer ready to go and the callback that watches it. The recipe must be settled (no automatic values left).

    ``masks`` is where the model's dropout gets its masks from, if not from torch.
    """
    frozen = recipe.frozen_epochs * schedule.epoch_steps[0]
    callback = RunCallback(run, schedule, recipe, Freezing(model, frozen), masks)
    loss = training_loss(recipe, [row["labels"] for row in train], model.config.num_labels)
    trainer = LiveTrainer(
        model=model,
        args=_arguments(run, recipe, schedule, hardware),
        train_dataset=train,
        eval_dataset=validation,
        data_collator=DataCollatorWithPadding(tokenizer),
        compute_metrics=_metrics,
        callbacks=[callback],
        lengths=[len(row["input_ids"]) for row in train],
        recipe=recipe,
        loss=loss,
    )
    trainer.remove_callback(PrinterCallback)
    callback.trainer = trainer
    return trainer, callback


def _arguments(run: Run, recipe: Recipe, schedule: Schedule, hardware: Hardware) -> TrainingArguments:
    arguments = TrainingArguments(
        output_dir=str(run.checkpoints),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size,
        per_device_eval_batch_size=_EVALUATION_BATCH,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(recipe.warmup * schedule.total_steps),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        gradient_accumulation_steps=recipe.gradient_accumulation,
        seed=recipe.seed,
        bf16=hardware.precision == "bf16",
        fp16=hardware.precision == "fp16",
        use_cpu=hardware.device == "cpu",
        # The callback follows the schedule; the Trainer's own clocks are off.
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no",
        # Else a loss that is no number would be shown as the mean of those before.
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        dataloader_pin_memory=hardware.device == "cuda",
    )
    # With several GPUs in sight the Trainer would wrap the model into DataParallel, with another batch size than the recipe's.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _metrics(prediction: Any) -> dict[str, float]:
    said, labels = np.argmax(prediction.predictions, axis=-1), prediction.label_ids
    return {
        "accuracy": float((said == labels).mean()),
        "macro_f1": float(f1_score(labels, said, average="macro", zero_division=0)),
    }
