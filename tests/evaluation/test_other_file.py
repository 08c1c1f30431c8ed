"""Which rows of another file a model is judged on, and what is said of the others."""

from dataclasses import replace

import numpy as np
import pytest

from trainer.data.corpus import Corpus
from trainer.data.duplicates.normalize import duplicate_key
from trainer.data.personal_data import mask_personal
from trainer.data.task import SEVERAL_LABELS
from trainer.errors import FileError
from trainer.evaluation.other_file import EvaluatedFile, LeftOut, find_label_column, rows_to_judge

NAMES = ("anger", "Joy", "joy")


def corpus_of(*rows: tuple[str, str]) -> Corpus:
    names = tuple(sorted({label for _, label in rows}))
    ids = np.array([names.index(label) for _, label in rows], dtype=np.int64)
    numbers = np.arange(len(rows))
    return Corpus(tuple(text for text, _ in rows), ids, names, numbers, numbers + 2, None, ())


def test_labels_are_the_models_own_and_the_rest_is_told() -> None:
    corpus = corpus_of(("a", "joy"), ("b", "Joy"), ("c", "ANGER"), ("d", "fear"), ("e", "fear"), ("learnt  Text", "joy"), ("f", "hope"))
    judged, left_out = rows_to_judge(corpus, NAMES, {duplicate_key("LEARNT text")}, lambda text: text.strip())
    assert judged.texts == ("a", "b", "c")
    assert [NAMES[label] for label in judged.label_ids] == ["joy", "Joy", "anger"]
    assert judged.source_rows.tolist() == [0, 1, 2]
    assert left_out == LeftOut(0, {"fear": 2, "hope": 1}, 1)
    assert left_out.sentences() == [
        "3 rows have labels that this model does not know: “fear”, “hope”.",
        "1 row holds a text that this model learnt from.",
    ]


def test_a_text_with_a_label_that_is_unknown_is_left_out_whatever_others_it_has() -> None:
    corpus = replace(
        corpus_of(("a", "JOY"), ("b", "fear"), ("c", "Love")),
        label_ids=np.array([[1, 0, 0], [1, 1, 0], [0, 0, 0]]),
        label_names=("JOY", "fear", "Love"),
        task=SEVERAL_LABELS,
    )
    judged, left_out = rows_to_judge(corpus, ("anger", "joy", "love"), (), str)
    assert (judged.texts, judged.label_ids.tolist()) == (("a", "c"), [[0, 1, 0], [0, 0, 0]])
    assert left_out.unknown == {"fear": 1}


def test_a_text_is_compared_as_the_training_would_have_repaired_it() -> None:
    judged, left_out = rows_to_judge(
        corpus_of(("see <b>this</b>", "joy"), ("new", "joy")), NAMES, {"see this"}, lambda text: "see this" if "<" in text else text
    )
    assert (judged.texts, left_out.learnt) == (("new",), 1)


def test_what_the_training_masked_is_masked_in_the_rows_that_are_kept() -> None:
    judged, _ = rows_to_judge(corpus_of(("write to anna@mail.org", "joy")), NAMES, (), mask_personal)
    assert judged.texts == ("write to email",)


def test_a_file_without_a_known_label_is_refused_in_words() -> None:
    with pytest.raises(FileError, match=r"1 row has a label that this model does not know: “fear”\. Its labels: ") as caught:
        rows_to_judge(corpus_of(("a", "fear")), NAMES, (), str)
    assert caught.value.code == "no_known_label"


def test_the_label_column_is_the_one_with_the_models_labels() -> None:
    columns, rows = ("text", "mood", "source"), [("joy", "Joy ", "web"), ("sad", "", "web"), ("b", "anger", "joy")]
    assert find_label_column(columns, rows, NAMES, texts=(0,)) == 1
    with pytest.raises(FileError, match="No column of this file holds the labels of the model") as caught:
        find_label_column(columns, [("a", "fear", "web")], NAMES, texts=(0,))
    assert caught.value.code == "no_label_column"


def test_what_is_kept_is_read_again() -> None:
    file = EvaluatedFile(
        "1" * 32, "march.csv", "march.csv", 12.5, 3, ("text",), "mood", LeftOut(1, {"fear": 2}, 3, 4), {"verdict": "alike"}
    )
    assert EvaluatedFile.from_dict(file.to_dict()) == file
    assert len(file.to_dict()["notes"]) == 4
