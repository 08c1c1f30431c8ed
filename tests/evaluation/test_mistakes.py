"""The rows behind the scores: which a filter finds, in which order, and what is refused."""

import numpy as np
import pytest

from trainer.data.corpus import Corpus
from trainer.evaluation.mistakes import PredictedRows, RowFilter, find_rows, predicted_rows
from trainer.evaluation.predictions import Predictions

NAMES = ("joy", "fear", "anger")
TEXTS = ("What a DAY", "nobody comes", "the door", "Straße", "day by day", "enough")
LABELS = np.array([0, 1, 2, 1, 0, 2])
PREDICTED = np.array([0, 2, 1, 2, 1, 2])
CONFIDENCE = np.array([0.9, 0.6, 0.8, 0.8, 0.5, 0.7])


def some() -> PredictedRows:
    """Six test rows; the first and the last are right. Their numbers in the file run backwards."""
    corpus = Corpus(TEXTS, LABELS, NAMES, np.arange(6)[::-1] * 10, np.arange(6), None, ())
    others = (1 - CONFIDENCE) / 2
    probabilities = np.where(np.eye(3, dtype=bool)[PREDICTED], CONFIDENCE[:, None], others[:, None])
    split = ["test"] * 6
    return predicted_rows(corpus, Predictions(np.arange(6), split, LABELS, probabilities, NAMES), "test")


def found(**choices: object) -> list[int]:
    return find_rows(some(), RowFilter(**choices)).tolist()


def test_the_most_confident_mistakes_come_first_and_equals_in_the_order_of_the_file() -> None:
    assert some().source_rows.tolist() == [51, 41, 31, 21, 11, 1]
    assert found() == [3, 2, 1, 4]
    assert found(order="least_sure") == [4, 1, 3, 2]
    assert found(order="row") == [4, 3, 2, 1]


def test_filters_narrow_what_is_found() -> None:
    assert found(label=1) == [3, 1]
    assert found(predicted=1) == [2, 4]
    assert found(label=1, predicted=2) == [3, 1]
    assert found(label=0, predicted=0) == []
    assert found(label=0, predicted=0, shown="right") == [0]
    assert found(least_confidence=0.6) == [3, 2, 1]
    assert found(word="day") == [4]
    assert found(word=" DAY ", shown="all") == [0, 4]
    assert found(word="STRASSE") == [3]
    assert found(word="[d") == []
    assert found(shown="right") == [0, 5]
    assert len(found(shown="all")) == 6


def test_the_confidence_is_the_probability_of_the_predicted_class() -> None:
    assert np.allclose(some().confidence, CONFIDENCE)


def test_a_split_without_rows_has_none() -> None:
    corpus = Corpus(TEXTS, LABELS, NAMES, np.arange(6), np.arange(6), None, ())
    empty = predicted_rows(corpus, Predictions([], [], np.zeros(0, int), np.zeros((0, 3)), NAMES), "validation")
    assert len(empty) == 0
    assert find_rows(empty, RowFilter(word="day")).tolist() == []


def test_unknown_choices_and_rows_of_another_run_are_refused() -> None:
    with pytest.raises(ValueError, match="Unknown choice"):
        RowFilter(order="random")
    corpus = Corpus(TEXTS, LABELS, NAMES, np.arange(6), np.arange(6), None, ())
    with pytest.raises(ValueError, match="Predictions name rows up to 9"):
        predicted_rows(corpus, Predictions([9], ["test"], np.array([0]), np.eye(3)[:1], NAMES), "test")
