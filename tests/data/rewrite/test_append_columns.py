"""Columns appended slice by slice give the bytes of those appended at once."""

import io
import json
from collections.abc import Sequence
from dataclasses import asdict, replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.files.test_plain_text import csv_of, rows_of
from tests.readers import InProcessReader
from trainer.data.files import plain_parquet, plain_text
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits
from trainer.data.reader.file_reader import FileReader
from trainer.data.rewrite import columnar
from trainer.data.rewrite.edits import AddedColumn, Appending, Edits, WrittenAs
from trainer.data.rewrite.rewrite_file import rewrite, rewrite_as_csv
from trainer.errors import FileError

ROWS = 700
NEW = (
    AddedColumn("predicted label", [("joy", "=anger", "", 'so "so"')[n % 4] for n in range(ROWS)]),
    AddedColumn("confidence", [f"{n / ROWS:.4f}" if n % 4 != 2 else "" for n in range(ROWS)], "number"),
)
LIMITS = asdict(Limits())


def cells_of(columns: Sequence[AddedColumn]):
    given = [0]

    def take(rows: int) -> list[list[str]]:
        given[0] += rows
        return [list(column.cells[given[0] - rows : given[0]]) for column in columns]

    return take


def append(reader: InProcessReader | FileReader, data: bytes, written_as: WrittenAs = "itself", *, in_slices: bool = True) -> bytes:
    appending = Appending(tuple((column.name, column.kind) for column in NEW), ROWS, in_slices, written_as)
    sink = io.BytesIO()
    assert reader.append(data, appending, cells_of(NEW), sink, **LIMITS) == ()
    return sink.getvalue()


@pytest.mark.parametrize(("delimiter", "newline", "mark"), [(",", "\n", ""), (";", "\r\n", "\ufeff"), ("\t", "\n", "")])
def test_slice_by_slice_gives_the_bytes_of_the_whole(monkeypatch: pytest.MonkeyPatch, delimiter: str, newline: str, mark: str) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 4_000)
    rows = rows_of(ROWS)
    rows[300][1] = 'she said "no",\nand went'
    data = csv_of(rows, delimiter=delimiter, newline=newline, mark=mark)
    reader, edits = InProcessReader(), Edits(added=NEW)
    assert reader.read_texts(data, **LIMITS).rows.in_slices
    assert append(reader, data) == rewrite(data, edits, Limits()).data == append(reader, data, in_slices=False)
    for written_as in ("csv", "spreadsheet"):
        whole = rewrite_as_csv(read_table(data), edits, spreadsheet=written_as == "spreadsheet").data
        assert append(reader, data, written_as) == whole


def test_lines_of_json_slice_by_slice_give_the_bytes_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 4_000)
    rows = [json.dumps({"id": int(n), "text": text}, ensure_ascii=False) for n, text, _ in rows_of(ROWS)]
    data, reader, edits = "\ufeff".encode() + "\r\n".join(rows).encode(), InProcessReader(), Edits(added=NEW)
    assert reader.read_texts(data, **LIMITS).rows.in_slices
    assert append(reader, data) == rewrite(data, edits, Limits()).data == append(reader, data, in_slices=False)
    assert append(reader, data, "csv") == rewrite_as_csv(read_table(data), edits).data


def test_parquet_slice_by_slice_gives_the_bytes_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_parquet, "SLICE_ROWS", 200)
    monkeypatch.setattr(columnar, "SLICE_ROWS", 200)
    ids, texts, _ = zip(*rows_of(ROWS), strict=True)
    file = io.BytesIO()
    pq.write_table(pa.table({"id": list(map(int, ids)), "text": texts}), file, row_group_size=450, compression="zstd")
    data, reader, edits = file.getvalue(), InProcessReader(), Edits(added=NEW)
    packed = reader.read_texts(data, **LIMITS)
    assert (packed.rows.in_slices, len(packed.streams), packed.rows.rows) == (True, 5, ROWS)
    whole = rewrite(data, edits, Limits()).data
    found = append(reader, data)
    assert pq.read_table(io.BytesIO(found)).equals(pq.read_table(io.BytesIO(whole)))
    described, expected = (pq.ParquetFile(io.BytesIO(content)).metadata for content in (found, whole))
    assert described.num_row_groups == expected.num_row_groups == 2
    assert described.row_group(0).column(1).compression == "ZSTD"
    assert append(reader, data, "csv") == rewrite_as_csv(read_table(data), edits).data
    lists = io.BytesIO()
    pq.write_table(pa.table({"text": texts, "labels": [["joy"]] * ROWS}), lists)
    assert not reader.read_texts(lists.getvalue(), **LIMITS).rows.in_slices


def test_a_child_reads_and_writes_a_big_file_in_slices(reader: FileReader) -> None:
    rows = [[str(n), "so happy today and glad " * 60, "joy"] for n in range(ROWS + 800)]
    data = csv_of(rows)
    assert len(data) > 2 * plain_text.SLICE_BYTES
    packed = reader.read_texts(data, **LIMITS)
    assert (packed.rows.rows, packed.rows.in_slices, len(packed.streams)) == (len(rows), True, 2)
    assert reader.read_texts(data, with_texts=False, **LIMITS) == replace(packed, streams=())
    column = AddedColumn("predicted label", ["joy"] * len(rows))
    sink = io.BytesIO()
    appending = Appending((("predicted label", "text"),), len(rows), in_slices=True)
    reader.append(data, appending, cells_of([column]), sink, **LIMITS)
    assert sink.getvalue() == rewrite(data, Edits(added=(column,)), Limits()).data


def test_what_the_cells_or_the_sink_raise_is_raised_and_the_reader_goes_on(reader: FileReader) -> None:
    class Full(io.BytesIO):
        def write(self, _: bytes) -> int:
            raise OSError(28, "No space left on device")

    data, appending = csv_of(rows_of(20)), Appending((("label", "text"),), 20)
    with pytest.raises(OSError, match="No space"):
        reader.append(data, appending, lambda rows: [["joy"] * rows], Full(), **LIMITS)
    with pytest.raises(ZeroDivisionError):
        reader.append(data, appending, lambda rows: [[str(rows / 0)]], io.BytesIO(), **LIMITS)
    sink = io.BytesIO()
    reader.append(data, appending, lambda rows: [["joy"] * rows], sink, **LIMITS)
    assert sink.getvalue().count(b"joy") >= 20


def test_a_packed_file_is_written_at_once_in_its_own_form(reader: FileReader) -> None:
    import gzip

    rows = csv_of([[str(n), "so happy today and glad " * 60, "joy"] for n in range(1_500)])
    packed = gzip.compress(rows, 1)
    found = reader.read_texts(packed, **LIMITS).rows
    assert (found.rows, found.in_slices) == (1_500, False)


def test_another_file_than_the_one_that_was_read_is_refused() -> None:
    with pytest.raises(FileError) as caught:
        append(InProcessReader(), csv_of(rows_of(20)))
    assert caught.value.code == "not_rewritable"
