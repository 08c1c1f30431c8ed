"""Appends columns to a file, in the reader's child process: to a big plain file slice by slice, so that memory does not grow with its rows.

Other files are changed as a whole by ``rewrite_file``.
"""

from collections.abc import Generator, Iterator
from dataclasses import dataclass, replace
from typing import Any

from trainer.data.csv_text import csv_bytes, csv_lines
from trainer.data.files.formats import detect_format
from trainer.data.files.plain_parquet import PlainParquet
from trainer.data.files.plain_text import NotPlainError, PlainText, Slice
from trainer.data.files.plain_workbook import PlainWorkbook
from trainer.data.files.read_table import Content, open_content, read_content
from trainer.data.files.sliced_files import SlicedFile, open_sliced
from trainer.data.files.table import Limits, Record
from trainer.data.rewrite.cell_spans import RecordForm
from trainer.data.rewrite.columnar import append_to_parquet
from trainer.data.rewrite.delimited import Records
from trainer.data.rewrite.edits import AddedColumn, Appending, Cells, Edits, column_names, not_rewritable_error
from trainer.data.rewrite.exact_text import ExactText
from trainer.data.rewrite.packed import repack
from trainer.data.rewrite.rewrite_file import rewrite, rewrite_as_csv
from trainer.data.rewrite.workbook import append_to_workbook
from trainer.errors import UserError


def append_columns(
    data: bytes, content: Content, appending: Appending, cells: Cells, limits: Limits, **options: Any
) -> Generator[bytes, None, tuple[str, ...]]:
    """Yield the changed file piece by piece; return sentences about what it could not keep. ``options`` are those with which it was read.

    Raises UserError as ``rewrite`` does; what was yielded before is then worth nothing.
    """
    if not appending.in_slices:
        return (yield from _append_at_once(data, content, appending, cells, limits, options))
    plain = open_sliced(content.data, limits, **options)
    if plain is None:
        raise not_rewritable_error("it is not the file that was read")
    pieces = _pieces(plain, appending, cells, limits)
    is_packed = data is not content.data and appending.written_as == "itself"
    try:
        yield from repack(data, detect_format(data), pieces) if is_packed else pieces
    except NotPlainError as error:
        raise not_rewritable_error("reading the result again would give other rows") from error
    return ()


def _pieces(plain: SlicedFile, appending: Appending, cells: Cells, limits: Limits) -> Iterator[bytes]:
    if isinstance(plain, PlainParquet) and appending.written_as == "itself":
        return append_to_parquet(plain, appending, cells)
    if isinstance(plain, PlainWorkbook) and appending.written_as == "itself":
        return append_to_workbook(plain, appending, cells)
    return _Appender(plain, appending, limits).pieces(cells)


def _append_at_once(
    data: bytes, content: Content, appending: Appending, cells: Cells, limits: Limits, options: dict[str, Any]
) -> Generator[bytes, None, tuple[str, ...]]:
    edits = Edits(added=appending.added(cells(appending.rows)))
    if appending.written_as == "itself":
        rewritten = rewrite(data, edits, limits, **options)
    else:
        rewritten = rewrite_as_csv(read_content(content, limits, **options), edits, spreadsheet=appending.written_as == "spreadsheet")
    yield rewritten.data
    return rewritten.notes


@dataclass(frozen=True)
class _Appender:
    plain: SlicedFile
    appending: Appending
    limits: Limits

    def pieces(self, cells: Cells) -> Generator[bytes, None, None]:
        for number, part in enumerate(self.plain.slices()):
            added = self.appending.added(cells(len(part.rows)))
            if self.appending.written_as != "itself":
                yield self._as_csv(part, tuple(column.in_text() for column in added), is_first=not number)
            elif isinstance(self.plain, PlainText):
                yield self._as_records(self.plain, part, tuple(column.in_text() for column in added), is_first=not number)
            else:
                yield rewrite(part.text.encode(), Edits(added=added), self.limits).data

    def _as_records(self, plain: PlainText, part: Slice, added: tuple[AddedColumn, ...], *, is_first: bool) -> bytes:
        head = plain.head
        table = replace(head, rows=part.rows, lines=part.lines, header_line=part.header_line)
        form, exact = RecordForm(plain.dialect, len(head.columns)), ExactText(b"", part.text, plain.form.codec)
        exact.check([*(column.name for column in added), *{cell for column in added for cell in column.cells}])
        text = Records(exact, table).change(Edits(added=added), form)
        columns = (*head.columns, *(column.name for column in added))
        expected = _with_cells(part.rows, added)
        if plain.parse(text, columns, header_line=part.header_line).rows != expected:
            raise not_rewritable_error("reading the result again would give other rows")
        piece = (plain.form.mark if is_first else b"") + exact.encode(text)
        if is_first and _read_again(piece, self.limits, header=head.header, encoding=plain.form.encoding) != expected:
            raise not_rewritable_error("reading the result again would give other rows")
        return piece

    def _as_csv(self, part: Slice, added: tuple[AddedColumn, ...], *, is_first: bool) -> bytes:
        spreadsheet, rows = self.appending.written_as == "spreadsheet", _with_cells(part.rows, added)
        if not is_first:
            return csv_lines(rows, spreadsheet=spreadsheet)
        names = [*column_names(self.plain.head), *(column.name for column in added)]
        return csv_bytes(names, rows, spreadsheet=spreadsheet)


def _with_cells(rows: list[Record], added: tuple[AddedColumn, ...]) -> list[Record]:
    return [(*row, *new) for row, new in zip(rows, zip(*(column.cells for column in added), strict=True), strict=True)]


def _read_again(piece: bytes, limits: Limits, **stated: Any) -> list[Record]:
    try:
        return read_content(open_content(piece, limits), limits, **stated).rows
    except UserError:
        return []
