"""A file to a Table: encoding, delimiter, quoting, header; every row is kept or dropped with its line and a reason.

Does not know which column is which, and parses no cell: "01", "NA" and "None" are just text.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from trainer.data.decoding import decode
from trainer.data.dialect import NAMES, Dialect, find_dialect, has_header
from trainer.data.records import split_records
from trainer.errors import UserError

_SAMPLE_ROWS = 2_000


@dataclass(frozen=True)
class DroppedRow:
    """A row that is not used: the 1-based line of the file where it starts, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class Table:
    """The rows of a file as text.

    ``columns``: header names, stripped; "column 3" where the header has no name for the third; "0", "1", ... without a header.
    ``rows``: every cell as written (newlines as ``\\n``, control characters gone), each row as long as ``columns``.
    ``lines``: per row, the 1-based line of the file where it starts. ``delimiter`` is None where there is a single column.
    """

    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    lines: list[int]
    encoding: str
    encoding_guessed: bool
    delimiter: str | None
    header: bool
    dropped: tuple[DroppedRow, ...]

    @property
    def rows_seen(self) -> int:
        """Rows kept plus rows dropped; the header and blank lines are no rows."""
        return len(self.rows) + len(self.dropped)


def read_file(path: str | Path, *, max_bytes: int = 100 * 1024 * 1024, max_rows: int = 1_000_000, max_columns: int = 1_000) -> Table:
    """``read_table`` of a file; also raises UserError ``file_not_found``, ``not_a_file``, ``file_unreadable``, ``file_too_large``."""
    return read_table(read_bytes(path, max_bytes=max_bytes), max_rows=max_rows, max_columns=max_columns)


def read_bytes(path: str | Path, *, max_bytes: int) -> bytes:
    """The bytes of a regular file of at most ``max_bytes``; raises the UserErrors that ``read_file`` names."""
    path = Path(path)
    try:
        if not path.exists():
            raise UserError(f"There is no file {path}. Check the name and the folder.", code="file_not_found")
        if not path.is_file():
            raise UserError(f"{path} is not a file. Give the path of one CSV file.", code="not_a_file")
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(
            f"The file {path} cannot be read ({reason}). Check its permissions, or copy it and try the copy.", code="file_unreadable"
        ) from error
    if len(data) > max_bytes:
        raise UserError(
            f"The file is larger than {max_bytes / 1024 / 1024:,.0f} MB, the most that is read here. "
            "Keep only the columns with the texts and the labels, or fewer rows.",
            code="file_too_large",
        )
    return data


def read_table(data: bytes, *, max_rows: int = 1_000_000, max_columns: int = 1_000) -> Table:
    """The table in the bytes of a CSV file (comma, semicolon, tab or vertical bar; any usual encoding).

    Raises UserError: ``empty_file``, ``compressed_file``, ``spreadsheet_file``, ``not_a_table``, ``too_many_rows``, ``too_many_columns``.
    """
    decoded = decode(data)
    # Not splitlines: that also cuts at form feeds and other separators that may stand inside a text.
    lines = [f"{line}\n" for line in decoded.text.split("\n")]
    dialect = find_dialect(lines, max_columns=max_columns)
    numbers, records = _read_records(lines, dialect, max_rows=max_rows)
    header = has_header(records[0], _every_so_often(records[1:]))
    first = records[0] if header else None
    if header:
        numbers, records = numbers[1:], records[1:]
    norm = _find_norm(first, records, dialect.width)
    if norm.width > max_columns:
        raise UserError(
            f"The file has {norm.width:,} columns; at most {max_columns:,} can be read. Keep only those with the texts and the labels.",
            code="too_many_columns",
        )
    rows, kept_lines, dropped = _fit(numbers, records, norm, dialect.delimiter)
    return Table(
        columns=_names(first, records, norm),
        rows=rows,
        lines=kept_lines,
        encoding=decoded.encoding,
        encoding_guessed=decoded.guessed,
        delimiter=dialect.delimiter if norm.width > 1 else None,
        header=header,
        dropped=tuple(dropped),
    )


def _read_records(lines: list[str], dialect: Dialect, *, max_rows: int) -> tuple[list[int], list[list[str]]]:
    numbers: list[int] = []
    records: list[list[str]] = []
    if dialect.skip:
        lines = lines[dialect.skip :]
    for number, cells in split_records(lines, dialect.cut, width=dialect.width, spaced=dialect.spaced):
        numbers.append(number + dialect.skip)
        records.append(cells)
        if len(records) > max_rows + 1:
            raise UserError(
                f"The file has more than {max_rows:,} rows, the most that are read here. Upload a part of it.", code="too_many_rows"
            )
    if not records:
        raise UserError("The file holds no rows. Choose a file with texts and labels.", code="empty_file")
    return numbers, records


@dataclass(frozen=True)
class _Norm:
    """``width``: columns of the table. ``used``: cells that a row must have, because what follows is empty in nearly all rows."""

    width: int
    used: int


def _find_norm(header: list[str] | None, records: list[list[str]], expected: int) -> _Norm:
    if not records:
        return _Norm(len(header or []), 0)
    counts = Counter(map(len, records))
    common = expected if counts[expected] >= 0.3 * len(records) else counts.most_common(1)[0][0]
    sample = _every_so_often([cells for cells in records if len(cells) == common])
    used = common
    while used > 1 and sum(bool(cells[used - 1].strip()) for cells in sample) <= 0.01 * len(sample):
        used -= 1
    if header is None:
        return _Norm(common, used)
    # A header without the delimiter that ends each row is complete all the same; pandas shifts the columns there.
    return _Norm(len(header) if len(header) >= used else common, used)


def _every_so_often(records: list[list[str]]) -> list[list[str]]:
    return records[:: max(1, len(records) // _SAMPLE_ROWS)]


def _fit(
    numbers: list[int], records: list[list[str]], norm: _Norm, delimiter: str | None
) -> tuple[list[tuple[str, ...]], list[int], list[DroppedRow]]:
    """Rows of the right width with their lines, and the others with the reason."""
    rows: list[tuple[str, ...]] = []
    lines: list[int] = []
    dropped: list[DroppedRow] = []
    for number, cells in zip(numbers, records, strict=True):
        count = len(cells)
        if not any(map(str.strip, cells)):
            dropped.append(DroppedRow(number, "the row is empty"))
            continue
        if count < norm.width:
            if count < norm.used:
                dropped.append(DroppedRow(number, f"too few cells: {count} instead of {norm.width}"))
                continue
            cells = cells + [""] * (norm.width - count)
        elif count > norm.width:
            if any(map(str.strip, cells[norm.used :])):
                sign = NAMES.get(delimiter or "", "delimiter")
                reason = f"too many cells: {count} instead of {norm.width} (probably a {sign} inside a text without quotation marks)"
                dropped.append(DroppedRow(number, reason))
                continue
            cells = cells[: norm.width]
        rows.append(tuple(cells))
        lines.append(number)
    return rows, lines, dropped


def _names(header: list[str] | None, records: list[list[str]], norm: _Norm) -> tuple[str, ...]:
    if header is None:
        return tuple(str(position) for position in range(norm.width))
    names = [" ".join(name.split()) for name in header[: norm.width]]
    missing = norm.width - len(names)
    if missing == 1:
        # R writes the row names first and gives them no column name.
        first = [cells[0] for cells in _every_so_often(records) if len(cells) == norm.width]
        names = ["", *names] if len(set(first)) == len(first) else [*names, ""]
    else:
        names += [""] * missing
    return tuple(name or f"column {position}" for position, name in enumerate(names, 1))
