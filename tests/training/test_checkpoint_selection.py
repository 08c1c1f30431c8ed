"""Which evaluation's weights are kept."""

import math

from hypothesis import given
from hypothesis import strategies as st

from trainer.training.checkpoint_selection import BestCheckpoint, update_best


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


def test_what_scores_less_than_before_the_first_step_is_not_kept() -> None:
    start = update_best(None, 0, 0.9, 0.05)
    worse = update_best(start, 1, 0.89, 0.05)
    assert worse.step == 0
    assert update_best(worse, 2, 0.9, 0.05).step == 2
    best = update_best(worse, 2, 0.92, 0.05)
    assert [update_best(best, 3, score, 0.05).step for score in (0.89, 0.91)] == [2, 3]


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
