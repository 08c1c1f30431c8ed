"""JSON that was written into a string: documents, rows, the values under a key, the cells of a column. Texts that are JSON stay texts."""

import csv
import io
import json

import pytest

from trainer.data.files.read_table import read_table

ROWS = [(f"this is text number {n} of them", "good" if n % 2 else "bad") for n in range(12)]
OBJECTS = [{"text": text, "label": label} for text, label in ROWS]
DUMPED = [json.dumps(item) for item in OBJECTS]


def csv_of(header, rows):
    file = io.StringIO()
    csv.writer(file).writerows([header, *rows])
    return file.getvalue().encode()


@pytest.mark.parametrize("indent", [None, 1])
@pytest.mark.parametrize("document", [DUMPED, {"data": json.dumps(OBJECTS)}, {"data": DUMPED}])
def test_a_document_or_its_rows(document, indent):
    table = read_table(json.dumps(document, indent=indent).encode())
    assert (table.columns, table.rows) == (("text", "label"), ROWS)


def test_the_values_under_a_key():
    lines = [json.dumps({"id": n, "payload": dumped}) for n, dumped in enumerate(DUMPED)]
    for data in ("\n".join(lines), f"[{','.join(lines)}]"):
        table = read_table(data.encode())
        assert table.columns == ("id", "payload.text", "payload.label")
        assert [row[1:] for row in table.rows] == ROWS
    beside = [json.dumps({"text": text, "meta": json.dumps({"label": label, "n": 1})}) for text, label in ROWS]
    table = read_table("\n".join(beside).encode())
    assert (table.columns, [row[:2] for row in table.rows]) == (("text", "meta.label", "meta.n"), ROWS)


def test_the_cells_of_a_column():
    table = read_table(csv_of(["id", "payload", "n"], [(n, dumped, 7) for n, dumped in enumerate(DUMPED)]))
    assert table.columns == ("id", "payload.text", "payload.label", "n")
    assert [row[1:3] for row in table.rows] == ROWS
    some_empty = read_table(csv_of(["payload", "n"], [(dumped if n else "", n) for n, dumped in enumerate(DUMPED)]))
    assert some_empty.rows[0] == ("", "", "0")


def test_texts_that_are_json_stay_texts():
    rows = [(json.dumps({"error": n, "place": "at the door"}), label) for n, (_, label) in enumerate(ROWS)]
    assert read_table(csv_of(["request", "label"], rows)).rows == rows
    lines = "\n".join(json.dumps({"request": text, "label": label}) for text, label in rows)
    assert read_table(lines.encode()).rows == rows
