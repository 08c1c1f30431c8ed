"""What the Results tab says: classes that were not measured, intervals, the baseline and its rows."""

import dataclasses

import numpy as np

from trainer.evaluation.report import Report, make_report
from trainer.runs.view import RunView, Scores, WordCounts
from trainer.shelf import Reports
from trainer.ui import results_tab

EVIL = "<img src=x onerror=alert(1)>"
RUN = RunView("a" * 32, name="brisk otter", rows={"train": 100_000, "validation": 10, "test": 20})


def report_of(rows: list[tuple[int, int]], names: tuple[str, ...] = ("joy", "anger", "love")) -> Report:
    true, predicted = zip(*rows, strict=True)
    return make_report(np.array(true), np.array(predicted), names)


def test_a_class_without_test_rows_has_dashes_and_is_not_the_worst() -> None:
    html = results_tab._per_class(report_of([(0, 0)] * 8 + [(0, 1)] * 2 + [(1, 1)] * 5))
    assert "<td>love</td><td class=em-number>–</td><td class=em-number>–</td><td class=em-number>–</td>" in html
    assert "<td class=em-number>–</td><td class=em-number>0</td>" in html
    assert "No test rows: “love”." in html
    assert "Lowest F1: anger." in html
    assert "0.00" not in html


def test_a_class_that_was_never_predicted_has_no_precision_and_a_sentence() -> None:
    html = results_tab._per_class(report_of([(0, 0)] * 8 + [(1, 0)] * 2 + [(2, 2)]))
    assert "<tr class=em-worst><td>anger</td><td class=em-number>–</td><td class=em-number>0.00<small>0.00–0.66</small></td>" in html
    assert "Never predicted: “anger”. So there is no precision, and F1 is 0." in html


def test_where_all_are_right_no_class_is_pointed_out_and_no_range_is_certain() -> None:
    html = results_tab._per_class(report_of([(i % 3, i % 3) for i in range(60)]))
    assert "em-worst" not in html
    assert "Lowest F1" not in html
    assert html.count("1.00<small>0.84–1.00</small>") == 6


def test_one_mistake_in_thousands_is_not_a_hundred_per_cent() -> None:
    report = report_of([(0, 1)] + [(i % 2, i % 2) for i in range(1, 3200)])
    html = results_tab._headline(RUN, Reports(test=report, validation=report))
    assert "100.0 %" not in html
    assert "<strong>99.97 %</strong><small>99.8 to 99.99 %</small>" in html
    # joy: of its 1,600 rows one was missed, and all that were given it have it.
    assert "<td>joy</td><td class=em-number>1.00<small>0.998–1.00</small></td><td class=em-number>0.999<small>" in results_tab._per_class(
        report
    )


def test_the_baseline_says_on_how_many_rows_it_learned() -> None:
    report = report_of([(0, 0), (1, 1), (2, 1)])
    for rows, learned in ((100_000, "the same 100,000 training rows"), (20_000, "20,000 of the 100,000 training rows")):
        run = dataclasses.replace(RUN, baseline=WordCounts(rows, validation=Scores(0.5, 0.4), test=Scores(0.9, 0.8)))
        html = results_tab._headline(run, Reports(test=report, validation=report))
        assert f"having learned from {learned}, reaches 90.0 %, macro F1 80.0 %" in html


def test_no_name_of_a_class_is_markup() -> None:
    html = results_tab._per_class(report_of([(0, 0), (1, 0)], (EVIL, EVIL + "2", EVIL + "3")))
    assert "<img" not in html
    assert "&lt;img src=x" in html
