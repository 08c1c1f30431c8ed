"""Rejoins rows that were split because an unquoted text contains a line end, if the result is certain.

Certain means that the parts follow one another, have as many cells as a row together, and end in known labels.
"""

from trainer.data.files.table import Record

_MAX_PARTS = 50
_MAX_BLANK_LINES = 2
_MAX_VALUES = 200
_SAMPLE_ROWS = 5_000

_NumberedRecords = list[tuple[int, Record]]


def rejoin_broken_lines(ragged: _NumberedRecords, rows: list[Record], width: int) -> tuple[_NumberedRecords, _NumberedRecords]:
    """``(rows, rest)``: the rows that records of fewer than ``width`` cells are together, and the other records.

    ``ragged`` is in the order of its lines; ``rows`` are the valid rows, which show what the labels are.
    """
    if width < 2 or len(rows) < 3 or sum(len(cells) < width for _, cells in ragged) < 2:
        return [], ragged
    columns = zip(*rows[:: max(1, len(rows) // _SAMPLE_ROWS)], strict=True)
    labels = {
        position: values for position, column in enumerate(columns) if len(values := set(column)) <= min(_MAX_VALUES, len(column) // 2)
    }
    joined: _NumberedRecords = []
    rest: _NumberedRecords = []
    start = 0
    while start < len(ragged):
        end, row = _join_from(ragged, start, width)
        if row is not None and labels and all(row[position] in values for position, values in labels.items()):
            joined.append((ragged[start][0], row))
            start = end
        else:
            rest.append(ragged[start])
            start += 1
    return joined, rest


def _join_from(ragged: _NumberedRecords, start: int, width: int) -> tuple[int, Record | None]:
    """The row that begins with a record, and the position after its last part; None if the parts do not make a row."""
    number, cells = ragged[start]
    if not 1 < len(cells) < width:
        return start + 1, None
    line = number + sum(cell.count("\n") for cell in cells)
    for end in range(start + 1, min(start + _MAX_PARTS, len(ragged))):
        next_number, more = ragged[end]
        gap = next_number - line
        if not 1 <= gap <= 1 + _MAX_BLANK_LINES or len(cells) + len(more) - 1 > width:
            break
        cells = (*cells[:-1], cells[-1] + gap * "\n" + more[0], *more[1:])
        line = next_number + sum(cell.count("\n") for cell in more)
        if len(cells) == width:
            return end + 1, cells
    return start + 1, None
