"""What is said of a score besides the score."""

from dataclasses import replace

import numpy as np

from tests.evaluation.examples import good_result, result
from trainer.check import found, run_checks
from trainer.evaluation.report import build_report
from trainer.evaluation.result_checks import RESULT_CHECKS, check_result


def test_what_the_rows_cannot_tell_is_said():
    names = ("sadness", "joy", "love", "fear", "anger", "awe")
    report = build_report(np.array([0, 1, 1]), np.array([0, 0, 5]), names)
    assert [check.sentence for check in found(check_result(report, None))] == [
        "The true accuracy could be anything between 6 % and 79 %. Add rows, or add a test file.",
        "No test rows: “love”, “fear”, “anger”, “awe”. How well they are recognised is unknown. Macro F1 excludes “love”, “fear”, “anger”. "
        "Macro F1 counts “awe” as 0, because the model predicted it for 1 row of other classes. "
        "Add rows, or a test file that has some.",
        "Never predicted: “joy”. So there is no precision, and F1 is 0. More rows, or class weights “balanced”, may help.",
    ]
    assert not found(check_result(build_report(np.arange(6), np.arange(6), names), None)[2:])


def test_better_than_counting_words_is_said_only_beside_them():
    compared = run_checks(RESULT_CHECKS, good_result())[1]
    assert (compared.outcome, compared.message) == ("passed", "Clearly better than counting words (20.0 %).")
    assert run_checks(RESULT_CHECKS, replace(good_result(), baseline=None))[1].outcome == "not_applicable"
    few = result([(0, 0), (1, 1), (2, 2)], word_counts=0.9)
    assert run_checks(RESULT_CHECKS, few)[1].message == "Only for scores on at least 30 rows beside those of counting words."
