"""One training from its last saved state, or from the start, to its model; and a second attempt if memory ran out."""

import gc
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from trainer.atomic import make_folder, move, sync_tree
from trainer.errors import NoMemoryError, RunError
from trainer.runs.checkpoints import Checkpoint, link_files
from trainer.runs.event_types import Notice, Phase, Resumed, Started
from trainer.text_format import pluralize
from trainer.training.distributed import ProcessGroup
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware
from trainer.training.memory import effect_of_smaller_parts, largest_divisor, out_of_memory_advice
from trainer.training.tokenized_dataset import TokenizedDataset
from trainer.training.training_context import Reporter, TrainingContext

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from trainer.training.callback import TrainingCallback
    from trainer.training.classifier import Classifier
    from trainer.training.keeping import CheckpointKeeper
    from trainer.training.resume_state import TrainState
    from trainer.training.trainer import ClassificationTrainer


class TrainingCancelled(Exception):
    """A stop was requested before the first step."""


@dataclass(frozen=True)
class TrainResult:
    """What a training did. ``train_seconds`` and samples count training steps only: no evaluations, no saves."""

    stopped: bool
    best_step: int
    train_seconds: float
    samples_per_second: float
    hardware: Hardware
    previous_seconds: float
    """Seconds of the training before it was last resumed."""


@dataclass(frozen=True)
class TrainingAttempt:
    """All that an attempt at a training needs; a second one after memory ran out needs the same."""

    context: TrainingContext
    encoder: Encoder
    label_names: tuple[str, ...]
    tokenizer: "PreTrainedTokenizerBase"
    train: TokenizedDataset
    validation: TokenizedDataset
    test: TokenizedDataset
    """Scored by the linear model that the training starts from; nothing else reads them."""
    hardware: Hardware
    model_folder: Path
    """Where the model is saved, as a whole or not at all."""
    started_before: bool
    """Whether an earlier attempt has reported its start."""


class _OutOfMemory:
    """Returned and not raised: an exception would keep the frames of the attempt alive, and with them its memory."""


def train_with_oom_retry(attempt: TrainingAttempt, texts_at_a_time: int) -> TrainResult | None:
    """Train; if memory runs out, train once more from the last state with batches read in smaller parts.

    ``texts_at_a_time`` is the batch of a process or, if that is known to be too much, an equal part of it. Returns None in all processes
    but rank 0. Raises NoMemoryError if memory runs out again.
    """
    recipe, world_size = attempt.context.recipe, attempt.context.process_group.world_size
    process_batch = recipe.batch_size // world_size
    result = _train_once(attempt, batch_parts=process_batch // texts_at_a_time)
    if not isinstance(result, _OutOfMemory):
        return result
    # With several processes one may have had enough memory: they could not agree on a second attempt.
    fewer = largest_divisor(texts_at_a_time, texts_at_a_time - 1) if world_size == 1 else None
    if fewer is not None:
        batch_parts = process_batch // fewer
        note = (
            f"This machine ({attempt.hardware.name}) ran out of memory with {pluralize(texts_at_a_time, 'text')} at a time. The training continues "
            f"with {fewer} at a time, {batch_parts * recipe.gradient_accumulation} times for each step: {effect_of_smaller_parts(recipe)}."
        )
        result = _train_once(attempt, batch_parts=batch_parts, retry_note=note)
        if not isinstance(result, _OutOfMemory):
            return result
        texts_at_a_time = fewer
    fewer = largest_divisor(texts_at_a_time, texts_at_a_time - 1)
    raise NoMemoryError(
        f"This machine ({attempt.hardware.name}) ran out of memory with {pluralize(texts_at_a_time, 'text')} at a time. {out_of_memory_advice(fewer, recipe)}",
        code="out_of_memory",
        retry_texts_at_a_time=fewer,
    )


def _train_once(attempt: TrainingAttempt, *, batch_parts: int, retry_note: str = "") -> "TrainResult | _OutOfMemory | None":
    """One attempt, whose memory is free when this returns: by now an exception of it is gone too."""
    result = _train_from_last_state(attempt, batch_parts, retry_note)
    gc.collect()
    if attempt.hardware.device == "cuda":
        import torch

        torch.cuda.empty_cache()
    return result


def _train_from_last_state(attempt: TrainingAttempt, batch_parts: int, retry_note: str) -> "TrainResult | _OutOfMemory | None":
    """Train from the last complete state, or from the start; each batch is read in ``batch_parts`` parts."""
    import torch
    from transformers import set_seed

    from trainer.training.acceleration import optimize_for_device
    from trainer.training.classifier import build_classifier, pools_otherwise
    from trainer.training.resume_state import load_train_state
    from trainer.training.trainer import build_trainer

    context, recipe = attempt.context, attempt.context.recipe
    last, damage_note = _last_state(context)
    if last is None and not recipe.starts_from_linear_model and attempt.encoder.pooling == "mean":
        _score_linear_model(attempt)
    resume_from = load_train_state(last.path) if last else None
    train = attempt.train
    if recipe.distillation and _has_work_left(resume_from, context):
        # Taught anew by each attempt, to the same numbers. Before a retry there may be a model to keep: the retry's first step then handles a stop.
        train = _with_teacher(attempt, interruptible=not retry_note)
    set_seed(recipe.seed)
    model = build_classifier(attempt.encoder, attempt.label_names, recipe, context.task)
    masks = optimize_for_device(model, attempt.hardware, seed=recipe.seed)
    if resume_from and resume_from.best and pools_otherwise(model, context.checkpoints.folder / f"best-{resume_from.best.step:08d}"):
        raise RunError(
            "This training was begun by an earlier version of Emotune, whose head reads the average of all tokens otherwise than today's. "
            "Its model still works. To train further, start a new run.",
            code="cannot_resume",
        )
    if last is None:
        _start_from_linear_model(attempt, model)
    if not retry_note:
        # Before a retry there may be a model to keep: the retry's first step then handles the stop.
        raise_if_stop_requested(context.reporter, context.process_group)
    _report_start(attempt, model, last, started_before=attempt.started_before or bool(retry_note))
    for message in filter(None, (damage_note, retry_note)):
        context.reporter.emit(Notice(message=message))
    context.reporter.emit(Phase(what="training"))
    trainer, callback = build_trainer(
        context,
        model,
        attempt.tokenizer,
        train=train,
        validation=attempt.validation,
        hardware=attempt.hardware,
        batch_parts=batch_parts,
        masks=masks,
        resume_from=resume_from,
    )
    try:
        return _train_and_save(attempt, trainer, callback, last, resume_from)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        return _OutOfMemory()
    finally:
        # Callback and Trainer hold each other, and the Trainer the optimizer: free their memory before the predictions.
        callback.trainer = None


def _averaging_classifier(attempt: TrainingAttempt) -> "Classifier":
    """The unchanged encoder with the head of a linear model."""
    from trainer.training.classifier import build_classifier

    recipe = replace(attempt.context.recipe, pooling="mean", head="linear", lora_rank=0, dropout=None)
    return build_classifier(attempt.encoder, attempt.label_names, recipe, attempt.context.task)


def _score_linear_model(attempt: TrainingAttempt) -> None:
    """Report the scores of a linear model on the unchanged encoder, to compare with: the training starts from other weights."""
    if attempt.context.process_group.is_main_process:
        _fit_linear_model(attempt, _averaging_classifier(attempt))


def _with_teacher(attempt: TrainingAttempt, *, interruptible: bool) -> TokenizedDataset:
    """The training rows with what linear models say of them, in each process.

    Raises TrainingCancelled if ``interruptible`` and a stop was requested, which rank 0 notices for all, and NoMemoryError.
    """
    from trainer.training.distillation import with_teacher

    context = attempt.context
    context.reporter.emit(Phase(what="asking linear models about each text"))
    asks = interruptible and context.process_group.is_main_process
    try:
        train = with_teacher(
            _averaging_classifier(attempt),
            attempt.train,
            attempt.tokenizer,
            attempt.hardware,
            is_stop_requested=context.reporter.is_stop_requested if asks else lambda: False,
        )
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        raise NoMemoryError(
            f"This machine ({attempt.hardware.name}) ran out of memory while linear models were asked about the {len(attempt.train):,} training "
            "texts. Set the distillation to 0, or train on fewer rows.",
            code="out_of_memory",
            retry_texts_at_a_time=None,
        ) from error
    if context.process_group.broadcast_flag(train is None):
        raise TrainingCancelled
    return train


def _start_from_linear_model(attempt: TrainingAttempt, model: "Classifier") -> None:
    """Make a linear model the head's first weights, in all processes, if the head allows it; report its scores."""
    from trainer.training.linear_model import starts_from_linear_model

    if starts_from_linear_model(model):
        if attempt.context.process_group.is_main_process:
            _fit_linear_model(attempt, model)
        attempt.context.process_group.broadcast_weights(model.head)


def _fit_linear_model(attempt: TrainingAttempt, model: "Classifier") -> None:
    from trainer.training.linear_model import LinearRows, start_from_linear_model, starts_from_linear_model

    context = attempt.context
    if starts_from_linear_model(model):
        context.reporter.emit(Phase(what="fitting a linear model on the unchanged encoder"))
        scores = start_from_linear_model(
            model,
            LinearRows(attempt.train, attempt.validation, attempt.test),
            attempt.tokenizer,
            attempt.hardware,
            balanced=context.recipe.class_weights == "balanced",
            with_names=context.recipe.class_names == "automatic",
            is_stop_requested=context.reporter.is_stop_requested,
        )
        if scores is not None:
            context.reporter.emit(scores)


def _train_and_save(
    attempt: TrainingAttempt,
    trainer: "ClassificationTrainer",
    callback: "TrainingCallback",
    last: Checkpoint | None,
    resume_from: "TrainState | None",
) -> TrainResult | None:
    """Train the steps after ``last`` and save the model; None in all processes but rank 0."""
    from trainer.training.callback import TrainingComplete

    context = attempt.context
    if not context.schedule.total_steps:
        # The linear model is all there is; it is scored, and kept, like any other.
        trainer.evaluate()
    elif _has_work_left(resume_from, context):
        with suppress(TrainingComplete):
            trainer.train(resume_from_checkpoint=str(last.path) if last else None)
    else:
        trainer.state.global_step = resume_from.step
    if not context.process_group.is_main_process:
        return None
    context.reporter.emit(Phase(what="saving the model", stage="saving"), durable=True)
    _save_model(attempt, callback.keeper)
    return TrainResult(
        callback.stopped,
        callback.keeper.best.step,
        callback.train_seconds,
        callback.samples_per_second(trainer.state.global_step),
        attempt.hardware,
        resume_from.seconds if resume_from else 0.0,
    )


def _has_work_left(resume_from: "TrainState | None", context: TrainingContext) -> bool:
    if resume_from is None or resume_from.evaluation_pending:
        return True
    stopped_early = resume_from.stopped_early and context.recipe.early_stopping is not None
    return not stopped_early and resume_from.step < context.schedule.total_steps


def _last_state(context: TrainingContext) -> tuple[Checkpoint | None, str]:
    """The state to resume from, the same in all processes, and a note about damaged ones; removes what does not count."""
    group, checkpoints = context.process_group, context.checkpoints
    newest, damaged = checkpoints.newest_and_damaged() if group.is_main_process else (None, ())
    if group.is_main_process:
        checkpoints.remove_after(newest)
    step = int(group.broadcast(str(newest.step if newest else -1)))
    if step < 0 or newest is not None:
        return newest, _damage_note(damaged, newest)
    return Checkpoint(checkpoints.folder / f"state-{step:08d}", step), ""


def _damage_note(damaged: Sequence[int], newest: Checkpoint | None) -> str:
    """Which states are damaged and where the training continues instead; "" if none is."""
    if not damaged:
        return ""
    steps = " and ".join(f"{step:,}" for step in reversed(damaged))
    which = f"The state saved after step {steps} is" if len(damaged) == 1 else f"The states saved after steps {steps} are"
    where = f"continues from the one after step {newest.step:,}, which is intact" if newest else "begins again from the start"
    return f"{which} damaged, so the training {where}. The steps since then are trained again, to the same result."


def _is_out_of_memory(error: BaseException) -> bool:
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The CPU allocator has no exception of its own.
    return "can't allocate memory" in str(error) or "not enough memory" in str(error)


def _report_start(attempt: TrainingAttempt, model: "Classifier", last: Checkpoint | None, *, started_before: bool) -> None:
    from trainer.training.classifier import count_parameters
    from trainer.training.linear_model import starts_from_linear_model

    recipe, schedule, reporter = attempt.context.recipe, attempt.context.schedule, attempt.context.reporter
    reporter.emit(
        Started(
            device=attempt.hardware.description,
            processes=attempt.context.process_group.world_size,
            epochs=len(schedule.epoch_steps) or None,
            batch_size=recipe.batch_size,
            learning_rate=recipe.learning_rate,
            total_steps=schedule.total_steps,
            epoch_steps=schedule.epoch_steps,
            evaluations=len(schedule.evaluation_steps) + starts_from_linear_model(model),
            parameters=count_parameters(model),
            trainable_parameters=count_parameters(model, trainable=True),
            added_tokens=attempt.encoder.added_tokens,
        )
    )
    if last is not None or started_before:
        reporter.emit(Resumed(step=last.step if last else 0, best_step=last.best if last else None), durable=True)


def _save_model(attempt: TrainingAttempt, keeper: "CheckpointKeeper") -> None:
    """Save the best weights and the tokenizer in the model's folder, and keep only the last state, for training more epochs."""
    from trainer.training.resume_state import disk_errors_as_oserror

    partial = attempt.model_folder.parent / f".{attempt.model_folder.name}"
    shutil.rmtree(partial, ignore_errors=True)
    make_folder(partial)
    link_files(keeper.best_checkpoint().path, partial)
    with disk_errors_as_oserror():
        attempt.tokenizer.save_pretrained(partial)
    sync_tree(partial)
    move(partial, attempt.model_folder)
    last = attempt.context.checkpoints.newest()
    if last is not None:
        attempt.context.checkpoints.keep_only(last)


def raise_if_stop_requested(reporter: Reporter, process_group: ProcessGroup) -> None:
    """Raise TrainingCancelled, in all processes, if a stop was requested while the training was loading."""
    if process_group.broadcast_flag(reporter.is_stop_requested()):
        raise TrainingCancelled
