"""Which column is the text and which the label, judged by content first and by name second, with the reason as a message.

Changes no cell; a guess that is not clear says so (``confident``), and a user can always name the columns instead.
"""

from collections import Counter
from dataclasses import dataclass

from trainer.data.column_name_words import SPLIT_NAMES
from trainer.data.columns.evidence import are_split_names, gather_evidence, list_columns, quote_column
from trainer.data.columns.label_column import guess_label_column
from trainer.data.columns.text_column import TextGuess, guess_text_column
from trainer.data.files.table import Table, explain_dropped
from trainer.errors import FileError


@dataclass(frozen=True)
class Columns:
    """Positions of the text and the label column, each with a reason; ``confident`` is False if a user should check them.

    ``candidates``: other columns that could be the label, best first. ``text_candidates``: other columns of texts. ``extra_text_columns``:
    further columns that a user joined to the text.
    """

    text: int
    label: int
    text_reason: str
    label_reason: str
    confident: bool
    candidates: tuple[int, ...] = ()
    text_candidates: tuple[int, ...] = ()
    extra_text_columns: tuple[int, ...] = ()


def guess_columns(table: Table, *, text: int | None = None, label: int | None = None) -> Columns:
    """The text and the label column; one that is given is kept.

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
        return Columns(text, label, "chosen by you", "chosen by you", confident=True)
    columns = gather_evidence(table)
    texts = TextGuess(text, "chosen by you", confident=True, candidates=()) if text is not None else None
    texts = texts or guess_text_column(table, [c for c in columns if c.position != label])
    if label is not None:
        return Columns(texts.position, label, texts.reason, "chosen by you", texts.confident, text_candidates=texts.candidates)
    guess = guess_label_column(table, columns, texts.position)
    text_candidates = tuple(position for position in texts.candidates if position != guess.position)
    confident = texts.confident and guess.confident
    return Columns(texts.position, guess.position, texts.reason, guess.reason, confident, guess.candidates, text_candidates)


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
