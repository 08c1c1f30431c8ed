"""Reads spreadsheets (.xlsx, .xlsm, .xlsb, .xls, .ods): checks their unpacked size, then lets ``calamine_workbook`` read the best sheet.

Runs no formula and no macro. A few hundred bytes of workbook can require any amount of memory (a cell far out, a long text
referenced a million times), so the caller must limit the memory: see trainer/data/reader.
"""

import io
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

from trainer.data.files.calamine_workbook import best_sheet, open_workbook
from trainer.data.files.hidden_rows import count_hidden_rows
from trainer.data.files.table import Cells, Limits, ReaderWarning, unreadable_workbook_error
from trainer.errors import FileError
from trainer.text_format import quote_names

_MAX_UNPACKED_BYTES = 300 << 20
_MAX_RATIO = 100  # sheets shrink to about a tenth, zip bombs to a thousandth
_SMALL_BYTES = 20 << 20  # up to this size the ratio is not checked
_CHUNK_BYTES = 1 << 20
_MAX_HEADER_ROW = 6
_MAX_FORMULA_BYTES = 4 << 20
_FORMULA = re.compile(rb"<c\b[^<>]*><f\b[^<>]*(?:/>|>[^<]*</f>)(?:<v\s*/>|<v></v>)?</c>")


def read_sheet(data: bytes, limits: Limits, *, part: str | None = None) -> Cells:
    """The sheet of a workbook named ``part``, or the one that looks most like a table of texts.

    Raises UserError ``unknown_part``, ``spreadsheet_file`` (damaged, password-protected, not a workbook), ``empty_file``, ``too_many_rows``,
    ``too_many_columns``, ``too_many_cells``; MemoryError.
    """
    try:
        cells = best_sheet(open_workbook(data), limits, part=part)
    except BaseException as error:
        # calamine is written in Rust, and a Rust panic is not an Exception.
        if type(error).__name__ == "PanicException":
            raise unreadable_workbook_error("it is damaged") from error
        raise
    return replace(cells, warnings=(*cells.warnings, *_hidden_rows_warning(data, cells), *_formula_warning(data, cells.records)))


def _hidden_rows_warning(data: bytes, cells: Cells) -> tuple[ReaderWarning, ...]:
    """The warning about rows with cells that a filter, or somebody, hid in the sheet that was read."""
    if cells.part is None:
        return ()
    n_hidden = count_hidden_rows(data, cells.part, cells.numbers)
    if not n_hidden:
        return ()
    rows, were = ("row is", "it was") if n_hidden == 1 else ("rows are", "they were")
    message = (
        f"{n_hidden:,} {rows} hidden in the workbook, perhaps by a filter; {were} read like the others. "
        "If hidden rows should not count, delete them, or copy the visible ones into a new sheet."
    )
    return (ReaderWarning("hidden_rows", "warning", n_hidden, message),)


def _formula_warning(data: bytes, records: Sequence[Sequence[str]]) -> tuple[ReaderWarning, ...]:
    """The warning about columns with a name and formulas below it whose results are not in the file; programs that write workbooks leave them out."""
    filled = [[row for row, record in enumerate(records) if record[column].strip()] for column in range(len(records[0]))]
    empty = [(rows[0], column) for column, rows in enumerate(filled) if len(rows) == 1 and rows[0] < _MAX_HEADER_ROW and len(records) > 2]
    if not empty or not data.startswith(b"PK") or _count_formulas(data) < len(records) // 2:
        return ()
    names = quote_names([records[row][column] for row, column in empty], limit=5)
    message = (
        f"The cells of {names} are formulas whose results are not stored in the file, so they are empty here. "
        "Open the workbook in Excel or LibreOffice, save it, and upload it again."
    )
    return (ReaderWarning("formulas_without_values", "warning", len(empty), message),)


def _count_formulas(data: bytes) -> int:
    """Cells of a .xlsx with a formula and no value, in the first megabytes of each sheet."""
    n_formulas = 0
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for part in archive.infolist():
            if part.filename.startswith("xl/worksheets/") and part.filename.endswith(".xml"):
                with archive.open(part) as file:
                    n_formulas += len(_FORMULA.findall(file.read(_MAX_FORMULA_BYTES)))
    return n_formulas


def unpacked_size(data: bytes) -> int:
    """Unpacked bytes of all parts of a workbook, measured by unpacking them, because stated sizes may be false.

    Raises UserError ``spreadsheet_file`` or ``file_too_large``.
    """
    if not data.startswith(b"PK"):
        return len(data)
    max_bytes = min(_MAX_UNPACKED_BYTES, max(_SMALL_BYTES, len(data) * _MAX_RATIO))
    size = 0
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
            if sum(part.file_size for part in parts) > max_bytes:
                raise _too_large()
            for part in parts:
                if part.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or part.flag_bits & 1:
                    raise unreadable_workbook_error("it is packed or locked in an unusual way")
                for chunk in _iter_unpacked(data, part):
                    size += len(chunk)
                    if size > max_bytes:
                        raise _too_large()
    except (zipfile.BadZipFile, zlib.error, struct.error, ValueError, OSError, NotImplementedError) as error:
        raise unreadable_workbook_error("it is damaged") from error
    return size


def _too_large() -> FileError:
    return FileError(
        f"This workbook is larger than {_MAX_UNPACKED_BYTES >> 20:,} MB when unpacked, or packed suspiciously tightly. "
        "Save the sheet with the texts and the labels as CSV (UTF-8), and upload that.",
        code="file_too_large",
    )


def _iter_unpacked(data: bytes, part: zipfile.ZipInfo) -> Iterator[bytes]:
    header = part.header_offset
    name_length, extra_length = struct.unpack("<HH", data[header + 26 : header + 30])
    start = header + 30 + name_length + extra_length
    rest = data[start : start + part.compress_size]
    if part.compress_type == zipfile.ZIP_STORED:
        yield rest
        return
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    while not inflate.eof:
        chunk = inflate.decompress(rest, _CHUNK_BYTES)
        rest = inflate.unconsumed_tail
        if not chunk and not rest:
            return
        yield chunk
