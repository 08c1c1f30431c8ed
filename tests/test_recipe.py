"""A recipe refuses values that are out of range or no numbers with a message, and resolves automatic values."""

import dataclasses
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.recipe_fields import PACE, RecipeField, fields_of, form_groups, json_schema, recipe_field
from trainer.recipe_file import dump_recipe, load_recipe

NUMBERS = [f for f in fields_of(Recipe).values() if f.type in (int, float)]
BAD = [float("nan"), float("inf"), -1e10, 1e10, True, [], {}, "many", "1e999", "0x10", pytest.param(object(), id="an object")]


@pytest.mark.parametrize("field", NUMBERS, ids=lambda f: f.name)
@pytest.mark.parametrize("value", BAD, ids=repr)
def test_out_of_range_and_not_numbers(field: RecipeField, value: object) -> None:
    with pytest.raises(UserError) as refused:
        Recipe.from_dict({field.name: value})
    assert field.label in refused.value.message
    assert refused.value.code == "setting_out_of_range"


@pytest.mark.parametrize("field", NUMBERS, ids=lambda f: f.name)
def test_none_is_allowed_only_for_optional_settings(field: RecipeField) -> None:
    if field.optional:
        assert getattr(Recipe.from_dict({field.name: None}), field.name) is None
        assert getattr(Recipe.from_dict({field.name: " auto "}), field.name) is None
    else:
        with pytest.raises(UserError):
            Recipe.from_dict({field.name: None})


def test_every_field_has_what_the_form_needs() -> None:
    for field in fields_of(Recipe).values():
        assert field.label
        assert field.help.endswith(".")


def test_text_values_are_parsed() -> None:
    recipe = Recipe.from_dict({"epochs": "3", "learning_rate": "2e-4", "batch_size": 16.0})
    assert (recipe.epochs, recipe.learning_rate, recipe.batch_size) == (3, 2e-4, 16)
    assert isinstance(recipe.batch_size, int)


def test_fractions_unknown_names_and_too_few_training_rows_are_refused() -> None:
    for values, message in (
        ({"epochs": 1.5}, "whole number"),
        ({"epoch": 1}, "no setting called “epoch”"),
        ({"validation_share": 0.5, "test_share": 0.5}, "too few rows for training"),
        ({"encoder": ""}, "must be a name"),
    ):
        with pytest.raises(UserError, match=message):
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
    resolved = [Recipe().resolved(train_rows=n, learning_rate=1e-4) for n in (5, 716, 5_000, 11_200, 100_000)]
    assert [s.epochs for s in resolved] == [6, 6, 4, 3, 2]
    assert [s.batch_size for s in resolved] == [16, 32, 64, 64, 64]
    assert {s.learning_rate for s in resolved} == {1e-4}
    assert Recipe(lora_rank=8).resolved(train_rows=716, learning_rate=1e-4).learning_rate == pytest.approx(4e-4)
    assert Recipe(lora_rank=8, learning_rate=1e-4).resolved(train_rows=716, learning_rate=1e-3).learning_rate == 1e-4
    chosen = Recipe(epochs=1, batch_size=8, learning_rate=3e-5).resolved(train_rows=716, learning_rate=1e-4)
    assert (chosen.epochs, chosen.batch_size, chosen.learning_rate) == (1, 8, 3e-5)


def test_the_rate_and_its_decay_belong_together() -> None:
    def resolved(**settings: object) -> tuple[float, float, float]:
        recipe = Recipe(**settings).resolved(train_rows=716, learning_rate=1e-4, pooling="mean", classes=6)
        return recipe.learning_rate, recipe.layer_decay, recipe.distillation

    rate, decay, share = resolved()
    assert (rate > 1e-4, decay < 1, share > 0) == (True, True, True)
    assert resolved(learning_rate=3e-5) == (3e-5, 1.0, share)
    assert resolved(layer_decay=0.7) == (1e-4, 0.7, share)
    assert resolved(layer_decay=1.0, distillation=0.0) == (1e-4, 1.0, 0.0)
    assert resolved(distillation=0.0) == (rate, decay, 0.0)
    assert resolved(lora_rank=8) == (pytest.approx(4e-4), 1.0, 0.0)
    assert resolved(frozen_epochs=1) == (1e-4, 1.0, 0.0)


def test_what_starts_from_a_linear_model() -> None:
    def resolved(own: str, *, classes: int = 77, **settings: object) -> Recipe:
        return Recipe(**settings).resolved(train_rows=8_592, learning_rate=2e-4, pooling=own, classes=classes)

    chosen = resolved("mean")
    assert (chosen.method, chosen.pooling, chosen.batch_size, chosen.head_learning_rate) == ("full", "mean", 32, pytest.approx(2e-3))
    assert chosen.starts_from_linear_model
    assert resolved("mean", head_learning_rate=1e-4).head_learning_rate == 1e-4
    for other in (resolved("cls"), resolved("mean", pooling="cls"), resolved("mean", head="mlp"), resolved("mean", classes=6)):
        assert not other.starts_from_linear_model
        assert (other.batch_size, other.head_learning_rate) == (64, None)
    frozen = resolved("cls", method="frozen")
    assert (frozen.pooling, frozen.starts_from_linear_model, frozen.never_trains_encoder) == ("mean", True, True)


def test_repairs_are_names() -> None:
    assert Recipe.from_dict({"repairs": "html_in_texts, rare_classes,"}).repairs == ("html_in_texts", "rare_classes")
    assert Recipe.from_dict({"repairs": ["a", "a"]}).repairs == ("a",)
    assert Recipe.from_dict(Recipe(repairs=("a",)).to_dict()) == Recipe(repairs=("a",))
    for wrong in (1, [1], {"a": 1}, None):
        with pytest.raises(UserError):
            Recipe.from_dict({"repairs": wrong})


CHOICES = [f for f in fields_of(Recipe).values() if f.choices]


@pytest.mark.parametrize("field", CHOICES, ids=lambda f: f.name)
def test_only_listed_choices_are_accepted(field: RecipeField) -> None:
    assert field.default in field.choices
    for choice in field.choices:
        assert getattr(Recipe.from_dict({field.name: f" {choice.upper()} "}), field.name) == choice
    for wrong in ("something else", "", None, 3, True, ["linear"]):
        with pytest.raises(UserError) as refused:
            Recipe.from_dict({field.name: wrong})
        assert refused.value.code == "setting_out_of_range"
        assert field.label in refused.value.message


def test_the_label_for_none_is_parsed() -> None:
    for field in fields_of(Recipe).values():
        if field.optional:
            assert getattr(Recipe.from_dict({field.name: field.none_label}), field.name) is None


def test_lora_on_a_frozen_encoder_is_refused() -> None:
    with pytest.raises(UserError, match="a frozen encoder is not trained") as refused:
        Recipe(lora_rank=8, frozen_epochs=1)
    assert refused.value.code == "settings_disagree"


def test_a_recipe_file_holds_all_of_a_recipe(tmp_path: Path) -> None:
    recipe = Recipe(epochs=3, head="mlp", dropout=0.3, repairs=("rare_classes",), encoder="Größe")
    assert load_recipe(dump_recipe(recipe)) == recipe
    (tmp_path / "r.json").write_bytes(b"\xef\xbb\xbf" + dump_recipe(recipe))
    assert load_recipe(tmp_path / "r.json") == recipe
    assert load_recipe(b'{"epochs": 3}', epochs=5, seed=7) == Recipe(epochs=5, seed=7)


@pytest.mark.parametrize(
    ("content", "code", "message"),
    [
        (b"", "not_a_recipe", "cannot be read as JSON"),
        (b"text,label\nhappy,joy\n", "not_a_recipe", "cannot be read as JSON"),
        (b"\x89PNG\r\n\x1a\n\x00\xff", "not_a_recipe", "cannot be read as JSON"),
        (b"[" * 50_000, "not_a_recipe", "cannot be read as JSON"),
        (b"[1, 2]", "not_a_recipe", "no settings by name"),
        (b'"epochs"', "not_a_recipe", "no settings by name"),
        (b" " * 200_000 + b"{}", "not_a_recipe", "more than 100,000 bytes"),
        (b'{"epoch": 3}', "unknown_setting", "no setting called “epoch”"),
        (b'{"epochs": 0}', "setting_out_of_range", "Epochs must be a whole number from 1 to 50"),
        (b'{"learning_rate": NaN}', "setting_out_of_range", "Learning rate must be a number"),
        (b'{"head": "deep"}', "setting_out_of_range", "Head must be one of linear, mlp"),
        (b'{"epochs": ' + b"9" * 5_000 + b"}", "not_a_recipe", "cannot be read as JSON"),
    ],
    ids=lambda value: value[:20].decode("latin-1") if isinstance(value, bytes) else None,
)
def test_a_file_that_is_no_recipe_gives_a_message(content: bytes, code: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "r.json").write_bytes(content)
    for source in (content, tmp_path / "r.json"):
        with pytest.raises(UserError, match=message) as refused:
            load_recipe(source)
        assert refused.value.code == code


def test_a_missing_recipe_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.json", tmp_path):
        with pytest.raises(UserError, match="could not be read") as refused:
            load_recipe(path)
        assert refused.value.code == "file_unreadable"


@given(
    st.binary(max_size=200)
    | st.text(max_size=100).map(str.encode)
    | st.dictionaries(st.text(max_size=9), st.integers()).map(json.dumps).map(str.encode)
)
def test_any_file_gives_a_recipe_or_a_message(content: bytes) -> None:
    try:
        load_recipe(content)
    except UserError as error:
        assert error.message  # noqa: PT017


# One definition of each setting


@dataclasses.dataclass(frozen=True, kw_only=True)
class ToyRecipe(Recipe):
    """With a toy setting, which is defined here and nowhere else."""

    naps: int | None = recipe_field(
        int, None, "Naps", "How often the trainer rests.", minimum=1, maximum=9, optional=True, none_label="never", group=PACE
    )


def test_a_toy_setting_takes_one_place() -> None:
    field = fields_of(ToyRecipe)["naps"]
    # Checked, and told apart from others.
    assert ToyRecipe.from_dict({"naps": "3"}).naps == 3
    assert ToyRecipe.from_dict({"naps": "never"}).naps is None
    with pytest.raises(UserError, match="Naps must be a whole number from 1 to 9, or never; found “10”") as refused:
        ToyRecipe.from_dict({"naps": 10})
    assert refused.value.setting == "naps"
    # In a file.
    assert json.loads(dump_recipe(ToyRecipe(naps=2)))["naps"] == 2
    # In the form.
    assert [f.name for f in form_groups(ToyRecipe)[PACE]][-1] == "naps"
    # In the JSON Schema.
    expected = {"type": ["integer", "null"], "title": "Naps", "description": field.help, "minimum": 1, "maximum": 9, "default": None}
    assert json_schema(ToyRecipe)["properties"]["naps"] == expected
    # In the terminal and the documentation.
    assert (field.values, field.default_text) == ("whole numbers from 1 to 9", "never")
    # The other settings are untouched by it.
    assert "naps" not in fields_of(Recipe)


def test_every_setting_is_in_the_form_or_elsewhere_on_the_page() -> None:
    in_form = [f.name for fields in form_groups(Recipe).values() for f in fields]
    assert len(in_form) == len(set(in_form))
    assert set(fields_of(Recipe)) - set(in_form) == {"encoder", "validation_share", "test_share", "folds", "repairs"}
    assert [f.name for f in form_groups(Recipe)[PACE]][:4] == ["epochs", "batch_size", "learning_rate", "max_length"]
    assert all(f.group in (None, *form_groups(Recipe)) for f in fields_of(Recipe).values())


@pytest.mark.parametrize("field", fields_of(Recipe).values(), ids=lambda f: f.name)
def test_the_schema_says_what_the_checks_accept(field: RecipeField) -> None:
    schema = field.to_json_schema()
    types = {"integer": int, "number": float, "string": str, "array": list, "null": type(None)}
    allowed = tuple(types[name] for name in ([schema["type"]] if isinstance(schema["type"], str) else schema["type"]))
    assert isinstance(schema["default"], allowed)
    assert field.check(schema["default"]) == field.default
    for limit in ("minimum", "maximum"):
        if limit in schema:
            assert field.check(schema[limit]) == schema[limit]
            with pytest.raises(UserError):
                field.check(schema[limit] + (1 if limit == "maximum" else -1))
    for choice in schema.get("enum", ()):
        assert field.check(choice) == choice
    if type(None) not in allowed:
        with pytest.raises(UserError):
            field.check(None)


def test_the_schema_is_one_object_with_every_setting() -> None:
    schema = json.loads(json.dumps(json_schema(Recipe), allow_nan=False))
    assert (schema["type"], schema["additionalProperties"]) == ("object", False)
    assert list(schema["properties"]) == list(Recipe().to_dict())
