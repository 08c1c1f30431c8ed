"""Recipe files: JSON with a value for each setting, written and read. recipe.py has the settings."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.errors import FileError, RecipeError
from trainer.recipe import Recipe

_MAX_FILE_BYTES = 100_000
"""A complete recipe file has about 800 bytes."""


def dump_recipe(recipe: Recipe) -> bytes:
    """The content of a recipe file: JSON, one setting a line, for ``load_recipe``."""
    return (json.dumps(recipe.to_dict(), indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def load_recipe(source: Path | bytes, **settings: Any) -> Recipe:
    """The recipe in a file. Missing settings have their defaults; ``settings`` override the file.

    Raises UserError: ``not_a_recipe`` if the file is no recipe, ``unknown_setting`` and ``setting_out_of_range`` for its content,
    ``file_unreadable`` if it cannot be read.
    """
    return Recipe.from_dict({**_read_settings(source), **settings})


def _read_settings(source: Path | bytes) -> Mapping[str, Any]:
    expected = 'A recipe is a JSON file with a value for each setting, such as {"epochs": 3}.'
    try:
        if isinstance(source, bytes):
            content = source[: _MAX_FILE_BYTES + 1]
        else:
            with open(source, "rb") as file:
                content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FileError(
            f"The recipe file {str(source)[-80:]} could not be read ({error.strerror or error}). Check its name and its rights.",
            code="file_unreadable",
        ) from error
    if len(content) > _MAX_FILE_BYTES:
        raise RecipeError(f"This is no recipe: it has more than {_MAX_FILE_BYTES:,} bytes. {expected}", code="not_a_recipe")
    try:
        values = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"This is no recipe: it cannot be read as JSON. {expected}", code="not_a_recipe") from error
    if not isinstance(values, dict):
        raise RecipeError(f"This is no recipe: it holds no settings by name. {expected}", code="not_a_recipe")
    # A run's recipe.json is accepted too.
    return values["asked"] if isinstance(values.get("asked"), dict) else values
