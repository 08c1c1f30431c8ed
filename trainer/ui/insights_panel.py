"""The part of the Results tab with what would help, groups of rows, steps of a scale and the report to share. ``insights_view`` makes its HTML."""

from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.studio import Studio
from trainer.ui import html_pieces, insights_view
from trainer.ui.buttons import html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors


@dataclass(frozen=True)
class InsightsPanel:
    """Its components."""

    body: gr.Column
    suggestions: gr.HTML
    """Its ``click`` event carries ``action`` ("check-pair", "read-longer", "to-file") and ``code``."""
    subgroups: gr.HTML
    is_ordered: gr.Checkbox
    ordered: gr.HTML
    with_texts: gr.Checkbox
    share: gr.HTML
    """Its ``click`` event carries ``action`` ("share", "unshare") and ``code``."""

    @property
    def outputs(self) -> list[Any]:
        """What ``show`` updates."""
        return [self.body, self.suggestions, self.subgroups, self.is_ordered, self.ordered, self.share]


def build() -> InsightsPanel:
    """Lay it out."""
    with gr.Column(visible=False, elem_id="insights") as body:
        with gr.Row(elem_classes=["em-columns"]):
            with gr.Column(min_width=320):
                suggestions = html_with_buttons("", elem_id="suggestions")
            with gr.Column(min_width=320):
                subgroups = gr.HTML(elem_id="subgroups")
                is_ordered = gr.Checkbox(
                    False, label="The classes are steps of a scale", container=False, visible=False, elem_id="is-ordered"
                )
                ordered = gr.HTML(elem_id="ordered")
        with gr.Row(elem_id="share-report"):
            gr.HTML(
                "<h3>A report to share</h3><p class='em-small em-quiet'>One file with all of these figures, for any browser and for print; it asks no server for "
                "anything.</p>"
            )
            with_texts = gr.Checkbox(
                False, label="With the texts of mistakes, and groups by other columns", container=False, elem_id="share-texts"
            )
            share = html_with_buttons("", elem_id="share-link")
    return InsightsPanel(body, suggestions, subgroups, is_ordered, ordered, with_texts, share)


def wire(studio: Studio, panel: InsightsPanel, run: gr.Textbox) -> None:
    """Another run, whether its labels are ordered, and what the report holds."""

    @user_errors(lambda message: {panel.subgroups: html_pieces.notice(message, "error")})
    def show_run(run_id: str, with_texts: bool) -> dict:
        return show(panel, studio, run_id, with_texts=bool(with_texts))

    @user_errors(lambda message: html_pieces.notice(message, "error"))
    def suggest(run_id: str) -> str:
        if not run_id:
            return ""
        return insights_view.suggestions_html(current_workspace(studio).reports.suggestions(run_id))

    @user_errors(lambda message: html_pieces.notice(message, "error"))
    def say_whether_ordered(run_id: str, is_ordered: bool) -> str:
        reports = current_workspace(studio).reports
        reports.say_whether_ordered(run_id, bool(is_ordered))
        return insights_view.ordered_html(reports.ordered(run_id))

    run.change(show_run, [run, panel.with_texts], panel.outputs, **PRIVATE_EVENT_MULTIPLE).then(
        suggest, run, panel.suggestions, **PRIVATE_EVENT_MULTIPLE
    )
    panel.is_ordered.input(say_whether_ordered, [run, panel.is_ordered], panel.ordered, **PRIVATE_EVENT_MULTIPLE)

    @user_errors(lambda message: html_pieces.notice(message, "error"))
    def show_share(run_id: str, with_texts: bool) -> str:
        return _share(studio, run_id, with_texts=bool(with_texts)) if run_id else ""

    @user_errors(lambda message: html_pieces.notice(message, "error"))
    def press_share(event: gr.EventData, run_id: str, with_texts: bool) -> Any:
        shared = current_workspace(studio).shared
        if event.action == "share":
            shared.share(run_id, with_texts=event.code == "texts")
        elif event.action == "unshare":
            shared.end(run_id)
        else:
            return gr.skip()
        return _share(studio, run_id, with_texts=bool(with_texts))

    panel.with_texts.input(show_share, [run, panel.with_texts], panel.share, **PRIVATE_EVENT_MULTIPLE)
    panel.share.click(press_share, [run, panel.with_texts], panel.share, **PRIVATE_EVENT_MULTIPLE)


def show(panel: InsightsPanel, studio: Studio, run_id: str, *, with_texts: bool = False) -> dict:
    """Updates that show a run, but its suggestions, which take seconds; nothing without a run or if its predictions are damaged, which the head says."""
    workspace = current_workspace(studio)
    try:
        scores, can_be_ordered = (
            (None, False) if not run_id else (workspace.library.reports(run_id), workspace.reports.can_be_ordered(run_id))
        )
    except UserError:
        scores, can_be_ordered = None, False
    if scores is None:
        return {panel.body: gr.Column(visible=False)}
    ordered = workspace.reports.ordered(run_id)
    return {
        panel.body: gr.Column(visible=True),
        panel.suggestions: insights_view.waiting_html(),
        panel.subgroups: insights_view.subgroups_html(workspace.reports.subgroups(run_id)),
        panel.is_ordered: gr.Checkbox(ordered is not None, visible=can_be_ordered),
        panel.ordered: insights_view.ordered_html(ordered),
        panel.share: _share(studio, run_id, with_texts=with_texts),
    }


def _share(studio: Studio, run_id: str, *, with_texts: bool) -> str:
    """The report to download, and where visitors are apart, how the run is shared."""
    workspace = current_workspace(studio)
    if not studio.settings.mode.separate_visitors or workspace.models.is_offered(run_id):
        return insights_view.share_html(run_id, with_texts=with_texts)
    return insights_view.share_html(run_id, with_texts=with_texts, share=workspace.shared.of_run(run_id), can_share=True)
