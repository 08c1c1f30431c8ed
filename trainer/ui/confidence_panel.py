"""The last part of the Results tab: what the model's probabilities are worth, and the promise that it keeps. ``confidence_view`` makes its HTML."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.charts.confidence import HEIGHT, PHONE_HEIGHT, answer_chart, reliability_chart
from trainer.errors import ModelError, UserError
from trainer.evaluation.abstaining import TARGETS, Promise
from trainer.evaluation.confidence import ConfidenceReport
from trainer.studio import Studio
from trainer.text_format import percent
from trainer.ui import confidence_view, html_pieces
from trainer.ui.event_handling import PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors
from trainer.ui.live_chart import live_chart, to_json

_ALWAYS = "Always answer"
_PROMISES = {f"{percent(target, 0)} right": target for target in TARGETS}


@dataclass(frozen=True)
class ConfidencePanel:
    """Its components."""

    body: gr.Column
    reliability: gr.HTML
    calibration: gr.HTML
    curve: gr.HTML
    promise: gr.Radio
    chosen: gr.HTML
    table: gr.HTML

    @property
    def outputs(self) -> list[Any]:
        """What ``show`` updates."""
        return [self.body, self.reliability, self.calibration, self.curve, self.promise, self.chosen, self.table]


def build() -> ConfidencePanel:
    """Lay it out."""
    with gr.Column(visible=False, elem_id="confidence") as body:
        with gr.Row(elem_classes=["em-columns"]):
            with gr.Column(min_width=320):
                title = "Are its probabilities right?"
                reliability = live_chart(
                    None, elem_id="reliability-chart", height=HEIGHT, phone_height=PHONE_HEIGHT, title=title, note="test rows"
                )
                calibration = gr.HTML(elem_id="calibration")
            with gr.Column(min_width=320):
                title = "Answer only when sure"
                curve = live_chart(None, elem_id="answer-chart", height=HEIGHT, phone_height=PHONE_HEIGHT, title=title, note="test rows")
                promise = gr.Radio(
                    [_ALWAYS, *_PROMISES],
                    value=_ALWAYS,
                    show_label=False,
                    label="Answer only if at least",
                    container=False,
                    elem_id="promise",
                )
                chosen = gr.HTML(elem_id="promise-chosen")
        table = gr.HTML(elem_id="promises")
    return ConfidencePanel(body, reliability, calibration, curve, promise, chosen, table)


def wire(studio: Studio, panel: ConfidencePanel, run: gr.Textbox) -> None:
    """Another run, and another promise."""

    @user_errors(lambda message: {panel.chosen: html_pieces.notice(message, "error")})
    def show_run(run_id: str) -> dict:
        return show(panel, studio, run_id)

    @user_errors(lambda message: {panel.chosen: html_pieces.notice(message, "error")})
    def choose(run_id: str, choice: str) -> dict:
        return _choose(panel, studio, run_id, _PROMISES.get(choice))

    run.change(show_run, run, panel.outputs, **PRIVATE_EVENT_MULTIPLE)
    panel.promise.input(choose, [run, panel.promise], panel.outputs, **PRIVATE_EVENT_MULTIPLE)


def show(panel: ConfidencePanel, studio: Studio, run_id: str) -> dict:
    """Updates that show a run; nothing without a run, or if its predictions are damaged, which the head of the tab says."""
    workspace = current_workspace(studio)
    try:
        report = workspace.library.reports(run_id).confidence if run_id else None
    except UserError:
        report = None
    if report is None:
        return {panel.body: gr.Column(visible=False)}
    view = workspace.library.view(run_id)
    return {
        panel.body: gr.Column(visible=True),
        panel.reliability: to_json(reliability_chart(report)),
        panel.calibration: confidence_view.calibration_html(view, report),
        **_promise(panel, report, workspace.models.promised(run_id)),
    }


def _choose(panel: ConfidencePanel, studio: Studio, run_id: str, target: float | None) -> dict:
    """Give the model of the run another promise; a choice that cannot be kept goes back to the one before."""
    workspace = current_workspace(studio)
    report = workspace.library.reports(run_id).confidence
    if report is None:
        raise ModelError("This model has no probabilities that a promise could be read from.", code="no_promise")
    try:
        workspace.models.keep_promise(run_id, None if target is None else report.promise(target))
    except UserError as error:
        updates = _promise(panel, report, workspace.models.promised(run_id))
        return {**updates, panel.chosen: html_pieces.notice(error.message, "warning") + updates[panel.chosen]}
    return _promise(panel, report, target)


def _promise(panel: ConfidencePanel, report: ConfidenceReport, target: float | None) -> dict:
    promise: Promise | None = report.promise(target) if target in TARGETS else None
    return {
        panel.curve: to_json(answer_chart(report.curve, report.promises, target)),
        panel.promise: next((title for title, value in _PROMISES.items() if value == target), _ALWAYS),
        panel.chosen: confidence_view.chosen_html(promise, report.task),
        panel.table: confidence_view.promises_html(report, target),
    }
