"""What probabilities are worth, in sentences; and that both charts are valid for few rows and many."""

import dataclasses

import numpy as np
import pytest

from tests.charts.examples import valid
from tests.ui.test_html_pieces import Read
from trainer.charts.confidence import answer_chart, reliability_chart
from trainer.evaluation.confidence import ConfidenceReport, confidence_report
from trainer.evaluation.predictions import Predictions
from trainer.runs.view import FittedTemperature, RunView
from trainer.ui import confidence_view

RUN = RunView("a" * 32, name="brisk otter", rows={"train": 100, "validation": 300, "test": 400})


def report(n: int = 800, temperature: float | None = None, seed: int = 0) -> ConfidenceReport:
    generator = np.random.default_rng(seed)
    confidence = generator.beta(6, 1.5, n) * 0.5 + 0.5
    probabilities = np.stack([confidence, 1 - confidence], axis=1)
    labels = (generator.random(n) > confidence).astype(int)
    split = np.where(np.arange(n) % 2, "test", "validation")
    return confidence_report(Predictions(np.arange(n), split, labels, probabilities, ("a", "b")), temperature)


@pytest.mark.parametrize("n", [2, 30, 800])
@pytest.mark.parametrize("temperature", [None, 1.4])
def test_the_charts_are_valid_for_few_rows_and_many(n: int, temperature: float | None) -> None:
    worth = report(n, temperature)
    assert valid(reliability_chart(worth))
    assert valid(answer_chart(worth.curve, worth.promises, 0.9))
    assert len(reliability_chart(worth)["data"]) == (2 if temperature is None else 3)


@pytest.mark.parametrize(
    ("fitted", "words"),
    [
        (None, "as the training left them. On test rows"),
        (FittedTemperature(0.8, True, 0.5, 0.45, 300), "made bolder with a temperature of 0.80, chosen on the 300 validation rows"),
        (FittedTemperature(1.3, True, 0.5, 0.45, 300), "made more careful with a temperature of 1.30"),
        (FittedTemperature(1.3, False, 0.5, 0.51, 300), "no correction made those of the 300 validation rows better"),
    ],
)
def test_the_page_says_which_temperature_and_why(fitted: FittedTemperature | None, words: str) -> None:
    view = dataclasses.replace(RUN, calibration=fitted)
    assert words in Read(confidence_view.calibration_html(view, report(temperature=view.temperature))).text


def test_few_validation_rows_are_named_as_the_reason() -> None:
    view = dataclasses.replace(RUN, rows={"validation": 12})
    assert "at least 30 validation rows are needed" in confidence_view.calibration_html(view, report())


def test_a_promise_names_its_threshold_its_outcome_and_what_is_missing() -> None:
    worth = report()
    kept, impossible = worth.promise(0.80), worth.promise(0.98)
    assert kept.threshold is not None
    assert impossible.threshold is None
    sentence = Read(confidence_view.chosen_html(kept)).text
    assert "says “unsure”" in sentence
    assert "at least 80 % of its answers are right" in sentence
    table = Read(confidence_view.promises_html(worth, 0.80)).text
    assert "80 % right chosen" in table
    assert "Cannot be promised:" in table
    assert "answers every text" in Read(confidence_view.chosen_html(None)).text
