"""Rejoins rows that were split because an unquoted text contains the delimiter, if the result is certain.

Certain means that all other cells then hold known values of their columns.
"""

from collections import Counter

from trainer.data.files.table import Record

_MAX_COLUMNS = 12
_MAX_VALUES = 200
_SAMPLE_ROWS = 5_000
_MIN_PROSE = 0.9  # of the records


def rejoin_split_cells(too_long: list[Record], rows: list[Record], width: int, delimiter: str | None) -> list[Record | None]:
    """Each record of more than ``width`` cells as a row, or None if it is unclear which cells belong together.

    ``rows`` are the valid rows: they show which column is text and which values the others have. Prose has a blank after the
    delimiter ("well, this"); other records are not rejoined.
    """
    if not delimiter or not too_long or len(rows) < 3 or not 2 <= width <= _MAX_COLUMNS:
        return [None] * len(too_long)
    step = max(1, len(rows) // _SAMPLE_ROWS)
    columns = list(zip(*rows[::step], strict=True))
    lengths = [sum(map(len, column)) for column in columns]
    text = max(range(width), key=lengths.__getitem__)
    # A column of few values, each seen more than once on average, is a label; the rejoined rows must have its values.
    max_values = min(_MAX_VALUES, len(columns[0]) // 2)
    values = {position: set(column) for position, column in enumerate(columns) if position != text}
    labels = {position: column_values for position, column_values in values.items() if len(column_values) <= max_values}
    if not labels:
        return [None] * len(too_long)
    for position, column_values in labels.items():
        # A class may occur in broken rows only: a value seen twice at the same position that does not look like prose counts too.
        index = position if position < text else position - width
        counts = Counter(cells[index] for cells in too_long)
        column_values |= {value for value, times in counts.items() if times >= 2 and value[:1] != " "}
    return [_rejoin(cells, text, width, delimiter, labels) for cells in too_long]


def join_prose(header: Record, records: list[Record], delimiter: str | None) -> list[Record] | None:
    """The records as rows of the header's width, if nearly all of them have more cells and all further ones continue one text, with a blank after the delimiter."""
    width = len(header)
    if not delimiter or not 2 <= width <= _MAX_COLUMNS or any(name[:1] == " " for name in header):
        return None
    if sum(len(cells) > width for cells in records) < _MIN_PROSE * len(records):
        return None
    texts = [text for text in range(width) if all(_continues(cells, text, width) for cells in records)]
    if len(texts) != 1:
        return None
    return [
        (*cells[: texts[0]], delimiter.join(cells[texts[0] : (end := texts[0] + len(cells) - width + 1)]), *cells[end:])
        for cells in records
    ]


def _continues(cells: Record, text: int, width: int) -> bool:
    """Whether the further cells, and they alone, continue the text at position ``text``."""
    end = text + len(cells) - width + 1
    others = (*cells[: text + 1], *cells[end:])
    return len(cells) >= width and all(cell[:1] == " " for cell in cells[text + 1 : end]) and not any(cell[:1] == " " for cell in others)


def _rejoin(cells: Record, text: int, width: int, delimiter: str, labels: dict[int, set[str]]) -> Record | None:
    pieces = cells[text : text + len(cells) - width + 1]
    if not all(piece[:1] == " " for piece in pieces[1:]):
        return None
    row = (*cells[:text], delimiter.join(pieces), *cells[text + len(pieces) :])
    return row if all(row[position] in values for position, values in labels.items()) else None
