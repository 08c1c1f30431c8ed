"""Changes a file of any supported format: ``rewrite`` finds its format, changes it, and reads the result again to be sure.

Runs in the reader's child process, because it parses bytes from outside.
"""

import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from trainer.data.csv_text import csv_bytes
from trainer.data.files.archives import count_zip_entries, open_zip, read_entry, unpack, zip_entries
from trainer.data.files.decoding import decode
from trainer.data.files.formats import FileFormat, detect_format
from trainer.data.files.json_tables import read_json_rows
from trainer.data.files.list_cells import parse_list, unwrapped_cell
from trainer.data.files.markup_tables import read_markup
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits, Table
from trainer.data.files.text_formats import read_or_refuse
from trainer.data.files.zip_entries import named_entries
from trainer.data.rewrite.columnar import rewrite_columnar
from trainer.data.rewrite.delimited import rewrite_delimited
from trainer.data.rewrite.edits import Edits, Rewritten, column_names, not_rewritable_error
from trainer.data.rewrite.exact_text import exact_text
from trainer.data.rewrite.json_files import rewrite_json
from trainer.data.rewrite.packed import repack
from trainer.data.rewrite.workbook import rewrite_workbook
from trainer.errors import FileError, UserError

_PACKED = ("gzip", "bzip2", "xz", "zip")
_NOT_ONE_CELL = {
    "folders_read": "its labels are the names of folders",
    "files_joined": "its rows are joined from several files; choose one of them",
    "sheets_joined": "its rows are joined from several sheets; choose one of them",
    "one_hot_lists": "its labels are lists of zeros with a single 1",
    "annotators_disagree": "its labels are the majority of several annotators",
}


def rewrite(data: bytes, edits: Edits, limits: Limits, **options: Any) -> Rewritten:
    """The file with ``edits``; ``options`` are those of ``read_content`` with which it was read.

    Reading the result again gives exactly the changed rows, or it is refused. Raises UserError ``not_rewritable``,
    ``letter_not_in_encoding`` and ``nothing_left``.
    """
    sizes = vars(limits)
    table = read_table(data, **sizes, **options)
    _check(table, edits)
    rewritten = _rewrite(data, table, edits, limits, options)
    columns, header, expected = table.columns, table.header, _digest(_expected_rows(table, edits))
    del table  # two tables would be most of the memory that a big file takes
    try:
        # What was found before is stated: a new column may make the first row look like a header.
        again = read_table(rewritten.data, **sizes, **(options | ({"header": header} if edits.added else {})))
    except UserError as error:
        raise not_rewritable_error("the result could not be read again") from error
    if _digest(_rows(again, columns, edits)) != expected:
        raise not_rewritable_error("reading the result again would give other rows")
    return rewritten


def rewrite_as_csv(table: Table, edits: Edits, *, spreadsheet: bool = False) -> Rewritten:
    """The rows of a table with ``edits`` as CSV (UTF-8), for files that cannot be changed in their own form."""
    rows, edits = [], edits.in_text()
    for number, cells in enumerate(table.rows):
        if number not in edits.dropped:
            changed = list(cells)
            if number in edits.cells and edits.column is not None:
                changed[edits.column] = edits.cells[number]
            rows.append([*changed, *(column.cells[number] for column in edits.added)])
    return Rewritten(csv_bytes([*column_names(table), *(column.name for column in edits.added)], rows, spreadsheet=spreadsheet))


def _check(table: Table, edits: Edits) -> None:
    codes = {warning.code for warning in table.warnings}
    for code, why in _NOT_ONE_CELL.items():
        if code in codes:
            raise not_rewritable_error(why)
    if "crosses_joined" in codes and edits.cells and edits.column == len(table.columns) - 1:
        raise not_rewritable_error("its labels are crosses in several columns")
    if "crosses_joined" in codes and edits.added:
        raise not_rewritable_error("it has crosses in several columns")
    if len(edits.dropped) >= len(table.rows):
        raise FileError("No row would be left in the file. Keep some of its rows.", code="nothing_left")


def _rewrite(data: bytes, table: Table, edits: Edits, limits: Limits, options: dict[str, Any]) -> Rewritten:
    file_format = detect_format(data)
    if file_format in _PACKED:
        content, entry = _unpacked(data, file_format, table, limits)
        if entry is not None:
            # The part of the whole is the file; that of the file, if it is a workbook, a sheet.
            options = {name: value for name, value in options.items() if name != "part"}
            table = read_table(content, **vars(limits), **options)
        inner = _rewrite(content, table, edits, limits, options)
        return replace(inner, data=b"".join(repack(data, file_format, [inner.data], entry)))
    if file_format == "spreadsheet":
        return rewrite_workbook(data, table, edits.in_text())
    if file_format in ("parquet", "arrow"):
        return Rewritten(rewrite_columnar(data, table, edits, is_parquet=file_format == "parquet"))
    return Rewritten(_rewrite_text(data, table, edits, limits, options))


def _unpacked(data: bytes, file_format: FileFormat, table: Table, limits: Limits) -> tuple[bytes, zipfile.ZipInfo | None]:
    """The packed file that was read, and which one of a zip of several it is."""
    if file_format != "zip" or count_zip_entries(data) == 1:
        return unpack(data, file_format, limits), None
    with open_zip(data) as archive:
        entry = next((entry.info for entry in named_entries(zip_entries(archive)) if entry.name == table.part), None)
        if entry is None:
            raise not_rewritable_error("its rows are joined from several files; choose one of them")
        return read_entry(archive, entry, limits), entry


def _rewrite_text(data: bytes, table: Table, edits: Edits, limits: Limits, options: dict[str, Any]) -> bytes:
    encoding, delimiter, quote = (options.get(name) for name in ("encoding", "delimiter", "quote"))
    exact = exact_text(data, table.encoding)
    exact.check(
        [*edits.cells.values(), *(column.name for column in edits.added), *(c for column in edits.added for c in set(column.cells))]
    )
    if delimiter is None and quote is None:
        text = decode(data, encoding=encoding).text
        if read_markup(text, limits) or read_or_refuse(text, limits):
            raise not_rewritable_error("its table stands in markup, or in a form of another tool")
        if read_json_rows(text, limits, part=options.get("part")) is not None:
            return rewrite_json(exact, table, edits)
    return rewrite_delimited(exact, data, table, edits.in_text(), limits, delimiter=delimiter, quote=quote, encoding=encoding)


# --- the proof --------------------------------------------------------------------------------------------------------------


def _digest(rows: Iterator[tuple[str, ...]]) -> bytes:
    digest = hashlib.blake2b()
    for row in rows:
        digest.update(json.dumps(row).encode())
    return digest.digest()


def _expected_rows(table: Table, edits: Edits) -> Iterator[tuple[str, ...]]:
    for number, cells in enumerate(table.rows):
        if number in edits.dropped:
            continue
        if number in edits.cells and edits.column is not None:
            cells = (*cells[: edits.column], edits.cells[number], *cells[edits.column + 1 :])
        yield *_compared(cells, edits), *(column.cells[number] for column in edits.added if column.kind == "text")


def _rows(table: Table, columns: Sequence[str], edits: Edits) -> Iterator[tuple[str, ...]]:
    """The rows of the result with ``columns`` and the new texts, by name: a key that the first objects of a file lack comes behind the new ones."""
    wanted = [*columns, *(column.name for column in edits.added)]
    is_named = len(set(wanted)) == len(wanted) and set(wanted) <= set(table.columns)
    places = [*map(table.columns.index, wanted)] if is_named else [*range(len(wanted))]
    kept = [place for place, column in zip(places[len(columns) :], edits.added, strict=True) if column.kind == "text"]
    for cells in table.rows:
        old = tuple(cells[place] for place in places[: len(columns)] if place < len(cells))
        yield *_compared(old, edits), *(cells[place] for place in kept if place < len(cells))


def _compared(cells: tuple[str, ...], edits: Edits) -> tuple[str, ...]:
    """The cells with the blanks around a label taken away, which stay in the file as they were, a list of one label as that label, and others in
    order: a set has none."""
    column = edits.column
    if column is None:
        return cells
    labels = parse_list(cells[column])
    cell = unwrapped_cell(cells[column]) if labels is None or len(labels) < 2 else json.dumps(sorted(map(str, labels)))
    return (*cells[:column], " ".join(cell.split()), *cells[column + 1 :])
