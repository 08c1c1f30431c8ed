"""Reads the texts of a file, in the reader's child process: of a big plain file slice by slice. Sends nothing."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from trainer.data.files.plain_json_lines import PlainJsonLines
from trainer.data.files.plain_text import NotPlainError
from trainer.data.files.read_table import Content, read_content
from trainer.data.files.sliced_files import SlicedFile, open_sliced
from trainer.data.files.table import Limits
from trainer.data.text_rows import TextRows, find_texts, join_cells

if TYPE_CHECKING:
    import pyarrow as pa


def read_texts(
    content: Content, limits: Limits, text_columns: Sequence[str | int] = (), **options: Any
) -> "tuple[TextRows, list[pa.StringArray]]":
    """What ``find_texts`` finds in the table of a file, the texts in parts; ``options`` are those of ``read_content``.

    A big plain file is read slice by slice: only the texts are all in memory at once, and the first slice says which column they are.
    """
    import pyarrow as pa

    plain = open_sliced(content.data, limits, **options)
    with suppress(NotPlainError):
        if plain is not None:
            rows, parts = _read_slices(plain, text_columns)
            return replace(rows, in_slices=True), parts
    rows, texts = find_texts(read_content(content, limits, **options), text_columns)
    return rows, [pa.array(texts, pa.string())]


def _read_slices(plain: SlicedFile, text_columns: Sequence[str | int]) -> "tuple[TextRows, list[pa.StringArray]]":
    import pyarrow as pa

    rows, _ = find_texts(plain.head, text_columns)
    if isinstance(plain, PlainJsonLines) and not all(plain.holds_text(rows.columns[position]) for position in rows.text):
        raise NotPlainError("texts in lists or objects")
    parts = [pa.array(join_cells(part.rows, rows.text), pa.string()) for part in plain.slices()]
    return replace(rows, rows=sum(map(len, parts))), parts
