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
from trainer.evaluation.intervals import Interval
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.shelf import Compared, Comparison
from trainer.studio import Studio
from trainer.text_format import percent_range
from trainer.ui import markup, words
from trainer.ui.live_chart import drawn, live_chart
from trainer.ui.run_names import distinct_names
from trainer.ui.session import QUIET, owner, said

_CHART_HEIGHT, _PHONE_HEIGHT = 300, 200
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
                loss = live_chart(None, elem_id="compare-loss-chart", height=_CHART_HEIGHT, phone_height=_PHONE_HEIGHT, title="Loss")
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
                score = live_chart(None, elem_id="compare-score-chart", height=_CHART_HEIGHT, phone_height=_PHONE_HEIGHT, title="Score")
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
            name=name,
            steps=tuple(p.step for p in v.points),
            loss=tuple(p.loss for p in v.points),
            eval_steps=tuple(e.step for e in v.evaluations),
            eval_loss=tuple(e.loss for e in v.evaluations),
            eval_accuracy=tuple(e.accuracy for e in v.evaluations),
            eval_macro_f1=tuple(e.macro_f1 for e in v.evaluations),
        )
        for v, name in zip(views, distinct_names(views), strict=True)
    ]


# Scores


def _score_table(comparison: Comparison) -> str:
    """Each run's scores: those on the validation rows, which order the runs, then those on the test rows with their intervals."""
    named = _names(comparison.runs)
    rows = "".join(
        f"<tr><td>{name}</td>{_cells(run)}</tr>" if run.scores else f'<tr><td>{name}</td><td colspan="8">{_without(run)}</td></tr>'
        for name, run in zip(named, comparison.runs, strict=True)
    )
    names = (
        "Validation macro F1",
        "Validation accuracy",
        "Test macro F1",
        "95 % interval",
        "Test accuracy",
        "95 % interval",
        "Test rows",
        "Time",
    )
    numbers = "".join(f"<th class=em-number>{name}</th>" for name in names)
    return _table("Scores on the validation and test rows", f"<th>Run</th>{numbers}", rows)


def _cells(run: Compared) -> str:
    validation, test = run.scores.validation, run.scores.test
    values = (
        words.percent(validation.macro_f1.value),
        words.percent(validation.accuracy.value),
        words.percent(test.macro_f1.value),
        _range(test.macro_f1),
        words.percent(test.accuracy.value),
        _range(test.accuracy),
        f"{test.rows:,}",
        words.duration(run.view.seconds),
    )
    return "".join(f"<td class=em-number>{value}</td>" for value in values)


def _without(run: Compared) -> str:
    best = run.view.kept.evaluation
    seen = (
        f" On the validation rows, at its best step {best.step:,}: accuracy {words.percent(best.accuracy)}, macro F1 {words.percent(best.macro_f1)}."
        if best
        else ""
    )
    return f'<span class="em-quiet">{markup.text(run.problem or "No model, so no score on the test rows." + seen, most=400)}</span>'


def _range(interval: Interval) -> str:
    return percent_range(interval.low, interval.high)


# Who is right more often


def _verdicts(comparison: Comparison) -> str:
    """The run chosen by the validation rows against each other one, in sentences with their counts."""
    if comparison.reference is None:
        return markup.notice("Only runs with a model can be compared on the test rows; here are fewer than two.", "info")
    names = distinct_names([run.view for run in comparison.runs])
    reference = names[comparison.reference]
    told = "".join(_verdict(found, reference, names[at]) for at, found in comparison.against)
    chosen = (
        f"Runs stand in the order of macro F1 on their validation rows, and the others are held against the first, {reference}. "
        "No test score chose it: the highest of several test scores is partly luck."
    )
    note = (
        "A difference is tested on the rows that both runs kept aside: exact McNemar test, with a 95 % interval in percentage points "
        "(Newcombe’s method, kept in step with the test)."
    )
    if len(comparison.against) > 1:
        note += (
            f" As {len(comparison.against)} comparisons are looked at, p values are raised and intervals widened (Bonferroni), "
            "so that all hold together: each comparison more is one more chance to be misled by luck."
        )
    return f'<h3>On the same test rows</h3><p class="em-quiet">{markup.text(chosen, most=400)}</p>{told}<p class="em-quiet">{note}</p>'


def _verdict(found: Paired, reference: str, other: str) -> str:
    if not found.rows:
        return markup.notice(in_words(found, reference, other), "look")
    if not found.only_a and not found.only_b:
        return markup.notice(in_words(found, reference, other), "info")
    counts = markup.facts(
        [
            ("Both right", f"{found.both:,}"),
            (f"Only {reference}", f"{found.only_a:,}"),
            (f"Only {other}", f"{found.only_b:,}"),
            ("Neither", f"{found.neither:,}"),
            ("Left out: another label", f"{found.disputed:,}" if found.disputed else ""),
        ]
    )
    return markup.notice(in_words(found, reference, other), "info") + counts


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
    chosen = getattr(run.view.kept, field.name, None) if field.name in ("epochs", "batch_size", "learning_rate") else None
    if chosen:
        return f"{chosen:g}" + (f" ({field.metadata['nothing']})" if value is None else "")
    if value is None:
        return field.metadata["nothing"]
    if field.name.endswith("_share"):
        return words.percent(value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _names(runs: Sequence[Compared]) -> list[str]:
    """Each run's name behind its sign in the charts."""
    marks, names = run_marks([run.view.id for run in runs]), distinct_names([run.view for run in runs])
    return [
        f'<span class="em-mark" style="color:{colour}" aria-hidden="true">{SYMBOLS[symbol]}</span> {markup.text(name)}'
        for name, (colour, symbol) in zip(names, marks, strict=True)
    ]


def _table(caption: str, head: str, rows: str) -> str:
    """A table of cells that are HTML already."""
    return (
        f'<div class="em-scroll" tabindex="0"><table class="em-table"><caption class="em-hidden">{caption}</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
