"""What is to be changed in a file, and the changed file. Parses no file."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from trainer.data.files.table import Table
from trainer.errors import FileError

WrittenAs = Literal["itself", "csv", "spreadsheet"]
"""The form of a changed file: its own, CSV, or CSV in which no spreadsheet runs a cell as a formula."""

ColumnKind = Literal["text", "number", "boolean", "list"]
"""How the cells of a new column are written where a format knows types; those of booleans are "true" and "false", those of lists are JSON."""

Cells = Callable[[int], Sequence[Sequence[str]]]
"""Of the next n rows: the cells of each new column."""

_NAMES_TRIED = ("{}", "predicted {}", "{} of the model")


@dataclass(frozen=True)
class AddedColumn:
    """A new column at the end of the table: its name, and a cell for each of the table's n rows."""

    name: str
    cells: Sequence[str]
    kind: ColumnKind = "text"
    between: str | None = None
    """What stands between the items of a list where a format has no lists; None: the list is printed there."""

    def in_text(self) -> "AddedColumn":
        """The column for a format without lists."""
        if self.kind != "list":
            return self
        written = {cell: self._items(cell) for cell in dict.fromkeys(self.cells)}
        return replace(self, kind="text", cells=[written[cell] for cell in self.cells])

    def _items(self, cell: str) -> str:
        return cell if self.between is None or not cell else self.between.join(json.loads(cell))


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

    def in_text(self) -> "Edits":
        """The same in a format without lists."""
        return replace(self, added=tuple(column.in_text() for column in self.added))


@dataclass(frozen=True)
class Appending:
    """Columns, ``(name, kind)`` of each, that are appended to all ``rows`` of a file. ``in_slices``: it was read slice by slice, and is written so."""

    columns: tuple[tuple[str, ColumnKind], ...]
    rows: int
    in_slices: bool = False
    written_as: WrittenAs = "itself"
    between: str | None = None
    """As for ``AddedColumn``."""

    def added(self, cells: Sequence[Sequence[str]]) -> tuple[AddedColumn, ...]:
        """The columns with cells for some rows."""
        return tuple(AddedColumn(name, column, kind, self.between) for (name, kind), column in zip(self.columns, cells, strict=True))


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


def column_names(table: Table) -> list[str]:
    """The names of a table's columns in a file that has a header: by position if the table has none."""
    return list(table.columns) if table.header else [f"column {position}" for position in range(1, len(table.columns) + 1)]
