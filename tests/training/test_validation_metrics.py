"""How uncertain the scores of validation rows are."""

import math

import numpy as np
import pytest

from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.report import build_report
from trainer.training.validation_metrics import several_label_metrics, standard_errors


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


def test_what_cuts_of_other_rows_say_is_scored() -> None:
    labels, probabilities = np.array([[1, 0], [0, 1], [1, 1]]), np.array([[0.4, 0.1], [0.1, 0.4], [0.4, 0.4]])
    own = SEVERAL_LABELS.choose_cuts(labels, probabilities)
    assert several_label_metrics(labels, SEVERAL_LABELS.with_cuts(own).decide(probabilities))["macro_f1"] == 1.0
    assert several_label_metrics(labels, SEVERAL_LABELS.with_cuts((0.3, 0.9)).decide(probabilities))["macro_f1"] == 0.5
