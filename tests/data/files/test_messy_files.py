"""Small messy files, as in the test corpora of DuckDB, readr, messytables and Pollock."""

import csv
import io

import pytest

from tests.data.files.samples import outcome
from trainer.data.files.read_table import read_table

LABELS = ("joy", "sad", "fear")
ROWS = [(f"this is text number {n}", LABELS[n % 3]) for n in range(12)]
BODY = "".join(f"{text},{label}\n" for text, label in ROWS)


def table_of(text: str, **options):
    return read_table(text.encode(), **options)


def codes(table) -> list[str]:
    return [warning.code for warning in table.warnings]


# --- above and below the table --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("above", "n_lines"),
    [
        ("Report of May\n", 1),
        ("Report of May\nExported on 2024-01-01 12:00\n\n", 2),
        ("Report of May,\n,\n", 1),
        ("# made by Bob, with love, and more\n# second line\n", 2),
        ("# made by Bob, with love\n", 1),
        ("Results of the survey, exported by Bob\n", 1),
        ('An "unbalanced title\n', 1),
        ("****************\n\nDie Tabelle bezieht sich auf:\n****************\n", 3),
        ("\n\n \n", 0),
        ("sep=,\n", 0),
    ],
)
def test_lines_above_the_header(above, n_lines):
    table = table_of(above + "text,label\n" + BODY)
    assert (table.columns, table.rows, table.delimiter) == (("text", "label"), ROWS, ",")
    assert table.lines[0] == above.count("\n") + 2
    assert [(warning.code, warning.count, warning.severity) for warning in table.warnings] == (
        [("preamble_skipped", n_lines, "warning")] if n_lines else []
    )
    assert table.dropped == ()


def test_named_values_above_a_wider_table():
    table = table_of("Survey;Mood\nDate;2024\nid;text;label\n" + "".join(f"{n};some text here {n};{LABELS[n % 3]}\n" for n in range(9)))
    assert table.columns == ("id", "text", "label")
    assert table.warnings[0].message == "2 lines above the table were not read as rows; the first is “Survey;Mood”."
    assert table.warnings[0].line == 1


def test_a_hash_may_belong_to_the_table():
    assert table_of("#text,label\n" + BODY).columns == ("#text", "label")
    tweets = table_of("#happy me today,joy\n#sad you today,sad\n" + BODY)
    assert (tweets.header, len(tweets.rows), tweets.warnings) == (False, 14, ())


@pytest.mark.parametrize("below", ["Total rows: 12\n", "\nTotal rows: 12\n\n", "(12 rows)\n"])
def test_a_note_below_the_table_is_a_dropped_row(below):
    table = table_of("text,label\n" + BODY + below)
    assert table.rows == ROWS
    (dropped,) = table.dropped
    assert dropped.reason == "too few cells: 1 instead of 2; it is below the table"


def test_a_header_that_comes_again_is_no_row():
    table = table_of("text,label\n" + BODY + "text,label\n" + BODY)
    assert (len(table.rows), [(row.line, row.reason) for row in table.dropped]) == (24, [(14, "it repeats the column names")])


@pytest.mark.parametrize(
    "text",
    [
        " text | label \n------+-------\n hello there | joy\n bye now | sad\n so it goes | joy\n(3 rows)\n",
        "| text | label |\n|---|:--|\n| hello there | joy |\n| bye now | sad |\n| so it goes | joy |\n",
    ],
)
def test_tables_with_separator_lines(text):
    table = table_of(text)
    position = table.columns.index("text")
    assert [row[position].strip() for row in table.rows] == ["hello there", "bye now", "so it goes"]
    assert table.dropped[0].reason == "it is a separator line"


# --- quotation marks and escapes ------------------------------------------------------------------------------------


@pytest.mark.parametrize("inner", ["it''s, a day", "it\\'s, a day"])
def test_single_quotation_marks(inner):
    table = table_of(f"'text','label'\n'{inner}','joy'\n" + "'plain','sad'\n'two\nlines','sad'\n" * 6)
    assert table.columns == ("text", "label")
    assert table.rows[:3] == [("it's, a day", "joy"), ("plain", "sad"), ("two\nlines", "sad")]
    assert codes(table) == ["single_quotes"]


def test_apostrophes_are_no_quotation_marks():
    table = table_of("text,label\n" + "'tis the season,joy\nrock 'n' roll,sad\n'twas night,joy\n" * 4)
    assert table.rows[:3] == [("'tis the season", "joy"), ("rock 'n' roll", "sad"), ("'twas night", "joy")]
    assert table.warnings == ()


def test_backslashes_before_marks_and_delimiters():
    table = table_of("text,label\n" + '"He said \\"hi\\"",joy\nhello\\, you,sad\n"c:\\new \\\\ b",joy\n' * 6)
    assert table.rows[:3] == [('He said "hi"', "joy"), ("hello, you", "sad"), ("c:\\new \\ b", "joy")]


def test_backslashes_that_escape_nothing_stay():
    table = table_of("text,label\n" + '"c:\\dir\\",joy\n"plain, \\n text",sad\n' * 6)
    assert table.rows[:2] == [("c:\\dir\\", "joy"), ("plain, \\n text", "sad")]


def test_a_null_character_before_a_quotation_mark():
    table = read_table(b'text,label\n"so \0"it\0" is, yes",joy\nplain,sad\n' * 3)
    assert table.rows[0] == ('so "it" is, yes', "joy")
    assert codes(table) == ["null_bytes"]


# --- delimiters -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", ["::", "||", "^", "~", "  ", ":", "¦", "§"])
def test_rare_delimiters(delimiter):
    table = table_of(f"text{delimiter}label\n" + "".join(f"some text, here {n}{delimiter}{LABELS[n % 3]}\n" for n in range(9)))
    assert (table.columns, table.delimiter) == (("text", "label"), delimiter)
    assert table.rows[1] == ("some text, here 1", "sad")


def test_blanks_between_quoted_cells():
    table = table_of('"text" "label"\n' + '"some text here" "joy"\n"other thing" "sad"\n' * 4)
    assert (table.columns, table.rows[0], table.delimiter) == (("text", "label"), ("some text here", "joy"), " ")


def test_lines_of_fasttext():
    table = table_of("__label__joy I am happy, so\n__label__sad __label__fear I am not\n" * 5)
    assert table.rows[:2] == [("joy", "I am happy, so"), ("sad;fear", "I am not")]
    assert not table.header


@pytest.mark.parametrize(
    "text", ["Note: this\nand: that\nwell no\nfoo: bar\nx: y\n", "12:30\n12:40\n11:20\n10:00\n09:30\n08:10\n", "a~b\nc\nd\n"]
)
def test_one_column_stays_one_column(text):
    assert table_of(text).delimiter is None


def test_split_texts_are_rejoined():
    lines = [f"{label},{text}\n" if n % 3 else f"{label},{text}, really, yes\n" for n, (text, label) in enumerate(ROWS * 3)]
    table = table_of("label,text\n" + "".join(lines))
    assert table.rows[3] == ("joy", "this is text number 3, really, yes")
    assert (len(table.rows), table.dropped) == (36, ())
    (warning,) = table.warnings
    assert (warning.code, warning.severity, warning.count) == ("delimiter_in_text", "warning", 12)


@pytest.mark.parametrize("label_first", [True, False])
def test_all_texts_are_split_below_the_names_of_two_columns(label_first):
    rows = [(label, f"{text}, and so on, as ever") if label_first else (f"{text}, and so on, as ever", label) for text, label in ROWS]
    names = ("label", "text") if label_first else ("text", "label")
    table = read_table("".join(f"{a},{b}\n" for a, b in [names, *rows]).encode())
    assert (table.columns, table.rows) == (names, rows)
    assert [(warning.code, warning.count) for warning in table.warnings] == [("delimiter_in_text", 12)]


def test_most_texts_are_split():
    lines = [f"well, this, {text}, yes,{label}\n" if n % 4 else f"{text},{label}\n" for n, (text, label) in enumerate(ROWS * 5)]
    table = table_of("text,label\n" + "".join(lines))
    assert table.rows[1] == ("well, this, this is text number 1, yes", "sad")
    assert (len(table.rows), table.dropped) == (60, ())


def test_unquoted_texts_without_a_header():
    lines = ["joy,During a walk, each time we met, really.\n", "fear,When it was dark.\n", "anger,After days of work, a driver.\n"] * 8
    table = table_of("".join(lines))
    assert table.rows[:2] == [("joy", "During a walk, each time we met, really."), ("fear", "When it was dark.")]
    assert (table.header, len(table.rows), table.dropped) == (False, 24, ())


def test_labels_before_a_colon():
    table = table_of("".join(f"{LABELS[n % 3]}: I feel, well, {n}\n" for n in range(12)))
    assert (table.delimiter, table.rows[0]) == (":", ("joy", " I feel, well, 0"))
    assert table_of("".join(f"http://a.b/{n}, {LABELS[n % 3]}\n" for n in range(12))).delimiter == ","


@pytest.mark.parametrize("mark", ["\x01", "\x1f"])
def test_control_characters_between_cells(mark):
    table = table_of("text,label\n".replace(",", mark) + BODY.replace(",", mark))
    assert (table.columns, table.rows, table.delimiter) == (("text", "label"), ROWS, "\t")


def test_rows_that_cannot_be_rejoined_for_certain_are_dropped():
    table = table_of("text,label\n" + BODY + "well, this, unheard-of\nno,blank,joy\n")
    assert [row.line for row in table.dropped] == [14, 15]
    assert codes(table) == []


# --- headers --------------------------------------------------------------------------------------------------------


def test_blank_and_repeated_names_become_distinct():
    table = table_of("text,label,text,,text (2),\n" + "a b c,joy,x,,y,\n" * 6)
    assert table.columns == ("text", "label", "text (3)", "column 4", "text (2)", "column 6")
    (warning,) = table.warnings
    assert (warning.code, warning.severity, warning.count) == ("headers_renamed", "ok", 3)
    assert "“text (3)”, “column 4”, “column 6”" in warning.message


@pytest.mark.parametrize(
    "header",
    [
        "How do you feel about the new canteen?,Which emotion describes it best?",
        "Please describe the situation in your own words,Which emotion did you feel most strongly at that moment",
    ],
)
def test_questions_of_a_survey_are_a_header(header):
    table = table_of(header + "\n" + BODY)
    assert (table.header, table.columns, len(table.rows)) == (True, tuple(header.split(",")), 12)


# --- pollution at one position at a time, as in Pollock ---------------------------------------------------------------

CLEAN = [("DATE", "TIME", "Qty", "PRODUCTID", "Price", "ProductType", "ProductDescription", "URL", "Comments")] + [
    (f"{n + 1:02}/01/2018", f"{n:02}:15", str(n % 4), f"MG-{n}769", f"${n}4.69", LABELS[n % 3], f"A boot, of {n}\" and more", f"https://example.com/{n}", "")
    for n in range(20)
]  # fmt: skip


def written(rows=CLEAN, **options) -> str:
    file = io.StringIO(newline="")
    csv.writer(file, **{"lineterminator": "\n", **options}).writerows(rows)
    return file.getvalue()


@pytest.mark.parametrize(
    "text",
    [
        written(),
        written().rstrip("\n"),
        written() + "\n\n",
        written(lineterminator="\r\n"),
        written(lineterminator="\r"),
        written(delimiter=";"),
        written(delimiter="\t"),
        written(delimiter="|"),
        written(delimiter=" ", quoting=csv.QUOTE_ALL),
        written(quoting=csv.QUOTE_ALL),
        written(quotechar="'", quoting=csv.QUOTE_ALL),
        written(escapechar="\\", doublequote=False),
        written(escapechar="\\", quoting=csv.QUOTE_NONE),
        written(delimiter=";", escapechar="\\", doublequote=False),
        "PREAMBLE,,,,,,,,\n,,,,,,,,\n" + written(),
    ],
)
def test_a_polluted_file_gives_the_clean_table(text):
    table = table_of(text)
    assert table.columns == CLEAN[0]
    assert table.rows == CLEAN[1:]


@pytest.mark.parametrize("row", range(0, 21, 5))
@pytest.mark.parametrize("column", range(9))
@pytest.mark.parametrize("pollution", ["quote", "delimiter more", "delimiter less", "other delimiter"])
def test_a_polluted_row_costs_no_other_row(row, column, pollution):
    lines = written().splitlines()
    cells = lines[row].split(",")
    if pollution == "quote":
        cells[column] = '"' + cells[column]
    elif pollution == "delimiter more":
        cells.insert(column, "")
    elif pollution == "delimiter less":
        cells[column : column + 2] = ["".join(cells[column : column + 2])]
    else:
        cells = [";".join(cells)]
    lines[row] = ",".join(cells)
    table = table_of("\n".join(lines) + "\n")
    # A broken header may have fewer or more names; columns without a name are empty in every row here.
    read = {cells[:8] for cells in table.rows}
    assert sum(wanted[:8] in read for number, wanted in enumerate(CLEAN) if number not in (0, row)) == (19 if row else 20)
    assert table.rows_seen == len(table.rows) + len(table.dropped)
    if row:
        assert table.rows_seen == 20


@pytest.mark.parametrize("other", [[("a", "b"), ("1", "2")], [("a",) * 12, ("1",) * 12]])
def test_a_second_table_below_is_accounted_for(other):
    table = table_of(written() + "\n" + written(other))
    assert table.rows == CLEAN[1:]
    assert len(table.dropped) == 2


@pytest.mark.parametrize(
    "text",
    [
        'a,"b",\'c\'\n,,NA,"NA",\na,1,1.0,1.1,1e3\n',  # not a table according to readr
        'w,x,y,z\n\\\\,"\\\\\\"\\\\",0,\\"\n\\,,"\\,\\"\\,",1,\\"a\\"\n',  # DuckDB: escapes inside and outside quotation marks
        '1,2,"pedro"\n' * 8 + '1,2\n1,2,"pedro",5\n1,2,"pedro"bla\n' + '1,2,"pedro"\n' * 8,
        "date, another date, temperature, place\n2011-01-01, 24 October 2011, 0,\n2011-01-03, , '6000',Galway",
        '""\n;"";;;\n;"1985";"1993"\n"   Chirurgie";"  ";"  "\n',
        " 3.5E+05  2.1E+02  1.7E-03\n 0.0E+00  0.0E+00  0.0E+00\n" * 5,
        "\ufeff\n", '"', '""', "''", ",", ";;", "\t\n\t\n", "a", "a\n", "\x1a", "sep=;", "sep=;\n", "\\", '\\"', "#", "# a\n# b\n", "a,b\n" * 3 + '"',
    ],
)  # fmt: skip
def test_unusual_texts_give_a_table_or_an_error(text):
    table = outcome(text.encode())
    if table is None:
        return
    assert table.rows_seen == len(table.rows) + len(table.dropped)
    assert all(len(row) == len(table.columns) for row in table.rows)
    assert len(set(table.columns)) == len(table.columns)
