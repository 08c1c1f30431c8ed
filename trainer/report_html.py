"""The report to share: one HTML file that requests nothing, runs no script and can be printed; the same facts as its JSON.

Texts of rows, and values of other columns, are in it only if texts are handed in.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape

from trainer.check import CheckResult, found
from trainer.data.columns.label_form import describe_cut
from trainer.data.task import NO_LABEL, SEVERAL_LABELS, SINGLE_LABEL
from trainer.evaluation.baseline import describe_training_rows
from trainer.evaluation.confidence import ConfidenceReport
from trainer.evaluation.intervals import Interval
from trainer.evaluation.metrics import EVALUATIONS, main_score
from trainer.evaluation.mistakes import PredictedRows
from trainer.evaluation.ordered import OrderedScores
from trainer.evaluation.report import Report, describe_folds_model, describe_tested_rows, most_confused_pairs
from trainer.evaluation.run_report import RunReport
from trainer.evaluation.subgroups import LENGTH, Subgroup
from trainer.html_page import html_page
from trainer.text_format import decimal, decimal_range, percent, percent_range, pluralize

_MAX_MATRIX, _MAX_PAIRS = 30, 15
_STYLE = """
main { max-width: 60rem; padding: 2rem 1.25rem 4rem; }
h2 { font-size: 1.15rem; margin: 2.25rem 0 .5rem; } small { font-size: .8rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th, td { padding: .3rem .7rem; border-bottom: 1px solid var(--line); text-align: start; vertical-align: top; }
th { font-weight: 600; } .n { text-align: end; white-space: nowrap; } .n small { display: block; }
.wide { overflow-x: auto; } .matrix td { text-align: end; } .matrix th { font-weight: 400; max-width: 9rem; overflow-wrap: anywhere; }
.bar { position: relative; height: 12px; margin: 1rem 0 .4rem; border-radius: 6px; background: var(--line); } .bar i { position: absolute; top: 0; height: 100%; }
.band { border-radius: 6px; background: var(--accent); opacity: .35; } .bar .tick { top: -6px; width: 2px; height: 24px; margin-left: -1px; background: var(--quiet); }
.bar .ours { width: 4px; margin-left: -2px; background: var(--accent); } li { margin: .25rem 0; } .worse { font-weight: 600; }
@media print { main { max-width: none; padding: 0; font-size: 11pt; } h2 { break-after: avoid; } tr { break-inside: avoid; } .wide { overflow: visible; } .bar, .matrix td { print-color-adjust: exact; } }
"""


def report_html(report: RunReport, mistakes: PredictedRows | None = None, before: str = "") -> str:
    """The whole file; ``mistakes`` are rows of which the texts may be shown, and then also what findings quote and groups by other columns;
    ``before`` is HTML that stands before the scores."""
    view, test = report.view, report.reports.test
    title = f"{view.name}: {_headline(test)}"
    parts = [
        f"<h1>{_text(_headline(test))}</h1>",
        f'<p class="quiet"><strong>{_text(view.name)}</strong>, trained on {_text(view.source_title)}. On {_text(describe_tested_rows(test.rows, test.folds))}.{_text(_folds_model(report))}</p>',
        _bar(report),
        before,
        _scores(report),
        _classes(test),
        _matrix(test),
        _ordered(report.ordered),
        _groups([group for group in report.subgroups if mistakes is not None or group.column == LENGTH]),
        _confidence(report.reports.confidence),
        _suggestions(report),
        _checks("What was checked of the result", report.result_checks),
        _checks("What was checked of the training", report.training_checks),
        _findings(report, with_texts=mistakes is not None),
        _training(report),
        "" if mistakes is None else _mistakes(mistakes),
        '<p class="quiet"><small>Made with Emotune. Intervals are 95 % intervals.</small></p>',
    ]
    return html_page(title, "".join(parts), style=_STYLE, policy="default-src 'none'; style-src 'unsafe-inline'")


def _folds_model(report: RunReport) -> str:
    """What the model is, if not itself but those of folds were scored; "" otherwise."""
    folds = report.reports.test.folds
    stopped = report.view.status == "stopped"
    return f" The model itself is none of those {folds}: it {describe_folds_model(stopped=stopped)}." if folds else ""


@dataclass(frozen=True)
class _Words:
    """Of one task: its main score, for whose percentage "{}" stands; the columns of the classes, as names of fields of ClassScore; what the matrix
    shows, the head of its rows and columns, and one of its pairs."""

    said: str
    columns: tuple[tuple[str, str], ...]
    matrix: str
    corner: str
    pair: str


_WORDS: Mapping[str, _Words] = {
    SINGLE_LABEL.key: _Words(
        said="{} right",
        columns=(("F1", "f1"), ("Precision", "precision"), ("Recall", "recall")),
        matrix="What it confuses",
        corner="is \\ said",
        pair="{true} taken for {said}",
    ),
    SEVERAL_LABELS.key: _Words(
        said="macro F1 {}",
        columns=(
            ("F1", "f1"),
            ("Precision", "precision"),
            ("Recall", "recall"),
            ("Average precision", "average_precision"),
            ("Cut", "threshold"),
        ),
        matrix="What it misses and says instead",
        corner="missed \\ said",
        pair="{true} missed, {said} said instead",
    ),
}
"""By ``Task.key``."""


def _headline(test: Report) -> str:
    score = test.scores[0].interval
    said = _WORDS[test.task.key].said.format(percent(score.value))
    return f"{said[:1].upper()}{said[1:]} ({percent_range(score.low, score.high)}, {pluralize(test.rows, 'row')})"


def _bar(report: RunReport) -> str:
    view, test = report.view, report.reports.test
    main, score = main_score(test.task.key), test.scores[0].interval
    marks = []
    # Of always predicting the same labels only the accuracy is known.
    if main == "accuracy":
        share = test.majority_share if view.majority is None else view.majority.test_accuracy
        marks.append(("always the most frequent class", share))
    if view.baseline is not None:
        marks.append(("counting words", getattr(view.baseline.test, main)))
    if view.compared_linear is not None:
        marks.append(("without fine-tuning", getattr(view.compared_linear.test, main)))
    ticks = "".join(f'<i class="tick" style="left:{100 * value:.2f}%"></i>' for _, value in marks)
    named = " · ".join(f"{name} {percent(value)}" for name, value in sorted(marks, key=lambda mark: mark[1]))
    compared = f'<p class="quiet">To compare with: {_text(named)}.</p>' if marks else ""
    return (
        f'<div class="bar" aria-hidden="true"><i class="band" style="left:{100 * score.low:.2f}%;width:{100 * (score.high - score.low):.2f}%"></i>{ticks}'
        f'<i class="tick ours" style="left:{100 * score.value:.2f}%"></i></div>{compared}'
    )


def _scores(report: RunReport) -> str:
    rows = []
    for score in report.reports.test.scores:
        of_validation = report.reports.validation.score(score.metric.key)
        rows.append((_text(score.metric.title), _interval(score.interval), _interval(of_validation)))
    head = (
        "Score",
        f"{report.reports.test.rows:,} {'rows in folds' if report.reports.test.folds else 'test rows'}",
        f"{report.reports.validation.rows:,} validation rows",
    )
    note = '<p class="quiet"><small>Validation rows chose the model that was kept.</small></p>'
    return f"<h2>Scores</h2>{_table(head, rows, numbers=(1, 2))}{note}"


def _classes(test: Report) -> str:
    ordered = sorted(test.per_class, key=lambda score: (score.f1 is None, score.f1.value if score.f1 else 0.0))
    columns = _WORDS[test.task.key].columns
    rows = [(_text(s.name), *(_score(getattr(s, field)) for _, field in columns), f"{s.support:,}") for s in ordered]
    head = ("Class", *(name for name, _ in columns), "Rows")
    return f"<h2>Class by class <small>worst first</small></h2>{_table(head, rows, numbers=range(1, len(head)))}"


def _score(value: Interval | float | None) -> str:
    return decimal(value) if isinstance(value, float) else _interval(value)


def _matrix(test: Report) -> str:
    names, pairs = test.label_names, most_confused_pairs(test, limit=_MAX_PAIRS)
    words, totals = _WORDS[test.task.key], [score.support for score in test.per_class]
    parts = [f"<h2>{words.matrix}</h2>"]
    if len(names) <= _MAX_MATRIX:
        body = "".join(
            f"<tr><th scope=row>{_text(name)}</th>{''.join(_cell(int(n), totals[i], right=i == j) for j, n in enumerate(test.confusion[i]))}</tr>"
            for i, name in enumerate(names)
        )
        head = "".join(f"<th scope=col>{_text(name)}</th>" for name in names)
        parts.append(
            f'<div class="wide"><table class="matrix"><thead><tr><th>{words.corner}</th>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        )
    nothing = "Nothing: all are right." if test.accuracy.value == 1 else "Nothing: no label is said instead of another."
    items = "".join(
        f"<li>{words.pair.format(true=_text(p.true), said=_text(p.predicted))}: {p.rows:,} of {p.support:,}</li>" for p in pairs
    )
    parts.append(f"<ul>{items}</ul>" if items else f"<p>{nothing}</p>")
    return "".join(parts)


def _cell(rows: int, total: int, *, right: bool) -> str:
    share = round(60 * rows / total) if total else 0
    colour = "var(--accent)" if right else "#d97706"
    return f'<td style="background:color-mix(in srgb, {colour} {share}%, transparent)">{rows:,}</td>' if rows else "<td></td>"


def _ordered(scores: OrderedScores | None) -> str:
    if scores is None:
        return ""
    kappa = "–" if scores.quadratic_kappa is None else _number(scores.quadratic_kappa)
    rows = [
        ("Mean distance, in steps", _number(scores.mean_distance)),
        ("At most one step off", _percent(scores.within_one)),
        ("Quadratic weighted kappa", kappa),
    ]
    order = " &lt; ".join(map(_text, scores.order))
    return f'<h2>As steps of a scale</h2><p class="quiet">{order}</p>{_table(("Score", ""), rows, numbers=(1,))}'


def _groups(groups: Sequence[Subgroup]) -> str:
    if not groups:
        return ""
    rows = [(_text(g.column), _text(g.value), _percent(g.accuracy), percent(g.others.value), f"{g.rows:,}") for g in groups]
    worse = "".join(f'<p class="worse">{_text(group.sentence)}</p>' for group in groups if group.is_worse)
    return f"<h2>By group</h2>{worse}{_table(('Column', 'Value', 'Right', 'All others', 'Rows'), rows, numbers=(2, 3, 4))}"


def _confidence(confidence: ConfidenceReport | None) -> str:
    if confidence is None:
        return ""
    before = "" if confidence.before is None else f" ({percent(confidence.before.error)} before the temperature)"
    rows = []
    for promise in confidence.promises:
        if promise.threshold is None:
            needed = (
                "this model is not good enough"
                if promise.rows_needed is None
                else f"would need about {promise.rows_needed:,} validation rows"
            )
            rows.append((percent(promise.target, 0), "–", _text(needed), "–"))
            continue
        test = promise.test
        right = "–" if test is None or test.accuracy is None else _percent(test.accuracy)
        rows.append((percent(promise.target, 0), percent(promise.threshold), "–" if test is None else _percent(test.share), right))
    head = ("At least right", "from a probability of", "answered of the test rows", "of these right")
    return (
        f"<h2>Its probabilities</h2><p>Expected calibration error {percent(confidence.after.error)}{before}. "
        f"{EVALUATIONS[confidence.task.key].answered}</p>"
        f"{_table(head, rows, numbers=(0, 1, 2, 3))}"
    )


def _suggestions(report: RunReport) -> str:
    items = "".join(f"<li><strong>{_text(s.title)}.</strong> {_text(s.evidence)}</li>" for s in report.suggestions.found)
    if not items:
        return f"<h2>What would help most</h2><p>{_text(report.suggestions.reason)}</p>" if report.suggestions.reason else ""
    return f'<h2>What would help most</h2><p class="quiet">By training and validation rows.</p><ol>{items}</ol>'


def _checks(title: str, checks: Sequence[CheckResult]) -> str:
    items = "".join(f"<li>{_text(check.sentence)}</li>" for check in found(checks))
    return f"<h2>{title}</h2><ul>{items}</ul>" if items else ""


def _findings(report: RunReport, *, with_texts: bool) -> str:
    names = report.reports.test.label_names
    messages = [finding.message if with_texts else _without_quotations(finding.message, names) for finding in report.view.findings]
    items = "".join(f"<li>{_text(message)}</li>" for message in messages)
    return f"<h2>Findings in the file</h2><ul>{items}</ul>" if items else ""


def _without_quotations(message: str, label_names: Sequence[str]) -> str:
    """From the first quotation to the last, whatever a text between them holds, unless all are labels. Findings may quote words and lines of the file, and
    those of older runs whole texts."""
    rest = message
    for name in label_names:
        rest = rest.replace(f"“{name}”", "")
    return re.sub("“.*”", "“…”", message, flags=re.DOTALL) if "“" in rest else message


def _training(report: RunReport) -> str:
    view = report.view
    baseline = (
        view.baseline
        and f"macro F1 {decimal(view.baseline.test.macro_f1)}, having learned from {describe_training_rows(view.baseline.rows, view.rows.get('train'))}"
    )
    facts = [
        ("Encoder", view.encoder),
        (
            "Rows",
            f"{view.rows.get('train', 0):,} training, {view.rows.get('validation', 0):,} validation, {view.rows.get('test', 0):,} test",
        ),
        ("Epochs", str(view.kept.epochs or "")),
        ("Device", view.kept.device),
        ("Counting words", baseline or ""),
        ("Labels", "" if view.labels_cut is None else describe_cut(view.labels_cut)),
        ("Split", " ".join(view.split_notes)),
        ("Run", view.id),
    ]
    rows = [(_text(name), _text(value)) for name, value in facts if value]
    return f"<h2>How it was trained</h2>{_table(('', ''), rows)}"


def _mistakes(rows: PredictedRows) -> str:
    cells = [
        (
            f"{int(rows.source_rows[i]):,}",
            _text(text, 1000),
            _text(rows.label(i) or NO_LABEL),
            _text(rows.said(i) or NO_LABEL),
            percent(float(rows.confidence[i])),
        )
        for i, text in enumerate(rows.texts)
    ]
    head = ("Row", "Text", "Label", "Prediction", "Probability")
    return f"<h2>The most confident mistakes</h2>{_table(head, cells, numbers=(0, 4))}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """Cells are HTML."""

    def cells(row: Sequence[str], tag: str) -> str:
        return "".join(f"<{tag}{' class=n' if i in numbers else ' dir=auto'}>{cell}</{tag}>" for i, cell in enumerate(row))

    body = "".join(f"<tr>{cells(row, 'td')}</tr>" for row in rows)
    head_row = f"<thead><tr>{cells(head, 'th')}</tr></thead>" if any(head) else ""
    return f'<div class="wide"><table>{head_row}<tbody>{body}</tbody></table></div>'


def _interval(interval: Interval | None) -> str:
    return "–" if interval is None else f"{decimal(interval.value, 3)}<small>{decimal_range(interval.low, interval.high)}</small>"


def _percent(interval: Interval) -> str:
    return f"{percent(interval.value)}<small>{percent_range(interval.low, interval.high)}</small>"


def _number(interval: Interval) -> str:
    """A score that may be negative or above 1."""
    return f"{interval.value:.3f}<small>{interval.low:.2f} to {interval.high:.2f}</small>"


def _text(value: str, max_length: int = 300) -> str:
    return escape(value if len(value) <= max_length else f"{value[: max_length - 1]}…", quote=True)
