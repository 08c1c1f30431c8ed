"""The Results tab as HTML: the score beside its baselines, the confusions, and the table of classes. Computes no score."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.charts.colours import class_colours
from trainer.check import CheckResult, found
from trainer.evaluation.baseline import describe_training_rows
from trainer.evaluation.intervals import Interval
from trainer.evaluation.metrics import ClassScore
from trainer.evaluation.report import Report, Reports, describe_folds_model, most_confused_pairs, most_frequent_label_mistakes
from trainer.evaluation.result_checks import FEW_ROWS, check_result
from trainer.runs.view import Metrics, RunView
from trainer.text_format import decimal, decimal_range, percent, percent_range, pluralize, points
from trainer.ui import checks_view, html_pieces, page_frame, pages_by_task, score_format
from trainer.ui.pages_by_task import ClassColumn

_MAX_CLASSES, _VISIBLE_AT_EACH_END = 20, 10
"""Of more classes the middle of the table is folded."""
_MAX_PAIRS = 8
"""Of labels that come together."""


@dataclass(frozen=True)
class _Baseline:
    """A baseline and its main score in 0..1."""

    name: str
    score: float


# The score


def headline(view: RunView, title: str, reports: Reports, *, link: str) -> str:
    """The score as a sentence and as a bar, with its rows and model; ``link`` is the download of the model, as HTML."""
    report = reports.test
    sentence = _without_line_break(score_format.words_of(report.task.key).sentence(report, report.folds))
    head = page_frame.heading(sentence) + f'<p class="em-conclusion">{html_pieces.text(_without_line_break(conclusion(view, report)))}</p>'
    test_rows = f"{pluralize(report.rows, 'test row')}: never trained on, never used to choose anything"
    if report.folds:
        test_rows = (
            f"{report.folds} models were each tested on rows that they had not seen, {report.rows:,} in all; the model here "
            f"{describe_folds_model(stopped=view.status == 'stopped')}"
        )
    friendly_name = "" if view.name in title else f" ({html_pieces.isolated(view.name)})"
    return (
        f'<div class="em-score"><div>{head}</div>{link}</div>{bar(view, report)}'
        f'<p class="em-quiet em-small em-source"><strong>{html_pieces.isolated(title)}</strong>{friendly_name}, from {html_pieces.isolated(view.source_title)}. '
        f"{test_rows}.</p>{_all_scores(report)}{_details(view, reports)}"
    )


def _all_scores(report: Report) -> str:
    """Every score with what it is; "" where the table of classes has them."""
    if not pages_by_task.page_of(report.task.key).shows_all_scores or report.rows < FEW_ROWS:
        return ""
    items = "".join(
        f"<div><dt>{score.metric.title}</dt><dd><strong>{percent(score.interval.value)}</strong> "
        f"<small>{percent_range(score.interval.low, score.interval.high)}</small>"
        f"<span>{score.metric.description.format(classes=_classes_that_count(report))}</span></dd></div>"
        for score in report.scores
    )
    return f'<dl class="em-scores">{items}</dl>'


def _classes_that_count(report: Report) -> str:
    """ "every class", or those of which there are rows or predictions."""
    number = sum(bool(score.support or said) for score, said in zip(report.per_class, report.said, strict=True))
    return "every class" if number == len(report.label_names) else f"each of the {number:,} classes that occur"


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
    """The main score with its interval, and by how much it beats counting words; a warning if there are few rows."""
    checks, words = check_result(report, view.baseline), score_format.words_of(report.task.key)
    few = next((check for check in found(checks) if check.code == "few_test_rows"), None)
    if few is not None:
        return few.sentence
    score = words.value(report)
    sentence = f"{words.concluded.format(percent(score.value))} ({percent_range(score.low, score.high)})"
    if view.baseline is None:
        return f"{sentence}. There is no word-count comparison: {_why_no_baseline(view)}."
    return f"{sentence}, {_compared(score, words.value(view.baseline.test), words.as_counting_words)}."


def _compared(score: Interval, word_counts: float, equal: str) -> str:
    """ "10.4 points better than counting words", as the end of a sentence that says so if it may be chance."""
    difference = score.value - word_counts
    if not difference:
        return equal
    chance = ", which may be chance" if score.low <= word_counts <= score.high else ""
    return f"{points(abs(difference))} points {'better' if difference > 0 else 'worse'} than counting words{chance}"


def bar(view: RunView, report: Report) -> str:
    """A scale from 0 to 100 % of the main score on the test rows with the baselines, and the model with its interval."""
    words, few = score_format.words_of(report.task.key), report.rows < FEW_ROWS
    score = words.value(report)

    def format_score(fraction: float, digits: int = 0) -> str:
        return words.format(fraction, report.rows, digits)

    # What always predicting the most frequent labels reaches is a share of the rows.
    baselines = [_Baseline("most frequent", _majority(view, report)[1])] if words.is_share_of_rows else []
    if view.baseline is not None:
        baselines.append(_Baseline("counting words", words.value(view.baseline.test)))
    baselines.sort(key=lambda baseline: baseline.score)
    linear = [] if view.compared_linear is None else [_Baseline("without fine-tuning", words.value(view.compared_linear.test))]
    model_score = format_score(score.value, 1)
    interval = "" if few else f", between {percent_range(score.low, score.high).replace(' to ', ' and ')} with other test rows"
    listed = "; ".join(f"{_FULL_NAMES[baseline.name]}: {format_score(baseline.score, 1)}" for baseline in [*baselines, *linear])
    rows = pluralize(report.rows, "row" if report.folds else "test row")
    label = f"{words.name} on the {rows}. {f'{listed}; ' if listed else ''}this model: {model_score}{interval}."
    ends = "".join(
        f"--{name}:{_css_percent(baseline.score)};" for name, baseline in zip("ab", [*baselines[:1], *baselines[-1:]], strict=False)
    )
    ticks = "".join(f'<i class="em-tick" style="left:{_css_percent(baseline.score)}"></i>' for baseline in [*baselines, *linear])
    # In a line of its own, since it is often as good as counting words.
    linear_name = "".join(
        f'<div class="em-scale-linear" style="--at:{_css_percent(b.score)}"><span>{b.name} {format_score(b.score)}</span></div>'
        for b in linear
    )
    names = "".join(f"<span>{baseline.name}<br>{format_score(baseline.score)}</span>" for baseline in baselines)
    return (
        f'<div class="em-scale" role="img" aria-label="{html_pieces.text(label, max_length=400)}" style="{ends}--model:{_css_percent(score.value)}">'
        f'<strong class="em-scale-model">this model {model_score}</strong><div class="em-scale-track">'
        f'<i class="em-band" style="left:{_css_percent(score.low)};width:{_css_percent(score.high - score.low)}"></i>{ticks}'
        f'<i class="em-tick em-ours" style="left:{_css_percent(score.value)}"></i></div>'
        f'<div class="em-scale-marks em-marks-{len(baselines)}">{names}</div>{linear_name}</div>'
    )


_FULL_NAMES = {
    "most frequent": "Always predicting the most frequent class",
    "counting words": "counting words",
    "without fine-tuning": "without fine-tuning",
}


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
    words = score_format.words_of(test.task.key)
    majority, majority_accuracy = _majority(view, test)
    exactly = "" if words.is_share_of_rows else f" {words.all_right}"
    lines = [
        f"On the {pluralize(test.rows, 'row' if test.folds else 'test row')}: {words.with_interval(test)}.",
        f"On the {pluralize(validation.rows, 'validation row')}, which {_chosen_by_validation(test)}: {words.short(validation)}.",
        f"Always predicting “{majority[:60]}”, the most frequent {'class' if words.is_share_of_rows else 'labels'}: "
        f"{_of_test_rows(majority_accuracy, test)}{exactly}.",
        *_word_counts(view, test),
        *_linear_model(view, test),
        words.intervals,
        *_folds(test),
        "The download is a zip with the model as a standard transformers folder (safetensors), its tokenizer and a model card.",
    ]
    items = "".join(f'<li dir="auto">{html_pieces.text(line, max_length=600)}</li>' for line in lines)
    return f'<details class="em-folded"><summary>How this was measured</summary><ul class="em-lines">{items}</ul></details>'


def _chosen_by_validation(test: Report) -> str:
    return "chose the model that was kept and the cut of each label" if test.task.cuts else "chose the model that was kept"


def _folds(test: Report) -> list[str]:
    """Why the ranges of a score from folds are wider."""
    if not test.folds:
        return []
    return ["They are as wide as for fewer rows, since the models of the folds share most of their rows (Nadeau & Bengio 2003)."]


def _word_counts(view: RunView, test: Report) -> list[str]:
    """The scores of counting words on the same rows."""
    if view.baseline is None:
        return []
    training_rows = describe_training_rows(view.baseline.rows, view.rows.get("train"))
    return [
        f"Counting words (TF-IDF and a linear support vector machine), trained on {training_rows}: {_scores_of(view.baseline.test, test)}."
    ]


def _linear_model(view: RunView, test: Report) -> list[str]:
    """The scores of the linear model on the unchanged encoder on the same rows."""
    if view.linear is None:
        return []
    is_kept = " It is the model that was kept." if view.kept.step == 0 else ""
    names = " and the names of the classes" if view.linear_learned_names else ""
    return [
        "Without fine-tuning (a logistic regression on what the unchanged encoder makes of each text), trained on "
        f"{describe_training_rows(view.linear.rows, view.rows.get('train'))}{names}: {_scores_of(view.linear.test, test)}.{is_kept}"
    ]


def _scores_of(metrics: Metrics, test: Report) -> str:
    """Both scores of a simple model; of few rows only how many are right."""
    words = score_format.words_of(test.task.key)
    exactly = "" if words.is_share_of_rows else f" {words.all_right}"
    macro = "" if test.rows < FEW_ROWS else f", macro F1 {decimal(metrics.macro_f1)}"
    return f"{_of_test_rows(metrics.accuracy, test)}{exactly}{macro}"


def _of_test_rows(accuracy: float, test: Report) -> str:
    text = score_format.format_fraction(accuracy, test.rows)
    rows = "rows" if test.folds else "test rows"
    return f"{text} {rows}" if test.rows < FEW_ROWS else f"{text} of the {rows}"


# Confusions


def confusions(report: Report, rows: str = "test rows") -> str:
    """The most frequent mistakes as a list of buttons that show their rows; their click event carries "cell" and both class ids, -1 for any."""
    page, ids = pages_by_task.page_of(report.task.key), {name: class_id for class_id, name in enumerate(report.label_names)}
    limit = 5 if len(report.label_names) <= _MAX_CLASSES or page.label_mistakes else 10
    pairs = [
        (f"{ids[c.true]} {ids[c.predicted]}", page.mistake.format(true=_name(c.true), said=_name(c.predicted)), c.rows, c.support)
        for c in most_confused_pairs(report, limit=limit)
    ]
    pairs_html = _mistakes(page.mistakes_title, rows, pairs)
    if not page.label_mistakes:
        return pairs_html or f"<h3>{page.mistakes_title}</h3><p>None: all {report.rows:,} {rows} are correct.</p>"
    single = [
        (f"-1 {ids[m.name]}" if m.surplus else f"{ids[m.name]} -1", page.label_mistakes[m.surplus].format(_name(m.name)), m.rows, m.of)
        for m in most_frequent_label_mistakes(report, limit=limit)
    ]
    single_html = _mistakes("Most frequent mistakes", rows, single)
    none = f"<h3>Most frequent mistakes</h3><p>None: all {report.rows:,} {rows} are correct.</p>"
    sections = "".join(f"<section>{html}</section>" for html in (single_html or none, pairs_html, together(report)) if html)
    return f'<div class="em-mistakes">{sections}</div>'


def _mistakes(title: str, rows: str, mistakes: Sequence[tuple[str, str, int, int]]) -> str:
    """A list of buttons with code, HTML, number of rows and of how many; "" without any."""
    items = "".join(
        f'<li><button type="button" class="em-confusion" data-action="cell" data-code="{code}"><span>{what}: </span>'
        f"<span><strong>{n:,}</strong> of {of:,}</span></button></li>"
        for code, what, n, of in mistakes
    )
    return f'<h3>{title} <small>{rows}</small></h3><ol class="em-confusions">{items}</ol>' if items else ""


def _name(label: str) -> str:
    return html_pieces.isolated(label, max_length=60)


def together(report: Report) -> str:
    """Which labels come together most often, in the rows as they are labelled or as it is said of them; for several labels a text."""
    labelled, said = report.together.labelled, report.together.said
    pairs = sorted(zip(*np.nonzero(np.triu(labelled + said, 1)), strict=True), key=lambda pair: (-max(labelled[pair], said[pair]), pair))
    if not pairs:
        return '<h3>Labels that come together</h3><p class="em-quiet">No text has two labels, and none gets two.</p>'
    names = report.label_names
    rows = [(f"{names[i]} + {names[j]}", f"{labelled[i, j]:,}", f"{said[i, j]:,}") for i, j in pairs[:_MAX_PAIRS]]
    table = html_pieces.table(
        ("Both labels", "Rows", "Said"), rows, numbers=(1, 2), caption="Labels that come together: rows that have both, and that get both"
    )
    more = f'<p class="em-quiet em-small">{len(pairs) - _MAX_PAIRS:,} more pairs are rarer.</p>' if len(pairs) > _MAX_PAIRS else ""
    return f"<h3>Labels that come together <small>rows that have both, and that get both</small></h3>{table}{more}"


# Class by class


def classes(report: Report, checks: Sequence[CheckResult]) -> str:
    """The table of the classes, the worst first, with the scores of all classes together and the checks below; the middle of many is folded."""
    order = sorted(range(len(report.per_class)), key=lambda i: _worst_first(report.per_class[i]))
    colours = class_colours(report.label_names)
    # With few rows the worst class would be mere bad luck.
    worst = order[0] if report.worst is not None and report.rows >= FEW_ROWS else None
    page = pages_by_task.page_of(report.task.key)
    columns = page.class_columns
    rows = [_row(report.per_class[i], columns, colours[i], worst=i == worst) for i in order]
    note = "" if report.worst is None else " <small>worst first</small>"
    csv_rows = [_csv_row(report.per_class[i], columns) for i in order]
    csv = f'<button type="button" data-csv="{_attribute([_csv_head(columns), *csv_rows])}" data-file="class by class" aria-label="CSV: Class by class">CSV</button>'
    head = f'<div class="em-chart-head"><h3>Class by class{note}</h3><div class="em-chart-tools">{csv}</div></div>'
    footer = "" if page.shows_all_scores else _other_scores(report)
    legend = f'<p class="em-quiet em-small">{page.legend}</p>'
    return (
        head
        + _tables(rows, [column.head for column in columns], footer)
        + legend
        + checks_view.checks_html(checks)
        + html_pieces.notice(page.not_yet)
    )


def _tables(rows: Sequence[str], heads: Sequence[str], footer: str) -> str:
    if len(rows) <= _MAX_CLASSES:
        return _table(rows, heads, "Classes", footer=footer)
    middle = rows[_VISIBLE_AT_EACH_END:-_VISIBLE_AT_EACH_END]
    return (
        _table(rows[:_VISIBLE_AT_EACH_END], heads, "The classes with the lowest F1")
        + f'<details class="em-folded em-more"><summary>{len(middle):,} more</summary>{_table(middle, heads, "The classes between", head=False)}</details>'
        + _table(rows[-_VISIBLE_AT_EACH_END:], heads, "The classes with the highest F1", head=False, footer=footer)
    )


def _table(rows: Sequence[str], heads: Sequence[str], caption: str, *, head: bool = True, footer: str = "") -> str:
    numbers = "".join(f'<th scope="col" class="em-number">{name}</th>' for name in heads)
    head_class = "" if head else ' class="em-invisible"'
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table em-classes em-of-{len(heads)}"><caption class="em-hidden">{caption}: scores on the test rows</caption>'
        f'<thead{head_class}><tr><th scope="col">Class</th>{numbers}</tr></thead><tbody>{"".join(rows)}</tbody>{footer}</table></div>'
    )


def _row(score: ClassScore, columns: Sequence[ClassColumn], colour: str, *, worst: bool) -> str:
    numbers = "".join(f'<td class="em-number">{_cell(getattr(score, column.field))}</td>' for column in columns)
    # Names such as "card_not_working" have no blank to break at.
    shown = html_pieces.text(score.name).replace("_", "_<wbr>")
    name = f'<th scope="row"><span class="em-class">{html_pieces.dot(colour)}<span dir="auto">{shown}</span></span></th>'
    return f"<tr{' class=em-worst' if worst else ''}>{name}{numbers}</tr>"


def _cell(value: Interval | float | int | None) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return decimal(value) if isinstance(value, float) else _score(value)


def _other_scores(report: Report) -> str:
    """The scores besides the headline."""
    which = _classes_that_count(report)
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td class="em-number">{_score(value)}</td><td colspan="3" class="em-quiet">{description}</td></tr>'
        for name, value, description in (
            (score.metric.title, score.interval, score.metric.description.format(classes=which)) for score in report.scores[1:]
        )
    )
    return f"<tfoot>{rows}</tfoot>"


def _worst_first(score: ClassScore) -> tuple[bool, float, int]:
    """Sort key: the lowest F1 first, of equals the class with more rows; classes without a score last."""
    return score.f1 is None, score.f1.value if score.f1 else 0.0, -score.support


def _score(interval: Interval | None) -> str:
    """A score with its interval in small print; a dash if it is undefined."""
    return "–" if interval is None else f"{decimal(interval.value)}<small>{decimal_range(interval.low, interval.high)}</small>"


def _csv_head(columns: Sequence[ClassColumn]) -> list[str]:
    names = [
        (name, f"{name} low", f"{name} high") if column.has_interval else (name,) for column in columns for name in [column.head.lower()]
    ]
    return ["class", *(name for of_column in names for name in of_column)]


def _csv_row(score: ClassScore, columns: Sequence[ClassColumn]) -> list[str | float | int | None]:
    """A row of the CSV, without rounding."""
    row: list[str | float | int | None] = [score.name]
    for column in columns:
        value = getattr(score, column.field)
        row += [value] if not column.has_interval else [value.value, value.low, value.high] if value else [None] * 3
    return row


def _attribute(rows: Sequence[Sequence[str | float | int | None]]) -> str:
    """Rows as JSON in an HTML attribute, in full."""
    text = json.dumps(rows, allow_nan=False)
    return html_pieces.text(text, max_length=len(text))
