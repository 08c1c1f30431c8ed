"""The other columns of a file that divide its rows into a few groups: a source, a language, a year. A run keeps them to score each group.

A training does not read them.
"""

from collections.abc import Collection

from trainer.data.corpus import Corpus
from trainer.data.files.table import Table

MAX_GROUPS = 20
_MIN_FILLED = 0.5
_MAX_VALUE_CHARS = 80
_MAX_COLUMNS = 10


def find_kept_columns(table: Table, used: Collection[int], corpus: Corpus) -> dict[str, tuple[str, ...]]:
    """The values of each column with 2 to 20 different ones, one for each row of the corpus, by the column's name.

    ``used`` are the positions of the columns that are text or label. An empty text stands for an empty cell, and for rows of another file. At most
    ten columns, of which at least half of the cells are filled.
    """
    is_main = [True] * len(corpus) if corpus.files is None else [file == "main" for file in corpus.files]
    source_rows = [row if main else None for row, main in zip(corpus.source_rows.tolist(), is_main, strict=True)]
    kept: dict[str, tuple[str, ...]] = {}
    for position, name in enumerate(table.columns):
        if position in used or len(kept) == _MAX_COLUMNS:
            continue
        values = _values(table, position, source_rows)
        if values is not None:
            kept[name] = values
    return kept


def _values(table: Table, position: int, source_rows: list[int | None]) -> tuple[str, ...] | None:
    seen: set[str] = set()
    values = []
    for row in source_rows:
        value = "" if row is None or position >= len(table.rows[row]) else table.rows[row][position].strip()
        if value not in seen:
            seen.add(value)
            if len(seen) > MAX_GROUPS + 1 or len(value) > _MAX_VALUE_CHARS:
                return None
        values.append(value)
    filled = sum(value != "" for value in values)
    groups = len(seen - {""})
    return tuple(values) if 2 <= groups <= MAX_GROUPS and filled >= _MIN_FILLED * len(values) else None
