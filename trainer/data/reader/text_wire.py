"""The texts of a file as they come back from the reader's child and are stored: batches of Arrow. As ``wire``: no pickle.

Only the server imports this: the child needs neither columns nor a corpus to read a table, and starts sooner without them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from trainer.atomic import open_atomic
from trainer.data.reader.wire import MAX_CELL_BYTES, BrokenWireError, receive
from trainer.data.text_rows import TextRows

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class PackedTexts:
    """Where the texts of a file are, and the texts themselves, if they were asked for: streams of Arrow, each with the next ones."""

    rows: TextRows
    streams: tuple[bytes, ...] = ()

    def store(self, path: Path) -> None:
        """Write the texts as a file of Arrow, which ``open_texts`` reads in slices. Raises OSError."""
        import pyarrow as pa

        schema = pa.schema([pa.field("text", pa.string(), nullable=False)])
        with open_atomic(path) as file, pa.ipc.new_file(file, schema) as writer:
            for stream in self.streams:
                writer.write_batch(pa.record_batch([_batch(stream).column(0)], schema))


def receive_texts(stream: BinaryIO, reply: dict[str, Any]) -> PackedTexts:
    """The texts of a file. Raises BrokenWireError."""
    try:
        about = reply["texts"]
        rows = TextRows(
            columns=tuple(map(str, about["columns"])),
            text=tuple(map(int, about["text"])),
            reason=str(about["reason"]),
            rows=int(about["rows"]),
            rows_dropped=int(about["rows_dropped"]),
            header=bool(about["header"]),
            in_slices=bool(about["in_slices"]),
            part=None if about["part"] is None else str(about["part"]),
            parts=tuple(map(str, about["parts"])),
        )
        streams = tuple(receive(stream, MAX_CELL_BYTES) for _ in range(int(reply["frames"])))
        if not all(0 <= position < len(rows.columns) for position in rows.text):
            raise BrokenWireError("not the columns of its texts")
        if streams and sum(len(_batch(packed)) for packed in streams) != rows.rows:
            raise BrokenWireError("not the texts of its rows")
    except (KeyError, TypeError, ValueError) as error:
        raise BrokenWireError("not texts") from error
    return PackedTexts(rows, streams)


class TextSlices:
    """Texts in a file of Arrow, of which only the batches that are asked for are read."""

    def __init__(self, file: "pa.ipc.RecordBatchFileReader") -> None:
        self._file = file
        self._ends = np.cumsum([file.get_batch(number).num_rows for number in range(file.num_record_batches)])

    def __len__(self) -> int:
        return int(self._ends[-1]) if len(self._ends) else 0

    def texts(self, start: int, end: int) -> list[str]:
        """The texts of the rows from ``start`` to ``end``, which is exclusive."""
        texts: list[str] = []
        while start < min(end, len(self)):
            number = int(np.searchsorted(self._ends, start, side="right"))
            column = self._file.get_batch(number).column(0)
            first = int(self._ends[number]) - len(column)
            taken = column.slice(start - first, end - start).to_pylist()
            texts += taken
            start += len(taken)
        return texts


@contextmanager
def open_texts(path: Path) -> Iterator[TextSlices]:
    """The texts in a file that ``PackedTexts.store`` has written. Raises ValueError for anything else."""
    import pyarrow as pa

    try:
        # Not mapped into memory: pages that were read would stay in it.
        with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
            if file.schema.types != [pa.string()]:
                raise ValueError("another schema")
            slices = TextSlices(file)
            yield slices
    except (pa.ArrowException, OSError) as error:
        raise ValueError("no file of texts") from error


def _batch(stream: bytes) -> "pa.RecordBatch":
    """The only batch of a stream. Raises ValueError for anything else."""
    import pyarrow as pa

    try:
        with pa.ipc.open_stream(stream) as reader:
            batch = reader.read_next_batch()
        batch.validate(full=True)
    except (pa.ArrowException, OSError, StopIteration) as error:
        raise ValueError("no stream of texts") from error
    if batch.schema.types != [pa.string(), pa.int64()] or batch.column(0).null_count:
        raise ValueError("another schema")
    return batch
