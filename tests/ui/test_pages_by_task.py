"""The pages of texts that may have several labels: their scores, their rows, and an answer that may be no label."""

import numpy as np
import pytest

from tests.ui.test_html_pieces import Read, assert_only_text
from trainer.data.task import SEVERAL_LABELS, TASKS
from trainer.evaluation.mistakes import NO_LABEL, PredictedRows, RowFilter, find_rows
from trainer.evaluation.report import Report, Reports, build_report, most_confused_pairs
from trainer.runs.view import BaselineScores, Metrics, RunView
from trainer.training.predictor import Prediction
from trainer.ui import pages_by_task, results_view, rows_view, score_format, try_lists, try_view

EVIL = "<img src=x onerror=alert(1)>"
NAMES = ("joy", "love", "fear")
CUTS = (0.5, 0.3, 0.4)
TASK = SEVERAL_LABELS.with_cuts(CUTS)
BASELINE = BaselineScores(100, validation=Metrics(0.1, 0.2), test=Metrics(0.1, 0.25))
RUN = RunView("a" * 32, name="brisk otter", source_name="moods.csv", status="finished", task=TASK.key, baseline=BASELINE)
LABELS = np.array([[1, 1, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 1, 0]] * 10)
SAID = np.array([[1, 1, 0], [0, 1, 0], [0, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]] * 10)
PROBABILITIES = np.where(SAID == 1, 0.9, 0.2).astype(np.float32)


def report(names: tuple[str, ...] = NAMES) -> Report:
    return build_report(LABELS, SAID, names, TASK, probabilities=PROBABILITIES)


def rows(names: tuple[str, ...] = NAMES) -> PredictedRows:
    numbers, texts = np.arange(len(LABELS)), tuple(f"text {i}" for i in range(len(LABELS)))
    confidence = np.linspace(0, 1, len(LABELS), dtype=np.float32)
    return PredictedRows(numbers, numbers + 1, texts, LABELS, SAID, confidence, names, task=TASK)


def found_html(names: tuple[str, ...] = NAMES, **choices: object) -> str:
    row_filter = RowFilter(**choices)
    found = find_rows(rows(names), row_filter)
    return rows_view.rows_html(rows(names), found, row_filter, run_id="a" * 32, split="test", page=0)


def prediction(*probabilities: float, text: str = "so") -> Prediction:
    known = np.array(probabilities, dtype=np.float32)
    return Prediction(text=text, repaired=False, probabilities=known, tokens=5, tokens_read=5, cut=False, task=TASK)


def read(html: str) -> str:
    return Read(html).text.replace("\N{NO-BREAK SPACE}", " ")


def test_every_task_has_its_words_and_its_page() -> None:
    assert pages_by_task.TASK_PAGES.keys() == score_format.SCORE_WORDS.keys() == TASKS.keys()


def test_the_headline_is_macro_f1_and_every_score_says_what_it_is() -> None:
    text = read(results_view.headline(RUN, "moods", Reports(test=report(), validation=report()), link=""))
    macro_f1 = f"{100 * report().macro_f1.value:.1f} %"
    assert f"Macro F1 {macro_f1} on 60 texts it never saw" in text
    assert f"The labels’ mean F1 is {macro_f1}" in text
    assert "57.2 points better than counting words.this model" in text
    for score in report().scores:
        assert score.metric.description.format(classes="every class") in text
    assert "Always predicting “joy, love”, the most frequent labels: 33.3 % of the test rows exactly right." in text
    assert "which chose the model that was kept and the cut of each label" in text


def test_each_label_has_its_average_precision_and_cut_and_the_pairs_are_counted() -> None:
    table = results_view.classes(report(), ())
    heads = ["Class", "F1", "Precision", "Recall", "Average precision", "Cut", "Rows"]
    assert [head for head in heads if f">{head}</th>" in table] == heads
    assert [f'<td class="em-number">{cut:.2f}</td>' in table for cut in CUTS] == [True] * 3
    assert "&quot;average precision high&quot;, &quot;cut&quot;, &quot;rows&quot;]" in table
    text = read(results_view.confusions(report()))
    assert "joy missed, love said instead: 10 of 30" in text
    assert "love missed: 10 of 30" in text
    assert "love said wrongly: 10 of 30" in text
    assert most_confused_pairs(report())[0].support == 30
    assert "joy + love2010" in text
    assert "together" not in results_view.confusions(build_report(np.array([0, 1]), np.array([0, 0]), NAMES))


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({}, "20 mistakes among 60 test rows"),
        ({"shown": "right"}, "40 of 60 test rows are right"),
        ({"label": 1}, "10 rows have love, and the model did not say so"),
        ({"label": 0, "predicted": 1}, "10 rows have joy, and the model said love instead"),
        ({"label": 1, "predicted": 1, "shown": "right"}, "20 rows have love, and the model said so"),
        ({"predicted": 1}, "10 rows were wrongly given love"),
        ({"label": NO_LABEL, "shown": "right"}, "10 rows have no label, and the model said so"),
        ({"predicted": NO_LABEL}, "No rows were wrongly given no label"),
        ({"label": 0, "shown": "all"}, "30 rows have joy"),
    ],
)
def test_a_filter_asks_for_a_label_that_is_missed_or_said_too_much(choices: dict, sentence: str) -> None:
    assert sentence in read(found_html(**choices))


def test_a_row_shows_which_of_its_labels_are_missed_and_which_are_none_of_it() -> None:
    text = read(found_html(label=0, predicted=1, order="row"))
    assert "text 1joy missedlove not its label" in text
    assert read(found_html(label=NO_LABEL, shown="right", order="row")).count("no labelno label") == 10
    assert rows_view.csv_rows(rows(), np.array([0, 4]))[0][2:4] == ["joy, love", "joy, love"]
    assert rows_view.csv_rows(rows(), np.array([0, 4]))[1][2:4] == ["", ""]
    values = {"label": str(NO_LABEL), "shown": "right"}
    assert rows_view.parse_filter(values)[0] == RowFilter(NO_LABEL, shown="right")


def test_an_answer_is_every_label_above_its_cut_or_none() -> None:
    assert read(try_view.prediction_sentence(NAMES, prediction(0.6, 0.35, 0.39))) == "joy (60 %) and love (35 %)"
    assert read(try_view.prediction_sentence(NAMES, prediction(0.6, 0.9, 0.5))) == "love (90 %), joy (60 %) and fear (50 %)"
    none = prediction(0.49, 0.29, 0.39)
    html = try_view.prediction_html(NAMES, none, "moods", label="")
    assert "No label is above its cut" in read(html)
    assert "Its labels: none. ✓ The prediction is correct." in read(html)
    assert 'aria-pressed="true" aria-description="Below its cut, 50.0 %"' in html
    assert "data-said" not in html
    assert 'data-action="correct"' not in html


def test_the_bars_begin_with_what_is_said_and_mark_each_cut() -> None:
    html = try_view.prediction_html(NAMES, prediction(0.45, 0.35, 0.2), "moods")
    bars = html.partition("<ol")[2]
    assert bars.index("love") < bars.index("joy") < bars.index("fear")
    assert [f'class="em-cut" style="left:{100 * cut:.2f}%"' in bars for cut in CUTS] == [True] * 3
    assert bars.count("data-said") == 1
    assert "Which words speak for love" in bars.partition('aria-pressed="true"')[2][:200]


def test_several_texts_have_their_labels_below_each_other() -> None:
    html = try_view.lines_html(NAMES, [prediction(0.6, 0.35, 0.1), prediction(0.1, 0.1, 0.1)], "moods", opened=-1, explanation=None)
    assert "sojoylove60 %35 %" in read(html)
    assert "soNo label is above its cut" in read(html)
    tried = (try_lists.TriedText("a" * 32, "so", (("joy", 0.6), ("love", 0.35)), False), try_lists.TriedText("a" * 32, "hm", (), False))
    assert "sojoy 60 %, love 35 %hmno label" in read(try_lists.tried_html(tried))


def test_no_name_of_a_label_is_markup() -> None:
    names = (EVIL, EVIL + "2", EVIL + "3")
    pieces = (
        results_view.confusions(report(names)),
        results_view.classes(report(names), ()),
        found_html(names),
        try_view.prediction_html(names, prediction(0.6, 0.9, 0.5, text=EVIL), EVIL, label=EVIL),
        try_view.lines_html(names, [prediction(0.6, 0.9, 0.5, text=EVIL)] * 2, EVIL, opened=0, explanation=None),
    )
    for html in pieces:
        assert_only_text(html, EVIL)
