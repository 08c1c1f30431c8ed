"""A promise is kept, or not given: against SciPy's own bounds, and by simulation."""

import numpy as np
import pytest
from scipy.stats import binomtest

from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.abstaining import NEVER, answer_curve, answers, find_promise, find_threshold, rows_needed
from trainer.evaluation.confidence import confidence_report, statements
from trainer.evaluation.predictions import Predictions


def population(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """A model that is right in three of four rows, and says so a little too boldly."""
    generator = np.random.default_rng(seed)
    z = generator.normal(1.6, 1.6, n)
    confidence = 0.18 + 0.82 / (1 + np.exp(-z))
    return confidence, generator.random(n) < 0.18 + 0.82 / (1 + np.exp(0.1 - 0.8 * z))


def judged(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """``confidence`` and ``mistaken`` of rows of which one thing is said."""
    return confidence, np.where(right, NEVER, confidence)


def by_mapie(confidence: np.ndarray, right: np.ndarray, target: float, start: int, level: float) -> list[float]:
    """The thresholds from that of ``start`` answers on that MAPIE keeps at this level, by fixed-sequence testing of its exact p values."""
    from mapie.risk_control.fwer_control import control_fwer
    from mapie.risk_control.methods import compute_hoeffding_bentkus_p_value

    ordered = np.sort(confidence)[::-1]
    thresholds = ordered[np.unique(np.linspace(start, len(right), 60).round().astype(int)) - 1]
    answered = confidence >= thresholds[:, None]
    # MAPIE counts the mistakes anew from their share, rounded up: a share that is a little too high would be one mistake more.
    wrong_share = (answered & ~right).sum(axis=1) / answered.sum(axis=1) * (1 - 1e-12)
    p_values = compute_hoeffding_bentkus_p_value(wrong_share, answered.sum(axis=1), 1 - target, binary=True)[:, 0]
    return thresholds[control_fwer(p_values, level, "fixed_sequence")].tolist()


@pytest.mark.parametrize("target", [0.80, 0.85, 0.90])
@pytest.mark.parametrize("rows", [120, 700, 2500])
def test_mapie_finds_the_same_threshold(rows: int, target: float) -> None:
    pytest.importorskip("mapie")
    for seed in range(4):
        confidence, right = population(rows, seed)
        strictest = next(
            (n for n in range(1, 101) if binomtest(n - int(n * (1 - target) / 2), n, target, alternative="greater").pvalue <= 0.025), None
        )
        starts = [(rows // 2, 0.0125), (rows, 0.0125)] + [(strictest, 0.025)] * bool(strictest)
        found = [threshold for start, level in starts for threshold in by_mapie(confidence, right, target, start, level)]
        assert find_threshold(*judged(confidence, right), target) == min(found, default=None)


@pytest.mark.parametrize("target", [0.80, 0.90])
def test_in_resampled_splits_a_promise_is_broken_in_at_most_one_of_twelve(target: float) -> None:
    confidence, right = population(200_000)
    generator, broken, given = np.random.default_rng(1), 0, 0
    for _ in range(150):
        rows = generator.integers(0, len(right), 500)
        threshold = find_threshold(*judged(confidence[rows], right[rows]), target)
        if threshold is not None:
            given += 1
            broken += right[confidence >= threshold].mean() < target
    assert given > 75
    assert broken <= 0.08 * 150


def test_the_threshold_passes_scipys_exact_test_and_so_do_all_stricter_ones() -> None:
    confidence, right = population(2000)
    promise = find_promise(0.9, judged(confidence, right), judged(*population(1000, 7)))
    kept = promise.validation
    assert binomtest(kept.right, kept.answered, 0.9, alternative="greater").pvalue <= 0.05
    assert kept.answered == (confidence >= promise.threshold).sum()
    assert promise.test.accuracy.value > 0.88
    assert promise.rows_needed is None


def test_where_rows_do_not_suffice_it_says_how_many_would() -> None:
    confidence, right = population(60)
    promise = find_promise(0.95, judged(confidence, right), judged(*population(60, 1)))
    assert promise.threshold is None
    assert promise.rows_needed is None or promise.rows_needed > 60
    # 72 answers without a mistake are the fewest that show 95 % with half of the risk.
    perfect = judged(np.linspace(0.6, 0.99, 71), np.ones(71, bool))
    assert find_threshold(*perfect, 0.95) is None
    assert 72 <= rows_needed(*perfect, 0.95) < 300
    more = judged(np.linspace(0.6, 0.99, 400), np.ones(400, bool))
    assert find_threshold(*more, 0.95) == pytest.approx(0.6)


def test_mistakes_that_have_nothing_to_do_with_the_confidence_do_not_end_the_search() -> None:
    """Wrong labels are such mistakes: one of ten, everywhere."""
    for seed in range(10):
        generator = np.random.default_rng(seed)
        confidence, right = generator.random(300), np.arange(300) % 10 > 0
        assert find_threshold(*judged(confidence, right), 0.8) is not None


def test_no_number_of_rows_helps_a_model_that_guesses() -> None:
    generator = np.random.default_rng(3)
    confidence, right = generator.random(3000), generator.random(3000) < 0.5
    assert find_threshold(*judged(confidence, right), 0.8) is None
    assert rows_needed(*judged(confidence, right), 0.8) is None


def test_rows_of_equal_confidence_are_answered_together() -> None:
    confidence, right = np.repeat([0.9, 0.5], 200), np.repeat([True, False], 200)
    assert find_threshold(*judged(confidence, right), 0.9) == 0.9
    assert answers(*judged(confidence, right), 0.9).answered == 200
    assert {(point.share, point.accuracy) for point in answer_curve(*judged(confidence, right))} == {(0.5, 1.0), (1.0, 0.5)}


def test_without_rows_nothing_is_promised() -> None:
    nothing = np.zeros(0), np.zeros(0)
    promise = find_promise(0.8, nothing, nothing)
    assert promise.threshold is None
    assert answer_curve(*nothing) == ()


# Several labels a text


def several(n: int, seed: int, cuts: tuple[float, ...] = (0.3, 0.5, 0.4)) -> Predictions:
    """Three labels, whose probabilities are right as often as they say."""
    generator = np.random.default_rng(seed)
    probabilities = generator.beta(0.5, 0.8, (n, 3))
    labels = (generator.random((n, 3)) < probabilities).astype(int)
    split = np.where(np.arange(n) % 2, "test", "validation")
    return Predictions(np.arange(n), split, labels, probabilities, ("a", "b", "c"), SEVERAL_LABELS.with_cuts(cuts))


@pytest.mark.parametrize("target", [0.80, 0.90])
def test_of_the_texts_that_get_a_label_the_promised_share_gets_right_ones_only(target: float) -> None:
    """What the promise counts is what a model says that keeps it: the labels that reach its cut and the threshold."""
    part = several(4000, 0)
    promise = confidence_report(part, None).promise(target)
    test = part.for_split("test")
    said = test.task.answering_from(promise.threshold, 3).decide(test.probabilities)
    answered = said.any(axis=1)
    assert (promise.test.rows, promise.test.answered) == (2000, answered.sum())
    assert promise.test.right == (answered & (said <= test.labels).all(axis=1)).sum()
    assert promise.test.accuracy.value > target - 0.02
    validation = promise.validation
    assert binomtest(validation.right, validation.answered, target, alternative="greater").pvalue <= 0.05


def test_a_text_that_gets_no_label_is_never_answered() -> None:
    part = Predictions([0, 1, 2], ["test"] * 3, [[1, 0], [0, 1], [0, 0]], [[0.9, 0.4], [0.2, 0.3], [0.6, 0.7]], "ab", SEVERAL_LABELS)
    confidence, mistaken = statements(part, part.probabilities).surest
    assert confidence.tolist() == pytest.approx([0.9, NEVER, 0.7])
    assert mistaken.tolist() == pytest.approx([NEVER, NEVER, 0.7])
    assert answers(confidence, mistaken, 0.0).to_dict() == {"rows": 3, "answered": 2, "right": 1}
    assert [point.share for point in answer_curve(confidence, mistaken)] == pytest.approx([1 / 3, 2 / 3])


def test_a_promise_of_labels_is_broken_in_at_most_one_of_twelve_resampled_splits() -> None:
    part = several(100_000, 3)
    confidence, mistaken = statements(part, part.probabilities).surest
    generator, broken, given = np.random.default_rng(1), 0, 0
    for _ in range(100):
        rows = generator.integers(0, len(part), 500)
        threshold = find_threshold(confidence[rows], mistaken[rows], 0.8)
        if threshold is not None:
            given += 1
            kept = answers(confidence, mistaken, threshold)
            broken += kept.right / kept.answered < 0.8
    assert given > 50
    assert broken <= 0.08 * 100


def test_what_is_said_of_texts_that_are_all_answered_counts_too() -> None:
    """Each text has one sure label, that is right, and of every second one a further label is said wrongly."""
    n = 400
    confidence, mistaken = np.linspace(0.9, 0.99, n), np.where(np.arange(n) % 2, 0.6, NEVER)
    assert find_threshold(confidence, mistaken, 0.9) == pytest.approx(0.9)
    assert [(point.share, point.accuracy) for point in answer_curve(confidence, mistaken)][-2:] == [(1.0, 1.0), (1.0, 0.5)]
    assert find_threshold(confidence, np.where(np.arange(n) % 50, NEVER, 0.6), 0.9) == 0.0
