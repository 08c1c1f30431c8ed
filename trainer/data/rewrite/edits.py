"""What is to be changed in a file, and the changed file. Parses no file."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from trainer.errors import FileError

WrittenAs = Literal["itself", "csv", "spreadsheet"]
"""The form of a changed file: its own, CSV, or CSV in which no spreadsheet runs a cell as a formula."""

_NAMES_TRIED = ("{}", "predicted {}", "{} of the model")


@dataclass(frozen=True)
class AddedColumn:
    """A new column at the end of the table: its name, and a cell for each of the table's n rows.

    ``kind``: "number" and "boolean" (cells "true" and "false") are written as such where a format knows types.
    """

    name: str
    cells: Sequence[str]
    kind: Literal["text", "number", "boolean"] = "text"


@dataclass(frozen=True)
class Edits:
    """New values of one column, rows that are left out, and new columns. Rows are positions in ``Table.rows``.

    ``column``: the position of the column whose cells are changed; None if there are no ``cells``.
    """

    column: int | None = None
    cells: Mapping[int, str] = field(default_factory=dict)
    dropped: frozenset[int] = frozenset()
    added: tuple[AddedColumn, ...] = ()

    @property
    def touched(self) -> list[int]:
        """The rows that change, in the order of the file; all of them have the new columns."""
        rows: Iterable[int] = range(len(self.added[0].cells)) if self.added else {*self.cells, *self.dropped}
        return sorted(rows)


@dataclass(frozen=True)
class Rewritten:
    """The bytes of the changed file, and sentences about what it could not keep as it was."""

    data: bytes
    notes: tuple[str, ...] = ()


def not_rewritable_error(why: str) -> FileError:
    """The error for a file that cannot be changed in its own form; ``why`` is the middle of a sentence."""
    return FileError(
        f"This file cannot be changed in its own form: {why}. Take the rows as CSV (UTF-8) instead, which holds all columns.",
        code="not_rewritable",
    )


def free_name(name: str, columns: Iterable[str]) -> str:
    """``name``, or one like it that no column has."""
    taken = {column.strip().casefold() for column in columns}
    candidates = [pattern.format(name) for pattern in _NAMES_TRIED] + [f"{name} {number}" for number in range(2, len(taken) + 3)]
    return next(candidate for candidate in candidates if candidate.casefold() not in taken)
