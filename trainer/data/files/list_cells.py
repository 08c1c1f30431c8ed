"""Columns whose cells are printed lists (``['joy']``, ``["joy"]``, ``[3]``): a list of one scalar becomes the scalar.

Columns with other bracketed cells and lists of several labels stay unchanged.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from trainer.data.files.table import Table

_SINGLE_LIST = re.compile(r"""\[\s*(?:'((?:[^'\\]|\\.)*)'|("(?:[^"\\]|\\.)*")|([+-]?\d+(?:\.\d*)?))\s*,?\s*\]""", re.DOTALL)
_LONGER_LIST = re.compile(r"\[.*,.*\]", re.DOTALL)
_SAMPLE_ROWS = 200  # rows that decide whether the whole column is searched


def unwrap_lists(table: Table) -> Table:
    """The table with single-element lists replaced by their element, and empty lists by empty cells, in columns of lists."""
    changes: dict[int, Mapping[str, str]] = {}
    for position in range(len(table.columns)):
        sample = [cell for cells in table.rows[:_SAMPLE_ROWS] if (cell := cells[position].strip())]
        if sum(cell[0] == "[" and cell[-1] == "]" for cell in sample) >= 0.5 * len(sample) > 0:
            scalars = _find_scalars([cells[position] for cells in table.rows])
            if scalars:
                changes[position] = scalars
    if not changes:
        return table
    rows = []
    for cells in table.rows:
        new_cells = list(cells)
        for position, scalars in changes.items():
            new_cells[position] = scalars.get(new_cells[position], new_cells[position])
        rows.append(tuple(new_cells))
    return replace(table, rows=rows)


def _find_scalars(column: list[str]) -> dict[str, str]:
    """The replacement of each list of at most one scalar; {} if this is not a column of lists."""
    scalars: dict[str, str] = {}
    filled = [cell for cell in column if cell and not cell.isspace()]
    lists = [cell for cell in filled if cell.strip()[0] == "[" and cell.strip()[-1] == "]"]
    if len(lists) < 0.8 * len(filled):
        return {}
    for cell in dict.fromkeys(lists):
        stripped = cell.strip()
        match = _SINGLE_LIST.fullmatch(stripped)
        if match:
            scalars[cell] = _parse_scalar(*match.groups())
        elif not stripped[1:-1].strip():
            scalars[cell] = ""
        elif not _LONGER_LIST.fullmatch(stripped):
            return {}  # "[deleted]", or NumPy's "[3 4]"
    return scalars if any(scalars.values()) else {}


def _parse_scalar(single: str | None, double: str | None, number: str | None) -> str:
    if number is not None:
        return number
    if double is not None:
        try:
            return str(json.loads(double, strict=False))
        except ValueError:
            single = double[1:-1]
    return re.sub(r"""\\(['"\\])""", r"\1", single or "")
