"""Findings about a data set."""

from trainer.data.checks import check
from trainer.data.columns import Columns
from trainer.data.corpus import build_corpus
from trainer.data.reading import read_table

SURE = Columns(0, 1, "chosen by you", "chosen by you", sure=True)


def findings(data: bytes, columns: Columns = SURE):
    table = read_table(data)
    return {found.code: found for found in check(table, columns, build_corpus(table, text=columns.text, label=columns.label))}


def lines(*rows: str) -> bytes:
    return "\n".join(("text,label", *rows)).encode()


GOOD = [f"this is text number {n},{'joy' if n % 2 else 'fear'}" for n in range(20)]


def test_nothing_to_find():
    assert findings(lines(*GOOD)) == {}


def test_dropped_rows():
    found = findings(lines(*GOOD, "too, many,joy"))["rows_dropped"]
    assert (found.severity, found.count) == ("look", 1)
    assert "1 row of 21 could not be read" in found.message
    assert "line 22" in found.message
    assert findings(lines(*GOOD, *["too, many,joy"] * 5))["rows_dropped"].severity == "must_fix"


def test_guessed_encoding():
    found = findings(b"text,label\n" + "\n".join([*GOOD, "le café est très bon,joy"]).encode("cp1252"))["encoding_guessed"]
    assert found.count == 1
    assert "cp1252" in found.message
    assert "line 22" in found.message


def test_unsure_columns():
    found = findings(lines(*GOOD), Columns(0, 1, "long", "“b” could be it too", sure=False))["columns_unsure"]
    assert "“text” (long)" in found.message
    assert "“label” (“b” could be it too)" in found.message


def test_empty_texts_and_labels():
    found = findings(lines(*GOOD, ",joy", " ,fear", "no label here,"))
    assert found["empty_texts"].count == 2
    assert found["empty_labels"].count == 1


def test_doubles_and_conflicts():
    found = findings(lines(*GOOD, "THIS is  text number 0,fear", "this is text number 2,joy"))
    assert found["duplicate_texts"].count == 2
    assert "2 texts occur more than once (4 rows)" in found["duplicate_texts"].message
    assert found["conflicting_labels"].count == 1
    assert "“this is text number 2” is “fear” and “joy”" in found["conflicting_labels"].message


def test_rare_classes_and_imbalance():
    found = findings(lines(*GOOD, "a single text here,awe"))
    assert "“awe” (1 row)" in found["rare_classes"].message
    assert "imbalance" in found
    assert found["imbalance"].count == 10


def test_numbers_are_written_for_people():
    rows = [f"this is text number {n},{'joy' if n % 2 else 'fear'}" for n in range(2_000)]
    assert "1,000 rows" in findings(lines(*rows, *[f"only here {n},awe" for n in range(5)]))["imbalance"].message
