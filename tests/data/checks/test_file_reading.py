"""Findings about a data set."""

import random

from trainer.check import findings as with_message
from trainer.check import run_checks, sort_by_severity
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.registry import FILE_CHECKS
from trainer.data.columns.guess import Columns
from trainer.data.corpus import build_corpus
from trainer.data.duplicates.near_duplicates import find_near_duplicates
from trainer.data.files.read_table import read_table

SURE = Columns(0, 1, "chosen by you", "chosen by you", confident=True)


def findings(data: bytes, columns: Columns = SURE):
    table = read_table(data)
    corpus = build_corpus(table, text=columns.text, label=columns.label, extra_text_columns=columns.extra_text_columns)
    checked = sort_by_severity(run_checks(FILE_CHECKS, CheckedFile(table, columns, corpus, find_near_duplicates(corpus.texts))))
    assert [f.severity for f in checked] == sorted((f.severity for f in checked), key=["error", "warning", "info", "ok"].index)
    return {f.code: f for f in with_message(checked)}


def lines(*rows: str) -> bytes:
    return "\n".join(("text,label", *rows)).encode()


WORDS = "river stone cloud paper window garden silver copper lemon winter harbour engine mirror candle forest pocket ribbon thunder velvet whisper".split()
GOOD = [f"this is text number {n} of {word},{'joy' if n % 2 else 'fear'}" for n, word in enumerate(WORDS * 2)]


def test_nothing_to_find():
    by_code = findings(lines(*GOOD))
    assert {f.severity for f in by_code.values()} == {"ok"}
    assert set(by_code) == {"rows_read", "labels_clear", "texts_differ"}


def test_dropped_rows():
    finding = findings(lines(*GOOD, "a cell alone"))["rows_dropped"]
    assert (finding.severity, finding.count) == ("warning", 1)
    assert "1 row of 41 could not be read" in finding.sentence
    assert "line 42" in finding.sentence
    assert findings(lines(*GOOD, *["a cell alone"] * 8))["rows_dropped"].severity == "error"


def test_guessed_encoding():
    finding = findings(b"text,label\n" + "\n".join([*GOOD, "le café est très bon,joy"]).encode("cp1252"))["encoding_guessed"]
    assert finding.count == 1
    assert "cp1252" in finding.sentence
    assert "line 42" in finding.sentence


def test_unsure_columns():
    finding = findings(lines(*GOOD), Columns(0, 1, "long", "“b” could be it too", confident=False))["columns_unsure"]
    assert "“text” (long)" in finding.sentence
    assert "“label” (“b” could be it too)" in finding.sentence


def test_empty_texts_and_labels():
    by_code = findings(lines(*GOOD, ",joy", " ,fear", "no label here,"))
    assert by_code["empty_texts"].count == 2
    assert by_code["empty_labels"].count == 1


def test_doubles_and_conflicts():
    by_code = findings(lines(*GOOD, "THIS is  text number 0 of river,fear", "this is text number 2 of cloud,joy"))
    assert by_code["duplicate_texts"].count == 2
    assert "2 texts occur more than once (4 rows)" in by_code["duplicate_texts"].sentence
    assert by_code["conflicting_labels"].count == 1
    assert {(example.text, example.note) for example in by_code["conflicting_labels"].examples} == {
        ("this is text number 2 of cloud", "fear"),
        ("this is text number 2 of cloud", "joy"),
    }


def test_rare_classes_and_imbalance():
    by_code = findings(lines(*GOOD, "a single text here,awe"))
    assert "“awe” (1 row)" in by_code["rare_classes"].sentence
    assert "imbalance" in by_code
    assert by_code["imbalance"].count == 20


def test_numbers_are_written_for_people():
    rows = [f"this is text number {n},{'joy' if n % 2 else 'fear'}" for n in range(2_000)]
    assert "1,000 rows" in findings(lines(*rows, *[f"only here {n},awe" for n in range(5)]))["imbalance"].sentence


def test_nearly_equal_texts():
    finding = findings(lines(*GOOD, "This is text number 0 of River!!!,fear", "this is text number 1 of stone.,joy"))["near_duplicates"]
    assert (finding.severity, finding.count, finding.repairable) == ("warning", 2, True)
    assert {example.line for example in finding.examples} == {2, 3, 42, 43}


def test_nearly_equal_texts_that_were_kept_apart_are_told():
    rng = random.Random(1)
    names = ("".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(300))
    rows = (
        f"dear {name} your order was sent and will arrive at your door on monday,{'joy' if n % 2 else 'fear'}"
        for n, name in enumerate(names)
    )
    by_code = findings(lines(*GOOD, *rows))
    parted = by_code["near_duplicates_parted"]
    assert (parted.severity, parted.count) == ("warning", 300)
    assert parted.message.startswith("300 rows are nearly equal to a row that may be on the other side of the split, 88.2 % of all rows")
    assert "about 20 rows" in parted.advice
    assert "texts_differ" not in by_code


def test_nearly_equal_texts_that_were_not_all_looked_for_are_told(monkeypatch):
    for limit in ("_MAX_EXHAUSTIVE", "_BUCKET_PAIRS"):
        monkeypatch.setattr(f"trainer.data.duplicates.similar_pairs.{limit}", 0)
    rng = random.Random(2)
    rows = (f"{' '.join(rng.choices(['alpha', 'bravo', 'delta'], k=150))},{'joy' if n % 2 else 'fear'}" for n in range(400))
    by_code = findings(lines(*GOOD, *rows))
    unchecked = by_code["near_duplicates_unchecked"]
    assert unchecked.severity == "warning"
    assert unchecked.count > 360
    assert f"for {unchecked.count} rows of 440" in unchecked.message
    assert "texts_differ" not in by_code


def test_examples_show_the_rows():
    by_code = findings(lines(*GOOD, ",joy", "a cell alone", "only here,awe"))
    assert [(e.line, e.note) for e in by_code["rows_dropped"].examples] == [
        (43, by_code["rows_dropped"].sentence.split(": ", 1)[1].rstrip("."))
    ]
    assert [(e.line, e.text, e.note) for e in by_code["empty_texts"].examples] == [(42, "joy", "no text in this row")]
    assert [(e.line, e.text, e.note) for e in by_code["rare_classes"].examples] == [(44, "only here", "awe")]


def test_what_the_reader_did_is_told():
    by_code = findings(b"text,label,label\n" + "\n".join(f"{row},x" for row in GOOD).encode())
    assert "headers_renamed" in by_code


def test_a_guessed_encoding_is_said_with_the_words_that_would_change():
    data = ("text,label\n" + "".join(f"žádná zpráva jen déšť {n},{('joy', 'fear')[n % 2]}\n" for n in range(30))).encode("iso8859-2")
    by_code = findings(data)
    assert "If it were cp1250, " in by_code["encoding_guessed"].sentence
    assert "rival_encoding" not in by_code


def test_labels_that_were_filled_down_are_told():
    rows = [f"this is text number {n} of {word},{('joy', 'fear')[n // 10] if n % 10 == 0 else ''}" for n, word in enumerate(WORDS)]
    finding = findings(lines(*rows))["labels_filled_down"]
    assert (finding.severity, finding.count) == ("warning", 18)
    assert "first row of each block" in finding.message


def test_rows_without_a_value_are_told_with_the_reason():
    finding = findings(lines(*GOOD, "one more text here,#N/A", "and another text,#N/A"))["empty_labels"]
    assert finding.count == 2
    assert "In 2 rows it is the spreadsheet error “#N/A”." in finding.sentence


def test_labels_that_may_stand_for_blocks_are_told():
    rows = [f"this is text number {n} of {word},{('joy', 'fear')[n // 5 % 2] if n % 5 == 0 else ''}" for n, word in enumerate(WORDS * 2)]
    by_code = findings(lines(*rows))
    assert "first row of a block" in by_code["empty_labels"].sentence
    assert "labels_filled_down" not in by_code
    assert "block" not in findings(lines(*GOOD, "no label here,"))["empty_labels"].sentence
