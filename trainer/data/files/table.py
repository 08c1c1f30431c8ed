"""The table that every file format is read into, the warnings of its reader, and the limits of what is read."""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from trainer.errors import FileError
from trainer.text_format import quote_names

Record = tuple[str, ...]  # the cells of a row, of any number
PartKind = Literal["sheet", "file", "list"]


@dataclass(frozen=True)
class DroppedRow:
    """A row that is not used: the 1-based line of the file where it starts, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class ReaderWarning:
    """A message to the user about what the reader did, in whole sentences.

    ``severity``: "ok" if nothing can have gone wrong, "warning" if the user should check it. ``count``: number of rows, columns or
    characters affected. ``line``: the 1-based line in the file, if there is a single one.
    """

    code: str
    severity: Literal["ok", "warning"]
    count: int
    message: str
    line: int | None = None


MAX_PARTS = 500
"""More parts are not listed, but can be read by their names."""

READER_WARNINGS = {
    "annotators_disagree": "Annotators gave a text different labels; that of the majority was taken.",
    "columns_left_out": "Columns that hold neither text nor numbers were left out.",
    "columns_reordered": "The columns are named again below, in another order; the rows there were put in the order of the first line.",
    "crosses_joined": "Columns with one cross in each row were read as classes, in a column of their own.",
    "delimiter_in_text": "Texts with an unquoted delimiter in them had been split into several cells, and were joined again.",
    "files_joined": "The tables in a zip file were joined.",
    "folders_read": "Each text of a zip file is a file of its own; the folder is its label.",
    "formulas_without_values": "Formulas have no stored results; the workbook has to be saved once more.",
    "header_rows": "Further rows below the column names belong to the header, and were not read as data.",
    "headers_renamed": "Columns had no name or that of another column, and got one of their own.",
    "hidden_rows": "Rows that are hidden in a workbook were read like the others.",
    "line_end_in_text": "Texts with an unquoted line end in them had been on several lines, and were put together again.",
    "merged_cells": "The value of merged cells was filled into each of their rows.",
    "mixed_encodings": "Lines in another encoding than the rest were read in that.",
    "null_bytes": "Null characters were removed.",
    "one_hot_lists": "Lists of zeros with a single 1 became the position of the 1.",
    "other_files": "Of several files in a zip file one was read.",
    "other_lists": "Of several lists in a JSON file one was read.",
    "other_sheets": "Of several sheets of a workbook one was read.",
    "preamble_skipped": "Lines above the table were not read as rows.",
    "rival_encoding": "What would change with the next best encoding; part of encoding_guessed.",
    "sheets_joined": "Sheets of the same columns were joined; their names are the labels, or the split.",
    "sheets_not_read": "A workbook has so many sheets that the last ones were not looked at.",
    "single_quotes": "Single quotation marks around the cells were removed.",
    "table_in_markup": "The table was read out of an HTML page or an XML spreadsheet.",
}
"""What a warning of each code says; its message says it of the file."""


@dataclass(frozen=True)
class Part:
    """One of the tables in a file: a sheet of a workbook, a file in a zip, or a list in a JSON document.

    ``name`` is distinct in its file. ``rows``: without header; None if they were not counted. ``hidden``: whether the workbook hides the sheet.
    """

    name: str
    kind: PartKind
    rows: int | None = None
    hidden: bool = False


@dataclass(frozen=True)
class Cells:
    """The cells of a workbook, a Parquet or a JSON file as text, before header and widths are known.

    ``numbers``: where each record is in the file (row of the sheet, line, position in the list), from 1. ``columns``: the names that the
    format itself gives its columns; None if the first record may be a header. ``part`` and ``parts`` are those of ``Table``.
    """

    numbers: list[int]
    records: Sequence[Sequence[str]]
    columns: list[str] | None = None
    dropped: list[DroppedRow] = field(default_factory=list)
    warnings: tuple[ReaderWarning, ...] = ()
    part: str | None = None
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True)
class Table:
    """The rows of a file as text.

    ``columns``: header names, stripped and distinct; "column 3" if the third has no name; "0", "1", ... without a header.
    ``rows``: every cell as written (newlines as ``\\n``, without control characters), each row as long as ``columns``.
    ``lines``: per row, the 1-based line of the file where it starts (the row of a sheet, the number of an object).
    ``delimiter``: None for a single column or a format without delimiters. ``warnings``: of the reader. ``parts``: the tables that the
    file holds if there are several, at most ``MAX_PARTS`` of them; ``part``: the name of the one that was read, None if they were joined.
    ``header_line``: the line, or the row of the sheet, of the column names; None if no line has them.
    """

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    lines: list[int]
    encoding: str
    encoding_guessed: bool
    delimiter: str | None
    header: bool
    dropped: tuple[DroppedRow, ...]
    warnings: tuple[ReaderWarning, ...] = ()
    part: str | None = None
    parts: tuple[Part, ...] = ()
    header_line: int | None = None

    @property
    def rows_seen(self) -> int:
        """Rows kept plus rows dropped, without header, preamble and blank lines."""
        return len(self.rows) + len(self.dropped)


@dataclass(frozen=True)
class Limits:
    """Maximum bytes of a file (unpacked), rows, columns, and characters in a cell."""

    max_bytes: int = 100 * 1024 * 1024
    max_rows: int = 1_000_000
    max_columns: int = 1_000
    max_cell_chars: int = 100_000

    @property
    def max_cells(self) -> int:
        """Maximum rows times columns, for formats in which a few bytes can mean many cells."""
        return 20 * self.max_rows

    @property
    def max_chars(self) -> int:
        """Maximum characters of all cells together: one text may be referenced a million times."""
        return 2 * self.max_bytes


def unknown_part_error(part: str, parts: Sequence[str]) -> FileError:
    """The error for a part that the file does not hold; ``parts``: the names of those that it holds."""
    holds = (
        f"It holds {quote_names(parts, limit=20)}: choose one of these."
        if parts
        else "It holds a single table, of which no part can be chosen."
    )
    return FileError(f"The file holds no “{part[:60]}”. {holds}", code="unknown_part")


def too_many_rows_error(limits: Limits) -> FileError:
    """The error for a file with more rows than ``limits`` allow."""
    return FileError(f"The file has more than {limits.max_rows:,} rows, the maximum. Upload a part of it.", code="too_many_rows")


def too_many_columns_error(width: int, limits: Limits) -> FileError:
    """The error for a file with ``width`` columns, more than ``limits`` allow."""
    return FileError(
        f"The file has {width:,} columns; at most {limits.max_columns:,} can be read. "
        "Keep the column with the texts and the column with the labels, and upload that.",
        code="too_many_columns",
    )


def too_many_cells_error(limits: Limits) -> FileError:
    """The error for a file with more cells than ``limits`` allow."""
    return FileError(
        f"The table has more than {limits.max_cells:,} cells, the maximum. "
        "Keep the column with the texts and the column with the labels, and upload that.",
        code="too_many_cells",
    )


def too_much_text_error(limits: Limits) -> FileError:
    """The error for a file whose cells hold more characters than ``limits`` allow."""
    return FileError(
        f"The cells of this file hold more than {limits.max_chars / 1e6:,.0f} million characters, the maximum. "
        "Keep only the columns with the texts and the labels, or fewer rows.",
        code="file_too_large",
    )


def explain_too_long_cell(cells: Record, limits: Limits) -> str | None:
    """The reason to drop a row with a cell longer than ``limits`` allow; None for any other row."""
    n_chars = max(map(len, cells), default=0)
    if n_chars <= limits.max_cell_chars:
        return None
    return (
        f"a cell of {n_chars:,} characters; at most {limits.max_cell_chars:,} are read (perhaps a quotation mark that is never closed; "
        "cut very long texts into parts)"
    )


def explain_dropped(dropped: Sequence[DroppedRow]) -> str:
    """The most common reason for dropping rows, as the end of a sentence, for a file of which no row was kept; "" if none was dropped."""
    if not dropped:
        return ""
    reasons = [re.sub(r"\d[\d,.]*", "0", row.reason) for row in dropped]  # numbers differ from row to row
    reason, times = Counter(reasons).most_common(1)[0]
    rows = f"all {len(reasons):,} rows" if len(reasons) > 1 else "its only row"
    same = "" if times == len(reasons) else f" {times:,} of them"
    return f": {rows} had to be left out,{same} because of this: {dropped[reasons.index(reason)].reason}"


def unreadable_workbook_error(why: str) -> FileError:
    """The error for a workbook that cannot be opened."""
    return FileError(
        f"This looks like a workbook, but it cannot be opened: {why}. "
        "Open it in Excel or LibreOffice, save it as CSV (UTF-8), and upload that.",
        code="spreadsheet_file",
    )
