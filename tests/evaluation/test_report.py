import json
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from trainer.evaluation.report import make_report

NAMES = ("sadness", "joy", "love", "anger", "fear", "surprise")
pairs = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=60)


def report_of(rows, names=NAMES):
    return make_report(np.array([true for true, _ in rows]), np.array([said for _, said in rows]), names)


@settings(deadline=None)
@given(rows=pairs)
def test_every_number_is_scikit_learns(rows):
    labels, predicted = zip(*rows, strict=True)
    report = report_of(rows)
    assert report.rows == len(rows)
    assert report.accuracy.value == pytest.approx(metrics.accuracy_score(labels, predicted))
    # Its default: averaged over the classes that occur in truth or prediction.
    assert report.macro_f1.value == pytest.approx(metrics.f1_score(labels, predicted, average="macro", zero_division=0))
    assert report.weighted_f1.value == pytest.approx(metrics.f1_score(labels, predicted, average="weighted", zero_division=0))
    expected = metrics.classification_report(labels, predicted, labels=range(6), target_names=NAMES, zero_division=0, output_dict=True)
    for score in report.per_class:
        ours = {"precision": score.precision, "recall": score.recall, "f1-score": score.f1, "support": score.support}
        assert ours == pytest.approx(expected[score.name])
    assert report.confusion.dtype == np.int64
    assert np.array_equal(report.confusion, metrics.confusion_matrix(labels, predicted, labels=range(6)))
    majority = NAMES.index(report.majority_name)
    assert report.majority_share == pytest.approx(max(labels.count(i) for i in range(6)) / len(rows))
    assert report.majority_share == pytest.approx(metrics.accuracy_score(labels, [majority] * len(rows)))


@settings(deadline=None)
@given(rows=pairs)
def test_intervals_hold_the_point_and_stay_within_zero_and_one(rows):
    report = report_of(rows)
    for interval in (report.accuracy, report.macro_f1, report.weighted_f1):
        assert 0 <= interval.low <= interval.value <= interval.high <= 1


def test_the_intervals_are_those_of_drawing_rows():
    generator = np.random.default_rng(5)
    labels = generator.choice(6, 300, p=[0.4, 0.3, 0.1, 0.1, 0.07, 0.03])
    predicted = np.where(generator.random(300) < 0.8, labels, generator.integers(0, 6, 300))
    report = make_report(labels, predicted, NAMES)
    draws = [generator.integers(0, 300, 300) for _ in range(400)]
    for interval, measure in (
        (report.accuracy, metrics.accuracy_score),
        (report.macro_f1, lambda t, p: metrics.f1_score(t, p, average="macro", zero_division=0)),
        (report.weighted_f1, lambda t, p: metrics.f1_score(t, p, average="weighted", zero_division=0)),
    ):
        low, high = np.percentile([measure(labels[rows], predicted[rows]) for rows in draws], [2.5, 97.5])
        assert interval.low == pytest.approx(low, abs=0.02)
        assert interval.high == pytest.approx(high, abs=0.02)


def test_two_reports_of_the_same_rows_are_the_same():
    rows = [(i % 6, (i * i) % 6) for i in range(200)]
    assert report_of(rows).to_dict() == report_of(rows).to_dict()


def test_more_rows_give_narrower_intervals():
    rows = [(0, 0), (1, 1), (2, 1), (3, 3), (4, 4)] * 8
    few, many = report_of(rows).accuracy, report_of(rows * 16).accuracy
    assert (few.high - few.low) / (many.high - many.low) == pytest.approx(4, rel=0.25)


def test_one_row():
    right, wrong = report_of([(1, 1)]), report_of([(1, 2)])
    assert (right.accuracy.value, wrong.accuracy.value) == (1, 0)
    # One row proves next to nothing, and a bootstrap that can only draw this row would not know.
    assert right.accuracy.low == pytest.approx(0.025)
    assert wrong.accuracy.high == pytest.approx(0.975)
    assert (right.majority_name, right.majority_share) == ("joy", 1.0)


def test_all_right_is_not_certainty():
    report = report_of([(i % 3, i % 3) for i in range(100)])
    assert report.accuracy.value == report.macro_f1.value == 1.0
    # Clopper & Pearson's bound for 100 of 100.
    assert report.accuracy.low == pytest.approx(0.9638, abs=1e-4)
    assert report.macro_f1.low == report.accuracy.low
    assert report.accuracy.high == 1.0


def test_one_class_alone_and_classes_that_are_missing():
    report = report_of([(2, 2)] * 9 + [(2, 4)])
    assert [score.support for score in report.per_class] == [0, 0, 10, 0, 0, 0]
    assert [round(score.f1, 3) for score in report.per_class] == [0, 0, 0.947, 0, 0, 0]
    # love (0.947) and fear (predicted, never true: 0) occur; the other four do not count.
    assert report.macro_f1.value == pytest.approx(0.947 / 2, abs=1e-3)
    assert report.majority_share == 1.0
    assert report.confusion.shape == (6, 6)


def test_small_integer_types_do_not_overflow():
    ids = np.arange(77, dtype=np.uint8)
    assert np.array_equal(make_report(ids, ids, tuple(map(str, ids))).confusion, np.eye(77))


def test_the_terminals_shape():
    shape = report_of([(0, 0), (1, 1), (1, 2)]).to_dict()
    assert json.loads(json.dumps(shape, allow_nan=False)) == shape
    assert list(shape)[:5] == ["accuracy", "macro_f1", "weighted_f1", "per_class", "rows"]
    assert shape["per_class"]["joy"] == {"precision": 1.0, "recall": 0.5, "f1": pytest.approx(2 / 3), "support": 2}
    assert set(shape["intervals"]) == {"accuracy", "macro_f1", "weighted_f1"}
    low, high = shape["intervals"]["accuracy"]
    assert low <= shape["accuracy"] <= high
    assert shape["majority"] == {"name": "joy", "share": pytest.approx(2 / 3)}


@pytest.mark.parametrize(
    ("labels", "predicted"), [([], []), ([0, 1], [0]), ([0, 6], [0, 0]), ([0, 0], [0, -1]), (["joy"], ["joy"]), ([[0]], [[0]])]
)
def test_nonsense_is_refused(labels, predicted):
    with pytest.raises(ValueError, match=r"\w"):
        make_report(np.array(labels), np.array(predicted), NAMES)


def test_many_classes_are_quick():
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 77, 3080)
    predicted = np.where(generator.random(3080) < 0.9, labels, generator.integers(0, 77, 3080))
    names = tuple(f"intent {i}" for i in range(77))
    make_report(labels, predicted, names)  # scikit-learn's import is not what is measured
    times = []
    for _ in range(3):
        start = time.perf_counter()
        make_report(labels, predicted, names)
        times.append(time.perf_counter() - start)
    assert min(times) < 0.25  # about 0.05 s on an idle machine
