"""Advice on a prepared file: the encoder, its lengths, time and memory."""

import dataclasses
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.studio import Studio
from trainer.training.hardware import detect

RECIPE = Recipe(encoder="tiny-bert", max_length=32)


def codes(studio: Studio, draft: str, recipe: Recipe = RECIPE) -> list[str]:
    return [finding.code for finding in studio.advise("local", draft, recipe).findings]


def test_lengths_and_an_estimate_as_soon_as_the_machine_is_known(studio: Studio, small_csv: Path) -> None:
    draft = studio.open_files("local", {"main": ("moods.csv", small_csv)}).draft.id
    assert codes(studio, draft) == ["texts_fit"]
    studio.hardware = detect()
    assert codes(studio, draft) == ["texts_fit", "estimate"]
    advice = studio.advise("local", draft, RECIPE)
    assert len(advice.lengths.tokens) == 240
    assert (advice.max_length, advice.suggested) == (32, 32)


def test_the_encoder_s_own_end_is_respected(studio: Studio, tmp_path: Path) -> None:
    rows = [(f"{text} " * 12, label) for text, label in small_rows(60)]
    draft = studio.open_files("local", {"main": ("long.csv", write_rows(tmp_path / "long.csv", rows))}).draft.id
    advice = studio.advise("local", draft, dataclasses.replace(RECIPE, max_length=512))
    assert (advice.max_length, advice.suggested) == (64, 64)
    assert advice.findings[0].code == "texts_cut"


def test_no_advice_on_what_cannot_be_trained(studio: Studio) -> None:
    draft = studio.open_files("local", {"main": ("one.csv", b"text,label\n" + b"some text,joy\n" * 9)}).draft.id
    with pytest.raises(UserError) as refused:
        studio.advise("local", draft, RECIPE)
    assert refused.value.code == "one_class"
