"""What the Try tab says: an answer in words that are as sure as it is, the model's name, rows to try."""

import numpy as np
import pytest

from tests.ui.test_html_pieces import Read, assert_only_text
from trainer.cli.predict import _prediction_text
from trainer.run_library import ExampleRow
from trainer.training.predictor import Prediction
from trainer.ui import try_tab, try_view

EVIL = "<img src=x onerror=alert(1)>"
NAMES = ("joy", "sadness", "anger")


def prediction(*probabilities: float, **facts: object) -> Prediction:
    known = {"text": "so", "repaired": False, "tokens": 5, "tokens_read": 5, "cut": False}
    return Prediction(probabilities=np.array(probabilities, dtype=np.float32) if probabilities else None, **{**known, **facts})


@pytest.mark.parametrize(
    ("probabilities", "text"),
    [
        ((0.9, 0.06, 0.04), "Probably joy (90 %)"),
        ((0.2, 0.7, 0.1), "Probably sadness (70 %)"),
        ((0.41, 0.38, 0.21), "Perhaps joy (41 %), or sadness (38 %)"),
        ((0.52, 0.46, 0.02), "Perhaps joy (52 %), or sadness (46 %)"),
        ((0.998, 0.001, 0.001), "Probably joy (99.8 %)"),
    ],
)
def test_a_prediction_is_worded_by_its_probability(probabilities: tuple[float, ...], text: str) -> None:
    assert Read(try_view.prediction_sentence(NAMES, probabilities)).text == text


def test_below_the_probability_of_its_promise_the_model_says_that_it_is_unsure() -> None:
    unsure, sure = (prediction(0.7, 0.2, 0.1, answer_from=value) for value in (0.71, 0.69))
    text = Read(try_view.prediction_html(NAMES, unsure, "moods")).text
    assert "Unsure. Probably joy (70 %)" in text
    assert "The model answers from 71.0 % on" in text
    assert "Unsure" not in try_view.prediction_html(NAMES, sure, "moods")
    assert (unsure.to_dict(NAMES)["label"], unsure.to_dict(NAMES)["unsure"]) == (None, True)
    assert sure.to_dict(NAMES)["label"] == "joy"
    lines = _prediction_text({"text": "so", **unsure.to_dict(NAMES)}).split("\n")
    assert lines[1].strip().startswith("unsure: no class reaches")
    assert lines[2].split() == ["70.0", "%", "joy"]


def test_a_prediction_names_its_model_and_the_label_of_an_example() -> None:
    text = Read(try_view.prediction_html(NAMES, prediction(0.8, 0.1, 0.1), "moods, best", label="fear")).text
    assert "Predicted by moods, best." in text
    assert "Its label is fear. ✗ The prediction is wrong." in text
    assert (
        "Its label is joy. ✓ The prediction is correct."
        in Read(try_view.prediction_html(NAMES, prediction(0.8, 0.1, 0.1), "moods", label="joy")).text
    )
    assert "Its label" not in try_view.prediction_html(NAMES, prediction(0.8, 0.1, 0.1), "moods, best")


def test_a_cut_or_repaired_text_is_noted() -> None:
    cut = Read(try_view.prediction_html(NAMES, prediction(0.8, 0.1, 0.1, cut=True, tokens=80, tokens_read=32), "moods")).text
    assert "80 tokens (pieces of words) long, and the model reads the first 32" in cut
    repaired = Read(try_view.prediction_html(NAMES, prediction(0.8, 0.1, 0.1, repaired=True, text="as read"), "moods")).text
    assert "“as read”" in repaired
    none = Read(try_view.prediction_html(NAMES, prediction(problem="The model cannot read any character of this text."), "moods")).text
    assert "cannot read any character of this text" in none


def test_examples_have_their_labels_and_without_a_model_there_are_none() -> None:
    html = try_view.examples([ExampleRow("who goes there", "fear", 3), ExampleRow("at last", "joy", 9)])
    assert html.count('data-action="example"') == 2
    assert "who goes therefear" in Read(html).text
    assert try_view.examples([]) == ""


def test_no_word_of_a_person_is_markup() -> None:
    names = (EVIL, EVIL + "2")
    pieces = (
        try_view.prediction_html(names, prediction(0.45, 0.55, repaired=True, text=EVIL), EVIL, label=EVIL),
        try_view.examples([ExampleRow(EVIL, EVIL, 1)]),
        try_view.no_text(EVIL),
    )
    for html in pieces:
        assert_only_text(html, EVIL)


def test_the_checksum_of_a_text_is_that_of_the_browser() -> None:
    # The values that assets/prediction.js gives.
    assert try_tab.checksum("") == 1
    assert try_tab.checksum("a") == 0x00C40062
    assert try_tab.checksum("a\r\nb\rc") == try_tab.checksum("a\nb\nc")
    assert try_tab.checksum("\ud83d") != try_tab.checksum("\ude00")
