"""The word-count baseline: learns, says the same each time, and stays small however large the file."""

import numpy as np
import pytest

from tests.conftest import MOODS, small_rows
from tests.cpu_time import cpu_time
from tests.several_labels import several_labels_corpus
from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation import baseline
from trainer.evaluation.baseline import describe_training_rows, word_count_baseline


def rows(n_rows: int, seed: int = 1) -> tuple[list[str], np.ndarray]:
    labelled = small_rows(n_rows, seed)
    return [text for text, _ in labelled], np.array([list(MOODS).index(label) for _, label in labelled])


def test_it_learns_and_is_the_same_each_time() -> None:
    train, test = rows(300), rows(90, seed=2)
    scores, again = (word_count_baseline(train, test, test) for _ in range(2))
    assert scores.test.accuracy > 0.95
    assert scores.test.macro_f1 > 0.95
    assert (scores.test.accuracy, scores.test.macro_f1) == (again.test.accuracy, again.test.macro_f1)
    assert scores.rows == 300


def test_a_large_file_is_sampled_the_same_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = rows(300), rows(90, seed=2)
    characters = sum(map(len, train[0]))
    monkeypatch.setattr(baseline, "_MAX_WORK", (baseline._VECTORIZING_WORK + 3) * characters // 3)
    scores, again = (word_count_baseline(train, test, test) for _ in range(2))
    assert 80 <= scores.rows <= 120
    assert (scores.rows, scores.test.accuracy) == (again.rows, again.test.accuracy)
    lengths = np.array([len(text) for text in train[0]])
    chosen, passes = baseline._choose_rows_and_passes(lengths, 3)
    assert passes == 1
    assert (chosen == baseline._choose_rows_and_passes(lengths, 3)[0]).all()
    assert (np.diff(chosen) > 0).all()
    assert lengths[chosen].sum() <= characters / 3


@pytest.mark.parametrize(
    ("n_rows", "characters", "classes", "read", "passes"),
    [
        (16_000, 97, 6, 16_000, 25),
        (100_000, 78, 150, 100_000, 1),
        (25_000, 1_300, 2, 18_783, 1),
        (1_000_000, 80, 6, 291_666, 1),
        (300, 40, 3, 300, 500),
        (1, 9_000, 2, 1, 500),
    ],
)
def test_all_rows_are_read_where_that_takes_seconds(n_rows: int, characters: int, classes: int, read: int, passes: int) -> None:
    chosen, times = baseline._choose_rows_and_passes(np.full(n_rows, characters), classes)
    assert (len(chosen), times) == (read, passes)
    assert n_rows == read or characters * read * (baseline._VECTORIZING_WORK + classes) <= baseline._MAX_WORK


def test_many_classes_and_rows_take_seconds() -> None:
    generator = np.random.default_rng(3)
    labels = generator.integers(0, 150, 6_000)
    # A word of the class among a dozen of a large vocabulary.
    texts = [" ".join([f"c{label}", *(f"w{w}" for w in generator.zipf(1.3, 12) % 20_000)]) for label in labels]
    with cpu_time() as spent:
        scores = word_count_baseline((texts, labels), (texts[:500], labels[:500]), (texts[:500], labels[:500]))
    assert spent.seconds < 6  # 1 s on an idle machine; logistic regression on 2,000 of the rows took 18
    assert scores.rows == 6_000
    assert scores.test.accuracy > 0.95


def test_each_split_is_scored_by_the_same_model() -> None:
    train, validation, test = rows(300), rows(60, seed=3), rows(90, seed=2)
    both = word_count_baseline(train, validation, test)
    assert both.validation == word_count_baseline(train, validation, validation).validation
    assert both.test == word_count_baseline(train, test, test).test


def test_what_it_will_take_follows_from_the_rows_alone() -> None:
    def made(n_rows: int, characters: int, classes: int) -> tuple[list[str], np.ndarray]:
        return ["x" * characters] * n_rows, np.arange(n_rows) % classes

    small, tweets, books = made(700, 100, 6), made(16_000, 97, 6), made(25_000, 1_300, 2)
    assert baseline.estimate_baseline_seconds(small, made(100, 100, 6)) < 1
    assert 0.5 < baseline.estimate_baseline_seconds(tweets, made(2_000, 97, 6), made(2_000, 97, 6)) < 3
    assert baseline.estimate_baseline_seconds(books, made(100, 100, 2)) > 3
    assert baseline.estimate_baseline_seconds(small, books) > baseline.estimate_baseline_seconds(small, small)


def test_always_the_most_frequent_class_of_the_training_rows() -> None:
    majority = baseline.majority_class(np.array([2, 1, 2, 0, 1]), np.array([1, 1, 2, 0]), np.array([2]))
    # Of two equally frequent ones the first, though another is more frequent elsewhere.
    assert majority == baseline.MajorityClass(1, (0.5, 0.0))


def test_on_how_many_rows_it_learned_is_said() -> None:
    assert describe_training_rows(16_000, 16_000) == "the same 16,000 training rows"
    assert describe_training_rows(20_000, 100_000) == "20,000 of the 100,000 training rows"
    assert describe_training_rows(20_000, None) == "20,000 training rows"


def test_the_test_rows_teach_it_nothing() -> None:
    train, test = rows(100), rows(50, seed=2)
    one = word_count_baseline(train, test, test)
    # A class and words that only the test rows know cannot be said.
    texts, labels = [*test[0], "unheard of"], np.append(test[1], 3)
    other = word_count_baseline(train, test, (texts, labels))
    assert other.test.accuracy == pytest.approx(one.test.accuracy * 50 / 51)


def test_the_cuts_of_several_labels_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its distances are no probabilities, of which an F1 could be expected."""
    corpus = several_labels_corpus(240)
    train, validation, test = ((corpus.texts[part], corpus.label_ids[part]) for part in (slice(120), slice(120, 180), slice(180, 240)))
    asked = []
    count = baseline.choose_cuts_by_counting
    monkeypatch.setattr(baseline, "choose_cuts_by_counting", lambda labels, scores: asked.append(labels) or count(labels, scores))
    scores = word_count_baseline(train, validation, test, SEVERAL_LABELS)
    assert scores.test.macro_f1 > 0.8
    assert len(asked) == 1
    assert (asked[0] == validation[1]).all()


def test_what_it_cannot_do_raises() -> None:
    with pytest.raises(ValueError, match="class"):
        word_count_baseline((["a", "b"], np.array([1, 1])), (["a"], np.array([1])), (["a"], np.array([1])))
    with pytest.raises(ValueError, match="vocabulary"):
        word_count_baseline((["...", "!"], np.array([0, 1])), (["a"], np.array([1])), (["a"], np.array([1])))
