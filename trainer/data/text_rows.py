"""The texts of a file without its other columns: what labelling a whole file needs of it. Labels are not looked for."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.data.columns.evidence import gather_evidence
from trainer.data.columns.resolve import find_position
from trainer.data.columns.text_column import guess_text_column
from trainer.data.corpus import clean_text
from trainer.data.files.table import Record, Table, explain_dropped
from trainer.errors import FileError


@dataclass(frozen=True)
class TextRows:
    """``columns``: the names of all columns of the file. ``text``: the positions of those that the texts are joined from, and ``reason`` why.

    ``rows_dropped``: lines that the reader does not take for rows.
    """

    columns: tuple[str, ...]
    text: tuple[int, ...]
    reason: str
    rows: int
    rows_dropped: int
    header: bool
    in_slices: bool = False
    """Whether the file is a plain one that was read slice by slice, and can be written so (data/files/sliced_files.py)."""
    part: str | None = None
    """The sheet, file or list that was read; None if the file holds a single table, or all were joined."""
    parts: tuple[str, ...] = ()


def find_texts(table: Table, text_columns: Sequence[str | int] = ()) -> tuple[TextRows, list[str]]:
    """The text of each row: the columns that are named (a number is a position), joined by line ends, else the one that looks most like texts.

    Raises UserError ``no_rows``, ``unknown_column``, ``no_text_column``.
    """
    if not table.rows:
        raise FileError(
            f"The file has no rows that can be used{explain_dropped(table.dropped)}. Choose a file with one row per text.", code="no_rows"
        )
    positions, reason = _text_positions(table, text_columns)
    texts = join_cells(table.rows, positions)
    rows = TextRows(
        table.columns,
        positions,
        reason,
        len(texts),
        len(table.dropped),
        table.header,
        part=table.part if table.parts else None,
        parts=tuple(part.name for part in table.parts),
    )
    return rows, texts


def join_cells(rows: Sequence[Record], positions: Sequence[int]) -> list[str]:
    """The text of each row: one cell as it stands, or several without blanks around them, joined by line ends."""
    if len(positions) == 1:
        return [row[positions[0]] for row in rows]
    return ["\n".join(filter(None, (clean_text(row[position]) for position in positions))) for row in rows]


def _text_positions(table: Table, text_columns: Sequence[str | int]) -> tuple[tuple[int, ...], str]:
    if text_columns:
        return tuple(dict.fromkeys(find_position(table, name, "text") for name in text_columns)), "chosen by you"
    if len(table.columns) == 1:
        return (0,), "the only column"
    guess = guess_text_column(table, gather_evidence(table))
    return (guess.position,), guess.reason
