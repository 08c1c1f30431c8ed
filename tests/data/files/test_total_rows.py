"""Totals below and between the rows of a table."""

import pytest

from tests.cpu_time import cpu_time
from tests.data.files.samples import make_workbook
from trainer.data.files.read_table import read_table

ROWS = [[f"this is sentence number {n} about things", ("good", "bad", "meh")[n % 3]] for n in range(12)]


def csv_of(*below: str) -> bytes:
    return "\n".join(["comment,rating", *(",".join(row) for row in ROWS), *below]).encode()


@pytest.mark.parametrize(
    "total", ["Total,12", "TOTAL:,12", "Grand total,12", "Summe,12", "Всего,12", "合計,12", "Average,4.5", "Total good,4"]
)
def test_a_total_is_no_row(total):
    table = read_table(csv_of("", total))
    assert len(table.rows) == 12
    (row,) = table.dropped
    assert (row.line, row.reason) == (15, "it is a total, not a row of the table")


def test_notes_below_a_total_go_with_it():
    table = read_table(csv_of("", "", "Total,12", '"Exported on Monday",all rights reserved'))
    assert [row.line for row in table.dropped] == [16, 17]
    table = read_table(make_workbook({"S": [["comment", "rating"], *ROWS, [], ["Total", 12], ["exported on Monday"]]}))
    assert (len(table.rows), len(table.dropped)) == (12, 2)


def test_a_total_between_the_rows_of_two_groups():
    lines = csv_of().decode().split("\n")
    table = read_table("\n".join([*lines[:6], "Subtotal,5", *lines[6:]]).encode())
    assert (len(table.rows), [row.line for row in table.dropped]) == (12, [7])


@pytest.mark.parametrize("last", ["Total waste of money,bad", "total,bad", "Count me in,good", "Sum of all fears,meh"])
def test_texts_that_begin_like_totals_stay(last):
    table = read_table(csv_of(last))
    assert (len(table.rows), table.dropped) == (13, ())


def test_among_ratings_in_numbers_a_total_needs_a_gap():
    rows = "\n".join(["comment,stars", *(f"this is sentence number {n},{n % 5}" for n in range(12))])
    assert len(read_table(f"{rows}\nTotal,3".encode()).rows) == 13
    assert len(read_table(f"{rows}\n\nTotal,30".encode()).rows) == 12


def test_thousands_of_totals_take_linear_time():
    lines = [f"words number {n} here,{'good' if n % 2 else 'bad'}" for n in range(8_000)]
    text = "\n".join(["text,label", *(line for n, line in enumerate(lines) for line in ([line, "Total,5"] if n % 6 == 0 else [line]))])
    with cpu_time() as spent:
        table = read_table(text.encode())
    assert (len(table.rows), spent.seconds < 2) == (8_000, True)


@pytest.mark.parametrize("gap", [False, True])
@pytest.mark.parametrize("label", ["average", "sum", "Count", "Total"])
def test_a_label_called_like_a_total_is_none(label, gap):
    rows = [(("good", "bad", label)[n % 3], f"this is sentence number {n} about things") for n in range(30)]
    rows += [(label, "7/10"), ("good", "Loved every minute"), *[(label, "12")] * (not gap)]
    lines = ["label,text", *map(",".join, rows), *["", f"{label},12"] * gap]
    table = read_table("\n".join(lines).encode())
    assert (table.rows, table.dropped) == (rows + [(label, "12")] * gap, ())


@pytest.mark.parametrize("gap", [0, 1, 2])
@pytest.mark.parametrize(
    "counts", [[["good", 4], ["bad", 4], ["meh", 4]], [["good", 4.0], ["bad", 4], ["Totalt", 8]], [[4, "good"], [4, "meh"]]]
)
def test_a_count_of_the_labels_below_the_table_is_no_row(gap, counts):
    table = read_table(make_workbook({"S": [["comment", "rating"], *ROWS, *[[]] * gap, *counts]}))
    assert table.rows == [tuple(row) for row in ROWS]
    assert [row.reason for row in table.dropped if row.reason != "the row is empty"] == [
        "it counts the rows of a label, below the table"
    ] * len(counts)


def test_numbers_that_count_nothing_stay():
    table = read_table(make_workbook({"S": [["comment", "rating"], *ROWS, ["good", 5], ["bad", 4]]}))
    assert len(table.rows) == 14
