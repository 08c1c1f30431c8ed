"""For each check of a training and of a result, one in which it finds something and one to which it applies and that passes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tests.evaluation.test_diagnostics import RECIPE, TOTAL, diverging, healthy, past_its_best, run, still
from trainer.evaluation.diagnostics import CheckedTraining
from trainer.evaluation.report import build_report
from trainer.evaluation.result_checks import CheckedResult
from trainer.runs.view import BaselineScores, Metrics


def training(course, **facts: object) -> CheckedTraining:
    """A finished training with these curves."""
    return CheckedTraining(replace(run(course), **facts), RECIPE)


def good_training() -> CheckedTraining:
    return training(healthy())


def _with_gap() -> CheckedTraining:
    course = replace(healthy(speed=40), accuracy=lambda t: 0.95, eval_accuracy=lambda t: 0.70)
    return training(course, best_step=TOTAL)


def _fine_tuned(linear: float) -> CheckedTraining:
    """A training that started from a linear model of this accuracy."""
    scores = Metrics(linear, linear)
    return training(healthy(), linear=BaselineScores(9, scores, scores), linear_seconds=4.0)


TRAINING_EXAMPLES: dict[str, tuple[Callable[[], CheckedTraining], Callable[[], CheckedTraining]]] = {
    "diverging": (lambda: training(diverging()), good_training),
    "collapse": (lambda: training(still(classes=1)), good_training),
    "flat_loss": (lambda: training(still()), good_training),
    "overfitting": (lambda: training(past_its_best()), good_training),
    "generalization_gap": (_with_gap, good_training),
    "no_gain_from_fine_tuning": (lambda: _fine_tuned(0.99), lambda: _fine_tuned(0.4)),
}


def result(rows: list[tuple[int, int]], word_counts: float = 0.2) -> CheckedResult:
    """True and predicted classes of three, beside counting words."""
    true, predicted = zip(*rows, strict=True)
    scores = Metrics(word_counts, word_counts)
    return CheckedResult(build_report(np.array(true), np.array(predicted), ("joy", "anger", "love")), BaselineScores(9, scores, scores))


def good_result() -> CheckedResult:
    return result([(n % 3, n % 3) for n in range(60)])


RESULT_EXAMPLES: dict[str, tuple[Callable[[], CheckedResult], Callable[[], CheckedResult]]] = {
    "few_test_rows": (lambda: result([(0, 0), (1, 1), (2, 2)]), good_result),
    "not_better_than_counting_words": (lambda: result([(n % 3, 0) for n in range(60)], word_counts=0.9), good_result),
    "classes_without_test_rows": (lambda: result([(0, 0), (1, 2)] * 30), good_result),
    "classes_never_predicted": (lambda: result([(0, 0), (1, 0), (2, 2)] * 20), good_result),
}
