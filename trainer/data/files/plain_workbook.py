"""A big sheet of a .xlsx workbook, read slice by slice: the rows of ``read_content``, without all of them in memory at once.

What the reader decides by all rows or by several sheets (cells that are merged over rows, sheets that are joined) is not plain. The shared texts of the
workbook are in memory, as they stand in it.
"""

import io
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from trainer.data.files import plain_text
from trainer.data.files.calamine_workbook import Sheet
from trainer.data.files.plain_text import PLAIN_WARNINGS, NotPlainError, Slice, check_records
from trainer.data.files.read_table import table_of
from trainer.data.files.sheet_choice import joined_sheets, summarize_sheet
from trainer.data.files.sheet_slices import SmallWorkbooks, sheet_path, sheet_pieces
from trainer.data.files.table import Cells, Limits, Part, Record, Table
from trainer.errors import UserError

_MAX_SHEETS = 20
_MERGED = re.compile(rb'<(?:\w+:)?mergeCell\b[^<>]*\bref="\$?[A-Z]+\$?(\d+):\$?[A-Z]+\$?(\d+)"')


@dataclass(frozen=True)
class _Beginning:
    """The first rows of a sheet. ``is_whole``: it has no others."""

    sheet: Sheet
    path: str
    hidden: bool
    is_whole: bool


class PlainWorkbook:
    """A plain sheet. ``head``: the table of its first slice, as the reader makes it; ``first_column``: where it begins, from 0."""

    def __init__(self, archive: zipfile.ZipFile, small: SmallWorkbooks, beginning: _Beginning, limits: Limits, head: Table) -> None:
        self.archive = archive
        self.path = beginning.path
        self.head = head
        self.first_column = beginning.sheet.first_column
        self._small = small
        self._name = beginning.sheet.name
        self._limits = limits

    def slices(self) -> Iterator[Slice]:
        """All rows, in order. Raises NotPlainError as soon as something is odd."""
        return (part for _, part in self.pieces() if part is not None)

    def pieces(self) -> Iterator[tuple[bytes, Slice | None]]:
        """The XML of the sheet, piece by piece, those with rows as slices too. Raises NotPlainError as soon as something is odd."""
        opening, last, rows, chars = b"", 0, 0, 0
        for kind, xml in sheet_pieces(self.archive, self.path):
            if kind != "rows":
                if any(first != end for first, end in _MERGED.findall(xml)):
                    raise NotPlainError("cells that are merged over rows")
                opening = opening or xml
                yield xml, None
                continue
            numbers, records = self.read(opening, xml, len(self.head.columns))
            if numbers and numbers[0] <= last:
                raise NotPlainError("rows that are in no order")
            last = numbers[-1] if numbers else last
            above = sum(number <= (self.head.header_line or 0) for number in numbers)
            numbers, records = numbers[above:], records[above:]
            if not records:
                yield xml, None
                continue
            check_records(self.head.columns, numbers, records, None, self._limits, header=self.head.header)
            rows += len(records)
            chars += sum(len(cell) for record in records for cell in record)
            if rows > self._limits.max_rows or rows * len(self.head.columns) > self._limits.max_cells or chars > self._limits.max_chars:
                raise NotPlainError("too much")
            yield xml, Slice(xml.decode(), records, numbers, self.head.header_line if above else None)

    def read(self, opening: bytes, rows: bytes, width: int) -> tuple[list[int], list[Record]]:
        """The numbers and the records of some rows in XML, as wide as ``width``. Raises NotPlainError if there are cells beside them."""
        sheet = self._small.read(self._name, self.path, opening, rows, self._limits)
        before = sheet.first_column - self.first_column
        after = width - before - len(sheet.records[0]) if sheet.records else 0
        if before < 0 or after < 0:
            raise NotPlainError("cells beside the table")
        return sheet.numbers, [(*("",) * before, *record, *("",) * after) for record in sheet.records]


def open_plain_workbook(data: bytes, limits: Limits, *, part: str | None = None, **options: object) -> PlainWorkbook | None:
    """The sheet ``part``, or the one that the reader chooses, if its beginning is plain and nothing else is stated; whether the rest is, its slices tell."""
    if any(value is not None for value in options.values()) or not data.startswith(b"PK"):
        return None
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        sheets = [entry for entry in archive.infolist() if entry.filename.startswith("xl/worksheets/")]
        if all(entry.file_size < 2 * plain_text.SLICE_BYTES for entry in sheets):
            return None
        small = SmallWorkbooks(archive)
        chosen, parts = _choose(_beginnings(archive, small, limits), part)
        cells = Cells(chosen.sheet.numbers, chosen.sheet.records, part=chosen.sheet.name, parts=parts)
        plain = PlainWorkbook(archive, small, chosen, limits, table_of(cells, limits))
        first = next(plain.slices())
    except (NotPlainError, UserError, StopIteration, zipfile.BadZipFile, UnicodeDecodeError):
        return None
    head = plain.head
    is_plain = {warning.code for warning in head.warnings} <= PLAIN_WARNINGS and not head.dropped
    return plain if is_plain and (first.rows, first.lines) == (head.rows, head.lines) else None


def _beginnings(archive: zipfile.ZipFile, small: SmallWorkbooks, limits: Limits) -> list[_Beginning]:
    """Of each sheet with cells, in their order."""
    sheets = small.sheets()
    if len(sheets) > _MAX_SHEETS:
        raise NotPlainError("many sheets")
    found = []
    for name, hidden in dict(sheets).items():
        path = sheet_path(archive, name)
        if path is None:
            raise NotPlainError("a sheet that is not found")
        pieces = sheet_pieces(archive, path)
        (_, opening), (kind, rows) = next(pieces), next(pieces)
        if kind == "rows":
            sheet = small.read(name, path, opening, rows, limits)
            if sheet.records:
                found.append(_Beginning(sheet, path, hidden, is_whole=next(pieces)[0] == "ending"))
    return found


def _choose(beginnings: list[_Beginning], part: str | None) -> tuple[_Beginning, tuple[Part, ...]]:
    """The sheet that the reader would choose, and the parts of the workbook. Raises NotPlainError if it is short, or if the others' rows matter."""
    summaries = [summarize_sheet(each.sheet.name, each.sheet.records, hidden=each.hidden) for each in beginnings]
    parts = tuple(summary.part for summary in summaries) if len(summaries) > 1 else ()
    if part is not None:
        chosen = next((each for each in beginnings if each.sheet.name == part), None)
    else:
        # What is counted of a sheet only grows with its rows: if its beginning wins against all of the others, it wins.
        scores = [summary.score for summary in summaries]
        chosen = beginnings[scores.index(max(scores))] if scores and not joined_sheets(summaries)[0] else None
        if any(not each.is_whole for each in beginnings if each is not chosen):
            raise NotPlainError("several long sheets")
    if chosen is None or chosen.is_whole:
        raise NotPlainError("not a long sheet")
    return chosen, parts
