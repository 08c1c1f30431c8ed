"""Labels that stand only on the first row of each block of rows, as people write them in a spreadsheet."""

from collections.abc import Sequence
from itertools import pairwise

_MIN_ROWS = 6
_MAX_FILLED_RATIO = 1 / 3
_MAX_CHARS = 60
_MIN_REPEATING_BLOCKS = 8
"""Of blocks whose labels come again; a few labels here and there may differ from their neighbours by chance."""
_MAX_REPEATING_LABELS = 5


def fill_blocks(cells: Sequence[str]) -> list[str] | None:
    """The column with each empty cell filled from above; None if its filled cells do not begin blocks.

    They do if the first row has one, each is followed by an empty cell, no two neighbours are equal, and either no label comes again or
    a few labels come again many times.
    """
    if len(cells) < _MIN_ROWS or not cells[0].strip() or cells[1].strip():
        return None
    starts = [row for row, cell in enumerate(cells) if cell and not cell.isspace()]
    labels = [cells[row].strip() for row in starts]
    if len(starts) < 2 or len(starts) > _MAX_FILLED_RATIO * len(cells) or max(map(len, labels)) > _MAX_CHARS:
        return None
    ends = [*starts[1:], len(cells)]
    if any(end - start < 2 for start, end in zip(starts, ends, strict=True)) or any(a == b for a, b in pairwise(labels)):
        return None
    distinct = len(set(labels))
    if distinct < len(labels) and (len(labels) < _MIN_REPEATING_BLOCKS or distinct > _MAX_REPEATING_LABELS):
        return None
    return [label for label, start, end in zip(labels, starts, ends, strict=True) for _ in range(end - start)]
