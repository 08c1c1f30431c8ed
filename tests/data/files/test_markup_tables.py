"""HTML pages and XML spreadsheets: their table is read, anything else is refused by name."""

import pytest

from tests.cpu_time import cpu_time
from tests.data.files.samples import outcome
from trainer.data.files.read_table import read_table
from trainer.errors import UserError

ROWS = [(f"this is text {n} &amp; more", "joy" if n % 2 else "anger") for n in range(6)]
WANTED = [(f"this is text {n} & more", "joy" if n % 2 else "anger") for n in range(6)]


def html(rows=ROWS, before=""):
    cells = "".join(f"<tr><td>{text}</td><td>{label}\n</td></tr>\n" for text, label in rows)
    return f"<html><head><title>x</title></head><body>{before}<table border=1><tr><th>text</th><th>label</th></tr>{cells}</table></body></html>"


SPREADSHEET = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns:ss="urn:x"><Worksheet ss:Name="s"><Table>'
    "<Row><Cell><Data>text</Data></Cell><Cell><Data>note</Data></Cell><Cell><Data>label</Data></Cell></Row>"
    + "".join(
        f'<Row><Cell><Data ss:Type="String">{t}</Data></Cell><Cell ss:Index="3"><Data>{label}</Data></Cell></Row>' for t, label in ROWS
    )
    + "</Table></Worksheet></Workbook>"
)


@pytest.mark.parametrize("before", ["", "<p>Report, of today</p><table><tr><td>menu</td><td>x</td></tr></table>"])
def test_the_longest_table_of_a_page_is_read(before):
    table = read_table(html(before=before).encode())
    assert (table.columns, table.rows) == (("text", "label"), WANTED)
    assert [warning.code for warning in table.warnings] == ["table_in_markup"]


def test_the_page_in_a_single_file_of_excel():
    body = html().replace("=", "=3D")
    mail = (
        'MIME-Version: 1.0\nX-Document-Type: Workbook\nContent-Type: multipart/related; boundary="----=_x"\n\n------=_x\n'
        'Content-Transfer-Encoding: quoted-printable\nContent-Type: text/html; charset="utf-8"\n\n' + body + "\n------=_x--\n"
    )
    assert read_table(mail.encode()).rows == WANTED
    assert read_table(b"text,label\nsubject: x,joy\nmime-version: 1.0 is it,anger\n").columns == ("text", "label")


def test_line_breaks_and_cells_over_several_columns():
    rows = [("one line<br>another", "joy"), ("plain words here", "anger"), ("third of them", "joy")]
    assert read_table(html(rows).encode()).rows[0] == ("one line\nanother", "joy")
    wide = "<table><tr><td>text</td><td>x</td><td>label</td></tr><tr><td colspan=2>hello you all</td><td>joy</td></tr></table>"
    assert read_table(wide.encode(), header=True).rows == [("hello you all", "", "joy")]


def test_a_cell_over_several_rows_stands_in_each():
    rows = "".join(
        f"<tr>{f'<td rowspan=3>{n}</td>' if n % 3 == 0 else ''}<td>{text}</td>{'<td rowspan=6>ann</td>' if n == 0 else ''}</tr>"
        for n, (text, _) in enumerate(ROWS)
    )
    table = read_table(f"<table><tr><th>label</th><th>text</th><th>by</th></tr>{rows}</table>".encode())
    assert table.rows == [(str(n - n % 3), text, "ann") for n, (text, _) in enumerate(WANTED)]
    down = SPREADSHEET.replace("<Cell><Data>label", '<Cell ss:MergeDown="0"><Data>label')
    assert read_table(down.encode()).rows == read_table(SPREADSHEET.encode()).rows


def test_cells_that_an_xml_spreadsheet_leaves_out_are_empty():
    table = read_table(SPREADSHEET.encode())
    assert table.columns == ("text", "note", "label")
    assert table.rows == [(text, "", label) for text, label in WANTED]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<!DOCTYPE html>\n<html><body>Sign in</body></html>", "HTML"),
        ("<html><table><tr><td>only one cell</td></tr></table></html>", "HTML"),
        ("<?xml version='1.0'?>\n<rss><channel/></rss>", "an XML document"),
    ],
)
def test_markup_without_a_table_is_refused_by_name(text, says):
    with pytest.raises(UserError, match=says) as refusal:
        read_table(text.encode())
    assert refusal.value.code == "not_a_table"


def test_limits():
    for limits, code in [
        ({"max_rows": 3}, "too_many_rows"),
        ({"max_columns": 1}, "too_many_columns"),
        ({"max_bytes": 50}, "file_too_large"),
    ]:
        with pytest.raises(UserError) as refusal:
            read_table(html().encode(), **limits)
        assert refusal.value.code == code


def test_texts_with_tags_are_texts():
    table = read_table(b"text,label\n<b>good</b> day to you,joy\n<i>bad</i> day to me,anger\n")
    assert table.rows[0] == ("<b>good</b> day to you", "joy")


CELLS = "<html><table><tr><td>a b</td><td>b</td></tr><tr><td>c d</td><td>e</td></tr>"


@pytest.mark.parametrize(
    ("page", "code"),
    [
        ("<workbook><ss:table>" + "<row><cell ss:index=1001>" * 50, "too_many_cells"),
        ("<table>" + "<tr><td colspan=900>x</td></tr>" * 50, "too_many_cells"),
        ("<table><tr><td colspan=900>x</td></tr>" + "<tr><td>x</td></tr>" * 50, "too_many_cells"),
        (CELLS + "<![foo</table></html>", "not_a_table"),
        (CELLS + f"<tr><td>&#{'9' * 5_000};</td></tr></table></html>", "not_a_table"),
        (CELLS + "<a b='" + "<tr><td>x</td><td>y</td></tr>" * 100 + "</table>", "not_a_table"),
    ],
    ids=["index", "spans", "one wide row", "declaration", "character", "rows after a broken tag"],
)
def test_a_page_that_cannot_be_held_or_read_to_its_end_is_refused(page, code):
    with pytest.raises(UserError) as refusal:
        read_table(page.encode(), max_rows=1_000)
    assert refusal.value.code == code


@pytest.mark.parametrize("end", ["<td", "<a b='x>", "<!-- ", "&#3", " <", "<script>" + "x < y;" * 1_000])
def test_the_rows_before_a_broken_end_are_read(end):
    assert read_table((CELLS + end).encode(), header=False).rows == [("a b", "b"), ("c d", "e")]


@pytest.mark.parametrize("piece", ["<a ", "<!-- >", "<a b='>'", "<![if >", "</a ", "<? ", "<a b", "&#x"])
def test_broken_tags_take_linear_time(piece):
    with cpu_time() as spent:
        table = outcome((CELLS + piece * 20_000).encode(), header=False)
    assert table is None or len(table.rows) == 2
    assert spent.seconds < 1


def mail(head: str, body: str = html()) -> bytes:
    return f"MIME-Version: 1.0\n{head}\n\n{body}\n".encode()


@pytest.mark.parametrize("charset", ["idna", "undefined", "punycode", "nothing", "hex", "a b"])
def test_a_page_in_a_mail_of_an_unknown_charset_is_no_table(charset):
    assert read_table(mail('Content-Type: text/html; charset="utf-8"')).rows == WANTED
    table = outcome(mail(f'Content-Type: text/html; charset="{charset}"'))
    assert table is None or table.rows != WANTED


@pytest.mark.parametrize(
    "part", ['Content-Type: multipart/mixed; boundary="b{n}"\n\n--b{n}\n', "Content-Type: message/rfc822\n\n"], ids=["multipart", "mails"]
)
def test_mails_in_mails_are_no_table(part):
    data = mail("".join(part.format(n=n) for n in range(3_000)).removesuffix("\n\n"), "x\n" * 20_000)
    with cpu_time() as spent:
        table = outcome(data)
    assert table is None or "table_in_markup" not in {warning.code for warning in table.warnings}
    assert spent.seconds < 2


@pytest.mark.parametrize("delimiter", [",", "\t", ";"])
@pytest.mark.parametrize(
    "snippet",
    [
        "<div>Some text {} that is long</div>",
        "<html><body><p>Some text {} here</p></body></html>",
        "<table><tr><td>a {}</td><td>b</td></tr><tr><td>c</td><td>d</td></tr></table>",
        "<?xml version='1.0'?><note>Some text {} here</note>",
    ],
)
def test_rows_with_a_text_of_markup_are_a_table(snippet, delimiter):
    rows = [(snippet.format(n), ("pos", "neg")[n % 2]) for n in range(12)]
    table = read_table("\n".join(map(delimiter.join, rows)).encode())
    assert table.rows == rows


def test_markup_in_the_first_text_only():
    rows = [("<div>Some text that is long</div>", "neg"), *[(f"this is text number {n} of them", ("pos", "neg")[n % 2]) for n in range(12)]]
    assert read_table("\n".join(map(",".join, rows)).encode()).rows == rows


def test_a_piece_of_a_page_without_a_table_is_refused():
    with pytest.raises(UserError) as refusal:
        read_table(b"<div class='a'>\n  <p>Some text, and more</p>\n  <p>Some text; and more</p>\n</div>\n" * 5)
    assert refusal.value.code == "not_a_table"
