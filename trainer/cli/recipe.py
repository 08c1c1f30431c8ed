"""The command ``recipe``, and the recipe that the options of ``train`` describe."""

import argparse
import json
import textwrap
from collections.abc import Sequence

from trainer.errors import RecipeError
from trainer.presets import load_preset
from trainer.recipe import Recipe
from trainer.recipe_fields import RecipeField, fields_of, json_schema
from trainer.recipe_file import load_recipe


def recipe(options: argparse.Namespace) -> int:
    """Print every setting of a recipe, or the JSON Schema of recipe files."""
    if options.schema:
        print(json.dumps(json_schema(Recipe), indent=2, ensure_ascii=False))
    else:
        print("\n\n".join(map(_setting_text, fields_of(Recipe).values())))
    return 0


def _setting_text(field: RecipeField) -> str:
    """A setting with its values and its default, and what it does."""
    or_none = f", or {field.none_label}" if field.optional else ""
    return (
        f"{field.name}: {field.values}{or_none} (default: {field.default_text})\n{textwrap.indent(textwrap.fill(field.help, 96), '    ')}"
    )


def parse_recipe(options: argparse.Namespace) -> Recipe:
    """The recipe of --recipe or --preset with the other options set in it. Raises UserError ``unknown_setting`` and what ``Recipe`` raises."""
    values: dict[str, str] = {}
    for setting in options.settings:
        name, equals, value = setting.partition("=")
        if not equals:
            raise RecipeError(f"--set wants name=value; found “{setting}”.", code="unknown_setting")
        values[name.strip()] = value
    if options.repair:
        values["repairs"] = parse_repairs(options.repair)
    for name in ("encoder", "epochs", "folds"):
        if getattr(options, name) is not None:
            values[name] = getattr(options, name)
    if options.recipe and options.preset:
        raise RecipeError("Give --recipe or --preset, not both.", code="unknown_setting")
    if options.recipe:
        return load_recipe(options.recipe, **values)
    if options.preset:
        return Recipe.from_dict({**load_preset(options.preset).to_dict(), **values})
    return Recipe.from_dict(values)


def parse_repairs(option: str) -> tuple[str, ...]:
    """The repair codes of --repair: "all", or codes with commas between them."""
    from trainer.data.checks.repairs import REPAIRS, sort_repairs

    return tuple(REPAIRS) if option.strip() == "all" else sort_repairs(code.strip() for code in option.split(",") if code.strip())


def chosen_label(columns: Sequence[str]) -> str | tuple[str, ...] | None:
    """The label column that was named, several that hold the labels of a text together, or None."""
    return tuple(columns) if len(columns) > 1 else next(iter(columns), None)
