"""What the Try tab says: an answer in words that are as sure as it is, the model's name, rows to try."""

import numpy as np
import pytest

from tests.ui.test_html_pieces import Read, assert_only_text
from trainer.cli.predict import _prediction_text
from trainer.label_corrections import NewTexts
from trainer.run_library import ExampleRow
from trainer.training.predictor import Prediction
from trainer.ui import try_lists, try_tab, try_view

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
    assert Read(try_view.prediction_sentence(NAMES, prediction(*probabilities))).text == text


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


def test_before_its_words_come_the_text_stands_there_and_any_other_class_is_a_correction() -> None:
    html = try_view.prediction_html(NAMES, prediction(0.8, 0.1, 0.1, text="so kind"), "moods")
    assert "so kind" in Read(html).text
    assert "Looking for the words that matter" in html
    corrections = html.partition('data-action="correct"')[2]
    assert ["joy" in corrections, "sadness" in corrections, "anger" in corrections] == [False, True, True]


def test_several_texts_are_a_table_and_one_of_them_is_open() -> None:
    several = [
        prediction(0.8, 0.1, 0.1, text="so kind"),
        prediction(problem="The text is empty."),
        prediction(0.2, 0.7, 0.1, answer_from=0.9),
    ]
    html = try_view.lines_html(NAMES, several, "moods", opened=0, explanation=None)
    text = Read(html).text
    assert "3 texts, 1 of them unsure" in text
    assert "unsure: sadness70 %" in text
    assert "The text is empty." in text
    assert html.count('data-action="line"') == 2
    assert html.count('data-action="close"') == html.count("em-row-detail") == 1
    assert_only_text(try_view.lines_html((EVIL, "b"), [prediction(0.6, 0.4, text=EVIL)], EVIL, opened=0, explanation=None), EVIL)


def test_what_was_tried_is_listed_once_and_typing_on_is_no_new_text() -> None:
    tried: tuple = ()
    for text in ("so", "so kind", "go away", "so kind", "so kin"):
        tried = try_lists.remember(tried, try_lists.TriedText("a" * 32, text, (("joy", 0.9),), False))
    assert [one.text for one in tried] == ["so kin", "go away"]
    assert try_lists.tried_html(tried[:1]) == ""
    assert "so kinjoy 90 %go awayjoy 90 %" in Read(try_lists.tried_html(tried)).text
    for n in range(30):
        tried = try_lists.remember(tried, try_lists.TriedText("a" * 32, f"{n} is it", (("joy", 0.9),), False))
    assert len(tried) == 20


def test_new_texts_are_listed_with_their_labels_and_can_be_taken_back() -> None:
    html = try_lists.new_texts_html(NewTexts("d" * 32, {"so kind": "joy", EVIL: EVIL}), {"so kind": 1, EVIL: 2})
    assert "2 texts of yours the next training on this file learns them too" in Read(html).text
    assert html.count('data-action="retract"') == 2
    assert f'href="labels/{"d" * 32}/texts"' in html
    assert try_lists.new_texts_html(NewTexts("", {}), {}) == ""
    assert_only_text(html, EVIL)


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
