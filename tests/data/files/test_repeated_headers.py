"""Files put together: column names again, in another order; facts above the names."""

from trainer.data.files.read_table import read_table
from trainer.data.files.repeated_headers import align_parts

PAIRS = [(f"this is text {n} of them", ["joy", "anger", "fear"][n % 3]) for n in range(12)]


def test_rows_below_swapped_names_are_put_in_order():
    lines = [
        "text,label",
        *map(",".join, PAIRS),
        "Label,Text",
        *(f"{label},{text}" for text, label in PAIRS),
        "text,label",
        *map(",".join, PAIRS),
    ]
    table = read_table("\n".join(lines).encode())
    assert table.rows == PAIRS * 3
    assert [row.line for row in table.dropped] == [14, 27]
    (warning,) = table.warnings
    assert (warning.code, warning.severity, warning.count, warning.line) == ("columns_reordered", "warning", 12, 14)


def test_a_part_with_another_set_of_columns():
    lines = ["id,text,label", *(f"{n},{text},{label}" for n, (text, label) in enumerate(PAIRS))]
    more = [
        "label,text",
        *(f"{label},{text}" for text, label in PAIRS),
        "text,label,who,id",
        *(f"{text},{label},ann,7" for text, label in PAIRS),
    ]
    table = read_table("\n".join([*lines, *more]).encode())
    assert [row[1:] for row in table.rows] == PAIRS * 3
    assert [*[row[0] for row in table.rows][11:14], table.rows[-1][0]] == ["11", "", "", "7"]
    assert [row.line for row in table.dropped] == [14, 27]


def test_a_row_that_is_no_header_changes_nothing():
    records = [("a text", "joy"), ("label", "joy"), ("text", "text")]
    assert align_parts(("text", "label"), [2, 3, 4], records) == (records, ())


def test_facts_as_wide_as_the_table_are_above_it():
    facts = ["Project,Happy customers", "Exported,2024-01-31", "Owner,Ann"]
    table = read_table("\n".join([*facts, "text,label", *map(",".join, PAIRS)]).encode())
    assert (table.columns, table.rows) == (("text", "label"), PAIRS)
    assert [warning.code for warning in table.warnings] == ["preamble_skipped"]


def test_names_among_the_first_rows_are_texts_if_names_stand_above():
    rows = [("my title", "content"), ("the class", "label"), *PAIRS]
    table = read_table("\n".join(["text,label", *map(",".join, rows)]).encode())
    assert table.rows == rows
