"""The frames in which edits go to the reader's child, and the changed file, or only its texts, come back. As ``wire``: no pickle."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from trainer.data.reader.wire import MAX_CELL_BYTES, BrokenWireError, pack_columns, receive, unpack_columns
from trainer.data.rewrite.edits import AddedColumn, Edits, Rewritten
from trainer.data.text_rows import TextRows


def pack_edits(edits: Edits) -> tuple[dict[str, Any], tuple[Any, ...]]:
    """Edits as JSON and the three frames that ``receive_edits`` reads: new cells with their rows, dropped rows, new columns."""
    rows = sorted(edits.cells)
    n_rows = len(edits.added[0].cells) if edits.added else 0
    frames = (
        pack_columns([[edits.cells[row] for row in rows]], rows),
        pack_columns([], sorted(edits.dropped)),
        pack_columns([column.cells for column in edits.added], list(range(n_rows))),
    )
    return {"column": edits.column, "added": [[column.name, column.kind] for column in edits.added]}, frames


def receive_edits(stream: BinaryIO, about: dict[str, Any]) -> Edits:
    """The edits that were packed, in the child."""
    (cells,), rows = unpack_columns(receive(stream, MAX_CELL_BYTES), 1)
    _, dropped = unpack_columns(receive(stream, MAX_CELL_BYTES), 0)
    columns, _ = unpack_columns(receive(stream, MAX_CELL_BYTES), len(about["added"]))
    added = tuple(AddedColumn(name, column, kind) for (name, kind), column in zip(about["added"], columns, strict=True))
    return Edits(about["column"], dict(zip(rows, cells, strict=True)), frozenset(dropped), added)


def receive_rewritten(stream: BinaryIO, about: dict[str, Any]) -> Rewritten:
    """The changed file. Raises BrokenWireError."""
    notes = about.get("notes")
    if not isinstance(notes, list):
        raise BrokenWireError("no notes")
    return Rewritten(receive(stream, MAX_CELL_BYTES), tuple(map(str, notes)))


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
