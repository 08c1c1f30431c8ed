"""Labels that stand only on the first row of each block of rows, as people write them in a spreadsheet."""

from collections.abc import Sequence
from itertools import pairwise

_MIN_ROWS = 6
_MAX_FILLED_RATIO = 1 / 3
_MAX_CHARS = 60


def fill_blocks(cells: Sequence[str]) -> list[str] | None:
    """The column with each empty cell filled from above; None if its filled cells do not clearly begin blocks.

    They do if the first row has one, each is followed by an empty cell, and no label comes again: the same labels here and there may as
    well be those that somebody has given so far.
    """
    starts = _block_starts(cells, _MAX_FILLED_RATIO)
    labels = [cells[row].strip() for row in starts]
    if len(starts) < 2 or len(set(labels)) < len(labels):
        return None
    return [label for label, start, end in zip(labels, starts, [*starts[1:], len(cells)], strict=True) for _ in range(end - start)]


def may_be_blocks(cells: Sequence[str]) -> bool:
    """Whether the filled cells may begin blocks: each is followed by an empty cell, and no two neighbours are equal."""
    starts = _block_starts(cells, 1 / 2)
    return len(starts) > 1 and all(cells[a].strip() != cells[b].strip() for a, b in pairwise(starts))


def _block_starts(cells: Sequence[str], max_filled_ratio: float) -> list[int]:
    """The rows of the filled cells; [] if some are no beginnings of blocks. Most columns cost two cells."""
    if len(cells) < _MIN_ROWS or not cells[0].strip() or cells[1].strip():
        return []
    starts = [row for row, cell in enumerate(cells) if cell and not cell.isspace()]
    if len(starts) > max_filled_ratio * len(cells) or max(len(cells[row].strip()) for row in starts) > _MAX_CHARS:
        return []
    return starts if all(end - start >= 2 for start, end in pairwise([*starts, len(cells)])) else []
