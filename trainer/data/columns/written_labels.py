"""The labels of texts that may have several, written back into the cells of their form: what ``read_label_sets`` reads. Changes no file."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from trainer.data.columns.label_form import LabelForm, read_label_sets
from trainer.data.files.cross_marked_labels import CROSSES, NO_CROSSES
from trainer.data.files.list_cells import EMPTY_LIST
from trainer.data.files.table import Table
from trainer.data.labels import split_labels
from trainer.errors import FileError

Cells = dict[int, dict[int, str]]
"""By column and row: the new value of a cell."""


def write_label_sets(table: Table, form: LabelForm, targets: Mapping[int, Sequence[str]]) -> Cells:
    """The cells that give rows of a table, by their positions, other labels, named as the file names them. Only cells that differ are in it.

    Raises UserError ``not_rewritable`` for what the form cannot say: a label that has no column, more labels than columns, another row for a text.
    """
    return _WRITERS[form.kind](table, form, targets)


@dataclass(frozen=True)
class _ListStyle:
    """How a list is written: ``['joy', 'love']``, ``["joy","love"]``, ``{'joy'}``, ``[3 4]``."""

    brackets: str
    quote: str
    between: str
    empty: str

    def write(self, names: Sequence[str]) -> str:
        return f"{self.brackets[0]}{self.between.join(map(self._item, names))}{self.brackets[1]}" if names else self.empty

    def _item(self, name: str) -> str:
        if self.quote == '"':
            return json.dumps(name, ensure_ascii=False)
        escaped = name.replace("\\", "\\\\").replace("'", "\\'") if self.quote else name
        return f"{self.quote}{escaped}{self.quote}"


def _cells(table: Table, form: LabelForm, targets: Mapping[int, Sequence[str]]) -> Cells:
    column, separator = form.columns[0], form.separator or ","
    old = [row[column].strip() for row in table.rows]
    several = [cell for cell in old if len(split_labels(cell, separator, form.options)) > 1]
    write = _writer_of(several, separator)
    changed = {row: _checked(write(names), names, form) for row, names in targets.items()}
    return {column: {row: cell for row, cell in changed.items() if cell != old[row]}}


def _writer_of(several: Sequence[str], separator: str) -> Callable[[Sequence[str]], str]:
    """How the most frequent kind of cells with several labels is written."""
    cell = next((cell for cell in several if cell[:1] in ("[", "{")), "")
    if cell:
        style = _list_style(cell, separator)
        return style.write
    marks = Counter(mark for cell in several[:_SAMPLE] if (mark := _prefix(cell)))
    prefix = marks.most_common(1)[0][0] if marks else ""
    between = f"{separator} " if separator != " " and sum(f"{separator} " in cell for cell in several) * 2 > len(several) else separator
    # An empty cell is a text that is not labelled yet.
    return lambda names: between.join(f"{prefix}{name}" for name in names) or EMPTY_LIST


_SAMPLE = 1_000


def _prefix(cell: str) -> str:
    """fastText's mark before each label: "__label__"."""
    return f"__{cell[2:].split('__', 1)[0]}__" if cell.startswith("__") and "__" in cell[2:] else ""


def _list_style(cell: str, separator: str) -> _ListStyle:
    inner = cell[1:-1].strip()
    quote = inner[:1] if inner[:1] in ("'", '"') else ""
    end = f"{quote}{separator}"
    spaced = separator != " " and f"{end} " in inner
    empty = EMPTY_LIST if cell[0] == "[" else "set()"
    return _ListStyle(cell[0] + cell[-1], quote, f"{separator} " if spaced else separator, empty)


def _checked(cell: str, names: Sequence[str], form: LabelForm) -> str:
    """The cell, once reading it gives these names again."""
    if split_labels(cell, form.separator or ",", form.options) != tuple(names):
        shown = next((name for name in names if (form.separator or ",") in name), ", ".join(names))
        _refuse(f"“{shown[:60]}” has the sign that separates labels in a cell")
    return cell


def _marked(table: Table, form: LabelForm, targets: Mapping[int, Sequence[str]]) -> Cells:
    values = Counter(row[column].strip() for row in table.rows for column in form.columns)
    yes = next((value for value, _ in values.most_common() if value.casefold() in CROSSES), "x")
    no = next((value for value, _ in values.most_common() if value.casefold() in NO_CROSSES), "")

    def mark(row: int, column: int, *, has: bool) -> str:
        cell = table.rows[row][column].strip()
        return cell if (cell.casefold() in CROSSES) == has else yes if has else no

    return _of_columns(table, form, targets, mark)


def _scored(table: Table, form: LabelForm, targets: Mapping[int, Sequence[str]]) -> Cells:
    given = [frozenset(labels or ()) for labels in read_label_sets(table, form)]
    names = dict(zip(form.columns, form.names, strict=True))

    def score(row: int, column: int, *, has: bool) -> str:
        # What somebody decided is certain, and says so.
        return table.rows[row][column].strip() if (names[column] in given[row]) == has else "1" if has else "0"

    return _of_columns(table, form, targets, score)


def _of_columns(table: Table, form: LabelForm, targets: Mapping[int, Sequence[str]], write: Callable[..., str]) -> Cells:
    """Cells of columns that stand for one label each; ``write`` gives that of (row, column, has)."""
    unknown = next((name for names in targets.values() for name in names if name not in form.names), None)
    if unknown is not None:
        _refuse(f"each label has a column in it, and “{unknown[:60]}” has none")
    found: Cells = {}
    for column, name in zip(form.columns, form.names, strict=True):
        cells = {row: write(row, column, has=name in names) for row, names in targets.items()}
        cells = {row: cell for row, cell in cells.items() if cell != table.rows[row][column].strip()}
        if cells:
            found[column] = cells
    return found


def _numbered(table: Table, form: LabelForm, targets: Mapping[int, Sequence[str]]) -> Cells:
    found: Cells = {}
    for row, names in targets.items():
        if len(names) > len(form.columns):
            _refuse(f"it has {len(form.columns)} columns of labels, and a text has {len(names)} now")
        if not names:
            _refuse("a text without any label cannot be told from one that is not labelled yet in it")
        for column, name in zip(form.columns, [*names, *("" for _ in form.columns[len(names) :])], strict=True):
            if table.rows[row][column].strip() != name:
                found.setdefault(column, {})[row] = name
    return found


def _rows(table: Table, form: LabelForm, targets: Mapping[int, Sequence[str]]) -> Cells:
    if targets:
        _refuse("a text has a row for each of its labels in it, and rows would have to be added")
    return {}


def _refuse(why: str) -> NoReturn:
    raise FileError(
        f"This file cannot be changed in its own form: {why}. Take the list of changes instead, and change the file by hand.",
        code="not_rewritable",
    )


_WRITERS: Mapping[str, Callable[[Table, LabelForm, Mapping[int, Sequence[str]]], Cells]] = {
    "cells": _cells,
    "marked": _marked,
    "scored": _scored,
    "numbered": _numbered,
    "rows": _rows,
}
