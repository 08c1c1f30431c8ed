"""Reads a workbook with calamine: chooses the sheet that looks most like a table and returns it as rows of text.

``spreadsheets.read_sheet`` is the entry point and checks the file before.
"""

import datetime
import io
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from trainer.data.files.decoding import clean
from trainer.data.files.sheet_choice import SheetSummary, joined_sheets, joined_sheets_warning, other_sheets_warning, summarize_sheet
from trainer.data.files.table import (
    MAX_PARTS,
    Cells,
    Limits,
    Part,
    ReaderWarning,
    too_many_cells_error,
    too_many_columns_error,
    too_many_rows_error,
    too_much_text_error,
    unknown_part_error,
    unreadable_workbook_error,
)
from trainer.errors import FileError, UserError
from trainer.text_format import quote_names

if TYPE_CHECKING:
    from python_calamine import CalamineSheet, CalamineWorkbook

_MAX_SHEETS = 50
_EXCEL_ROWS = 1_048_576
_FEW_ROWS = 50_000
_MAX_SPARSE_COLUMNS = 50  # in a sheet with a stray cell in its last row


def open_workbook(data: bytes) -> "CalamineWorkbook":
    """The workbook in ``data``. Raises UserError ``spreadsheet_file``."""
    from python_calamine import CalamineError, CalamineWorkbook, PasswordError

    try:
        return CalamineWorkbook.from_filelike(io.BytesIO(data))
    except PasswordError as error:
        raise unreadable_workbook_error("it is protected by a password") from error
    except (CalamineError, OSError, ValueError) as error:
        raise unreadable_workbook_error("it is damaged, protected by a password, or not a workbook") from error


@dataclass(frozen=True)
class Sheet:
    """The filled rows of a sheet, each with its row number; ``n_merged``: cells filled from merged ones; ``first_column``: of the records, from 0."""

    name: str
    numbers: list[int]
    records: list[list[str]]
    n_merged: int
    first_column: int = 0


def best_sheet(workbook: "CalamineWorkbook", limits: Limits, *, part: str | None = None) -> Cells:
    """The cells of the sheet ``part``, or of the one that looks most like a table of texts: its used part, all rows equally long.

    Sheets of the same columns that are named after classes, or train and test, are joined. Raises the same errors as ``read_sheet``.
    """
    from python_calamine import SheetTypeEnum, SheetVisibleEnum

    worksheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    names = [*dict.fromkeys(sheet.name for sheet in worksheets)]
    if part is not None and part not in names:
        raise unknown_part_error(part, names)
    hidden = {sheet.name for sheet in worksheets if sheet.visible != SheetVisibleEnum.Visible}
    summaries, best = _read_best(workbook, names, hidden, limits, part=part)
    parts = _list_parts(names, hidden, summaries)
    if part is not None:
        return replace(_single_sheet(best), parts=parts)
    column, chosen = joined_sheets(summaries)
    cells = _join_sheets(workbook, column, chosen, limits) if column else _single_sheet(best)
    others = other_sheets_warning([*chosen] or [best.name], summaries)
    warnings = (*others, *_many_sheets_warning(len(names)), *cells.warnings)
    return replace(cells, warnings=warnings, parts=parts)


def _list_parts(names: list[str], hidden: set[str], summaries: list[SheetSummary]) -> tuple[Part, ...]:
    """The sheets with cells, and those that were not looked at, in their order; () if there is only one."""
    summary_by_name = {summary.name: summary for summary in summaries}
    parts = [
        summary_by_name[name].part if name in summary_by_name else Part(name, "sheet", hidden=name in hidden)
        for number, name in enumerate(names)
        if name in summary_by_name or number >= _MAX_SHEETS
    ]
    return tuple(parts[:MAX_PARTS]) if len(parts) > 1 else ()


def _read_best(
    workbook: "CalamineWorkbook", names: list[str], hidden: set[str], limits: Limits, *, part: str | None
) -> tuple[list[SheetSummary], Sheet]:
    """Summaries of the first sheets with cells and of ``part``, and that or the best of them.

    Another sheet that cannot be read is passed over. Raises UserError if the one to be read is empty or too large.
    """
    from python_calamine import CalamineError

    summaries: list[SheetSummary] = []
    best: tuple[SheetSummary, Sheet] | None = None
    refusal: UserError | None = None
    for number, name in enumerate(names):
        if number >= _MAX_SHEETS and name != part:
            continue
        try:
            sheet = read_records(workbook, name, limits)
        except (UserError, CalamineError) as error:
            if part is None or name == part:
                refusal = refusal or (error if isinstance(error, UserError) else unreadable_workbook_error("it is damaged"))
            continue
        if sheet.records:
            summaries.append(summarize_sheet(name, sheet.records, hidden=name in hidden))
            # Only the best one is kept: fifty sheets may need much memory.
            if name == part if part is not None else best is None or summaries[-1].score > best[0].score:
                best = summaries[-1], sheet
    if best is None:
        empty = "The workbook is empty. Choose a file" if part is None else f"The sheet {quote_names([part])} is empty. Choose a sheet"
        raise refusal or FileError(f"{empty} with a column of texts and a column of labels.", code="empty_file")
    return summaries, best[1]


def _single_sheet(sheet: Sheet) -> Cells:
    return Cells(sheet.numbers, sheet.records, warnings=_merged_cells_warning(sheet.n_merged), part=sheet.name)


def _join_sheets(workbook: "CalamineWorkbook", column: str, names: list[str], limits: Limits) -> Cells:
    """The rows of several sheets of the same columns, with the name of the sheet in one more column."""
    numbers: list[int] = []
    records: list[list[str]] = []
    n_merged = 0
    for name in names:
        sheet = read_records(workbook, name, limits)
        has_header = any(cell.count(" ") < 2 for cell in sheet.records[0]) and not any(cell.count(" ") >= 2 for cell in sheet.records[0])
        if has_header and not records:
            numbers.append(1)
            records.append([*sheet.records[0], column])
        records += [[*record, name] for record in sheet.records[has_header:]]
        numbers += range(len(numbers) + 1, len(records) + 1)
        n_merged += sheet.n_merged
        if len(records) > limits.max_rows + 1:
            raise too_many_rows_error(limits)
    return Cells(numbers, records, warnings=(joined_sheets_warning(column, names), *_merged_cells_warning(n_merged)))


def _many_sheets_warning(n_sheets: int) -> tuple[ReaderWarning, ...]:
    if n_sheets <= _MAX_SHEETS:
        return ()
    message = f"The workbook has {n_sheets:,} sheets, of which the first {_MAX_SHEETS} were looked at. If the table is on a later one, choose that sheet."
    return (ReaderWarning("sheets_not_read", "warning", n_sheets - _MAX_SHEETS, message),)


def _merged_cells_warning(n_cells: int) -> tuple[ReaderWarning, ...]:
    if not n_cells:
        return ()
    message = (
        f"Cells are merged over several rows; their value was filled into the {n_cells:,} cells below it, so that each row has its own. "
        "Look at a few rows, and unmerge the cells in the workbook if that is wrong."
    )
    return (ReaderWarning("merged_cells", "warning", n_cells, message),)


def read_records(workbook: "CalamineWorkbook", name: str, limits: Limits) -> Sheet:
    """The used rectangle of a sheet without empty rows. Raises UserError, CalamineError.

    Checks the limits before it creates cells. Empty rows count only for memory: a stray cell in Excel's last row makes a million of them.
    """
    sheet = workbook.get_sheet_by_name(name)
    if sheet.start is None or not sheet.height:
        return Sheet(name, [], [], 0)
    if sheet.width > limits.max_columns:
        raise too_many_columns_error(sheet.width, limits)
    if sheet.height * sheet.width > max(limits.max_cells, _EXCEL_ROWS * min(sheet.width, _MAX_SPARSE_COLUMNS)):
        raise too_many_cells_error(limits)
    numbers, records, size = [], [], 0
    empty = [""] * sheet.width
    for number, cells in enumerate(_iter_rows(sheet), sheet.start[0] + 1):
        if cells == empty:
            continue
        record = [cell if type(cell) is str else cell_text(cell) for cell in cells]
        if any(map(str.strip, record)):
            numbers.append(number)
            records.append([cell if cell.isprintable() else clean_cell(cell) for cell in record])
            size += sum(map(len, record))
            if len(records) > limits.max_rows + 1:
                raise too_many_rows_error(limits)
            if size > limits.max_chars:
                raise too_much_text_error(limits)
    if len(records) * sheet.width > limits.max_cells:
        raise too_many_cells_error(limits)
    return Sheet(name, numbers, records, _fill_down(sheet, numbers, records, limits), sheet.start[1])


def _iter_rows(sheet: "CalamineSheet") -> Iterator[list[Any]]:
    """The rows of the used rectangle, of a high one at a time, because a list of a million empty rows would waste memory."""
    if sheet.height <= _FEW_ROWS:
        # The other way goes through all rows above, which a piece of a long sheet has a million of.
        yield from sheet.to_python(skip_empty_area=True)
        return
    (first_row, first_column), (_, last_column) = sheet.start or (0, 0), sheet.end or (0, 0)
    width = last_column - first_column + 1
    for number, cells in enumerate(sheet.iter_rows()):
        if number >= first_row:
            yield cells if len(cells) <= width else cells[first_column : last_column + 1]


def _fill_down(sheet: "CalamineSheet", numbers: list[int], records: list[list[str]], limits: Limits) -> int:
    """Copy the value of each merged cell, stored in its first row only, into its other rows; return the number of cells filled."""
    if not records or sheet.start is None:
        return 0
    first_row, first_column = sheet.start
    n_filled = n_checked = 0
    for (first, column), (last, _) in sorted(sheet.merged_cell_ranges or ()):
        # Cells merged over two rows at the top are column names.
        if last <= first or not first_column <= column < first_column + len(records[0]) or (first == first_row and last - first < 3):
            continue
        start, end = bisect_left(numbers, first + 1), bisect_right(numbers, last + 1)
        n_checked += end - start
        if n_checked > limits.max_cells:
            break
        value = records[start][column - first_column] if start < end and numbers[start] == first + 1 else ""
        for record in records[start + 1 : end] if value.strip() else ():
            if not record[column - first_column].strip():
                record[column - first_column] = value
                n_filled += 1
    return n_filled


def clean_cell(cell: str) -> str:
    """A cell with one kind of newline and without control characters."""
    return clean(cell.replace("\r\n", "\n").replace("\r", "\n"))


def cell_text(cell: Any) -> str:
    """A stored value as displayed: ``1.0`` is "1", a date "2024-01-31", a boolean TRUE or FALSE, None is empty."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "TRUE" if cell else "FALSE"
    if isinstance(cell, float):
        # Spreadsheet programs show 15 digits: 0.1 + 0.2 is 0.3.
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else f"{cell:.15g}"
    if isinstance(cell, datetime.datetime):
        return cell.date().isoformat() if cell.time() == datetime.time() else cell.isoformat(sep=" ")
    if isinstance(cell, datetime.date | datetime.time):
        return cell.isoformat()
    return str(cell)
