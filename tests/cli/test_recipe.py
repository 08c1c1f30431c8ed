"""``recipe``: the settings and the JSON Schema of a recipe file."""

import json

import pytest

from trainer.__main__ import main
from trainer.recipe import Recipe
from trainer.recipe_fields import fields_of, json_schema


def test_it_lists_every_setting_with_values_default_and_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe"]) == 0
    parts = capsys.readouterr().out.strip().split("\n\n")
    assert [part.split(":")[0] for part in parts] == list(fields_of(Recipe))
    assert parts[2].startswith("epochs: whole numbers from 1 to 50, or automatic (default: automatic)\n    How many times")


def test_the_schema_is_one_json_object(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recipe", "--schema"]) == 0
    assert json.loads(capsys.readouterr().out) == json_schema(Recipe)
