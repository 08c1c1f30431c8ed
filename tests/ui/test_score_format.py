"""Scores are shown with their rows and intervals, those of each task in its words."""

from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.intervals import Interval
from trainer.evaluation.report import SplitScores
from trainer.runs.view import BaselineScores, Metrics
from trainer.ui import score_format

MACRO_F1 = Interval(0.623, 0.57, 0.671)
SCORE = SplitScores(204, Interval(0.676, 0.61, 0.736), MACRO_F1)
FEW = SplitScores(4, Interval(0.75, 0.3, 0.95), MACRO_F1)
BASELINE = BaselineScores(714, validation=Metrics(0.4, 0.3), test=Metrics(0.471, 0.4))
ONE, SEVERAL = score_format.words_of(""), score_format.words_of(SEVERAL_LABELS.key)


def test_a_share_stands_with_its_range_and_its_rows() -> None:
    assert ONE.short(SCORE) == "67.6 %"
    assert ONE.with_interval(SCORE) == "67.6 % (61.0 to 73.6 %, 204 rows)"
    assert ONE.sentence(SCORE) == "Right on 138 of 204 texts it never saw: 67.6 %"


def test_of_several_labels_a_text_the_score_is_macro_f1_and_says_so() -> None:
    assert SEVERAL.short(SCORE) == "62.3 %"
    assert SEVERAL.said_with_interval(SCORE) == "macro F1 62.3 % (57.0 to 67.1 %, 204 rows)"
    assert SEVERAL.sentence(SCORE) == "Macro F1 62.3 % on 204 texts it never saw"
    assert SEVERAL.short_test_sentence(SCORE, BASELINE) == "macro F1 62.3 % on 204 test rows (counting words: 40.0 %)"
    assert SEVERAL.sentence(FEW) == "3 of 4 exactly right: too few to say anything"
    assert SEVERAL.format(0.4, 4) == "40.0 %"


def test_few_rows_carry_no_per_cent() -> None:
    many = SplitScores(score_format.FEW_ROWS, FEW.accuracy, FEW.macro_f1)
    for format_score in (ONE.short, ONE.with_interval, ONE.sentence):
        assert "%" not in format_score(FEW)
        assert "3 of 4 right" in format_score(FEW)
        assert "%" in format_score(many)
    assert ONE.short_test_sentence(FEW, None) == "3 of 4 test rows right, too few to say anything"


def test_the_final_score_has_its_interval_and_baseline() -> None:
    assert ONE.full_test_sentence(SCORE, BASELINE) == "67.6 % right on 204 test rows (61.0 to 73.6 %); counting words: 47.1 %"
    assert ONE.full_test_sentence(SCORE, None) == "67.6 % right on 204 test rows (61.0 to 73.6 %)"
    assert ONE.full_test_sentence(FEW, BASELINE) == "3 of 4 test rows right, too few to say anything"
    assert (
        ONE.full_test_sentence(SCORE, BASELINE, folds=5) == "67.6 % right on 204 rows in 5 folds (61.0 to 73.6 %); counting words: 47.1 %"
    )


def test_a_score_on_another_file_says_right_once() -> None:
    assert ONE.said_with_interval(SCORE) == "67.6 % right (61.0 to 73.6 %, 204 rows)"
    assert ONE.said_with_interval(FEW) == "3 of 4 right (too few rows to say)"
