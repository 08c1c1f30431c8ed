"""Splits lines into records with the csv module, so that an unclosed quotation mark does not swallow the file.

Does not know which record is the header; the expected width only decides how to read doubtful lines.
"""

import csv
import io
import re
from collections.abc import Generator, Iterator
from contextlib import suppress
from itertools import islice

from trainer.errors import FileError

NO_DELIMITER = "\x1f"  # cannot occur: control characters are removed before
PLACEHOLDER = "\x1e"  # for a delimiter of several characters, which the csv module does not support; cannot occur either
_OTHER_SEPARATORS = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
MAX_UNSOUND_LINES = 250_000  # lines parsed on their own, each of which takes ten times as long
_FIRST_BATCH, _MAX_BATCH = 8, 4_096  # records read at once
_ESCAPED_SPAN_LINES = 50  # lines searched for the end of a cell with \" inside

# A quoted cell of at least so many lines, nearly all of which look like whole records, has a stray quotation mark.
# Prose has many commas and few tabs, so tabs need fewer lines.
_STRAY_LINES = {"\t": 4, "|": 4, ";": 5, ",": 6}


def split_lines(text: str) -> list[str]:
    """Lines with their ``\\n``. Form feeds and other separators inside a text do not split it."""
    if not any(separator in text for separator in _OTHER_SEPARATORS):
        return text.splitlines(keepends=True)
    return io.StringIO(text).readlines()  # slower: converts to four bytes per character first


def split_records(
    lines: list[str],
    delimiter: str,
    *,
    width: int | None = None,
    quote: str = '"',
    escape: bool = False,
    skip_initial_space: bool = False,
    trust_quotes: bool = False,
    max_unsound: int = MAX_UNSOUND_LINES,
) -> Iterator[tuple[int, list[str]]]:
    """Yield ``(line, cells)`` per record; ``line`` counts from 1, blank lines are skipped.

    ``lines`` keep their ``\\n``. ``width``: expected cells per record. ``quote``: the quotation mark ("" for none). ``escape``: a backslash
    escapes the quotation mark, the delimiter or a backslash. ``skip_initial_space`` ignores blanks after a delimiter, so that ``a, "b, c"`` has two cells.
    A quotation mark opens a quoted cell only if the cell also closes properly, before a delimiter or at the end of a line. Otherwise
    the line is parsed on its own (see ``_parse_unbalanced_line``). ``trust_quotes`` accepts a cell that closes properly, however long it is.
    ``max_unsound``: lines that are parsed on their own; more raise UserError ``quotes_unsound``.
    """
    csv.field_size_limit(2**31 - 1)  # the default of 128 kB refuses long cells, whose length is checked later
    if len(delimiter) > 1:
        pattern = re.compile(r" {2,}" if delimiter == "  " else re.escape(delimiter))
        lines = [pattern.sub(PLACEHOLDER, line) for line in lines]
        for number, cells in split_records(lines, PLACEHOLDER, width=width, quote=quote, max_unsound=max_unsound):
            yield number, [cell.replace(PLACEHOLDER, delimiter) if PLACEHOLDER in cell else cell for cell in cells]
        return
    if escape:
        lines = _double_literal_backslashes(lines, delimiter, quote)
    dialect = csv.reader(  # made once: each doubtful line starts a new reader
        (),
        delimiter=delimiter,
        quotechar=quote or None,
        quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        escapechar="\\" if escape else None,
        skipinitialspace=skip_initial_space,
        strict=True,
    ).dialect
    n_unsound, start = 0, (yield from _plain_records(lines, dialect))
    while start < len(lines):
        start = yield from _sound_records(lines, start, dialect, None if trust_quotes else width)
        if start < len(lines):
            n_unsound += 1
            if n_unsound > max_unsound:
                raise FileError(
                    f"In more than {max_unsound:,} lines of the file a quotation mark is not closed properly. "
                    "Save the table again as CSV (UTF-8) from the program it comes from.",
                    code="quotes_unsound",
                )
            cells, used = _parse_unbalanced_line(lines, start, delimiter, width, quote)
            if cells:
                yield start + 1, cells
            start += used


def _plain_records(lines: list[str], dialect: csv.Dialect) -> Generator[tuple[int, list[str]], None, int]:
    """Yield the first records as long as each is one line; return the number of lines read.

    Reads many at once, which takes half the time and covers most files completely.
    """
    start, batch_size = 0, _FIRST_BATCH
    reader = csv.reader(lines, dialect)
    with suppress(csv.Error):
        while (records := list(islice(reader, batch_size))) and reader.line_num == start + len(records):
            numbered = enumerate(records, start + 1)
            yield from numbered if all(records) else (record for record in numbered if record[1])
            start += len(records)
            batch_size = min(2 * batch_size, _MAX_BATCH)
    return start


def _sound_records(lines: list[str], start: int, dialect: csv.Dialect, width: int | None) -> Generator[tuple[int, list[str]], None, int]:
    """Yield records from line ``start`` on until one is doubtful; return its first line, or the number of lines."""
    feed = iter(lines)
    feed.__setstate__(start)
    reader = csv.reader(feed, dialect)
    shift = start
    with suppress(csv.Error):
        for cells in reader:
            next_start = reader.line_num + shift
            if next_start - start > 1 and _is_stray(lines, start, next_start, dialect.delimiter, width):
                return start
            if cells:
                yield start + 1, cells
            start = next_start
    return start


def _double_literal_backslashes(lines: list[str], delimiter: str, quote: str) -> list[str]:
    """Double the backslashes that escape nothing: the csv module escapes any character, here only quotes, delimiters and backslashes can be."""
    backslash = re.compile(rf"\\(\\|{re.escape(quote) or '(?!)'}|{re.escape(delimiter)})?")
    return [backslash.sub(lambda match: match[0] if match[1] else r"\\", line) if "\\" in line else line for line in lines]


def _is_stray(lines: list[str], start: int, end: int, delimiter: str, width: int | None) -> bool:
    """Whether a quoted cell over several lines is really several records, the first of which has a stray quotation mark."""
    if width is None or width < 2 or end - start < _STRAY_LINES.get(delimiter, 6):
        return False
    n_whole = sum(line.count(delimiter) == width - 1 for line in lines[start:end])
    return n_whole >= 0.9 * (end - start)


def _parse_unbalanced_line(lines: list[str], start: int, delimiter: str, width: int | None, quote: str) -> tuple[list[str], int]:
    """``(cells, lines used)`` of a line with unbalanced quotation marks; the first reading with the expected width wins.

    The readings: quotation marks are part of the text; the csv module's lenient mode; ``\\"`` means ``""``.
    """
    line = lines[start].rstrip("\n")
    if not line:
        return [], 1
    plain = [_unquote(cell, quote) for cell in line.split(delimiter)]
    if not quote or len(plain) == width:
        return plain, 1
    by_edges = _split_at_edges(line, delimiter, width, quote)
    if by_edges is not None or width is None:
        return by_edges or plain, 1
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


def _split_at_edges(line: str, delimiter: str, width: int | None, quote: str) -> list[str] | None:
    """The cells if a quotation mark counts only at the edge of a cell, beside a delimiter; None if that gives another width, or a cell that is not closed."""
    if line.count(quote) < 2:
        return None
    cells: list[str] = []
    open_parts: list[str] = []
    for part in line.split(delimiter):
        is_closed = part.rstrip().endswith(quote) and not part.rstrip().endswith("\\" + quote)
        if open_parts or part.lstrip()[:1] == quote:
            open_parts.append(part)
            if not is_closed or (len(open_parts) == 1 and part.strip() == quote):
                continue
            cell = delimiter.join(open_parts).strip()[1:-1]
            cells.append(cell.replace("\\" + quote, quote).replace(2 * quote, quote))
            open_parts = []
        else:
            cells.append(part)
    return cells if not open_parts and width in (None, len(cells)) else None


def _unquote(cell: str, quote: str) -> str:
    """A cell without the quotation marks around it; marks inside it may be single, if the first of them opens a quotation."""
    stripped = cell.strip()
    if not quote or len(stripped) < 2 or stripped[0] != quote or stripped[-1] != quote:
        return cell
    inner = stripped[1:-1].replace("\\" + quote, quote).replace(2 * quote, quote)
    first = inner.find(quote)
    if first < 0:
        return inner
    # ``"he said "no""`` is quoted; ``"no" and "yes"`` begins and ends with quotations.
    opens = (first == 0 or inner[first - 1].isspace()) and not inner[first + 1 : first + 2].isspace()
    return inner if opens and inner.count(quote) % 2 == 0 else cell
