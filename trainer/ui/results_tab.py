"""Tab 3, Results: the score on the test rows beside its baselines, the confusions, each class, the rows behind them, and the model as a download."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.charts_by_task import charts_of
from trainer.charts.confusion import MANY, ShareOf
from trainer.errors import UserError
from trainer.evaluation.class_order import similar_classes_together
from trainer.evaluation.report import Reports
from trainer.studio import Studio
from trainer.ui import assets, confidence_panel, html_pieces, page_frame, results_view, rows_browser, run_names
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors
from trainer.ui.live_chart import live_chart, to_json

_NUMBERS: dict[str, ShareOf] = {"Counts": "", "Share of the true class": "true", "Share of the predicted class": "predicted"}
COUNTS = "Counts"
_JUDGED = ["em-columns", "em-judged"]


@dataclass(frozen=True)
class ResultsTab:
    """The components other tabs read or write."""

    headline: gr.HTML
    body: gr.Column
    judged: gr.Row
    """The matrix beside the classes, or above them if there are many."""
    matrix: gr.HTML
    confusions: gr.HTML
    classes: gr.HTML
    footer: gr.HTML
    """Its ``click`` event carries ``action``: "try" or "labels" if there is a model, else "to-data"."""

    @property
    def outputs(self) -> list[Any]:
        """What ``show`` updates."""
        return [self.headline, self.body, self.judged, self.matrix, self.confusions, self.classes, self.footer]


def build(studio: Studio, run: gr.Textbox) -> ResultsTab:
    """Lay the tab out and wire the events that concern it alone; ``run`` is the run whose model is in use."""
    headline = html_with_buttons(results_view.no_results_html(), elem_id="headline")
    with gr.Column(visible=False, elem_id="results-body") as body:
        with gr.Row(elem_classes=_JUDGED) as judged:
            with gr.Column(min_width=320, elem_classes=["em-confused"]):
                matrix = live_chart(
                    None,
                    elem_id="confusion-chart",
                    height=376,
                    phone_height=306,
                    title="What it confuses",
                    note="press a cell to see its rows",
                )
                with gr.Column(elem_id="matrix-choices"):
                    matrix_as = _radio(list(_NUMBERS), "Numbers in the cells", "matrix-as")
                    split = _radio(list(rows_browser.SPLITS), "Rows", "rows-split")
                    mistakes_only = gr.Checkbox(False, label="Mistakes only", container=False, elem_id="matrix-mistakes")
                confusions = html_with_buttons("", elem_id="confusions")
            with gr.Column(min_width=320):
                classes = gr.HTML(
                    html_template='<div class="em-with-table"></div>', js_on_load=assets.mount_script("table.js"), elem_id="per-class"
                )
        browser = rows_browser.build(split)
        confidence = confidence_panel.build()
    tab = ResultsTab(
        headline, body, judged, matrix, confusions, classes, page_frame.footer(elem_id="footer-results", value=_footer(trained=False))
    )

    @user_errors(lambda message: _headline_only(tab, page_frame.heading("Results") + html_pieces.notice(message, "error")))
    def open_run(run_id: str | None, matrix_as: str, split: str, mistakes_only: bool) -> dict:
        return show(tab, studio, run_id, matrix_as, split, mistakes_only=bool(mistakes_only))

    @user_errors(lambda message: _headline_only(tab, page_frame.heading("Results") + html_pieces.notice(message, "error")))
    def open_matrix(run_id: str | None, matrix_as: str, split: str, mistakes_only: bool) -> Any:
        return show_matrix(tab, studio, run_id, matrix_as, split, mistakes_only=bool(mistakes_only))

    choices = [matrix_as, split, mistakes_only]
    # One queue for both, so that no matrix of an earlier run arrives after that of the chosen run.
    one_by_one = {"concurrency_id": "results", "concurrency_limit": 1, **PRIVATE_EVENT_MULTIPLE}
    run.change(open_run, [run, *choices], tab.outputs, **one_by_one)
    matrix_outputs = [tab.headline, tab.body, tab.matrix, tab.confusions]
    gr.on([choice.input for choice in choices], open_matrix, [run, *choices], matrix_outputs, **one_by_one)
    rows_browser.wire(studio, browser, run, matrix, confusions)
    confidence_panel.wire(studio, confidence, run)
    return tab


def _radio(choices: list[str], label: str, elem_id: str) -> gr.Radio:
    return gr.Radio(choices, value=choices[0], show_label=False, label=label, container=False, elem_id=elem_id)


def show(
    tab: ResultsTab, studio: Studio, run_id: str | None, matrix_as: str = COUNTS, split: str = "Test rows", *, mistakes_only: bool = False
) -> dict:
    """Updates that show the report of a run, or the empty state; the last three choose the numbers, the rows and the cells of the matrix."""
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
        tab.judged: gr.Row(elem_classes=[*_JUDGED, "em-many"] if len(reports.test.label_names) > MANY else _JUDGED),
        **_matrix(tab, view.task, reports, matrix_as, split, mistakes_only),
        tab.classes: results_view.classes(reports.test, workspace.library.result_checks(run_id)),
        tab.footer: _footer(trained=True),
    }


def show_matrix(tab: ResultsTab, studio: Studio, run_id: str | None, matrix_as: str, split: str, *, mistakes_only: bool) -> Any:
    """Updates of what another choice above the matrix changes; the classes, of which there may be hundreds, stay as they are."""
    if not run_id:
        return gr.skip()
    library = current_workspace(studio).library
    return _matrix(tab, library.view(run_id).task, library.reports(run_id), matrix_as, split, mistakes_only)


def _matrix(tab: ResultsTab, task: str, reports: Reports, matrix_as: str, split: str, mistakes_only: bool) -> dict:
    """The matrix and the confusions of the chosen rows. The validation rows alone order the classes."""
    report = reports.validation if rows_browser.SPLITS.get(split) == "validation" else reports.test
    order = similar_classes_together(reports.validation.confusion, report.label_names)
    chart = charts_of(task).mistakes(report, share_of=_NUMBERS.get(matrix_as, ""), mistakes_only=mistakes_only, order=order)
    return {tab.matrix: to_json(chart), tab.confusions: results_view.confusions(report, split.lower())}


def _headline_only(tab: ResultsTab, html: str) -> dict:
    return {tab.headline: html, tab.body: gr.Column(visible=False)}


def _footer(*, trained: bool) -> str:
    if trained:
        check = Button("labels", "Check the labels of its file", link=True)
        return page_frame.footer_html("Next: see its predictions.", check, Button("try", "Try a text", primary=True, elem_id="to-try"))
    return page_frame.footer_html("Train a model to see its results here.", Button("to-data", "Open a file", primary=True))
