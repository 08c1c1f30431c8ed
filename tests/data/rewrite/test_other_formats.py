"""Workbooks, JSON, Parquet, Arrow and packed files: the decided cells change, all else stays."""

import bz2
import gzip
import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits, Table
from trainer.data.rewrite.edits import AddedColumn, Edits
from trainer.data.rewrite.rewrite_file import rewrite
from trainer.data.rewrite.workbook import rewrite_workbook
from trainer.errors import FileError

LIMITS = Limits()
TEXTS = [
    "the room was cold",
    "what a lovely day",
    "nobody came to see us",
    "they sang all night",
    "I lost my keys again",
    "the soup was great",
]
LABELS = ["anger", "joy", "sadness", "joy", "anger", "joy"]
PAIRS = [*zip(TEXTS, LABELS, strict=True)]
EDITS = Edits(1, {0: "fear", 5: "a “new” <class>"}, frozenset({2}))
EXPECTED = [("the room was cold", "fear"), *PAIRS[1:2], *PAIRS[3:5], ("the soup was great", "a “new” <class>")]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_lines_of_json(newline: str) -> None:
    lines = [f'{{"id": {n}, "text":"{t}" ,  "label": "{name}", "more": {{"x": [1.50, null]}}}}' for n, (t, name) in enumerate(PAIRS)]
    source = newline.join([*lines, ""]).encode()
    edits = Edits(2, {0: 'a "b"', 3: "é"}, frozenset({1}))
    expected = [lines[0].replace('"anger"', '"a \\"b\\""'), lines[2], lines[3].replace('"joy"', '"é"'), *lines[4:]]
    assert rewrite(source, edits, LIMITS).data.decode() == newline.join([*expected, ""])


@pytest.mark.parametrize(("opening", "closing"), [("", ""), ('{"meta": {"n": 6}, "data": ', "}")])
def test_a_list_of_objects(opening: str, closing: str) -> None:
    rows = [{"data.text": t, "label": [name]} for t, name in PAIRS]
    text = opening + json.dumps(rows, indent=2) + closing
    expected = json.dumps(
        [{"data.text": t, "label": ["fear" if n == 0 else name]} for n, (t, name) in enumerate(PAIRS) if n not in (4, 5)], indent=2
    )
    result = rewrite(text.encode(), Edits(1, {0: "fear"}, frozenset({4, 5})), LIMITS)
    assert result.data.decode() == opening + expected + closing


def test_new_members_are_written_like_the_others() -> None:
    rows = [{"text": t, "label": n % 2} for n, (t, _) in enumerate(PAIRS)]
    added = (AddedColumn("class", LABELS), AddedColumn("confidence", ["0.25"] * 6, "number"), AddedColumn("cut", ["false"] * 6, "boolean"))
    expected = [row | {"class": name, "confidence": 0.25, "cut": False} for row, name in zip(rows, LABELS, strict=True)]
    assert rewrite(json.dumps(rows, indent=1).encode(), Edits(added=added), LIMITS).data.decode() == json.dumps(expected, indent=1)
    as_lines = "".join(json.dumps(row, separators=(",", ":")) + "\n" for row in rows)
    assert rewrite(as_lines.encode(), Edits(added=added), LIMITS).data.decode() == "".join(
        json.dumps(row, separators=(",", ":")) + "\n" for row in expected
    )
    assert rewrite(as_lines.encode(), Edits(1, {0: "1", 1: "x"}), LIMITS).data.decode().split("\n")[:2] == ['{"text":"the room was cold","label":1}', '{"text":"what a lovely day","label":"x"}']  # fmt: skip


def test_a_key_that_the_first_object_lacks_is_no_reason_to_refuse_new_columns() -> None:
    rows = [{"text": text} | ({"more": "x"} if number % 2 else {}) for number, text in enumerate(TEXTS)]
    added = (AddedColumn("label", LABELS), AddedColumn("confidence", ["0.5"] * 6, "number"))
    result = rewrite("".join(json.dumps(row) + "\n" for row in rows).encode(), Edits(added=added), LIMITS).data
    found = [json.loads(line) for line in result.decode().splitlines()]
    assert found == [row | {"label": label, "confidence": 0.5} for row, label in zip(rows, LABELS, strict=True)]


@pytest.mark.parametrize(
    "document",
    [
        {"joy": TEXTS[:3], "anger": TEXTS[3:]},
        {"text": TEXTS, "label": LABELS},
        {"text": dict(enumerate(TEXTS)), "label": dict(enumerate(LABELS))},
    ],
)
def test_json_in_other_shapes_is_refused_in_a_sentence(document: object) -> None:
    with pytest.raises(FileError, match="cannot be changed in its own form: its JSON") as refusal:
        rewrite(json.dumps(document).encode(), EDITS, LIMITS)
    assert refusal.value.code == "not_rewritable"


@pytest.mark.parametrize("label_type", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string()), pa.list_(pa.string())])
@pytest.mark.parametrize("compression", ["NONE", "ZSTD"])
def test_parquet(label_type: pa.DataType, compression: str) -> None:
    labels = [[label] for label in LABELS] if pa.types.is_list(label_type) else LABELS
    schema = pa.schema(
        [pa.field("n", pa.int16(), nullable=False, metadata={"unit": "rows"}), ("text", pa.string()), ("label", label_type)],
        {"made by": "hand"},
    )
    sink = io.BytesIO()
    column = pa.array(LABELS).dictionary_encode() if pa.types.is_dictionary(label_type) else pa.array(labels, label_type)
    pq.write_table(
        pa.table([pa.array(range(6), pa.int16()), pa.array(TEXTS), column], schema=schema), sink, row_group_size=4, compression=compression
    )
    source = sink.getvalue()
    result = rewrite(source, Edits(2, {0: "fear", 5: "awe"}, frozenset({2})), LIMITS).data
    before, after = pq.ParquetFile(io.BytesIO(source)), pq.ParquetFile(io.BytesIO(result))
    assert after.schema_arrow.equals(before.schema_arrow, check_metadata=True)
    assert [after.metadata.row_group(n).num_rows for n in range(after.num_row_groups)] == [3, 2]
    assert {after.metadata.row_group(0).column(c).compression for c in range(3)} == {
        "UNCOMPRESSED" if compression == "NONE" else compression
    }
    assert [row[0::2] for row in read_table(result).rows] == [("0", "fear"), ("1", "joy"), ("3", "joy"), ("4", "anger"), ("5", "awe")]


def test_a_label_beside_a_structure_is_changed_and_one_within_is_not() -> None:
    sink = io.BytesIO()
    docs = [{"text": text, "mood": label} for text, label in zip(TEXTS, LABELS, strict=True)]
    pq.write_table(pa.table({"doc": docs, "label": LABELS}), sink)
    assert read_table(sink.getvalue()).columns == ("doc.text", "doc.mood", "label")
    result = rewrite(sink.getvalue(), Edits(2, {0: "fear"}), LIMITS).data
    assert pq.read_table(io.BytesIO(result)).to_pylist() == [
        {"doc": doc, "label": "fear" if n == 0 else doc["mood"]} for n, doc in enumerate(docs)
    ]
    with pytest.raises(FileError, match="parts of structures"):
        rewrite(sink.getvalue(), Edits(1, {0: "fear"}), LIMITS)


@pytest.mark.parametrize("is_file", [True, False])
def test_arrow_with_names_of_classes(is_file: bool) -> None:
    features = {"text": {"dtype": "string", "_type": "Value"}, "label": {"names": ["anger", "joy", "sadness"], "_type": "ClassLabel"}}
    metadata = {"huggingface": json.dumps({"info": {"features": features}}), "other": "stays"}
    schema = pa.schema([("text", pa.string()), ("label", pa.int64())], metadata)
    numbers = [["anger", "joy", "sadness"].index(label) for label in LABELS]
    sink = io.BytesIO()
    with (pa.ipc.new_file if is_file else pa.ipc.new_stream)(sink, schema) as writer:
        writer.write_table(pa.table([TEXTS, numbers], schema=schema), max_chunksize=4)
    result = rewrite(sink.getvalue(), Edits(1, {0: "sadness", 1: "fear"}), LIMITS).data
    read = (pa.ipc.open_file if is_file else pa.ipc.open_stream)(io.BytesIO(result))
    assert (read.schema.types, read.schema.metadata[b"other"]) == (schema.types, b"stays")
    assert json.loads(read.schema.metadata[b"huggingface"])["info"]["features"]["label"]["names"][3] == "fear"
    assert read.read_all()["label"].to_pylist() == [2, 3, *numbers[2:]]


CSV = "text,label\n" + "".join(f"{t},{name}\n" for t, name in PAIRS)
CORRECTED = "text,label\n" + "".join(f"{t},{name}\n" for t, name in EXPECTED)


def test_packed_files() -> None:
    assert gzip.decompress(rewrite(gzip.compress(CSV.encode()), EDITS, LIMITS).data).decode() == CORRECTED
    assert bz2.decompress(rewrite(bz2.compress(CSV.encode()), EDITS, LIMITS).data).decode() == CORRECTED
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme.md", "about this")
        archive.writestr("rows.csv", CSV)
        archive.writestr("other.csv", "a,b\n1,2\n")
    with zipfile.ZipFile(io.BytesIO(rewrite(packed.getvalue(), EDITS, LIMITS).data)) as archive:
        assert archive.namelist() == ["readme.md", "rows.csv", "other.csv"]
        assert [archive.read(name).decode() for name in archive.namelist()] == ["about this", CORRECTED, "a,b\n1,2\n"]


def test_a_workbook_in_a_zip_and_a_list_of_several() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("book.xlsx", samples_workbook())
        archive.writestr("other.csv", "a,b\n1,2\n")
    with zipfile.ZipFile(io.BytesIO(rewrite(packed.getvalue(), EDITS, LIMITS).data)) as archive:
        assert [row[:2] for row in read_table(archive.read("book.xlsx")).rows] == EXPECTED
    lists = {name: [{"text": f"{name} {text}", "label": label} for text, label in PAIRS] for name in ("a", "b.c")}
    expected = json.dumps(lists | {"b.c": [{"text": "b.c the room was cold", "label": "fear"}, *lists["b.c"][1:]]})
    assert rewrite(json.dumps(lists).encode(), Edits(1, {0: "fear"}), LIMITS, part="b.c").data.decode() == expected


def test_a_folder_for_each_class_is_refused_in_a_sentence() -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for number in range(8):
            archive.writestr(f"{'joy' if number % 2 else 'anger'}/{number}.txt", f"a text of some words {number}")
    with pytest.raises(FileError, match="its labels are the names of folders"):
        rewrite(packed.getvalue(), EDITS, LIMITS)


def test_crosses_in_several_columns_are_refused_in_a_sentence() -> None:
    rows = "".join(
        f"{t},{'x' if n % 3 == 0 else ''},{'x' if n % 3 == 1 else ''},{'x' if n % 3 == 2 else ''}\n" for n, t in enumerate(2 * TEXTS)
    )
    source = ("text,anger,joy,fear\n" + rows).encode()
    assert read_table(source).columns[-1] == "choice"
    with pytest.raises(FileError, match="its labels are crosses"):
        rewrite(source, Edits(4, {0: "joy"}), LIMITS)


def test_a_workbook_keeps_all_but_the_cells() -> None:
    source = samples_workbook()
    result = rewrite(source, Edits(1, {0: "fear", 5: 'a "new" <class> & more'}, frozenset({2})), LIMITS)
    assert [row[:2] for row in read_table(result.data).rows] == [
        (t, name.replace("a “new” <class>", 'a "new" <class> & more')) for t, name in EXPECTED
    ]
    assert "empty rows" in result.notes[0]
    with zipfile.ZipFile(io.BytesIO(source)) as before, zipfile.ZipFile(io.BytesIO(result.data)) as after:
        assert after.namelist() == before.namelist()
        changed = [name for name in before.namelist() if before.read(name) != after.read(name)]
        assert changed == ["xl/worksheets/sheet1.xml", "xl/styles.xml"]
        sheet, styles = after.read("xl/worksheets/sheet1.xml").decode(), after.read("xl/styles.xml").decode()
        assert '<c r="B2" s="2" t="inlineStr">' in sheet
        assert '<c r="C3"><f>LEN(A3)</f><v>17</v></c>' in sheet
        assert all(part in styles for part in ('<cellXfs count="3">', 'fillId="2" applyFill="1"', '<fills count="3">'))


def test_new_columns_of_a_workbook() -> None:
    added = (AddedColumn("class", LABELS), AddedColumn("confidence", ["0.25"] * 6, "number"), AddedColumn("cut", ["false"] * 6, "boolean"))
    table = read_table(rewrite(samples_workbook(), Edits(added=added), LIMITS).data)
    assert table.columns == ("text", "label", "length", "class", "confidence", "cut")
    assert [row[3:] for row in table.rows] == [(label, "0.25", "FALSE") for label in LABELS]


def test_an_old_workbook_is_refused_in_a_sentence() -> None:
    table = Table((), [], [], "utf-8", False, None, True, ())
    with pytest.raises(FileError, match="old form"):
        rewrite_workbook(b"\xd0\xcf\x11\xe0", table, EDITS)


def samples_workbook() -> bytes:
    """A workbook as spreadsheet programs write it: shared texts, styles, a formula, a second sheet."""
    strings = ["text", "label", "length", *TEXTS, "anger", "joy", "sadness", "only a note"]
    rows = ['<row r="1"><c r="A1" t="s"><v>0</v></c><c r="B1" t="s"><v>1</v></c><c r="C1" t="s"><v>2</v></c></row>']
    for number, (text, label) in enumerate(PAIRS, 2):
        rows.append(
            f'<row r="{number}" spans="1:3"><c r="A{number}" t="s"><v>{strings.index(text)}</v></c><c r="B{number}" s="1" t="s"><v>{strings.index(label)}</v></c>'
            f'<c r="C{number}"><f>LEN(A{number})</f><v>{len(text)}</v></c></row>'
        )
    main = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
    relations = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType="{kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="{kind}.worksheet+xml"/><Override PartName="/xl/worksheets/sheet2.xml" ContentType="{kind}.worksheet+xml"/><Override PartName="/xl/styles.xml" ContentType="{kind}.styles+xml"/><Override PartName="/xl/sharedStrings.xml" ContentType="{kind}.sharedStrings+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{relations}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {main} xmlns:r="{relations}"><sheets><sheet name="Rows &amp; more" sheetId="1" r:id="rId1"/><sheet name="Notes" sheetId="2" r:id="rId2"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" Type="{relations}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2" Type="{relations}/worksheet" Target="/xl/worksheets/sheet2.xml"/><Relationship Id="rId3" Type="{relations}/styles" Target="styles.xml"/><Relationship Id="rId4" Type="{relations}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet {main}><dimension ref="A1:C7"/><sheetData>{"".join(rows)}</sheetData></worksheet>',
        "xl/worksheets/sheet2.xml": f'<worksheet {main}><sheetData><row r="1"><c r="A1" t="s"><v>12</v></c></row></sheetData></worksheet>',
        "xl/styles.xml": f'<styleSheet {main}><fonts count="1"><font><sz val="11"/></font></fonts><fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills><borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs><cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"><alignment wrapText="1"/></xf></cellXfs></styleSheet>',
        "xl/sharedStrings.xml": f"<sst {main}>{''.join(f'<si><t>{string}</t></si>' for string in strings)}</sst>",
    }  # fmt: skip
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()
