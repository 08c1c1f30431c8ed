"""A big Parquet file of texts, numbers, yes and no, read slice by slice: the rows of ``read_content``, without all of them in memory at once.

What the reader decides by all rows (lists, structures, rows that are left out) is not plain. Columns of a row group are in memory, as Arrow.
"""

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from trainer.data.files.parquet import check_parquet_size, refuse_large_footer
from trainer.data.files.plain_json_lines import BRACKETS
from trainer.data.files.plain_text import NotPlainError, Slice
from trainer.data.files.read_table import open_content, read_content
from trainer.data.files.table import Limits, Table
from trainer.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa

SLICE_ROWS = 8_192
"""Of a slice at most; a file of fewer than two of them is not read in slices."""


class PlainParquet:
    """A plain Parquet file. ``head``: the table of its first slice, as the reader makes it."""

    def __init__(self, data: bytes, limits: Limits, head: Table) -> None:
        self.data = data
        self.head = head
        self._limits = limits

    def slices(self) -> Iterator[Slice]:
        """All rows, in order. Raises NotPlainError as soon as something is odd."""
        chars = 0
        for group in row_groups(self.data, as_dictionaries=True):
            for start in range(0, len(group), SLICE_ROWS):
                part = self._parse(group.slice(start, SLICE_ROWS))
                chars += sum(len(cell) for row in part.rows for cell in row)
                if chars > self._limits.max_chars:
                    raise NotPlainError("too much text")
                yield part

    def _parse(self, part: "pa.Table") -> Slice:
        try:
            table = _read(part, self._limits)
        except UserError as error:
            raise NotPlainError(error.message) from error
        if table.columns != self.head.columns or table.warnings or table.dropped or len(table.rows) != len(part):
            raise NotPlainError("rows that are left out or put in order")
        if any(map(_has_brackets, part.columns)):
            raise NotPlainError("lists in cells")
        return Slice("", table.rows, table.lines)


def _has_brackets(column: "pa.ChunkedArray") -> bool:
    """Whether a cell of a column may be a list or an object. As written: of a read one they may be gone."""
    import pyarrow.compute as pc
    import pyarrow.types as types

    values = column.cast(column.type.value_type) if types.is_dictionary(column.type) else column
    if not (types.is_string(values.type) or types.is_large_string(values.type)):
        return False
    return bool(pc.any(pc.match_substring_regex(values, rf"^\s*[{re.escape(BRACKETS)}]")).as_py())


def open_plain_parquet(data: bytes, limits: Limits, **options: object) -> PlainParquet | None:
    """The file, if it has columns of plain types and its beginning is plain; whether the rest is, its slices tell."""
    if any(value is not None for value in options.values()) or not data.startswith(b"PAR1"):
        return None
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyarrow.types as types

    try:
        refuse_large_footer(data)
        file = pq.ParquetFile(pa.BufferReader(data))
        if file.metadata.num_rows < 2 * SLICE_ROWS or any(
            types.is_nested(kind) or types.is_string_view(kind) for kind in file.schema_arrow.types
        ):
            return None
        check_parquet_size(file.metadata, limits)
        head = _read(next(row_groups(data, as_dictionaries=True)).slice(0, SLICE_ROWS), limits)
        plain = PlainParquet(data, limits, head)
        next(plain.slices())
    except (pa.ArrowException, OSError, ValueError, NotPlainError, UserError):
        return None
    return plain


def row_groups(data: bytes, *, as_dictionaries: bool = False) -> "Iterator[pa.Table]":
    """The row groups of a Parquet file. ``as_dictionaries``: a long text that is repeated is in memory once."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(data))
    if as_dictionaries:
        file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=file.schema_arrow.names)
    for number in range(file.num_row_groups):
        try:
            yield file.read_row_group(number, use_threads=False)
        except (pa.ArrowException, OSError, ValueError) as error:
            raise NotPlainError("a damaged row group") from error


def _read(part: "pa.Table", limits: Limits) -> Table:
    """A part of the file, read as a file of its own."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(part, sink)
    return read_content(open_content(sink.getvalue().to_pybytes(), limits), limits)
