"""What the Results tab says: the score beside what it has to beat, few rows in counts, what was not measured, the worst first."""

import dataclasses
import json
import re
from html import unescape

import numpy as np
import pytest

from tests.ui.test_html_pieces import Read, assert_only_text
from trainer.evaluation.report import Report, Reports, build_report, most_confused_pairs
from trainer.evaluation.result_checks import check_result
from trainer.runs.view import BaselineScores, Majority, Metrics, RunView
from trainer.ui import results_view

EVIL = "<img src=x onerror=alert(1)>"
RUN = RunView(
    "a" * 32, name="brisk otter", source_name="moods.csv", status="finished", rows={"train": 100_000, "validation": 10, "test": 20}
)
TITLE = "moods, balanced"


def report_of(rows: list[tuple[int, int]], names: tuple[str, ...] = ("joy", "anger", "love")) -> Report:
    true, predicted = zip(*rows, strict=True)
    return build_report(np.array(true), np.array(predicted), names)


def right(accuracy: float, rows: int = 200) -> Report:
    """As many rows of joy as of anger, of which so many are right."""
    return report_of([(n % 2, n % 2 if n < accuracy * rows else 1 - n % 2) for n in range(rows)])


def counting(accuracy: float, rows: int = 100_000) -> RunView:
    return dataclasses.replace(RUN, baseline=BaselineScores(rows, validation=Metrics(0.1, 0.1), test=Metrics(accuracy, accuracy)))


def headline(view: RunView, report: Report, *, validation: Report | None = None) -> str:
    return results_view.headline(view, TITLE, Reports(test=report, validation=validation or report), link="")


def classes(report: Report) -> str:
    return results_view.classes(report, check_result(report, None))


def visible_text(html: str) -> str:
    return Read(html).text.replace("\N{NO-BREAK SPACE}", " ")


def names_in_order(html: str) -> list[str]:
    return re.findall(r'<span dir="auto">(.*?)</span></span></th>', html)


# The score


@pytest.mark.parametrize(
    ("baseline", "sentence"),
    [
        (0.40, "30.0 points better than counting words."),
        (0.68, "2.0 points better than counting words, which may be chance."),
        (0.72, "2.0 points worse than counting words, which may be chance."),
        (0.70, "exactly as often as counting words."),
        (0.90, "20.0 points worse than counting words."),
    ],
)
def test_better_is_claimed_only_if_the_interval_shows_it(baseline: float, sentence: str) -> None:
    text = visible_text(headline(counting(baseline), right(0.7)))
    assert "Right on 140 of 200 texts it never saw: 70.0 %" in text
    assert f"70.0 % right (63.3 to 75.9 %), {sentence}" in text


def test_few_rows_get_no_percentage_but_a_warning() -> None:
    report = report_of([(0, 0), (0, 1), (1, 1), (1, 1)])
    html = headline(counting(0.5), report)
    assert "3 of 4 right: too few to say anything" in html
    assert "The true accuracy could be anything between 30 % and 95 %. Add rows, or add a test file." in visible_text(html)
    assert "75" not in visible_text(html)
    assert "this model 3 of 4" in html
    assert "counting words<br>2 of 4" in html
    assert "em-worst" not in classes(report)


@pytest.mark.parametrize(
    ("status", "why"), [("stopped", "the training was stopped before"), ("finished", "it failed, or the run was interrupted")]
)
def test_where_there_is_no_baseline_the_page_says_why(status: str, why: str) -> None:
    html = headline(dataclasses.replace(RUN, status=status), right(0.7))
    assert f"There is no word-count comparison: {why}" in html
    assert "counting words<br>" not in html


def test_one_mistake_in_thousands_is_not_a_hundred_per_cent() -> None:
    report = report_of([(0, 1)] + [(i % 2, i % 2) for i in range(1, 3200)])
    html = headline(RUN, report)
    assert "100.0" not in html
    assert "Right on 3,199 of 3,200 texts it never saw: 99.97 %" in visible_text(html)
    # joy: of its 1,600 rows one was missed, and all that were given it have it.
    assert "1.00<small>0.998–1.00</small>" in classes(report)


def test_every_accuracy_says_of_which_rows_it_is() -> None:
    text = visible_text(headline(counting(0.4), right(0.7), validation=right(0.8, 100)))
    assert "On the 200 test rows: 70.0 % (63.3 to 75.9 %, 200 rows)." in text
    assert "On the 100 validation rows, which chose the model that was kept: 80.0 %." in text
    assert f"{TITLE} (brisk otter), from moods.csv. 200 test rows: never trained on, never used to choose anything." in text


def test_the_friendly_name_appears_once() -> None:
    reports = Reports(test=right(0.7), validation=right(0.7))
    html = results_view.headline(RUN, "moods, balanced (brisk otter)", reports, link="")
    assert visible_text(html).count("brisk otter") == 1


def test_the_baseline_says_on_how_many_rows_it_learned() -> None:
    report = report_of([(n % 3, n % 3) for n in range(60)])
    for rows, learned in ((100_000, "the same 100,000 training rows"), (20_000, "20,000 of the 100,000 training rows")):
        assert f"trained on {learned}: 90.0 % of the test rows, macro F1 0.90." in visible_text(headline(counting(0.9, rows), report))


def test_the_most_frequent_class_is_that_of_the_training_rows_where_it_is_known() -> None:
    report = right(0.7)
    assert "Always predicting “joy”, the most frequent class: 50.0 % of the test rows." in visible_text(headline(RUN, report))
    view = dataclasses.replace(RUN, majority=Majority("anger", 0.2, 0.25))
    html = headline(view, report)
    assert "Always predicting “anger”, the most frequent class: 25.0 % of the test rows." in visible_text(html)
    assert "most frequent<br>25 %" in html


def test_the_bar_has_a_text_alternative() -> None:
    label = Read(results_view.bar(counting(0.471), right(0.7))).attributes["aria-label"]
    assert label == (
        "Accuracy on the 200 test rows. counting words: 47.1 %; Always predicting the most frequent class: 50.0 %; "
        "this model: 70.0 %, between 63.3 and 75.9 % with other test rows."
    )


# What it confuses


def test_the_confusions_made_most_often_come_first() -> None:
    rows = [(0, 1)] * 3 + [(1, 0)] * 3 + [(2, 0)] * 5 + [(2, 1)] + [(0, 0)] * 20 + [(1, 1)] * 2
    report = report_of(rows)
    confusions = [(c.true, c.predicted, c.rows, c.support) for c in most_confused_pairs(report)]
    # Of joy's and anger's three each, anger's are more of the class.
    assert confusions == [("love", "joy", 5, 6), ("anger", "joy", 3, 5), ("joy", "anger", 3, 23)]
    assert "love predicted as joy: 5 of 6" in visible_text(results_view.confusions(report))


def test_where_all_are_right_there_is_no_confusion() -> None:
    assert "None: all 60 test rows are correct." in visible_text(results_view.confusions(report_of([(n % 3, n % 3) for n in range(60)])))


# Class by class


def test_a_class_without_test_rows_has_dashes_and_is_not_the_worst() -> None:
    html = classes(report_of([(0, 0)] * 38 + [(0, 1)] * 2 + [(1, 1)] * 5))
    assert names_in_order(html) == ["anger", "joy", "love"]
    worst = re.search(r"<tr class=em-worst>.*?</tr>", html).group()
    assert "anger" in worst
    assert html.index("love") < html.index('<td class="em-number">–</td>')
    assert "No test rows: “love”." in html
    assert "0.00" not in html


def test_a_class_that_was_never_predicted_has_no_precision_and_a_sentence() -> None:
    html = classes(report_of([(0, 0)] * 38 + [(1, 0)] * 2 + [(2, 2)]))
    worst = re.search(r"<tr class=em-worst>.*?</tr>", html).group()
    assert "anger" in worst
    assert (
        '<td class="em-number">0.00<small>0.00–0.79</small></td><td class="em-number">–</td><td class="em-number">0.00<small>0.00–0.66</small></td>'
        in worst
    )
    assert "Never predicted: “anger”.So there is no precision, and F1 is 0." in visible_text(html)


def test_where_all_classes_are_alike_none_is_the_worst() -> None:
    html = classes(report_of([(i % 3, i % 3) for i in range(60)]))
    assert "em-worst" not in html
    assert "worst" not in visible_text(html)
    assert html.count("1.00<small>0.84–1.00</small>") == 6
    assert html.count("1.00<small>0.91–1.00</small>") == 3


def test_the_averages_stand_in_the_footer_with_their_intervals() -> None:
    report = report_of([(0, 0)] * 38 + [(0, 1)] * 2 + [(1, 1)] * 5)
    foot = re.search(r"<tfoot>.*</tfoot>", classes(report)).group()
    assert re.search(r"Macro F10\.\d\d0\.\d\d–0\.\d\dThe mean F1: each of the 2 classes that occur counts the same\.", visible_text(foot))
    assert re.search(r"Weighted F10\.\d\d0\.\d\d–0\.\d\d", visible_text(foot))


def test_of_very_many_classes_the_ends_are_shown_and_the_rest_on_demand() -> None:
    names = tuple(f"intent {n:02}" for n in range(77))
    # The higher the number, the better.
    rows = [(n, n if row < n + 1 else (n + 1) % 77) for n in range(77) for row in range(78)]
    html = results_view.classes(report_of(rows, names), ())
    first, folded, last = re.fullmatch(r"(.*)<details.*?>(.*)</details>(.*)", html, re.DOTALL).groups()
    assert [len(names_in_order(part)) for part in (first, folded, last)] == [10, 57, 10]
    assert "57 more" in folded
    assert len(set(names_in_order(html))) == 77
    assert "<tfoot>" in last
    assert "<tfoot>" not in first


def test_the_csv_has_every_class_unrounded_and_its_name_as_it_is() -> None:
    report = report_of([(0, 0)] * 2 + [(0, 1)] + [(1, 1)] * 5, (EVIL, '=SUM("a")', "none"))
    rows = json.loads(unescape(re.search(r'data-csv="(.*?)"', classes(report)).group(1)))
    scores = ("f1", "precision", "recall")
    assert rows[0] == ["class", *(name for score in scores for name in (score, f"{score} low", f"{score} high")), "rows"]
    by_name = {row[0]: row[1:] for row in rows[1:]}
    evil = report.per_class[0]
    assert by_name[EVIL] == [
        evil.f1.value,
        evil.f1.low,
        evil.f1.high,
        1.0,
        evil.precision.low,
        evil.precision.high,
        2 / 3,
        evil.recall.low,
        evil.recall.high,
        3,
    ]
    assert by_name["none"] == [*[None] * 9, 0]
    assert set(by_name) == {EVIL, '=SUM("a")', "none"}


# Somebody's words


def test_no_name_is_markup() -> None:
    report = report_of([(0, 0), (1, 0)] * 20, (EVIL, EVIL + "2", EVIL + "3"))
    view = dataclasses.replace(counting(0.5), name=EVIL, source_name=EVIL)
    pieces = (
        results_view.headline(view, EVIL, Reports(test=report, validation=report), link=""),
        results_view.confusions(report),
        classes(report),
    )
    for html in pieces:
        assert_only_text(html, EVIL)


@pytest.mark.parametrize(
    ("learned_names", "words"), [(False, "100 training rows: "), (True, "100 training rows and the names of the classes: ")]
)
def test_the_linear_model_says_what_it_learned_from(learned_names: bool, words: str) -> None:
    linear = BaselineScores(100, validation=Metrics(0.5, 0.5), test=Metrics(0.6, 0.6))
    view = dataclasses.replace(RUN, rows={**RUN.rows, "train": 100}, linear=linear, linear_learned_names=learned_names)
    assert words in visible_text(results_view._linear_model(view, right(0.7))[0])
