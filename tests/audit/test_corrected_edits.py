"""Decisions become edits of just the decided cells, in the file's own words."""

from tests.audit.test_apply_decisions import decisions_of
from trainer.audit.corrected_edits import decision_edits, label_edits
from trainer.audit.decisions import Decision
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits
from trainer.data.rewrite.rewrite_file import rewrite

TEXTS = [
    "the room was cold",
    "what a lovely day",
    "nobody came to see us",
    "they sang all night",
    "I lost my keys again",
    "the soup was great",
]


def test_only_what_was_decided_changes_and_named_classes_are_written_as_the_file_has_them() -> None:
    source = "text,label\n" + "".join(f"{text},{number % 3}\n" for number, text in enumerate(TEXTS))
    table = read_table(source.encode())
    corpus = build_corpus(table, text=0, label=1, class_names={"0": "anger", "1": "joy", "2": "sadness"})
    decisions = decisions_of(
        Decision(0, "relabel", "anger", "sadness", text=TEXTS[0]),
        Decision(1, "keep", "joy", "joy", text=TEXTS[1]),
        Decision(2, "drop", "sadness", "", text=TEXTS[2]),
        Decision(3, "relabel", "anger", "calm", text=TEXTS[3]),
        Decision(4, "relabel", "joy", "anger", text="another text"),
    )
    edits, notes = decision_edits(table, 1, corpus, decisions)
    assert (edits.cells, edits.dropped, notes) == ({0: "2", 3: "calm"}, {2}, ())


def test_renamed_classes_are_renamed_in_all_rows() -> None:
    table = read_table(("text,label\n" + "".join(f"{text},{'joyy' if n % 2 else 'fear'}\n" for n, text in enumerate(TEXTS))).encode())
    corpus = build_corpus(table, text=0, label=1)
    assert decision_edits(table, 1, corpus, decisions_of(renamed={"joyy": "joy"}))[0].cells == {1: "joy", 3: "joy", 5: "joy"}


def test_labels_on_the_first_row_of_each_block_are_written_out() -> None:
    labels = ["anger", "", "", "joy", "", "", "fear", "", ""]
    source = "text;label\n" + "".join(f"a text number {n};{label}\n" for n, label in enumerate(labels))
    table = read_table(source.encode())
    corpus = build_corpus(table, text=0, label=1)
    edits, notes = label_edits(table, 1, corpus, {1: "joy", 3: None})
    assert "each row has its own" in notes[0]
    again = read_table(rewrite(source.encode(), edits, Limits()).data)
    assert [row[1] for row in again.rows] == ["anger", "joy", "anger", "joy", "joy", "fear", "fear", "fear"]
    assert label_edits(table, 1, corpus, {})[0].cells == {}
