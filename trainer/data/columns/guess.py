"""Which column is the text and which the label, judged by content first and by name second, with the reason as a message.

Changes no cell; a guess that is not clear says so (``confident``), and a user can always name the columns instead.
"""

from collections import Counter
from dataclasses import dataclass, replace

from trainer.data.column_name_words import SPLIT_NAMES
from trainer.data.columns.evidence import ColumnEvidence, are_split_names, gather_evidence, list_columns, quote_column
from trainer.data.columns.label_column import LabelGuess, guess_label_column
from trainer.data.columns.label_columns import find_label_columns
from trainer.data.columns.label_form import LabelForm, TaskChoice, cells_or_rows, find_form_of_cells, form_of_rows
from trainer.data.columns.text_column import TextGuess, guess_text_column
from trainer.data.files.table import Table, explain_dropped
from trainer.errors import FileError


@dataclass(frozen=True)
class Columns:
    """Positions of the text and the label column, each with a reason; ``confident`` is False if a user should check them.

    ``candidates``: other columns that could be the label, best first. ``text_candidates``: other columns of texts. ``extra_text_columns``:
    further columns that a user joined to the text. ``label_form``: how the labels are written if a text may have several, as far as that is known;
    ``several``: whether they are read so.
    """

    text: int
    label: int
    text_reason: str
    label_reason: str
    confident: bool
    candidates: tuple[int, ...] = ()
    text_candidates: tuple[int, ...] = ()
    extra_text_columns: tuple[int, ...] = ()
    label_form: LabelForm | None = None
    several: bool = False

    @property
    def label_columns(self) -> tuple[int, ...]:
        """The positions of all columns that labels are read from."""
        return self.label_form.columns if self.several and self.label_form is not None else (self.label,)

    @property
    def cut(self) -> float | None:
        """The score from which on a text has a label; None if labels are not read from scores."""
        return self.label_form.cut if self.several and self.label_form is not None and self.label_form.kind == "scored" else None


def guess_columns(table: Table, *, text: int | None = None, label: int | None = None, task: TaskChoice = "") -> Columns:
    """The text and the label column; one that is given is kept. ``task``: whether a text has one label or several; if nobody says it, the file does.

    Raises UserError ``one_column``, ``no_rows``, ``no_text_column``, ``no_label_column``, ``label_is_measurement`` or ``same_column``.
    """
    if len(table.columns) < 2:
        raise FileError(
            f"There is only one column: {list_columns(table.columns)}. Training needs a column of texts and a column of labels, "
            "separated by a comma, a semicolon, a tab or a vertical bar. Add the missing column, or check how the file was exported.",
            code="one_column",
        )
    if not table.rows:
        message = f"The file has columns ({list_columns(table.columns)}) but no rows that can be used{explain_dropped(table.dropped)}. "
        raise FileError(f"{message}Choose a file with one row per text.", code="no_rows")
    if text is not None and label is not None:
        if text == label:
            raise FileError(
                f"The column {quote_column(table, text)} cannot be both the text and the label. Choose two columns.", code="same_column"
            )
        columns = Columns(text, label, "chosen by you", "chosen by you", confident=True)
        return _with_form(table, columns, None if task != "several" else gather_evidence(table), task)
    columns = gather_evidence(table)
    texts = TextGuess(text, "chosen by you", confident=True, candidates=()) if text is not None else None
    texts = texts or guess_text_column(table, [c for c in columns if c.position != label])
    if label is not None:
        chosen = Columns(texts.position, label, texts.reason, "chosen by you", texts.confident, text_candidates=texts.candidates)
        return _with_form(table, chosen, columns if task == "several" else None, task)
    try:
        guess = guess_label_column(table, columns, texts.position)
    except FileError:
        form = None if task == "single" else find_label_columns(table, columns, texts.position, None, wanted=task == "several")
        if form is None or not (form.is_clear or task == "several"):
            raise
        guess = LabelGuess(form.columns[0], form.reason, confident=False, candidates=())
    text_candidates = tuple(position for position in texts.candidates if position != guess.position)
    confident = texts.confident and guess.confident
    guessed = Columns(texts.position, guess.position, texts.reason, guess.reason, confident, guess.candidates, text_candidates)
    found = _with_form(table, guessed, columns, task)
    return replace(found, confident=confident and not _is_silent_offer(found))


def _is_silent_offer(columns: Columns) -> bool:
    """Whether several labels are an offer that somebody has to answer here. Cells with a separator are found as an error of their own."""
    form = columns.label_form
    return form is not None and not columns.several and (form.kind != "cells" or form.separator == " ")


def _with_form(table: Table, columns: Columns, evidence: list[ColumnEvidence] | None, task: TaskChoice) -> Columns:
    """The columns with the form of the labels if a text may have several. ``evidence``: without it, only the label column itself is looked at."""
    if task == "single":
        return columns
    wanted = task == "several"
    form = None
    # The profile of a column knows its separator already.
    if evidence is None or wanted or evidence[columns.label].profile.separator is not None:
        form = find_form_of_cells(table, columns.label, wanted=wanted)
    if wanted and form is not None:
        form = cells_or_rows(table, columns.text, columns.label, form)
    if form is None and evidence is not None:
        form = find_label_columns(table, evidence, columns.text, columns.label, wanted=wanted)
    if form is None and wanted:
        form = form_of_rows(table, columns.text, columns.label)
    several = form is not None and (wanted or form.is_clear)
    if not several or len(form.columns) < 2:
        return replace(columns, label_form=form, several=several)
    return replace(columns, label=form.columns[0], label_reason=form.reason, label_form=form, several=several)


def find_column(table: Table, name_or_position: str, role: str) -> int:
    """The position of the column that a user named: its exact name, its name ignoring case and blanks, or its position from 0.

    ``role`` is "text" or "label", for the message. Raises UserError ``unknown_column``.
    """
    name = str(name_or_position)
    if name in table.columns:
        return table.columns.index(name)
    simplified_names = ["".join(column.casefold().split()) for column in table.columns]
    simplified = "".join(name.casefold().split())
    if simplified in simplified_names:
        return simplified_names.index(simplified)
    if simplified.isascii() and simplified.isdigit() and len(simplified) < 9 and int(simplified) < len(table.columns):
        return int(simplified)
    raise FileError(
        f"There is no {role} column “{name[:60]}”. Columns: {list_columns(table.columns)}. "
        f"Give one of these names, or a position from 0 to {len(table.columns) - 1}.",
        code="unknown_column",
    )


def guess_split_column(table: Table) -> int | None:
    """The column whose values say which rows are for training, validation and test; None if there is none.

    A few cells may be empty or have other values; ``build_corpus`` drops those rows.
    """
    for position in range(len(table.columns)):
        # Checking a few rows first avoids reading every column of a large file.
        if are_split_names(Counter(cells[position] for cells in table.rows[:100])):
            counts = Counter(cells[position] for cells in table.rows)
            splits = {SPLIT_NAMES.get(value.strip().casefold()) for value in counts} - {None}
            if are_split_names(counts) and "train" in splits and len(splits) > 1:
                return position
    return None
