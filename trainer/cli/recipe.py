"""The recipe that the options of ``train`` describe."""

import argparse

from trainer.errors import RecipeError
from trainer.presets import load_preset
from trainer.recipe import Recipe, load_recipe


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
    for name in ("encoder", "epochs"):
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
