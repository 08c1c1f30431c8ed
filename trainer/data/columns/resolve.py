"""The columns that a user named, completed by a guess of those not named."""

from collections.abc import Sequence
from dataclasses import replace

from trainer.data.columns.guess import Columns, find_column, guess_columns
from trainer.data.files.table import Table
from trainer.errors import FileError


def resolve_columns(table: Table, text_columns: Sequence[str | int] = (), label_column: str | int | None = None) -> Columns:
    """The columns of a table: the text columns (several are joined in this order) and the label column by name or position, guessed if not named.

    A string may be a name or a position from 0; a number is a position.
    Raises UserError ``unknown_column``, ``same_column`` and what ``guess_columns`` raises.
    """
    text_positions = list(dict.fromkeys(find_position(table, name, "text") for name in text_columns))
    label_position = None if label_column is None else find_position(table, label_column, "label")
    if label_position is not None and label_position in text_positions:
        raise FileError(
            f"The text and the label cannot be the same column (“{table.columns[label_position]}”). Choose two different ones.",
            code="same_column",
        )
    columns = guess_columns(table, text=text_positions[0] if text_positions else None, label=label_position)
    # A guessed label may be one of the columns that the user joined to the text.
    if columns.label in text_positions[1:]:
        raise FileError(
            f"The column “{table.columns[columns.label]}” is used as the label, so it cannot be joined to the text. "
            "Choose another label column, or do not join this one.",
            code="same_column",
        )
    return replace(columns, extra_text_columns=tuple(text_positions[1:]))


def find_position(table: Table, name: str | int, role: str) -> int:
    """The position of a column: a number is one, a string as for ``find_column``, which raises UserError ``unknown_column``."""
    if isinstance(name, int) and 0 <= name < len(table.columns):
        return name
    return find_column(table, str(name), role)
