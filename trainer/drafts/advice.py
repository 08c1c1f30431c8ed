"""Advice before a training that depends on the encoder and on this machine: texts that are cut, their language, time and memory.

A training does not need it.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace

from trainer import presets
from trainer.check import CheckResult, run_checks
from trainer.data.checks.encoder import ENCODER_CHECKS, EncoderInfo, Estimate, Lengths, TextsAndEncoder, measure_lengths, suggested_length
from trainer.data.corpus import Corpus
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training.encoder_catalogue import encoder_info
from trainer.training.encoders import Encoder
from trainer.training.estimate import estimate_training
from trainer.training.hardware import Hardware
from trainer.training.tokens import token_chooser, token_counter

_DEFAULT_ROWS, _DEFAULT_CLASSES, _DEFAULT_TOKENS = 716, 6, 25.0
"""Size of the sample, for a recipe without a file."""


@dataclass(frozen=True)
class Advice:
    """The checks of one encoder with one file. ``lengths`` is None while the encoder's tokenizer is not on this machine."""

    checks: tuple[CheckResult, ...]
    lengths: Lengths | None
    max_length: int
    """Tokens that are read of each text."""
    suggested_length: int | None
    """The length that would read nearly all texts whole."""
    seconds: float | None = None
    """Estimated time from Start to the report; None if it cannot be estimated."""


def recipe_for_level(
    prepared: PreparedDraft | None, level: str, base: Recipe, encoder: Encoder, hardware: Hardware | None
) -> tuple[Recipe, str]:
    """The recipe of one preset level for a file, and what was chosen, as a message; without a usable file, for one as large as the sample."""
    device = "cpu" if hardware is None else hardware.device
    if prepared is None or prepared.problem is not None or prepared.corpus is None:
        return presets.recipe_for_level(
            level,
            train_rows=_DEFAULT_ROWS,
            class_count=_DEFAULT_CLASSES,
            mean_tokens=_DEFAULT_TOKENS,
            device=device,
            base=base,
            pooling=encoder.pooling,
        )
    sizes, info = _split_sizes(prepared, base), encoder_info(encoder)
    lengths = measure_lengths(prepared.corpus, info) if sizes is None else _training_lengths(prepared, base, encoder)
    return presets.recipe_for_level(
        level,
        train_rows=len(prepared.corpus) if sizes is None else sizes[0],
        class_count=len(prepared.corpus.label_names),
        mean_tokens=_DEFAULT_TOKENS if lengths is None else float(lengths.tokens.mean()),
        device=device,
        base=base,
        pooling=encoder.pooling,
        linear_start=prepared.corpus.task.linear_start,
    )


SpeedFunction = Callable[[Hardware], float]
"""The speed of a device at one precision; RuntimeError if it is not known. See training/speed.py."""


def advise(prepared: PreparedDraft, recipe: Recipe, encoder: Encoder, hardware: Hardware | None, speed_of: SpeedFunction) -> Advice:
    """Advice on a prepared file, based on its training rows alone; without an estimate while the machine or the encoder is not known yet.

    Raises what ``require_corpus`` does.
    """
    corpus, info = prepared.require_corpus(), encoder_info(encoder)
    sizes = _split_sizes(prepared, recipe)
    checked, noun = (corpus, "text") if sizes is None else (prepared.training_rows(recipe), "training text")
    lengths = measure_lengths(corpus, info) if sizes is None else _training_lengths(prepared, recipe, encoder)
    max_length = min(recipe.max_length, info.max_tokens)
    estimate: Estimate | None = None
    # The size of an encoder that was never downloaded completely is not known.
    if hardware is not None and lengths is not None and sizes is not None and encoder.parameters:
        # A device without free memory, or one that is training, cannot be measured; the training itself reports whether it fits.
        with suppress(RuntimeError):
            estimate = _estimate(corpus, encoder, lengths, sizes, recipe, hardware, speed_of)
    adds = recipe.added_tokens == "automatic"
    checks = run_checks(ENCODER_CHECKS, TextsAndEncoder(checked, info, lengths, max_length, noun, estimate, adds))
    suggestion = None if lengths is None else suggested_length(lengths, info.max_tokens)
    return Advice(checks, lengths, max_length, suggestion, None if estimate is None else estimate.seconds)


def estimate_seconds(
    prepared: PreparedDraft, recipe: Recipe, encoder: Encoder, hardware: Hardware | None, speed_of: SpeedFunction
) -> float | None:
    """Seconds from Start to the report; None if the machine, the lengths of the texts or the training rows are not known."""
    sizes = _split_sizes(prepared, recipe)
    if sizes is None or hardware is None or not encoder.parameters:
        return None
    lengths = _training_lengths(prepared, recipe, encoder)
    with suppress(RuntimeError):  # a device without free memory, or one that is training, cannot be measured
        if lengths is not None:
            return _estimate(prepared.require_corpus(), encoder, lengths, sizes, recipe, hardware, speed_of).seconds
    return None


def _estimate(
    corpus: Corpus,
    encoder: Encoder,
    lengths: Lengths,
    sizes: tuple[int, int, int],
    recipe: Recipe,
    hardware: Hardware,
    speed_of: SpeedFunction,
) -> Estimate:
    classes, linear_start = len(corpus.label_names), corpus.task.linear_start
    return estimate_training(encoder, lengths.tokens, sizes, recipe, hardware, speed_of, classes, linear_start=linear_start)


def encoder_in_training(prepared: PreparedDraft, recipe: Recipe, encoder: Encoder) -> Encoder:
    """The encoder with the tokens that a training adds; as it is if the rows cannot be split, or while its tokenizer is not on this machine."""
    choose = token_chooser(encoder) if recipe.added_tokens == "automatic" else None
    if choose is None or _split_sizes(prepared, recipe) is None:
        return encoder
    return replace(encoder, added_tokens=choose(prepared.training_rows(recipe).texts))


def _training_lengths(prepared: PreparedDraft, recipe: Recipe, encoder: Encoder) -> Lengths | None:
    """Tokens of the training rows as the training reads them, with the tokens that it adds; None without the encoder's tokenizer."""
    info = encoder_info(encoder)

    def in_training() -> EncoderInfo:
        return replace(info, count_tokens=token_counter(encoder_in_training(prepared, recipe, encoder)))

    return prepared.training_lengths(recipe, info, in_training)


def _split_sizes(prepared: PreparedDraft, recipe: Recipe) -> tuple[int, int, int] | None:
    """Training, validation and test rows; None if the rows cannot be split like this, which the page reports elsewhere."""
    try:
        splits = prepared.splits(recipe)
    except UserError:
        return None
    return len(splits.train), len(splits.validation), len(splits.test)
