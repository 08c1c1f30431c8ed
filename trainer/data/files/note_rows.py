"""Lines that are no rows of a table: comments between its rows, and notes below it, after a blank line.

They are dropped only if they have none of the values that a column of few values has. Blank lines between groups of rows end no table.
"""

from collections import Counter

from trainer.data.files.table import DroppedRow, Record

COMMENT_MARKS = ("# ", "//", "-- ", "% ", ";;")
_FIRST_SIGNS = frozenset(mark[0] for mark in COMMENT_MARKS)  # a quicker test for a million rows
_MAX_BELOW = 5
_MAX_SHARE = 0.1
_MIN_ROWS = 8


def drop_notes(rows: list[Record], lines: list[int], dropped: list[DroppedRow]) -> tuple[list[Record], list[int]]:
    """The rows and lines without comments and notes, which are added to ``dropped``."""
    comments = [row for row, cells in enumerate(rows) if cells[0][:1] in _FIRST_SIGNS and cells[0].startswith(COMMENT_MARKS)]
    if len(comments) > _MAX_SHARE * len(rows):
        comments = []  # Markdown in texts
    left = {row.line for row in dropped}
    first_below = next(
        (row for row in range(max(1, len(rows) - _MAX_BELOW), len(rows)) if _follows_blank(rows, lines, row, left)), len(rows)
    )
    if first_below < len(rows) and any(
        lines[row] > lines[row - 1] + 1 and _follows_blank(rows, lines, row, left) for row in range(1, first_below)
    ):
        first_below = len(rows)  # blank lines are between the rows too
    candidates = sorted({*comments, *range(first_below, len(rows))})
    if not candidates or len(rows) - len(candidates) < _MIN_ROWS:
        return rows, lines
    suspects = set(candidates)
    others = [cells for row, cells in enumerate(rows) if row not in suspects]
    values = [Counter(column) for column in zip(*others, strict=True)]
    labels = {position: counts for position, counts in enumerate(values) if len(counts) <= max(2, len(others) // 4)}
    if any(_repeats([rows[row][position] for row in range(first_below, len(rows))]) for position in labels):
        first_below = len(rows)  # the rows of a further class
        candidates = comments
    notes = {row for row in candidates if labels and all(rows[row][position] not in counts for position, counts in labels.items())}
    for row in sorted(notes):
        where = "it is a note below the table" if row >= first_below else "it is a comment between the rows"
        dropped.append(DroppedRow(lines[row], where))
    kept = [row for row in range(len(rows)) if row not in notes]
    return [rows[row] for row in kept], [lines[row] for row in kept]


def _repeats(cells: list[str]) -> bool:
    """Whether a value stands in several of the cells."""
    return any(count > 1 for value, count in Counter(cells).items() if value.strip())


def _follows_blank(rows: list[Record], lines: list[int], row: int, dropped: set[int]) -> bool:
    """Whether a blank line is between a row and the one before, which may have several lines."""
    end = lines[row - 1] + sum(cell.count("\n") for cell in rows[row - 1])
    return lines[row] > end + 1 and dropped.isdisjoint(range(end + 1, lines[row]))
