"""The part of the Try it tab in which a whole file is labelled: choose a file, watch the job, take the result."""

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from trainer.data.columns.label_form import cut_choice
from trainer.errors import FileError, UserError
from trainer.jobs.job import Job
from trainer.studio import Studio
from trainer.ui import html_pieces, run_names, whole_file_view
from trainer.ui.buttons import html_with_buttons
from trainer.ui.cut_field import cut_field
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, in_turn, user_errors
from trainer.ui.uploads import column_of
from trainer.workspace import Workspace

_TICK_SECONDS = 1.0
_SCROLL_INTO_VIEW = "() => document.querySelector('#whole-file')?.scrollIntoView({ block: 'start', behavior: 'instant' })"
"""What to do next, and the job under way, stand below the text box."""
_CUT_IN_TURN = in_turn("cut of a whole file")
"""The button may be pressed right after a cut was typed, and then waits for it."""


@dataclass(frozen=True)
class _Section:
    """The components of the section. ``path`` is the uploaded file, ``names`` those of its columns; ``cut`` the score from which on a text of it has a label,
    as it was typed; ``chosen_job`` the id of the job that is shown, "" for the newest; ``shown`` changes with what the page shows of it."""

    run: gr.Textbox
    section: gr.Column
    upload: gr.UploadButton
    notice: gr.HTML
    options: gr.Column
    chosen: gr.HTML
    part: gr.Dropdown
    column: gr.Dropdown
    probabilities: gr.Checkbox
    start: gr.Button
    labels: gr.Dropdown
    cut_field: gr.HTML
    judge: gr.Button
    job: gr.HTML
    path: gr.State
    names: gr.State
    cut: gr.State
    chosen_job: gr.State
    shown: gr.State
    timer: gr.Timer

    @property
    def job_outputs(self) -> list[Any]:
        """What ``_show_job`` updates."""
        return [self.notice, self.job, self.chosen_job, self.shown, self.timer]

    @property
    def file_outputs(self) -> list[Any]:
        """What a chosen file updates."""
        return [self.path, self.names, self.notice, self.options, self.chosen, self.part, self.column, self.labels, *self.cut_outputs]

    @property
    def choices(self) -> list[Any]:
        """The file, the model and what is read of the file."""
        return [self.path, self.run, self.part, self.column, self.labels]

    @property
    def cut_outputs(self) -> list[Any]:
        """What ``_show_cut`` updates."""
        return [self.cut_field, self.cut]


def build(studio: Studio, run: gr.Textbox) -> gr.HTML:
    """Lay the section out and wire its events; ``run`` is the run whose model is in use. Without a model it is hidden.

    The ``click`` event of what is returned carries ``action`` "see-evaluation" and the id of the evaluation as ``code``.
    """
    with gr.Column(visible=False, elem_id="whole-file", elem_classes=["em-card"]) as section:
        gr.HTML(whole_file_view.heading())
        upload = gr.UploadButton("Choose a table", elem_id="whole-file-upload", size="sm")
        notice = gr.HTML("", elem_id="whole-file-notice")
        with gr.Column(visible=False, elem_id="whole-file-options") as options:
            chosen = gr.HTML("", elem_id="whole-file-chosen")
            part = gr.Dropdown([], label="Part of the file", elem_id="whole-file-part", visible=False, allow_custom_value=True)
            with gr.Row(elem_id="whole-file-choices"):
                column = gr.Dropdown([], label="Column of the texts", elem_id="whole-file-column", min_width=200, allow_custom_value=True)
                probabilities = gr.Checkbox(
                    False, label="One more column for each class, with its probability", elem_id="whole-file-probabilities", min_width=200
                )
                start = gr.Button("Label all rows", variant="primary", elem_id="whole-file-start", min_width=140)
            with gr.Row(elem_id="whole-file-judging"):
                labels = gr.Dropdown(
                    [], label="If it has labels: their column", elem_id="whole-file-labels", min_width=200, allow_custom_value=True
                )
                field = html_with_buttons("", elem_id="whole-file-cut")
                judge = gr.Button("Score the model on it", elem_id="whole-file-judge", min_width=140)
        job = html_with_buttons("", elem_id="whole-file-job")
    states = (gr.State(""), gr.State(()), gr.State(""), gr.State(""), gr.State(""), gr.Timer(_TICK_SECONDS, active=False))
    parts = _Section(run, section, upload, notice, options, chosen, part, column, probabilities, start, labels, field, judge, job, *states)
    _wire_file(studio, parts)
    _wire_cut(studio, parts)
    _wire_job(studio, parts)
    return job


def _wire_file(studio: Studio, parts: _Section) -> None:
    """Choose a file and start to label it."""
    with_notice = user_errors(lambda message: {parts.notice: html_pieces.notice(message, "error")})

    @with_notice
    def choose(file: str | None, run_id: str) -> dict:
        return _show_file(studio, parts, run_id, file, None) if file else gr.skip()

    @with_notice
    def choose_part(file: str, run_id: str, part: str | None) -> dict:
        return _show_file(studio, parts, run_id, _still_there(file), part or None)

    @with_notice
    def label(file: str, run_id: str, part: str | None, text_column: str, with_probabilities: bool) -> dict:
        files = current_workspace(studio).files
        job = files.label(
            run_id, _still_there(file), text_columns=_columns(text_column), part=part or None, probabilities=bool(with_probabilities)
        )
        return {parts.options: gr.Column(visible=False), parts.path: "", **_show_job(studio, parts, run_id, job)}

    @with_notice
    def judge(file: str, run_id: str, part: str | None, text_column: str, label_column: str, cut: str) -> dict:
        job = current_workspace(studio).evaluations.start(run_id, _still_there(file), **_read_as(part, text_column, label_column, cut))
        return {parts.options: gr.Column(visible=False), parts.path: "", **_show_job(studio, parts, run_id, job)}

    parts.upload.upload(choose, [parts.upload, parts.run], parts.file_outputs, **PRIVATE_EVENT_MULTIPLE).then(
        None, js=_SCROLL_INTO_VIEW, **PRIVATE_EVENT
    )
    parts.part.input(choose_part, [parts.path, parts.run, parts.part], parts.file_outputs, **PRIVATE_EVENT_MULTIPLE)
    started = [parts.options, parts.path, *parts.job_outputs]
    to_label = [parts.path, parts.run, parts.part, parts.column, parts.probabilities]
    pressed = [
        parts.start.click(label, to_label, started, **PRIVATE_EVENT),
        parts.judge.click(judge, [*parts.choices, parts.cut], started, **PRIVATE_EVENT, **_CUT_IN_TURN),
    ]
    for press in pressed:
        press.then(None, js=_SCROLL_INTO_VIEW, **PRIVATE_EVENT)


def _wire_cut(studio: Studio, parts: _Section) -> None:
    """Say from which score on a text of the file has a label; with other columns, or another model, that begins anew."""

    def show_cut(*chosen: Any) -> dict:
        return _show_cut(studio, parts, *chosen)

    def choose_cut(event: gr.EventData, *chosen: Any) -> dict:
        try:
            return {parts.notice: "", **_show_cut(studio, parts, *chosen, cut=event.code)}
        except UserError as error:
            # It stays in the field, and the model is not scored with another one.
            return {parts.notice: html_pieces.notice(error.message, "error"), **_cut_updates(parts, event.code, event.code)}

    with_notice = user_errors(lambda message: {parts.notice: html_pieces.notice(message, "error")})
    anew, inputs, outputs = [parts.column.input, parts.labels.input, parts.run.change], [*parts.choices, parts.names], parts.cut_outputs
    gr.on(anew, with_notice(show_cut), inputs, [parts.notice, *outputs], **PRIVATE_EVENT_MULTIPLE, **_CUT_IN_TURN)
    parts.cut_field.click(with_notice(choose_cut), inputs, [parts.notice, *outputs], **PRIVATE_EVENT_MULTIPLE, **_CUT_IN_TURN)


def _show_cut(
    studio: Studio,
    parts: _Section,
    file: str,
    run_id: str,
    part: str | None,
    text_column: str,
    label_column: str,
    names: Sequence[str],
    *,
    cut: str = "",
) -> dict:
    """Updates of the field of the cut, with the one that was typed if there is any; no field where the file does not write labels as scores.

    Raises UserError for a cut that was typed and cannot be read with.
    """
    workspace, judged = current_workspace(studio), None
    try:
        if file and _may_hold_scores(workspace, run_id, names):
            judged = workspace.evaluations.find_rows(run_id, _still_there(file), **_read_as(part, text_column, label_column, cut))
    except UserError:
        # Most files are chosen to be labelled, so that it is no fault to have no labels.
        if cut:
            raise
    if judged is None or judged.labels_cut is None:
        return {parts.cut_field: "", parts.cut: ""}
    return _cut_updates(parts, cut, f"{judged.labels_cut:.12g}", judged.corpus.label_sets)


def _cut_updates(parts: _Section, cut: str, shown: str, label_sets: Sequence[Sized] = ()) -> dict:
    return {parts.cut_field: cut_field(shown, label_sets, elem_id="whole-file-score-cut", forgets=True), parts.cut: cut}


def _may_hold_scores(workspace: Workspace, run_id: str, names: Sequence[str]) -> bool:
    """Whether texts of this model may have several labels, and columns are named as some of them: no other file is read once more for its scores."""
    test = workspace.library.reports(run_id).test
    known = {name.casefold() for name in (*test.label_names, *workspace.library.view(run_id).class_names)}
    return test.task.may_have_several and any(name.strip().casefold() in known for name in names)


def _read_as(part: str | None, text_column: str, label_column: str, cut: str) -> dict[str, Any]:
    """How a file is read that a model is judged on, from what was chosen and typed. Raises UserError ``setting_out_of_range``."""
    chosen = next(iter(_columns(label_column)), None)
    return {"part": part or None, "text_columns": _columns(text_column), "label_column": chosen, "cut": cut_choice(cut)}


def _show_file(studio: Studio, parts: _Section, run_id: str, file: str | Path, part: str | None) -> dict:
    """Updates that show what a chosen file, or a part of it, holds."""
    rows = current_workspace(studio).files.find_texts(Path(file), part=part)
    choices = [(name, f"#{position}") for position, name in enumerate(rows.columns)]
    named = [("read by itself", ""), *((name, name) for name in rows.parts)]
    return {
        parts.path: str(file),
        parts.names: rows.columns,
        parts.notice: "",
        parts.options: gr.Column(visible=True),
        parts.chosen: whole_file_view.chosen_file(Path(file).name, rows),
        parts.part: gr.Dropdown(
            named, value=part or "", visible=len(rows.parts) > 1, info=f"Read now: {rows.part}." if rows.part else None
        ),
        parts.column: gr.Dropdown(choices=choices, value=f"#{rows.text[0]}", info=f"Guessed: {rows.reason}."),
        parts.labels: gr.Dropdown(choices=[("the one with the labels of the model", ""), *choices], value=""),
        **_show_cut(studio, parts, str(file), run_id, part, f"#{rows.text[0]}", "", rows.columns),
    }


def _still_there(file: str) -> Path:
    if not file or not Path(file).exists():
        raise FileError("The file is no longer here. Choose it once more.", code="no_file")
    return Path(file)


def _columns(chosen: str | None) -> list[str | int]:
    return [column_of(chosen)] if chosen else []


def _wire_job(studio: Studio, parts: _Section) -> None:
    """Show the newest job, on a page that was just opened too, and let it be stopped, resumed and removed."""
    with_notice = user_errors(lambda message: {parts.notice: html_pieces.notice(message, "error")})

    @with_notice
    def press(event: gr.EventData, run_id: str, chosen: str) -> dict:
        workspace = current_workspace(studio)
        if event.action == "stop-file":
            workspace.jobs.stop(event.code)
        elif event.action == "resume-file":
            workspace.jobs.resume(event.code)
        elif event.action == "remove-file":
            workspace.files.remove(event.code)
        elif event.action == "show-file":
            chosen = event.code
        return _show_job(studio, parts, run_id, _job(studio, run_id, chosen))

    @with_notice
    def show_run(run_id: str | None) -> dict:
        shown = _show_job(studio, parts, run_id, _job(studio, run_id, "")) if run_id else {}
        return {parts.section: gr.Column(visible=bool(run_id)), **shown}

    @with_notice
    def show_progress(run_id: str, chosen: str, state: str) -> Any:
        job = _job(studio, run_id, chosen)
        return gr.skip() if _state(job, _jobs_before(studio, job)) == state else _show_job(studio, parts, run_id, job)

    parts.job.click(press, [parts.run, parts.chosen_job], parts.job_outputs, **PRIVATE_EVENT_MULTIPLE)
    parts.run.change(show_run, parts.run, [parts.section, *parts.job_outputs], **PRIVATE_EVENT_MULTIPLE)
    parts.timer.tick(show_progress, [parts.run, parts.chosen_job, parts.shown], parts.job_outputs, queue=False, **PRIVATE_EVENT)


def _show_job(studio: Studio, parts: _Section, run_id: str, job: Job | None) -> dict:
    workspace = current_workspace(studio)
    title = "" if job is None else run_names.title_of(str(job.parameters["run"]), workspace.library.runs(offered=True))
    before = _jobs_before(studio, job)
    others = [other for other in _jobs(studio, run_id) if job is not None and other.id != job.id]
    return {
        parts.notice: "",
        parts.job: whole_file_view.job_html(job, title, before) + whole_file_view.other_files(others),
        parts.chosen_job: "" if job is None else job.id,
        parts.shown: _state(job, before),
        parts.timer: gr.Timer(active=job is not None and job.live),
    }


def _jobs_before(studio: Studio, job: Job | None) -> int | None:
    return None if job is None else current_workspace(studio).jobs.position(job.id)


def _jobs(studio: Studio, run_id: str) -> list[Job]:
    """The files of a run, labelled or compared with their labels, and those at work for any other, newest first."""
    return [job for job in current_workspace(studio).files.of_both_kinds() if job.live or job.parameters["run"] == run_id]


def _job(studio: Studio, run_id: str, chosen: str) -> Job | None:
    """The chosen job, else the newest."""
    jobs = _jobs(studio, run_id)
    return next((job for job in jobs if job.id == chosen), next(iter(jobs), None))


def _state(job: Job | None, before: int | None) -> str:
    """Changes whenever the page shows something else of a job."""
    return "" if job is None else f"{job.id}|{job.status}|{job.progress}|{job.stop_requested}|{before}"
