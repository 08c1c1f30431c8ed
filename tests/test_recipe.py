"""The recipe refuses, in words, what is out of range or no number, and settles what was left to it."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.errors import UserError
from trainer.recipe import Recipe

NUMBERS = [f for f in dataclasses.fields(Recipe) if f.metadata["kind"] in (int, float)]
BAD = [float("nan"), float("inf"), -1e10, 1e10, True, [], {}, "many", "1e999", "0x10", object()]


@pytest.mark.parametrize("field", NUMBERS, ids=lambda f: f.name)
@pytest.mark.parametrize("value", BAD, ids=repr)
def test_out_of_range_and_not_numbers(field: dataclasses.Field, value: object) -> None:
    with pytest.raises(UserError) as refused:
        Recipe.from_dict({field.name: value})
    assert field.metadata["label"] in refused.value.message
    assert refused.value.code == "setting_out_of_range"


@pytest.mark.parametrize("field", NUMBERS, ids=lambda f: f.name)
def test_nothing_is_automatic_only_where_that_is_offered(field: dataclasses.Field) -> None:
    if field.metadata["automatic"]:
        assert getattr(Recipe.from_dict({field.name: None}), field.name) is None
        assert getattr(Recipe.from_dict({field.name: " auto "}), field.name) is None
    else:
        with pytest.raises(UserError):
            Recipe.from_dict({field.name: None})


def test_every_field_has_what_the_form_needs() -> None:
    for field in dataclasses.fields(Recipe):
        assert field.metadata["label"]
        assert field.metadata["about"].endswith(".")


def test_text_from_forms_and_terminals_is_understood() -> None:
    recipe = Recipe.from_dict({"epochs": "3", "learning_rate": "2e-4", "batch_size": 16.0})
    assert (recipe.epochs, recipe.learning_rate, recipe.batch_size) == (3, 2e-4, 16)
    assert isinstance(recipe.batch_size, int)


def test_halves_of_whole_numbers_unknown_names_and_too_little_for_training() -> None:
    for values, words in (
        ({"epochs": 1.5}, "whole number"),
        ({"epoch": 1}, "no setting called “epoch”"),
        ({"validation_share": 0.5, "test_share": 0.5}, "too few rows for training"),
        ({"encoder": ""}, "must be a name"),
    ):
        with pytest.raises(UserError, match=words):
            Recipe.from_dict(values)


@given(
    st.builds(
        Recipe,
        epochs=st.none() | st.integers(1, 50),
        batch_size=st.none() | st.integers(1, 512),
        learning_rate=st.none() | st.floats(1e-7, 1e-2),
        max_length=st.integers(8, 512),
        seed=st.integers(0, 2**31 - 1),
    )
)
def test_a_recipe_survives_its_file(recipe: Recipe) -> None:
    assert Recipe.from_dict(json.loads(json.dumps(recipe.to_dict(), allow_nan=False))) == recipe


def test_automatic_choices_follow_the_rows_and_the_encoder() -> None:
    settled = [Recipe().settled(train_rows=n, learning_rate=1e-4) for n in (5, 716, 5_000, 11_200, 100_000)]
    assert [s.epochs for s in settled] == [6, 6, 4, 3, 2]
    assert [s.batch_size for s in settled] == [16, 32, 64, 64, 64]
    assert {s.learning_rate for s in settled} == {1e-4}
    chosen = Recipe(epochs=1, batch_size=8, learning_rate=3e-5).settled(train_rows=716, learning_rate=1e-4)
    assert (chosen.epochs, chosen.batch_size, chosen.learning_rate) == (1, 8, 3e-5)


def test_repairs_are_names() -> None:
    assert Recipe.from_dict({"repairs": "html_in_texts, rare_classes,"}).repairs == ("html_in_texts", "rare_classes")
    assert Recipe.from_dict({"repairs": ["a", "a"]}).repairs == ("a",)
    assert Recipe.from_dict(Recipe(repairs=("a",)).to_dict()) == Recipe(repairs=("a",))
    for wrong in (1, [1], {"a": 1}, None):
        with pytest.raises(UserError):
            Recipe.from_dict({"repairs": wrong})
