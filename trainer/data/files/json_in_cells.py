"""Opens JSON that was written into a string: a whole document, the rows of a list, or the cells of a column such as "payload".

Opens only what holds a text or a label by its names: a text may be JSON itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from trainer.data.column_name_words import HEADER_WORDS, TEXT_WORDS
from trainer.data.files.decoding import clean
from trainer.data.files.json_text import parse_json
from trainer.data.files.table import Limits, Table, too_many_columns_error

_SAMPLE_ROWS = 50
_MIN_OPENED = 0.9  # of the filled cells
_MAX_DEPTH = 3
_MAX_CHARS = 100_000  # of one cell


def open_document(document: Any, *, depth: int = 0) -> Any:
    """A document with the strings that hold the table as JSON opened: the whole of it, items of a list, values of an object or of its rows."""
    if depth > _MAX_DEPTH:
        return document
    if isinstance(document, str):
        opened = _open(document, max_chars=len(document))
        return document if opened is None else open_document(opened, depth=depth + 1)
    if isinstance(document, list):
        return open_rows(document)
    if isinstance(document, dict) and len(document) < _SAMPLE_ROWS:
        return {key: open_document(value, depth=depth + 1) if isinstance(value, list | str) else value for key, value in document.items()}
    return document


def open_rows(rows: list[Any]) -> list[Any]:
    """Rows with what is written in them as JSON opened: the rows themselves, or the values under a key."""
    sample = rows[:_SAMPLE_ROWS]
    if sample and all(isinstance(row, str) for row in sample):
        return [row if (opened := _open_cell(row)) is None else opened for row in rows] if _holds_rows(sample) else rows
    keys = {key for row in sample if isinstance(row, dict) for key, value in row.items() if _begins_like_json(value)}
    keys = {key for key in keys if _holds_rows([row[key] for row in sample if isinstance(row, dict) and isinstance(row.get(key), str)])}
    if not keys:
        return rows
    return [
        row | {key: opened for key in keys & row.keys() if (opened := _open_cell(row[key])) is not None} if isinstance(row, dict) else row
        for row in rows
    ]


def expand_columns(table: Table, limits: Limits) -> Table:
    """The table with a column for each key of the objects in a column of JSON, if one of the keys says that it is the text."""
    for position, name in enumerate(table.columns):
        sample = [cell for row in table.rows[:_SAMPLE_ROWS] if (cell := row[position])]
        if sample and _begins_like_json(sample[0]) and _holds_rows(sample, of=TEXT_WORDS):
            return _expand(table, position, name, limits)
    return table


def _expand(table: Table, position: int, name: str, limits: Limits) -> Table:
    opened = [_open_cell(row[position]) or {} for row in table.rows]
    keys = [*dict.fromkeys(key for item in opened for key in item)]
    columns = tuple(f"{name}.{clean(key)}" for key in keys)
    if len(table.columns) + len(columns) > limits.max_columns:
        raise too_many_columns_error(len(table.columns) + len(columns), limits)
    if len(set(columns) | set(table.columns)) < len(table.columns) + len(columns) or len(table.rows) * len(columns) > limits.max_cells:
        return table
    rows = [
        (*row[:position], *(_cell_text(item.get(key)) for key in keys), *row[position + 1 :])
        for row, item in zip(table.rows, opened, strict=True)
    ]
    return replace(table, columns=(*table.columns[:position], *columns, *table.columns[position + 1 :]), rows=rows)


def _cell_text(value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None or isinstance(value, list | dict):
        return ", ".join(map(_cell_text, value)) if isinstance(value, list) else ""
    return clean(str(value).replace("\r\n", "\n").replace("\r", "\n"))


def _begins_like_json(value: Any) -> bool:
    return isinstance(value, str) and value.lstrip()[:1] in ("{", "[")


def _open(text: str, *, max_chars: int = _MAX_CHARS) -> Any:
    """The object or list that a string holds; None if it holds none."""
    if not _begins_like_json(text) or len(text) > max_chars or text.rstrip()[-1:] not in ("}", "]"):
        return None
    value = parse_json(text)
    return value if isinstance(value, dict | list) and value else None


def _open_cell(text: Any) -> dict[str, Any] | None:
    value = _open(text) if isinstance(text, str) else None
    return value if isinstance(value, dict) else None


def _holds_rows(cells: Sequence[str], *, of: Iterable[str] = HEADER_WORDS | TEXT_WORDS) -> bool:
    """Whether nearly all filled cells are objects with a key that names a text or a label."""
    words = frozenset(of)
    filled = [cell for cell in cells if cell.strip()]
    opened = [item for cell in filled if (item := _open_cell(cell)) is not None]
    return (
        bool(opened)
        and len(opened) >= _MIN_OPENED * len(filled)
        and any(key.strip().casefold() in words for item in opened for key in item)
    )
