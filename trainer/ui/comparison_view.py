"""Runs side by side: their curves over each other, their scores, which is better on the rows they share, and what was done differently."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.comparison import Course, accuracy_comparison, loss_comparison, macro_f1_comparison, run_marks
from trainer.charts.lines import SYMBOLS
from trainer.data.repairs import REPAIRS
from trainer.evaluation.comparison import Paired, in_words
from trainer.evaluation.report import Interval
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.shelf import Compared, Comparison
from trainer.studio import Studio
from trainer.ui import markup, words
from trainer.ui.live_chart import drawn, live_chart
from trainer.ui.session import QUIET, owner, said

_CHART_HEIGHT = 300
_SCORES = {"Accuracy": accuracy_comparison, "Macro F1": macro_f1_comparison}


@dataclass(frozen=True)
class ComparisonView:
    """The components; ``runs`` holds the ids of what is compared."""

    body: gr.Column
    runs: gr.Textbox
    verdict: gr.HTML
    loss: gr.HTML
    score_of: gr.Radio
    score: gr.HTML
    differences: gr.HTML

    @property
    def shown(self) -> list[Any]:
        return [self.body, self.runs, self.verdict, self.loss, self.score, self.differences]


def build(studio: Studio) -> ComparisonView:
    """Lay it out, hidden until something is compared."""
    runs = gr.Textbox("", visible="hidden", elem_id="compared-runs")
    with gr.Column(visible=False, elem_id="comparison") as body:
        verdict = gr.HTML(elem_id="verdict")
        with gr.Row(elem_classes=["em-charts"]):
            with gr.Column(min_width=320):
                gr.HTML('<h3 class="em-over-chart">Loss <small>validation; training faint; lower is better</small></h3>')
                loss = live_chart(None, elem_id="compare-loss-chart", height=_CHART_HEIGHT)
            with gr.Column(min_width=320):
                score_of = gr.Radio(
                    list(_SCORES),
                    value="Accuracy",
                    show_label=False,
                    label="Score on the validation rows",
                    container=False,
                    elem_id="compare-score-of",
                    elem_classes=["em-over-chart"],
                )
                score = live_chart(None, elem_id="compare-score-chart", height=_CHART_HEIGHT)
        differences = gr.HTML(elem_id="differences")
    view = ComparisonView(body, runs, verdict, loss, score_of, score, differences)

    @said(lambda message: {body: gr.Column(visible=False)})  # a run is gone, and the list shows it
    def redraw(ids: str, score_of: str) -> dict:
        if not ids:
            return {}
        return {score: drawn(_SCORES[score_of](_courses([studio.view(owner(), run) for run in ids.split()])))}

    score_of.input(redraw, [runs, score_of], [score, body], **QUIET)
    return view


def show(view: ComparisonView, comparison: Comparison, score_of: str) -> dict:
    """Updates that show a comparison."""
    courses = _courses([run.view for run in comparison.runs])
    return {
        view.body: gr.Column(visible=True),
        view.runs: " ".join(run.view.id for run in comparison.runs),
        view.verdict: f'<h3 tabindex="-1">{words.count(len(courses), "run")} compared</h3>{_score_table(comparison)}{_verdicts(comparison)}',
        view.loss: drawn(loss_comparison(courses)),
        view.score: drawn(_SCORES[score_of](courses)),
        view.differences: _difference_table(comparison.runs),
    }


def hide(view: ComparisonView) -> dict:
    return {view.body: gr.Column(visible=False), view.runs: ""}


def _courses(views: Sequence[RunView]) -> list[Course]:
    return [
        Course(
            key=v.id,
            name=v.name,
            steps=tuple(p.step for p in v.points),
            loss=tuple(p.loss for p in v.points),
            eval_steps=tuple(e.step for e in v.evaluations),
            eval_loss=tuple(e.loss for e in v.evaluations),
            eval_accuracy=tuple(e.accuracy for e in v.evaluations),
            eval_macro_f1=tuple(e.macro_f1 for e in v.evaluations),
        )
        for v in views
    ]


# Scores


def _score_table(comparison: Comparison) -> str:
    """Each run's test scores with their intervals."""
    named = _names(comparison.runs)
    rows = "".join(
        f"<tr><td>{name}</td>{_cells(run)}</tr>" if run.scores else f'<tr><td>{name}</td><td colspan="6">{_without(run)}</td></tr>'
        for name, run in zip(named, comparison.runs, strict=True)
    )
    numbers = "".join(
        f"<th class=em-number>{name}</th>" for name in ("Accuracy", "95 % interval", "Macro F1", "95 % interval", "Test rows", "Time")
    )
    return _table("Scores on the test rows", f"<th>Run</th>{numbers}", rows)


def _cells(run: Compared) -> str:
    scores = run.scores
    values = (
        words.percent(scores.accuracy.value),
        _range(scores.accuracy),
        words.percent(scores.macro_f1.value),
        _range(scores.macro_f1),
        f"{scores.rows:,}",
        words.duration(run.view.seconds),
    )
    return "".join(f"<td class=em-number>{value}</td>" for value in values)


def _without(run: Compared) -> str:
    last = run.view.evaluations[-1] if run.view.evaluations else None
    seen = (
        f" Last seen on the validation rows: accuracy {words.percent(last.accuracy)}, macro F1 {words.percent(last.macro_f1)}."
        if last
        else ""
    )
    return f'<span class="em-quiet">{markup.text(run.problem or "No model, so no score on the test rows." + seen, most=400)}</span>'


def _range(interval: Interval) -> str:
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


# Who is right more often


def _verdicts(comparison: Comparison) -> str:
    """The best run against each other one, in sentences with their counts."""
    if comparison.best is None:
        return markup.notice("Only runs with a model can be compared on the test rows; here are fewer than two.", "info")
    best = comparison.runs[comparison.best].view.name
    told = "".join(_verdict(found, best, comparison.runs[at].view.name) for at, found in comparison.against)
    note = "A difference is tested on the rows that both runs kept aside: exact McNemar test, 95 % interval by Newcombe’s method."
    if len(comparison.against) > 1:
        note += " With several runs the p values are raised accordingly (Holm), since the best of many is partly lucky."
    return f'<h3>On the same test rows</h3>{told}<p class="em-quiet">{note}</p>'


def _verdict(found: Paired, best: str, other: str) -> str:
    if not found.rows:
        return markup.notice(in_words(found, best, other), "look")
    if not found.only_a and not found.only_b:
        return markup.notice(in_words(found, best, other), "info")
    counts = markup.facts(
        [
            ("Both right", f"{found.both:,}"),
            (f"Only {best}", f"{found.only_a:,}"),
            (f"Only {other}", f"{found.only_b:,}"),
            ("Neither", f"{found.neither:,}"),
            ("Left out: another label", f"{found.disputed:,}" if found.disputed else ""),
        ]
    )
    return markup.notice(in_words(found, best, other), "info") + counts


# What was done differently


def _difference_table(runs: Sequence[Compared]) -> str:
    """The settings in which these runs differ, one row each."""
    lines = [(label, told) for label, told in _settings(runs) if len(set(told)) > 1]
    if not lines:
        return '<h3>Settings</h3><p class="em-quiet">All settings are the same.</p>'
    head = "<th>Setting</th>" + "".join(f"<th>{name}</th>" for name in _names(runs))
    rows = "".join(
        f"<tr><td>{markup.text(label)}</td>" + "".join(f"<td>{markup.text(value)}</td>" for value in told) + "</tr>"
        for label, told in lines
    )
    return f"<h3>Settings that differ</h3>{_table('Settings that differ', head, rows)}"


def _settings(runs: Sequence[Compared]) -> list[tuple[str, list[str]]]:
    """Every setting with what each run has there, in words."""
    about = [("Data", [run.view.source_name for run in runs])]
    about += [(f.metadata["label"], [_told(f, run) for run in runs]) for f in dataclasses.fields(Recipe)]
    parts = (("train", "Training rows"), ("validation", "Validation rows"), ("test", "Test rows"))
    return about + [(label, [f"{run.view.rows[part]:,}" if part in run.view.rows else "–" for run in runs]) for part, label in parts]


def _told(field: dataclasses.Field, run: Compared) -> str:
    """A setting in words; for one that was left to us, what it came to."""
    if run.recipe is None:
        return "damaged"
    value = getattr(run.recipe, field.name)
    if field.name == "repairs":
        return "; ".join(REPAIRS[code].done if code in REPAIRS else code for code in value) or "none"
    chosen = getattr(run.view, field.name, None) if field.name in ("epochs", "batch_size", "learning_rate") else None
    if chosen:
        return f"{chosen:g}" + (f" ({field.metadata['nothing']})" if value is None else "")
    if value is None:
        return field.metadata["nothing"]
    if field.name.endswith("_share"):
        return words.percent(value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _names(runs: Sequence[Compared]) -> list[str]:
    """Each run's name behind its sign in the charts."""
    marks = run_marks([run.view.id for run in runs])
    return [
        f'<span class="em-mark" style="color:{colour}" aria-hidden="true">{SYMBOLS[symbol]}</span> {markup.text(run.view.name)}'
        for run, (colour, symbol) in zip(runs, marks, strict=True)
    ]


def _table(caption: str, head: str, rows: str) -> str:
    """A table of cells that are HTML already."""
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table"><caption class="em-hidden">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
