"""Scores of several labels a text: scikit-learn's values, and intervals that hold what they promise."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation import several_labels
from trainer.evaluation.report import Report, build_report, most_confused_pairs

KEYS = ("macro_f1", "micro_f1", "samples_f1", "exact_match", "hamming_loss")


def drawn(seed: int, n: int, k: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and probabilities that know something of them; with ties, labels that do not occur and rows without any."""
    generator = np.random.default_rng(seed)
    labels = (generator.random((n, k)) < generator.random(k) * 0.6).astype(np.int64)
    return labels, np.clip(labels * 0.3 + generator.random((n, k)) * 0.8, 0.01, 0.99).round(2)


def report_of(labels: np.ndarray, probabilities: np.ndarray, cuts: tuple[float, ...] = ()) -> Report:
    task = SEVERAL_LABELS.with_cuts(cuts)
    names = tuple(f"label {i}" for i in range(labels.shape[1]))
    return build_report(labels, task.decide(probabilities), names, task, probabilities=probabilities)


@given(st.integers(0, 10_000), st.integers(1, 40), st.integers(2, 6))
def test_every_metric_is_scikit_learns(seed: int, n: int, k: int) -> None:
    labels, probabilities = drawn(seed, n, k)
    cuts = tuple(np.random.default_rng(seed).uniform(0.2, 0.8, k).round(4).tolist())
    report, said = report_of(labels, probabilities, cuts), (probabilities >= np.array(cuts)).astype(int)
    occurs = (labels + said).any()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = {
            "macro_f1": metrics.f1_score(labels, said, average="macro", zero_division=np.nan) if occurs else 0.0,
            "micro_f1": metrics.f1_score(labels, said, average="micro", zero_division=0),
            "samples_f1": metrics.f1_score(labels, said, average="samples", zero_division=1),
            "exact_match": metrics.accuracy_score(labels, said),
            "hamming_loss": metrics.hamming_loss(labels, said),
        }
        scores = metrics.precision_recall_fscore_support(labels, said, average=None, zero_division=0)
    assert {key: report.score(key).value for key in KEYS} == pytest.approx(expected, abs=1e-9)
    assert report.accuracy == report.score("exact_match")
    for i, (score, *of_label) in enumerate(zip(report.per_class, *scores, strict=True)):
        assert (score.support, score.threshold) == (of_label[3], cuts[i])
        if score.support:
            assert (score.recall.value, score.f1.value) == pytest.approx((of_label[1], of_label[2]), abs=1e-9)
            assert (score.precision.value if score.precision else 0.0) == pytest.approx(of_label[0], abs=1e-9)
        if 0 < score.support < n:
            average_precision = metrics.average_precision_score(labels[:, i], probabilities[:, i])
            assert score.average_precision.value == pytest.approx(average_precision, abs=1e-9)
        else:
            assert score.average_precision is None
    for interval in [report.score(key) for key in KEYS]:
        assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_the_intervals_are_those_of_drawing_the_rows_again() -> None:
    labels, probabilities = drawn(5, 900, 6)
    report, generator = report_of(labels, probabilities), np.random.default_rng(0)
    again = [generator.integers(0, len(labels), len(labels)) for _ in range(400)]
    drawn_scores = [report_of(labels[rows], probabilities[rows]) for rows in again]
    for key in KEYS:
        interval, values = report.score(key), [other.score(key).value for other in drawn_scores]
        assert (interval.high - interval.low) / (2 * 1.96) == pytest.approx(np.std(values), rel=0.25), key
        assert interval.low == pytest.approx(np.quantile(values, 0.025), abs=0.01)
        assert interval.high == pytest.approx(np.quantile(values, 0.975), abs=0.01)


@pytest.mark.parametrize(("n", "share"), [(60, 0.1), (200, 0.05), (400, 0.3)])
def test_an_interval_of_macro_f1_holds_the_true_one(n: int, share: float) -> None:
    """Of samples from a known population; with few rows of a label too."""
    generator = np.random.default_rng(11)
    population = (generator.random((40_000, 8)) < share * np.linspace(0.5, 2, 8)).astype(np.int64)
    said = np.where(generator.random(population.shape) < 0.25, (generator.random(population.shape) < share).astype(np.int64), population)
    truth = metrics.f1_score(population, said, average="macro")
    held = 0
    for _ in range(200):
        rows = generator.integers(0, len(population), n)
        interval = several_labels.macro_f1_interval(population[rows], said[rows])
        held += interval.low <= truth <= interval.high
    assert 0.9 <= held / 200 <= 1.0


def test_few_rows_that_are_all_right_are_not_certain() -> None:
    labels = np.eye(3, dtype=np.int64)
    report = report_of(labels, labels * 0.9)
    assert report.macro_f1.value == 1
    assert all(report.score(key).low < 0.8 for key in KEYS[:4])
    assert report.score("hamming_loss").high > 0.2


def test_what_is_missed_and_what_is_said_instead() -> None:
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 0, 1], [0, 0, 0]])
    said = np.array([[0, 1, 0], [1, 0, 1], [0, 0, 1], [0, 1, 0]])
    report = build_report(labels, said, ("joy", "love", "fear"), SEVERAL_LABELS)
    assert report.confusion.tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 1]]
    assert {(pair.true, pair.predicted, pair.rows, pair.support) for pair in most_confused_pairs(report)} == {
        ("joy", "love", 1, 2),
        ("love", "fear", 1, 1),
    }
    assert (report.majority_share, report.said) == (0.25, (1, 2, 2))
