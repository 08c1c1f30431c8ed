"""Scores for the page: with their rows and interval, and as counts if there are few rows. What differs between tasks is in ``SCORE_WORDS``."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, find_task
from trainer.evaluation.intervals import Interval
from trainer.evaluation.result_checks import FEW_ROWS
from trainer.runs.view import BaselineScores
from trainer.text_format import percent, percent_range, pluralize


class Scored(Protocol):
    """The scores of some rows: a report, or the few of it that a list of runs has."""

    @property
    def rows(self) -> int: ...
    @property
    def accuracy(self) -> Interval:
        """Of rows with exactly their labels."""
        ...

    @property
    def macro_f1(self) -> Interval: ...


def format_fraction(fraction: float, rows: int, digits: int = 1) -> str:
    """ "64.3 %" of the rows, or "6 of 10" if there are few."""
    return f"{round(fraction * rows):,} of {rows:,}" if rows < FEW_ROWS else percent(fraction, digits)


@dataclass(frozen=True)
class ScoreWords:
    """How the page says the main score of one task. Few rows are counted instead: those that are all right."""

    key: str
    """Its name in every object that has scores: "accuracy" or "macro_f1"."""
    name: str
    """At the beginning of a sentence."""
    short_name: str
    """After an adjective: "validation accuracy"."""
    accuracy_name: str
    """Of the share of rows with exactly their labels."""
    all_right: str
    """What the rows are that count as right: "right"."""
    said: str
    """A percentage as the score; "{}" stands for it."""
    concluded: str
    """The same at the beginning of a sentence below the headline."""
    headline: str
    """Of ``rows`` rows, ``right`` of them all right, ``which`` says what they are, and the ``value``."""
    so_far: str
    """The same during a training, on the validation rows; "{}" stands for the percentage."""
    as_counting_words: str
    """The end of a sentence: it is equal to that of counting words."""
    intervals: str
    """How its interval is computed, as a sentence."""
    other: str
    """The other score of a run in a list, "{}" stands for the percentage."""
    is_share_of_rows: bool = False
    """Whether of few rows it can be said as a count."""

    def value(self, scores: Any) -> Any:
        """The main one of some scores: an Interval, or a fraction in 0..1 (None if it was not measured)."""
        return getattr(scores, self.key)

    def other_value(self, scores: Any) -> Any:
        """The other one of macro F1 and the share of rows with exactly their labels."""
        return scores.macro_f1 if self.is_share_of_rows else scores.accuracy

    def format(self, fraction: float, rows: int, digits: int = 1) -> str:
        """The main score of so many rows, as a count if they are few and it is a share of them."""
        return format_fraction(fraction, rows, digits) if self.is_share_of_rows else percent(fraction, digits)

    def short(self, scored: Scored) -> str:
        """ "67.6 %", or "3 of 4 right" if there are few rows."""
        return self.count(scored) if scored.rows < FEW_ROWS else percent(self.value(scored).value)

    def with_interval(self, scored: Scored) -> str:
        """ "67.6 % (61.0 to 73.6 %, 204 rows)", or "3 of 4 right (too few rows to say)"."""
        return self._with_interval(scored, "{}")

    def said_with_interval(self, scored: Scored) -> str:
        """ "67.6 % right (61.0 to 73.6 %, 204 rows)", or "3 of 4 right (too few rows to say)"."""
        return self._with_interval(scored, self.said)

    def sentence(self, scored: Scored, folds: int = 0) -> str:
        """ "Right on 138 of 204 texts it never saw: 67.6 %", or "3 of 4 right: too few to say anything"; ``folds`` as in a report."""
        if scored.rows < FEW_ROWS:
            return f"{self.count(scored)}: too few to say anything"
        which = f"texts in {folds} folds" if folds else "texts it never saw"
        return self.headline.format(right=_right(scored), rows=scored.rows, which=which, value=percent(self.value(scored).value))

    def short_test_sentence(self, scored: Scored, baseline: BaselineScores | None, folds: int = 0) -> str:
        """ "67.6 % right on 204 test rows (counting words: 47.1 %)", or "3 of 4 test rows right, too few to say anything"."""
        which = "rows" if folds else "test rows"
        if scored.rows < FEW_ROWS:
            return f"{_right(scored):,} of {scored.rows:,} {which} {self.all_right}, too few to say anything"
        comparison = "" if baseline is None else f" (counting words: {percent(self.value(baseline.test))})"
        in_folds = f" in {folds} folds" if folds else ""
        return f"{self.said.format(percent(self.value(scored).value))} on {scored.rows:,} {which}{in_folds}{comparison}"

    def full_test_sentence(self, scored: Scored, baseline: BaselineScores | None, folds: int = 0) -> str:
        """ "67.6 % right on 204 test rows (61.0 to 73.6 %); counting words: 47.1 %", or "3 of 4 test rows right, too few to say anything"."""
        sentence, score = self.short_test_sentence(scored, None, folds), self.value(scored)
        if scored.rows < FEW_ROWS:
            return sentence
        comparison = "" if baseline is None else f"; counting words: {percent(self.value(baseline.test))}"
        return f"{sentence} ({percent_range(score.low, score.high)}){comparison}"

    def count(self, scored: Scored) -> str:
        """ "3 of 4 right"."""
        return f"{_right(scored):,} of {scored.rows:,} {self.all_right}"

    def _with_interval(self, scored: Scored, template: str) -> str:
        if scored.rows < FEW_ROWS:
            return f"{self.count(scored)} (too few rows to say)"
        score = self.value(scored)
        return f"{template.format(percent(score.value))} ({percent_range(score.low, score.high)}, {pluralize(scored.rows, 'row')})"


def words_of(task: str) -> ScoreWords:
    """The words for a run's ``task``, which may be empty. Raises UserError ``unknown_task``."""
    return SCORE_WORDS[find_task(task).key]


def _right(scored: Scored) -> int:
    """The rows with exactly their labels."""
    return round(scored.accuracy.value * scored.rows)


SCORE_WORDS: Mapping[str, ScoreWords] = {
    SINGLE_LABEL.key: ScoreWords(
        key="accuracy",
        name="Accuracy",
        short_name="accuracy",
        accuracy_name="accuracy",
        all_right="right",
        said="{} right",
        concluded="{} right",
        headline="Right on {right:,} of {rows:,} {which}: {value}",
        so_far="Right on {} of the validation rows.",
        as_counting_words="exactly as often as counting words",
        intervals="Ranges are 95 % intervals (Wilson’s method, also applied to F1).",
        other="macro F1 {}",
        is_share_of_rows=True,
    ),
    SEVERAL_LABELS.key: ScoreWords(
        key="macro_f1",
        name="Macro F1",
        short_name="macro F1",
        accuracy_name="exact match",
        all_right="exactly right",
        said="macro F1 {}",
        concluded="The labels’ mean F1 is {}",
        headline="Macro F1 {value} on {rows:,} {which}",
        so_far="Macro F1 {} on the validation rows.",
        as_counting_words="exactly as good as counting words",
        intervals="Ranges are 95 % intervals; the rows are the sample, since what a row gets right for one label goes with the others.",
        other="{} exactly right",
    ),
}
"""By ``Task.key``."""
