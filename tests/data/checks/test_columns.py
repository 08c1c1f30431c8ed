"""The columns: which are meant, and which others hold texts or labels."""

import pytest

from tests.cpu_time import cpu_time
from trainer.check import findings as with_message
from trainer.check import run_checks
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.columns import COLUMN_CHECKS
from trainer.data.columns.guess import guess_columns
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table

TEXTS = [f"this is a longer sentence number {n} about {'good' if n % 2 else 'bad'} things" for n in range(30)]
LABELS = ("good", "bad", "meh")


def findings(header: str, row, **chosen):
    table = read_table("\n".join([header, *(row(n) for n in range(30))]).encode())
    columns = guess_columns(table, **chosen)
    corpus = build_corpus(table, text=columns.text, label=columns.label)
    return {finding.code: finding for finding in with_message(run_checks(COLUMN_CHECKS, CheckedFile(table, columns, corpus)))}


def test_nothing_to_say_of_two_columns():
    assert findings("text,label", lambda n: f"{TEXTS[n]},{LABELS[n % 3]}") == {}


def test_the_subject_of_a_message_is_offered():
    by_code = findings("id,Subject,Description,Category", lambda n: f"{n},the thing {n} broke,{TEXTS[n]},{LABELS[n % 3]}")
    assert by_code["other_texts"].severity == "info"
    assert by_code["other_texts"].message == "“Subject” holds texts too, beside “Description”."


def test_two_texts_of_one_kind_are_unsure_and_both_named():
    by_code = findings("premise,hypothesis,label", lambda n: f"{TEXTS[n]},{TEXTS[-n]},{LABELS[n % 3]}")
    assert "“hypothesis” could be it too" in by_code["columns_unsure"].sentence
    assert "“hypothesis”" in by_code["other_texts"].message


def test_ids_names_and_links_are_no_texts():
    by_code = findings(
        "key,url,author,text,label", lambda n: f"k{n},https://example.com/{n},Ann B. Smith {n % 4},{TEXTS[n]},{LABELS[n % 3]}"
    )
    assert by_code == {}


def test_a_second_label_column_is_named():
    by_code = findings("text,label,label2", lambda n: f"{TEXTS[n]},{LABELS[n % 3]},{LABELS[(n + n % 2) % 3] if n % 5 == 0 else ''}")
    finding = by_code["other_labels"]
    assert (finding.severity, finding.count) == ("warning", 3)
    assert "“label2” holds labels too" in finding.message
    assert [(e.line, e.note) for e in finding.examples[:2]] == [(7, "good"), (17, "bad")]


def test_the_same_labels_under_another_name_are_named():
    by_code = findings("text,mood,second opinion", lambda n: f"{TEXTS[n]},{LABELS[n % 3]},{LABELS[n % 3 if n % 4 else (n + 1) % 3]}")
    assert "“second opinion”" in by_code["other_labels"].message


def test_columns_of_other_values_and_copies_of_the_label_are_no_further_labels():
    by_code = findings("text,label,shop,stars,copy", lambda n: f"{TEXTS[n]},{LABELS[n % 3]},{'ns'[n % 2]},{n % 5},{LABELS[n % 3]}", label=1)
    assert "other_labels" not in by_code


@pytest.mark.parametrize("name", ["Label 2", "label_1", "label (12)", "LABEL", "label-)"])
def test_a_number_at_the_end_of_a_name_makes_no_other_kind_of_column(name):
    by_code = findings(f"text,label,{name}", lambda n: f"{TEXTS[n]},{LABELS[n % 3]},{'xyz'[n % 3]}", label=1)
    assert "other_labels" in by_code


def test_a_name_of_many_dashes_takes_linear_time():
    with cpu_time() as spent:
        by_code = findings(f"text,label,{'_' * 40_000}x", lambda n: f"{TEXTS[n]},{LABELS[n % 3]},{'xyz'[n % 3]}", label=1)
    assert (by_code, spent.seconds < 1) == ({}, True)


@pytest.mark.parametrize("names", ["label,label_b", "label_A,label_B", "label a,label b"])
def test_a_second_label_of_keys_is_named_by_its_name(names):
    by_code = findings(f"text,{names}", lambda n: f"{TEXTS[n]},g{n % 3},k{n % 5}")
    assert "hold" in by_code["other_labels"].message
