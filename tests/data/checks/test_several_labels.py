"""Checks and repairs of texts that may have several labels: on single labels, never on their combinations."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.data.checks.examples import several_file
from tests.data.examples import several_of
from trainer.check import run_checks
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.labels import LABEL_CHECKS
from trainer.data.checks.repairs import REPAIRS, apply_repairs
from trainer.data.columns.guess import guess_columns
from trainer.data.columns.label_form import read_label_sets
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table


def found(*label_sets):
    return {result.code: result for result in run_checks(LABEL_CHECKS, several_file(*label_sets)) if result.outcome == "found"}


def test_how_the_file_is_read_is_told_with_a_row_to_look_at():
    finding = found(["joy", "fear"], ["joy"], ["fear"])["several_labels"]
    assert (finding.severity, finding.count, finding.repairable) == ("info", 14, False)
    assert finding.sentence.endswith("If each text has one label, choose “one label a text”.")
    assert finding.examples[0].note == "fear, joy"


def test_spellings_of_single_labels_are_merged_in_every_combination():
    label_sets = [("joy", "fear"), ("joy",), ("fear",), ("Joy", "fear"), ("Joy", "joy")]
    corpus = several_of(*[(f"text {n}", label_sets[n % 5]) for n in range(20)])
    done = apply_repairs(corpus, ["label_variants"])
    assert done.corpus.label_sets[:5] == [("fear", "joy"), ("joy",), ("fear",), ("fear", "joy"), ("joy",)]
    assert done.counts == {"label_variants": 8}
    assert (done.changes[0].old, done.changes[0].new) == ("Joy, fear", "fear, joy")


def test_a_rare_label_leaves_and_the_others_of_its_rows_stay():
    rows = [(f"text {n}", ("joy", "fear")[n % 2 :]) for n in range(12)]
    corpus = several_of(*rows, ("with another", ("awe", "joy")), ("alone", ("awe",)), ("without", ()))
    assert "“awe” (2 rows)" in found(*[labels for _, labels in rows] * 2, ["awe", "joy"], ["awe"])["rare_classes"].message
    done = apply_repairs(corpus, ["rare_classes"])
    assert done.corpus.label_names == ("fear", "joy")
    assert list(zip(done.corpus.texts, done.corpus.label_sets, strict=True))[12:] == [("with another", ("joy",)), ("without", ())]
    assert [(change.field, change.new) for change in done.changes] == [("label", "joy"), ("row", "")]


def test_a_rare_label_of_given_test_rows_stays():
    rows = [(f"text {n}", ("joy", "fear")[n % 2 :], "train") for n in range(12)]
    corpus = several_of(*rows, ("a", ("awe", "joy"), "train"), ("b", ("awe",), "test"))
    assert apply_repairs(corpus, ["rare_classes"]).corpus is corpus


def test_labels_that_always_come_together_are_named_and_others_are_not():
    finding = found(["joy", "love"], ["joy", "love", "fear"], ["fear"])["labels_together"]
    assert finding.message == "1 pair of labels always comes together: “joy” and “love” (27 rows)."
    assert "labels_together" not in found(["joy", "love"], ["joy"], ["love"])


def test_texts_without_labels_are_counted():
    finding = found(["joy"], ["fear"], [], [])["texts_without_labels"]
    assert finding.message == "20 texts have none of the labels, 50.0 % of all."
    assert finding.examples[0].note == "no label"


_LABELS = st.sets(st.sampled_from(["joy", "Joy", "fear", "awe", "null", "a, b"]), max_size=3).map(tuple)
_ROWS = st.lists(
    st.tuples(st.sampled_from(["same", "Same", "a &lt;", "b", "[removed]", "c", "d"]), _LABELS, st.sampled_from(["train", "train", "test"]))
)


@given(rows=_ROWS.filter(bool), codes=st.sets(st.sampled_from(sorted(REPAIRS))), published=st.booleans())
@settings(max_examples=150, deadline=None)
def test_twice_is_once_and_every_row_is_accounted_for(rows, codes, published):
    corpus = several_of(*(row if published else row[:2] for row in rows))
    once = apply_repairs(corpus, codes)
    twice = apply_repairs(once.corpus, codes)
    assert (twice.changes, twice.corpus.texts, twice.corpus.label_sets) == ((), once.corpus.texts, once.corpus.label_sets)
    gone = [change for change in once.changes if change.field == "row"]
    assert len(once.corpus) + len(gone) == len(corpus)
    assert once.corpus.label_counts.all()
    # No repair may turn a text that has a label into one that has none.
    had = dict(zip(corpus.lines.tolist(), corpus.label_ids.any(axis=1).tolist(), strict=True))
    assert [had[line] for line in once.corpus.lines.tolist()] == once.corpus.label_ids.any(axis=1).tolist()
    if published:
        given_rows = [line for line, origin in zip(corpus.lines.tolist(), corpus.given_split, strict=True) if origin == "test"]
        assert set(given_rows) <= set(once.corpus.lines.tolist())
    assert once.corpus.label_ids.dtype == np.int64


def test_columns_of_two_labels_may_be_the_answers_of_two_people():
    rows = [f"this is sentence number {n} about things,{('good', 'bad', 'meh')[n % 3]},{('bad', 'meh', 'good')[n % 3]}" for n in range(24)]
    table = read_table("\n".join(["text,label,label2", *rows]).encode())
    columns = guess_columns(table)
    corpus = build_corpus(table, text=columns.text, label=columns.label, label_sets=read_label_sets(table, columns.label_form))
    results = {result.code: result for result in run_checks(LABEL_CHECKS, CheckedFile(table, columns, corpus))}
    assert "the answers of two people" in results["several_labels"].sentence
