"""RESULT_CHECKS: what a score cannot tell, and what would help. Computes no score; report.py does."""

from dataclasses import dataclass

from trainer.check import Check, CheckResult, run_checks
from trainer.evaluation.report import Report
from trainer.runs.view import BaselineScores
from trainer.text_format import percent, pluralize, quote_names

FEW_ROWS = 30
"""Below this number of test rows a percentage would claim too much precision."""


@dataclass(frozen=True)
class CheckedResult:
    """The report on the test rows, and what counting words reaches on them; None if that is not known."""

    report: Report
    baseline: BaselineScores | None


def check_result(report: Report, baseline: BaselineScores | None) -> tuple[CheckResult, ...]:
    """RESULT_CHECKS of the report on the test rows."""
    return run_checks(RESULT_CHECKS, CheckedResult(report, baseline))


def _check_few_rows(result: CheckedResult) -> CheckResult | None:
    rows, headline = result.report.rows, result.report.scores[0]
    if rows >= FEW_ROWS:
        return None
    low, high = headline.interval.low, headline.interval.high
    message = f"The true {headline.metric.name} could be anything between {percent(low, 0)} and {percent(high, 0)}."
    return CheckResult("few_test_rows", "warning", rows, message, "Add rows, or add a test file.")


def _has_baseline(result: CheckedResult) -> bool:
    return result.baseline is not None and result.report.rows >= FEW_ROWS


def _check_word_counts(result: CheckedResult) -> CheckResult:
    """Whether the interval of the headline is above what counting words reaches."""
    headline = result.report.scores[0]
    score, word_counts = headline.interval, getattr(result.baseline.test, headline.metric.key)
    if word_counts < score.low:
        message = f"Clearly better than counting words ({percent(word_counts)})."
        return CheckResult("better_than_counting_words", "ok", result.report.rows, message)
    if word_counts > score.high:
        message = f"Counting words alone does better ({percent(word_counts)})."
        advice = "Look at the checks of the training, and try more epochs, more rows or another encoder."
        return CheckResult("not_better_than_counting_words", "warning", result.report.rows, message, advice)
    message = f"Not clearly better than counting words ({percent(word_counts)})."
    advice = "More rows would make it clearer, or a larger encoder better."
    return CheckResult("not_better_than_counting_words", "warning", result.report.rows, message, advice)


def _check_absent_classes(result: CheckedResult) -> CheckResult | None:
    """Classes without test rows, and what macro F1 makes of them."""
    report, predicted = result.report, result.report.said
    absent = [i for i, score in enumerate(report.per_class) if not score.support]
    if not absent:
        return None
    counted_as_zero = [i for i in absent if predicted[i]]
    excluded = [i for i in absent if not predicted[i]]
    sentences = [f"How well {'it is' if len(absent) == 1 else 'they are'} recognised is unknown."]
    if excluded:
        sentences.append(f"Macro F1 excludes {_names(report, excluded)}.")
    if counted_as_zero:
        rows = pluralize(sum(predicted[i] for i in counted_as_zero), "row")
        sentences.append(
            f"Macro F1 counts {_names(report, counted_as_zero)} as 0, because the model predicted it for {rows} of other classes."
        )
    sentences.append("Add rows, or a test file that has some.")
    return CheckResult("classes_without_test_rows", "warning", len(absent), f"No test rows: {_names(report, absent)}.", " ".join(sentences))


def _check_never_predicted(result: CheckedResult) -> CheckResult | None:
    report, predicted = result.report, result.report.said
    never = [i for i, score in enumerate(report.per_class) if score.support and not predicted[i]]
    if not never:
        return None
    message = f"Never predicted: {_names(report, never)}."
    advice = "So there is no precision, and F1 is 0. More rows, or class weights “balanced”, may help."
    return CheckResult("classes_never_predicted", "warning", len(never), message, advice)


def _names(report: Report, class_ids: list[int]) -> str:
    return quote_names((report.label_names[i] for i in class_ids), limit=5)


RESULT_CHECKS: tuple[Check[CheckedResult], ...] = (
    Check("few_test_rows", "Enough test rows", _check_few_rows),
    Check(
        "not_better_than_counting_words",
        "Better than counting words",
        _check_word_counts,
        _has_baseline,
        f"scores on at least {FEW_ROWS} rows beside those of counting words",
    ),
    Check("classes_without_test_rows", "Test rows of every class", _check_absent_classes),
    Check("classes_never_predicted", "Every class is predicted", _check_never_predicted),
)
