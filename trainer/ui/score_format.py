"""Scores for the page: with their rows and interval, and as counts if there are few rows."""

from trainer.evaluation.intervals import Interval
from trainer.evaluation.result_checks import FEW_ROWS
from trainer.runs.view import BaselineScores
from trainer.text_format import percent, percent_range, pluralize


def correct_rows(accuracy: Interval, rows: int) -> int:
    """The number of correct rows."""
    return round(accuracy.value * rows)


def format_fraction(fraction: float, rows: int, digits: int = 1) -> str:
    """ "64.3 %" of the rows, or "6 of 10" if there are few."""
    return f"{round(fraction * rows):,} of {rows:,}" if rows < FEW_ROWS else percent(fraction, digits)


def short_accuracy(accuracy: Interval, rows: int) -> str:
    """ "67.6 %", or "3 of 4 right" if there are few rows."""
    text = format_fraction(accuracy.value, rows)
    return f"{text} right" if rows < FEW_ROWS else text


def accuracy_with_interval(accuracy: Interval, rows: int) -> str:
    """ "67.6 % (61.0 to 73.6 %, 204 rows)", or "3 of 4 right (too few rows to say)"."""
    if rows < FEW_ROWS:
        return f"{short_accuracy(accuracy, rows)} (too few rows to say)"
    return f"{percent(accuracy.value)} ({percent_range(accuracy.low, accuracy.high)}, {pluralize(rows, 'row')})"


def accuracy_sentence(accuracy: Interval, rows: int) -> str:
    """ "Right on 138 of 204 texts it never saw: 67.6 %", or "3 of 4 right: too few to say anything"."""
    if rows < FEW_ROWS:
        return f"{correct_rows(accuracy, rows):,} of {rows:,} right: too few to say anything"
    return f"Right on {correct_rows(accuracy, rows):,} of {rows:,} texts it never saw: {percent(accuracy.value)}"


def test_sentence(accuracy: Interval, rows: int, baseline: BaselineScores | None) -> str:
    """ "67.6 % right on 204 test rows (counting words: 47.1 %)", or "3 of 4 test rows right, too few to say anything"."""
    if rows < FEW_ROWS:
        return f"{correct_rows(accuracy, rows):,} of {rows:,} test rows right, too few to say anything"
    comparison = "" if baseline is None else f" (counting words: {percent(baseline.test.accuracy)})"
    return f"{percent(accuracy.value)} right on {rows:,} test rows{comparison}"


def full_test_sentence(accuracy: Interval, rows: int, baseline: BaselineScores | None) -> str:
    """ "67.6 % right on 204 test rows (61.0 to 73.6 %); counting words: 47.1 %", or "3 of 4 test rows right, too few to say anything"."""
    if rows < FEW_ROWS:
        return test_sentence(accuracy, rows, None)
    comparison = "" if baseline is None else f"; counting words: {percent(baseline.test.accuracy)}"
    return f"{test_sentence(accuracy, rows, None)} ({percent_range(accuracy.low, accuracy.high)}){comparison}"
