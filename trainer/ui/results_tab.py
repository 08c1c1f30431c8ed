"""Tab 3, Results: the score on the test rows beside its baselines, the confusions, each class, and the model as a download."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.charts_by_task import charts_of
from trainer.errors import UserError
from trainer.studio import Studio
from trainer.ui import assets, html_pieces, page_frame, results_view, run_names
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors
from trainer.ui.live_chart import live_chart, to_json

_COUNTS, _BY_ROW = "Counts", "Per cent of each row"


@dataclass(frozen=True)
class ResultsTab:
    """The components other tabs read or write."""

    headline: gr.HTML
    body: gr.Column
    matrix: gr.HTML
    matrix_as: gr.Radio
    confusions: gr.HTML
    classes: gr.HTML
    footer: gr.HTML
    """Its ``click`` event carries ``action``: "try" if there is a model, else "to-data"."""

    @property
    def outputs(self) -> list[Any]:
        """What ``show`` updates."""
        return [self.headline, self.body, self.matrix, self.confusions, self.classes, self.footer]


def build(studio: Studio, run: gr.Textbox) -> ResultsTab:
    """Lay the tab out and wire the events that concern it alone; ``run`` is the run whose model is in use."""
    headline = html_with_buttons(results_view.no_results_html(), elem_id="headline")
    with gr.Column(visible=False, elem_id="results-body") as body, gr.Row(elem_classes=["em-columns", "em-judged"]):
        with gr.Column(min_width=320, elem_classes=["em-confused"]):
            matrix = live_chart(None, elem_id="confusion-chart", height=376, phone_height=306, title="Confusion matrix")
            matrix_as = gr.Radio(
                [_COUNTS, _BY_ROW], value=_COUNTS, show_label=False, label="Numbers in the cells", container=False, elem_id="matrix-as"
            )
            confusions = gr.HTML(elem_id="confusions")
        with gr.Column(min_width=320):
            classes = gr.HTML(
                html_template='<div class="em-with-table"></div>', js_on_load=assets.mount_script("table.js"), elem_id="per-class"
            )
    tab = ResultsTab(
        headline, body, matrix, matrix_as, confusions, classes, page_frame.footer(elem_id="footer-results", value=_footer(trained=False))
    )

    @user_errors(lambda message: _headline_only(tab, page_frame.heading("Results") + html_pieces.notice(message, "error")))
    def open_run(run_id: str | None, matrix_as: str) -> dict:
        return show(tab, studio, run_id, matrix_as)

    # One event for both, so that no matrix of an earlier run arrives after that of the chosen run.
    gr.on([run.change, matrix_as.input], open_run, [run, matrix_as], tab.outputs, **PRIVATE_EVENT_MULTIPLE)
    return tab


def show(tab: ResultsTab, studio: Studio, run_id: str | None, matrix_as: str) -> dict:
    """Updates that show the report of a run, or the empty state."""
    workspace = current_workspace(studio)
    if not run_id:
        return {**_headline_only(tab, results_view.no_results_html()), tab.footer: _footer(trained=False)}
    view, damage = workspace.library.view(run_id), workspace.library.damage(run_id)
    notices = "".join(html_pieces.notice(sentence, "error") for sentence in damage)
    # No link to a damaged model: the notices explain why.
    link = results_view.download(run_id) if workspace.models.is_complete(run_id) else ""
    title = run_names.title_of(run_id, workspace.library.runs())
    try:
        reports = workspace.library.reports(run_id)
    except UserError:
        if not damage:
            raise
        link_html = f'<p class="em-damaged">{link}</p>' if link else ""
        return {
            **_headline_only(tab, page_frame.heading(f"Results of {html_pieces.isolated(title)}") + notices + link_html),
            tab.footer: _footer(trained=True),
        }
    return {
        tab.headline: results_view.headline(view, title, reports, link=link) + notices,
        tab.body: gr.Column(visible=True),
        tab.matrix: to_json(charts_of(view.task).mistakes(reports.test, by_row=matrix_as == _BY_ROW)),
        tab.confusions: results_view.confusions(reports.test),
        tab.classes: results_view.classes(reports.test, workspace.library.result_checks(run_id)),
        tab.footer: _footer(trained=True),
    }


def _headline_only(tab: ResultsTab, html: str) -> dict:
    return {tab.headline: html, tab.body: gr.Column(visible=False)}


def _footer(*, trained: bool) -> str:
    if trained:
        return page_frame.footer_html("Next: see its predictions.", Button("try", "Try a text", primary=True, elem_id="to-try"))
    return page_frame.footer_html("Train a model to see its results here.", Button("to-data", "Open a file", primary=True))
