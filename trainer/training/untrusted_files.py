"""How a model folder from elsewhere is refused, and how its JSON files are read: bounded, as one object, each name once.

What must not stand in them is the business of the checks of config, weights and tokenizer. Standard library only.
"""

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from trainer.errors import UserError

REFUSED = "model_folder_refused"
SAVE_IT = "Name a folder saved by transformers (save_pretrained) from one of its own models, or choose another encoder"

_MOST_VALUES, _MOST_LISTS = 2_000_000, 1_000_000
"""Of one file, counted by its commas and brackets before it is read: what is small on the disk can be large in memory."""

_DEEPEST = 100
"""Levels of lists and objects; the files of lawful models have at most ten."""


def refusal(file: Path, found: str, remedy: str = SAVE_IT) -> UserError:
    """The sentence for a folder that is not used: ``found`` goes on after the name of the file, ``remedy`` says what to do."""
    return UserError(f"The model folder {file.parent.name} is not used: {file.name} {found}. {remedy}.", code=REFUSED)


def printable(value: Any) -> str:
    """A value of a file within our sentence: short, and only what can be seen."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:60])


def regular_file_size(file: Path) -> int:
    """The bytes of a file. Raises UserError for what is none, or is not there."""
    try:
        found = os.stat(file)
    except OSError as error:
        raise refusal(file, "is missing") from error
    if not stat.S_ISREG(found.st_mode):
        raise refusal(file, "is no plain file")
    return found.st_size


def read_object(file: Path, *, most_bytes: int) -> dict[str, Any]:
    """The JSON object of a file. Raises UserError for anything else, and for numbers that are none, names that stand twice and deep nesting."""
    size = regular_file_size(file)
    if size > most_bytes:
        raise refusal(file, f"has {size / 1e6:,.1f} MB, and such files have at most {most_bytes / 1e6:,.0f}")
    try:
        return parse_object(file.read_bytes())
    except OSError as error:
        raise refusal(file, f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise refusal(file, f"is damaged: {error}") from error


def parse_object(content: bytes) -> dict[str, Any]:
    """The JSON object of some bytes. Raises ValueError whose words go on after “it is damaged:”."""
    if content.count(b",") > _MOST_VALUES or content.count(b"[") + content.count(b"{") > _MOST_LISTS:
        raise ValueError("it holds more values than a model needs")
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_each_once, parse_constant=_no_number, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is no text in UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is no JSON (line {error.lineno})") from None
    if not isinstance(found, dict):
        raise ValueError("it holds no JSON object")
    if _depth(found) > _DEEPEST:
        raise ValueError("it is nested too deeply")
    return found


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands in it twice")
    return found


def _no_number(word: str) -> float:
    raise ValueError(f"{word} is no number")


def _finite(word: str) -> float:
    number = float(word)
    if not math.isfinite(number):
        raise ValueError(f"the number {word[:20]} is too large")
    return number


def _depth(value: Any) -> int:
    """How many lists and objects stand in each other; no more than one beyond what is allowed are looked at."""
    level, depth = [value], 0
    while level and depth <= _DEEPEST:
        level = [inner for outer in level for inner in _inside(outer) if isinstance(inner, (dict, list))]
        depth += 1
    return depth


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value
