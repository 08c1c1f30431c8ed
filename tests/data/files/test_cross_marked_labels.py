"""A column for each class with a cross in one of them, and lists with a single 1."""

import json

import pytest

from trainer.data.files.read_table import read_table

TEXTS = [f"this is sentence number {n} about things" for n in range(12)]


def table_of(header: str, row, n_rows: int = 12):
    return read_table("\n".join([header, *(row(n) for n in range(n_rows))]).encode())


@pytest.mark.parametrize(("cross", "blank"), [("x", ""), ("X", ""), ("1", "0"), ("1", ""), ("TRUE", "FALSE"), ("yes", "no"), ("✓", "")])
def test_the_crossed_column_becomes_the_label(cross, blank):
    table = table_of(
        "text,is_praise,is_fault,is_question", lambda n: f"{TEXTS[n]}," + ",".join(cross if n % 3 == k else blank for k in range(3))
    )
    assert table.columns == ("text", "is_praise", "is_fault", "is_question", "choice")
    assert [row[4] for row in table.rows[:3]] == ["praise", "fault", "question"]
    (warning,) = table.warnings
    assert (warning.code, warning.count) == ("crosses_joined", 3)


def test_a_row_without_a_cross_has_no_label_and_few_may_have_two():
    def row(n):
        crossed = {0: (), 1: (0, 1)}.get(n, (n % 3,))
        return f"this is sentence number {n} about things," + ",".join("x" if k in crossed else "" for k in range(3))

    table = table_of("text,topic: bus,topic: train,topic: tram", row, 60)
    assert [cells[4] for cells in table.rows[:3]] == ["", "bus; train", "tram"]


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("text,polite,angry,short", lambda n: f"{TEXTS[n]},{n % 2},{n % 3 % 2},{(n + 1) % 2}"),
        ("text,a,b", lambda n: f"{TEXTS[n]},{n % 2},{1 - n % 2}"),
        ("text,a,b", lambda n: f"{TEXTS[n]},{'yes' if n % 2 else 'no'},{'no' if n % 2 else 'yes'}"),
        ("text,a,b,c", lambda n: f"{TEXTS[n]},{'x' if n else ''},,"),
        ("text,a,b,c", lambda n: f"{TEXTS[n]},{n},0,1"),
    ],
    ids=["independent yes/no columns", "two columns of numbers", "two columns of yes and no", "one column has all crosses", "numbers"],
)
def test_other_columns_stay(header, row):
    table = table_of(header, row)
    assert "choice" not in table.columns


def test_a_column_called_choice_keeps_its_name():
    table = table_of("choice,a,b,c", lambda n: f"{TEXTS[n]}," + ",".join("x" if n % 3 == k else "" for k in range(3)))
    assert table.columns[-1] == "choice (2)"


@pytest.mark.parametrize("start", ["[", "[ ", "[\n"])
@pytest.mark.parametrize("number", [int, float, bool])
def test_lists_with_a_single_one_are_its_position(number, start):
    table = table_of("text,label", lambda n: f'{TEXTS[n]},"{start}{str([number(n % 3 == k) for k in range(3)])[1:]}"')
    assert [row[1] for row in table.rows[:4]] == ["0", "1", "2", "0"]
    assert [warning.code for warning in table.warnings] == ["one_hot_lists"]


def test_lists_with_several_ones_stay():
    table = table_of("text,label", lambda n: f'{TEXTS[n]},"{[1, int(n % 2 == 0), 0]}"')
    assert table.rows[0][1] == "[1, 1, 0]"


def test_two_columns_of_crosses_are_enough():
    table = table_of("text,praise,fault", lambda n: f"{TEXTS[n]},{'x' if n % 2 else ''},{'' if n % 2 else 'x'}")
    assert [row[3] for row in table.rows[:2]] == ["fault", "praise"]


def test_a_key_for_each_class_in_json_lines():
    lines = [json.dumps({"text": TEXTS[n], **{name: int(n % 3 == k) for k, name in enumerate(("good", "bad", "meh"))}}) for n in range(12)]
    table = read_table("\n".join(lines).encode())
    assert [row[4] for row in table.rows[:3]] == ["good", "bad", "meh"]
