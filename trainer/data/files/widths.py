"""Fits records of any length into a table of one width: rows are kept, rejoined or dropped with a reason; columns get distinct names."""

import re
from collections import Counter
from dataclasses import dataclass

from trainer.data.files.dialect import DELIMITER_NAMES
from trainer.data.files.note_rows import drop_notes
from trainer.data.files.rejoin import join_prose, rejoin_split_cells
from trainer.data.files.rejoin_lines import rejoin_broken_lines
from trainer.data.files.table import DroppedRow, Limits, ReaderWarning, Record, explain_too_long_cell
from trainer.data.files.total_rows import drop_totals
from trainer.text_format import quote_names

_SAMPLE_ROWS = 2_000
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\ufeff\u2060\u200e\u200f\u061c\xad\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
_JOINERS = "\u200c\u200d\xa0 "  # within a word they matter in Persian and Hindi
_RULE_SIGNS = "-+=:|_* \t"
_RULE = re.compile(r"--|==|:-+:|^\s*:-+\s*$|^\s*-+:\s*$")  # Markdown aligns columns with colons


@dataclass(frozen=True)
class FittedRows:
    """The parts of a Table that do not depend on the file format."""

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
    """The rows below ``header`` (None: there is none). ``expected``: the width of the sample. ``long_cells``: cells may be too long."""
    joined = join_prose(header, records, delimiter) if header and expected > len(header) else None
    widths = _find_widths(header, joined or records, len(header) if header and joined else expected)
    rows, lines, dropped, ragged = _split_by_width(numbers, joined or records, widths, header)
    if joined:
        rejoined = _rejoined_warnings(sum(len(cells) > widths.width for cells in records), 0, delimiter)
    elif ragged:
        rows, lines, rejoined = _fit_ragged_rows(rows, lines, dropped, ragged, widths, delimiter)
    else:
        rejoined = ()
    rows, lines = drop_totals(rows, lines, dropped)
    rows, lines = drop_notes(rows, lines, dropped)
    if long_cells:
        rows, lines = drop_long_rows(rows, lines, dropped, limits)
    columns, warnings = _column_names(header, records, widths)
    warnings = (*warnings, *rejoined)
    return FittedRows(columns, rows, lines, sorted(dropped, key=lambda row: row.line), warnings)


def evenly_spaced(records: list[Record]) -> list[Record]:
    """A sample of at most about ``_SAMPLE_ROWS`` records from the whole file."""
    return records[:: max(1, len(records) // _SAMPLE_ROWS)]


@dataclass(frozen=True)
class _Widths:
    """``width``: columns of the table. ``used``: cells that a row must have; the ones after it are empty in nearly all rows."""

    width: int
    used: int


def _find_widths(header: Record | None, records: list[Record], expected: int) -> _Widths:
    if not records:
        return _Widths(len(header or []), 0)
    counts = Counter(map(len, records))
    common = expected if counts[expected] >= 0.3 * len(records) else counts.most_common(1)[0][0]
    if (header is None or len(header) == expected) and sum(map(counts.get, filter(expected.__le__, counts))) >= 0.95 * len(records):
        common = expected  # most rows may have unquoted delimiters in their texts
    sample = evenly_spaced([cells for cells in records if len(cells) == common])
    used = common
    while used > 1 and sum(bool(cells[used - 1].strip()) for cells in sample) <= 0.01 * len(sample):
        used -= 1
    if header is None:
        return _Widths(common, used)
    # The header is complete even if only the rows end with a delimiter; pandas shifts the columns in this case.
    return _Widths(len(header) if len(header) >= used else common, used)


_NumberedRecords = list[tuple[int, Record]]


def _split_by_width(
    numbers: list[int], records: list[Record], widths: _Widths, header: Record | None
) -> tuple[list[Record], list[int], list[DroppedRow], _NumberedRecords]:
    """Rows of the right width with their lines, rows dropped for their content, and records of another width."""
    rows: list[Record] = []
    lines: list[int] = []
    dropped: list[DroppedRow] = []
    ragged: _NumberedRecords = []
    width = widths.width
    names = _normalized(header) if header else ()
    first_name_length = len(header[0]) if header else -1
    for number, cells in zip(numbers, records, strict=True):
        # This loop runs a million times: the usual case first, and only the first cell is examined.
        if len(cells) != width:
            ragged.append((number, cells))
            continue
        first = cells[0]
        if (not first or not first[0].isalnum() or len(first) == first_name_length) and (reason := _drop_reason(cells, names)):
            dropped.append(DroppedRow(number, reason))
            continue
        rows.append(cells)
        lines.append(number)
    return rows, lines, dropped, ragged


def _normalized(cells: Record) -> Record:
    return tuple([" ".join(cell.split()).casefold() for cell in cells])


def _drop_reason(cells: Record, names: Record) -> str | None:
    if names and cells[0].casefold().strip() == names[0] and _normalized(cells) == names:
        return "it repeats the column names"
    text = "".join(cells)
    if not text or text.isspace():
        return "the row is empty"
    if len(cells) > 1 and not text.strip(_RULE_SIGNS) and all(map(_RULE.search, filter(str.strip, cells))):
        return "it is a separator line"
    return None


def _fit_ragged_rows(
    rows: list[Record], lines: list[int], dropped: list[DroppedRow], ragged: _NumberedRecords, widths: _Widths, delimiter: str | None
) -> tuple[list[Record], list[int], tuple[ReaderWarning, ...]]:
    """Pad, cut or rejoin records of another width if that is safe, else drop them; the rows stay in the order of their lines."""
    kept, ragged = rejoin_broken_lines(ragged, rows, widths.width)
    n_broken = len(kept)
    too_long: _NumberedRecords = []
    last = lines[-1] if lines else 0
    for number, cells in ragged:
        n_cells = len(cells)
        if not any(map(str.strip, cells)):
            dropped.append(DroppedRow(number, "the row is empty"))
        elif n_cells > widths.width and any(map(str.strip, cells[widths.used :])):
            too_long.append((number, cells))
        elif n_cells >= widths.used:
            kept.append((number, (cells + ("",) * (widths.width - n_cells))[: widths.width]))
        elif not "".join(cells).strip(_RULE_SIGNS):
            dropped.append(DroppedRow(number, "it is a separator line"))
        else:
            where = "; it is below the table" if number > last else ""
            dropped.append(DroppedRow(number, f"too few cells: {n_cells} instead of {widths.width}{where}"))
    rejoined = rejoin_split_cells([cells for _, cells in too_long], rows, widths.width, delimiter)
    for (number, cells), row in zip(too_long, rejoined, strict=True):
        if row is None:
            delimiter_name = DELIMITER_NAMES.get(delimiter or "", "delimiter")
            reason = f"too many cells: {len(cells)} instead of {widths.width} (probably a {delimiter_name} inside a text without quotation marks)"
            dropped.append(DroppedRow(number, reason))
        else:
            kept.append((number, row))
    if kept:
        pairs = sorted([*zip(lines, rows, strict=True), *kept], key=lambda pair: pair[0])
        lines, rows = [line for line, _ in pairs], [row for _, row in pairs]
    return rows, lines, _rejoined_warnings(sum(row is not None for row in rejoined), n_broken, delimiter)


def drop_long_rows(rows: list[Record], lines: list[int], dropped: list[DroppedRow], limits: Limits) -> tuple[list[Record], list[int]]:
    """The rows and lines whose cells are within the limit; the others are added to ``dropped``."""
    reasons = [explain_too_long_cell(row, limits) for row in rows]
    dropped.extend(DroppedRow(line, reason) for line, reason in zip(lines, reasons, strict=True) if reason)
    kept = [position for position, reason in enumerate(reasons) if not reason]
    return [rows[position] for position in kept], [lines[position] for position in kept]


def _rejoined_warnings(n_split: int, n_broken: int, delimiter: str | None) -> tuple[ReaderWarning, ...]:
    """The warnings that rows were put together: ``n_split`` with a delimiter in the text, ``n_broken`` with a line end."""
    warnings = []
    if n_split:
        delimiter_name = DELIMITER_NAMES.get(delimiter or "", "delimiter")
        message = (
            f"{n_split:,} texts contained a {delimiter_name} without quotation marks around the text and were split into several cells; "
            "they were joined again. Check a few of them; files saved by a spreadsheet program do not have this problem."
        )
        warnings.append(ReaderWarning("delimiter_in_text", "warning", n_split, message))
    if n_broken:
        message = (
            f"{n_broken:,} texts contained a line end without quotation marks around the text and were on several lines; "
            "they were put together again. Check a few of them."
        )
        warnings.append(ReaderWarning("line_end_in_text", "warning", n_broken, message))
    return tuple(warnings)


def _column_names(header: Record | None, records: list[Record], widths: _Widths) -> tuple[tuple[str, ...], tuple[ReaderWarning, ...]]:
    """Distinct names, and a warning about those that differ from the file."""
    if header is None:
        return tuple(str(position) for position in range(widths.width)), ()
    names = [" ".join(name.split()) for name in header[: widths.width]]
    missing = widths.width - len(names)
    if missing == 1:
        # R writes row names as the first column, without a column name.
        first = [cells[0] for cells in evenly_spaced(records) if len(cells) == widths.width]
        names = ["", *names] if len(set(first)) == len(first) else [*names, ""]
    else:
        names += [""] * missing
    return distinct_names(names)


def distinct_names(names: list[str]) -> tuple[tuple[str, ...], tuple[ReaderWarning, ...]]:
    """``names`` without invisible characters, with blank ones named by position and repeated ones numbered ("text (2)"), and a warning that lists the changes."""
    names = [name if name.isascii() else name.translate(_INVISIBLE).strip(_JOINERS).strip() for name in names]
    used_names = set(names)
    seen: set[str] = set()
    result, renamed = [], []
    for position, name in enumerate(names, 1):
        new_name, number = name or f"column {position}", 2
        while new_name in seen or (new_name != name and new_name in used_names):
            new_name, number = f"{name or f'column {position}'} ({number})", number + 1
        seen.add(new_name)
        result.append(new_name)
        if new_name != name:
            renamed.append(new_name)
    if not renamed:
        return tuple(result), ()
    columns = "1 column had" if len(renamed) == 1 else f"{len(renamed)} columns had"
    message = f"{columns} no name, or the name of another column, in the first row; here: {quote_names(renamed, limit=5)}."
    return tuple(result), (ReaderWarning("headers_renamed", "ok", len(renamed), message),)
