"""Rows that fell apart because a text held the delimiter and stood in no quotation marks: put together again where that is certain.

Certain means: all other cells hold what their columns always hold, at one place of the text column only.
"""

from collections import Counter

from trainer.data.files.table import Record

_MAX_COLUMNS = 12
_MAX_VALUES = 200
_SAMPLE_ROWS = 5_000


def rejoin_split_cells(surplus: list[Record], rows: list[Record], width: int, delimiter: str | None) -> list[Record | None]:
    """Each record of more than ``width`` cells as a row, or None where it cannot be said what belongs together.

    ``rows`` are the sound ones: they show which column holds prose and what the others hold. A piece of prose begins with a blank
    ("well, this"), so records without one are left alone.
    """
    if not delimiter or not surplus or len(rows) < 3 or not 2 <= width <= _MAX_COLUMNS:
        return [None] * len(surplus)
    step = max(1, len(rows) // _SAMPLE_ROWS)
    columns = list(zip(*rows[::step], strict=True))
    lengths = [sum(map(len, column)) for column in columns]
    text = max(range(width), key=lengths.__getitem__)
    # Few values, each of them seen more than once on average: a label, against which the others can be checked.
    most = min(_MAX_VALUES, len(columns[0]) // 2)
    values = {position: set(column) for position, column in enumerate(columns) if position != text}
    labels = {position: found for position, found in values.items() if len(found) <= most}
    if not labels:
        return [None] * len(surplus)
    for position, found in labels.items():
        # A class may be seen in broken rows alone; twice at the same place, and not like a piece of prose, is a value too.
        place = position if position < text else position - width
        counts = Counter(cells[place] for cells in surplus)
        found |= {value for value, count in counts.items() if count >= 2 and value[:1] != " "}
    return [_rejoin(cells, text, width, delimiter, labels) for cells in surplus]


def _rejoin(cells: Record, text: int, width: int, delimiter: str, labels: dict[int, set[str]]) -> Record | None:
    pieces = cells[text : text + len(cells) - width + 1]
    if not all(piece[:1] == " " for piece in pieces[1:]):
        return None
    row = (*cells[:text], delimiter.join(pieces), *cells[text + len(pieces) :])
    return row if all(row[position] in values for position, values in labels.items()) else None
