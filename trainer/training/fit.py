"""fit: from a resolved recipe and rows to a saved model. Scoring the model is the caller's."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.errors import RunError
from trainer.recipe import Recipe
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.event_types import Phase
from trainer.training.added_tokens import choose_added_tokens, unknown_token_id
from trainer.training.attempt import TrainingAttempt, TrainResult, raise_if_stop_requested, train_with_oom_retry
from trainer.training.distributed import ProcessGroup
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.encoders import Encoder
from trainer.training.exclusive_loading import load_training_libraries
from trainer.training.hardware import detect_hardware, with_precision
from trainer.training.memory import check_memory, largest_divisor, trim_heap
from trainer.training.schedule import Schedule, build_schedule
from trainer.training.tokenized_dataset import TokenizedDataset, tokenize_dataset
from trainer.training.training_context import PreviousAttempts, Reporter, TrainingContext


def fit(
    recipe: Recipe,
    encoder: Encoder,
    corpus: Corpus,
    splits: Splits,
    *,
    reporter: Reporter,
    checkpoints: Checkpoints,
    model_folder: Path,
    previous: PreviousAttempts,
    save_seconds: float = 30.0,
) -> TrainResult | None:
    """Train with a resolved recipe, and save the model that validation chooses (see checkpoint_selection.py) in ``model_folder``.

    Resumes from the last complete state of ``checkpoints`` if there is one, and saves one every ``save_seconds`` (0: at every logged step).
    Reports every phase, step and evaluation. After a requested stop it ends with the current step and keeps the best model so far.
    With several processes all but rank 0 return None.
    Raises UserError for what a user can fix, TrainingCancelled if the stop came before the first step, OSError if saving fails.
    """
    load_training_libraries()
    # Reading and splitting a large file leaves as much freed memory as it keeps.
    trim_heap()
    import torch

    process_group = ProcessGroup.from_environment()
    process_group.init()
    recipe = replace(recipe, batch_size=_shared_batch_size(previous.batch_size, checkpoints, recipe, process_group))
    hardware = with_precision(detect_hardware(), recipe.precision)
    torch.set_num_threads(max(1, hardware.cores // process_group.local_world_size))

    reporter.emit(Phase(what=f"{'loading' if encoder.is_local else 'fetching'} the encoder {encoder.name}"))
    encoder = _with_added_tokens(encoder, recipe, [corpus.texts[i] for i in splits.train], previous)
    tokenizer = load_tokenizer(encoder, max_length=recipe.max_length)
    raise_if_stop_requested(reporter, process_group)
    reporter.emit(Phase(what=f"reading {len(splits.train) + len(splits.validation) + len(splits.test):,} texts"))
    train, validation, test = (
        tokenize_dataset(tokenizer, [corpus.texts[i] for i in rows], corpus.label_ids[rows])
        for rows in (splits.train, splits.validation, splits.test)
    )
    validation = validation.ordered(np.argsort(validation.lengths, kind="stable"))
    texts_at_a_time = _texts_at_a_time(recipe.batch_size // process_group.world_size, previous.texts_at_a_time)
    check_memory(replace(recipe, batch_size=texts_at_a_time), encoder, train.lengths, hardware)
    context = TrainingContext(reporter, corpus.task, recipe, _schedule(recipe, train, validation), process_group, checkpoints, save_seconds)
    attempt = TrainingAttempt(
        context, encoder, corpus.label_names, tokenizer, train, validation, test, hardware, model_folder, started_before=previous.started
    )
    return train_with_oom_retry(attempt, texts_at_a_time)


def _with_added_tokens(encoder: Encoder, recipe: Recipe, texts: Sequence[str], previous: PreviousAttempts) -> Encoder:
    """The encoder with tokens for signs of the training texts that it cannot read, or with those of an earlier attempt."""
    tokens = previous.added_tokens
    if tokens is None:
        tokenizer = load_tokenizer(encoder, max_length=recipe.max_length)
        # The few tokenizers without the library's have no normalizer to ask.
        if recipe.added_tokens != "automatic" or not tokenizer.is_fast:
            return encoder
        tokens = choose_added_tokens(tokenizer.backend_tokenizer, texts, unknown_id=unknown_token_id(tokenizer.backend_tokenizer))
    return replace(encoder, added_tokens=tokens)


def _schedule(recipe: Recipe, train: TokenizedDataset, validation: TokenizedDataset) -> Schedule:
    return build_schedule(
        train_rows=len(train),
        validation_rows=len(validation),
        batch_size=recipe.batch_size,
        epochs=0 if recipe.method == "frozen" else recipe.epochs,
        gradient_accumulation=recipe.gradient_accumulation,
        evaluations_per_epoch=recipe.evaluations_per_epoch,
        log_every=recipe.log_every,
    )


def _texts_at_a_time(batch_size: int, limit: int | None) -> int:
    """Texts that a process reads at once: its batch or, after running out of memory, the largest equal part of up to ``limit`` texts."""
    return batch_size if limit is None else largest_divisor(batch_size, limit) or 1


def _shared_batch_size(previous: int, checkpoints: Checkpoints, recipe: Recipe, process_group: ProcessGroup) -> int:
    """Texts per step of all processes together: the recipe's, rounded so that each gets as many, or the ``previous`` one of a resumed training.

    Raises UserError if these processes cannot share the batches of a training that was started by others.
    """
    shared = max(1, recipe.batch_size // process_group.world_size) * process_group.world_size
    if previous in (0, shared) or checkpoints.newest() is None:
        return shared
    if previous % process_group.world_size:
        raise RunError(
            f"This run was started with batches of {previous} texts, which {process_group.world_size} processes cannot share equally. "
            f"Resume it with a number of processes that divides {previous}.",
            code="cannot_resume",
        )
    return previous
