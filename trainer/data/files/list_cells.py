"""Columns whose cells are lists as programs write them (``['joy']``, ``["joy"]``, ``[3]``): a list of one becomes that one.

Touches no column in which other cells stand between brackets, and leaves lists of several labels as they are.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace

from trainer.data.files.table import Table

_SINGLE_LIST = re.compile(r"""\[\s*(?:'((?:[^'\\]|\\.)*)'|("(?:[^"\\]|\\.)*")|([+-]?\d+(?:\.\d*)?))\s*,?\s*\]""", re.DOTALL)
_LONGER_LIST = re.compile(r"\[.*,.*\]", re.DOTALL)
_SAMPLE_ROWS = 200  # rows that can make a column worth a full look


def unwrap_single_lists(table: Table) -> Table:
    """The table with lists of one scalar as that scalar, and empty lists as empty cells, in columns of lists."""
    changes: dict[int, Mapping[str, str]] = {}
    for position in range(len(table.columns)):
        some = [cell for cells in table.rows[:_SAMPLE_ROWS] if (cell := cells[position].strip())]
        if sum(cell[0] == "[" and cell[-1] == "]" for cell in some) >= 0.5 * len(some) > 0:
            found = _find_scalars([cells[position] for cells in table.rows])
            if found:
                changes[position] = found
    if not changes:
        return table
    rows = []
    for cells in table.rows:
        new = list(cells)
        for position, scalars in changes.items():
            new[position] = scalars.get(new[position], new[position])
        rows.append(tuple(new))
    return replace(table, rows=rows)


def _find_scalars(column: list[str]) -> dict[str, str]:
    """What each list of at most one becomes; nothing where the column is no column of lists."""
    found: dict[str, str] = {}
    filled = [cell for cell in column if cell and not cell.isspace()]
    lists = [cell for cell in filled if cell.strip()[0] == "[" and cell.strip()[-1] == "]"]
    if len(lists) < 0.8 * len(filled):
        return {}
    for cell in dict.fromkeys(lists):
        bare = cell.strip()
        one = _SINGLE_LIST.fullmatch(bare)
        if one:
            found[cell] = _parse_scalar(*one.groups())
        elif not bare[1:-1].strip():
            found[cell] = ""
        elif not _LONGER_LIST.fullmatch(bare):
            return {}  # "[deleted]", or NumPy's "[3 4]"
    return found if any(found.values()) else {}


def _parse_scalar(single: str | None, double: str | None, number: str | None) -> str:
    if number is not None:
        return number
    if double is not None:
        try:
            return str(json.loads(double, strict=False))
        except ValueError:
            single = double[1:-1]
    return re.sub(r"""\\(['"\\])""", r"\1", single or "")
