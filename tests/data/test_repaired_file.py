"""The repaired file and its change log."""

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.checks.repairs import REPAIRS, apply_repairs
from trainer.data.columns.guess import Columns
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Table
from trainer.data.repaired_file import change_log, repaired_csv, write_repaired

COLUMNS = Columns(1, 2, "", "", confident=True)


def table_of(*rows: tuple[str, ...], columns=("id", "text", "label"), header: bool = True) -> Table:
    return Table(columns, list(rows), list(range(2, len(rows) + 2)), "utf-8", False, ",", header, ())


def corpus_of(table: Table, columns: Columns = COLUMNS):
    return build_corpus(table, text=columns.text, label=columns.label, extra_text_columns=columns.extra_text_columns)


def cells(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


def test_all_columns_of_the_rows_that_are_kept():
    table = table_of(("1", " a, b", "Joy"), ("2", "", "joy"), ("3", 'say "hi"\nthere', "joy"), ("4", "=1+1", "joy"))
    repaired = apply_repairs(corpus_of(table), REPAIRS)
    assert cells(repaired_csv(table, COLUMNS, repaired.corpus)) == [
        ["id", "text", "label"],
        ["1", "a, b", "joy"],
        ["3", 'say "hi"\nthere', "joy"],
        ["4", "=1+1", "joy"],
    ]


def test_for_spreadsheets():
    table = table_of(("-5", "=HYPERLINK(1)", "@x"), ("+3", "- no", "+y"))
    data = repaired_csv(table, COLUMNS, corpus_of(table), spreadsheet=True)
    assert data.startswith(b"\xef\xbb\xbf")
    assert cells(data)[1:] == [["-5", "'=HYPERLINK(1)", "'@x"], ["+3", "'- no", "'+y"]]


def test_without_a_header_the_columns_get_names():
    table = table_of(("1", "a", "joy"), ("2", "b", "fear"), columns=("0", "1", "2"), header=False)
    assert cells(repaired_csv(table, COLUMNS, corpus_of(table)))[0] == ["column 1", "text", "label"]


def test_joined_texts_stand_in_a_column_of_their_own():
    columns = Columns(0, 2, "", "", confident=True, extra_text_columns=(1,))
    table = table_of(("a title", "a text", "joy"), columns=("title", "text", "label"))
    data = repaired_csv(table, columns, corpus_of(table, columns))
    assert cells(data) == [["title", "text", "label", "joined text"], ["a title", "a text", "joy", "a title\na text"]]


def test_the_log_and_the_files(tmp_path):
    table = table_of(("1", "a &amp; b", "Joy"), ("2", "c", "joy"), ("3", "c", "joy"), ("4", "=cmd", "joy"), ("5", "=CMD", "joy"))
    repaired = apply_repairs(corpus_of(table), REPAIRS)
    log = write_repaired(tmp_path / "clean.csv", table, COLUMNS, repaired)
    assert log == tmp_path / "clean.changes.csv"
    assert cells(log.read_bytes()) == [
        ["line", "changed", "before", "after", "repair"],
        ["2", "text", "a &amp; b", "a & b", "html_in_texts"],
        ["2", "label", "Joy", "joy", "label_variants"],
        ["4", "row left out", "joy: c", "", "duplicate_texts"],
        ["6", "row left out", "joy: =CMD", "", "duplicate_texts"],
    ]
    assert change_log(repaired.changes, spreadsheet=True).startswith(b"\xef\xbb\xbf")


_CELLS = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="\ufeff"), max_size=40)


@given(texts=st.lists(_CELLS.filter(str.strip), min_size=8, max_size=30))
@settings(max_examples=100, deadline=None)
def test_reading_it_again_gives_the_same_texts_and_labels(texts):
    table = table_of(*[(str(n), text, ("joy", "fear")[n % 2]) for n, text in enumerate(texts)])
    corpus = corpus_of(table)
    if not len(corpus):
        return
    again = read_table(repaired_csv(table, COLUMNS, corpus), delimiter=",", header=True)
    assert list(zip(corpus_of(again).texts, corpus_of(again).labels, strict=True)) == list(zip(corpus.texts, corpus.labels, strict=True))
