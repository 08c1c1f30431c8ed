"""Advice: what depends on the encoder and on this machine, before a training: cut texts, their language, time and memory.

Measures and judges only; nothing of it is needed for a training.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from trainer import presets
from trainer.data.checks.encoder import Lengths, check_encoder, check_estimate, measure_lengths, suggested_length
from trainer.data.checks.findings import Finding
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training.encoder_catalogue import encoder_info
from trainer.training.encoders import Encoder
from trainer.training.estimate import estimate_training
from trainer.training.hardware import Hardware

_USUAL_ROWS, _USUAL_CLASSES, _USUAL_TOKENS = 716, 6, 25.0


@dataclass(frozen=True)
class Advice:
    """Findings of one encoder with one file. ``lengths`` is None while the encoder's tokenizer is not on this machine."""

    findings: tuple[Finding, ...]
    lengths: Lengths | None
    max_length: int
    """Tokens that are read of each text."""
    suggested: int | None
    """The length that would read nearly all texts whole."""
    seconds: float | None = None
    """What a training will take from Start to its report, as the findings tell it; None where it cannot be told."""


def recipe_for_level(
    preparation: PreparedDraft | None, level: str, base: Recipe, encoder: Encoder, hardware: Hardware | None
) -> tuple[Recipe, str]:
    """The recipe of one level of the dial for a file, and what was chosen in words; without a file that is ready, for the sample's size."""
    device = "cpu" if hardware is None else hardware.device
    if preparation is None or preparation.problem is not None or preparation.corpus is None:
        return presets.recipe_for_level(
            level, train_rows=_USUAL_ROWS, class_count=_USUAL_CLASSES, mean_tokens=_USUAL_TOKENS, device=device, base=base
        )
    rows, facts = _rows(preparation, base), encoder_info(encoder)
    lengths = measure_lengths(preparation.corpus, facts) if rows is None else preparation.training_lengths(base, facts)
    return presets.recipe_for_level(
        level,
        train_rows=len(preparation.corpus) if rows is None else rows[0],
        class_count=len(preparation.corpus.label_names),
        mean_tokens=_USUAL_TOKENS if lengths is None else float(lengths.tokens.mean()),
        device=device,
        base=base,
    )


Speed = Callable[[Hardware], float]
"""The speed of a device at one precision; RuntimeError where it is not known. See training/speed.py."""


def advise(preparation: PreparedDraft, recipe: Recipe, encoder: Encoder, hardware: Hardware | None, speed_of: Speed) -> Advice:
    """Advice on a prepared file, measured on its training rows alone; the estimate is left out while the machine or the encoder is not known yet.

    Raises what ``require_corpus`` does.
    """
    corpus, facts = preparation.require_corpus(), encoder_info(encoder)
    rows = _rows(preparation, recipe)
    measured, noun = (corpus, "text") if rows is None else (preparation.training_rows(recipe), "training text")
    lengths = measure_lengths(corpus, facts) if rows is None else preparation.training_lengths(recipe, facts)
    read = min(recipe.max_length, facts.max_tokens)
    findings = check_encoder(measured, facts, lengths, max_length=read, noun=noun)
    seconds = None
    # Of an encoder that was never fetched whole nobody knows how much it takes.
    if hardware is not None and lengths is not None and rows is not None and encoder.parameters:
        # A device that has no memory left or is training cannot be measured; whether a training fits, it says itself.
        with suppress(RuntimeError):
            estimated = estimate_training(encoder, lengths.tokens, rows, recipe, hardware, speed_of)
            findings.append(check_estimate(estimated))
            seconds = estimated.seconds
    return Advice(tuple(findings), lengths, read, None if lengths is None else suggested_length(lengths, facts.max_tokens), seconds)


def estimate_seconds(
    preparation: PreparedDraft, recipe: Recipe, encoder: Encoder, hardware: Hardware | None, speed_of: Speed
) -> float | None:
    """Seconds from Start to the report; None where the machine, the lengths of the texts or the training rows are not known."""
    rows = _rows(preparation, recipe)
    if rows is None or hardware is None or not encoder.parameters:
        return None
    lengths = preparation.training_lengths(recipe, encoder_info(encoder))
    with suppress(RuntimeError):  # a device that has no memory left or is training cannot be measured
        return None if lengths is None else estimate_training(encoder, lengths.tokens, rows, recipe, hardware, speed_of).seconds
    return None


def _rows(preparation: PreparedDraft, recipe: Recipe) -> tuple[int, int, int] | None:
    """Training, validation and test rows; None where the rows cannot be split so: the split's own line says what is wrong with it."""
    try:
        splits = preparation.splits(recipe)
    except UserError:
        return None
    return len(splits.train), len(splits.validation), len(splits.test)
