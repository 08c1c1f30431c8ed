"""Decisions become edits of just the decided cells, in the file's own words."""

import io
import json
from collections.abc import Callable

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.audit.test_apply_decisions import decisions_of
from tests.readers import InProcessReader
from trainer.audit.corrected_edits import decision_edits, label_edits
from trainer.audit.decisions import Decision
from trainer.data.columns.guess import Columns, guess_columns
from trainer.data.columns.label_form import read_label_sets
from trainer.data.corpus import Corpus, build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.files.table import Limits, Table
from trainer.data.reader.file_reader import rewrite_in_turn
from trainer.data.rewrite.rewrite_file import rewrite
from trainer.errors import UserError

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
    (edits,), notes = decision_edits(table, guess_columns(table), corpus, decisions)
    assert (edits.cells, edits.dropped, notes) == ({0: "2", 3: "calm"}, {2}, ())


def test_renamed_classes_are_renamed_in_all_rows() -> None:
    table = read_table(("text,label\n" + "".join(f"{text},{'joyy' if n % 2 else 'fear'}\n" for n, text in enumerate(TEXTS))).encode())
    corpus = build_corpus(table, text=0, label=1)
    (edits,), _ = decision_edits(table, guess_columns(table), corpus, decisions_of(renamed={"joyy": "joy"}))
    assert edits.cells == {1: "joy", 3: "joy", 5: "joy"}


def test_labels_on_the_first_row_of_each_block_are_written_out() -> None:
    labels = ["anger", "", "", "joy", "", "", "fear", "", ""]
    source = "text;label\n" + "".join(f"a text number {n};{label}\n" for n, label in enumerate(labels))
    table = read_table(source.encode())
    corpus = build_corpus(table, text=0, label=1)
    columns = guess_columns(table)
    (edits,), notes = label_edits(table, columns, corpus, {1: "joy", 3: None})
    assert "each row has its own" in notes[0]
    again = read_table(rewrite(source.encode(), edits, Limits()).data)
    assert [row[1] for row in again.rows] == ["anger", "joy", "anger", "joy", "joy", "fear", "fear", "fear"]
    assert label_edits(table, columns, corpus, {})[0][0].cells == {}


# Several labels a text

NAMES = ["anger", "fear", "joy", "love"]
GIVEN = [("joy",), ("joy", "love"), (), ("anger", "fear"), ("love",), ("fear", "anger", "joy"), ("joy", "love"), ("anger",)] * 3
SEVERAL = [f"text number {row} about {'abcdefgh'[row % 8] * 4} things" for row in range(len(GIVEN))]
TARGETS = {0: ("joy", "love"), 1: ("joy",), 3: ("anger", "joy"), 5: ("fear",), 7: (), 9: ("anger", "fear", "joy", "love")}


def _rows(cell: Callable[[tuple[str, ...]], str], head: str = "text,labels") -> str:
    return f"{head}\n" + "".join(f"{text},{cell(labels)}\n" for text, labels in zip(SEVERAL, GIVEN, strict=True))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.table({"text": SEVERAL, "labels": pa.array(GIVEN, pa.list_(pa.string()))}), sink)
    return sink.getvalue()


FORMS = {
    "semicolon": _rows(lambda labels: ";".join(labels) or "[]"),
    "bar and blank": _rows(lambda labels: " | ".join(labels) or "[]"),
    "python": _rows(lambda labels: _quoted(str(list(labels)))),
    "json": _rows(lambda labels: _quoted(json.dumps(labels))),
    "close json": _rows(lambda labels: _quoted(json.dumps(labels, separators=(",", ":")))),
    "numbers": _rows(lambda labels: _quoted(str([NAMES.index(label) for label in labels]))),
    "marks": _rows(lambda labels: ",".join("1" if name in labels else "0" for name in NAMES), "text," + ",".join(NAMES)),
    "crosses": _rows(lambda labels: ",".join("x" if name in labels else "" for name in NAMES), "text," + ",".join(NAMES)),
    "scores": _rows(lambda labels: ",".join("0.9" if name in labels else "0.05" for name in NAMES), "text," + ",".join(NAMES)),
    "json file": json.dumps([{"text": text, "labels": labels} for text, labels in zip(SEVERAL, GIVEN, strict=True)], indent=1),
    "json lines": "\n".join(json.dumps({"text": text, "labels": labels}) for text, labels in zip(SEVERAL, GIVEN, strict=True)),
    "parquet": _parquet(),
}


def _several(source: bytes) -> tuple[Table, Columns, Corpus]:
    table = read_table(source)
    columns = guess_columns(table, task="several")
    names = {str(number): name for number, name in enumerate(NAMES)}
    sets = read_label_sets(table, columns.label_form)
    return table, columns, build_corpus(table, text=0, label=columns.label, label_sets=sets, class_names=names)


@pytest.mark.parametrize("form", FORMS)
def test_labels_of_texts_with_several_are_changed_in_the_files_own_form(form: str) -> None:
    source = FORMS[form] if isinstance(FORMS[form], bytes) else FORMS[form].encode()
    table, columns, corpus = _several(source)
    assert [set(labels) for labels in corpus.label_sets] == [set(labels) for labels in GIVEN]
    targets = {row: corpus.task.written(labels) for row, labels in TARGETS.items()} | {11: None}
    edits, _ = label_edits(table, columns, corpus, targets)
    changed = rewrite_in_turn(InProcessReader(), source, edits).data
    again = _several(changed)[2]
    expected = [set(TARGETS.get(row, labels)) for row, labels in enumerate(GIVEN) if row != 11]
    assert [set(labels) for labels in again.label_sets] == expected
    if form not in ("parquet", "json file"):
        before, after = source.decode().splitlines(), changed.decode().splitlines()
        first = len(before) - len(GIVEN)
        left = [line for number, line in enumerate(before) if number - first not in {*targets}]
        assert [line for line in after if line in left] == left
        assert len(after) == len(before) - 1


def test_labels_come_back_from_the_numbers_of_columns() -> None:
    sets = [labels or ("joy",) for labels in GIVEN]
    lines = [f"{text},{','.join([*labels, '', '', ''][:3])}" for text, labels in zip(SEVERAL, sets, strict=True)]
    source = "\n".join(["text,label_1,label_2,label_3", *lines]).encode()
    table, columns, corpus = _several(source)
    edits, _ = label_edits(table, columns, corpus, {0: '["joy", "love"]', 3: '["fear"]'})
    changed = rewrite_in_turn(InProcessReader(), source, edits).data.decode().splitlines()
    assert (changed[1], changed[4]) == (f"{SEVERAL[0]},joy,love,", f"{SEVERAL[3]},fear,,")
    assert [row for row in range(len(GIVEN)) if changed[row + 1] != lines[row]] == [0, 3]
    for refused in ('["anger", "fear", "joy", "love"]', "[]"):
        with pytest.raises(UserError, match="cannot be changed in its own form") as error:
            label_edits(table, columns, corpus, {0: refused})
        assert error.value.code == "not_rewritable"


@pytest.mark.parametrize(("form", "label"), [("marks", "a new class"), ("semicolon", "joy;love")])
def test_a_label_that_the_form_cannot_hold_is_refused(form: str, label: str) -> None:
    table, columns, corpus = _several(FORMS[form].encode())
    with pytest.raises(UserError) as error:
        label_edits(table, columns, corpus, {0: corpus.task.written((label,))})
    assert error.value.code == "not_rewritable"
