"""Tab 3, Results: the score on rows the model never saw beside what it has to beat, what it confuses, each class; the model to take away."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.classes import confusion_chart
from trainer.errors import UserError
from trainer.studio import Studio
from trainer.ui import assets, markup, results_view, run_names, shell
from trainer.ui.live_chart import drawn, live_chart
from trainer.ui.pressable import Press, pressable
from trainer.ui.session import EACH, owner, said

_COUNTS, _BY_ROW = "Counts", "Share of each row"


@dataclass(frozen=True)
class ResultsTab:
    """The components other tabs read or write."""

    headline: gr.HTML
    body: gr.Column
    matrix: gr.HTML
    matrix_as: gr.Radio
    confusions: gr.HTML
    classes: gr.HTML
    foot: gr.HTML
    """Its ``click`` event carries ``action``: "try" where there is a model, else "to-data"."""

    @property
    def shown(self) -> list[Any]:
        """What ``show`` updates."""
        return [self.headline, self.body, self.matrix, self.confusions, self.classes, self.foot]


def build(studio: Studio, run: gr.Textbox) -> ResultsTab:
    """Lay the tab out and wire what concerns it alone; ``run`` is the model in hand."""
    headline = pressable(results_view.nothing_yet(), elem_id="headline")
    with gr.Column(visible=False, elem_id="results-body") as body, gr.Row(elem_classes=["em-columns", "em-judged"]):
        with gr.Column(min_width=320, elem_classes=["em-confused"]):
            matrix = live_chart(None, elem_id="confusion-chart", height=376, phone_height=306, title="What it confuses")
            matrix_as = gr.Radio(
                [_COUNTS, _BY_ROW], value=_COUNTS, show_label=False, label="Numbers in the cells", container=False, elem_id="matrix-as"
            )
            confusions = gr.HTML(elem_id="confusions")
        with gr.Column(min_width=320):
            classes = gr.HTML(html_template='<div class="em-listed"></div>', js_on_load=assets.mounting("table.js"), elem_id="per-class")
    tab = ResultsTab(headline, body, matrix, matrix_as, confusions, classes, shell.foot(elem_id="foot-results", value=_foot(trained=False)))

    @said(lambda message: _only(tab, shell.heading("Results") + markup.notice(message, "must_fix")))
    def open_run(run_id: str | None, matrix_as: str) -> dict:
        return show(tab, studio, run_id, matrix_as)

    # One event for both, so that no matrix of a run of before arrives after the run that was chosen since.
    gr.on([run.change, matrix_as.input], open_run, [run, matrix_as], tab.shown, **EACH)
    return tab


def show(tab: ResultsTab, studio: Studio, run_id: str | None, matrix_as: str) -> dict:
    """Updates that make the tab show a finished run's report, or the empty state."""
    if not run_id:
        return {**_only(tab, results_view.nothing_yet()), tab.foot: _foot(trained=False)}
    view, damage = studio.view(owner(), run_id), studio.damage(owner(), run_id)
    notices = "".join(markup.notice(sentence, "must_fix") for sentence in damage)
    # Where the model is damaged there is no link to it, which the notices say.
    link = results_view.download(run_id) if studio.has_whole_model(owner(), run_id) else ""
    title = run_names.title_of(run_id, studio.runs(owner()))
    try:
        reports = studio.reports(owner(), run_id)
    except UserError:
        if not damage:
            raise
        about = f'<p class="em-damaged">{link}</p>' if link else ""
        return {**_only(tab, shell.heading(f"Results of {markup.isolated(title)}") + notices + about), tab.foot: _foot(trained=True)}
    return {
        tab.headline: results_view.headline(view, title, reports, link=link) + notices,
        tab.body: gr.Column(visible=True),
        tab.matrix: drawn(confusion_chart(reports.test, by_row=matrix_as == _BY_ROW)),
        tab.confusions: results_view.confusions(reports.test),
        tab.classes: results_view.classes(reports.test),
        tab.foot: _foot(trained=True),
    }


def _only(tab: ResultsTab, html: str) -> dict:
    return {tab.headline: html, tab.body: gr.Column(visible=False)}


def _foot(*, trained: bool) -> str:
    if trained:
        return shell.foot_html("Next: see it answer.", Press("try", "Try a text", primary=True, elem_id="to-try"))
    return shell.foot_html("First a file, then a model, then its results.", Press("to-data", "Open a file", primary=True))
