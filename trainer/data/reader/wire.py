"""The protocol between a reader and its child: frames of bytes that hold JSON, or tables as Arrow IPC.

Uses no pickle: a compromised child can send a wrong table, but cannot run code in the parent.
"""

import json
import struct
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, BinaryIO

from trainer.data.files.table import DroppedRow, Part, ReaderWarning, Table

if TYPE_CHECKING:
    import pyarrow as pa

MAX_JSON_BYTES = 64 << 20
MAX_CELL_BYTES = 1 << 30
"""Maximum bytes of a JSON frame and of a frame of cells, both far above what the file limits allow."""

_LENGTH = struct.Struct("<Q")
_SAMPLE_VALUES = 1_000  # values that show whether a column has many repeated ones


class BrokenWireError(Exception):
    """The other side ended early or sent an invalid frame or table."""


def send(stream: BinaryIO, *frames: bytes) -> None:
    """Write frames and flush them. Raises OSError if the other side is closed."""
    for frame in frames:
        stream.write(_LENGTH.pack(len(frame)))
        stream.write(frame)
    stream.flush()


def receive(stream: BinaryIO, max_bytes: int) -> bytes:
    """The next frame, of at most ``most`` bytes."""
    (length,) = _LENGTH.unpack(_read_exactly(stream, _LENGTH.size))
    if length > max_bytes:
        raise BrokenWireError(f"a frame of {length} bytes")
    return _read_exactly(stream, length)


def _read_exactly(stream: BinaryIO, length: int) -> bytes:
    data = stream.read(length)
    if len(data) < length:
        raise BrokenWireError("ended")
    return data


def send_json(stream: BinaryIO, value: dict[str, Any]) -> None:
    """Write one frame of JSON."""
    send(stream, json.dumps(value).encode())


def receive_json(stream: BinaryIO) -> dict[str, Any]:
    """The next frame, which must be a JSON object."""
    try:
        value = json.loads(receive(stream, MAX_JSON_BYTES))
    except (ValueError, RecursionError) as error:
        raise BrokenWireError("not JSON") from error
    if not isinstance(value, dict):
        raise BrokenWireError("not an object")
    return value


def pack_table(table: Table) -> "tuple[dict[str, Any], pa.Buffer, pa.Buffer]":
    """A table as the three frames that ``receive_table`` reads: metadata, rows with their lines, dropped rows."""
    metadata = {
        "columns": table.columns,
        "encoding": table.encoding,
        "encoding_guessed": table.encoding_guessed,
        "delimiter": table.delimiter,
        "header": table.header,
        "part": table.part,
        "parts": [asdict(part) for part in table.parts],
        "header_line": table.header_line,
        "warnings": [asdict(warning) for warning in table.warnings],
    }
    cells = zip(*table.rows, strict=True) if table.rows else [() for _ in table.columns]
    dropped = pack_columns([[row.reason for row in table.dropped]], [row.line for row in table.dropped])
    return {"table": metadata}, pack_columns(cells, table.lines), dropped


def receive_table(stream: BinaryIO, metadata: dict[str, Any]) -> Table:
    """The rest of a table whose metadata is received already. Raises BrokenWireError."""
    try:
        columns = tuple(map(str, metadata["columns"]))
        cells, lines = unpack_columns(receive(stream, MAX_CELL_BYTES), len(columns))
        (reasons,), dropped = unpack_columns(receive(stream, MAX_CELL_BYTES), 1)
        return Table(
            columns=columns,
            rows=list(zip(*cells, strict=True)) if columns else [() for _ in lines],
            lines=lines,
            encoding=str(metadata["encoding"]),
            encoding_guessed=bool(metadata["encoding_guessed"]),
            delimiter=None if metadata["delimiter"] is None else str(metadata["delimiter"]),
            header=bool(metadata["header"]),
            dropped=tuple(map(DroppedRow, dropped, reasons)),
            warnings=tuple(ReaderWarning(**warning) for warning in metadata["warnings"]),
            part=None if metadata["part"] is None else str(metadata["part"]),
            parts=tuple(Part(**part) for part in metadata["parts"]),
            header_line=None if metadata["header_line"] is None else int(metadata["header_line"]),
        )
    except BrokenWireError:
        raise
    except Exception as error:  # pyarrow raises many types for invalid bytes
        raise BrokenWireError("not a table") from error


def _schema(texts: int) -> "pa.Schema":
    import pyarrow as pa

    types = [pa.string()] * texts + [pa.int64()]
    return pa.schema([pa.field(str(index), type_, nullable=False) for index, type_ in enumerate(types)])


def pack_columns(columns: Any, lines: Sequence[int]) -> "pa.Buffer":
    """Columns of text and a column of numbers as a frame."""
    import pyarrow as pa

    arrays = [column if isinstance(column, pa.Array) else pa.array(column, pa.string()) for column in columns]
    batch = pa.record_batch([*arrays, pa.array(lines, pa.int64())], _schema(len(arrays)))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue()


def unpack_columns(data: bytes, texts: int) -> tuple[list[list[str]], list[int]]:
    """The text columns and the line numbers; raises ValueError for any other bytes."""
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
    """The cells of a column. If few values repeat, as labels do, each is in memory once."""
    sample = column.slice(0, _SAMPLE_VALUES)
    if len(column) <= _SAMPLE_VALUES or len(sample.unique()) > _SAMPLE_VALUES // 2:
        return column.to_pylist()
    encoded = column.dictionary_encode()
    values = encoded.dictionary.to_pylist()
    return [values[index] for index in encoded.indices.to_pylist()]
