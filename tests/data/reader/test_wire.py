"""The wire: a table is received as sent, and invalid bytes are an error."""

import io
import json

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.files.table import DroppedRow, ReaderWarning, Table
from trainer.data.reader.wire import BrokenWireError, pack_table, receive, receive_json, receive_table, send, send_json

_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
_lines = st.integers(1, 2**40)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    width, n_rows = draw(st.integers(0, 4)), draw(st.integers(0, 8))
    return Table(
        columns=tuple(draw(st.lists(_text, min_size=width, max_size=width))),
        rows=draw(st.lists(st.tuples(*[_text] * width), min_size=n_rows, max_size=n_rows)),
        lines=draw(st.lists(_lines, min_size=n_rows, max_size=n_rows)),
        encoding=draw(_text),
        encoding_guessed=draw(st.booleans()),
        delimiter=draw(st.none() | _text),
        header=draw(st.booleans()),
        dropped=tuple(draw(st.lists(st.builds(DroppedRow, _lines, _text), max_size=4))),
        warnings=tuple(
            draw(
                st.lists(st.builds(ReaderWarning, _text, st.sampled_from(["ok", "warning"]), _lines, _text, st.none() | _lines), max_size=3)
            )
        ),
    )


def through_the_wire(table: Table) -> Table:
    stream = io.BytesIO()
    metadata, *cells = pack_table(table)
    send_json(stream, metadata)
    send(stream, *cells)
    stream.seek(0)
    received = receive_table(stream, receive_json(stream)["table"])
    assert stream.read() == b""
    return received


@given(table=tables())
def test_a_table_arrives_as_it_was_sent(table: Table) -> None:
    assert through_the_wire(table) == table


def test_a_column_whose_values_come_back_has_each_of_them_in_memory_once() -> None:
    rows = [(f"text {n}", f"label {n % 3}") for n in range(5_000)]
    table = Table(("text", "label"), rows, list(range(5_000)), "utf-8", False, ",", True, ())
    received = through_the_wire(table)
    assert received == table
    assert len({id(label) for _, label in received.rows}) == 3


METADATA = {"columns": ["a"], "encoding": "utf-8", "encoding_guessed": False, "delimiter": None, "header": True, "warnings": []}


def batch(*columns: pa.Array, nullable: bool = False) -> bytes:
    schema = pa.schema([pa.field(str(index), column.type, nullable=nullable) for index, column in enumerate(columns)])
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, schema) as writer:
        writer.write_batch(pa.record_batch(list(columns), schema=schema))
    return sink.getvalue().to_pybytes()


def texts(*values: str | None) -> pa.Array:
    return pa.array(values, pa.string())


def numbers(*values: int) -> pa.Array:
    return pa.array(values, pa.int64())


def not_utf8() -> pa.Array:
    return pa.StringArray.from_buffers(1, pa.py_buffer(b"\0" * 4 + b"\2" + b"\0" * 3), pa.py_buffer(b"\xff\xff"))


def offsets_beyond() -> bytes:
    """A table whose only text ends far behind its bytes, according to its offsets."""
    valid, end = batch(texts("abcde"), numbers(1)), bytes(4) + (5).to_bytes(4, "little")
    position = valid.rindex(end) + 4
    return valid[:position] + (2**30).to_bytes(4, "little") + valid[position + 4 :]


@pytest.mark.parametrize(
    "cells",
    [
        b"",
        b"\xff" * 200,
        batch(texts("x"), numbers(1))[:-40],
        batch(texts("x")),
        batch(numbers(1), numbers(1)),
        batch(texts("x"), texts("1")),
        batch(texts("x"), texts("x"), numbers(1)),
        batch(texts(None), numbers(1), nullable=True),
        batch(not_utf8(), numbers(1)),
        offsets_beyond(),
    ],
    ids="empty noise short no-lines numbers text-lines two-columns missing not-utf8 beyond".split(),
)
def test_an_invalid_table_is_an_error(cells: bytes) -> None:
    stream = io.BytesIO()
    send(stream, cells, batch(texts(), numbers()))
    stream.seek(0)
    with pytest.raises(BrokenWireError):
        receive_table(stream, METADATA)


@pytest.mark.parametrize("metadata", [{}, {"columns": 3}, {**METADATA, "warnings": [{"code": "x"}]}, {**METADATA, "warnings": 1}])
def test_invalid_metadata_is_an_error(metadata: dict) -> None:
    stream = io.BytesIO()
    send(stream, batch(texts("x"), numbers(1)), batch(texts(), numbers()))
    stream.seek(0)
    with pytest.raises(BrokenWireError):
        receive_table(stream, metadata)


@pytest.mark.parametrize("sent", [b"", b"\1", b"\x08" + b"\0" * 7 + b"half", (2**60).to_bytes(8, "little") + b"x"])
def test_a_frame_that_is_cut_or_lies_about_its_length_is_an_error(sent: bytes) -> None:
    with pytest.raises(BrokenWireError):
        receive(io.BytesIO(sent), 1 << 20)


@pytest.mark.parametrize("sent", [b"[1]", b"{", b"[" * 100_000, json.dumps("x").encode()])
def test_metadata_must_be_an_object(sent: bytes) -> None:
    stream = io.BytesIO()
    send(stream, sent)
    stream.seek(0)
    with pytest.raises(BrokenWireError):
        receive_json(stream)
