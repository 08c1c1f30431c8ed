"""A big sheet that is read slice by slice has the rows that the reader finds; anything odd in it is left to the reader."""

import io
import re
import zipfile
from collections.abc import Callable

import pytest

from tests.data.files.samples import Day, make_workbook, make_zip
from tests.data.files.test_plain_text import rows_of
from trainer.data.files import plain_text
from trainer.data.files.plain_text import NotPlainError
from trainer.data.files.plain_workbook import PlainWorkbook, open_plain_workbook
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits

SHEET = "xl/worksheets/sheet1.xml"


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain_text, "SLICE_BYTES", 8_000)


def long_workbook(count: int, *, shared: bool = True, above: list[list[object]] | None = None) -> bytes:
    """A workbook with texts, numbers, dates, empty cells and a second sheet; ``shared``: texts stand once, in a part of their own."""
    rows = [
        [int(n), f" {text} & <b>\n" if int(n) % 9 == 0 else text, label, Day(45_000 + int(n) / 4), int(n) / 8, True if int(n) % 2 else None]
        for n, text, label in rows_of(count)
    ]
    names: list[object] = ["id", "text", "label", "day", "eighths", "odd"]
    book = make_workbook({"Rows": [*(above or []), names, *rows], "Notes": [["only a note"]]})
    return with_shared_texts(book) if shared else book


def with_shared_texts(book: bytes) -> bytes:
    """A workbook with its texts in a part of their own."""
    texts: dict[str, int] = {}

    def shared(match: re.Match[str]) -> str:
        return f'<c r="{match[1]}" t="s"><v>{texts.setdefault(match[2], len(texts))}</v></c>'

    parts = parts_of(book)
    for name in [name for name in parts if name.startswith("xl/worksheets/")]:
        parts[name] = re.sub(r'<c r="(\w+)" t="inlineStr"><is>(.*?)</is></c>', shared, parts[name], flags=re.DOTALL)
    main = re.findall(r'xmlns="[^"]*main"', parts[SHEET])[0]
    parts["xl/sharedStrings.xml"] = f"<sst {main}>{''.join(f'<si>{text}</si>' for text in texts)}</sst>"
    link = '<Relationship Id="t" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/sharedStrings" Target="sharedStrings.xml"/>'
    parts["xl/_rels/workbook.xml.rels"] = parts["xl/_rels/workbook.xml.rels"].replace("</Relationships>", f"{link}</Relationships>")
    return make_zip(parts)


def parts_of(book: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


def changed(book: bytes, change: Callable[[str], str]) -> bytes:
    """The workbook with another first sheet."""
    parts = parts_of(book)
    return make_zip(parts | {SHEET: change(parts[SHEET])})


def read_slices(data: bytes, **options: object) -> tuple[list[tuple[str, ...]], list[int]] | None:
    plain = open_plain_workbook(data, Limits(), **options)
    try:
        parts = None if plain is None else list(plain.slices())
    except NotPlainError:
        return None
    return parts and ([row for part in parts for row in part.rows], [line for part in parts for line in part.lines])


@pytest.mark.parametrize("shared", [True, False])
def test_slices_have_the_rows_of_the_reader(shared: bool) -> None:
    data = long_workbook(300, shared=shared, above=[["Export of May", None, None]])
    plain, table = open_plain_workbook(data, Limits()), read_table(data)
    assert isinstance(plain, PlainWorkbook)
    assert (plain.head.columns, plain.head.header_line, plain.head.part) == (table.columns, 2, "Rows")
    assert len(list(plain.slices())) > 3
    assert read_slices(data) == read_slices(data, part="Rows") == (table.rows, table.lines)
    assert b"".join(xml for xml, _ in plain.pieces()).decode() == parts_of(data)[SHEET]


def test_what_is_small_or_stated_is_left_to_the_reader() -> None:
    data = long_workbook(300)
    assert read_slices(long_workbook(20)) is None
    assert read_slices(data, header=False) is None
    assert read_slices(data, part="Notes") is None
    assert read_slices(make_zip({"a.csv": b"text,label\n" + b"so happy,joy\n" * 5_000})) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda xml: xml.replace("</sheetData>", '</sheetData><mergeCells><mergeCell ref="C100:C103"/></mergeCells>'),
        lambda xml: xml.replace('<row r="250">', '<row r="250"><c r="H250"><v>1</v></c>'),
        lambda xml: xml.replace('<row r="250">', "<!-- </row> --><row r='250'>"),
        lambda xml: xml.replace('<row r="250">', '<row r="3">'),
        lambda xml: xml.replace('<c r="B250" t="s"><v>', '<c r="B250" t="s"><v>9'),
        lambda xml: re.sub(r'<row r="250">.*?</row>', '<row r="250"><c r="A250" t="inlineStr"><is><t>id</t></is></c></row>', xml),
        lambda xml: re.sub(r'<row r="25\d">.*?</row>', "", xml),
        lambda xml: re.sub(r'<row r="\d+">', "<row>", xml),
        lambda xml: xml.replace("<worksheet", "<x:worksheet").replace("</worksheet", "</x:worksheet"),
        lambda xml: xml.replace("</sheetData>", '<row r="1048576"><c r="B1048576"><v>7</v></c></row></sheetData>'),
        lambda xml: xml.replace(' t="s"><v>', ' t = "s" ><v>'),
        lambda xml: xml.replace('<c r="B250" t="s">', '<c rt="s""B250" t="s">'),
        lambda xml: xml.replace('<c r="A100"><v>', '<c r="A100"><f>1+1</f><v>'),
    ],
)  # fmt: skip
def test_an_odd_sheet_is_not_plain_unless_its_rows_are_the_same(change: Callable[[str], str]) -> None:
    data = changed(long_workbook(300), change)
    sliced = read_slices(data)
    if sliced is not None:
        table = read_table(data)
        assert sliced == (table.rows, table.lines)


@pytest.mark.parametrize("damage", [("<si>", "<si><si>"), ("</si>", ""), ("</sst>", "<si></sst>"), ("</si>", "</si>x")])
def test_shared_texts_that_cannot_be_told_apart_are_left_to_the_reader(damage: tuple[str, str]) -> None:
    parts = parts_of(long_workbook(300))
    parts["xl/sharedStrings.xml"] = parts["xl/sharedStrings.xml"].replace(*damage, 1)
    assert read_slices(make_zip(parts)) is None


def test_pieces_without_a_filled_row_keep_their_place() -> None:
    blank = "".join(f'<row r="{number}"><c r="A{number}" s="1"/></row>' for number in range(400, 900))
    data = changed(long_workbook(300), lambda xml: xml.replace("</sheetData>", f"{blank}</sheetData>"))
    assert read_slices(data) == (read_table(data).rows, read_table(data).lines)
    plain = open_plain_workbook(data, Limits())
    assert plain is not None
    assert b"".join(xml for xml, _ in plain.pieces()).decode() == parts_of(data)[SHEET]


def test_sheets_that_belong_together_or_are_both_long_are_left_to_the_reader() -> None:
    rows = [["text", "label"], *[[text, label] for _, text, label in rows_of(300)]]
    assert read_slices(make_workbook({"train": rows, "test": rows[:20]})) is None
    assert read_slices(make_workbook({"January": rows, "February": rows})) is None
    data = make_workbook({"Guide": [["Read this page of guidance first"]], "January": rows})
    assert read_slices(data) == (read_table(data).rows, read_table(data).lines)
