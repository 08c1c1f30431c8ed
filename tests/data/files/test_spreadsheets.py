"""Workbooks: cells as displayed, the right sheet, and no harm from hostile files."""

import io
import zipfile

import pytest

from tests.data.files.samples import Day, make_workbook, make_zip
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Part
from trainer.errors import UserError

ROWS = [["text", "label"], ["I am so happy today", "joy"], ["this is a sad day", "sadness"], ["what a fine morning", "joy"]]


def test_cells_are_text_as_displayed():
    rows = [
        ["text", "label", "n", "when", "ok"],
        ["hello there you", "007", 1, Day(45293), True],
        ["two\nlines of text", "NA", 0.1, None, False],
        ["  blanks are kept ", "1.0", 2.50, Day(45293.5), True],
    ]
    table = read_table(make_workbook({"Sheet1": rows}))
    assert table.columns == ("text", "label", "n", "when", "ok")
    assert table.rows == [
        ("hello there you", "007", "1", "2024-01-02", "TRUE"),
        ("two\nlines of text", "NA", "0.1", "", "FALSE"),
        ("  blanks are kept ", "1.0", "2.5", "2024-01-02 12:00:00", "TRUE"),
    ]
    assert (table.encoding, table.encoding_guessed, table.delimiter, table.header, table.lines) == ("utf-8", False, None, True, [2, 3, 4])
    assert (table.dropped, table.warnings) == ((), ())


def test_a_title_above_the_table_and_empty_rows():
    table = read_table(make_workbook({"S": [["Survey of May"], [], *ROWS, [None, None], ["one more text here", "joy"]]}))
    assert (table.columns, table.lines) == (("text", "label"), [4, 5, 6, 8])
    assert [warning.code for warning in table.warnings] == ["preamble_skipped"]


def test_the_sheet_with_the_texts_is_read_and_the_others_are_named():
    summary = [["class", "count"], ["joy", 2], ["sadness", 1]] + [["x", n] for n in range(20)]
    table = read_table(make_workbook({"Summary": summary, "Answers": ROWS, "Notes": [["a note"]], "Empty": []}))
    assert table.columns == ("text", "label")
    (warning,) = table.warnings
    assert (warning.code, warning.severity, warning.count) == ("other_sheets", "warning", 2)
    assert "“Answers” was read" in warning.message
    assert "“Summary”, “Notes”" in warning.message


def test_a_hidden_sheet_is_read_last():
    table = read_table(make_workbook({"Old": ROWS + ROWS, "New": ROWS}, hidden=("Old",)))
    assert len(table.rows) == 3


def test_a_hidden_table_is_read_if_only_a_cover_is_visible():
    table = read_table(make_workbook({"Cover": [["Survey of 2024"], ["made by", "Ann"]], "Data": ROWS + ROWS[1:]}, hidden=("Data",)))
    assert (table.part, len(table.rows)) == ("Data", 6)
    assert "“Data”, which is hidden in the workbook, was read" in table.warnings[0].message


def test_limits_of_rows_columns_and_cells():
    data = make_workbook({"S": ROWS})
    assert len(read_table(data, max_rows=3).rows) == 3
    for limit, code in [({"max_rows": 1}, "too_many_rows"), ({"max_columns": 1}, "too_many_columns")]:
        with pytest.raises(UserError) as refusal:
            read_table(data, **limit)
        assert refusal.value.code == code
    table = read_table(data, max_cell_chars=18)
    assert [row.line for row in table.dropped] == [2, 4]
    assert table.rows_seen == 3


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (make_workbook({"S": []}), "empty_file"),
        (make_workbook({"S": ROWS})[:-200], None),
        (make_workbook({"S": ROWS})[:300], None),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "spreadsheet_file"),
        (b"PK\x03\x04 and nothing more", "compressed_file"),
        (make_zip({"xl/workbook.xml": "no workbook"}), "spreadsheet_file"),
        (make_zip({"xl/workbook.xml": b"\0" * 30_000_000}), "file_too_large"),
        (make_zip({"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": "<a/>"}), "not_a_table"),
        (make_zip({"word/document.xml": "<a/>"}), "not_a_table"),
    ],
)
def test_what_is_no_good_workbook_is_refused_kindly(data, code):
    with pytest.raises(UserError) as refusal:
        read_table(data)
    assert code in (None, refusal.value.code)
    assert refusal.value.message.endswith(".")


def test_a_cell_far_out_costs_no_memory(reader):
    far = '<row r="1048576"><c r="XFD1048576"><v>1</v></c></row><row r="1"><c r="A1"><v>1</v></c></row>'
    with pytest.raises(UserError, match="a cell far below or beside the table") as refusal:
        reader.read(make_workbook({"S": []}, xml=far))
    assert refusal.value.code == "spreadsheet_file"


def test_one_long_text_referenced_many_times_costs_no_memory(reader):
    shared = "<si><t>" + "x" * 1_000_000 + "</t></si>"
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 20_000))
    book = make_workbook({"S": []}, xml=cells)
    data = _with_part(
        book, "xl/sharedStrings.xml", f'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">{shared}</sst>'
    )
    with pytest.raises(UserError) as refusal:
        reader.read(data)
    assert refusal.value.code == "spreadsheet_file"


def _with_part(book: bytes, name: str, content: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    relation = (
        '<Relationship Id="t" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" '
        'Target="sharedStrings.xml"/></Relationships>'
    )
    links = "xl/_rels/workbook.xml.rels"
    parts[links] = parts[links].replace(b"</Relationships>", relation.encode())
    return make_zip(parts | {name: content})


def _with_merged(rows, *ranges):
    book = make_workbook({"S": rows})
    name = "xl/worksheets/sheet1.xml"
    merged = "".join(f'<mergeCell ref="{cell_range}"/>' for cell_range in ranges)
    return _replaced(book, name, "</sheetData>", f'</sheetData><mergeCells count="{len(ranges)}">{merged}</mergeCells>')


def test_merged_labels_are_filled_down():
    rows = [
        ["label", "text"],
        ["joy", "so happy today"],
        [None, "a fine morning"],
        ["sad", "it rains again"],
        [None, "too late for it"],
        [],
    ]
    table = read_table(_with_merged(rows, "A2:A3", "A4:A6"))
    assert [row[0] for row in table.rows] == ["joy", "joy", "sad", "sad"]
    (warning,) = table.warnings
    assert (warning.code, warning.severity, warning.count) == ("merged_cells", "warning", 2)


def test_merged_titles_and_names_are_not_filled_down():
    rows = [["text", "label"], [None, None], ["so happy today", "joy"], ["it rains again", "sad"]]
    table = read_table(_with_merged(rows, "A1:A2", "B1:B2"))
    assert (table.columns, len(table.rows), table.warnings) == (("text", "label"), 2, ())


def test_a_blank_cell_in_the_last_row_of_excel():
    book = make_workbook({"S": ROWS})
    stray = '<row r="1048576"><c r="B1048576" s="1"/></row></sheetData>'
    table = read_table(_replaced(book, "xl/worksheets/sheet1.xml", "</sheetData>", stray))
    assert (len(table.rows), table.dropped) == (3, ())
    valued = '<row r="1048576"><c r="B1048576" t="inlineStr"><is><t> </t></is></c></row></sheetData>'
    table = read_table(_replaced(book, "xl/worksheets/sheet1.xml", "</sheetData>", valued))
    assert (len(table.rows), table.lines) == (3, [2, 3, 4])


def test_a_table_that_begins_further_down_and_to_the_right():
    table = read_table(make_workbook({"S": [[], [], *([None, None, *row] for row in ROWS)]}))
    assert (table.columns, table.lines) == (("text", "label"), [4, 5, 6])


def _replaced(book: bytes, name: str, old: str, new: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    return make_zip(parts | {name: parts[name].replace(old.encode(), new.encode())})


GUIDE = [[f"Step {n}", f"please read this guidance line number {n} before you begin"] for n in range(40)]


def test_a_page_of_guidance_longer_than_the_data_is_not_the_table():
    table = read_table(make_workbook({"Read me": GUIDE, "2025": ROWS * 3}))
    assert table.columns == ("text", "label")
    assert (table.part, [part.name for part in table.parts]) == ("2025", ["Read me", "2025"])


def test_a_sheet_for_each_class():
    def rows(what):
        return [["No", "Message"], *([n, f"this is message {n} about {what}"] for n in range(1, 6))]

    table = read_table(make_workbook({"refund": rows("money"), "delivery": rows("parcels")}))
    assert table.columns == ("No", "Message", "label")
    assert [row[2] for row in table.rows] == ["refund"] * 5 + ["delivery"] * 5
    assert table.lines == list(range(2, 12))
    assert [warning.code for warning in table.warnings] == ["sheets_joined"]
    assert table.part is None


@pytest.mark.parametrize("names", [("Sheet1", "Sheet2"), ("Tabelle1", "Tabelle2"), ("Лист1", "Лист2")])
def test_sheets_without_names_of_their_own_are_no_classes(names):
    rows = [["No", "Message"], *([n, f"this is message number {n}"] for n in range(1, 6))]
    table = read_table(make_workbook(dict.fromkeys(names, rows)))
    assert (len(table.rows), table.part) == (5, names[0])
    assert "Sheets with the same columns may belong together" in table.warnings[0].message


def test_sheets_called_train_and_test_are_the_split():
    table = read_table(make_workbook({"train": ROWS, "test": ROWS[:3]}))
    assert table.columns == ("text", "label", "split")
    assert [row[2] for row in table.rows] == ["train"] * 3 + ["test"] * 2


def test_a_sheet_can_be_chosen():
    data = make_workbook({"May": ROWS, "June": [["text", "label"], ["what a rainy day", "sadness"]], "Old": ROWS}, hidden=("Old",))
    assert read_table(data).part == "May"
    (warning,) = read_table(data).warnings
    assert "Hidden in the workbook: “Old”" in warning.message
    table = read_table(data, part="June")
    assert (table.part, [part.name for part in table.parts], len(table.rows), table.warnings) == ("June", ["May", "June", "Old"], 1, ())
    with pytest.raises(UserError, match="“May”, “June”, “Old”") as refusal:
        read_table(data, part="July")
    assert refusal.value.code == "unknown_part"


def test_sheets_that_were_not_looked_at_can_be_chosen_too():
    sheets = {f"{n}": [["a", "b"], ["1", "2"]] for n in range(55)} | {"last & best": ROWS}
    data = make_workbook(sheets)
    first = read_table(data)
    assert (len(first.parts), first.parts[-1]) == (56, Part("last & best", "sheet"))
    chosen = read_table(data, part="last & best")
    assert (chosen.part, len(chosen.rows), chosen.parts[-1].rows) == ("last & best", len(ROWS) - 1, len(ROWS) - 1)


def test_an_empty_sheet_is_no_part_and_refused_by_name():
    data = make_workbook({"May": ROWS, "empty": [], "June": ROWS[:3]})
    assert [part.name for part in read_table(data).parts] == ["May", "June"]
    with pytest.raises(UserError, match="The sheet “empty” is empty") as refusal:
        read_table(data, part="empty")
    assert refusal.value.code == "empty_file"


def test_hidden_rows_are_read_and_told():
    data = make_workbook({"a & b": [["text", "label"], *(["it is a long day", "joy"] for _ in range(5))], "other": [["x"], ["y"]]})
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(file, "w") as changed:
        for name in archive.namelist():
            content = archive.read(name)
            if name.endswith("sheet1.xml"):
                content = content.replace(b'<row r="3">', b'<row r="3" spans="1:2" hidden="1">').replace(
                    b'<row r="5">', b'<row hidden="true" r="5">'
                )
            if name.endswith("sheet2.xml"):
                content = content.replace(b'<row r="4">', b'<row r="4" hidden="1">')
            changed.writestr(name, content)
    table = read_table(file.getvalue())
    assert len(table.rows) == 5
    warning = next(warning for warning in table.warnings if warning.code == "hidden_rows")
    assert (warning.severity, warning.count) == ("warning", 2)
    assert warning.message.startswith("2 rows are hidden in the workbook")
    assert "hidden_rows" not in [warning.code for warning in read_table(data).warnings]


def test_formulas_without_stored_values_are_told():
    rows = [["comment", "score", "verdict"], *([f"this is comment number {n}", n % 3] for n in range(6))]
    name = "xl/worksheets/sheet1.xml"
    book = make_workbook({"S": rows})
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        parts = {entry.filename: archive.read(entry) for entry in archive.infolist()}
    parts[name] = parts[name].replace(b"</c></row>", b'</c><c r="C9"><f>IF(B2&gt;1,"good","bad")</f><v></v></c></row>')
    (warning,) = read_table(make_zip(parts)).warnings
    assert (warning.code, warning.severity) == ("formulas_without_values", "warning")
    assert "“verdict” are formulas" in warning.message
    assert read_table(book).warnings == ()
