"""Texts of another domain are told apart from training rows, texts of the same are not."""

import csv
import random
from collections import Counter

import pytest

from tests.conftest import small_rows
from trainer.drafts.drafts import SAMPLE
from trainer.evaluation.difference import TextDifference, text_difference
from trainer.evaluation.intervals import Interval


@pytest.fixture(scope="module")
def sample() -> list[str]:
    with open(SAMPLE, encoding="utf-8", newline="") as file:
        rows = [max(row, key=len) for row in csv.reader(file)][1:]
    random.Random(1).shuffle(rows)
    return rows


def difference(texts: list[str], training: list[str]) -> TextDifference:
    return text_difference(texts, training, classes={"joy": 5, "anger": 5}, training_classes={"joy": 5, "anger": 5})


def test_another_domain_is_told_apart_and_the_same_is_not(sample: list[str]) -> None:
    half = len(sample) // 2
    same = difference(sample[:half], sample[half:])
    assert same.verdict == "alike"
    assert same.separation.low < 0.5 < same.separation.high
    assert same.unseen_words[0] == pytest.approx(same.unseen_words[1], abs=0.1)
    other = difference([text for text, _ in small_rows(300)], sample)
    assert other.verdict == "other"
    assert other.separation.low > 0.9
    assert other.sentences()[0].startswith("These are other texts than the model learnt from")


def test_rows_drawn_again_from_the_training_rows_are_not_told_apart(sample: list[str]) -> None:
    drawn = random.Random(2).choices(sample, k=len(sample))
    found = difference(drawn, sample[: len(sample) // 2])
    assert found.verdict in ("alike", "unknown")
    assert found.shared == len(set(drawn) & set(sample[: len(sample) // 2]))


def test_few_texts_say_nothing_and_none_at_all_do_not_fail() -> None:
    training = [text for text, _ in small_rows(60)]
    few = difference(["so happy today", "so happy  Today", "", "what a rage"], training)
    assert (few.compared, few.separation, few.verdict) == (2, None, "unknown")
    assert "cannot be told" in few.sentences()[0]
    assert difference([], training).compared == 0
    assert difference(["12", "?"] * 40, training).verdict == "unknown"


def test_words_lengths_and_classes_are_counted_and_said() -> None:
    training = ["so happy today"] * 3 + ["so sad today and glad"]
    found = text_difference(
        ["so happy zebra lion", "zebra"], training, classes=Counter(joy=9, anger=1), training_classes=Counter(joy=5, anger=5)
    )
    assert found.unseen_words == (0.6, 0.5)
    assert found.words == (2.5, 4.0)
    assert [(share.name, share.here, share.training) for share in found.classes] == [("joy", 0.9, 0.5), ("anger", 0.1, 0.5)]
    assert found.sentences()[-1] == "“joy” is the label of 90 % of them, and of 50 % of the training rows."
    assert found.to_dict()["verdict"] == "unknown"


def test_what_is_told_follows_the_lower_end_of_the_interval() -> None:
    found = difference(["a b c"], ["a b c d"])
    for low, verdict in ((0.5, "alike"), (0.56, "different"), (0.71, "other")):
        changed = TextDifference(**{**vars(found), "separation": Interval(0.8, low, 0.9)})
        assert changed.verdict == verdict
