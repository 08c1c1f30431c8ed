"""How long a training will take: a measurement, and what follows from the recipe."""

import dataclasses

import numpy as np

from trainer.data.checks.encoder import Estimate
from trainer.recipe import Recipe
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.estimate import estimate_training
from trainer.training.hardware import detect_hardware
from trainer.training.speed import SpeedMeter

TOKENS = np.random.default_rng(0).integers(5, 60, 2_000)
ROWS = (10_000, 1_000, 2_000)


SPEED_OF = SpeedMeter().of


def estimate(*how: object) -> Estimate:
    return estimate_training(*how, SPEED_OF)


def test_more_rows_longer_texts_and_larger_encoders_take_longer() -> None:
    hardware, small = detect_hardware(), EncoderCatalogue().default
    once = Recipe(epochs=1, batch_size=32)
    plain = estimate(small, TOKENS, ROWS, once, hardware)
    assert 1 < plain.seconds < 3_600
    assert 900 < plain.megabytes < 8_000
    assert plain.free_megabytes > 0
    assert plain.device == hardware.description
    assert estimate(small, TOKENS, (20_000, 1_000, 2_000), once, hardware).seconds > 1.5 * plain.seconds
    assert estimate(small, TOKENS, ROWS, Recipe(epochs=3, batch_size=32), hardware).seconds > 2 * plain.seconds
    long = estimate(small, TOKENS * 10, ROWS, once, hardware)
    assert long.seconds > plain.seconds
    assert estimate(small, TOKENS * 10, ROWS, Recipe(epochs=1, batch_size=32, max_length=512), hardware).seconds > long.seconds
    twice = dataclasses.replace(small, layers=12, parameters=2 * small.parameters)
    assert estimate(twice, TOKENS, ROWS, once, hardware).megabytes > plain.megabytes


def test_what_is_only_scored_takes_time_too_and_so_does_each_evaluation() -> None:
    hardware, small, recipe = detect_hardware(), EncoderCatalogue().default, Recipe(epochs=2, batch_size=32, evaluations_per_epoch=1)
    plain = estimate(small, TOKENS, ROWS, recipe, hardware).seconds
    assert estimate(small, TOKENS, (10_000, 1_000, 9_000), recipe, hardware).seconds > plain
    often = estimate(small, TOKENS, ROWS, dataclasses.replace(recipe, evaluations_per_epoch=10), hardware).seconds
    # Each of the 18 more reads the validation rows and keeps 23 million weights.
    assert often - plain > 18 * 0.2


def test_what_learns_less_takes_less() -> None:
    hardware, small = detect_hardware(), EncoderCatalogue().default
    plain = estimate(small, TOKENS, ROWS, Recipe(epochs=2), hardware)
    for settings in ({"frozen_epochs": 2}, {"lora_rank": 8}, {"frozen_epochs": 1}):
        less = estimate(small, TOKENS, ROWS, Recipe(epochs=2, **settings), hardware)
        assert less.seconds < plain.seconds
        assert less.megabytes <= plain.megabytes


def test_fitting_the_head_before_each_evaluation_takes_time() -> None:
    hardware, small = detect_hardware(), EncoderCatalogue().default
    contrastive, full = (
        Recipe(method=method, pooling="mean", epochs=2, batch_size=32, evaluations_per_epoch=1) for method in ("contrastive", "full")
    )
    assert estimate(small, TOKENS, ROWS, contrastive, hardware).seconds > 1.2 * estimate(small, TOKENS, ROWS, full, hardware).seconds


def test_a_teacher_reads_the_training_rows_once_more() -> None:
    hardware, small = detect_hardware(), EncoderCatalogue().default
    alone, taught = (
        estimate(small, TOKENS, ROWS, Recipe(pooling="cls", epochs=1, distillation=share), hardware).seconds for share in (0.0, 0.3)
    )
    assert alone < taught < 1.5 * alone
