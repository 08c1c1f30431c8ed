"""What the Results tab says of a model, as HTML: its score beside what it has to beat, what it confuses, and how good it is at each class.

Pure: from a run's view and reports to words. It computes no score.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from trainer.charts.colours import class_colours
from trainer.evaluation.baseline import describe_training_rows
from trainer.evaluation.intervals import Interval
from trainer.evaluation.report import ClassScore, Report, class_caveats
from trainer.library import Reports
from trainer.runs.view import RunView
from trainer.text_format import decimal, decimal_range, percent, percent_range, pluralize
from trainer.ui import markup, score_format, shell

_MOST_CLASSES, _AT_EACH_END = 20, 10
"""Of more classes than that only the ends are shown until the rest is asked for."""
_CSV_HEAD = ["class", "f1", "precision", "precision low", "precision high", "recall", "recall low", "recall high", "rows"]


@dataclass(frozen=True)
class Confusion:
    """``rows`` test rows of the class ``true``, which has ``of``, were taken for ``said``."""

    true: str
    said: str
    rows: int
    of: int


@dataclass(frozen=True)
class _Mark:
    """What a model has to beat: the share of right answers in 0..1."""

    name: str
    share: float


# The score


def headline(view: RunView, title: str, reports: Reports, *, link: str) -> str:
    """The score in a sentence and as a bar, and of which rows of which model it is; ``link`` is the way to the model, as HTML."""
    report = reports.test
    sentence = _together(score_format.in_a_sentence(report.accuracy, report.rows))
    head = shell.heading(sentence) + f'<p class="em-verdict">{markup.text(_together(verdict(view, report)))}</p>'
    kept = f"{pluralize(report.rows, 'row')} kept aside: never trained on, never used to choose"
    second = "" if view.name in title else f" ({markup.isolated(view.name)})"
    return (
        f'<div class="em-score"><div>{head}</div>{link}</div>{bar(view, report)}'
        f'<p class="em-quiet em-small em-which"><strong>{markup.isolated(title)}</strong>{second}, from {markup.isolated(view.source_name)}. '
        f"{kept}.</p>{_details(view, reports)}"
    )


def _together(sentence: str) -> str:
    """No line ends between a number and its sign."""
    return sentence.replace(" %", "\N{NO-BREAK SPACE}%")


def download(run_id: str) -> str:
    """The link to the model as a zip."""
    about = "A zip with the model as a standard transformers folder (safetensors), its tokenizer and a model card"
    return f'<a class="em-button em-download" href="download/{run_id}" download title="{about}">Download the model</a>'


def nothing_yet() -> str:
    """What will stand here once there is a model."""
    about = "Once a model is trained, its score on texts it never saw stands here."
    will = (
        ("Is it good enough?", "How many texts it gets right, how sure that is, and what simply counting words would reach."),
        ("What does it confuse?", "Which classes it takes for one another, with the number of texts."),
        ("Which class is hard?", "How good it is at each class, the worst first."),
    )
    cards = "".join(f"<li><strong>{question}</strong><span>{answer}</span></li>" for question, answer in will)
    return shell.heading("No results yet", about) + f'<ul class="em-will">{cards}</ul>'


def verdict(view: RunView, report: Report) -> str:
    """Whether the model beats counting words, and how far other rows might move the score; where rows are few, that they are."""
    few, accuracy = report.rows < score_format.FEW_ROWS, report.accuracy
    if few:
        low, high = percent(accuracy.low, 0), percent(accuracy.high, 0)
        return f"It could be anything between {low} and {high}: add rows, or give a test file."
    between = percent_range(accuracy.low, accuracy.high, 0).replace(" to ", " and ")
    return f"{_against_counting(view, accuracy)} With other rows it would be between {between}."


def bar(view: RunView, report: Report) -> str:
    """From no to all test rows right: always the most frequent class, counting words, and the model with its interval."""
    accuracy, few = report.accuracy, report.rows < score_format.FEW_ROWS

    def said(share: float, digits: int = 0) -> str:
        return score_format.of_rows(share, report.rows, digits)

    marks = [_Mark("most frequent", _majority(view, report)[1])]
    if view.baseline is not None:
        marks.append(_Mark("counting words", view.baseline.test.accuracy))
    marks.sort(key=lambda mark: mark.share)
    ours = said(accuracy.value, 1)
    told = "; ".join(f"{_IN_FULL[mark.name]}: {said(mark.share, 1)}" for mark in marks)
    between = "" if few else f", between {percent_range(accuracy.low, accuracy.high).replace(' to ', ' and ')} with other rows"
    label = f"Right on the {pluralize(report.rows, 'test row')}. {told}; this model: {ours}{between}."
    ends = "".join(f"--{name}:{_css(mark.share)};" for name, mark in zip("ab", (marks[0], marks[-1]), strict=True))
    ticks = "".join(f'<i class="em-tick" style="left:{_css(mark.share)}"></i>' for mark in marks)
    names = "".join(f"<span>{mark.name}<br>{said(mark.share)}</span>" for mark in marks)
    return (
        f'<div class="em-scale" role="img" aria-label="{markup.text(label, max_length=400)}" style="{ends}--model:{_css(accuracy.value)}">'
        f'<strong class="em-scale-model">this model {ours}</strong><div class="em-scale-track">'
        f'<i class="em-band" style="left:{_css(accuracy.low)};width:{_css(accuracy.high - accuracy.low)}"></i>{ticks}'
        f'<i class="em-tick em-ours" style="left:{_css(accuracy.value)}"></i></div>'
        f'<div class="em-scale-marks em-marks-{len(marks)}">{names}</div></div>'
    )


_IN_FULL = {"most frequent": "Always answering the most frequent class", "counting words": "counting words"}


def _majority(view: RunView, report: Report) -> tuple[str, float]:
    """The most frequent class of the training rows, or where that is not known of the test rows, and its share of the test rows."""
    if view.majority is None:
        return report.majority_name, report.majority_share
    return view.majority.name, view.majority.test_accuracy


def _css(share: float) -> str:
    return f"{100 * share:.2f}%"


def _against_counting(view: RunView, accuracy: Interval) -> str:
    if view.baseline is None:
        return f"There is no word-count comparison: {_why_no_baseline(view)}."
    counting = view.baseline.test.accuracy
    if counting > accuracy.high:
        return f"Counting words alone does better ({percent(counting)})."
    clearly = "Surely better" if counting < accuracy.low else "Not clearly better"
    return f"{clearly} than counting words ({percent(counting)})."


def _why_no_baseline(view: RunView) -> str:
    if view.status == "stopped":
        return "the training was stopped before it was made"
    if view.live:
        return "it is made once the training is over"
    return "it failed, or the run broke off before it was made"


def _details(view: RunView, reports: Reports) -> str:
    test, validation = reports.test, reports.validation
    majority, share = _majority(view, test)
    lines = [
        f"On the {pluralize(test.rows, 'test row')}: {score_format.with_range(test.accuracy, test.rows)}.",
        f"On the {pluralize(validation.rows, 'validation row')}, which chose the step whose model was kept: "
        f"{score_format.in_short(validation.accuracy, validation.rows)}.",
        f"Always answering “{majority[:60]}”, the most frequent class: {_on_test(share, test)}.",
        *_counting(view, test),
        "Ranges are 95 % intervals (Wilson’s method, carried over to F1).",
        "The download is a zip with the model as a standard transformers folder (safetensors), its tokenizer and a model card.",
    ]
    items = "".join(f'<li dir="auto">{markup.text(line, max_length=600)}</li>' for line in lines)
    return f'<details class="em-folded"><summary>How this was measured</summary><ul class="em-lines">{items}</ul></details>'


def _counting(view: RunView, test: Report) -> list[str]:
    """What a model that only counts words reaches on the same rows."""
    if view.baseline is None:
        return []
    learned = describe_training_rows(view.baseline.rows, view.rows.get("train"))
    macro = "" if test.rows < score_format.FEW_ROWS else f", macro F1 {decimal(view.baseline.test.macro_f1)}"
    return [
        "Counting words (TF-IDF and a linear support vector machine), having learned from "
        f"{learned}: {_on_test(view.baseline.test.accuracy, test)}{macro}."
    ]


def _on_test(share: float, test: Report) -> str:
    said = score_format.of_rows(share, test.rows)
    return f"{said} test rows" if test.rows < score_format.FEW_ROWS else f"{said} of the test rows"


# What it confuses


def worst_confusions(report: Report, *, most: int = 3) -> tuple[Confusion, ...]:
    """The mistakes made most often, at most ``most``; of equals first those that take more of their class."""
    mistakes = report.confusion.copy()
    np.fill_diagonal(mistakes, 0)
    support = report.confusion.sum(axis=1)
    cells = sorted(zip(*np.nonzero(mistakes), strict=True), key=lambda cell: (-mistakes[cell], -mistakes[cell] / support[cell[0]], cell))
    names = report.label_names
    return tuple(Confusion(names[i], names[j], int(mistakes[i, j]), int(support[i])) for i, j in cells[:most])


def confusions(report: Report) -> str:
    """The worst confusions in words."""
    found = worst_confusions(report)
    if not found:
        return f"<h3>Most frequent confusions</h3><p>None: all {pluralize(report.rows, 'test row')} are right.</p>"
    items = "".join(
        f"<li>{markup.isolated(c.true, max_length=60)} taken for {markup.isolated(c.said, max_length=60)}: <strong>{c.rows:,}</strong> of {c.of:,}</li>"
        for c in found
    )
    return f'<h3>Most frequent confusions</h3><ol class="em-confusions">{items}</ol>'


# Class by class


def classes(report: Report) -> str:
    """The table of the classes, the worst first, with the two averages in its foot; of very many the ends until the rest is asked for."""
    order = sorted(range(len(report.per_class)), key=lambda i: _badness(report.per_class[i]))
    colours = class_colours(report.label_names)
    # Of few rows the worst class is the unluckiest.
    worst = order[0] if report.worst is not None and report.rows >= score_format.FEW_ROWS else None
    rows = [_row(report.per_class[i], colours[i], worst=i == worst) for i in order]
    note = "" if report.worst is None else " <small>worst first</small>"
    facts = [_exact(report.per_class[i]) for i in order]
    csv = f'<button type="button" data-csv="{_attribute([_CSV_HEAD, *facts])}" data-file="class by class" aria-label="CSV: Class by class">CSV</button>'
    head = f'<div class="em-chart-head"><h3>Class by class{note}</h3><div class="em-chart-tools">{csv}</div></div>'
    return head + _tables(rows, _averages(report)) + _reading(report)


def _tables(rows: Sequence[str], foot: str) -> str:
    if len(rows) <= _MOST_CLASSES:
        return _table(rows, "Classes", foot=foot)
    middle = rows[_AT_EACH_END:-_AT_EACH_END]
    return (
        _table(rows[:_AT_EACH_END], "The classes with the lowest F1")
        + f'<details class="em-folded em-more"><summary>{len(middle):,} more</summary>{_table(middle, "The classes between", head=False)}</details>'
        + _table(rows[-_AT_EACH_END:], "The classes with the highest F1", head=False, foot=foot)
    )


def _table(rows: Sequence[str], caption: str, *, head: bool = True, foot: str = "") -> str:
    numbers = "".join(f'<th scope="col" class="em-number">{name}</th>' for name in ("F1", "Precision", "Recall", "Rows"))
    seen = "" if head else ' class="em-unseen"'
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table em-classes"><caption class="em-hidden">{caption}: scores on the test rows</caption>'
        f'<thead{seen}><tr><th scope="col">Class</th>{numbers}</tr></thead><tbody>{"".join(rows)}</tbody>{foot}</table></div>'
    )


def _row(score: ClassScore, colour: str, *, worst: bool) -> str:
    cells = (_f1(score), _share(score.precision), _share(score.recall), f"{score.support:,}")
    numbers = "".join(f'<td class="em-number">{cell}</td>' for cell in cells)
    name = f'<th scope="row"><span class="em-class">{markup.dot(colour)}<span dir="auto">{markup.text(score.name)}</span></span></th>'
    return f"<tr{' class=em-worst' if worst else ''}>{name}{numbers}</tr>"


def _averages(report: Report) -> str:
    counted = int(((report.confusion.sum(axis=0) + report.confusion.sum(axis=1)) > 0).sum())
    which = "every class" if counted == len(report.label_names) else f"each of the {counted:,} classes that occur"
    rows = "".join(
        f'<tr><th scope="row">{name}</th><td class="em-number">{_share(value)}</td><td colspan="3" class="em-quiet">{about}</td></tr>'
        for name, value, about in (
            ("Macro F1", report.macro_f1, f"The mean of F1: {which} counts the same."),
            ("Weighted F1", report.weighted_f1, "The mean of F1: a class counts by its rows."),
        )
    )
    return f"<tfoot>{rows}</tfoot>"


def _reading(report: Report) -> str:
    """What of some classes cannot be told, and what the columns mean."""
    missing = markup.text(" ".join(class_caveats(report)), max_length=1200)
    return (
        (f'<p class="em-small" dir="auto">{missing}</p>' if missing else "")
        + '<p class="em-quiet em-small">Precision: of the texts it gave this class, the share that has it. Recall: of the texts that have it, the '
        "share it found. F1: the two in one number. Small numbers: 95\N{NO-BREAK SPACE}% intervals.</p>"
    )


def _badness(score: ClassScore) -> tuple[bool, float, int]:
    """Sorts classes: the lowest F1 first, of equals the one with more rows; those that cannot be judged last."""
    return score.f1 is None, score.f1 or 0.0, -score.support


def _f1(score: ClassScore) -> str:
    return "–" if score.f1 is None else decimal(score.f1)


def _share(interval: Interval | None) -> str:
    """A share with its interval in small; a dash where it cannot be told."""
    return "–" if interval is None else f"{decimal(interval.value)}<small>{decimal_range(interval.low, interval.high)}</small>"


def _exact(score: ClassScore) -> list[str | float | int | None]:
    """A row of the CSV, unrounded."""
    ends = [(i.value, i.low, i.high) if i else (None, None, None) for i in (score.precision, score.recall)]
    return [score.name, score.f1, *ends[0], *ends[1], score.support]


def _attribute(rows: Sequence[Sequence[str | float | int | None]]) -> str:
    """Rows as JSON in an attribute, whole however long they are."""
    written = json.dumps(rows, allow_nan=False)
    return markup.text(written, max_length=len(written))
