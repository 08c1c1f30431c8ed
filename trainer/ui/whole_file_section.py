"""The part of the Try it tab in which a whole file is labelled: choose a file, watch the job, take the result."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from trainer.errors import FileError
from trainer.jobs.job import Job
from trainer.studio import Studio
from trainer.ui import html_pieces, run_names, whole_file_view
from trainer.ui.buttons import html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors
from trainer.ui.uploads import column_of

_TICK_SECONDS = 1.0
_SCROLL_INTO_VIEW = "() => document.querySelector('#whole-file')?.scrollIntoView({ block: 'start', behavior: 'instant' })"
"""What to do next, and the job under way, stand below the text box."""


@dataclass(frozen=True)
class _Section:
    """The components of the section. ``path`` is the uploaded file, ``shown`` what the page shows of the newest job."""

    section: gr.Column
    upload: gr.UploadButton
    notice: gr.HTML
    options: gr.Column
    chosen: gr.HTML
    column: gr.Dropdown
    probabilities: gr.Checkbox
    start: gr.Button
    job: gr.HTML
    path: gr.State
    shown: gr.State
    timer: gr.Timer

    @property
    def job_outputs(self) -> list[Any]:
        """What ``_show_job`` updates."""
        return [self.notice, self.job, self.shown, self.timer]


def build(studio: Studio, run: gr.Textbox) -> None:
    """Lay the section out and wire its events; ``run`` is the run whose model is in use. Without a model it is hidden."""
    with gr.Column(visible=False, elem_id="whole-file", elem_classes=["em-card"]) as section:
        gr.HTML(whole_file_view.heading())
        upload = gr.UploadButton("Choose a table", elem_id="whole-file-upload", size="sm")
        notice = gr.HTML("", elem_id="whole-file-notice")
        with gr.Column(visible=False, elem_id="whole-file-options") as options:
            chosen = gr.HTML("", elem_id="whole-file-chosen")
            with gr.Row(elem_id="whole-file-choices"):
                column = gr.Dropdown([], label="Column of the texts", elem_id="whole-file-column", min_width=200, allow_custom_value=True)
                probabilities = gr.Checkbox(
                    False, label="One more column for each class, with its probability", elem_id="whole-file-probabilities", min_width=200
                )
                start = gr.Button("Label all rows", elem_id="whole-file-start", min_width=140)
        job = html_with_buttons("", elem_id="whole-file-job")
    states = (gr.State(""), gr.State(""), gr.Timer(_TICK_SECONDS, active=False))
    parts = _Section(section, upload, notice, options, chosen, column, probabilities, start, job, *states)
    _wire_file(studio, parts, run)
    _wire_job(studio, parts, run)


def _wire_file(studio: Studio, parts: _Section, run: gr.Textbox) -> None:
    """Choose a file and start to label it."""
    with_notice = user_errors(lambda message: {parts.notice: html_pieces.notice(message, "error")})

    @with_notice
    def choose(file: str | None) -> dict:
        if not file:
            return gr.skip()
        rows = current_workspace(studio).files.find_texts(Path(file))
        choices = [(name, f"#{position}") for position, name in enumerate(rows.columns)]
        return {
            parts.path: file,
            parts.notice: "",
            parts.options: gr.Column(visible=True),
            parts.chosen: whole_file_view.chosen_file(Path(file).name, rows),
            parts.column: gr.Dropdown(choices=choices, value=f"#{rows.text[0]}", info=f"Guessed: {rows.reason}."),
        }

    @with_notice
    def label(file: str, run_id: str, text_column: str, with_probabilities: bool) -> dict:
        if not file or not Path(file).exists():
            raise FileError("The file is no longer here. Choose it once more.", code="no_file")
        files = current_workspace(studio).files
        columns = [column_of(text_column)] if text_column else []
        job = files.label(run_id, Path(file), text_columns=columns, probabilities=bool(with_probabilities))
        return {parts.options: gr.Column(visible=False), parts.path: "", **_show_job(studio, parts, job)}

    chosen = [parts.path, parts.notice, parts.options, parts.chosen, parts.column]
    parts.upload.upload(choose, parts.upload, chosen, **PRIVATE_EVENT_MULTIPLE).then(None, js=_SCROLL_INTO_VIEW, **PRIVATE_EVENT)
    inputs = [parts.path, run, parts.column, parts.probabilities]
    started = parts.start.click(label, inputs, [parts.options, parts.path, *parts.job_outputs], **PRIVATE_EVENT)
    started.then(None, js=_SCROLL_INTO_VIEW, **PRIVATE_EVENT)


def _wire_job(studio: Studio, parts: _Section, run: gr.Textbox) -> None:
    """Show the newest job, on a page that was just opened too, and let it be stopped, resumed and removed."""
    with_notice = user_errors(lambda message: {parts.notice: html_pieces.notice(message, "error")})

    @with_notice
    def press(event: gr.EventData) -> dict:
        workspace = current_workspace(studio)
        if event.action == "stop-file":
            workspace.jobs.stop(event.code)
        elif event.action == "resume-file":
            workspace.jobs.resume(event.code)
        elif event.action == "remove-file":
            workspace.files.remove(event.code)
        return _show_job(studio, parts, _newest(studio))

    @with_notice
    def show_run(run_id: str | None) -> dict:
        shown = _show_job(studio, parts, _newest(studio)) if run_id else {}
        return {parts.section: gr.Column(visible=bool(run_id)), **shown}

    @with_notice
    def show_progress(state: str) -> Any:
        job = _newest(studio)
        return gr.skip() if _state(job, _jobs_before(studio, job)) == state else _show_job(studio, parts, job)

    parts.job.click(press, None, parts.job_outputs, **PRIVATE_EVENT_MULTIPLE)
    run.change(show_run, run, [parts.section, *parts.job_outputs], **PRIVATE_EVENT_MULTIPLE)
    parts.timer.tick(show_progress, parts.shown, parts.job_outputs, queue=False, **PRIVATE_EVENT)


def _show_job(studio: Studio, parts: _Section, job: Job | None) -> dict:
    title = "" if job is None else run_names.title_of(str(job.parameters["run"]), current_workspace(studio).library.runs())
    before = _jobs_before(studio, job)
    return {
        parts.notice: "",
        parts.job: whole_file_view.job_html(job, title, before),
        parts.shown: _state(job, before),
        parts.timer: gr.Timer(active=job is not None and job.live),
    }


def _jobs_before(studio: Studio, job: Job | None) -> int | None:
    return None if job is None else current_workspace(studio).jobs.position(job.id)


def _newest(studio: Studio) -> Job | None:
    return next(iter(current_workspace(studio).files.jobs()), None)


def _state(job: Job | None, before: int | None) -> str:
    """Changes whenever the page shows something else of a job."""
    return "" if job is None else f"{job.id}|{job.status}|{job.progress}|{job.stop_requested}|{before}"
