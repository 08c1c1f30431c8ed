"""One training from its last saved state, or from the beginning, to its model; a second attempt where the memory did not suffice."""

import gc
import shutil
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainer.atomic import make_folder, move, sync_tree
from trainer.errors import NoMemoryError
from trainer.runs.checkpoints import Checkpoint, link_files
from trainer.runs.run import Run
from trainer.text_format import pluralize
from trainer.training.distributed import ProcessGroup
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware
from trainer.training.memory import largest_divisor, out_of_memory_advice
from trainer.training.tokenized_dataset import TokenizedDataset

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from trainer.training.callback import TrainingCallback, TrainingContext
    from trainer.training.classifier import Classifier
    from trainer.training.state import TrainState
    from trainer.training.trainer import ClassificationTrainer


class TrainingCancelled(Exception):
    """A stop was asked for before the first step."""


@dataclass(frozen=True)
class TrainResult:
    """What a training did. ``train_seconds`` and samples are of training steps alone: no evaluations, no saves."""

    stopped: bool
    best_step: int
    train_seconds: float
    samples_per_second: float
    hardware: Hardware
    seconds_before: float
    """Seconds of the training that were spent before it was resumed for the last time."""


@dataclass(frozen=True)
class TrainingJob:
    """All that one attempt at a training needs."""

    task: "TrainingContext"
    encoder: Encoder
    label_names: tuple[str, ...]
    tokenizer: "PreTrainedTokenizerBase"
    train: TokenizedDataset
    validation: TokenizedDataset
    hardware: Hardware


def train_with_oom_retry(course: TrainingJob, texts_at_a_time: int) -> TrainResult | None:
    """Train; where the memory does not suffice, once more from the last state with batches read in parts.

    ``texts_at_a_time`` is the batch of a process or, where it is known to be too much, an equal part of it. Raises NoMemoryError where
    neither suffices.
    """
    recipe, process_group = course.task.recipe, course.task.process_group
    together = recipe.batch_size // process_group.world_size
    fitted = _attempt_and_clear(course, split=together // texts_at_a_time)
    if fitted is not _NO_MEMORY:
        return fitted
    # Of several processes one may have had room enough: they could not agree on a second attempt.
    fewer = largest_divisor(texts_at_a_time, texts_at_a_time - 1) if process_group.world_size == 1 else None
    if fewer is not None:
        parts = together // fewer
        remark = (
            f"The {course.hardware.name} ran out of memory with {pluralize(texts_at_a_time, 'text')} at a time. It goes on with "
            f"{fewer} at a time and {parts * recipe.gradient_accumulation} times as many before each step: "
            "the same training, a little slower."
        )
        fitted = _attempt_and_clear(course, split=parts, remark=remark)
        if fitted is not _NO_MEMORY:
            return fitted
        texts_at_a_time = fewer
    fewer = largest_divisor(texts_at_a_time, texts_at_a_time - 1)
    raise NoMemoryError(
        f"The {course.hardware.name} ran out of memory with {pluralize(texts_at_a_time, 'text')} at a time. {out_of_memory_advice(fewer)}",
        code="out_of_memory",
        fewer_texts=fewer,
    )


_NO_MEMORY = object()


def _attempt_and_clear(course: TrainingJob, **how: Any) -> Any:
    """An attempt, after which no memory of it is held: by now an exception of it is gone too, and with it what its frames held."""
    fitted = _attempt(course, **how)
    gc.collect()
    if course.hardware.device == "cuda":
        import torch

        torch.cuda.empty_cache()
    return fitted


def _attempt(course: TrainingJob, *, split: int = 1, remark: str = "") -> Any:
    """Train from the last complete state, or from the beginning; _NO_MEMORY where the memory did not suffice.

    ``split`` is the number of parts in which each batch is read, ``remark`` what is to be said of this attempt.
    """
    import torch
    from transformers import set_seed

    from trainer.training.acceleration import optimize_for_device
    from trainer.training.classifier import build_classifier
    from trainer.training.state import load_train_state
    from trainer.training.trainer import build_trainer

    task, hardware = course.task, course.hardware
    run, recipe = task.run, task.recipe
    set_seed(recipe.seed)
    model = build_classifier(course.encoder, course.label_names, recipe)
    masks = optimize_for_device(model, hardware, seed=recipe.seed)
    last, damaged = _last_state(task)
    before = load_train_state(last.path) if last else None
    if not remark:
        # Later there may be something to keep: the first step then ends it.
        raise_if_stop_requested(run, task.process_group)
    _tell_start(task, model, hardware, last)
    for message in filter(None, (damaged, remark)):
        run.log.append("notice", message=message)
    run.log.append("phase", what="training")
    trainer, watch = build_trainer(
        task,
        model,
        course.tokenizer,
        train=course.train,
        validation=course.validation,
        hardware=hardware,
        split=split,
        masks=masks,
        before=before,
    )
    try:
        return _trained(course, trainer, watch, last, before)
    except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
        if not _out_of_memory(error):
            raise
        return _NO_MEMORY
    finally:
        # The watch and the Trainer hold each other, and the Trainer the optimizer: let go of their memory before the scoring.
        watch.trainer = None


def _trained(
    course: TrainingJob, trainer: "ClassificationTrainer", watch: "TrainingCallback", last: Checkpoint | None, before: "TrainState | None"
) -> TrainResult | None:
    """Train what is still to come after ``last`` and save the model; None in a process that only lends a hand."""
    from trainer.training.callback import TrainingComplete

    task = course.task
    if _something_is_to_come(before, task):
        with suppress(TrainingComplete):
            trainer.train(resume_from_checkpoint=str(last.path) if last else None)
    else:
        trainer.state.global_step = before.step
    if not task.process_group.is_main_process:
        return None
    task.run.log.append("phase", durable=True, what="saving the model", stage="saving")
    _save(task.run, watch, course.tokenizer)
    return TrainResult(
        watch.stopped,
        watch.best.step,
        watch.train_seconds,
        watch.samples_per_second(trainer.state.global_step),
        course.hardware,
        before.seconds if before else 0.0,
    )


def _something_is_to_come(before: "TrainState | None", task: "TrainingContext") -> bool:
    if before is None or before.unscored:
        return True
    ended = before.ended and task.recipe.early_stopping is not None
    return not ended and before.step < task.schedule.total_steps


def _last_state(task: "TrainingContext") -> tuple[Checkpoint | None, str]:
    """The state to go on from, the same in every process, and what is to be said of damaged ones; what does not count is removed."""
    newest, damaged = task.checkpoints.newest_and_damaged() if task.process_group.is_main_process else (None, ())
    if task.process_group.is_main_process:
        task.checkpoints.forget_after(newest)
    step = int(task.process_group.broadcast(str(newest.step if newest else -1)))
    if step < 0 or newest is not None:
        return newest, _damaged_words(damaged, newest)
    return Checkpoint(task.run.checkpoints / f"state-{step:08d}", step), ""


def _damaged_words(damaged: Sequence[int], newest: Checkpoint | None) -> str:
    """That states were damaged and where the training goes on instead; nothing where none was."""
    if not damaged:
        return ""
    steps = " and ".join(f"{step:,}" for step in reversed(damaged))
    which = f"The state saved after step {steps} is" if len(damaged) == 1 else f"The states saved after steps {steps} are"
    where = f"goes on from the one after step {newest.step:,}, which is whole" if newest else "begins again from the start"
    return f"{which} damaged, so the training {where}. What was trained since then is trained once more, to the same result."


def _out_of_memory(error: BaseException) -> bool:
    import torch

    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The allocator for processors has no exception of its own.
    return "can't allocate memory" in str(error) or "not enough memory" in str(error)


def _tell_start(task: "TrainingContext", model: "Classifier", hardware: Hardware, last: Checkpoint | None) -> None:
    from trainer.training.classifier import count_parameters

    recipe, log = task.recipe, task.run.log
    # Not by "started" alone, as that line may be damaged.
    begun = last is not None or any(event["kind"] in ("started", "log", "eval", "saved") for event in log.read())
    log.append(
        "started",
        device=hardware.description,
        processes=task.process_group.world_size,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        total_steps=task.schedule.total_steps,
        epoch_steps=list(task.schedule.epoch_steps),
        evaluations=len(task.schedule.evaluation_steps),
        parameters=count_parameters(model),
        trainable_parameters=count_parameters(model, learning=True),
    )
    if begun:
        log.append("resumed", durable=True, step=last.step if last else 0, best_step=last.best if last else None)


def _save(run: Run, watch: "TrainingCallback", tokenizer: "PreTrainedTokenizerBase") -> None:
    """Make ``run.model`` of the best weights and the tokenizer, as a whole or not at all; the last state stays, for whoever wants more epochs."""
    from trainer.training.state import disk_errors_as_oserror

    partial = run.path / ".model"
    shutil.rmtree(partial, ignore_errors=True)
    make_folder(partial)
    link_files(watch.best_checkpoint().path, partial)
    with disk_errors_as_oserror():
        tokenizer.save_pretrained(partial)
    sync_tree(partial)
    move(partial, run.model)
    last = watch.checkpoints.newest()
    if last is not None:
        watch.checkpoints.keep_only(last)


def raise_if_stop_requested(run: Run, process_group: ProcessGroup) -> None:
    """End before the first step where a stop was asked for while things were loading."""
    if process_group.broadcast_flag(run.stop_asked()):
        raise TrainingCancelled
