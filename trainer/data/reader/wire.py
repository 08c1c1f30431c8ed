"""What goes between a reader and its child: frames of bytes, in them JSON, and tables as Arrow IPC.

Pickles nothing: whoever writes these bytes can hand over a wrong table, but run nothing here.
"""

import json
import struct
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

from trainer.data.files.table import DroppedRow, ReaderWarning, Table

if TYPE_CHECKING:
    import pyarrow as pa

MAX_JSON_BYTES = 64 << 20
MAX_CELL_BYTES = 1 << 30
"""Bytes of a frame of JSON, and of one of cells. Both are far above what the limits of a file allow."""

_LENGTH = struct.Struct("<Q")
_SAMPLE_VALUES = 1_000  # values that tell whether a column repeats itself


class BrokenWireError(Exception):
    """The other side has ended in the middle, or sent what is no frame or no table."""


def send(stream: BinaryIO, *frames: bytes) -> None:
    """Write frames and flush them. Raises OSError where nobody reads."""
    for frame in frames:
        stream.write(_LENGTH.pack(len(frame)))
        stream.write(frame)
    stream.flush()


def receive(stream: BinaryIO, most: int) -> bytes:
    """The next frame, of at most ``most`` bytes."""
    (length,) = _LENGTH.unpack(_read_exactly(stream, _LENGTH.size))
    if length > most:
        raise BrokenWireError(f"a frame of {length} bytes")
    return _read_exactly(stream, length)


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise BrokenWireError("ended")
    return data


def send_json(stream: BinaryIO, facts: dict[str, Any]) -> None:
    """Write one frame of JSON."""
    send(stream, json.dumps(facts).encode())


def receive_json(stream: BinaryIO) -> dict[str, Any]:
    """The next frame, which must be a JSON object."""
    try:
        facts = json.loads(receive(stream, MAX_JSON_BYTES))
    except (ValueError, RecursionError) as error:
        raise BrokenWireError("no JSON") from error
    if not isinstance(facts, dict):
        raise BrokenWireError("no object")
    return facts


def packed(table: Table) -> "tuple[dict[str, Any], pa.Buffer, pa.Buffer]":
    """A table as the three frames that ``receive_table`` takes: its facts, its rows with their lines, its dropped rows."""
    facts = {
        "columns": table.columns,
        "encoding": table.encoding,
        "encoding_guessed": table.encoding_guessed,
        "delimiter": table.delimiter,
        "header": table.header,
        "warnings": [asdict(warning) for warning in table.warnings],
    }
    cells = zip(*table.rows, strict=True) if table.rows else [() for _ in table.columns]
    dropped = _pack([[row.reason for row in table.dropped]], [row.line for row in table.dropped])
    return {"table": facts}, _pack(cells, table.lines), dropped


def receive_table(stream: BinaryIO, facts: dict[str, Any]) -> Table:
    """The table whose facts have come already."""
    try:
        columns = tuple(map(str, facts["columns"]))
        cells, lines = _unpack(receive(stream, MAX_CELL_BYTES), len(columns))
        (reasons,), dropped = _unpack(receive(stream, MAX_CELL_BYTES), 1)
        return Table(
            columns=columns,
            rows=list(zip(*cells, strict=True)) if columns else [() for _ in lines],
            lines=lines,
            encoding=str(facts["encoding"]),
            encoding_guessed=bool(facts["encoding_guessed"]),
            delimiter=None if facts["delimiter"] is None else str(facts["delimiter"]),
            header=bool(facts["header"]),
            dropped=tuple(map(DroppedRow, dropped, reasons)),
            warnings=tuple(ReaderWarning(**warning) for warning in facts["warnings"]),
        )
    except BrokenWireError:
        raise
    except Exception as error:  # what strange bytes let pyarrow raise is of many kinds
        raise BrokenWireError("no table") from error


def _schema(texts: int) -> "pa.Schema":
    import pyarrow as pa

    kinds = [pa.string()] * texts + [pa.int64()]
    return pa.schema([pa.field(str(place), kind, nullable=False) for place, kind in enumerate(kinds)])


def _pack(columns: Any, lines: list[int]) -> "pa.Buffer":
    import pyarrow as pa

    arrays = [pa.array(column, pa.string()) for column in columns]
    batch = pa.record_batch([*arrays, pa.array(lines, pa.int64())], _schema(len(arrays)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def _unpack(data: bytes, texts: int) -> tuple[list[list[str]], list[int]]:
    """The columns of text, and the lines beside them; ValueError where the bytes are anything else."""
    import pyarrow as pa

    with pa.ipc.open_stream(pa.py_buffer(data)) as stream:
        if stream.schema != _schema(texts):
            raise ValueError("another schema")
        batch = stream.read_next_batch()
    batch.validate(full=True)
    if any(column.null_count for column in batch.columns):
        raise ValueError("cells are missing")
    *cells, lines = batch.columns
    return [_texts(column) for column in cells], lines.to_pylist()


def _texts(column: "pa.StringArray") -> list[str]:
    """The cells of a column. Where few values come back again and again, such as labels, each is in memory once."""
    some = column.slice(0, _SAMPLE_VALUES)
    if len(column) <= _SAMPLE_VALUES or len(some.unique()) > _SAMPLE_VALUES // 2:
        return column.to_pylist()
    encoded = column.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    return [words[place] for place in encoded.indices.to_pylist()]
