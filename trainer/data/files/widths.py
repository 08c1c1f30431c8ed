"""Records of any length to a table of one width: rows kept, put together again or dropped with a reason; columns with distinct names.

Knows no file format; whoever cut the records hands over their line numbers.
"""

from collections import Counter
from dataclasses import dataclass

from trainer.data.files.dialect import DELIMITER_NAMES
from trainer.data.files.rejoin import rejoin_split_cells
from trainer.data.files.table import DroppedRow, Limits, ReaderWarning, Record, cell_too_long

_SAMPLE_ROWS = 2_000
_RULE_SIGNS = "-+=:|_* \t"


@dataclass(frozen=True)
class FittedRows:
    """The parts of a Table that do not depend on the format."""

    columns: tuple[str, ...]
    rows: list[Record]
    lines: list[int]
    dropped: list[DroppedRow]
    warnings: tuple[ReaderWarning, ...]


def fit_width(
    header: Record | None,
    numbers: list[int],
    records: list[Record],
    *,
    expected: int,
    delimiter: str | None,
    long_cells: bool,
    limits: Limits,
) -> FittedRows:
    """The rows under ``header`` (None: there is none). ``expected``: the width found by the sample. ``long_cells``: a cell may be beyond the limit."""
    norm = _find_widths(header, records, expected)
    rows, lines, dropped, odd = _split_by_width(numbers, records, norm, header)
    if odd:
        rows, lines, mended = _fit_ragged_rows(rows, lines, dropped, odd, norm, delimiter)
    else:
        mended = 0
    if long_cells:
        rows, lines = drop_long_rows(rows, lines, dropped, limits)
    columns, warnings = _column_names(header, records, norm)
    if mended:
        warnings = (*warnings, _rejoined_warning(mended, delimiter))
    return FittedRows(columns, rows, lines, sorted(dropped, key=lambda row: row.line), warnings)


def evenly_spaced(records: list[Record]) -> list[Record]:
    """A sample from all over the file."""
    return records[:: max(1, len(records) // _SAMPLE_ROWS)]


@dataclass(frozen=True)
class _Widths:
    """``width``: columns of the table. ``used``: cells that a row must have, because what follows is empty in nearly all rows."""

    width: int
    used: int


def _find_widths(header: Record | None, records: list[Record], expected: int) -> _Widths:
    if not records:
        return _Widths(len(header or []), 0)
    counts = Counter(map(len, records))
    common = expected if counts[expected] >= 0.3 * len(records) else counts.most_common(1)[0][0]
    if (header is None or len(header) == expected) and sum(map(counts.get, filter(expected.__le__, counts))) >= 0.95 * len(records):
        common = expected  # texts with unquoted delimiters may be the majority
    sample = evenly_spaced([cells for cells in records if len(cells) == common])
    used = common
    while used > 1 and sum(bool(cells[used - 1].strip()) for cells in sample) <= 0.01 * len(sample):
        used -= 1
    if header is None:
        return _Widths(common, used)
    # A header without the delimiter that ends each row is complete all the same; pandas shifts the columns there.
    return _Widths(len(header) if len(header) >= used else common, used)


_NumberedRecords = list[tuple[int, Record]]


def _split_by_width(
    numbers: list[int], records: list[Record], norm: _Widths, header: Record | None
) -> tuple[list[Record], list[int], list[DroppedRow], _NumberedRecords]:
    """Rows of the right width with their lines, rows dropped for their content, and records of another width."""
    rows: list[Record] = []
    lines: list[int] = []
    dropped: list[DroppedRow] = []
    odd: _NumberedRecords = []
    width = norm.width
    names = _normalized(header) if header else ()
    size = len(header[0]) if header else -1
    for number, cells in zip(numbers, records, strict=True):
        # This loop runs a million times; what is usual comes first, and only the first cell is looked at.
        if len(cells) != width:
            odd.append((number, cells))
            continue
        first = cells[0]
        if (not first or not first[0].isalnum() or len(first) == size) and (reason := _drop_reason(cells, names)):
            dropped.append(DroppedRow(number, reason))
            continue
        rows.append(cells)
        lines.append(number)
    return rows, lines, dropped, odd


def _normalized(cells: Record) -> Record:
    return tuple([" ".join(cell.split()).casefold() for cell in cells])


def _drop_reason(cells: Record, names: Record) -> str | None:
    if names and cells[0].casefold().strip() == names[0] and _normalized(cells) == names:
        return "it repeats the column names"
    text = "".join(cells)
    if not text or text.isspace():
        return "the row is empty"
    if len(cells) > 1 and not text.strip(_RULE_SIGNS) and all("--" in cell or "==" in cell for cell in cells if cell.strip()):
        return "it is a line drawn between rows"
    return None


def _fit_ragged_rows(
    rows: list[Record], lines: list[int], dropped: list[DroppedRow], odd: _NumberedRecords, norm: _Widths, delimiter: str | None
) -> tuple[list[Record], list[int], int]:
    """Records of another width: filled up, cut or put together again where that is safe, else dropped; the order of lines stays."""
    kept: list[tuple[int, Record]] = []
    surplus: _NumberedRecords = []
    last = lines[-1] if lines else 0
    for number, cells in odd:
        count = len(cells)
        if not any(map(str.strip, cells)):
            dropped.append(DroppedRow(number, "the row is empty"))
        elif count > norm.width and any(map(str.strip, cells[norm.used :])):
            surplus.append((number, cells))
        elif count >= norm.used:
            kept.append((number, (cells + ("",) * (norm.width - count))[: norm.width]))
        elif not "".join(cells).strip(_RULE_SIGNS):
            dropped.append(DroppedRow(number, "it is a line drawn between rows"))
        else:
            where = "; it stands below the table" if number > last else ""
            dropped.append(DroppedRow(number, f"too few cells: {count} instead of {norm.width}{where}"))
    mended = rejoin_split_cells([cells for _, cells in surplus], rows, norm.width, delimiter)
    for (number, cells), row in zip(surplus, mended, strict=True):
        if row is None:
            sign = DELIMITER_NAMES.get(delimiter or "", "delimiter")
            reason = f"too many cells: {len(cells)} instead of {norm.width} (probably a {sign} inside a text without quotation marks)"
            dropped.append(DroppedRow(number, reason))
        else:
            kept.append((number, row))
    if kept:
        pairs = sorted([*zip(lines, rows, strict=True), *kept], key=lambda pair: pair[0])
        lines, rows = [line for line, _ in pairs], [row for _, row in pairs]
    return rows, lines, sum(row is not None for row in mended)


def drop_long_rows(rows: list[Record], lines: list[int], dropped: list[DroppedRow], limits: Limits) -> tuple[list[Record], list[int]]:
    """The rows and lines whose cells are within the limit; the others are added to ``dropped``."""
    reasons = [cell_too_long(row, limits) for row in rows]
    dropped.extend(DroppedRow(line, reason) for line, reason in zip(lines, reasons, strict=True) if reason)
    kept = [position for position, reason in enumerate(reasons) if not reason]
    return [rows[position] for position in kept], [lines[position] for position in kept]


def _rejoined_warning(count: int, delimiter: str | None) -> ReaderWarning:
    sign = DELIMITER_NAMES.get(delimiter or "", "delimiter")
    return ReaderWarning(
        "delimiter_in_text",
        "warning",
        count,
        f"{count:,} texts held a {sign} without quotation marks around the text and fell into pieces; they were put together again. "
        "Check a few of them; a file saved by a spreadsheet has no such texts.",
    )


def _column_names(header: Record | None, records: list[Record], norm: _Widths) -> tuple[tuple[str, ...], tuple[ReaderWarning, ...]]:
    """Distinct names, and a warning on those that the file does not have."""
    if header is None:
        return tuple(str(position) for position in range(norm.width)), ()
    names = [" ".join(name.split()) for name in header[: norm.width]]
    missing = norm.width - len(names)
    if missing == 1:
        # R writes the row names first and gives them no column name.
        first = [cells[0] for cells in evenly_spaced(records) if len(cells) == norm.width]
        names = ["", *names] if len(set(first)) == len(first) else [*names, ""]
    else:
        names += [""] * missing
    return distinct_names(names)


def distinct_names(names: list[str]) -> tuple[tuple[str, ...], tuple[ReaderWarning, ...]]:
    """``names`` with blank ones named by their position and repeated ones counted ("text (2)"), and a warning that says which."""
    taken = set(names)
    seen: set[str] = set()
    result, renamed = [], []
    for position, name in enumerate(names, 1):
        new, number = name or f"column {position}", 2
        while new in seen or (new != name and new in taken):
            new, number = f"{name or f'column {position}'} ({number})", number + 1
        seen.add(new)
        result.append(new)
        if new != name:
            renamed.append(new)
    if not renamed:
        return tuple(result), ()
    listed = ", ".join(f"“{name}”" for name in renamed[:5]) + (" and more" if len(renamed) > 5 else "")
    what = "1 column had" if len(renamed) == 1 else f"{len(renamed)} columns had"
    message = f"{what} no name, or the name of another column, in the first row; here: {listed}."
    return tuple(result), (ReaderWarning("headers_renamed", "ok", len(renamed), message),)
