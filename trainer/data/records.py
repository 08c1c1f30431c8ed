"""Lines of text to records: the csv module, kept from swallowing the file when a quotation mark is never closed.

Does not know which record is the header or how many cells are right; it only uses a hoped-for width to settle doubtful lines.
"""

import csv
from collections.abc import Iterator

NO_DELIMITER = "\x1f"  # cannot occur: control characters are gone before
_ESCAPED_SPAN = 50  # lines searched for the end of a cell with \" inside

# From so many lines on, a quoted cell whose every line looks like a whole record is taken for a lost quotation mark.
# Prose has many commas and few tabs, so the same finding means more with tabs.
_STRAY_LINES = {"\t": 4, "|": 4, ";": 5, ",": 6}


class _Feed:
    """Lines one by one, from a place that can be set back."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.at = 0

    def __iter__(self) -> "_Feed":
        return self

    def __next__(self) -> str:
        if self.at >= len(self.lines):
            raise StopIteration
        line = self.lines[self.at]
        self.at += 1
        return line


def split_records(lines: list[str], delimiter: str, *, width: int | None = None, spaced: bool = False) -> Iterator[tuple[int, list[str]]]:
    """Yield ``(line, cells)`` per record; ``line`` counts from 1, blank lines are passed over.

    ``lines`` keep their ``\\n``. ``spaced`` skips blanks after a delimiter, so that ``a, "b, c"`` has two cells.
    A quotation mark opens a quoted cell only where the cell also closes properly: the mark that closes it stands before a delimiter
    or at the end of a line. Otherwise the line is taken by itself and its marks literally (see ``_alone``).
    """
    csv.field_size_limit(2**31 - 1)  # the default of 128 kB refuses long cells; the size of the file is limited elsewhere
    feed = _Feed(lines)
    reader = csv.reader(feed, delimiter=delimiter, strict=True, skipinitialspace=spaced)
    while True:
        start = feed.at
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            cells, used = _alone(lines, start, delimiter, width)
            feed.at = start + used
        else:
            if feed.at - start > 1 and _is_stray(lines, start, feed.at, delimiter, width):
                cells, used = _alone(lines, start, delimiter, width)
                feed.at = start + used
        if cells:
            yield start + 1, cells


def _is_stray(lines: list[str], start: int, end: int, delimiter: str, width: int | None) -> bool:
    """Whether a quoted cell over several lines is really several records, the first of them with a lost quotation mark."""
    if width is None or width < 2 or end - start < _STRAY_LINES.get(delimiter, 6):
        return False
    whole = sum(lines[at].count(delimiter) == width - 1 for at in range(start, end))
    return whole >= 0.9 * (end - start)


def _alone(lines: list[str], start: int, delimiter: str, width: int | None) -> tuple[list[str], int]:
    """``(cells, lines used)`` of a line whose quotation marks do not pair up; the first reading of the hoped-for width wins.

    The readings: marks are part of the text; marks as the csv module takes them when it is lenient; ``\\"`` stands for ``""``.
    """
    line = lines[start]
    plain = [_unwrapped(cell) for cell in line.rstrip("\n").split(delimiter)]
    if width is None or len(plain) == width:
        return plain, 1
    lenient = next(csv.reader([line.rstrip("\n")], delimiter=delimiter), [])
    if len(lenient) == width:
        return lenient, 1
    if '\\"' in line:
        span = [part.replace('\\"', '""') for part in lines[start : start + _ESCAPED_SPAN]]
        reader = csv.reader(span, delimiter=delimiter, strict=True)
        try:
            escaped = next(reader, [])
        except csv.Error:
            escaped = []
        if len(escaped) == width:
            return escaped, reader.line_num
    return plain, 1


def _unwrapped(cell: str) -> str:
    bare = cell.strip()
    if len(bare) >= 2 and bare[0] == bare[-1] == '"' and '"' not in bare[1:-1].replace('""', ""):
        return bare[1:-1].replace('""', '"')
    return cell
