"""How long a training will take: a measurement, and what follows from the recipe."""

import dataclasses

import numpy as np

from trainer.recipe import Recipe
from trainer.training.encoders import catalogue
from trainer.training.estimate import estimate, layer_speed
from trainer.training.hardware import detect

TOKENS = np.random.default_rng(0).integers(5, 60, 2_000)


def test_the_speed_is_measured_once() -> None:
    hardware = detect()
    assert layer_speed(hardware) > 0
    assert layer_speed(hardware) == layer_speed(hardware)


def test_more_rows_longer_texts_and_larger_encoders_take_longer() -> None:
    hardware, small = detect(), catalogue()[0]
    once = Recipe(epochs=1, batch_size=32)
    plain = estimate(small, TOKENS, 10_000, once, hardware)
    assert 1 < plain.seconds < 3_600
    assert 900 < plain.megabytes < 8_000
    assert plain.free_megabytes > 0
    assert plain.device == hardware.words
    assert estimate(small, TOKENS, 20_000, once, hardware).seconds > 1.5 * plain.seconds
    assert estimate(small, TOKENS, 10_000, Recipe(epochs=3, batch_size=32), hardware).seconds > 2 * plain.seconds
    long = estimate(small, TOKENS * 10, 10_000, once, hardware)
    assert long.seconds > plain.seconds
    assert estimate(small, TOKENS * 10, 10_000, Recipe(epochs=1, batch_size=32, max_length=512), hardware).seconds > long.seconds
    twice = dataclasses.replace(small, layers=12, parameters=2 * small.parameters)
    assert estimate(twice, TOKENS, 10_000, once, hardware).megabytes > plain.megabytes


def test_what_learns_less_takes_less() -> None:
    hardware, small = detect(), catalogue()[0]
    plain = estimate(small, TOKENS, 10_000, Recipe(epochs=2), hardware)
    for settings in ({"frozen_epochs": 2}, {"lora_rank": 8}, {"frozen_epochs": 1}):
        less = estimate(small, TOKENS, 10_000, Recipe(epochs=2, **settings), hardware)
        assert less.seconds < plain.seconds
        assert less.megabytes <= plain.megabytes
