"""The texts of a file as they come back from the reader's child and are stored: a stream of Arrow. As ``wire``: no pickle.

Only the server imports this: the child needs neither columns nor a corpus to read a table, and starts sooner without them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from trainer.data.reader.wire import MAX_CELL_BYTES, BrokenWireError, receive
from trainer.data.text_rows import TextRows


@dataclass(frozen=True)
class PackedTexts:
    """The texts of a file as a stream of Arrow, which can be stored and read in slices."""

    rows: TextRows
    stream: bytes


def receive_texts(stream: BinaryIO, about: dict[str, Any]) -> PackedTexts:
    """The texts of a file. Raises BrokenWireError."""
    try:
        rows = TextRows(
            columns=tuple(map(str, about["columns"])),
            text=tuple(map(int, about["text"])),
            reason=str(about["reason"]),
            rows=int(about["rows"]),
            rows_dropped=int(about["rows_dropped"]),
            header=bool(about["header"]),
        )
        packed = receive(stream, MAX_CELL_BYTES)
        with open_texts(packed) as slices:
            if len(slices) != rows.rows or not all(0 <= position < len(rows.columns) for position in rows.text):
                raise BrokenWireError("not the texts of its rows")
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenWireError("not texts") from error
    return PackedTexts(rows, packed)


class TextSlices:
    """Texts in a stream of Arrow, of which only the slices that are asked for become strings."""

    def __init__(self, column: Any) -> None:
        self._column = column

    def __len__(self) -> int:
        return len(self._column)

    def texts(self, start: int, end: int) -> list[str]:
        """The texts of the rows from ``start`` to ``end``, which is exclusive."""
        return self._column.slice(start, max(0, end - start)).to_pylist()


@contextmanager
def open_texts(source: bytes | Path) -> Iterator[TextSlices]:
    """The texts in a stream, or in a file of it, which is mapped into memory. Raises ValueError for anything else."""
    import pyarrow as pa

    try:
        buffer = pa.memory_map(str(source)) if isinstance(source, Path) else pa.BufferReader(source)
        with buffer, pa.ipc.open_stream(buffer) as stream:
            if stream.schema.types != [pa.string(), pa.int64()]:
                raise ValueError("another schema")
            batch = stream.read_next_batch()
            batch.validate(full=True)
            if batch.column(0).null_count:
                raise ValueError("texts are missing")
            yield TextSlices(batch.column(0))
    except (pa.ArrowException, OSError, StopIteration) as error:
        raise ValueError("no stream of texts") from error
