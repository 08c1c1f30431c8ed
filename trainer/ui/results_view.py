"""The Results tab as HTML: the score beside its baselines, the confusions, and the table of classes. Computes no score."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from trainer.charts.colours import class_colours
from trainer.check import CheckResult, found
from trainer.evaluation.baseline import describe_training_rows
from trainer.evaluation.intervals import Interval
from trainer.evaluation.metrics import ClassScore
from trainer.evaluation.report import Report, Reports, most_confused_pairs
from trainer.evaluation.result_checks import FEW_ROWS, check_result
from trainer.runs.view import RunView
from trainer.text_format import decimal, decimal_range, percent, percent_range, pluralize, points
from trainer.ui import checks_view, html_pieces, page_frame, score_format

_MAX_CLASSES, _VISIBLE_AT_EACH_END = 20, 10
"""Of more classes the middle of the table is folded."""
_CSV_HEAD = ["class", "f1", "precision", "precision low", "precision high", "recall", "recall low", "recall high", "rows"]


@dataclass(frozen=True)
class _Baseline:
    """A baseline and its accuracy in 0..1."""

    name: str
    accuracy: float


# The score


def headline(view: RunView, title: str, reports: Reports, *, link: str) -> str:
    """The score as a sentence and as a bar, with its rows and model; ``link`` is the download of the model, as HTML."""
    report = reports.test
    sentence = _without_line_break(score_format.accuracy_sentence(report.accuracy, report.rows))
    head = page_frame.heading(sentence) + f'<p class="em-conclusion">{html_pieces.text(_without_line_break(conclusion(view, report)))}</p>'
    test_rows = f"{pluralize(report.rows, 'test row')}: never trained on, never used to choose anything"
    friendly_name = "" if view.name in title else f" ({html_pieces.isolated(view.name)})"
    return (
        f'<div class="em-score"><div>{head}</div>{link}</div>{bar(view, report)}'
        f'<p class="em-quiet em-small em-source"><strong>{html_pieces.isolated(title)}</strong>{friendly_name}, from {html_pieces.isolated(view.source_title)}. '
        f"{test_rows}.</p>{_details(view, reports)}"
    )


def _without_line_break(sentence: str) -> str:
    """With a non-breaking space before each per cent sign."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def download(run_id: str) -> str:
    """The link to the model as a zip."""
    description = "A zip with the model as a standard transformers folder (safetensors), its tokenizer and a model card"
    return f'<a class="em-button em-download" href="download/{run_id}" download title="{description}">Download the model</a>'


def no_results_html() -> str:
    """What this tab shows once there is a model."""
    description = "Once a model is trained, its score on texts it never saw appears here."
    questions = (
        ("Is it good enough?", "How many texts it gets right, how certain that is, and what simply counting words would reach."),
        ("What does it confuse?", "Which classes it confuses, with the number of texts."),
        ("Which class is hard?", "Its scores for each class, the worst class first."),
    )
    cards = "".join(f"<li><strong>{question}</strong><span>{description}</span></li>" for question, description in questions)
    return page_frame.heading("No results yet", description) + f'<ul class="em-questions">{cards}</ul>'


def conclusion(view: RunView, report: Report) -> str:
    """The accuracy with its interval, and by how much it beats counting words; a warning if there are few rows."""
    checks, accuracy = check_result(report, view.baseline), report.accuracy
    few = next((check for check in found(checks) if check.code == "few_test_rows"), None)
    if few is not None:
        return few.sentence
    sentence = f"{percent(accuracy.value)} right ({percent_range(accuracy.low, accuracy.high)})"
    if view.baseline is None:
        return f"{sentence}. There is no word-count comparison: {_why_no_baseline(view)}."
    return f"{sentence}, {_compared(accuracy, view.baseline.test.accuracy)}."


def _compared(accuracy: Interval, word_counts: float) -> str:
    """ "10.4 points better than counting words", as the end of a sentence that says so if it may be chance."""
    difference = accuracy.value - word_counts
    if not difference:
        return "exactly as often as counting words"
    chance = ", which may be chance" if accuracy.low <= word_counts <= accuracy.high else ""
    return f"{points(abs(difference))} points {'better' if difference > 0 else 'worse'} than counting words{chance}"


def bar(view: RunView, report: Report) -> str:
    """A scale from 0 to 100 % correct test rows with the baselines, and the model with its interval."""
    accuracy, few = report.accuracy, report.rows < FEW_ROWS

    def format_accuracy(accuracy: float, digits: int = 0) -> str:
        return score_format.format_fraction(accuracy, report.rows, digits)

    baselines = [_Baseline("most frequent", _majority(view, report)[1])]
    if view.baseline is not None:
        baselines.append(_Baseline("counting words", view.baseline.test.accuracy))
    baselines.sort(key=lambda baseline: baseline.accuracy)
    model_accuracy = format_accuracy(accuracy.value, 1)
    listed = "; ".join(f"{_FULL_NAMES[baseline.name]}: {format_accuracy(baseline.accuracy, 1)}" for baseline in baselines)
    interval = "" if few else f", between {percent_range(accuracy.low, accuracy.high).replace(' to ', ' and ')} with other test rows"
    label = f"Accuracy on the {pluralize(report.rows, 'test row')}. {listed}; this model: {model_accuracy}{interval}."
    ends = "".join(
        f"--{name}:{_css_percent(baseline.accuracy)};" for name, baseline in zip("ab", (baselines[0], baselines[-1]), strict=True)
    )
    ticks = "".join(f'<i class="em-tick" style="left:{_css_percent(baseline.accuracy)}"></i>' for baseline in baselines)
    names = "".join(f"<span>{baseline.name}<br>{format_accuracy(baseline.accuracy)}</span>" for baseline in baselines)
    return (
        f'<div class="em-scale" role="img" aria-label="{html_pieces.text(label, max_length=400)}" style="{ends}--model:{_css_percent(accuracy.value)}">'
        f'<strong class="em-scale-model">this model {model_accuracy}</strong><div class="em-scale-track">'
        f'<i class="em-band" style="left:{_css_percent(accuracy.low)};width:{_css_percent(accuracy.high - accuracy.low)}"></i>{ticks}'
        f'<i class="em-tick em-ours" style="left:{_css_percent(accuracy.value)}"></i></div>'
        f'<div class="em-scale-marks em-marks-{len(baselines)}">{names}</div></div>'
    )


_FULL_NAMES = {"most frequent": "Always predicting the most frequent class", "counting words": "counting words"}


def _majority(view: RunView, report: Report) -> tuple[str, float]:
    """The most frequent class of the training rows, or if unknown of the test rows, and the accuracy of always predicting it."""
    if view.majority is None:
        return report.majority_name, report.majority_share
    return view.majority.name, view.majority.test_accuracy


def _css_percent(fraction: float) -> str:
    return f"{100 * fraction:.2f}%"


def _why_no_baseline(view: RunView) -> str:
    if view.status == "stopped":
        return "the training was stopped before it"
    if view.live:
        return "it follows after the training"
    return "it failed, or the run was interrupted before it"


def _details(view: RunView, reports: Reports) -> str:
    test, validation = reports.test, reports.validation
    majority, majority_accuracy = _majority(view, test)
    lines = [
        f"On the {pluralize(test.rows, 'test row')}: {score_format.accuracy_with_interval(test.accuracy, test.rows)}.",
        f"On the {pluralize(validation.rows, 'validation row')}, which chose the model that was kept: "
        f"{score_format.short_accuracy(validation.accuracy, validation.rows)}.",
        f"Always predicting “{majority[:60]}”, the most frequent class: {_of_test_rows(majority_accuracy, test)}.",
        *_word_counts(view, test),
        *_linear_model(view, test),
        "Ranges are 95 % intervals (Wilson’s method, also applied to F1).",
        "The download is a zip with the model as a standard transformers folder (safetensors), its tokenizer and a model card.",
    ]
    items = "".join(f'<li dir="auto">{html_pieces.text(line, max_length=600)}</li>' for line in lines)
    return f'<details class="em-folded"><summary>How this was measured</summary><ul class="em-lines">{items}</ul></details>'


def _word_counts(view: RunView, test: Report) -> list[str]:
    """The scores of counting words on the same rows."""
    if view.baseline is None:
        return []
    training_rows = describe_training_rows(view.baseline.rows, view.rows.get("train"))
    macro = "" if test.rows < FEW_ROWS else f", macro F1 {decimal(view.baseline.test.macro_f1)}"
    return [
        "Counting words (TF-IDF and a linear support vector machine), trained on "
        f"{training_rows}: {_of_test_rows(view.baseline.test.accuracy, test)}{macro}."
    ]


def _linear_model(view: RunView, test: Report) -> list[str]:
    """The scores of the linear model on the unchanged encoder on the same rows."""
    if view.linear is None:
        return []
    macro = "" if test.rows < FEW_ROWS else f", macro F1 {decimal(view.linear.test.macro_f1)}"
    is_kept = " It is the model that was kept." if view.kept.step == 0 else ""
    return [
        "Without fine-tuning (a logistic regression on what the unchanged encoder makes of each text), trained on "
        f"{describe_training_rows(view.linear.rows, view.rows.get('train'))}: {_of_test_rows(view.linear.test.accuracy, test)}{macro}.{is_kept}"
    ]


def _of_test_rows(accuracy: float, test: Report) -> str:
    text = score_format.format_fraction(accuracy, test.rows)
    return f"{text} test rows" if test.rows < FEW_ROWS else f"{text} of the test rows"


# Confusions


def confusions(report: Report, rows: str = "test rows") -> str:
    """The most frequent confusions as a list of buttons that show their rows; their click event carries "cell" and both class ids."""
    mistakes = most_confused_pairs(report, limit=5 if len(report.label_names) <= _MAX_CLASSES else 10)
    if not mistakes:
        return f"<h3>Most frequent confusions</h3><p>None: all {report.rows:,} {rows} are correct.</p>"
    ids = {name: class_id for class_id, name in enumerate(report.label_names)}
    items = "".join(
        f'<li><button type="button" class="em-confusion" data-action="cell" data-code="{ids[c.true]} {ids[c.predicted]}">'
        f"<span>{html_pieces.isolated(c.true, max_length=60)} predicted as {html_pieces.isolated(c.predicted, max_length=60)}: </span>"
        f"<span><strong>{c.rows:,}</strong> of {c.support:,}</span></button></li>"
        for c in mistakes
    )
    return f'<h3>Most frequent confusions <small>{rows}</small></h3><ol class="em-confusions">{items}</ol>'


# Class by class


def classes(report: Report, checks: Sequence[CheckResult]) -> str:
    """The table of the classes, the worst first, with the scores of all classes together and the checks below; the middle of many is folded."""
    order = sorted(range(len(report.per_class)), key=lambda i: _worst_first(report.per_class[i]))
    colours = class_colours(report.label_names)
    # With few rows the worst class would be mere bad luck.
    worst = order[0] if report.worst is not None and report.rows >= FEW_ROWS else None
    rows = [_row(report.per_class[i], colours[i], worst=i == worst) for i in order]
    note = "" if report.worst is None else " <small>worst first</small>"
    csv_rows = [_csv_row(report.per_class[i]) for i in order]
    csv = f'<button type="button" data-csv="{_attribute([_CSV_HEAD, *csv_rows])}" data-file="class by class" aria-label="CSV: Class by class">CSV</button>'
    head = f'<div class="em-chart-head"><h3>Class by class{note}</h3><div class="em-chart-tools">{csv}</div></div>'

    return head + _tables(rows, _other_scores(report)) + _LEGEND + checks_view.checks_html(checks)


def _tables(rows: Sequence[str], footer: str) -> str:
    if len(rows) <= _MAX_CLASSES:
        return _table(rows, "Classes", footer=footer)
    middle = rows[_VISIBLE_AT_EACH_END:-_VISIBLE_AT_EACH_END]
    return (
        _table(rows[:_VISIBLE_AT_EACH_END], "The classes with the lowest F1")
        + f'<details class="em-folded em-more"><summary>{len(middle):,} more</summary>{_table(middle, "The classes between", head=False)}</details>'
        + _table(rows[-_VISIBLE_AT_EACH_END:], "The classes with the highest F1", head=False, footer=footer)
    )


def _table(rows: Sequence[str], caption: str, *, head: bool = True, footer: str = "") -> str:
    numbers = "".join(f'<th scope="col" class="em-number">{name}</th>' for name in ("F1", "Precision", "Recall", "Rows"))
    head_class = "" if head else ' class="em-invisible"'
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table em-classes"><caption class="em-hidden">{caption}: scores on the test rows</caption>'
        f'<thead{head_class}><tr><th scope="col">Class</th>{numbers}</tr></thead><tbody>{"".join(rows)}</tbody>{footer}</table></div>'
    )


def _row(score: ClassScore, colour: str, *, worst: bool) -> str:
    cells = (_f1(score), _score(score.precision), _score(score.recall), f"{score.support:,}")
    numbers = "".join(f'<td class="em-number">{cell}</td>' for cell in cells)
    name = f'<th scope="row"><span class="em-class">{html_pieces.dot(colour)}<span dir="auto">{html_pieces.text(score.name)}</span></span></th>'
    return f"<tr{' class=em-worst' if worst else ''}>{name}{numbers}</tr>"


def _other_scores(report: Report) -> str:
    """The scores besides the headline."""
    classes_with_rows = int(((report.confusion.sum(axis=0) + report.confusion.sum(axis=1)) > 0).sum())
    which = "every class" if classes_with_rows == len(report.label_names) else f"each of the {classes_with_rows:,} classes that occur"
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td class="em-number">{_score(value)}</td><td colspan="3" class="em-quiet">{description}</td></tr>'
        for name, value, description in (
            (score.metric.title, score.interval, score.metric.description.format(classes=which)) for score in report.scores[1:]
        )
    )
    return f"<tfoot>{rows}</tfoot>"


_LEGEND = (
    '<p class="em-quiet em-small">Precision: how many of the texts predicted as this class belong to it. Recall: how many of the texts of this '
    "class are predicted as such. F1: both in one number. Small numbers: 95\N{NO-BREAK SPACE}% intervals.</p>"
)
"""What the columns mean."""


def _worst_first(score: ClassScore) -> tuple[bool, float, int]:
    """Sort key: the lowest F1 first, of equals the class with more rows; classes without a score last."""
    return score.f1 is None, score.f1 or 0.0, -score.support


def _f1(score: ClassScore) -> str:
    return "–" if score.f1 is None else decimal(score.f1)


def _score(interval: Interval | None) -> str:
    """A score with its interval in small print; a dash if it is undefined."""
    return "–" if interval is None else f"{decimal(interval.value)}<small>{decimal_range(interval.low, interval.high)}</small>"


def _csv_row(score: ClassScore) -> list[str | float | int | None]:
    """A row of the CSV, without rounding."""
    ends = [(i.value, i.low, i.high) if i else (None, None, None) for i in (score.precision, score.recall)]
    return [score.name, score.f1, *ends[0], *ends[1], score.support]


def _attribute(rows: Sequence[Sequence[str | float | int | None]]) -> str:
    """Rows as JSON in an HTML attribute, in full."""
    text = json.dumps(rows, allow_nan=False)
    return html_pieces.text(text, max_length=len(text))
