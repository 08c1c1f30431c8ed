"""Written tables are read back, in a stated and in a detected dialect; any bytes give a table or a UserError."""

import csv
import gzip
import io
import json

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from tests.data.files.samples import make_zip, outcome
from trainer.data.files.read_table import read_table

MANY = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])

# Any text except control characters (which are removed) and lone surrogates; newlines are \n; a byte order mark at the start is lost.
_any = st.text(
    st.one_of(st.sampled_from("ab'\"\\,;\t|\n #-=…é日😀\u2028\x85"), st.characters(exclude_categories=("Cs", "Cc"))), max_size=15
)
_cp1252 = st.text(st.sampled_from("ab'\"\\,;\t|\n #-=éß€“”—ñ"), max_size=15)


@st.composite
def tables(draw, cells):
    width = draw(st.integers(1, 5))
    row = st.lists(cells, min_size=width, max_size=width).map(tuple).filter(lambda cells: any(map(str.strip, cells)))
    return draw(st.lists(row, min_size=1, max_size=8))


def written(rows, **options) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, lineterminator="\n", **options).writerows(rows)
    return file.getvalue()


def kept(rows):
    """The rows that a reader must return: all except empty ones and separator lines."""
    return [row for row in rows if set("".join(row)) - set("-+=:|_* \t\n")]


@MANY
@given(
    rows=st.one_of(tables(_any), tables(_cp1252)),
    delimiter=st.sampled_from([",", ";", "\t", "|", "^", " "]),
    quote=st.sampled_from("\"'"),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    header=st.booleans(),
)
@example(rows=[("a\n" * 9, "x,y\n" * 9)], delimiter=",", quote='"', newline="\n", encoding="utf-8", quoting=csv.QUOTE_ALL, header=False)
def test_any_table_is_read_back_in_a_stated_dialect(rows, delimiter, quote, newline, encoding, quoting, header):
    rows = kept(rows)
    assume(rows and not rows[0][0].startswith("\ufeff"))
    names = tuple(f"name {position}" for position in range(len(rows[0])))
    text = written([names, *rows] if header else rows, delimiter=delimiter, quotechar=quote, quoting=quoting)
    text = text.replace("\n", newline)  # as an editor saves it
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError:
        assume(False)
    table = read_table(data, delimiter=delimiter, quote=quote, header=header, encoding=encoding)
    assert table.columns == (names if header else tuple(map(str, range(len(names)))))
    assert table.rows == rows
    assert (table.dropped, table.encoding, table.encoding_guessed) == ((), encoding, False)
    assert table.delimiter == (delimiter if len(names) > 1 else None)


_words = st.lists(
    st.sampled_from(
        "I am was so very happy, sad; angry | today: it's a “great” day! 100% 😀 naïve été \"quoted\" 'single' C:\\dir don't #tag".split()
    ),
    min_size=3,
    max_size=12,
).map(" ".join)
_text = st.one_of(_words, _words, st.tuples(_words, _words).map("\n".join), st.tuples(_words, _words).map(",".join))
_ordinary = st.lists(st.tuples(_text, st.sampled_from(["joy", "sadness", "fear"])), min_size=6, max_size=30)


@MANY
@example(
    rows=[("I I I", "joy")] + [("I I I,I I happy,", "joy")] * 5, delimiter=";", newline="\n", encoding="utf-8", quoting=0, swapped=False
)
@given(
    rows=_ordinary,
    delimiter=st.sampled_from(",;\t|"),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    swapped=st.booleans(),
)
def test_an_ordinary_table_is_read_back_in_a_detected_dialect(rows, delimiter, newline, encoding, quoting, swapped):
    rows = [("text", "label"), *rows]
    if swapped:
        rows = [(label, text) for text, label in rows]
    text = written(rows, delimiter=delimiter, quoting=quoting).replace("\n", newline)
    table = read_table(text.encode(encoding))
    assert table.columns == rows[0]
    assert table.rows == rows[1:]
    assert (table.delimiter, table.header, table.dropped) == (delimiter, True, ())


@MANY
@given(rows=_ordinary, delimiter=st.sampled_from(",;\t|"))
def test_a_table_without_header_keeps_every_row(rows, delimiter):
    rows = rows * 2
    table = read_table(written(rows, delimiter=delimiter).encode())
    assert table.rows == rows
    assert not table.header


@MANY
@given(rows=st.lists(st.dictionaries(st.sampled_from("abcd"), _any, min_size=1), min_size=1, max_size=8))
def test_objects_are_read_back(rows):
    wanted = [row for row in rows if "".join(row.values()).strip()]
    for text in ("\n".join(json.dumps(row) for row in rows), json.dumps(rows), json.dumps(rows, ensure_ascii=False, indent=2)):
        table = read_table(text.encode())
        assert [dict(zip(table.columns, row, strict=True)) for row in table.rows] == [
            {name: row.get(name, "") for name in table.columns} for row in wanted
        ]
        assert table.rows_seen == len(rows)


_mess = st.text(st.sampled_from("ab ,;|\t\"'\\\n\r\x00é1#-{}[]:=."), max_size=200).map(str.encode)
_bytes = st.one_of(
    st.binary(max_size=300),
    _mess,
    st.tuples(
        st.sampled_from([b"PK\x03\x04", b"PAR1", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b'{"a": 1}\n', b"[[", b"\xff\xfe"]), _mess
    ).map(b"".join),
    _mess.map(gzip.compress),
    _mess.map(lambda data: make_zip({"a": data})),
)


@settings(MANY, max_examples=400)
@given(data=_bytes)
@example(data=b'"a,b\n"' * 3)
@example(data=b"#\n#,\n#,,\n")
@example(data=b"[{}]")
def test_any_bytes_give_a_table_or_an_error(data):
    table = outcome(data)
    if table is None:
        return
    assert table.rows_seen == len(table.rows) + len(table.dropped)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert len(set(table.columns)) == len(table.columns)
    assert len(table.lines) == len(table.rows)
    lines = [*table.lines, *(row.line for row in table.dropped)]
    assert len(lines) == len(set(lines))
    assert table.lines == sorted(table.lines)
    assert read_table(data) == table


@settings(MANY, max_examples=60)
@given(data=_mess, delimiter=st.sampled_from([None, "", ",", "::", "\t"]), quote=st.sampled_from([None, "", '"', "'"]), header=st.sampled_from([None, True, False]))  # fmt: skip
def test_any_bytes_in_any_stated_dialect(data, delimiter, quote, header):
    table = outcome(data, delimiter=delimiter, quote=quote, header=header)
    if table is None:
        return
    assert table.rows_seen == len(table.rows) + len(table.dropped)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert header is None or table.header == header


@pytest.mark.parametrize("header", [True, False])
def test_a_stated_header_wins(header):
    data = b"text,label\n" + b"hello there,joy\nbye now,sad\n" * 5
    table = read_table(data, header=header)
    assert (table.header, len(table.rows)) == (header, 10 if header else 11)
