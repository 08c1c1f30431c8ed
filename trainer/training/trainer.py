"""transformers' Trainer with our batch order and loss, and with resume states of ours; all of its private hooks that we override are here.

Knows steps and metrics; callback.py reports them, fit.py chooses the rows.
"""

import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedTokenizerBase, Trainer, TrainingArguments
from transformers.trainer_callback import PrinterCallback

from trainer.data.task import Task
from trainer.recipe import Recipe
from trainer.training import resume_state
from trainer.training.batching import LengthGroupedSampler, PaddingCollator
from trainer.training.callback import EvaluationInterrupted, TrainingCallback
from trainer.training.classifier import Classifier
from trainer.training.contrastive import ContrastiveLoss, PairedSampler, contrastive_loss
from trainer.training.dropout import DropoutMaskGenerator
from trainer.training.hardware import Hardware
from trainer.training.keeping import CheckpointKeeper
from trainer.training.linear_model import refit_head
from trainer.training.log_window_metrics import TrainingMetrics, TrainingScores
from trainer.training.losses import TRAINING_TASKS, TrainingLoss, training_loss
from trainer.training.memory import trim_heap
from trainer.training.optimizer import EncoderFreezer, parameter_groups
from trainer.training.tokenized_dataset import TokenizedDataset
from trainer.training.training_context import TrainingContext

_EVALUATION_BATCH = 128


class ClassificationTrainer(Trainer):
    """A Trainer with our batch order, a learning rate for each weight as the recipe says, and accuracy counted while it trains.

    Its checkpoints are ours (see resume_state.py): those of the Trainer hold pickles, and a crash can leave half of one that looks complete.
    """

    def __init__(
        self,
        *,
        train_dataset: TokenizedDataset,
        recipe: Recipe,
        task: Task,
        loss: TrainingLoss | ContrastiveLoss | None,
        callback: TrainingCallback,
        fit_head: Callable[[], bool] | None = None,
        **kwargs: Any,
    ) -> None:
        """``fit_head``, if any, fits the head before each evaluation, and returns False if a stop interrupted it."""
        super().__init__(callbacks=[callback], train_dataset=train_dataset, **kwargs)
        if isinstance(loss, ContrastiveLoss):
            self._sampler = PairedSampler(train_dataset.labels, seed=recipe.seed)
        else:
            self._sampler = LengthGroupedSampler(train_dataset.lengths, batch_size=recipe.batch_size, seed=recipe.seed)
        self._fit_head = fit_head
        self._recipe = recipe
        self._loss = None if loss is None else loss.to(self.args.device)
        self._callback = callback
        self._training_metrics = TrainingMetrics(self.args.device, measure_loss=loss is not None and not loss.is_plain, task=task)
        if loss is not None:
            # The Trainer then passes the number of texts in the whole step, and leaves the loss unscaled.
            self.model_accepts_loss_kwargs = True
            self.loss_is_scaled_for_ga = True

    def _get_train_sampler(self, train_dataset: Any = None) -> LengthGroupedSampler | PairedSampler:
        return self._sampler

    def _run_epoch(self, *, epoch: int, **kwargs: Any) -> None:
        # In an epoch that is resumed in its middle the sampler is wrapped once more, and the Trainer does not reach it.
        self._sampler.set_epoch(epoch)
        # The longest batch comes first and needs a block of memory that the heap's holes of the last epoch do not offer.
        trim_heap()
        super()._run_epoch(epoch=epoch, **kwargs)

    def _set_signature_columns_if_needed(self) -> None:
        super()._set_signature_columns_if_needed()
        # What the model does not read is taken out of each batch; the loss reads the teacher.
        self._signature_columns = [*dict.fromkeys((*self._signature_columns, "teacher"))]

    def create_optimizer(self, model: Any = None) -> torch.optim.Optimizer:
        if self.optimizer is None:
            optimizer_class, arguments = self.get_optimizer_cls_and_kwargs(self.args, self.model)
            groups = parameter_groups(self.model, self._recipe, decaying=frozenset(self.get_decay_parameter_names(self.model)))
            self.optimizer = optimizer_class(groups, **arguments)
        return self.optimizer

    def compute_loss(self, model: Any, inputs: Any, return_outputs: bool = False, num_items_in_batch: Any = None) -> Any:
        labels = inputs["labels"]
        if self._loss is None or not model.training:
            texts = num_items_in_batch if model.training else None
            loss, outputs = super().compute_loss(model, inputs, return_outputs=True, num_items_in_batch=texts)
        else:
            outputs = model(**{name: value for name, value in inputs.items() if name not in ("labels", "teacher")})
            compared = outputs["hidden_states"][0] if isinstance(self._loss, ContrastiveLoss) else outputs["logits"]
            taught = {"teacher": inputs["teacher"]} if "teacher" in inputs else {}
            # The Trainer counts labels, of which a text may have several.
            loss = self._loss(compared, labels, texts=num_items_in_batch // labels[0].numel(), **taught) * self.accelerator.num_processes
        if model.training:
            self._training_metrics.update(outputs["logits"], labels)
        return (loss, outputs) if return_outputs else loss

    def floating_point_ops(self, inputs: Any) -> int:
        """0: nobody reads it, and counting walks through the whole model at every step."""
        return 0

    def compute_training_scores(self) -> TrainingScores:
        """The scores of all processes' training texts since the last call; each process must call it at the same step."""
        return self._training_metrics.compute_and_reset(lambda sums: self.accelerator.reduce(sums, "sum"))

    def evaluate(self, *args: Any, **kwargs: Any) -> dict[str, float]:
        self._callback.start_evaluation()
        try:
            if self._fit_head is not None and self.state.global_step and not self._fit_head():
                raise EvaluationInterrupted
            return super().evaluate(*args, **kwargs)
        except EvaluationInterrupted:
            self.control.should_evaluate = False
            self.control.should_training_stop = self.control.should_save = True
            self._callback.stopped = self._callback.evaluation_pending = True
            return {}

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        self._callback.save_state()

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        resume_state.load_weights(Path(resume_from_checkpoint), self.model if model is None else model)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            resume_state.load_optimizer(Path(checkpoint), self.model, self.optimizer, self.lr_scheduler)

    def _load_scaler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            resume_state.load_scaler(Path(checkpoint), self.accelerator.scaler)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        """Nothing to load: all randomness follows from the seed and the step."""


def build_trainer(
    context: TrainingContext,
    model: Classifier,
    tokenizer: PreTrainedTokenizerBase,
    *,
    train: TokenizedDataset,
    validation: TokenizedDataset,
    hardware: Hardware,
    batch_parts: int,
    masks: DropoutMaskGenerator | None,
    resume_from: resume_state.TrainState | None,
) -> tuple[ClassificationTrainer, TrainingCallback]:
    """A Trainer ready to train, and its callback.

    Each batch is read in ``batch_parts`` parts. ``masks`` generates the model's dropout masks (None: torch does); ``resume_from`` is how far the
    training was.
    """
    recipe, task = context.recipe, context.task
    freezer = EncoderFreezer(model, recipe.frozen_epochs * context.schedule.steps_per_epoch)
    callback = TrainingCallback(context, CheckpointKeeper(context, resume_from), freezer, masks, resume_from)
    contrastive = recipe.method == "contrastive"

    def fit_head() -> bool:
        fitted = not context.process_group.is_main_process or refit_head(
            model,
            train,
            tokenizer,
            hardware,
            balanced=recipe.class_weights == "balanced",
            with_names=recipe.class_names == "automatic",
            is_stop_requested=callback.is_evaluation_interrupted,
        )
        context.process_group.broadcast_weights(model.head)
        return fitted

    trainer = ClassificationTrainer(
        model=model,
        args=_training_arguments(context, hardware, batch_parts),
        train_dataset=train,
        eval_dataset=validation,
        data_collator=PaddingCollator(tokenizer),
        compute_metrics=partial(_compute_metrics, task),
        recipe=recipe,
        task=task,
        loss=(contrastive_loss if contrastive else training_loss)(recipe, train.labels, model.config.num_labels, task),
        callback=callback,
        fit_head=fit_head if contrastive else None,
    )
    trainer.remove_callback(PrinterCallback)
    callback.trainer = trainer
    return trainer, callback


def _training_arguments(context: TrainingContext, hardware: Hardware, batch_parts: int) -> TrainingArguments:
    recipe, process_group = context.recipe, context.process_group
    arguments = TrainingArguments(
        output_dir=str(context.checkpoints.folder),
        num_train_epochs=recipe.epochs,
        per_device_train_batch_size=recipe.batch_size // (batch_parts * process_group.world_size),
        per_device_eval_batch_size=_EVALUATION_BATCH,
        learning_rate=recipe.learning_rate,
        lr_scheduler_type="linear",
        warmup_steps=math.ceil(recipe.warmup * context.schedule.total_steps),
        weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm,
        gradient_accumulation_steps=recipe.gradient_accumulation * batch_parts,
        seed=recipe.seed,
        bf16=hardware.precision == "bf16",
        fp16=hardware.precision == "fp16",
        use_cpu=hardware.device == "cpu",
        # The callback follows the schedule; the Trainer's own is off.
        logging_strategy="no",
        eval_strategy="no",
        save_strategy="no",
        # Otherwise a NaN loss would be shown as the mean of the losses before.
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to="none",
        dataloader_pin_memory=hardware.device == "cuda",
        # Otherwise each step waits until the GPU has finished all work queued before it.
        accelerator_config={"non_blocking": hardware.device == "cuda"},
        # While the encoder is frozen, some weights have no gradient to average.
        ddp_find_unused_parameters=0 < recipe.frozen_epochs < recipe.epochs if process_group.world_size > 1 else None,
        ddp_backend="gloo" if process_group.world_size > 1 and hardware.device == "cpu" else None,
    )
    # With several visible GPUs the Trainer would wrap the model into DataParallel, with another batch size than the recipe's.
    arguments._n_gpu = min(arguments.n_gpu, 1)
    return arguments


def _compute_metrics(task: Task, prediction: Any) -> dict[str, float]:
    labels, probabilities = prediction.label_ids, task.probabilities(prediction.predictions)
    said = task.with_cuts(task.choose_cuts(labels, probabilities)).decide(probabilities)
    return TRAINING_TASKS[task.key].validation_metrics(labels, said)
