"""LabelForm: how a file writes the labels of texts that may have several, and why it is read so; and the labels of each row, read in that form.

label_columns.py finds forms over several columns; splitting one cell is the work of data/labels.py.
"""

import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, Self, get_args

from trainer.data.columns.evidence import quote_column
from trainer.data.files.cross_marked_labels import CROSSES, NO_CROSSES
from trainer.data.files.table import Table
from trainer.data.labels import find_separator, may_be_names, split_cells, split_labels, whole_options
from trainer.data.missing_labels import explain_no_value
from trainer.errors import RecipeError
from trainer.text_format import pluralize

TaskChoice = Literal["", "single", "several"]
"""What somebody said about the labels of a text: one, several, or ("") nothing, so that the file decides."""

LabelsWay = Literal["cells", "lists", "columns"]
"""How the labels of one text are written: in a cell with something between them, in a cell as a printed list, or in a column for each label."""

_NUMBER = re.compile(r"\d{0,9}\.?\d{1,20}(?:[eE]-?\d{1,2})?")
_MIN_SEVERAL = 0.05
"""Of the rows: with fewer, several labels in a cell are taken for exceptions."""


@dataclass(frozen=True)
class LabelForm:
    """``kind``: where the labels of a text are: "cells" with several labels; "marked" or "scored" columns, one for each label; "numbered" columns, one for
    the first label, one for the second; or "rows", each with one label and the same text. ``columns``: their positions. ``reason``: a sentence without
    its full stop. ``is_clear``: whether the file is read so unless somebody says otherwise.
    """

    kind: Literal["cells", "marked", "scored", "numbered", "rows"]
    columns: tuple[int, ...]
    reason: str
    is_clear: bool
    separator: str | None = None
    """Between the labels of a cell."""
    options: tuple[str, ...] = ()
    """Labels that hold the separator themselves: "Prices, fees"."""
    names: tuple[str, ...] = ()
    """Of the labels that columns mark or score."""
    cut: float = 0.5
    """From this score on a text has a label."""
    n_several: int = 0
    """Rows with several labels in a cell."""
    between: str | None = None
    """What stands between the labels of a cell as it is written, blanks included; None if cells are printed lists, or have one label each."""

    @property
    def way(self) -> LabelsWay:
        """How the form writes the labels of one text, whichever its columns are."""
        if self.kind in ("marked", "scored"):
            return "columns"
        return "lists" if self.kind == "cells" and self.between is None else "cells"


def task_choice(name: object) -> TaskChoice:
    """The choice of this name; nothing said is "". Raises UserError ``unknown_setting`` for another name."""
    if name not in (None, *get_args(TaskChoice)):
        raise RecipeError(
            f"A text has one label (single) or may have several (several), not “{str(name)[:60]}”. Choose one of them.",
            code="unknown_setting",
        )
    return name or ""


def cut_choice(value: object) -> float | None:
    """The cut that somebody gave, as a number or as it was typed ("0.3", "0,3"); nothing said is None. Raises UserError ``setting_out_of_range``."""
    typed = "" if value is None else str(value).strip()
    if not typed:
        return None
    if (cut := parse_score(typed)) is None:
        raise RecipeError(
            f"A cut is the score from which on a text has a label: a number such as 0.5, not “{typed[:60]}”. Give a number from 0 on.",
            code="setting_out_of_range",
        )
    return cut


def describe_cut(cut: float) -> str:
    """From which score on a text has a label, as a sentence about the file."""
    return f"The file has a score for each label; a text has the labels from {cut:.12g} on."


@dataclass(frozen=True)
class LabelReading:
    """What somebody said about how labels are read: ``task``, and in columns of scores ``cut``, from which on a text has a label; None: as the file looks."""

    task: TaskChoice = ""
    cut: float | None = None

    @classmethod
    def of(cls, task: object, cut: object) -> Self:
        """From values that were typed or sent. Raises UserError as ``task_choice`` and ``cut_choice``."""
        return cls(task_choice(task), cut_choice(cut))


AS_IT_LOOKS = LabelReading()


def find_form_of_cells(table: Table, column: int, *, wanted: bool) -> LabelForm | None:
    """The form of a column with several labels in some cells; None if all have one. ``wanted``: a single such cell is enough."""
    counts = Counter(cell for row in table.rows if (cell := row[column].strip()))
    separator = find_separator(counts, wanted=wanted)
    if separator is None:
        return None
    cells = split_cells(counts, separator)
    n_rows = sum(n_cells for cell, n_cells in counts.items() if len(cells.get(cell, ())) > 1)
    if not n_rows:
        return None
    between = {" ": "a blank", "\n": "a line break"}.get(separator, f"“{separator}”")
    # A list of one label is that label by now.
    are_lists = next(cell for cell, labels in cells.items() if len(labels) > 1)[0] in "[{"
    how = "written as lists" if are_lists else f"with {between} between them"
    in_doubt = may_be_names(cells, separator)
    have = "may have" if in_doubt else "has" if n_rows == 1 else "have"
    reason = f"{pluralize(n_rows, 'row')} of {counts.total():,} {have} several labels in {quote_column(table, column)}, {how}"
    is_clear = not in_doubt and n_rows >= _MIN_SEVERAL * counts.total()
    written = None if are_lists else _as_written(counts, separator)
    return LabelForm("cells", (column,), reason, is_clear, separator, whole_options(cells, separator), n_several=n_rows, between=written)


def _as_written(counts: Mapping[str, int], separator: str) -> str:
    """A separator with the blanks that mostly stand around it."""
    if not separator.strip():
        return separator
    candidates = (f" {separator} ", f"{separator} ", separator)
    found = {candidate: sum(n_cells * cell.count(candidate) for cell, n_cells in counts.items()) for candidate in candidates}
    return next(candidate for candidate in candidates if 2 * found[candidate] > found[separator])


def count_repeated_texts(table: Table, text: int, label: int) -> int:
    """The texts that stand in several rows with different labels."""
    labels: dict[str, set[str]] = {}
    for row in table.rows:
        if cell := row[label].strip():
            labels.setdefault(row[text], set()).add(cell)
    return sum(len(of_text) > 1 for of_text in labels.values())


def form_of_rows(table: Table, text: int, label: int) -> LabelForm:
    """The form of a file in which a text has a row for each of its labels. Never clear: labels may disagree."""
    n_texts = count_repeated_texts(table, text, label)
    stand = pluralize(n_texts, "text stands", "texts stand")
    reason = f"{stand} in several rows with different labels" if n_texts else "each text has one label"
    return LabelForm("rows", (label,), reason, is_clear=False)


def cells_or_rows(table: Table, text: int, label: int, form: LabelForm | None) -> LabelForm:
    """``form``, of several labels in cells of one column, or that of a row for each label if cells have none, or if a few only look so."""
    # A few cells such as "joy/love" are names in a file with a row for each label.
    if form is None or (not form.is_clear and count_repeated_texts(table, text, label) > form.n_several):
        return form_of_rows(table, text, label)
    return form


def read_label_sets(table: Table, form: LabelForm) -> list[tuple[str, ...] | None]:
    """The labels of each row of a table, as written; () for a row that has none of them, None for a row that is not labelled yet."""
    return _READERS[form.kind](table, form)


def _of_cells(table: Table, form: LabelForm) -> list[tuple[str, ...] | None]:
    cells = [row[form.columns[0]].strip() for row in table.rows]
    # Labels repeat: looking at each different cell is far quicker than at each row.
    sets = {
        cell: None if not cell or explain_no_value(cell) else split_labels(cell, form.separator, form.options)
        for cell in dict.fromkeys(cells)
    }
    return [sets[cell] for cell in cells]


def _of_rows(table: Table, form: LabelForm) -> list[tuple[str, ...] | None]:
    cells = [row[form.columns[0]].strip() for row in table.rows]
    return [None if not cell or explain_no_value(cell) else (cell,) for cell in cells]


def _of_numbered(table: Table, form: LabelForm) -> list[tuple[str, ...] | None]:
    rows = [tuple(cell for column in form.columns if (cell := row[column].strip()) and not explain_no_value(cell)) for row in table.rows]
    return [labels or None for labels in rows]


def _of_marked(table: Table, form: LabelForm) -> list[tuple[str, ...] | None]:
    """A row without a cross has no label if it says so (0, no), or if rows after it have crosses: what is blank at the end is not labelled yet."""
    marks = [[row[column].strip().casefold() for column in form.columns] for row in table.rows]
    sets = [tuple(name for name, mark in zip(form.names, of_row, strict=True) if mark in CROSSES) for of_row in marks]
    writes_no = any(mark and mark in NO_CROSSES for of_row in marks for mark in of_row)
    last = max((row for row, labels in enumerate(sets) if labels), default=-1)
    return [
        labels if any(of_row) or (not writes_no and row < last) else None
        for row, (labels, of_row) in enumerate(zip(sets, marks, strict=True))
    ]


def _of_scored(table: Table, form: LabelForm) -> list[tuple[str, ...] | None]:
    rows = [[parse_score(row[column]) for column in form.columns] for row in table.rows]
    return [
        tuple(name for name, score in zip(form.names, scores, strict=True) if score is not None and score >= form.cut)
        if any(score is not None for score in scores)
        else None
        for scores in rows
    ]


def parse_score(cell: str) -> float | None:
    """The number in a cell; None if it holds none."""
    text = cell.strip().replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else None


_READERS: Mapping[str, Callable[[Table, LabelForm], list[tuple[str, ...] | None]]] = {
    "cells": _of_cells,
    "rows": _of_rows,
    "numbered": _of_numbered,
    "marked": _of_marked,
    "scored": _of_scored,
}
