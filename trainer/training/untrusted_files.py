"""Reads JSON files of untrusted model folders: of bounded size, as one object, each name once; and the error that refuses a folder.

The checks of config, weights and tokenizer decide what the files may contain. Standard library only.
"""

import json
import math
import os
import stat
from pathlib import Path
from typing import Any

from trainer.errors import ModelError

SAVE_IT = "Name a folder saved by transformers (save_pretrained) from one of its own models, or choose another encoder"

_MAX_VALUES, _MAX_CONTAINERS = 2_000_000, 1_000_000
"""Per file, counted by its commas and brackets before it is parsed: a small file can be large in memory."""

_MAX_DEPTH = 100
"""Levels of lists and objects; the files of regular models have at most ten."""


def refusal(file: Path, problem: str, remedy: str = SAVE_IT) -> ModelError:
    """The error for a folder that is not used: ``problem`` continues the sentence after the file's name, ``remedy`` says what to do."""
    folder, name = printable(file.parent.name), printable(file.name)
    return ModelError(f"The model folder {folder} is not used: {name} {problem}. {remedy}.", code="model_folder_refused")


def printable(value: Any) -> str:
    """A value of a file for our message: shortened, without invisible characters."""
    return "".join(c if c.isprintable() else "?" for c in str(value)[:60])


def regular_file_size(file: Path) -> int:
    """The size of a file in bytes. Raises UserError if it is missing or not a regular file."""
    try:
        status = os.stat(file)
    except OSError as error:
        raise refusal(file, "is missing") from error
    if not stat.S_ISREG(status.st_mode):
        raise refusal(file, "is not a regular file")
    return status.st_size


def read_object(file: Path, *, max_bytes: int) -> dict[str, Any]:
    """The JSON object of a file. Raises UserError for anything else, and for NaN, infinite numbers, repeated names and deep nesting."""
    size = regular_file_size(file)
    if size > max_bytes:
        raise refusal(file, f"has {size / 1e6:,.1f} MB, and such files have at most {max_bytes / 1e6:,.0f}")
    try:
        return parse_object(file.read_bytes())
    except OSError as error:
        raise refusal(file, f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise refusal(file, f"is damaged: {error}") from error


def parse_object(content: bytes) -> dict[str, Any]:
    """The JSON object of some bytes. Raises ValueError whose message continues “it is damaged:”."""
    if content.count(b",") > _MAX_VALUES or content.count(b"[") + content.count(b"{") > _MAX_CONTAINERS:
        raise ValueError("it holds more values than a model needs")
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_object_of, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON (line {error.lineno})") from None
    if not isinstance(value, dict):
        raise ValueError("it holds no JSON object")
    if _depth(value) > _MAX_DEPTH:
        raise ValueError("it is nested too deeply")
    return value


def _object_of(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        raise ValueError("it has a name twice")
    return value


def _refuse_constant(text: str) -> float:
    raise ValueError(f"{text} is not a number")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:20]} is too large")
    return number


def _depth(value: Any) -> int:
    """How deeply lists and objects are nested; stops counting at one more than is allowed."""
    level, depth = [value], 0
    while level and depth <= _MAX_DEPTH:
        level = [inner for outer in level for inner in _children(outer) if isinstance(inner, (dict, list))]
        depth += 1
    return depth


def _children(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value
