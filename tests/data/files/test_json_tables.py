"""JSON tables in their usual layouts."""

import json

import pytest

from tests.cpu_time import cpu_time
from tests.data.files.samples import outcome
from trainer.data.files.read_table import read_table
from trainer.errors import UserError

ROWS = [{"text": "hello there", "label": "joy"}, {"text": "bye now", "label": "sad"}]
WANTED = (("text", "label"), [("hello there", "joy"), ("bye now", "sad")])


def table_of(text: str, **limits):
    return read_table(text.encode(), **limits)


@pytest.mark.parametrize(
    "text",
    [
        "\n".join(map(json.dumps, ROWS)),
        "\r\n".join(map(json.dumps, ROWS)) + "\r\n\r\n",
        json.dumps(ROWS),
        json.dumps(ROWS, indent=2),
        "// by hand\n[\n  /* the first */ " + ",\n  // another\n".join(map(json.dumps, ROWS)) + ", // the last\n]\n",
        json.dumps({"version": "1.0", "data": ROWS}, indent=1),
        json.dumps({"data": ROWS}),
        json.dumps(json.dumps(ROWS)),
        json.dumps({"header": ["text", "label"], "rows": [list(row.values()) for row in ROWS]}),
        json.dumps({"text": ["hello there", "bye now"], "label": ["joy", "sad"]}),
        json.dumps({"text": {"0": "hello there", "1": "bye now"}, "label": {"0": "joy", "1": "sad"}}),
        json.dumps([["text", "label"], ["hello there", "joy"], ["bye now", "sad"]]),
        "('text', 'label')\n('hello there', 'joy'),\n('bye now', \"sad\")\n",
    ],
)
def test_every_shape_gives_the_same_table(text):
    table = table_of(text)
    assert (table.columns, table.rows) == WANTED
    assert (table.delimiter, table.header, table.encoding, table.dropped) == (None, True, "utf-8", ())


def test_values_stay_as_they_are_written():
    lines = [
        '{"text": "é 😀\\nb", "label": 01}',
        '{"text": "a b", "label": 1.0, "more": [1, 2.50, {"k": "é"}]}',
        '{"text": null, "label": true}',
        '{"label": 12345678901234567890123456789, "text": "c\\u0000d\\ud800"}',
        '{"text": "e", "label": NaN}',
    ]
    table = table_of("\n".join(lines))
    assert table.columns == ("text", "label", "more")
    assert table.rows == [
        ("a b", "1.0", '[1, 2.50, {"k": "é"}]'),
        ("", "true", ""),
        ("cd", "12345678901234567890123456789", ""),
        ("e", "", ""),
    ]
    assert all(type(cell) is str for row in table.rows for cell in row)
    assert [(row.line, row.reason) for row in table.dropped] == [(1, "the line is not a whole JSON object")]
    assert table.lines == [2, 3, 4, 5]


def test_torn_and_odd_lines_are_accounted_for():
    lines = [json.dumps(ROWS[0])] * 3 + ['{"text": "torn', "", "[1]", "{}", '{"text": " ", "label": ""}', json.dumps(ROWS[1])]
    table = table_of("\n".join(lines))
    assert [row.line for row in table.dropped] == [4, 6, 7, 8]
    assert (len(table.rows), table.rows_seen) == (4, 8)


def test_keys_are_made_distinct_and_named():
    table = table_of('{"": "a b", "x": "joy"}\n{"": "c", "x": "sad"}')
    assert table.columns == ("column 1", "x")
    assert [warning.code for warning in table.warnings] == ["headers_renamed"]


@pytest.mark.parametrize(
    "text",
    [
        '[{"text": "a", "label":',
        '{"text": "a",\n "label":\n',
        '{\n "name": {"a": 1},\n "other": 3\n}',
        "[" * 100_000,
        '{"a":' * 100_000,
        "[1, 2, 3]",
    ],
)
def test_json_without_a_table_is_refused_kindly_or_read_as_text(text):
    table = outcome(text.encode())
    assert table is None or table.rows_seen == len(table.rows) + len(table.dropped)


def test_a_csv_may_begin_with_a_brace():
    assert table_of("{name},label\nhello you,joy\nbye you,sad\n").columns == ("{name}", "label")
    assert table_of("[x] text,label\nhello you,joy\nbye you,sad\n").columns == ("[x] text", "label")


def test_limits():
    text = "\n".join(map(json.dumps, ROWS))
    wide = json.dumps([{str(n): 1} for n in range(50)])
    sparse = json.dumps([{str(n): 1} for n in range(50)])
    for data, limits, code in [
        (text, {"max_rows": 1}, "too_many_rows"),
        (wide, {"max_columns": 10}, "too_many_columns"),
        (sparse, {"max_rows": 50}, "too_many_cells"),
    ]:
        with pytest.raises(UserError) as refusal:
            table_of(data, **limits)
        assert refusal.value.code == code
    assert [row.line for row in table_of(text, max_cell_chars=10).dropped] == [1]


def test_what_lies_deeper_than_any_text_is_an_ellipsis_and_takes_no_time():
    rows = [f'{{"text": "text {n}", "x": {"[" * 900 + "]" * 900}}}' for n in range(500)]
    with cpu_time() as spent:
        table = table_of("\n".join(rows))
    assert spent.seconds < 0.5
    assert {row[1] for row in table.rows} == {"[" * 51 + "…" + "]" * 51}


def test_an_object_of_a_million_keys_is_refused_after_one_look():
    with cpu_time() as spent:
        with pytest.raises(UserError) as refusal:
            table_of("{" + ",".join(f'"k{n}":{n}' for n in range(200_000)) + "}")
        assert refusal.value.code == "too_many_columns"
    assert spent.seconds < 0.5


@pytest.mark.parametrize(("text", "lines"), [('\n\n {"text": "hello there", "label": "joy"}\n\n', [3]), ("{}", [])])
def test_a_single_object_on_a_line_is_a_row(text, lines):
    table = table_of(text)
    assert (table.lines, len(table.dropped)) == (lines, int(not lines))


@pytest.mark.parametrize("end", ["", "\\"])
def test_a_text_of_quotation_marks_that_never_ends_takes_linear_time(end):
    with cpu_time() as spent:
        assert outcome(('[{"a": 1,\n "' + '\\"' * 30_000 + end).encode()) is None
    assert spent.seconds < 0.5


@pytest.mark.parametrize("header", ["text,label\n", ""])
@pytest.mark.parametrize(
    "answer", ['Here is the JSON you asked for:\n```json\n{""a"": 1}\n```\nfine', "Here you are:\n```json\n[1, 2]\n```\nAsk for more."]
)
def test_a_text_with_a_code_block_is_a_cell(answer, header):
    lines = [f'"{answer}",good', *(f"this is text number {n} of them,{('good', 'bad')[n % 2]}" for n in range(12))]
    table = read_table((header + "\n".join(lines)).encode())
    assert (len(table.rows), table.rows[0]) == (13, (answer.replace('""', '"'), "good"))


def test_a_code_block_after_a_sentence_with_numbers_and_commas():
    rows = [{"text": f"this is text number {n} of them", "label": ("good", "bad")[n % 2]} for n in range(12)]
    table = read_table(f"All 1,000 rows; as you asked:\n```json\n{json.dumps(rows, indent=1)}\n```\n".encode())
    assert (table.columns, len(table.rows)) == (("text", "label"), 12)


@pytest.mark.parametrize(
    ("text", "delimiter"),
    [
        ('{{"q": "some text {} here"}}', "\t"),
        ('{{"q": "text {}"}}', ","),
        ('[{{"turn": "text {}"}}, {{"turn": "b"}}]', "\t"),
        ("[[1, {}], [2]]", ";"),
        ("[[link {}]] with some words", ","),
    ],
)
def test_a_table_whose_texts_begin_like_json_is_no_damaged_json(text, delimiter):
    lines = [f"{text.format(n)}{delimiter}{('good', 'bad')[n % 2]}" for n in range(12)]
    table = read_table("\n".join(lines).encode())
    assert [row[-1] for row in table.rows] == ["good", "bad"] * 6
    assert "3" in table.rows[3][0]


@pytest.mark.parametrize(
    "text", ['[\n{"a": "b c", "d": 1},\n{"a": "e f", "d": 2},\n{"a": "g h", "d": 3},\n{"a": "i', '{"a": {"b": 1},\n"c": [1, 2],\n"d']
)
def test_json_that_is_cut_short_is_refused(text):
    with pytest.raises(UserError) as refusal:
        read_table(text.encode())
    assert "damaged" in refusal.value.message
