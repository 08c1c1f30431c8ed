"""The word-count baseline: learns, says the same each time, and stays small however large the file."""

import numpy as np
import pytest

from tests.conftest import MOODS, small_rows
from trainer.evaluation import baseline
from trainer.evaluation.baseline import word_count_baseline


def rows(count: int, seed: int = 1) -> tuple[list[str], np.ndarray]:
    found = small_rows(count, seed)
    return [text for text, _ in found], np.array([list(MOODS).index(label) for _, label in found])


def test_it_learns_and_is_the_same_each_time() -> None:
    train, test = rows(300), rows(90, seed=2)
    found, again = (word_count_baseline(*train, *test) for _ in range(2))
    assert found.accuracy > 0.95
    assert found.macro_f1 > 0.95
    assert (found.accuracy, found.macro_f1) == (again.accuracy, again.macro_f1)
    assert found.rows == 300
    assert found.seconds >= 0


def test_a_large_file_is_sampled_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(baseline, "_MOST_ROWS", 100)
    assert word_count_baseline(*rows(300), *rows(90, seed=2)).rows == 100
    assert (baseline._sample(300, 3) == baseline._sample(300, 3)).all()
    assert len(set(baseline._sample(300, 3).tolist())) == 100


def test_many_classes_mean_fewer_rows() -> None:
    assert len(baseline._sample(1_000_000, 6)) == 20_000
    assert len(baseline._sample(1_000_000, 50)) == 4_000
    assert len(baseline._sample(1_000_000, 5_000)) == 2_000
    assert baseline._sample(1_500, 5_000).tolist() == list(range(1_500))


def test_the_test_rows_teach_it_nothing() -> None:
    train, test = rows(100), rows(50, seed=2)
    one = word_count_baseline(*train, *test)
    # A class and words that only the test rows know cannot be said.
    texts, labels = [*test[0], "unheard of"], np.append(test[1], 3)
    other = word_count_baseline(*train, texts, labels)
    assert other.accuracy == pytest.approx(one.accuracy * 50 / 51)


def test_what_it_cannot_do_raises() -> None:
    with pytest.raises(ValueError, match="class"):
        word_count_baseline(["a", "b"], np.array([1, 1]), ["a"], np.array([1]))
    with pytest.raises(ValueError, match="vocabulary"):
        word_count_baseline(["...", "!"], np.array([0, 1]), ["a"], np.array([1]))
