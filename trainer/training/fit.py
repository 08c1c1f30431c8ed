"""fit: from a run's recipe and rows to its saved model. Scoring it is the caller's business."""

from dataclasses import replace

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.run import Run
from trainer.runs.view_builder import build_view
from trainer.training.attempt import TrainingJob, TrainResult, raise_if_stop_requested, train_with_oom_retry
from trainer.training.distributed import ProcessGroup
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.encoders import Encoder
from trainer.training.hardware import detect_hardware, with_precision
from trainer.training.libraries import load_training_libraries
from trainer.training.memory import check_memory, largest_divisor, trim_heap
from trainer.training.schedule import build_schedule
from trainer.training.tokenized_dataset import tokenize_dataset


def fit(
    run: Run, encoder: Encoder, corpus: Corpus, splits: Splits, *, checkpoints: Checkpoints | None = None, save_seconds: float = 30.0
) -> TrainResult | None:
    """Train what the run's resolved recipe says and save the model that validation chooses (see selection.py) in ``run.model``.

    Goes on from the run's last complete state where there is one (``checkpoints`` if somebody looked at them before), and keeps one every
    ``save_seconds`` (0: at every logged step). Tells the run's log every phase, step and evaluation, and ends after the current step once a
    stop is asked for, keeping the best model so far.
    In a training of several processes all but rank 0 get None.
    Raises UserError for what a person can put right, Cancelled where the stop came before the first step, OSError where it cannot be kept.
    """
    load_training_libraries()
    # Reading and splitting a large file has left as much again as what is kept of it.
    trim_heap()
    import torch

    from trainer.training.callback import TrainingContext

    process_group = ProcessGroup.from_environment()
    process_group.init()
    recipe = run.resolved_recipe()
    checkpoints, known = checkpoints or Checkpoints(run.checkpoints, run.id), build_view(run.id, run.log.read())
    recipe = replace(recipe, batch_size=_shared_batch(known.batch_size, checkpoints, recipe, process_group))
    hardware = with_precision(detect_hardware(), recipe.precision)
    torch.set_num_threads(max(1, hardware.cores // process_group.local_world_size))

    run.log.append("phase", what=f"loading the encoder {encoder.name}" if encoder.is_local else f"fetching the encoder {encoder.name}")
    tokenizer = load_tokenizer(encoder, max_length=recipe.max_length)
    raise_if_stop_requested(run, process_group)
    run.log.append("phase", what=f"reading {len(splits.train) + len(splits.validation):,} texts")
    train = tokenize_dataset(tokenizer, [corpus.texts[i] for i in splits.train], corpus.label_ids[splits.train])
    validation = tokenize_dataset(tokenizer, [corpus.texts[i] for i in splits.validation], corpus.label_ids[splits.validation])
    validation = validation.ordered(np.argsort(validation.lengths, kind="stable"))
    texts_at_a_time = _texts_at_a_time(recipe.batch_size // process_group.world_size, known.texts_at_a_time)
    check_memory(replace(recipe, batch_size=texts_at_a_time), encoder, train.lengths, hardware)
    schedule = build_schedule(
        train_rows=len(train),
        validation_rows=len(validation),
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        gradient_accumulation=recipe.gradient_accumulation,
        evaluations_per_epoch=recipe.evaluations_per_epoch,
        log_every=recipe.log_every,
    )
    course = TrainingJob(
        TrainingContext(run, recipe, schedule, process_group, checkpoints, save_seconds),
        encoder,
        corpus.label_names,
        tokenizer,
        train,
        validation,
        hardware,
    )
    return train_with_oom_retry(course, texts_at_a_time)


def _texts_at_a_time(batch: int, most: int | None) -> int:
    """Texts that a process reads at once: its batch or, once it was too much for the memory, a part of it with so many at ``most``."""
    return batch if most is None else largest_divisor(batch, most) or 1


def _shared_batch(known: int, checkpoints: Checkpoints, recipe: Recipe, process_group: ProcessGroup) -> int:
    """Texts per step of all processes together: that of the recipe, rounded so that each gets as many; that of before for a run that goes on.

    ``known`` is that of before, 0 where there is none.

    Raises UserError where these processes cannot share the batches of a run that was begun with others.
    """
    shared = max(1, recipe.batch_size // process_group.world_size) * process_group.world_size
    if known in (0, shared) or checkpoints.newest() is None:
        return shared
    if known % process_group.world_size:
        raise UserError(
            f"This run was begun with batches of {known} texts, which {process_group.world_size} processes cannot share equally. "
            f"Resume it with a number of processes that divides {known}.",
            code="cannot_resume",
        )
    return known
