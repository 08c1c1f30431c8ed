"""Texts and labels, cleaned once; joined files."""

import numpy as np
import pytest

from trainer.data.corpus import NO_LABEL, NO_TEXT, Corpus, build_corpus, check_trainable, join_corpora
from trainer.data.duplicates.normalize import duplicate_key
from trainer.data.files.read_table import read_table
from trainer.data.files.table import DroppedRow, Table
from trainer.data.task import SEVERAL_LABELS
from trainer.errors import UserError


def table_of(*rows: tuple[str, ...], columns=("text", "label")) -> Table:
    return Table(columns, list(rows), list(range(2, len(rows) + 2)), "utf-8", False, ",", True, ())


def corpus_of(*rows, **how) -> Corpus:
    return build_corpus(table_of(*rows), text=0, label=1, **how)


def trainable(corpus: Corpus) -> Corpus:
    check_trainable(corpus, column="label", max_classes=500)
    return corpus


def test_texts_labels_and_source_rows():
    corpus = corpus_of(("  one ", " joy"), ("two\nlines", "fear\t"), ("", "joy"), ("four", "\ufeff "), ("five", "joy"))
    assert corpus.texts == ("one", "two\nlines", "five")
    assert corpus.label_names == ("fear", "joy")
    assert corpus.label_ids.tolist() == [1, 0, 1]
    assert corpus.label_ids.dtype == corpus.source_rows.dtype == np.int64
    assert corpus.source_rows.tolist() == [0, 1, 4]
    assert corpus.given_split is None
    assert corpus.dropped == (DroppedRow(4, NO_TEXT), DroppedRow(5, NO_LABEL))


@pytest.mark.parametrize(
    ("labels", "order"),
    [
        (["10", "2", "-1"], ("-1", "2", "10")),
        (["b", "A", "c"], ("A", "b", "c")),
        (["10", "2", "x"], ("10", "2", "x")),
        (["01", "1"], ("01", "1")),
        (["None", "NA", "null"], ("NA", "None", "null")),
        (["9" * 5_000, "1"], ("1", "9" * 5_000)),
    ],
)
def test_order_of_labels(labels, order):
    assert corpus_of(*[("some text", label) for label in labels]).label_names == order


def test_class_names():
    corpus = corpus_of(("a", "10"), ("b", "2"), class_names={"2": "sadness", "10": "joy"})
    assert corpus.label_names == ("sadness", "joy")
    with pytest.raises(UserError) as refusal:
        corpus_of(("a", "10"), ("b", "2"), class_names={"2": "10"})
    assert refusal.value.code == "duplicate_class_names"


@pytest.mark.parametrize(
    ("rows", "code"),
    [
        ([], "no_rows"),
        ([("", "joy"), (" ", "fear")], "empty_texts"),
        ([("one", ""), ("two", "")], "empty_labels"),
        ([("one", "joy"), ("two", "joy ")], "one_class"),
        ([(f"text {n}", f"id{n}") for n in range(20)], "too_many_classes"),
        ([(f"text {n}", f"class {n % 600}") for n in range(6_000)], "too_many_classes"),
    ],
)
def test_refusals(rows, code):
    with pytest.raises(UserError) as refusal:
        trainable(corpus_of(*rows))
    assert refusal.value.code == code


def test_measurements_are_no_classes():
    with pytest.raises(UserError) as refusal:
        trainable(corpus_of(*[(f"text {n}", f"{n % 53}.{n % 89:02}") for n in range(200)]))
    assert refusal.value.code == "label_is_measurement"


def test_joined_text_columns():
    rows = [("a title", "joy", "its text"), ("", "fear", "only text"), ("only title", "joy", " "), ("", "joy", "")]
    corpus = build_corpus(table_of(*rows, columns=("title", "label", "text")), text=0, label=1, extra_text_columns=(2,))
    assert corpus.texts == ("a title\nits text", "only text", "only title")
    assert corpus.lines.tolist() == [2, 3, 4]


def test_some_rows_of_a_corpus():
    corpus = corpus_of(("a", "joy"), ("b", "fear"), ("c", "anger"), ("d", "joy"))
    some = corpus.where(np.array([True, False, True, True]))
    assert (some.texts, some.labels, some.label_names) == (("a", "c", "d"), ["joy", "anger", "joy"], ("anger", "joy"))
    assert (some.source_rows.tolist(), some.lines.tolist()) == ([0, 2, 3], [2, 4, 5])


def test_labels_under_another_name():
    corpus = corpus_of(("a", "Joy"), ("b", "fear"), ("c", "joy")).rename_labels({"Joy": "joy", "fear": "angst"})
    assert (corpus.labels, corpus.label_names) == (["joy", "angst", "joy"], ("angst", "joy"))


def test_split_column():
    rows = [("a", "joy", "Training"), ("b", "fear", "dev"), ("c", "joy", "test"), ("", "joy", "test")]
    corpus = build_corpus(table_of(*rows, columns=("text", "label", "split")), text=0, label=1, split_column=2)
    assert corpus.given_split == ("train", "validation", "test")
    table = table_of(*rows, ("d", "joy", "holdout"), ("e", "joy", " "), columns=("text", "label", "split"))
    corpus = build_corpus(table, text=0, label=1, split_column=2)
    assert corpus.given_split == ("train", "validation", "test")
    assert [(row.line, row.reason) for row in corpus.dropped[1:]] == [
        (6, "no known split in this row: it is “holdout”, neither train, validation nor test"),
        (7, "no known split in this row: it is empty, neither train, validation nor test"),
    ]


def test_joined_files_match_labels_by_name():
    train = corpus_of(("a", "joy"), ("b", "fear"), ("c", "anger"))
    test = corpus_of(("d", "joy"), ("", "joy"), ("e", "anger"))
    joined = join_corpora(train, test=test)
    assert joined.given_split == ("train", "train", "train", "test", "test")
    assert [joined.label_names[label] for label in joined.label_ids] == ["joy", "fear", "anger", "joy", "anger"]
    assert joined.source_rows.tolist() == [0, 1, 2, 0, 2]
    assert joined.dropped == ()


def test_rows_with_several_labels_with_none_and_without_an_answer():
    label_sets = [("joy", " love "), (), None, ("love", "love"), ("grief",)]
    corpus = corpus_of(("a", ""), ("b", ""), ("c", ""), ("d", ""), ("e", ""), label_sets=label_sets)
    assert (corpus.task, corpus.label_names) == (SEVERAL_LABELS, ("grief", "joy", "love"))
    assert corpus.label_ids.tolist() == [[0, 1, 1], [0, 0, 0], [0, 0, 1], [1, 0, 0]]
    assert corpus.dropped == (DroppedRow(4, NO_LABEL),)
    assert corpus.label_sets == [("joy", "love"), (), ("love",), ("grief",)]
    assert corpus.labels == ["joy, love", "", "love", "grief"] == [corpus.label(row) for row in range(4)]
    assert corpus.label_counts.tolist() == [1, 1, 2]
    assert corpus.where(corpus.label_ids[:, 0] == 0).label_names == ("joy", "love")
    merged = corpus.rename_labels({"joy": "love"})
    assert (merged.label_names, merged.label_ids.tolist()) == (("grief", "love"), [[0, 1], [0, 0], [0, 1], [1, 0]])
    joined = join_corpora(corpus, test=corpus.where(corpus.label_ids[:, 2] == 1))
    assert joined.label_ids[4:].tolist() == [[0, 1, 1], [0, 0, 1]]


def test_a_class_that_only_the_test_file_has_is_refused():
    train = corpus_of(("a", "joy"), ("b", "fear"))
    with pytest.raises(UserError) as refusal:
        trainable(join_corpora(train, validation=train, test=corpus_of(("c", "disgust"))))
    assert refusal.value.code == "unknown_class"
    assert "test rows have “disgust”" in refusal.value.message


def test_duplicate_key():
    assert duplicate_key(" Straße  is\tLONG\n") == duplicate_key("STRASSE is long")


def test_from_a_file_to_a_corpus():
    table = read_table(b"text;label\n a b ;joy\nc d;fear\n")
    assert build_corpus(table, text=0, label=1).texts == ("a b", "c d")


def test_errors_of_a_spreadsheet_and_nulls_of_a_database_are_no_values():
    corpus = corpus_of(("a text", "joy"), ("#NAME?", "joy"), ("more text", "#N/A"), ("and more", "\\N"), ("#happy", "#sad"))
    assert corpus.texts == ("a text", "#happy")
    assert [row.line for row in corpus.dropped] == [3, 4, 5]
    assert [row.reason.split(":")[0] for row in corpus.dropped] == [NO_TEXT, NO_LABEL, NO_LABEL]
    assert "#NAME?" in corpus.dropped[0].reason


def test_a_label_on_the_first_row_of_each_block_counts_for_the_rows_below():
    rows = [(f"text {n}", ("good", "bad")[n // 4] if n % 4 == 0 else "") for n in range(8)]
    corpus = corpus_of(*rows)
    assert corpus.labels == ["good"] * 4 + ["bad"] * 4
    assert corpus.dropped == ()


def test_one_class_beside_empty_labels_says_what_an_empty_label_may_mean():
    rows = [(f"text {n}", "spam" if n % 2 else "") for n in range(20)]
    with pytest.raises(UserError, match="10 rows have an empty label") as refusal:
        trainable(corpus_of(*rows))
    assert refusal.value.code == "one_class"
    assert "“not spam”" in refusal.value.message
