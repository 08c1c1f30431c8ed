"""The columns that a person named, completed by the guess where nothing was named."""

from collections.abc import Sequence
from dataclasses import replace

from trainer.data.columns.guess import Columns, find_column, guess_columns
from trainer.data.files.reading import Table
from trainer.errors import UserError


def resolve_columns(table: Table, text: Sequence[str | int] = (), label: str | int | None = None) -> Columns:
    """The columns of a table: ``text`` (several are joined in this order) and ``label`` by name or position, each guessed where not named.

    What a person types may be a name or a position from 0; a number is a position for certain.
    Raises UserError ``unknown_column``, ``same_column`` and what ``guess_columns`` raises.
    """
    named = list(dict.fromkeys(_position(table, name, "text") for name in text))
    chosen = None if label is None else _position(table, label, "label")
    if chosen is not None and chosen in named:
        raise UserError(
            f"The text and the label cannot be the same column (“{table.columns[chosen]}”). Choose two different ones.", code="same_column"
        )
    columns = guess_columns(table, text=named[0] if named else None, label=chosen)
    # A label that was guessed may be among the columns joined to the text: the person's word stands.
    if columns.label in named[1:]:
        raise UserError(
            f"The column “{table.columns[columns.label]}” is taken for the label, so it cannot be joined to the text. "
            "Choose another label column, or do not join this one.",
            code="same_column",
        )
    return replace(columns, extra_text_columns=tuple(named[1:]))


def _position(table: Table, named: str | int, what: str) -> int:
    if isinstance(named, int) and 0 <= named < len(table.columns):
        return named
    return find_column(table, str(named), what)
