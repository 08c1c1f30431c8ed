"""Columns appended slice by slice give the bytes of those appended at once."""

import bz2
import csv
import gzip
import io
import json
import lzma
import re
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, replace

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.data.files.samples import make_zip
from tests.data.files.test_plain_text import csv_of, rows_of
from tests.data.files.test_plain_workbook import changed, long_workbook, parts_of
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


@pytest.mark.parametrize(
    ("delimiter", "newline", "quote", "encoding", "above"),
    [
        (",", "\n", '"', "utf-8", ""),
        (";", "\r\n", '"', "utf-8-sig", "sep=;\r\n"),
        ("\t", "\n", '"', "utf-8", ""),
        (";", "\r\n", '"', "cp1252", "Export of 3 May\r\n\r\n"),
        ("\t", "\r\n", '"', "utf-16", ""),
        (",", "\n", "'", "utf-8", ""),
        ("::", "\n", "", "cp1251", ""),
    ],
)
def test_slice_by_slice_gives_the_bytes_of_the_whole(
    monkeypatch: pytest.MonkeyPatch, delimiter: str, newline: str, quote: str, encoding: str, above: str
) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 4_000)
    rows = rows_of(ROWS)
    for row in rows if encoding.startswith("cp") else ():
        row[1] = row[1].encode(encoding, "ignore").decode(encoding) + (" вода и снег" if encoding == "cp1251" else " café")
    if quote:
        rows[300][1] = f"she said {quote}no{quote},\nand went"
        file = io.StringIO(newline="")
        lines = csv.writer(
            file, delimiter=delimiter, lineterminator=newline, quotechar=quote, quoting=csv.QUOTE_ALL if quote == "'" else csv.QUOTE_MINIMAL
        )
        lines.writerows([["id", "text", "id"], *rows])
        data = (above + file.getvalue()).encode(encoding)
    else:
        data = "".join(delimiter.join(row) + newline for row in [["id", "text", "label"], *rows]).encode(encoding)
    reader, edits = InProcessReader(), Edits(added=NEW)
    assert reader.read_texts(data, **LIMITS).rows.in_slices
    assert append(reader, data) == rewrite(data, edits, Limits()).data == append(reader, data, in_slices=False)
    for written_as in ("csv", "spreadsheet"):
        whole = rewrite_as_csv(read_table(data), edits, spreadsheet=written_as == "spreadsheet").data
        assert append(reader, data, written_as) == whole


def test_lines_of_json_slice_by_slice_give_the_bytes_of_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 4_000)
    rows = [
        json.dumps({"id": int(n), "text": text, "more": {"a": [1, None], "b": n}, "tags": [label]}, ensure_ascii=False)
        for n, text, label in rows_of(ROWS)
    ]
    data, reader, edits = "\ufeff".encode() + "\r\n".join(rows).encode(), InProcessReader(), Edits(added=NEW)
    assert reader.read_texts(data, **LIMITS).rows.in_slices
    assert append(reader, data) == rewrite(data, edits, Limits()).data == append(reader, data, in_slices=False)
    assert append(reader, data, "csv") == rewrite_as_csv(read_table(data), edits).data
    nested = "\n".join(json.dumps({"id": number, "doc": {"text": row[1]}}) for number, row in enumerate(rows_of(ROWS)))
    assert not reader.read_texts(nested.encode(), **LIMITS).rows.in_slices


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


def test_a_letter_that_the_encoding_lacks_is_refused_and_the_rows_as_csv_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 4_000)
    data = csv_of([[str(n), f"café {n} so happy today", "joy"] for n in range(ROWS)]).decode().encode("cp1252")
    column = AddedColumn("predicted label", ["радость"] * ROWS)
    appending = Appending((("predicted label", "text"),), ROWS, in_slices=True)
    with pytest.raises(FileError) as caught:
        InProcessReader().append(data, appending, cells_of([column]), io.BytesIO(), **LIMITS)
    assert caught.value.code == "letter_not_in_encoding"
    sink = io.BytesIO()
    InProcessReader().append(data, replace(appending, written_as="csv"), cells_of([column]), sink, **LIMITS)
    assert read_table(sink.getvalue()).rows[ROWS - 1] == (str(ROWS - 1), f"café {ROWS - 1} so happy today", "joy", "радость")


@pytest.mark.parametrize("shared", [True, False])
def test_a_workbook_slice_by_slice_has_the_parts_of_the_whole(monkeypatch: pytest.MonkeyPatch, shared: bool) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 8_000)
    data, reader, edits = long_workbook(ROWS, shared=shared), InProcessReader(), Edits(added=NEW)
    packed = reader.read_texts(data, **LIMITS)
    assert (packed.rows.in_slices, packed.rows.rows, packed.rows.part, packed.rows.parts) == (True, ROWS, "Rows", ("Rows", "Notes"))
    assert len(packed.streams) > 5
    found, whole = append(reader, data), rewrite(data, edits, Limits()).data
    with (
        zipfile.ZipFile(io.BytesIO(found)) as sliced,
        zipfile.ZipFile(io.BytesIO(whole)) as at_once,
        zipfile.ZipFile(io.BytesIO(data)) as old,
    ):
        assert sliced.namelist() == at_once.namelist() == old.namelist()
        assert [name for name in old.namelist() if sliced.read(name) != at_once.read(name)] == []
        assert [name for name in old.namelist() if sliced.read(name) != old.read(name)] == ["xl/worksheets/sheet1.xml"]
    width = len(read_table(data).columns)
    assert [row[:width] for row in read_table(found).rows] == read_table(data).rows
    assert append(reader, data, "csv") == rewrite_as_csv(read_table(data), edits).data


@pytest.mark.parametrize("in_slices", [True, False])
def test_empty_cells_beside_a_table_make_room_and_filled_ones_are_refused(monkeypatch: pytest.MonkeyPatch, in_slices: bool) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 8_000 if in_slices else 1 << 20)
    framed = r'<c r="G\1" s="1"/><c r="H\1" s="1"/><c r="XFD\1" s="1"/></row>'
    data = changed(long_workbook(ROWS), lambda xml: re.sub(r'(?<=row r=")(\d+)(".*?)</row>', rf"\1\2{framed}", xml))
    table = read_table(data)
    found = append(InProcessReader(), data, in_slices=in_slices)
    assert [row[: len(table.columns)] for row in read_table(found).rows] == table.rows
    assert [row[-2:] for row in read_table(found).rows[:3]] == [("joy", "0"), ("=anger", "0.0014"), ("", "")]
    first = re.search(r'<row r="2">.*?</row>', parts_of(found)["xl/worksheets/sheet1.xml"])
    assert first is not None
    assert re.findall(r'<c r="([G-Z]\w*)"( s="1")?', first[0]) == [("G2", ' s="1"'), ("H2", ""), ("XFD2", ' s="1"')]
    filled = changed(data, lambda xml: xml.replace('<c r="H400" s="1"/>', '<c r="H400" t="e"><f>1/0</f></c>'))
    with pytest.raises(FileError, match="cells to the right of the table"):
        append(InProcessReader(), filled, in_slices=in_slices)


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


@pytest.mark.parametrize("packed", ["gzip", "bzip2", "xz", "zip"])
def test_a_packed_file_is_read_and_written_in_slices_and_packed_again(monkeypatch: pytest.MonkeyPatch, packed: str) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 4_000)
    rows, edits = csv_of(rows_of(ROWS)), Edits(added=NEW)
    pack = {"gzip": gzip.compress, "bzip2": bz2.compress, "xz": lzma.compress, "zip": lambda content: make_zip({"rows.csv": content})}[
        packed
    ]
    unpack = {
        "gzip": gzip.decompress,
        "bzip2": bz2.decompress,
        "xz": lzma.decompress,
        "zip": lambda data: parts_of(data)["rows.csv"].encode(),
    }[packed]
    data, reader = pack(rows), InProcessReader()
    assert reader.read_texts(data, **LIMITS).rows.in_slices
    assert unpack(append(reader, data)) == unpack(append(reader, data, in_slices=False)) == rewrite(rows, edits, Limits()).data
    assert append(reader, data, "csv") == rewrite_as_csv(read_table(rows), edits).data


def test_another_file_than_the_one_that_was_read_is_refused() -> None:
    with pytest.raises(FileError) as caught:
        append(InProcessReader(), csv_of(rows_of(20)))
    assert caught.value.code == "not_rewritable"
