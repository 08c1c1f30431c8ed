"""Comments between rows and notes below a table are dropped with a reason; rows that look like them are kept."""

import pytest

from trainer.data.files.read_table import read_table

PAIRS = [(f"this is text {n} of them", ["joy", "anger", "fear"][n % 3]) for n in range(12)]


def table_of(*lines):
    return read_table("\n".join(["text,label", *lines]).encode())


@pytest.mark.parametrize("mark", ["#", "//", "--", "%"])
def test_comments_as_wide_as_the_table_are_no_rows(mark):
    lines = [",".join(pair) for pair in PAIRS]
    table = table_of(*lines[:6], f"{mark} batch 2, second half", *lines[6:])
    assert table.rows == PAIRS
    assert [(row.line, row.reason) for row in table.dropped] == [(8, "it is a comment between the rows")]


@pytest.mark.parametrize("note", ["Source: Survey Corp, 2024", "Exported by Ann, on Monday"])
def test_notes_after_a_blank_line_are_no_rows(note):
    table = table_of(*map(",".join, PAIRS), "", note)
    assert table.rows == PAIRS
    assert [(row.line, row.reason) for row in table.dropped] == [(15, "it is a note below the table")]


def test_a_text_that_begins_like_a_comment_and_has_a_label_is_a_row():
    rows = [*PAIRS, ("# joy of the day", "joy"), ("// said nobody", "fear")]
    assert table_of(*map(",".join, rows)).rows == rows
    assert table_of(*map(",".join, PAIRS), "", "one more text,joy").rows == [*PAIRS, ("one more text", "joy")]


def test_a_rare_label_in_the_last_rows_is_a_row():
    assert table_of(*map(",".join, PAIRS), "one more text,sadness").rows[-1] == ("one more text", "sadness")
    after_two_lines = [*(f'"{text}\nand more",{label}' for text, label in PAIRS), "one more text,sadness"]
    assert table_of(*after_two_lines).rows[-1] == ("one more text", "sadness")


def groups_of(*sizes: int, blank_lines: bool = True) -> tuple[bytes, list[tuple[str, str]]]:
    """A table whose classes stand one after another, and its rows."""
    groups = [[(f"this is text {n} about them", f"class {group}") for n in range(size)] for group, size in enumerate(sizes)]
    separator = "\n\n" if blank_lines else "\n"
    return ("text,label\n" + separator.join("\n".join(map(",".join, rows)) for rows in groups)).encode(), [
        row for rows in groups for row in rows
    ]


@pytest.mark.parametrize("sizes", [(8, 8, 4), (8, 8, 1), (8, 8, 2, 2), (16, 4), (5, 5, 5, 5, 5)])
def test_a_class_below_a_blank_line_is_no_note(sizes):
    data, rows = groups_of(*sizes)
    assert read_table(data).rows == rows


def test_a_blank_line_after_each_row_ends_no_table():
    rows = [(f"this is text {n} about them", "rare" if n == 15 else f"class {n % 2}") for n in range(17)]
    assert read_table(("text,label\n\n" + "\n\n".join(map(",".join, rows))).encode()).rows == rows


def test_notes_below_the_last_group_of_one_table():
    data, rows = groups_of(8, 8, blank_lines=False)
    table = read_table(data + b"\n\nExported on Monday,all rights reserved\nby the office,\n")
    assert (table.rows, [row.line for row in table.dropped]) == (rows, [19, 20])
