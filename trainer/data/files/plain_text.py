"""A big delimited text without any oddity, read slice by slice: the rows of ``read_content``, without all of them in memory at once.

Repairs nothing: what has not as many cells in each record, or needs any of the reader's decisions below its beginning, is not plain.
"""

import codecs
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace

from trainer.data.files.decoding import find_encoding
from trainer.data.files.dialect import Dialect
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
_ODD_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]|\r(?!\n)|\\[N\r\n]|~\{")
"""The same in a text."""
_MARKS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
PLAIN_WARNINGS = frozenset({"single_quotes", "preamble_skipped", "headers_renamed"})
"""What the reader may tell of a plain file."""


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
    """A plain file. ``head``: the table of its first slice, as the reader makes it; ``dialect`` of all its records; ``form`` of its bytes."""

    def __init__(self, data: bytes, limits: Limits, head: Table, dialect: Dialect, form: "TextForm") -> None:
        self.head = head
        self.dialect = dialect
        self.form = form
        self._data = data
        self._limits = limits

    def slices(self) -> Iterator[Slice]:
        """All records, in order. Raises NotPlainError as soon as something is odd."""
        rows = 0
        for number, (start, end) in enumerate(self._spans()):
            part = self.parse(self._decoded(start, end), self.head.columns, header_line=None if number else self.head.header_line)
            rows += len(part.rows)
            if rows > self._limits.max_rows:
                raise NotPlainError("too many rows")
            yield part

    def parse(self, text: str, columns: Record, *, header_line: int | None = None) -> Slice:
        """The records of a slice of the file below its header, if it has one. ``columns``: the names that they are read under. Raises NotPlainError."""
        try:
            dialect = replace(self.dialect, width=len(columns), skip=0)
            lines = split_lines(text.replace("\r\n", "\n"))
            # No line may be unsound: a slice that ends inside a quoted cell is, and would otherwise be read as rows of its own.
            numbers, records = parse_records(lines, dialect, self._limits, trust_quotes=False, max_unsound=0)
        except UserError as error:
            raise NotPlainError(error.message) from error
        above = bisect_right(numbers, header_line or 0)
        numbers, records = numbers[above:], records[above:]
        if not records:
            raise NotPlainError("no records")
        if ' "' in text and any(cell[:1] == " " and cell.lstrip()[:1] == '"' for cells in records for cell in cells):
            raise NotPlainError("blanks before a quotation mark, which may belong to the delimiter")
        check_records(columns, numbers, records, self.dialect.delimiter, self._limits, header=self.head.header)
        return Slice(text, records, numbers, header_line)

    def _spans(self) -> Iterator[tuple[int, int]]:
        """Where each slice begins and ends, at the end of a record; the last is never short, so that the end of the table shows."""
        start, total = len(self.form.mark), len(self._data)
        while start < total:
            end = self.form.record_end(self._data, start, self.dialect)
            if total - end < SLICE_BYTES:
                end = total
            yield start, end
            start = end

    def _decoded(self, start: int, end: int) -> str:
        return self.form.decode(self._data[start:end])


@dataclass(frozen=True)
class TextForm:
    """``encoding``: as the reader names it; ``codec``: of the bytes behind the ``mark`` that they may begin with."""

    encoding: str
    codec: str
    mark: bytes

    def decode(self, raw: bytes) -> str:
        """The text of a slice, from which the same bytes can be made. Raises NotPlainError."""
        if self.codec == "utf-8" and (
            len(raw.translate(None, _ODD_BYTES)) < len(raw) or _LONE_RETURN.search(raw) or any(mark in raw for mark in _ODD_MARKS)
        ):
            raise NotPlainError("characters that are repaired")
        try:
            text = raw.decode(self.codec)
        except UnicodeDecodeError as error:
            raise NotPlainError("bytes of another encoding") from error
        # Bytes are searched faster than text.
        if self.codec != "utf-8" and (_ODD_TEXT.search(text) or text.encode(self.codec, "replace") != raw):
            raise NotPlainError("characters that are repaired")
        return text

    def record_end(self, data: bytes, start: int, dialect: Dialect) -> int:
        """The end of a line about ``SLICE_BYTES`` after ``start`` before which as many quotation marks open as close. Raises NotPlainError."""
        line_end, mark = "\n".encode(self.codec), dialect.quote.encode(self.codec)
        escaped = ("\\" + dialect.quote).encode(self.codec) if dialect.escape else b""
        end, quotes, counted = start + SLICE_BYTES, 0, start
        while end < len(data):
            end = data.find(line_end, end) + len(line_end)
            if end < len(line_end):
                return len(data)
            if (end - len(self.mark)) % len(line_end):
                end -= len(line_end) - 1  # halves of two letters
                continue
            if mark:
                quotes += data.count(mark, counted, end) - (data.count(escaped, counted, end) if escaped else 0)
            counted = end
            if quotes % 2 == 0:
                return end
            if end - start > _MAX_SLICE_BYTES:
                raise NotPlainError("a quotation mark is not closed")
        return len(data)


def open_plain(data: bytes, limits: Limits, **options: object) -> PlainText | None:
    """The file, if its beginning is plain and nothing about it is stated; whether the rest is, its slices tell."""
    if any(value is not None for value in options.values()) or len(data) < 2 * SLICE_BYTES or detect_format(data) != "text":
        return None
    form = _text_form(data)
    if form is None:
        return None
    start = len(form.mark)
    try:
        beginning = data[: form.record_end(data, start, Dialect(None, 1))]
        head = read_content(open_content(beginning, limits), limits, encoding=form.encoding)
        text = form.decode(beginning[start:]).replace("\r\n", "\n")
        _, lines, dialect = text_dialect(text, limits, None, None)
        plain = PlainText(data, limits, head, dialect, form)
        if not _is_simple(dialect, head) or lines != split_lines(text):
            return None
        # What the reader makes of it without a look at its cells.
        first = plain.parse(form.decode(beginning[start:]), head.columns, header_line=head.header_line)
    except (NotPlainError, UserError):
        return None
    return plain if (first.rows, first.lines) == (head.rows, head.lines) else None


def _text_form(data: bytes) -> TextForm | None:
    """How the bytes are read; None if only the whole text tells."""
    encoding = find_encoding(data)
    mark = next((mark for mark in _MARKS if data.startswith(mark)), b"")
    if encoding is None or encoding == "utf-32":
        return None
    return TextForm(encoding, _MARKS[mark] if mark else encoding, mark)


def check_records(
    columns: Record, numbers: list[int], records: list[Record], delimiter: str | None, limits: Limits, *, header: bool
) -> None:
    """Raise NotPlainError if the reader would leave out, join or put in order any of some records below the column names."""
    width, max_chars = len(columns), limits.max_cell_chars
    if any(len(cells) != width or cells[0].startswith(COMMENT_MARKS) or max(map(len, cells)) > max_chars for cells in records):
        raise NotPlainError("records of another shape")
    aligned = align_parts(columns, numbers, records)[1] if header else ()
    fitted = fit_width(columns if header else None, numbers, records, expected=width, delimiter=delimiter, long_cells=False, limits=limits)
    if aligned or fitted.dropped or fitted.warnings or len(fitted.rows) != len(records):
        raise NotPlainError("rows that are left out or put in order")


def _is_simple(dialect: Dialect, head: Table) -> bool:
    plain = replace(dialect, quote='"', escape=False, skip_initial_space=False, keeps_entities=False, skip=0) == Dialect(
        dialect.delimiter, len(head.columns)
    )
    is_read_as_written = head.delimiter == dialect.delimiter and not head.dropped and head.part is None
    return plain and is_read_as_written and {warning.code for warning in head.warnings} <= PLAIN_WARNINGS
