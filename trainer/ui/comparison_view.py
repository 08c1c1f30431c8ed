"""A comparison of runs: their curves in one chart, their scores, which is better on shared test rows, and their settings that differ."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts import costs
from trainer.charts.charts_by_task import TaskCharts, charts_of
from trainer.charts.comparison import loss_comparison, run_marks
from trainer.charts.layout import Figure
from trainer.charts.lines import SYMBOLS
from trainer.data.checks.repairs import REPAIRS
from trainer.data.task import SINGLE_LABEL, find_task
from trainer.evaluation.comparison import ComparedRun, Comparison, DifferingRow, PairedComparison, describe_comparison
from trainer.evaluation.curves import RunCurves
from trainer.evaluation.intervals import Interval
from trainer.recipe import Recipe
from trainer.recipe_fields import RecipeField, fields_of
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.text_format import duration, percent, percent_range, pluralize
from trainer.ui import html_pieces, run_names, score_format
from trainer.ui.event_handling import PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors
from trainer.ui.live_chart import live_chart, to_json

_CHART_HEIGHT, _PHONE_HEIGHT = 300, 200


@dataclass(frozen=True)
class ComparisonView:
    """The components; ``runs`` holds the ids of the compared runs."""

    body: gr.Column
    runs: gr.Textbox
    summary: gr.HTML
    loss: gr.HTML
    score_name: gr.Radio
    score: gr.HTML
    speed: gr.HTML
    size: gr.HTML
    differences: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        return [self.body, self.runs, self.summary, self.loss, self.score_name, self.score, self.speed, self.size, self.differences]


def build(studio: Studio) -> ComparisonView:
    """Lay the comparison out, hidden until runs are compared."""
    runs = gr.Textbox("", visible="hidden", elem_id="compared-runs")
    scores = list(charts_of(SINGLE_LABEL.key).score_comparisons)
    with gr.Column(visible=False, elem_id="comparison") as body:
        summary = gr.HTML(elem_id="comparison-summary")
        with gr.Row(elem_classes=["em-charts"]):
            with gr.Column(min_width=320, elem_classes=["em-chart-card"]):
                loss = live_chart(None, elem_id="compare-loss-chart", height=_CHART_HEIGHT, phone_height=_PHONE_HEIGHT, title="Loss")
            with gr.Column(min_width=320, elem_classes=["em-chart-card"]):
                score = live_chart(None, elem_id="compare-score-chart", height=_CHART_HEIGHT, phone_height=_PHONE_HEIGHT, title="Score")
                score_name = gr.Radio(
                    scores,
                    value=scores[0],
                    show_label=False,
                    label="Score on the validation rows",
                    container=False,
                    elem_id="compare-score-name",
                )
        with gr.Row(elem_classes=["em-charts"]):
            with gr.Column(min_width=320, elem_classes=["em-chart-card"]):
                heights = {"height": costs.HEIGHT, "phone_height": costs.PHONE_HEIGHT}
                speed = live_chart(None, elem_id="compare-speed-chart", title="Accuracy and speed", **heights)
            with gr.Column(min_width=320, elem_classes=["em-chart-card"]):
                size = live_chart(None, elem_id="compare-size-chart", title="Accuracy and size", **heights)
        differences = gr.HTML(elem_id="differences")
    view = ComparisonView(body, runs, summary, loss, score_name, score, speed, size, differences)

    @user_errors(lambda message: {body: gr.Column(visible=False)})  # a run was deleted, and the list shows it
    def change_score(ids: str, score_name: str) -> Any:
        if not ids:
            return gr.skip()
        return {score: to_json(_score_chart([current_workspace(studio).library.view(run) for run in ids.split()], score_name))}

    score_name.input(change_score, [runs, score_name], [score, body], **PRIVATE_EVENT_MULTIPLE)
    return view


def show(view: ComparisonView, comparison: Comparison, titles: Mapping[str, str], score_name: str) -> dict:
    """Updates that show a comparison; ``titles`` are by run id."""
    titles = _titles_without_file([run.view for run in comparison.runs], titles)
    # Curves of different files in one chart would look comparable.
    views = [run.view for run in comparison.runs] if comparison.same_file and _shared_charts(comparison.runs) else []
    charts = _shared_charts(comparison.runs) if views else None
    several_files = "" if views else ' class="em-several-files"'
    return {
        view.body: gr.Column(visible=True),
        view.runs: " ".join(run.view.id for run in comparison.runs),
        view.summary: f'<h3 tabindex="-1"{several_files} dir="auto">{_heading(comparison)}</h3>'
        f"{_score_table(comparison, titles)}{_test_results(comparison, titles)}",
        view.loss: to_json(loss_comparison(_curves(views))) if views else None,
        view.score_name: gr.Radio(list(charts.score_comparisons), value=_chosen(charts, score_name)) if charts else gr.skip(),
        view.score: to_json(_score_chart(views, score_name)) if views else None,
        view.speed: to_json(costs.speed_chart(_costs(comparison), charts.costed_score)) if charts else None,
        view.size: to_json(costs.size_chart(_costs(comparison), charts.costed_score)) if charts else None,
        view.differences: _difference_table(comparison.runs, titles),
    }


def hide(view: ComparisonView) -> dict:
    return {view.body: gr.Column(visible=False), view.runs: ""}


def _shared_charts(runs: Sequence[ComparedRun]) -> TaskCharts | None:
    """The charts of the task of all runs; None if one file was read as one label a text and as several."""
    tasks = {find_task(run.view.task).key for run in runs}
    return charts_of(tasks.pop()) if len(tasks) == 1 else None


def _chosen(charts: TaskCharts, score_name: str) -> str:
    """The name of the score if runs of this task have it, else of their first."""
    return score_name if score_name in charts.score_comparisons else next(iter(charts.score_comparisons))


def _score_chart(views: Sequence[RunView], score_name: str) -> Figure:
    """Of runs of one task."""
    charts = charts_of(views[0].task)
    return charts.score_comparisons[_chosen(charts, score_name)](_curves(views))


def _curves(views: Sequence[RunView]) -> list[RunCurves]:
    return [RunCurves.from_view(v, name=name) for v, name in zip(views, _short_names(views), strict=True)]


def _costs(comparison: Comparison) -> list[costs.RunCost]:
    """What the runs with scores cost."""
    scored = [run for run in comparison.runs if run.scores is not None]
    names = _short_names([run.view for run in scored])
    return [
        costs.RunCost(
            run.view.id,
            name,
            score_format.words_of(run.view.task).value(run.scores.test),
            run.view.predict_milliseconds,
            run.view.model_megabytes,
        )
        for run, name in zip(scored, names, strict=True)
    ]


def _heading(comparison: Comparison) -> str:
    files = {run.view.source_title for run in comparison.runs}
    source = f" of {html_pieces.text(files.pop())}" if len(files) == 1 else ""
    return f"{pluralize(len(comparison.runs), 'run')}{source} compared"


def _titles_without_file(views: Sequence[RunView], titles: Mapping[str, str]) -> dict[str, str]:
    """The titles, without the file if all runs share it."""
    files = {run_names.source_title(view) for view in views}
    shared = f"{files.pop()}, " if len(files) == 1 else ""
    return {v.id: titles[v.id] if v.renamed else titles[v.id].removeprefix(shared) for v in views}


def _short_names(views: Sequence[RunView]) -> list[str]:
    """Short names of runs of one file: their levels if those differ, or else their names."""
    for names in ([v.name if v.renamed else v.level.lower() or "own settings" for v in views], [v.name for v in views]):
        if len(set(names)) == len(names):
            return names
    return run_names.titles(views)


# Scores


def _columns(runs: Sequence[ComparedRun]) -> list[str]:
    """The heads of the columns of scores; the share of rows with exactly their labels is called as the tasks of the runs call it."""
    names = {score_format.words_of(run.view.task).accuracy_name for run in runs}
    accuracy = names.pop() if len(names) == 1 else "accuracy or exact match"
    return ["Validation macro F1", f"Validation {accuracy}", "Test macro F1", f"Test {accuracy}", "Time"]


def _score_table(comparison: Comparison, titles: Mapping[str, str]) -> str:
    """The scores of each run: on the validation rows, which order the runs, then on the test rows with intervals."""
    columns = _columns(comparison.runs)
    rows = "".join(
        f'<tr role="row"><td role="cell" class="em-row-name">{name}</td>'
        + (_cells(run, columns) if run.scores else f'<td role="cell" colspan="{len(columns)}">{_no_model_cell(run)}</td>')
        + "</tr>"
        for name, run in zip(_names(comparison.runs, titles), comparison.runs, strict=True)
    )
    numbers = "".join(f'<th role="columnheader" class="em-number">{name}</th>' for name in columns)
    caption = "Scores on the validation and test rows, test scores with their 95 % intervals"
    return _table(caption, f'<th role="columnheader">Run</th>{numbers}', rows)


def _cells(run: ComparedRun, columns: Sequence[str]) -> str:
    validation, test = run.scores.validation, run.scores.test
    values = (
        _format_score(validation.macro_f1, validation.rows),
        _format_score(validation.accuracy, validation.rows),
        _with_interval(_format_score(test.macro_f1, test.rows), test.macro_f1, test.rows),
        _with_interval(_accuracy(run), test.accuracy, test.rows),
        duration(run.view.duration_seconds) or "–",
    )
    return "".join(
        f'<td role="cell" class="em-number" data-label="{name}">{value}</td>' for name, value in zip(columns, values, strict=True)
    )


def _accuracy(run: ComparedRun) -> str:
    """As a count if there are few rows."""
    test, words = run.scores.test, score_format.words_of(run.view.task)
    return percent(test.accuracy.value) if test.rows >= score_format.FEW_ROWS else words.count(test)


def _format_score(score: Interval, rows: int) -> str:
    return percent(score.value) if rows >= score_format.FEW_ROWS else "–"


def _with_interval(text: str, score: Interval, rows: int) -> str:
    if rows < score_format.FEW_ROWS:
        return f"{text}<small>too few rows to say</small>"
    return f"{text}<small>{percent_range(score.low, score.high)}, {pluralize(rows, 'row')}</small>"


def _no_model_cell(run: ComparedRun) -> str:
    best = run.view.kept.evaluation
    validation_scores = (
        f" On the validation rows, at its best step {best.step:,}: {score_format.words_of(run.view.task).accuracy_name} {percent(best.accuracy)}, macro F1 {percent(best.macro_f1)}."
        if best
        else ""
    )
    text = run.problem or "No model, so no score on the test rows." + validation_scores
    return f'<span class="em-quiet" dir="auto">{html_pieces.text(text, max_length=400)}</span>'


# Which run is right more often


def _test_results(comparison: Comparison, titles: Mapping[str, str]) -> str:
    """The run with the best validation score against each other run, as sentences with counts."""
    if not comparison.same_file:
        message = "These runs were trained on different files. Neither their scores nor their curves show which one is better: compare runs of one file."
        return html_pieces.notice(message, "warning")
    if _shared_charts(comparison.runs) is None:
        message = (
            "These runs read the file in two ways, one label a text and several labels a text. Neither their scores nor their curves show which one is "
            "better: compare runs of one kind."
        )
        return html_pieces.notice(message, "warning")
    if comparison.reference is None:
        return html_pieces.notice("Only runs with a model can be compared on the test rows, and these are fewer than two.", "info")
    names = [titles[run.view.id] for run in comparison.runs]
    reference = names[comparison.reference]
    sentences = "".join(
        _test_result(result, reference, names[i]) + _differing_rows(rows, result, reference, names[i])
        for (i, result), rows in zip(comparison.paired, comparison.differing or [()] * len(comparison.paired), strict=True)
    )
    order = (
        f"Runs are sorted by macro F1 on their validation rows, and the others are compared with the first, {reference}. "
        "No test score chose it: the highest of several test scores is partly luck."
    )
    note = (
        "Each difference is tested on the test rows that both runs share: exact McNemar test, with a 95 % interval in percentage points "
        "(Newcombe’s method, consistent with the test)."
    )
    if len(comparison.paired) > 1:
        note += (
            f" For {len(comparison.paired)} comparisons, p values are raised and intervals widened (Bonferroni), "
            "since each comparison is another chance to be misled by luck."
        )
    order_html = f'<p class="em-quiet em-small" dir="auto">{html_pieces.text(order, max_length=600)}</p>'
    return f'<h3>On the same test rows</h3>{sentences}{order_html}<p class="em-quiet em-small">{note}</p>'


def _test_result(result: PairedComparison, reference: str, other: str) -> str:
    if not result.n_shared_rows:
        return html_pieces.notice(describe_comparison(result, reference, other), "warning")
    if not result.only_a and not result.only_b:
        return html_pieces.notice(describe_comparison(result, reference, other), "info")
    counts = html_pieces.facts(
        [
            ("Both right", f"{result.both:,}"),
            (f"Only {reference}", f"{result.only_a:,}"),
            (f"Only {other}", f"{result.only_b:,}"),
            ("Neither", f"{result.neither:,}"),
            ("Excluded: different labels", f"{result.label_conflicts:,}" if result.label_conflicts else ""),
        ]
    )
    return html_pieces.notice(describe_comparison(result, reference, other), "info") + counts


def _differing_rows(rows: Sequence[DifferingRow], result: PairedComparison, reference: str, other: str) -> str:
    """The rows that only one of two runs has right, folded; "" without any."""
    if not rows:
        return ""
    cells = [(reference if row.only_a else other, row.text, row.label, row.said_a, row.said_b) for row in rows]
    head = ("Right", "Text", "Label", f"{reference} says", f"{other} says")
    table = html_pieces.table(head, cells, caption=f"Rows that only {reference} or only {other} has right")
    of_all = result.only_a + result.only_b
    shown = f"The rows that only one has right ({len(rows):,}{f' of {of_all:,}' if of_all > len(rows) else ''})"
    return f'<details class="em-folded em-differing"><summary>{html_pieces.text(shown)}</summary>{table}</details>'


# Settings that differ


def _difference_table(runs: Sequence[ComparedRun], titles: Mapping[str, str]) -> str:
    """The settings in which the runs differ, one row each."""
    lines = [(label, values) for label, values in _settings(runs) if len(set(values)) > 1]
    if not lines:
        return '<h3>Settings</h3><p class="em-quiet">All settings are the same.</p>'
    head = '<th role="columnheader">Setting</th>' + "".join(f'<th role="columnheader">{name}</th>' for name in _names(runs, titles))
    labels = [html_pieces.text(titles[run.view.id]) for run in runs]
    rows = "".join(
        f'<tr role="row"><td role="cell" class="em-row-name">{html_pieces.text(label)}</td>'
        + "".join(
            f'<td role="cell" dir="auto" data-label="{name}">{html_pieces.text(value)}</td>'
            for name, value in zip(labels, values, strict=True)
        )
        + "</tr>"
        for label, values in lines
    )
    return f"<h3>Settings that differ</h3>{_table('Settings that differ', head, rows)}"


def _settings(runs: Sequence[ComparedRun]) -> list[tuple[str, list[str]]]:
    """Every setting with the formatted value of each run."""
    settings = [("Data", [run.view.source_title for run in runs])]
    settings += [(field.label, [_format_setting(field, run) for run in runs]) for field in fields_of(Recipe).values()]
    settings.append(("Labels changed by hand", [_format_decisions(run.view) for run in runs]))
    parts = (("train", "Training rows"), ("validation", "Validation rows"), ("test", "Test rows"))
    return settings + [(label, [f"{run.view.rows[part]:,}" if part in run.view.rows else "–" for run in runs]) for part, label in parts]


def _format_decisions(view: RunView) -> str:
    counts = [(view.decisions.get("changed"), "label", "changed"), (view.decisions.get("dropped"), "row", "dropped")]
    parts = [f"{pluralize(count, noun)} {what}" for count, noun, what in counts if count]
    return "; ".join([*parts, *(f"{before} is {after}" for before, after in view.class_names.items())]) or "none"


def _format_setting(field: RecipeField, run: ComparedRun) -> str:
    """The formatted value of a setting; for an automatic one the value that was used."""
    if run.recipe is None:
        return "damaged"
    value = getattr(run.recipe, field.name)
    if field.name == "repairs":
        return "; ".join(REPAIRS[code].done if code in REPAIRS else code for code in value) or "none"
    used = getattr(run.view.kept, field.name, None) if field.name in ("epochs", "batch_size", "learning_rate") else None
    if used:
        return f"{used:g}" + (f" ({field.none_label})" if value is None else "")
    if value is None:
        return field.none_label
    if field.name.endswith("_share"):
        return percent(value)
    return f"{value:g}" if isinstance(value, int | float) else str(value)


def _names(runs: Sequence[ComparedRun], titles: Mapping[str, str]) -> list[str]:
    """Each run's title after its marker in the charts."""
    return [
        f'<span class="em-mark" style="color:{colour}" aria-hidden="true">{SYMBOLS[symbol]}</span> '
        f'<span dir="auto">{html_pieces.text(titles[run.view.id])}</span>'
        for run, (colour, symbol) in zip(runs, run_marks([run.view.id for run in runs]), strict=True)
    ]


def _table(caption: str, head: str, rows: str) -> str:
    """A table from HTML cells. Its roles are explicit, since a phone shows each row as a card."""
    return (
        f'<table class="em-table em-stacked" role="table"><caption class="em-hidden">{caption}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead><tbody role="rowgroup">{rows}</tbody></table>'
    )
