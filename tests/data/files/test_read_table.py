"""Reads bytes as a Table: delimiters, quoting, headers, ragged rows."""

import csv
import io

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.cpu_time import cpu_time
from trainer.data.files.read_table import read_table
from trainer.data.files.table import DroppedRow
from trainer.errors import UserError

QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def table_of(text: str, **limits):
    return read_table(text.encode(), **limits)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_delimiter_newline_and_encoding_do_not_change_the_table(delimiter, newline, encoding):
    file = io.StringIO(newline="")
    writer = csv.writer(file, delimiter=delimiter, lineterminator=newline)
    rows = [
        ("Hello, you; there", "joy"),
        ("plain", "sad"),
        ('She said "hi"', "joy"),
        (f"two{newline}lines", "sad"),
        (f"a{delimiter}b", "joy"),
        (" é ", "NA"),
    ] * 3
    writer.writerows([("text", "label"), *rows])
    table = read_table(file.getvalue().encode(encoding))
    assert table.columns == ("text", "label")
    assert table.rows == [tuple(cell.replace(newline, "\n") for cell in row) for row in rows]
    assert (table.delimiter, table.header, table.dropped) == (delimiter, True, ())
    assert table.lines[:6] == [2, 3, 4, 5, 7, 8]


def test_cells_are_never_interpreted():
    table = table_of("text,label\nnull,01\nNone,1.0\nnan,true\n=1+1,NA\n")
    assert table.rows == [("null", "01"), ("None", "1.0"), ("nan", "true"), ("=1+1", "NA")]


def test_a_file_without_header_keeps_its_first_row():
    table = table_of("i feel sad today my friend;sadness\ni feel fine today my friend;joy\n" * 10)
    assert (table.columns, table.header, len(table.rows)) == (("0", "1"), False, 20)


def test_numbers_in_the_first_row_are_no_header():
    assert not table_of('"3","Some title here","A long description of it"\n"4","Other title","Another description"\n' * 5).header


def test_the_numbers_that_pandas_writes_for_missing_names_are_a_header():
    table = read_table(b",0,1\n" + "\n".join(f"{n},this is text {n},{'ab'[n % 2]}" for n in range(8)).encode())
    assert (table.header, len(table.rows), table.rows[0]) == (True, 8, ("0", "this is text 0", "a"))
    assert not read_table(b"7,0,1\n" + "\n".join(f"{n},{n % 3},{n % 2}" for n in range(8)).encode()).header


def test_a_header_alone():
    table = table_of("text,label\n")
    assert (table.columns, table.rows, table.rows_seen) == (("text", "label"), [], 0)


def test_blank_names_become_positions():
    assert table_of("v1,v2,,\n" + "ham,hello there you,,\n" * 5).columns == ("v1", "v2", "column 3", "column 4")


def test_a_trailing_delimiter_does_not_shift_the_columns():
    table = table_of("text,label\n" + "hello there,joy,\n" * 5)
    assert table.columns == ("text", "label")
    assert table.rows[0] == ("hello there", "joy")


def test_row_names_of_r_get_a_column():
    table = table_of("text,label\n" + "".join(f"{n},hello there,joy\n" for n in range(1, 8)))
    assert table.columns == ("column 1", "text", "label")


def test_ragged_rows_are_accounted_for():
    table = table_of("id,text,label\n1,fine text,joy\n2,broken,text,joy\n3\n4,other text,sad\n,,\n5,text,sad\n6,text,joy\n")
    assert [row[0] for row in table.rows] == ["1", "4", "5", "6"]
    assert table.lines == [2, 5, 7, 8]
    assert [row.line for row in table.dropped] == [3, 4, 6]
    assert "too many cells: 4 instead of 3" in table.dropped[0].reason
    assert "too few cells: 1 instead of 3" in table.dropped[1].reason
    assert table.rows_seen == 7


def test_a_longer_row_that_ends_in_an_empty_cell_is_not_mistaken_for_a_trailing_delimiter():
    table = table_of("a|text|b|\n" + "1|hello there|2|\n" * 9 + "1|hello|there|2|\n")
    assert len(table.rows) == 9
    assert [row.line for row in table.dropped] == [11]


def test_missing_cells_of_columns_that_are_always_empty_do_not_matter():
    table = table_of("v1,v2,,,\n" + "ham,hello you there,,,\n" * 9 + "spam,win now\n")
    assert table.rows[-1] == ("spam", "win now", "", "", "")


def test_blank_lines_are_no_rows():
    assert table_of("text,label\n\nhello there,joy\n\n\nbye now,sad\n\n").rows_seen == 2


@pytest.mark.parametrize("delimiter", ["\t", ",", ";", "|"])
def test_an_open_quotation_mark_swallows_no_rows(delimiter):
    d = delimiter
    lines = (
        ["text{d}label"] + ["hello you{d}joy"] * 50 + ['"oh what a day{d}sad'] + ["bye you{d}sad"] * 50 + ['a 5" screen{d}joy', "x y{d}joy"]
    )
    table = table_of("\n".join(lines).replace("{d}", d) + "\n")
    assert table.rows_seen == 103
    assert table.rows[50] == ('"oh what a day', "sad")
    assert table.rows[101] == ('a 5" screen', "joy")


def test_two_stray_quotation_marks_far_apart_swallow_no_rows():
    lines = (
        ["text\tlabel"]
        + ["hello you\tjoy"] * 5
        + ['"oh what a day\tsad']
        + ["bye you\tsad"] * 8
        + ['and so it "ends"\tjoy', 'he said so"\tjoy']
    )
    assert table_of("\n".join(lines)).rows_seen == 16


def test_quoted_words_at_the_start_of_an_unquoted_text():
    table = table_of('text\tlabel\n"Great" is what he said\tjoy\n"Great"\tjoy\nfine\tsad\n')
    assert table.rows == [('"Great" is what he said', "joy"), ("Great", "joy"), ("fine", "sad")]


def test_quotation_marks_escaped_by_a_backslash():
    table = table_of('text,label\n"He said \\"hi, you\\", ok",joy\nplain,sad\nother,joy\n')
    assert table.rows[0] == ('He said "hi, you", ok', "joy")


def test_blanks_after_the_delimiter_before_a_quotation_mark():
    table = table_of('label, text\njoy, "hello, there"\nsad, "bye, you"\n' * 3)
    assert table.rows[0] == ("joy", "hello, there")


def test_the_line_that_tells_excel_the_delimiter():
    table = table_of("sep=;\ntext;label\nhello, there;joy\nbye, you;sad\n")
    assert (table.delimiter, table.columns, table.lines) == (";", ("text", "label"), [3, 4])


def test_decimal_commas_do_not_win_over_semicolons():
    assert table_of("score;text;label\n" + "1,5;hello there;joy\n2,5;bye now;sad\n" * 5).delimiter == ";"


def test_a_tag_column_does_not_win_over_commas():
    assert table_of("id,tags,text\n" + "1,a|b,hello there\n2,c|d,bye now\n" * 5).delimiter == ","


def test_a_single_column_of_prose_is_a_single_column():
    table = table_of("text\n" + "hello, there you\nwhat is, this, then\nwell\n" * 10)
    assert (table.columns, table.delimiter, len(table.rows)) == (("text",), None, 30)


def test_control_characters_are_removed_and_unusual_separators_split_no_line():
    table = read_table("text,label\na\x00b\u2028c\x0cd\x85e,joy\nplain,sad\n".encode())
    assert table.rows[0] == ("ab\u2028c d\x85e", "joy")


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b",".join([b"text"] * 20_000) + b"\nx\n", "too_many_columns"),
        (b"," * 5_000_000, "too_many_columns"),
        (b"\n" * 5_000_000, "empty_file"),
    ],
)
def test_limits_are_checked_before_parsing(data, code):
    with cpu_time() as spent:
        with pytest.raises(UserError) as refusal:
            read_table(data)
        assert refusal.value.code == code
    assert spent.seconds < 0.5


def test_row_limit():
    assert len(table_of("text,label\n" + "hello there,joy\n" * 10, max_rows=10).rows) == 10
    with pytest.raises(UserError) as refusal:
        table_of("text,label\n" + "hello there,joy\n" * 12, max_rows=10)
    assert refusal.value.code == "too_many_rows"


@pytest.mark.parametrize("quote", ["", '"'])
def test_one_cell_of_ten_megabytes(quote):
    text = f"text,label\nhi there,sad\n{quote}{'word ' * 2_000_000}{quote},joy\n"
    table = table_of(text)
    assert (len(table.rows), [row.line for row in table.dropped]) == (1, [3])
    assert table.dropped[0].reason.startswith("a cell of 10,000,000 characters; at most 100,000 are read")
    assert len(table_of(text, max_cell_chars=10_000_000).rows[1][0]) == 10_000_000


@pytest.mark.parametrize("data", [b'"' * 1_000_001, b'"\n' * 100_000, b'a,"b\n' * 100_000, b'a,"\n"b\n' * 50_000])
def test_many_quotation_marks_take_linear_time(data):
    with cpu_time() as spent:
        read_table(data)
    assert spent.seconds < 2


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"text,label\n" + b"a,b\n" * 5_000_000, "too_many_rows"),
        (b'text,label\n"' + b"abcd,\n" * 4_000_000, "too_many_rows"),
        (b"text,label\n" + b'"ab" c,joy\n' * 400_000, "quotes_unsound"),
        (b"text,label\n" + b"x y," * 10_000_000 + b"\n", "line_too_long"),
        ((b"1," * 499 + b"1\n") * 42_000, "too_many_cells"),
    ],
    ids=["rows", "open quote", "unsound quotes", "long line", "cells"],
)
def test_a_file_beyond_all_limits_is_refused_before_it_is_cut_up(data, code):
    with cpu_time() as spent:
        with pytest.raises(UserError) as refusal:
            read_table(data)
        assert refusal.value.code == code
    assert spent.seconds < 2


def test_texts_of_many_lines_are_no_rows():
    text = "\n".join(f"line {n} of some text" for n in range(8))
    table = read_table(b"text,label\n" + f'"{text}",joy\n'.encode() * 3_000, max_rows=3_000)
    assert (len(table.rows), table.rows[0]) == (3_000, (text, "joy"))


# --- properties -----------------------------------------------------------------------------------------------------

# Letters of many alphabets, blanks, quotation marks and one newline at most; no row is blank.
_word = st.text(st.sampled_from("abcdefgXYZ éüжя日本😀'\"-.!?0123456789"), max_size=12)
_cell = st.one_of(_word, st.tuples(_word, _word).map("\n".join), st.tuples(_word, st.just("{d}"), _word).map("".join))
_rows = st.lists(st.tuples(_cell, _cell, st.sampled_from(["joy", "fear", "anger"])), min_size=1, max_size=12)


@QUICK
@given(
    rows=_rows,
    delimiter=st.sampled_from(",;\t|"),
    newline=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
@example(rows=[*[("", "", "joy")] * 5, ("", " ", "joy"), ("", "{d} ", "joy")], delimiter=",", newline="\n", encoding="utf-8", quoting=0)
def test_what_the_csv_module_writes_is_read_back(rows, delimiter, newline, encoding, quoting):
    rows = [tuple(cell.replace("{d}", delimiter) for cell in row) for row in rows]
    file = io.StringIO(newline="")
    csv.writer(file, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows([("id", "text", "label"), *rows])
    table = read_table(file.getvalue().encode(encoding))
    assert table.columns == ("id", "text", "label")
    assert table.rows == rows
    assert table.dropped == ()


@QUICK
@given(data=st.one_of(st.binary(max_size=300), st.text(st.sampled_from('ab ,;|\t"\n\r\x00é1'), max_size=200).map(str.encode)))
def test_any_bytes_give_a_table_or_an_error(data):
    try:
        table = read_table(data)
    except UserError:
        return
    assert table.rows_seen == len(table.rows) + len(table.dropped)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert len(table.lines) == len(table.rows)
    lines = sorted([*table.lines, *(row.line for row in table.dropped)])
    assert lines == sorted(set(lines))
    assert read_table(data) == table


@QUICK
@given(st.lists(st.lists(st.sampled_from(["a", "", "b c", "joy"]), min_size=1, max_size=5), min_size=1, max_size=20))
def test_every_ragged_row_is_kept_or_dropped(rows):
    lines = ["id,text,label", *(",".join(row) for row in rows)]
    table = table_of("\n".join(lines) + "\n")
    if table.header and table.delimiter:
        assert table.rows_seen == sum(line != "" for line in lines[1:])


def test_dropped_rows_compare_by_value():
    assert DroppedRow(3, "why") == DroppedRow(3, "why")
