"""The columns that a user named, completed by a guess of those not named."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from trainer.data.columns.evidence import gather_evidence
from trainer.data.columns.guess import Columns, find_column, guess_columns
from trainer.data.columns.label_columns import form_of_columns, with_cut
from trainer.data.columns.label_form import TaskChoice
from trainer.data.files.table import Table
from trainer.errors import FileError, RecipeError, UserError


def resolve_columns(
    table: Table,
    text_columns: Sequence[str | int] = (),
    label_column: str | int | tuple[str | int, ...] | None = None,
    task: TaskChoice = "",
    cut: float | None = None,
) -> Columns:
    """The columns of a table: the text columns (several are joined in this order) and the label column by name or position, guessed if not named.

    A string may be a name or a position from 0; a number is a position. Label columns in a tuple, and no others, hold the labels of a text together; a single one may be one of several. ``task``: whether a text has one label or several, if somebody said it.
    ``cut``: the score from which on a text has a label, for columns of scores; without a word on the task they then hold several labels a text.
    Raises UserError ``unknown_column``, ``same_column``, ``settings_disagree`` and what ``guess_columns`` and ``with_cut`` raise.
    """
    if cut is None:
        return _resolve(table, text_columns, label_column, task)
    if task == "single":
        raise RecipeError(
            "A cut is for texts that may have several labels, and one label a text is chosen. Leave one of the two out.",
            code="settings_disagree",
        )
    columns = None
    with suppress(UserError):
        columns = _resolve(table, text_columns, label_column, task)
    if columns is None or columns.cut is None:
        # Who gives a cut says that columns of scores are labels, even if nothing else does.
        columns = _resolve(table, text_columns, label_column, "several")
    return read_with_cut(table, columns, cut)


def read_with_cut(table: Table, columns: Columns, cut: float) -> Columns:
    """The same columns of scores with another cut. Raises what ``with_cut`` raises."""
    form = with_cut(table, columns.label_form, cut)
    told = columns.label_form is not None and columns.label_reason == columns.label_form.reason
    return replace(columns, label_form=form, label_reason=form.reason if told else columns.label_reason)


def _resolve(
    table: Table, text_columns: Sequence[str | int], label_column: str | int | tuple[str | int, ...] | None, task: TaskChoice
) -> Columns:
    text_positions = list(dict.fromkeys(find_position(table, name, "text") for name in text_columns))
    named = label_column if isinstance(label_column, tuple) else () if label_column is None else (label_column,)
    label_positions = tuple(dict.fromkeys(find_position(table, name, "label") for name in named))
    if both := [position for position in label_positions if position in text_positions]:
        raise FileError(
            f"The text and the label cannot be the same column (“{table.columns[both[0]]}”). Choose two different ones.",
            code="same_column",
        )
    text, label = (positions[0] if positions else None for positions in (text_positions, label_positions))
    if label_positions and isinstance(label_column, tuple) and task != "single":
        found = guess_columns(table, text=text, label=label, task="single")
        columns = replace(found, label_form=form_of_columns(table, gather_evidence(table), label_positions, found.text), several=True)
    else:
        columns = guess_columns(table, text=text, label=label, task=task)
    # A guessed label may be one of the columns that the user joined to the text.
    if shared := [position for position in columns.label_columns if position in text_positions[1:]]:
        raise FileError(
            f"The column “{table.columns[shared[0]]}” is used as the label, so it cannot be joined to the text. "
            "Choose another label column, or do not join this one.",
            code="same_column",
        )
    return replace(columns, extra_text_columns=tuple(text_positions[1:]))


def find_position(table: Table, name: str | int, role: str) -> int:
    """The position of a column: a number is one, a string as for ``find_column``, which raises UserError ``unknown_column``."""
    if isinstance(name, int) and 0 <= name < len(table.columns):
        return name
    return find_column(table, str(name), role)
