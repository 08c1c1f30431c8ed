"""What a file becomes: rows of text, and what its reader did on the way.

Reads nothing and guesses nothing; the readers of each format fill it.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from trainer.errors import UserError

Record = tuple[str, ...]  # the cells of a row, not yet of any certain number


@dataclass(frozen=True)
class DroppedRow:
    """A row that is not used: the 1-based line of the file where it starts, and why."""

    line: int
    reason: str


@dataclass(frozen=True)
class ReaderWarning:
    """Something that the reader did and a person should know, in whole sentences.

    ``severity``: "ok" where nothing can have gone wrong, "warning" where a glance is worth it. ``count``: rows, columns or
    characters concerned. ``line``: where in the file, from 1, if there is one place.
    """

    code: str
    severity: Literal["ok", "warning"]
    count: int
    message: str
    line: int | None = None


@dataclass(frozen=True)
class Table:
    """The rows of a file as text.

    ``columns``: header names, stripped and distinct; "column 3" where the header has no name for the third; "0", "1", ... without a header.
    ``rows``: every cell as written (newlines as ``\\n``, control characters gone), each row as long as ``columns``.
    ``lines``: per row, the 1-based line of the file where it starts (the row of a sheet, the number of an object).
    ``delimiter`` is None where there is a single column, or where the format knows none. ``warnings``: what the reader did.
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

    @property
    def rows_seen(self) -> int:
        """Rows kept plus rows dropped; the header, what stands before it and blank lines are no rows."""
        return len(self.rows) + len(self.dropped)


@dataclass(frozen=True)
class Limits:
    """The most that is read: bytes of the file (unpacked, where it is compressed), rows, columns, characters in a cell."""

    max_bytes: int = 100 * 1024 * 1024
    max_rows: int = 1_000_000
    max_columns: int = 1_000
    max_cell_chars: int = 100_000

    @property
    def max_cells(self) -> int:
        """For formats in which a few bytes can stand for many cells."""
        return 20 * self.max_rows

    @property
    def max_chars(self) -> int:
        """Of all cells together, likewise: one text may be named a million times."""
        return 2 * self.max_bytes


def too_many_rows(limits: Limits) -> UserError:
    """The refusal of a file with more rows than ``limits`` allow."""
    return UserError(
        f"The file has more than {limits.max_rows:,} rows, the most that are read here. Upload a part of it.", code="too_many_rows"
    )


def too_many_columns(width: int, limits: Limits) -> UserError:
    """The refusal of a file with ``width`` columns, more than ``limits`` allow."""
    return UserError(
        f"The file has {width:,} columns; at most {limits.max_columns:,} can be read. "
        "Keep the column with the texts and the column with the labels, and upload that.",
        code="too_many_columns",
    )


def too_many_cells(limits: Limits) -> UserError:
    """The refusal of a file whose rows times columns are more than ``limits`` allow."""
    return UserError(
        f"The table has more than {limits.max_cells:,} cells, the most that are read here. "
        "Keep the column with the texts and the column with the labels, and upload that.",
        code="too_many_cells",
    )


def too_much_text(limits: Limits) -> UserError:
    """The refusal of a file whose cells hold more characters than ``limits`` allow."""
    return UserError(
        f"The cells of this file hold more than {limits.max_chars / 1e6:,.0f} million characters, the most that are read here. "
        "Keep only the columns with the texts and the labels, or fewer rows.",
        code="file_too_large",
    )


def cell_too_long(cells: Record, limits: Limits) -> str | None:
    """The reason to drop a row with a cell beyond ``limits``; None for any other row."""
    longest = max(map(len, cells), default=0)
    if longest <= limits.max_cell_chars:
        return None
    return (
        f"a cell of {longest:,} characters; at most {limits.max_cell_chars:,} are read (perhaps a quotation mark that is never closed; "
        "cut very long texts into parts)"
    )


def why_dropped(dropped: Sequence[DroppedRow]) -> str:
    """The most common reason for dropping rows, to end a sentence with, where none was kept; "" where there were none."""
    if not dropped:
        return ""
    kinds = [re.sub(r"\d[\d,.]*", "0", row.reason) for row in dropped]  # numbers differ from row to row
    kind, count = Counter(kinds).most_common(1)[0]
    rows = f"all {len(kinds):,} rows" if len(kinds) > 1 else "its only row"
    same = "" if count == len(kinds) else f" {count:,} of them"
    return f": {rows} had to be left out,{same} because of this: {dropped[kinds.index(kind)].reason}"
