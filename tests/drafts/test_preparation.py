"""Files whose texts have several labels, from the bytes to a corpus: given files, chosen tasks, names of numbers."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from trainer.data.files.read_table import read_table
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.drafts.preparation import PreparedDraft, numeric_labels, prepare
from trainer.drafts.store import Draft, SourceFile
from trainer.recipe import Recipe

GOEMOTIONS = Path("../shared/data/goemotions")
SETS = [("joy",), ("fear",), ("awe",), ("joy", "fear"), ("awe", "joy"), ("fear", "awe"), ("awe", "fear", "joy")]


def prepared_of(files: Mapping[str, bytes], **choices) -> PreparedDraft:
    sources = {role: SourceFile(f"{role}.csv", role) for role in files}
    draft = Draft("", "", sources["main"], sources.get("validation"), sources.get("test"), **choices)
    return prepare(draft, {role: read_table(content) for role, content in files.items()}, max_classes=500)


def cells_file(name: str, rows: range, *, labels: str = "labels") -> bytes:
    return "\n".join([f"text,{labels}", *(f'{name} text number {n},"{", ".join(SETS[n % len(SETS)])}"' for n in rows)]).encode()


def columns_file(name: str, rows: range, names: tuple[str, ...]) -> bytes:
    marks = [[str(int(label in SETS[n % len(SETS)])) for label in names] for n in rows]
    return "\n".join(
        [",".join(["text", *names]), *(",".join([f"{name} text number {n}", *row]) for n, row in zip(rows, marks, strict=True))]
    ).encode()


def test_given_files_are_read_in_the_form_of_the_main_file():
    files = {"main": cells_file("first", range(70)), "test": cells_file("test", range(3, 4)), "validation": cells_file("other", range(2))}
    prepared = prepared_of(files)
    corpus = prepared.require_corpus()
    assert (corpus.task, corpus.label_names) == (SEVERAL_LABELS, ("awe", "fear", "joy"))
    assert corpus.label_sets[70:] == [("joy",), ("fear",), ("fear", "joy")]
    splits = prepared.splits(Recipe())
    assert (splits.validation.tolist(), splits.test.tolist()) == ([70, 71], [72])
    assert [given.columns for given in prepared.given] == [("text", "labels"), ("text", "labels")]


def test_rows_in_folds_are_all_learned_but_those_that_validate():
    prepared = prepared_of({"main": cells_file("first", range(70))})
    splits = prepared.splits(Recipe(folds=5))
    assert (len(splits.train) + len(splits.validation), len(splits.test)) == (70, 0)
    labels = prepared.require_corpus().label_ids
    assert (labels[splits.train].any(axis=0) == labels.any(axis=0)).all()


def test_columns_of_labels_are_matched_by_name():
    files = {
        "main": columns_file("first", range(70), ("joy", "fear", "awe")),
        "test": columns_file("test", range(3, 9), ("awe", "joy", "fear")),
    }
    prepared = prepared_of(files)
    assert prepared.require_corpus().label_sets[70:] == [tuple(sorted(SETS[n % len(SETS)])) for n in range(3, 9)]
    lacking = prepared_of({**files, "test": columns_file("test", range(3, 9), ("awe", "joy"))})
    assert (lacking.problem.code, "“fear”" in lacking.problem.message) == ("unknown_column", True)


def test_what_somebody_says_counts_more_than_what_the_file_looks_like():
    files = {"main": cells_file("first", range(70))}
    assert prepared_of(files).corpus.task is SEVERAL_LABELS
    single = prepared_of(files, task="single")
    assert (single.corpus.task, len(single.corpus.label_names)) == (SINGLE_LABEL, len(SETS))
    assert {finding.code for finding in single.blocking_findings} == {"several_labels"}


def test_texts_with_a_row_for_each_label_are_offered_to_be_joined():
    lines = [f"text number {n},{label}" for n in range(40) for label in SETS[n % len(SETS)]]
    files = {"main": "\n".join(["text,label", *lines]).encode()}
    offered = prepared_of(files)
    assert (offered.corpus.task, offered.columns.several, offered.columns.label_form.kind) == (SINGLE_LABEL, False, "rows")
    assert offered.columns.label_form.reason == "22 texts stand in several rows with different labels"
    joined = prepared_of(files, task="several").corpus
    assert joined.label_sets == [tuple(sorted(SETS[n % len(SETS)])) for n in range(40)]
    assert len(joined.dropped) == len(lines) - 40
    assert prepared_of(files, task="single").columns.label_form is None


def test_numbers_in_cells_can_be_named():
    lines = [
        f'text number {n},"{",".join(str("awe fear joy".split().index(name)) for name in sorted(SETS[n % len(SETS)]))}"' for n in range(70)
    ]
    files = {"main": "\n".join(["text,labels", *lines]).encode()}
    assert numeric_labels(prepared_of(files)) == ("0", "1", "2")
    named = prepared_of(files, class_names={"0": "awe", "1": "fear", "2": "joy"})
    assert named.corpus.label_sets[:7] == [tuple(sorted(labels)) for labels in SETS]


@pytest.mark.skipif(not GOEMOTIONS.is_dir(), reason="../shared/data/goemotions is absent")
def test_goemotions_opens_with_its_own_split_and_its_names():
    names = (GOEMOTIONS / "labels.txt").read_text().split()
    files = {"main": (GOEMOTIONS / "dev.tsv").read_bytes(), "test": (GOEMOTIONS / "test.tsv").read_bytes()}
    prepared = prepared_of(files, class_names={str(number): name for number, name in enumerate(names)})
    corpus = prepared.require_corpus()
    assert prepared.ready
    assert (len(corpus.label_names), len(corpus), prepared.columns.text, prepared.columns.label) == (28, 10_853, 0, 1)
    counts = dict(zip(corpus.label_names, corpus.count_labels([part == "test" for part in corpus.given_split]).tolist(), strict=True))
    assert (counts["grief"], counts["neutral"], counts["admiration"]) == (6, 1_787, 504)
    assert len(prepared.splits(Recipe()).test) == 5_427


def test_columns_that_somebody_names_hold_the_labels_together():
    content = columns_file("first", range(70), ("joy", "fear", "awe"))
    table = read_table(content)
    source = SourceFile("main.csv", "main", label_column=("awe", "joy"))
    prepared = prepare(Draft("", "", source), {"main": table}, max_classes=500)
    assert (prepared.columns.label_columns, prepared.columns.several) == ((3, 1), True)
    assert prepared.corpus.label_sets == [tuple(name for name in ("awe", "joy") if name in SETS[n % len(SETS)]) for n in range(70)]
    single = prepare(Draft("", "", source, task="single"), {"main": table}, max_classes=500)
    assert (single.columns.label_columns, single.corpus.label_names) == ((3,), ("0", "1"))
