"""A big delimited text without any oddity, read slice by slice: the rows of ``read_content``, without all of them in memory at once.

Repairs nothing: what is not UTF-8 with as many cells in each record, or needs any of the reader's decisions below its beginning, is not plain.
"""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from trainer.data.files.dialect import DELIMITERS, Dialect
from trainer.data.files.formats import detect_format
from trainer.data.files.note_rows import COMMENT_MARKS
from trainer.data.files.read_table import open_content, parse_records, read_content, text_dialect
from trainer.data.files.records import split_lines
from trainer.data.files.repeated_headers import align_parts
from trainer.data.files.table import Limits, Record, Table
from trainer.data.files.widths import fit_width
from trainer.errors import UserError

SLICE_BYTES = 1 << 20
"""Of a slice at least; below two of them a file is not read in slices."""
_MAX_SLICE_BYTES = 16 * SLICE_BYTES
_ODD_BYTES = bytes([*range(9), 11, 12, *range(14, 32), 127])
_ODD_MARKS = (b"\\N", b"\\\n", b"\\\r", b"~{", codecs.BOM_UTF8)
"""Marks of databases for no value and for a continued line, of an encoding in ASCII, and of joined files."""
_LONE_RETURN = re.compile(rb"\r(?!\n)")


class NotPlainError(Exception):
    """A file is not plain after all: ``read_content`` has to read it as a whole."""


@dataclass(frozen=True)
class Slice:
    """Consecutive records: their ``text`` as it stands in the file, and their ``rows``; ``lines`` count from 1 within the slice."""

    text: str
    rows: list[Record]
    lines: list[int]
    header_line: int | None = None


class PlainText:
    """A plain file. ``head``: the table of its first slice, as the reader makes it; ``dialect`` of all its records."""

    def __init__(self, data: bytes, limits: Limits, head: Table, dialect: Dialect) -> None:
        self.head = head
        self.dialect = dialect
        self.mark = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
        self._data = data
        self._limits = limits

    def slices(self) -> Iterator[Slice]:
        """All records, in order. Raises NotPlainError as soon as something is odd."""
        rows = 0
        for number, (start, end) in enumerate(self._spans()):
            part = self.parse(self._decoded(start, end), self.head.columns, has_header=self.head.header and not number)
            rows += len(part.rows)
            if rows > self._limits.max_rows:
                raise NotPlainError("too many rows")
            yield part

    def parse(self, text: str, columns: Record, *, has_header: bool = False) -> Slice:
        """The records of a slice of the file. ``columns``: the names that they are read under. Raises NotPlainError."""
        try:
            dialect = replace(self.dialect, width=len(columns))
            lines = split_lines(text.replace("\r\n", "\n"))
            # No line may be unsound: a slice that ends inside a quoted cell is, and would otherwise be read as rows of its own.
            numbers, records = parse_records(lines, dialect, self._limits, trust_quotes=False, max_unsound=0)
        except UserError as error:
            raise NotPlainError(error.message) from error
        header_line = None
        if has_header:
            header_line, numbers, records = numbers[0], numbers[1:], records[1:]
        width, max_chars = len(columns), self._limits.max_cell_chars
        if not records or any(
            len(cells) != width or cells[0].startswith(COMMENT_MARKS) or max(map(len, cells)) > max_chars for cells in records
        ):
            raise NotPlainError("records of another shape")
        if ' "' in text and any(cell[:1] == " " and cell.lstrip()[:1] == '"' for cells in records for cell in cells):
            raise NotPlainError("blanks before a quotation mark, which may belong to the delimiter")
        header = columns if self.head.header else None
        aligned = align_parts(columns, numbers, records)[1] if header else ()
        fitted = fit_width(
            header, numbers, records, expected=width, delimiter=self.dialect.delimiter, long_cells=False, limits=self._limits
        )
        if aligned or fitted.dropped or fitted.warnings or len(fitted.rows) != len(records):
            raise NotPlainError("rows that are left out or put in order")
        return Slice(text, records, numbers, header_line)

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Where each slice begins and ends, at the end of a record; the last is never short, so that the end of the table shows."""
        start, total = len(self.mark), len(self._data)
        while start < total:
            end = _record_end(self._data, start)
            if total - end < SLICE_BYTES:
                end = total
            yield start, end
            start = end

    def _decoded(self, start: int, end: int) -> str:
        raw = self._data[start:end]
        if len(raw.translate(None, _ODD_BYTES)) < len(raw) or _LONE_RETURN.search(raw) or any(mark in raw for mark in _ODD_MARKS):
            raise NotPlainError("characters that are repaired")
        try:
            return raw.decode()
        except UnicodeDecodeError as error:
            raise NotPlainError("not UTF-8") from error


def open_plain(data: bytes, limits: Limits, **options: object) -> PlainText | None:
    """The file, if its beginning is plain and nothing about it is stated; whether the rest is, its slices tell."""
    if any(value is not None for value in options.values()) or len(data) < 2 * SLICE_BYTES or detect_format(data) != "text":
        return None
    mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
    try:
        beginning = data[: _record_end(data, mark)]
        head = read_content(open_content(beginning, limits), limits)
        text = beginning[mark:].decode().replace("\r\n", "\n")
        _, lines, dialect = text_dialect(text, limits, None, None)
        plain = PlainText(data, limits, head, dialect)
        if not _is_simple(dialect, head) or lines != split_lines(text):
            return None
        # What the reader makes of it without a look at its cells.
        first = plain.parse(plain._decoded(mark, len(beginning)), head.columns, has_header=head.header)
    except (NotPlainError, UserError, UnicodeDecodeError):
        return None
    return plain if (first.rows, first.lines, first.header_line) == (head.rows, head.lines, head.header_line) else None


def _is_simple(dialect: Dialect, head: Table) -> bool:
    usual = Dialect(dialect.delimiter, len(head.columns))
    is_read_as_written = head.delimiter == dialect.delimiter and not head.warnings and not head.dropped and head.part is None
    return dialect == usual and dialect.delimiter in DELIMITERS and is_read_as_written and head.encoding in ("utf-8", "utf-8-sig")


def _record_end(data: bytes, start: int) -> int:
    """The end of a line about ``SLICE_BYTES`` after ``start`` before which as many quotation marks open as close. Raises NotPlainError."""
    end, quotes, counted = start + SLICE_BYTES, 0, start
    while end < len(data):
        end = data.find(b"\n", end) + 1
        if not end:
            return len(data)
        quotes += data.count(b'"', counted, end)
        counted = end
        if quotes % 2 == 0:
            return end
        if end - start > _MAX_SLICE_BYTES:
            raise NotPlainError("a quotation mark is not closed")
    return len(data)
