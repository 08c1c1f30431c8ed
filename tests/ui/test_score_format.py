"""Scores are shown with their rows and intervals."""

from trainer.evaluation.intervals import Interval
from trainer.runs.view import BaselineScores, Metrics
from trainer.ui import score_format

SCORE = Interval(0.676, 0.61, 0.736)
FEW = Interval(0.75, 0.3, 0.95)


def test_a_share_stands_with_its_range_and_its_rows() -> None:
    assert score_format.short_accuracy(SCORE, 204) == "67.6 %"
    assert score_format.accuracy_with_interval(SCORE, 204) == "67.6 % (61.0 to 73.6 %, 204 rows)"
    assert score_format.accuracy_sentence(SCORE, 204) == "Right on 138 of 204 texts it never saw: 67.6 %"


def test_few_rows_carry_no_per_cent() -> None:
    for format_score in (score_format.short_accuracy, score_format.accuracy_with_interval, score_format.accuracy_sentence):
        assert "%" not in format_score(FEW, 4)
        assert "3 of 4 right" in format_score(FEW, 4)
        assert "%" in format_score(FEW, score_format.FEW_ROWS)
    assert score_format.test_sentence(FEW, 4, None) == "3 of 4 test rows right, too few to say anything"


def test_the_final_score_has_its_interval_and_baseline() -> None:
    baseline = BaselineScores(714, validation=Metrics(0.4, 0.3), test=Metrics(0.471, 0.4))
    assert score_format.full_test_sentence(SCORE, 204, baseline) == "67.6 % right on 204 test rows (61.0 to 73.6 %); counting words: 47.1 %"
    assert score_format.full_test_sentence(SCORE, 204, None) == "67.6 % right on 204 test rows (61.0 to 73.6 %)"
    assert score_format.full_test_sentence(FEW, 4, baseline) == "3 of 4 test rows right, too few to say anything"
