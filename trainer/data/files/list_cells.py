"""Columns whose cells are printed lists or objects (``['joy']``, ``[3]``, ``{"choices": ["joy"]}``, ``{'joy'}``): one label becomes the cell.

Several labels become a list of them. Columns with other bracketed cells stay unchanged.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from trainer.data.files.json_text import parse_json, parse_python
from trainer.data.files.table import Table

EMPTY_LIST = "[]"
"""The cell of a text that has none of several labels."""
_EMPTY_SET = "set()"

_SINGLE_LIST = re.compile(r"""\[\s*(?:'((?:[^'\\]|\\.)*)'|("(?:[^"\\]|\\.)*")|([+-]?\d+(?:\.\d*)?))\s*(?:,\s*)?\]""", re.DOTALL)
_LONGER_LIST = re.compile(r"\[.*,.*\]", re.DOTALL)
_SAMPLE_ROWS = 200  # rows that decide whether the whole column is searched
_NAME_KEYS = ("choices", "choice", "labels", "label", "name", "class", "classname", "category", "tag", "value", "text")
_MAX_OBJECT_CHARS = 5_000
_MAX_OBJECTS = 50_000
_MAX_DEPTH = 20
_ONE_HOT = {"0", "1", "0.0", "1.0", "True", "False"}


def unwrap_lists(table: Table, *, objects: bool = True) -> Table:
    """The table with lists and objects of one label replaced by the label, empty ones by empty cells, and objects of several by a list.

    ``objects``: whether the cells may be objects that somebody has printed; those of a JSON file have been opened already.
    """
    changes: dict[int, Mapping[str, str]] = {}
    for position in range(len(table.columns)):
        sample = [cell for cells in table.rows[:_SAMPLE_ROWS] if (cell := cells[position].strip())]
        if sum(cell[0] == "[" and cell[-1] == "]" for cell in sample) >= 0.5 * len(sample) > 0:
            scalars = _find_scalars([cells[position] for cells in table.rows])
            if scalars:
                changes[position] = scalars
                continue
        # One answer of an annotation tool is printed as it is, several are an object.
        if objects and any(
            (cell[0] in "[{" and ("{" in cell[:40] or cell[:2] == "[[")) or (cell[0] == "(" and cell[-2:] == ",)") for cell in sample
        ):
            labels = _find_labels([cells[position] for cells in table.rows])
            if labels:
                changes[position] = labels
    if not changes:
        return table
    rows = []
    for cells in table.rows:
        new_cells = list(cells)
        for position, scalars in changes.items():
            new_cells[position] = scalars.get(new_cells[position], new_cells[position])
        rows.append(tuple(new_cells))
    return replace(table, rows=rows)


def unwrapped_cell(cell: str) -> str:
    """A cell as it is read in a column of lists: the label of a list of one, whatever its quotation marks."""
    match = _SINGLE_LIST.fullmatch(cell.strip())
    return _parse_scalar(*match.groups()) if match else cell


def read_list_cell(cell: str) -> str:
    """A list or a set as it is read in a column of them: one label as itself, several as a JSON list; any other cell unchanged."""
    stripped = cell.strip()
    if stripped == _EMPTY_SET:
        return EMPTY_LIST
    value = _parse(stripped) if stripped[:1] + stripped[-1:] in ("[]", "{}") else None
    labels = _labels_in(value) if isinstance(value, list) else None
    return unwrapped_cell(cell) if labels is None else _as_cell(labels, EMPTY_LIST)


def parse_list(cell: str) -> list[Any] | None:
    """The items of a cell that is a JSON list; None for any other."""
    value = parse_json(cell) if cell[:1] == "[" and cell[-1:] == "]" else None
    return value if isinstance(value, list) else None


def without_empty_lists(column: list[str]) -> list[str]:
    """A column of lists with empty ones as empty cells, unless others hold several items: then a text may have none of them."""
    if any(cell[:1] == "[" and cell != EMPTY_LIST for cell in column):
        return column
    return ["" if cell == EMPTY_LIST else cell for cell in column]


def _find_scalars(column: list[str]) -> dict[str, str]:
    """The replacement of each list of at most one scalar; {} if this is not a column of lists."""
    scalars: dict[str, str] = {}
    filled = [cell for cell in column if cell and not cell.isspace()]
    lists = [cell for cell in filled if cell.strip()[0] == "[" and cell.strip()[-1] == "]"]
    if len(lists) < 0.8 * len(filled):
        return {}
    # Beside lists of several labels an empty one says that a text has none; an empty cell says nothing.
    empty = EMPTY_LIST if any(_LONGER_LIST.fullmatch(cell.strip()) for cell in lists) else ""
    for cell in dict.fromkeys(lists):
        stripped = cell.strip()
        match = _SINGLE_LIST.fullmatch(stripped)
        if match:
            scalars[cell] = _parse_scalar(*match.groups())
        elif not stripped[1:-1].strip():
            scalars[cell] = empty
        elif not _LONGER_LIST.fullmatch(stripped):
            return {}  # "[deleted]", or NumPy's "[3 4]"
    return scalars if any(scalars.values()) else {}


def _find_labels(column: list[str]) -> dict[str, str]:
    """The replacement of each object by its labels; {} if any is something else than labels."""
    labels: dict[str, list[str]] = {}
    distinct = dict.fromkeys(column)
    if len(distinct) > _MAX_OBJECTS:
        return {}  # labels repeat
    for cell in distinct:
        stripped = cell.strip()
        if not stripped or stripped[0] + stripped[-1] not in ("{}", "[]", "()"):
            continue
        found = _labels_in(_parse(stripped)) if len(stripped) <= _MAX_OBJECT_CHARS else None
        if found is None:
            return {}
        labels[cell] = found
    several = any(len(found) > 1 for found in labels.values())
    if several:
        labels |= {cell: [] for cell in distinct if cell.strip() == _EMPTY_SET}
    empty = EMPTY_LIST if several else ""
    return {cell: _as_cell(found, empty) for cell, found in labels.items()}


def _as_cell(labels: list[str], empty: str) -> str:
    return labels[0] if len(labels) == 1 else json.dumps(labels, ensure_ascii=False) if labels else empty


def _parse(cell: str) -> Any:
    value = parse_json(cell)
    return parse_python(cell) if value is None else value


def _labels_in(value: Any, depth: int = 0) -> list[str] | None:
    """The labels in a list, in an object around them or in an object of yes and no; None if it holds anything else."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, list):
        parts = [[] if item is None else _labels_in(item, depth + 1) for item in value]
        return None if None in parts else [label for part in parts if part for label in part]
    if isinstance(value, dict):
        if len(value) > 1 and {str(item) for item in value.values()} <= _ONE_HOT:
            return [str(name) for name, item in value.items() if str(item) in ("1", "1.0", "True")]
        lowered = {str(key).casefold(): item for key, item in value.items()}
        if len(value) == 1 and _key_is_label(value):
            return [str(next(iter(value)))]
        key = next(iter(lowered)) if len(lowered) == 1 else next((name for name in _NAME_KEYS if name in lowered), None)
        return None if key is None else [] if lowered[key] is None else _labels_in(lowered[key], depth + 1)
    return None if value is None or str(value).strip() == "" else [str(value)]


def _key_is_label(value: dict[Any, Any]) -> bool:
    """Whether an object says yes to its only key, which is none of the usual names: {"joy": 1.0}."""
    key, item = next(iter(value.items()))
    return str(item) in ("1", "1.0", "True") and str(key).casefold() not in _NAME_KEYS


def _parse_scalar(single: str | None, double: str | None, number: str | None) -> str:
    if number is not None:
        return number
    if double is not None:
        try:
            return str(json.loads(double, strict=False))
        except ValueError:
            single = double[1:-1]
    return re.sub(r"""\\(['"\\])""", r"\1", single or "")
