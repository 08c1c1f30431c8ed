"""fit: from a run's recipe and rows to its saved model. Scoring it is the caller's business."""

import gc
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trainer.data.corpus import Corpus
from trainer.data.splitting import Splits
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.run import Run
from trainer.training.encoders import Encoder, load_tokenizer
from trainer.training.hardware import Hardware, at_precision, detect
from trainer.training.libraries import load_libraries
from trainer.training.limits import refuse_what_cannot_fit
from trainer.training.schedule import Schedule, plan

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

    from trainer.training.classifier import Classifier


class Cancelled(Exception):
    """A stop was asked for before the first step."""


@dataclass(frozen=True)
class Fitted:
    """What a training did. Seconds and samples are of training steps alone: no evaluations, no saves."""

    stopped: bool
    best_step: int
    train_seconds: float
    samples_per_second: float
    hardware: Hardware


def fit(run: Run, encoder: Encoder, corpus: Corpus, splits: Splits) -> Fitted:
    """Train what the run's recipe asks for and save the best model, by the recipe's metric on validation, in ``run.model``.

    Tells the run's log every phase, step and evaluation, and ends after the current step once a stop is asked for,
    keeping the best model so far. Raises UserError for what a person can put right, and Cancelled where the stop came
    before the first step.
    """
    load_libraries()
    import torch
    from transformers import set_seed

    from trainer.training.acceleration import quicken
    from trainer.training.classifier import make_classifier

    recipe = run.recipe().settled(train_rows=len(splits.train), learning_rate=encoder.learning_rate)
    hardware = at_precision(detect(), recipe.precision)
    torch.set_num_threads(hardware.cores)

    run.log.append("phase", what=f"loading the encoder {encoder.name}" if encoder.local else f"fetching the encoder {encoder.name}")
    tokenizer = load_tokenizer(encoder, max_length=recipe.max_length)
    set_seed(recipe.seed)
    model = make_classifier(encoder, corpus.label_names, recipe)
    masks = quicken(model, hardware, seed=recipe.seed)

    _mind_the_stop(run)
    run.log.append("phase", what=f"reading {len(splits.train) + len(splits.validation):,} texts")
    train = tokenise(tokenizer, [corpus.texts[i] for i in splits.train], corpus.label_ids[splits.train])
    validation = tokenise(tokenizer, [corpus.texts[i] for i in splits.validation], corpus.label_ids[splits.validation])
    validation.sort(key=lambda row: len(row["input_ids"]))
    refuse_what_cannot_fit(recipe, encoder, [len(row["input_ids"]) for row in train], hardware)
    schedule = plan(
        train_rows=len(train),
        validation_rows=len(validation),
        batch_size=recipe.batch_size,
        epochs=recipe.epochs,
        gradient_accumulation=recipe.gradient_accumulation,
        evaluations_per_epoch=recipe.evaluations_per_epoch,
        log_every=recipe.log_every,
    )
    _tell_start(run, recipe, schedule, model, hardware)
    _mind_the_stop(run)
    run.log.append("phase", what="training")

    from trainer.training.loop import make_trainer

    trainer, callback = make_trainer(
        run, model, tokenizer, train=train, validation=validation, recipe=recipe, schedule=schedule, hardware=hardware, masks=masks
    )
    with _memory_in_words(hardware, recipe):
        trainer.train()
    run.log.append("phase", what="saving the model")
    _save(run, callback.best_folder(), tokenizer)
    fitted = Fitted(callback.stopped, callback.best.step, callback.train_seconds, callback.samples_per_second(trainer.state), hardware)
    # The callback and the Trainer hold each other, and the Trainer the optimizer: let go of their memory before the scoring.
    callback.trainer = None
    del trainer, model
    gc.collect()
    if hardware.device == "cuda":
        torch.cuda.empty_cache()
    return fitted


def _tell_start(run: Run, recipe: Recipe, schedule: Schedule, model: "Classifier", hardware: Hardware) -> None:
    from trainer.training.classifier import count_parameters

    run.log.append(
        "started",
        device=hardware.words,
        epochs=recipe.epochs,
        batch_size=recipe.batch_size,
        learning_rate=recipe.learning_rate,
        total_steps=schedule.total_steps,
        epoch_steps=list(schedule.epoch_steps),
        parameters=count_parameters(model),
        trainable_parameters=count_parameters(model, learning=True),
    )


def tokenise(tokenizer: "PreTrainedTokenizerBase", texts: Sequence[str], label_ids: Sequence[int]) -> list[dict[str, Any]]:
    """One dictionary of token ids per text, cut at the tokenizer's maximum length, not padded."""
    encoded = tokenizer(list(texts), truncation=True)
    columns = {name: encoded[name] for name in encoded}
    return [{**{name: ids[i] for name, ids in columns.items()}, "labels": int(label)} for i, label in enumerate(label_ids)]


def _save(run: Run, best: Path, tokenizer: "PreTrainedTokenizerBase") -> None:
    """Make ``run.model`` of the best weights and the tokenizer, as a whole or not at all. Moved, not copied: no second copy on the disk."""
    tokenizer.save_pretrained(best)
    shutil.rmtree(run.model, ignore_errors=True)
    best.rename(run.model)
    shutil.rmtree(run.checkpoints)


@contextmanager
def _memory_in_words(hardware: Hardware, recipe: Recipe) -> Iterator[None]:
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise UserError(
            f"The {hardware.name} ran out of memory with {recipe.batch_size} texts per step. "
            "Choose a smaller batch size or a shorter maximum length and start again.",
            code="out_of_memory",
        ) from error


def _mind_the_stop(run: Run) -> None:
    """End before the first step where a stop was asked for while things were loading: there is no model to keep yet."""
    if run.stop_asked():
        raise Cancelled
