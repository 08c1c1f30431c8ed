"""Which evaluation's weights are kept, and how uncertain its scores are."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.evaluation.report import build_report
from trainer.training.checkpoint_selection import BestCheckpoint, standard_errors, update_best


def kept_after(*evaluations: tuple[float, float]) -> BestCheckpoint:
    best = None
    for step, (score, margin) in enumerate(evaluations, 1):
        best = update_best(best, step, score, margin)
    assert best is not None
    return best


def test_the_latest_of_those_as_good_as_the_best_is_kept() -> None:
    assert kept_after((0.5, 0.02), (0.9, 0.02), (0.885, 0.02)) == BestCheckpoint(3, 2, 0.9, 0.02)


def test_a_clearly_worse_one_is_not_kept() -> None:
    assert kept_after((0.9, 0.02), (0.85, 0.02), (0.879, 0.02)).step == 1


def test_scores_do_not_slide_down_step_by_step() -> None:
    assert kept_after(*((0.9 - 0.015 * n, 0.02) for n in range(9))).step == 2


def test_without_a_margin_the_first_of_the_best_is_kept() -> None:
    assert kept_after((0.7, 0.0), (0.9, 0.0), (0.899, 0.0)).step == 2
    assert kept_after((0.9, 0.0), (0.8, 0.0), (0.9, 0.0)).step == 1


def test_what_is_no_number_is_only_kept_while_there_is_nothing_else() -> None:
    assert kept_after((-math.inf, math.nan), (0.1, 0.02)).step == 2
    assert kept_after((0.1, 0.02), (-math.inf, math.nan)).step == 1


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 0.2)), min_size=1, max_size=30))
def test_what_is_kept_is_within_the_margin_of_the_best_and_nothing_later_is(evaluations: list[tuple[float, float]]) -> None:
    best = kept_after(*evaluations)
    scores = [score for score, _ in evaluations]
    assert best.best_metric == max(scores) == scores[best.best_metric_step - 1]
    assert best.step >= best.best_metric_step
    assert best.step == best.best_metric_step or scores[best.step - 1] > best.best_metric - best.tolerance
    assert all(score <= best.best_metric - best.tolerance for score in scores[best.step :])


@pytest.mark.parametrize(("rows", "classes", "right"), [(200, 2, 0.7), (1600, 6, 0.93), (900, 40, 0.5)])
def test_standard_errors_are_those_of_drawing_rows_again(rows: int, classes: int, right: float) -> None:
    source = np.random.default_rng(7)
    labels = source.choice(classes, rows, p=source.dirichlet(np.full(classes, 3.0)))
    predicted = np.where(source.random(rows) < right, labels, source.integers(0, classes, rows))
    errors = standard_errors(labels, predicted)
    report = build_report(labels, predicted, tuple(map(str, range(classes))))
    for name in ("accuracy", "macro_f1"):
        interval = getattr(report, name)
        assert errors[name] == pytest.approx((interval.high - interval.low) / (2 * 1.96), rel=0.1)


def test_standard_errors_of_one_row_and_of_classes_that_do_not_occur() -> None:
    assert standard_errors(np.array([1]), np.array([1])) == {"accuracy": 0.0, "macro_f1": 0.0}
    assert all(math.isfinite(e) for e in standard_errors(np.array([0, 4, 0]), np.array([0, 1, 1])).values())
