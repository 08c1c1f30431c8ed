"""Checks of files that are small, odd or hopeless."""

import csv
import random
from pathlib import Path

import numpy as np
import pytest

from tests.audit.examples import clean_rows, corpus_of, planted
from trainer.audit import quick_check as module
from trainer.audit.quick_check import quick_check
from trainer.errors import FileError

ASSETS = Path(__file__).resolve().parents[2] / "assets"


def test_shuffled_labels_are_called_that():
    texts, labels = clean_rows(300)
    random.Random(1).shuffle(labels)
    result = quick_check(corpus_of(texts, labels))
    assert result.verdict == "random"
    assert result.sentences[0].startswith("Labels and texts have nothing to do with each other")
    assert result.suspects == ()
    assert result.noise.estimate == pytest.approx(2 / 3, abs=0.01)


def test_clean_labels_are_called_right():
    result = quick_check(corpus_of(*clean_rows(300)))
    assert result.verdict == "clean"
    assert result.noise.estimate < 0.02
    assert result.suspects == ()
    assert result.sentences == ("The labels look right: nothing stands out in 300 rows.",)
    assert result.to_dict()["suspects"] == []


def test_models_that_know_little_of_a_file_do_not_say_how_many_of_its_labels_are_wrong():
    # The project's own sample: labels written with care, which linear models miss every other time.
    with (ASSETS / "sample_emotions.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["emotion"]) for row in csv.DictReader(file)]
    result = quick_check(corpus_of([text for text, _ in rows], [label for _, label in rows]))
    assert result.verdict == "unsure"
    assert result.n_suspects < 60
    assert len(result.sentences) == 1
    assert result.sentences[0].startswith(f"{result.n_suspects} labels stand out. How many are wrong can hardly be told on this file (")


def test_two_classes():
    texts, labels = clean_rows(200, names=("joy", "fear"))
    wrong = set(range(0, 200, 20))
    labels = [{"joy": "fear", "fear": "joy"}[label] if row in wrong else label for row, label in enumerate(labels)]
    result = quick_check(corpus_of(texts, labels))
    assert len({suspect.row for suspect in result.ranked[:10]} & wrong) >= 9


@pytest.mark.parametrize("rows", [2, 3, 20])
def test_few_rows_are_ranked_and_told(rows: int):
    result = quick_check(corpus_of(*clean_rows(rows)))
    assert result.verdict == "few"
    assert len(result.ranked) == rows
    assert all(0 <= suspect.score <= 1 and np.isfinite(suspect.confidence) for suspect in result.ranked)


def test_a_class_of_one_row_is_not_judged_and_told():
    texts, labels = clean_rows(90)
    labels[5] = "lonely"
    result = quick_check(corpus_of(texts, labels))
    lonely = next(suspect for suspect in result.ranked if suspect.row == 5)
    assert (lonely.score, lonely.suggested) == (0.0, "lonely")
    assert result.notes == (
        "“lonely” has fewer than 5 different texts, too few to learn from: 1 row of this class can only look wrong if the same text has another label too.",
    )


def test_many_classes_of_few_rows():
    texts, _ = clean_rows(300)
    result = quick_check(corpus_of(texts, [f"class {row % 150}" for row in range(300)]))
    assert len(result.ranked) == 300
    assert "“class 0”" in result.notes[0]
    assert "140 more" in result.notes[0]
    assert result.verdict == "few"


def test_texts_without_words_long_ones_and_copies_are_checked():
    texts = ["?!", "…", "😀", "a" * 50_000, "=1+1", "<b>x</b>"] * 10
    result = quick_check(corpus_of(texts, ["joy", "anger"] * 30))
    assert len(result.ranked) == 60


def test_what_cannot_be_checked_is_refused_in_words(monkeypatch: pytest.MonkeyPatch):
    texts, labels = clean_rows(12)
    with pytest.raises(FileError, match="have the same label"):
        quick_check(corpus_of(texts, ["joy"] * 12))
    monkeypatch.setattr(module, "MAX_ROWS", 10)
    with pytest.raises(FileError, match="up to 10 rows") as caught:
        quick_check(corpus_of(texts, labels))
    assert caught.value.code == "audit_too_large"


def test_pairs_name_the_label_that_was_given_for_another():
    corpus, _ = planted(300, 1)
    labels = corpus.labels
    for row in [row for row, label in enumerate(labels) if label == "joy"][:20]:
        labels[row] = "anger"
    result = quick_check(corpus_of(corpus.texts, labels))
    assert (result.pairs[0].given, result.pairs[0].suggested) == ("anger", "joy")
    assert 8 <= result.pairs[0].rows <= 25
    assert any(sentence.startswith("joy given as anger:") for sentence in result.sentences)
