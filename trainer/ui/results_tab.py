"""Tab 3, Results: the score on the test rows beside its baselines, the confusions, each class, the rows behind them, and the model as a download."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.charts_by_task import COUNTS, charts_of
from trainer.charts.confusion import MANY
from trainer.data.task import SINGLE_LABEL
from trainer.errors import UserError
from trainer.evaluation.class_order import similar_classes_together
from trainer.evaluation.report import Report, Reports
from trainer.studio import Studio
from trainer.ui import (
    assets,
    confidence_panel,
    html_pieces,
    insights_panel,
    page_frame,
    pages_by_task,
    results_view,
    rows_browser,
    run_names,
    shown_rows,
)
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT_MULTIPLE, current_workspace, in_turn, user_errors
from trainer.ui.live_chart import live_chart, to_json
from trainer.workspace import Workspace

_JUDGED = ["em-columns", "em-judged"]


@dataclass(frozen=True)
class ResultsTab:
    """The components other tabs read or write."""

    headline: gr.HTML
    other_file: gr.HTML
    """The score on another file, while its rows are shown."""
    body: gr.Column
    matrix_as: gr.Radio
    split: gr.Radio
    browser: rows_browser.RowsBrowser
    judged: gr.Row
    """The matrix beside the classes, or above them if there are many."""
    matrix: gr.HTML
    confusions: gr.HTML
    classes: gr.HTML
    rows: gr.HTML
    """Of its ``click`` events "try" (with the code of an OpenRow) and "labels" lead to other tabs."""
    suggestions: gr.HTML
    """Its ``click`` event carries ``action`` ("check-pair", "read-longer", "to-file") and ``code``."""
    footer: gr.HTML
    """Its ``click`` event carries ``action``: "try" or "labels" if there is a model, else "to-data"."""

    @property
    def outputs(self) -> list[Any]:
        """What ``show`` updates."""
        shown = [self.headline, self.other_file, self.body, self.matrix_as, self.split, self.judged]
        return [*shown, self.matrix, self.confusions, self.classes, self.footer]

    @property
    def row_outputs(self) -> list[Any]:
        """What ``show_rows_of`` updates."""
        return [self.split, *self.matrix_outputs, *self.browser.filters, *self.browser.found]

    @property
    def matrix_outputs(self) -> list[Any]:
        """What ``show_matrix`` updates."""
        return [self.headline, self.other_file, self.body, self.matrix, self.confusions, self.classes]


def build(studio: Studio, run: gr.Textbox) -> ResultsTab:
    """Lay the tab out and wire the events that concern it alone; ``run`` is the run whose model is in use."""
    headline = html_with_buttons(results_view.no_results_html(), elem_id="headline")
    other_file = html_with_buttons("", elem_id="other-file")
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
                    matrix_as = _radio(list(charts_of(SINGLE_LABEL.key).shares), "Numbers in the cells", "matrix-as")
                    split = _radio(shown_rows.choices([]), "Rows", "rows-split")
                    mistakes_only = gr.Checkbox(False, label="Mistakes only", container=False, elem_id="matrix-mistakes")
                confusions = html_with_buttons("", elem_id="confusions")
            with gr.Column(min_width=320):
                classes = gr.HTML(
                    html_template='<div class="em-with-table"></div>', js_on_load=assets.mount_script("table.js"), elem_id="per-class"
                )
        insights = insights_panel.build()
        browser = rows_browser.build(split)
        confidence = confidence_panel.build()
    footer = page_frame.footer(elem_id="footer-results", value=_footer(trained=False))
    tab = ResultsTab(
        headline,
        other_file,
        body,
        matrix_as,
        split,
        browser,
        judged,
        matrix,
        confusions,
        classes,
        browser.rows,
        insights.suggestions,
        footer,
    )

    _wire(studio, tab, run, [matrix_as, split, mistakes_only])
    rows_browser.wire(studio, browser, run, matrix, confusions)
    confidence_panel.wire(studio, confidence, run)
    insights_panel.wire(studio, insights, run)
    return tab


def _wire(studio: Studio, tab: ResultsTab, run: gr.Textbox, choices: list[Any]) -> None:
    """Show another run, other rows of it, or other numbers; ``choices`` are the numbers, the rows and whether only mistakes are shown."""
    with_error = user_errors(lambda message: _headline_only(tab, page_frame.heading("Results") + html_pieces.notice(message, "error")))

    @with_error
    def open_run(run_id: str | None, matrix_as: str, split: str, mistakes_only: bool) -> dict:
        # Another run was judged on other files.
        split = shown_rows.TEST if shown_rows.evaluation_of(split) else split
        return show(tab, studio, run_id, matrix_as, split, mistakes_only=bool(mistakes_only))

    @with_error
    def open_matrix(run_id: str | None, matrix_as: str, split: str, mistakes_only: bool) -> Any:
        return show_matrix(tab, studio, run_id, matrix_as, split, mistakes_only=bool(mistakes_only))

    # One queue for both, so that no matrix of an earlier run arrives after that of the chosen run.
    one_by_one = {**in_turn("results"), **PRIVATE_EVENT_MULTIPLE}
    run.change(open_run, [run, *choices], tab.outputs, **one_by_one)
    gr.on([choice.input for choice in choices], open_matrix, [run, *choices], tab.matrix_outputs, **one_by_one)

    @with_error
    def press(event: gr.EventData, run_id: str, matrix_as: str, mistakes_only: bool) -> dict:
        current_workspace(studio).evaluations.remove(run_id, event.code)
        return show_rows_of(tab, studio, run_id, shown_rows.TEST, matrix_as, mistakes_only=bool(mistakes_only))

    tab.other_file.click(press, [run, choices[0], choices[2]], tab.row_outputs, **one_by_one)


def _radio(choices: list[str] | list[tuple[str, str]], label: str, elem_id: str) -> gr.Radio:
    first = choices[0] if isinstance(choices[0], str) else choices[0][1]
    return gr.Radio(choices, value=first, show_label=False, label=label, container=False, elem_id=elem_id)


def show(
    tab: ResultsTab,
    studio: Studio,
    run_id: str | None,
    matrix_as: str = COUNTS,
    split: str = shown_rows.TEST,
    *,
    mistakes_only: bool = False,
) -> dict:
    """Updates that show the report of a run, or the empty state; the last three choose the numbers, the rows and the cells of the matrix."""
    workspace = current_workspace(studio)
    if not run_id:
        return {**_headline_only(tab, results_view.no_results_html()), tab.footer: _footer(trained=False)}
    view, damage = workspace.library.view(run_id), workspace.library.damage(run_id)
    notices = "".join(html_pieces.notice(sentence, "error") for sentence in damage)
    # No link to a damaged model: the notices explain why.
    link = results_view.download(run_id) if workspace.models.is_complete(run_id) else ""
    title = run_names.title_of(run_id, workspace.library.runs(offered=True))
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
    shares = list(charts_of(view.task).shares)
    # What the numbers of a run of another task were may not be asked of this one.
    matrix_as = matrix_as if matrix_as in shares else COUNTS
    return {
        tab.headline: results_view.headline(view, title, reports, link=link) + notices,
        tab.matrix_as: gr.Radio(shares, value=matrix_as),
        tab.body: gr.Column(visible=True),
        tab.split: split_choices(studio, run_id, split),
        tab.judged: gr.Row(elem_classes=_layout(reports.test)),
        **_matrix(tab, workspace, run_id, reports, matrix_as, split, mistakes_only=mistakes_only),
        tab.classes: _classes(workspace, run_id, reports, None),
        tab.footer: _footer(trained=True),
    }


def _layout(report: Report) -> list[str]:
    """The style classes of the matrix and the classes: beside each other, or below where one of them needs the whole width."""
    wide = ["em-many"] if len(report.label_names) > MANY else ["em-wide"] if pages_by_task.page_of(report.task.key).marks_cuts else []
    return [*_JUDGED, *wide]


def show_matrix(tab: ResultsTab, studio: Studio, run_id: str | None, matrix_as: str, split: str, *, mistakes_only: bool) -> Any:
    """Updates of what another choice above the matrix changes; a headline stays that of the test rows."""
    if not run_id:
        return gr.skip()
    workspace = current_workspace(studio)
    return _matrix(tab, workspace, run_id, workspace.library.reports(run_id), matrix_as, split, mistakes_only=mistakes_only)


def show_rows_of(tab: ResultsTab, studio: Studio, run_id: str, shown: str, matrix_as: str = COUNTS, *, mistakes_only: bool = False) -> dict:
    """Updates that show other rows of the same run, a value of ``shown_rows``."""
    return {
        tab.split: split_choices(studio, run_id, shown),
        **show_matrix(tab, studio, run_id, matrix_as, shown, mistakes_only=mistakes_only),
        **rows_browser.reset_rows(studio, tab.browser, run_id, shown),
    }


def split_choices(studio: Studio, run_id: str, shown: str) -> gr.Radio:
    """An update of the choice of rows, with the files that a run was judged on; its test rows if the chosen ones are not among them."""
    choices = shown_rows.choices(current_workspace(studio).evaluations.list(run_id))
    return gr.Radio(choices, value=shown if shown in {value for _, value in choices} else shown_rows.TEST)


def _matrix(
    tab: ResultsTab, workspace: Workspace, run_id: str, reports: Reports, matrix_as: str, shown: str, *, mistakes_only: bool
) -> dict:
    """The matrix, the confusions and the classes of the chosen rows. The validation rows alone order the classes."""
    report = shown_rows.report_of(workspace, run_id, reports, shown)
    order = similar_classes_together(reports.validation.confusion, report.label_names)
    charts = charts_of(workspace.library.view(run_id).task)
    chart = charts.mistakes(report, share_of=charts.shares.get(matrix_as, ""), mistakes_only=mistakes_only, order=order)
    evaluation = shown_rows.evaluation_of(shown)
    other = {tab.other_file: shown_rows.banner(workspace.evaluations.about(run_id, evaluation), report) if evaluation else ""}
    # Without other files the classes, of which there may be hundreds, are always those of the test rows.
    if workspace.evaluations.list(run_id):
        other[tab.classes] = _classes(workspace, run_id, reports, report if evaluation else None)
    return {tab.matrix: to_json(chart), tab.confusions: results_view.confusions(report, shown_rows.describe(shown)), **other}


def _classes(workspace: Workspace, run_id: str, reports: Reports, other: Report | None) -> str:
    """The classes on the test rows with what was checked, or on the rows of another file."""
    return results_view.classes(other, ()) if other else results_view.classes(reports.test, workspace.library.result_checks(run_id))


def _headline_only(tab: ResultsTab, html: str) -> dict:
    return {tab.headline: html, tab.other_file: "", tab.body: gr.Column(visible=False)}


def _footer(*, trained: bool) -> str:
    if trained:
        check = Button("labels", "Check the labels of its file", link=True)
        return page_frame.footer_html("Next: see its predictions.", check, Button("try", "Try a text", primary=True, elem_id="to-try"))
    return page_frame.footer_html("Train a model to see its results here.", Button("to-data", "Open a file", primary=True))
