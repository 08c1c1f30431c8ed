"""The part of the Try it tab in which a model is taken away: its folder at once, and once it is exported ONNX and the web page."""

from typing import Any

import gradio as gr

from trainer.studio import Studio
from trainer.ui import engine_choice, html_pieces, take_away_view
from trainer.ui.buttons import html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors

_TICK_SECONDS = 1.0


def build(studio: Studio, run: gr.Textbox, engine: gr.Dropdown) -> None:
    """Lay the section out and wire its events; ``run`` is the run whose model is in use, ``engine`` the choice of what answers, which an export widens.

    Without a model the section is empty.
    """
    with gr.Column(visible=False, elem_id="take-away", elem_classes=["em-card"]) as section:
        notice = gr.HTML("", elem_id="take-away-notice")
        forms = html_with_buttons("", elem_id="take-away-forms")
    shown, timer = gr.State(""), gr.Timer(_TICK_SECONDS, active=False)
    outputs = [notice, forms, shown, timer]
    with_notice = user_errors(lambda message: {notice: html_pieces.notice(message, "error")})

    def show(run_id: str) -> dict:
        workspace = current_workspace(studio)
        job = workspace.exports.job(run_id)
        before = None if job is None else workspace.jobs.position(job.id)
        exports, forgets = workspace.exports, studio.settings.forgets
        html = take_away_view.take_away_html(
            run_id, exports.get(run_id), job, before, is_damaged=exports.is_damaged(run_id), forgets=forgets
        )
        return {notice: "", forms: html, shown: html, timer: gr.Timer(active=job is not None and job.live)}

    def with_engines(updates: dict, run_id: str) -> dict:
        """These updates and, once an export has ended, what may answer since: whoever shows its end first, as no tick follows."""
        workspace = current_workspace(studio)
        job = workspace.exports.job(run_id)
        has_ended = job is not None and not job.live
        return updates | ({engine: engine_choice.choices(workspace, run_id)} if has_ended else {})

    @with_notice
    def show_run(run_id: str | None) -> dict:
        has_model = bool(run_id) and current_workspace(studio).models.is_complete(run_id or "")
        updates = show(run_id or "") if has_model else {forms: "", shown: "", timer: gr.Timer(active=False)}
        return {section: gr.Column(visible=has_model), **updates}

    @with_notice
    def press(event: gr.EventData, run_id: str) -> dict:
        workspace = current_workspace(studio)
        if event.action == "export":
            workspace.exports.start(run_id)
        elif event.action == "stop-export":
            workspace.jobs.stop(event.code)
        return with_engines(show(run_id), run_id)

    @with_notice
    def show_progress(run_id: str, seen: str) -> Any:
        updates = show(run_id)
        return gr.skip() if updates[forms] == seen else with_engines(updates, run_id)

    run.change(show_run, run, [section, *outputs], **PRIVATE_EVENT_MULTIPLE)
    forms.click(press, run, [*outputs, engine], **PRIVATE_EVENT_MULTIPLE)
    timer.tick(show_progress, [run, shown], [*outputs, engine], queue=False, **PRIVATE_EVENT)
