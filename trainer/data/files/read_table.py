"""Reads a file of any supported format as a Table; every row is kept, or dropped with its line and a reason.

Does not know which column is which and parses no cell: "01", "NA" and "None" are just text.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from trainer.data.files.archives import count_zip_entries, refuse_nested, unpack, unpacked_zip_size
from trainer.data.files.cross_marked_labels import join_crosses
from trainer.data.files.decoding import Decoded, decode
from trainer.data.files.dialect import Dialect, dialect_for_delimiter, find_dialect, sep_line_delimiter
from trainer.data.files.formats import FileFormat, detect_format
from trainer.data.files.header_rows import count_extra_header_rows, header_rows_warning, merge_header_rows
from trainer.data.files.json_in_cells import expand_columns
from trainer.data.files.json_tables import read_json_rows
from trainer.data.files.line_repairs import repair_lines, restore_cells, unwrap_records
from trainer.data.files.list_cells import unwrap_lists
from trainer.data.files.markup_tables import read_markup
from trainer.data.files.preamble import has_header, preamble_length
from trainer.data.files.records import MAX_UNSOUND_LINES, split_lines
from trainer.data.files.repeated_headers import align_parts
from trainer.data.files.spreadsheets import read_sheet, unpacked_size
from trainer.data.files.table import (
    Cells,
    DroppedRow,
    Limits,
    ReaderWarning,
    Record,
    Table,
    too_many_cells_error,
    too_many_columns_error,
    too_many_rows_error,
    unknown_part_error,
)
from trainer.data.files.text_formats import read_or_refuse
from trainer.data.files.widths import distinct_names, drop_long_rows, evenly_spaced, fit_width
from trainer.data.files.zip_tables import read_zip
from trainer.errors import FileError

_DEFAULT_LIMITS = Limits()
_EXCERPT_CHARS = 1_000
_MAX_LINE_CHARS = 20_000_000
_SHORT_LINE_CHARS = 20
_FEW_LINES = 10_000
_BLANK_ROW_CHARS = ',;|" \t\n'
_PARQUET_COMPRESSION = 5  # typical for files of texts


@dataclass(frozen=True)
class Content:
    """The unpacked content of a file. ``weight``: roughly how many bytes have to be parsed (for a workbook, those of its parts)."""

    file_format: FileFormat
    data: bytes
    weight: int


def read_table(
    data: bytes,
    *,
    max_bytes: int = _DEFAULT_LIMITS.max_bytes,
    max_rows: int = _DEFAULT_LIMITS.max_rows,
    max_columns: int = _DEFAULT_LIMITS.max_columns,
    max_cell_chars: int = _DEFAULT_LIMITS.max_cell_chars,
    **options: Any,
) -> Table:
    """The table in the bytes of a delimited text, a workbook, a Parquet or JSON file, or one of these in a zip, gz, bz2 or xz file.

    ``options`` are those of ``read_content``. ``max_bytes`` also limits the unpacked size. Raises UserError ``empty_file``, ``compressed_file``,
    ``spreadsheet_file``, ``not_a_table``, ``file_damaged``, ``file_too_large``, ``too_many_rows``, ``too_many_columns``, ``too_many_cells``
    or ``wrong_encoding``.

    For untrusted bytes use ``FileReader.read``, which does this in a process of its own: a file may crash a parser.
    """
    limits = Limits(max_bytes, max_rows, max_columns, max_cell_chars)
    return read_content(open_content(data, limits), limits, **options)


def open_content(data: bytes, limits: Limits) -> Content:
    """Detect the format of a file and unpack it. Raises UserError as ``read_table`` does."""
    file_format = detect_format(data)
    if file_format == "zip" and count_zip_entries(data) > 1:
        return Content(file_format, data, min(unpacked_zip_size(data), limits.max_bytes))
    if file_format in ("gzip", "bzip2", "xz", "zip"):
        data = unpack(data, file_format, limits)
        file_format = detect_format(data)
        refuse_nested(file_format)
    if file_format == "spreadsheet":
        return Content(file_format, data, unpacked_size(data))
    return Content(file_format, data, _PARQUET_COMPRESSION * len(data) if file_format in ("parquet", "arrow") else len(data))


def read_content(
    content: Content,
    limits: Limits,
    *,
    delimiter: str | None = None,
    quote: str | None = None,
    header: bool | None = None,
    encoding: str | None = None,
    part: str | None = None,
) -> Table:
    """The second half of ``read_table``.

    ``delimiter`` ("" for a single column), ``quote`` ("" for none), ``header`` and ``encoding`` are detected if None. If delimiter and
    header are given, nothing above the first record is skipped. ``part``: the sheet of a workbook, the file of a zip or the list of a JSON file to read,
    by name; None for the one that looks most like a table of texts. Raises UserError ``unknown_part`` if there is none of this name.
    """
    table = _read(content, limits, part=part, delimiter=delimiter, quote=quote, header=header, encoding=encoding)
    if part is not None and table.part != part:
        raise unknown_part_error(part, [other.name for other in table.parts])
    # Of the part that was read the rows are known exactly.
    return replace(table, parts=tuple(replace(p, rows=len(table.rows)) if p.name == table.part else p for p in table.parts))


def _read(
    content: Content,
    limits: Limits,
    *,
    part: str | None,
    delimiter: str | None,
    quote: str | None,
    header: bool | None,
    encoding: str | None,
) -> Table:
    if content.file_format == "zip":
        stated = {"delimiter": delimiter, "quote": quote, "header": header, "encoding": encoding}
        stated = {name: value for name, value in stated.items() if value is not None}
        return read_zip(content.data, limits, lambda data, **options: _read_member(data, limits, options | stated), part=part)
    if content.file_format == "spreadsheet":
        return table_of(read_sheet(content.data, limits, part=part), limits, header)
    if content.file_format in ("parquet", "arrow"):
        return table_of(_read_columns(content, limits), limits)
    decoded = decode(content.data, encoding=encoding)
    if delimiter is None and quote is None:
        cells = read_markup(decoded.text, limits) or read_or_refuse(decoded.text, limits) or read_json_rows(decoded.text, limits, part=part)
        if cells is not None:
            table = join_crosses(unwrap_lists(_from_cells(cells, limits, header), objects=False))
            warnings = (*decoded.warnings, *table.warnings)
            return replace(table, encoding=decoded.encoding, encoding_guessed=decoded.guessed, warnings=warnings)
    table = _from_text(decoded, limits, delimiter, quote, header)
    # If the caller states everything, cells stay as written.
    return table if delimiter is not None and header is not None else _tidy_cells(table, limits)


def _read_member(data: bytes, limits: Limits, stated: Mapping[str, Any]) -> Table:
    """The table in a file of a zip, which is no zip itself."""
    refuse_nested(detect_format(data))
    return read_content(open_content(data, limits), limits, **stated)


# --- delimited text -------------------------------------------------------------------------------------------------


def _from_text(decoded: Decoded, limits: Limits, delimiter: str | None, quote: str | None, header: bool | None) -> Table:
    text, lines, dialect = text_dialect(decoded.text, limits, delimiter, quote)
    longest_line = max(map(len, lines))
    if dialect.skip:
        lines = lines[dialect.skip :]
    if dialect.width * len(lines) > limits.max_cells:
        raise too_many_cells_error(limits)
    numbers, records = parse_records(lines, dialect, limits, trust_quotes=quote is not None)
    if delimiter is None:
        records = restore_cells(text, records)
    # A long cell needs a long line or several lines; this check is cheap.
    max_chars = limits.max_cell_chars
    long_cells = longest_line > max_chars or (len(records) < len(lines) and any(max(map(len, cells)) > max_chars for cells in records))
    table = _from_records(numbers, records, dialect, limits, header, long_cells=long_cells, stated=delimiter is not None)
    return replace(
        table,
        encoding=decoded.encoding,
        encoding_guessed=decoded.guessed,
        delimiter=dialect.delimiter if len(table.columns) > 1 else None,
        warnings=(*_text_warnings(decoded, dialect, len(records)), *table.warnings),
    )


def text_dialect(text: str, limits: Limits, delimiter: str | None, quote: str | None) -> tuple[str, list[str], Dialect]:
    """``(text, lines, dialect)`` of delimited text: without blank rows at its end if it is long, and its lines with what programs do to whole lines undone."""
    if text.count("\n") >= limits.max_rows:
        text = _strip_blank_end(text)
        _refuse_many_lines(text, limits)
    lines = split_lines(text)
    _check_longest_line(lines)
    if delimiter is None and quote is None:
        lines = repair_lines(text, lines)
    return text, lines, _choose_dialect(lines, limits, delimiter, quote)


def _tidy_cells(table: Table, limits: Limits) -> Table:
    """The table with objects as columns, with lists of one as their element, and with columns of crosses as labels."""
    return join_crosses(unwrap_lists(expand_columns(table, limits)))


def _strip_blank_end(text: str) -> str:
    """The text without trailing lines of delimiters only: Excel writes a million of them if a stray cell is far below the table."""
    end = text.find("\n", len(text.rstrip(_BLANK_ROW_CHARS)))
    return text if end < 0 else text[: end + 1]


def _refuse_many_lines(text: str, limits: Limits) -> None:
    """Refuse too many short lines before splitting, which takes fifteen times their memory. Long lines may belong to one row."""
    max_lines, n_lines = 3 * limits.max_rows + _FEW_LINES, text.count("\n")
    if n_lines > max_lines and len(text) < _SHORT_LINE_CHARS * n_lines:
        raise FileError(
            f"The file has {n_lines:,} lines, nearly all of them of a few characters; at most {max_lines:,} such lines, and {limits.max_rows:,} rows, "
            "can be read. Upload a part of it.",
            code="too_many_rows",
        )


def _check_longest_line(lines: list[str]) -> None:
    """Raises UserError ``line_too_long``."""
    length = max(map(len, lines))
    if length > _MAX_LINE_CHARS:
        raise FileError(
            f"Line {next(number for number, line in enumerate(lines, 1) if len(line) == length):,} of the file has {length:,} characters; "
            f"at most {_MAX_LINE_CHARS:,} are read. Save the table again with a line for each row.",
            code="line_too_long",
        )


def _choose_dialect(lines: list[str], limits: Limits, delimiter: str | None, quote: str | None) -> Dialect:
    if delimiter is None:
        return find_dialect(lines, limits, quote=quote)
    skip = int(sep_line_delimiter(lines) == delimiter)
    dialect = dialect_for_delimiter(lines[skip:], delimiter, quote=quote)
    if dialect.width > limits.max_columns:
        raise too_many_columns_error(dialect.width, limits)
    return replace(dialect, skip=skip)


def parse_records(
    lines: list[str], dialect: Dialect, limits: Limits, *, trust_quotes: bool, max_unsound: int = MAX_UNSOUND_LINES
) -> tuple[list[int], list[Record]]:
    """``(numbers, records)``: the line where each record starts, and its cells. Raises UserError ``too_many_rows``, ``empty_file`` or
    ``quotes_unsound``."""
    numbers: list[int] = []
    records: list[Record] = []
    max_records = limits.max_rows + 1
    for number, cells in dialect.records(lines, width=dialect.width, trust_quotes=trust_quotes, max_unsound=max_unsound):
        numbers.append(number + dialect.skip)
        # A tuple: the garbage collector untracks tuples of strings, unlike lists, which takes a third of the time for a million rows.
        records.append(tuple(cells))
        if len(records) > max_records:
            raise too_many_rows_error(limits)
    if not records:
        raise FileError("The file has no rows. Choose a file with texts and labels.", code="empty_file")
    return numbers, unwrap_records(records, dialect.delimiter, dialect.width)


def _text_warnings(decoded: Decoded, dialect: Dialect, rows: int) -> list[ReaderWarning]:
    warnings = [*decoded.warnings]
    if decoded.null_characters:
        n_nulls = decoded.null_characters
        nulls = "a null character" if n_nulls == 1 else f"{n_nulls:,} null characters"
        message = (
            f"The file contained {nulls}, removed because text has none. "
            "The file may be damaged or incomplete: compare a few texts with the original."
        )
        warnings.append(ReaderWarning("null_bytes", "warning", n_nulls, message))
    if dialect.quote == "'":
        message = "The cells are in 'single quotation marks', which were removed."
        warnings.append(ReaderWarning("single_quotes", "ok", rows, message))
    return warnings


# --- any records ----------------------------------------------------------------------------------------------------


def _from_records(
    numbers: list[int],
    records: list[Record],
    dialect: Dialect,
    limits: Limits,
    header: bool | None,
    *,
    long_cells: bool,
    stated: bool,
) -> Table:
    preamble: list[Record] = []
    header_warnings: tuple[ReaderWarning, ...] = ()
    first_line = numbers[0]
    as_stated = stated and header is not None
    if not as_stated:
        skip = preamble_length(_excerpt([*records[:100], *evenly_spaced(records[100:])]))
        if skip:
            preamble, records, numbers = records[:skip], records[skip:], numbers[skip:]
    if header is None:
        header = has_header(*_excerpt(records[:1]), _excerpt(evenly_spaced(records[1:])))
    first, header_line = (records[0], numbers[0]) if header else (None, None)
    if first is not None:
        numbers, records = numbers[1:], records[1:]
        below = 0 if as_stated else count_extra_header_rows(first, records)
        if below:
            first, header_warnings = merge_header_rows(first, records[:below]), (header_rows_warning(records[:below], numbers[0]),)
            numbers, records = numbers[below:], records[below:]
        if not as_stated:
            records, reordered = align_parts(first, numbers, records)
            header_warnings = (*header_warnings, *reordered)
    elif len(records) > limits.max_rows:
        raise too_many_rows_error(limits)
    fitted = fit_width(first, numbers, records, expected=dialect.width, delimiter=dialect.delimiter, long_cells=long_cells, limits=limits)
    if len(fitted.columns) > limits.max_columns:
        raise too_many_columns_error(len(fitted.columns), limits)
    return Table(
        columns=fitted.columns,
        rows=fitted.rows,
        lines=fitted.lines,
        encoding="utf-8",
        encoding_guessed=False,
        delimiter=None,
        header=header,
        dropped=tuple(fitted.dropped),
        warnings=(*_preamble_warning(preamble, first_line, dialect.delimiter or " "), *header_warnings, *fitted.warnings),
        header_line=header_line,
    )


def _excerpt(records: list[Record]) -> list[Record]:
    """The beginnings of the cells, so that huge cells cost no time."""
    return [tuple([cell[:_EXCERPT_CHARS] for cell in cells]) for cells in records]


def _preamble_warning(preamble: list[Record], line: int, delimiter: str) -> tuple[ReaderWarning, ...]:
    preamble = [cells for cells in preamble if any(map(str.strip, cells))]
    if not preamble:
        return ()
    start = " ".join(delimiter.join(preamble[0]).strip(delimiter).split())
    shown = start if len(start) <= 60 else start[:59] + "…"
    lines = "1 line" if len(preamble) == 1 else f"{len(preamble)} lines"
    message = (
        f"{lines} above the table was not read as a row: “{shown}”."
        if len(preamble) == 1
        else (f"{lines} above the table were not read as rows; the first is “{shown}”.")
    )
    return (ReaderWarning("preamble_skipped", "warning", len(preamble), message, line=line),)


# --- other formats --------------------------------------------------------------------------------------------------


def _read_columns(content: Content, limits: Limits) -> Cells:
    from trainer.data.files.parquet import read_arrow, read_parquet

    return read_parquet(content.data, limits) if content.file_format == "parquet" else read_arrow(content.data, limits)


def table_of(cells: Cells, limits: Limits, header: bool | None = None) -> Table:
    """The table in the cells of a workbook or a file of columns. Raises UserError as ``read_table`` does."""
    return _tidy_cells(_from_cells(cells, limits, header), limits)


def _from_cells(cells: Cells, limits: Limits, header: bool | None = None) -> Table:
    records = [*map(tuple, cells.records)]
    if cells.columns is None:
        width = max(map(len, records))
        table = _from_records(cells.numbers, records, Dialect(None, width), limits, header, long_cells=True, stated=False)
        return replace(table, warnings=(*cells.warnings, *table.warnings), part=cells.part, parts=cells.parts)
    names, renamed = distinct_names(cells.columns)
    table = _from_named_columns(names, records, cells.numbers, cells.dropped, (*cells.warnings, *renamed), limits)
    return replace(table, part=cells.part, parts=cells.parts)


def _from_named_columns(
    names: tuple[str, ...],
    rows: list[tuple[str, ...]],
    lines: list[int],
    dropped: list[DroppedRow],
    warnings: tuple[ReaderWarning, ...],
    limits: Limits,
) -> Table:
    """A table whose format names the columns; blank rows are dropped, as in every format."""
    dropped = dropped + [
        DroppedRow(line, "the row is empty") for line, row in zip(lines, rows, strict=True) if not any(map(str.strip, row))
    ]
    kept = [(line, row) for line, row in zip(lines, rows, strict=True) if any(map(str.strip, row))]
    rows, lines = drop_long_rows([row for _, row in kept], [line for line, _ in kept], dropped, limits)
    return Table(
        columns=names,
        rows=rows,
        lines=lines,
        encoding="utf-8",
        encoding_guessed=False,
        delimiter=None,
        header=True,
        dropped=tuple(sorted(dropped, key=lambda row: row.line)),
        warnings=warnings,
    )
