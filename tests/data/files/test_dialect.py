"""Special dialects: fastText's labels, R's write.table."""

import pytest

from trainer.data.files.read_table import read_table

SENTENCES = [f"this is number {n} about {'good' if n % 2 else 'bad'} things" for n in range(12)]
LABELS = ["joy", "anger", "fear"] * 4
PAIRS = list(zip(SENTENCES, LABELS, strict=True))


def table_of(lines):
    return read_table("\n".join(lines).encode())


def test_the_prefix_of_fasttext_is_no_part_of_the_label():
    table = table_of(f"__label__{label} {text}, and {text}" for text, label in PAIRS)
    assert table.rows == [(label, f"{text}, and {text}") for text, label in PAIRS]


@pytest.mark.parametrize("suffix", ["", " x"])
@pytest.mark.parametrize("header", [[], ["label,text"]])
def test_a_csv_file_with_such_labels_is_a_csv_file(header, suffix):
    table = table_of([*header, *(f"__label__{label}{suffix},{text}" for text, label in PAIRS)])
    assert (table.delimiter, table.header) == (",", bool(header))
    assert table.rows == [(f"__label__{label}{suffix}", text) for text, label in PAIRS]


@pytest.mark.parametrize(
    ("header", "row", "columns", "wanted"),
    [
        ('"text" "label"', '"{n}" "{text}, so" "{label}"', ("text", "label"), ("{text}, so", "{label}")),
        ('"label" "text"', '"{n}" 1 "{text}"', ("label", "text"), ("1", "{text}")),
        ('"text" "n"', '"{n}" "a \\"{text}\\" b" 2.5', ("text", "n"), ('a "{text}" b', "2.5")),
    ],
)
def test_the_default_of_r(header, row, columns, wanted):
    table = table_of([header, *(row.format(n=n, text=text, label=label) for n, (text, label) in enumerate(PAIRS, 1))])
    assert (table.delimiter, table.header, table.columns) == (" ", True, ("column 1", *columns))
    first = PAIRS[0]
    assert table.rows[0] == ("1", *(cell.format(text=first[0], label=first[1]) for cell in wanted))
    assert (len(table.rows), table.dropped) == (12, ())


def test_the_column_names_again_in_another_case():
    table = table_of(["text,label", *(f"{text},{label}" for text, label in PAIRS), "Text,Label", "some text,Label"])
    assert [(row.line, row.reason) for row in table.dropped] == [(14, "it repeats the column names")]
    assert table.rows[-1] == ("some text", "Label")


def test_trailing_lines_of_delimiters_only_are_not_too_many_rows():
    text = "text,label\n" + "".join(f"{text},{label}\n" for text, label in PAIRS) + ",\n" * 500
    table = read_table(text.encode(), max_rows=100)
    assert (len(table.rows), table.dropped) == (12, ())


@pytest.mark.parametrize("delimiter", [" +++$+++ ", " ::: ", ":::", "|||", "###", "@@@", " => ", " -> ", "::", "~", "^"])
def test_rare_delimiters(delimiter):
    table = table_of(f"{text}{delimiter}{label}" for text, label in PAIRS)
    assert (table.delimiter, table.rows) == (delimiter, PAIRS)


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("header", ["text;label", "Kommentar;Stimmung", "Rückmeldung;Stimmung", "comment;rating_class"])
def test_column_names_before_each_part_of_a_file_are_no_rows(header, mark):
    part = "\n".join([mark + header, *(f"{text};{label}" for text, label in PAIRS)])
    table = read_table("\n".join([part] * 4).encode())
    assert (table.columns, table.rows) == (tuple(header.split(";")), PAIRS * 4)


@pytest.mark.parametrize("rule", ["|---|:-:|", "|:-:|:-:|", "|:--|--:|", "|:-|-:|", "|---|---|"])
def test_the_rule_of_a_markdown_table_is_no_row(rule):
    table = read_table("\n".join(["| text | label |", rule, *(f"| {text} | {label} |" for text, label in PAIRS)]).encode())
    assert [tuple(cell.strip() for cell in row if cell.strip()) for row in table.rows] == PAIRS
