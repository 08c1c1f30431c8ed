"""Lines of text to records: the csv module, kept from swallowing the file when a quotation mark is never closed.

Does not know which record is the header or how many cells are right; it only uses a hoped-for width to settle doubtful lines.
"""

import csv
import io
import re
from collections.abc import Generator, Iterator
from itertools import islice

from trainer.errors import UserError

NO_DELIMITER = "\x1f"  # cannot occur: control characters are gone before
PLACEHOLDER = "\x1e"  # for a delimiter of several characters, which the csv module does not take; cannot occur either
_OTHER_SEPARATORS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_MAX_UNSOUND_LINES = 250_000  # lines that are taken by themselves, each of which takes as long as ten others
_FEW_RECORDS, _MANY_RECORDS = 8, 4_096  # read at once
_ESCAPED_SPAN_LINES = 50  # lines searched for the end of a cell with \" inside

# From so many lines on, a quoted cell whose every line looks like a whole record is taken for a lost quotation mark.
# Prose has many commas and few tabs, so the same finding means more with tabs.
_STRAY_LINES = {"\t": 4, "|": 4, ";": 5, ",": 6}


def split_lines(text: str) -> list[str]:
    """Lines with their ``\\n``. A form feed and other separators that may stand inside a text cut nothing."""
    if not any(separator in text for separator in _OTHER_SEPARATORS):
        return text.splitlines(keepends=True)
    return io.StringIO(text).readlines()  # which first makes four bytes of each character


def split_records(
    lines: list[str],
    delimiter: str,
    *,
    width: int | None = None,
    quote: str = '"',
    escape: bool = False,
    skip_initial_space: bool = False,
    trust_quotes: bool = False,
) -> Iterator[tuple[int, list[str]]]:
    """Yield ``(line, cells)`` per record; ``line`` counts from 1, blank lines are passed over.

    ``lines`` keep their ``\\n``. ``quote`` is the quotation mark ("" for none), ``escape``: a backslash before it (or before the
    delimiter, or a backslash) takes its meaning. ``skip_initial_space`` skips blanks after a delimiter, so that ``a, "b, c"`` has two cells.
    A quotation mark opens a quoted cell only where the cell also closes properly: the mark that closes it stands before a delimiter
    or at the end of a line. Otherwise the line is taken by itself and its marks literally (see ``_parse_unbalanced_line``). ``trust_quotes`` never
    suspects a cell that closes properly, however long it is.
    """
    csv.field_size_limit(2**31 - 1)  # the default of 128 kB refuses long cells; they are counted later
    if len(delimiter) > 1:
        pattern = re.compile(r" {2,}" if delimiter == "  " else re.escape(delimiter))
        for number, cells in split_records([pattern.sub(PLACEHOLDER, line) for line in lines], PLACEHOLDER, width=width, quote=quote):
            yield number, [cell.replace(PLACEHOLDER, delimiter) if PLACEHOLDER in cell else cell for cell in cells]
        return
    if escape:
        lines = _double_literal_backslashes(lines, delimiter, quote)
    dialect = csv.reader(  # made once: doubtful lines begin a reader each
        (),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        escapechar="\\" if escape else None,
        skipinitialspace=skip_initial_space,
        strict=True,
    ).dialect
    unsound, start = 0, (yield from _plain_records(lines, dialect))
    while start < len(lines):
        start = yield from _sound_records(lines, start, dialect, None if trust_quotes else width)
        if start < len(lines):
            unsound += 1
            if unsound > _MAX_UNSOUND_LINES:
                raise UserError(
                    f"In more than {_MAX_UNSOUND_LINES:,} lines of the file a quotation mark is opened and not closed properly. "
                    "Save the table again as CSV (UTF-8) from the program it comes from.",
                    code="quotes_unsound",
                )
            cells, used = _parse_unbalanced_line(lines, start, delimiter, width, quote)
            if cells:
                yield start + 1, cells
            start += used


def _plain_records(lines: list[str], dialect: csv.Dialect) -> Generator[tuple[int, list[str]], None, int]:
    """Yield the first records as long as each is a line of its own; return the number of lines that they took.

    Reads many at once: in most files that is all there is to do, and takes half the time.
    """
    start, some = 0, _FEW_RECORDS
    reader = csv.reader(lines, dialect)
    try:
        while (records := list(islice(reader, some))) and reader.line_num == start + len(records):
            numbered = enumerate(records, start + 1)
            yield from numbered if all(records) else (one for one in numbered if one[1])
            start += len(records)
            some = min(2 * some, _MANY_RECORDS)
    except csv.Error:
        pass
    return start


def _sound_records(lines: list[str], start: int, dialect: csv.Dialect, width: int | None) -> Generator[tuple[int, list[str]], None, int]:
    """Yield records from line ``start`` on until one is doubtful; return where that one starts, or the number of lines."""
    feed = iter(lines)
    feed.__setstate__(start)
    reader = csv.reader(feed, dialect)
    shift = start
    try:
        for cells in reader:
            after = reader.line_num + shift
            if after - start > 1 and _is_stray(lines, start, after, dialect.delimiter, width):
                return start
            if cells:
                yield start + 1, cells
            start = after
    except csv.Error:
        pass
    return start


def _double_literal_backslashes(lines: list[str], delimiter: str, quote: str) -> list[str]:
    """Double the backslashes that escape nothing: the csv module takes one before any character, here only marks can be escaped."""
    literal = re.compile(rf"\\(\\|{re.escape(quote) or '(?!)'}|{re.escape(delimiter)})?")
    return [literal.sub(lambda found: found[0] if found[1] else r"\\", line) if "\\" in line else line for line in lines]


def _is_stray(lines: list[str], start: int, end: int, delimiter: str, width: int | None) -> bool:
    """Whether a quoted cell over several lines is really several records, the first of them with a lost quotation mark."""
    if width is None or width < 2 or end - start < _STRAY_LINES.get(delimiter, 6):
        return False
    whole = sum(lines[at].count(delimiter) == width - 1 for at in range(start, end))
    return whole >= 0.9 * (end - start)


def _parse_unbalanced_line(lines: list[str], start: int, delimiter: str, width: int | None, quote: str) -> tuple[list[str], int]:
    """``(cells, lines used)`` of a line whose quotation marks do not pair up; the first reading of the hoped-for width wins.

    The readings: marks are part of the text; marks as the csv module takes them when it is lenient; ``\\"`` stands for ``""``.
    """
    line = lines[start].rstrip("\n")
    if not line:
        return [], 1
    plain = [_unquote(cell, quote) for cell in line.split(delimiter)]
    if width is None or len(plain) == width or not quote:
        return plain, 1
    lenient = next(csv.reader([line], delimiter=delimiter, quotechar=quote), [])
    if len(lenient) == width:
        return lenient, 1
    escaped_mark = "\\" + quote
    if escaped_mark in line:
        span = [part.replace(escaped_mark, 2 * quote) for part in lines[start : start + _ESCAPED_SPAN_LINES]]
        reader = csv.reader(span, delimiter=delimiter, quotechar=quote, strict=True)
        try:
            escaped = next(reader, [])
        except csv.Error:
            escaped = []
        if len(escaped) == width:
            return escaped, reader.line_num
    return plain, 1


def _unquote(cell: str, quote: str) -> str:
    bare = cell.strip()
    if quote and len(bare) >= 2 and bare[0] == bare[-1] == quote and quote not in bare[1:-1].replace(2 * quote, ""):
        return bare[1:-1].replace(2 * quote, quote)
    return cell
