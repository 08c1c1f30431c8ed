"""The fields of a recipe: what each may hold and is called. Checks, form, JSON Schema, terminal and documentation follow from it.

recipe.py has the fields.
"""

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from trainer.errors import RecipeError

AUTOMATIC = "automatic"

PACE, TRAINED, OVERFITTING, EVALUATION = "Pace", "What is trained", "Against overfitting", "Evaluation and choice of the model"
"""The groups of the form, in their order."""

_LAST = 99

_JSON_TYPES = {int: "integer", float: "number", str: "string", tuple: "array"}


@dataclass(frozen=True, kw_only=True)
class RecipeField:
    """One field of a recipe."""

    name: str = ""
    type: type
    """int, float, str, or tuple for names."""
    default: Any
    label: str
    """What the page calls it."""
    help: str
    """A sentence or two: what it does."""
    group: str | None = None
    """The group of the form in which it stands, one of those above; None if it stands elsewhere on the page."""
    place: int = _LAST
    """In the group, in this order."""
    minimum: float = -math.inf
    maximum: float = math.inf
    optional: bool = False
    """Whether it may be None, which is shown as ``none_label``."""
    none_label: str = AUTOMATIC
    choices: tuple[str, ...] = ()
    """If there are some, no other value is allowed."""

    @property
    def values(self) -> str:
        """Which values it may have, in words; those of ``choices`` are in that."""
        if self.choices:
            return ", ".join(self.choices)
        if self.type is tuple:
            return "names"
        if self.type is str:
            return "a name"
        kind = "whole numbers" if self.type is int else "numbers"
        return f"{kind} from {_plain(self.minimum)} to {_plain(self.maximum)}"

    @property
    def default_text(self) -> str:
        """The default in words."""
        if self.default is None:
            return self.none_label
        return "none" if self.default == () else str(self.default)

    def check(self, value: Any) -> Any:
        """The value converted to the field's type. Numbers may be text, since forms and terminals send text. Raises RecipeError."""
        if self.optional and (
            value is None or (isinstance(value, str) and value.strip().lower() in ("", "auto", AUTOMATIC, self.none_label.lower()))
        ):
            return None
        if self.type is tuple:
            return self._check_names(value)
        return self._check_name(value) if self.type is str else self._check_number(value)

    def _check_names(self, value: Any) -> tuple[str, ...]:
        """Names from a list or from a comma-separated text."""
        names = value.split(",") if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
            raise self._error("must be a list of names.")
        return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))

    def _check_name(self, value: Any) -> str:
        """A name; if there are ``choices``, one of them, in any case."""
        name = value.strip() if isinstance(value, str) else ""
        if not name:
            raise self._error("must be a name.")
        if not self.choices:
            return name
        if name.lower() not in self.choices:
            raise self._error(f"must be one of {', '.join(self.choices)}; found “{name[:40]}”.")
        return name.lower()

    def _check_number(self, value: Any) -> Any:
        number = math.nan
        if isinstance(value, (int, float, str)) and not isinstance(value, bool):
            try:
                number = float(value)
            except (ValueError, OverflowError):
                number = math.nan
        whole = self.type is int
        if not math.isfinite(number) or not self.minimum <= number <= self.maximum or (whole and number != int(number)):
            or_none = f", or {self.none_label}" if self.optional else ""
            raise self._error(
                f"must be a {'whole ' if whole else ''}number from {self.minimum:g} to {self.maximum:g}{or_none}; found “{str(value)[:40]}”."
            )
        return self.type(number)

    def _error(self, problem: str) -> RecipeError:
        return RecipeError(f"{self.label} {problem}", code="setting_out_of_range", setting=self.name)

    def to_json_schema(self) -> dict[str, Any]:
        """The JSON Schema of its values."""
        json_type = _JSON_TYPES[self.type]
        schema: dict[str, Any] = {
            "type": [json_type, "null"] if self.optional else json_type,
            "title": self.label,
            "description": self.help,
        }
        if self.type in (int, float):
            schema |= {"minimum": self.minimum, "maximum": self.maximum}
        if self.type is tuple:
            schema |= {"items": {"type": "string"}}
        if self.choices:
            schema |= {"enum": list(self.choices)}
        return schema | {"default": list(self.default) if self.type is tuple else self.default}


def recipe_field(value_type: type, default: Any, label: str, help: str, **more: Any) -> Any:
    """A field of a recipe's dataclass; ``more`` are further fields of RecipeField."""
    field = RecipeField(type=value_type, default=default, label=label, help=help, **more)
    return dataclasses.field(default=default, metadata={"recipe_field": field})


@functools.cache
def fields_of(recipe: type) -> Mapping[str, RecipeField]:
    """The fields of a recipe's dataclass by their names, in its order."""
    return {f.name: dataclasses.replace(f.metadata["recipe_field"], name=f.name) for f in dataclasses.fields(recipe)}


def form_groups(recipe: type) -> Mapping[str, tuple[RecipeField, ...]]:
    """The fields of each group of the form, in their places."""
    by_place = sorted(fields_of(recipe).values(), key=lambda field: field.place)
    return {group: tuple(field for field in by_place if field.group == group) for group in (PACE, TRAINED, OVERFITTING, EVALUATION)}


def json_schema(recipe: type) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of a recipe file and of the ``recipe`` of /start: every setting may be left out."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Recipe",
        "description": "The settings of one training. What is left out has its default.",
        "type": "object",
        "properties": {name: field.to_json_schema() for name, field in fields_of(recipe).items()},
        "additionalProperties": False,
    }


def _plain(number: float) -> str:
    return f"{number:,}" if isinstance(number, int) else f"{number:g}"
