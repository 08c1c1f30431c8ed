"""Disk usage and the files opened before: computed only when the user opens the section."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.drafts.history import DraftSummary
from trainer.jobs.store import MAX_ENDED_JOBS
from trainer.runs.disk_space import RunStorage, Storage
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.text_format import file_size, time_ago
from trainer.ui import html_pieces, no_file_view
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT, current_workspace, user_errors
from trainer.ui.run_names import titles_by_id

_MAX_NAMES = 5
_HEAD = ("Run", "Model", "Checkpoints", "Other", "Total")


@dataclass(frozen=True)
class DiskView:
    """The components; ``files`` and ``usage`` emit ``click`` with ``action`` and ``code``. The states say which section is open."""

    files: gr.HTML
    files_open: gr.State
    usage: gr.HTML
    usage_open: gr.State

    @property
    def states(self) -> list[Any]:
        return [self.files_open, self.usage_open]

    @property
    def outputs(self) -> list[Any]:
        return [self.files, self.usage]


def build(studio: Studio) -> DiskView:
    """Lay both sections out, closed."""
    with gr.Accordion("Files opened before", open=False, elem_id="files-before", elem_classes=["em-drawer"]) as files_accordion:
        files = html_with_buttons("", elem_id="files-list")
    with gr.Accordion("Disk space", open=False, elem_id="disk", elem_classes=["em-drawer"]) as usage_accordion:
        usage = html_with_buttons("", elem_id="disk-usage")
    view = DiskView(files, gr.State(False), usage, gr.State(False))
    for accordion, html, opened, render in (
        (files_accordion, files, view.files_open, _render_files),
        (usage_accordion, usage, view.usage_open, _render_usage),
    ):
        # One state per section: an open section is rendered, and again after each press of a button.
        with_notice = user_errors(lambda message: (True, html_pieces.notice(message, "error")))
        accordion.expand(with_notice(lambda render=render: (True, render(studio))), None, [opened, html], **PRIVATE_EVENT)
        accordion.collapse(lambda: False, None, opened, **PRIVATE_EVENT)
    return view


def show_open_sections(view: DiskView, studio: Studio, files_open: bool, usage_open: bool, result: str = "") -> dict:
    """Updates of the open sections; ``result`` says what the last action has done."""
    updates = {}
    if files_open:
        updates[view.files] = _render_files(studio)
    if usage_open:
        updates[view.usage] = _render_usage(studio, result)
    return updates


def files_html(drafts: Sequence[DraftSummary], *, now: float) -> str:
    """Each file that was opened, with buttons that reopen and remove it; ``now`` is Unix time."""
    if not drafts:
        return '<p class="em-quiet">No file has been opened yet.</p>'
    return f'<ul class="em-file-lines">{"".join(_file(draft, now) for draft in drafts)}</ul>'


def usage_html(storage: Storage, views: Sequence[RunView], titles: Mapping[str, str], *, result: str = "", take_along: bool = False) -> str:
    """The disk space that everything takes, the largest run first, with buttons that free it; ``titles`` are by id."""
    by_id = {view.id: view for view in views}
    runs = sorted(storage.runs, key=lambda usage: -usage.total)
    head = "".join(f'<th role="columnheader"{" class=em-number" if i else ""}>{name}</th>' for i, name in enumerate(_HEAD))
    rows = "".join(_run(usage, by_id.get(usage.id), titles.get(usage.id, usage.name)) for usage in runs)
    table = (
        f'<table class="em-table em-stacked" role="table"><caption class="em-hidden">Disk space of each run, largest first</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}<th role="columnheader"><span class="em-hidden">Free disk space</span></th></tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )
    result_html = f'<p role="status" class="em-result">{html_pieces.text(result, max_length=400)}</p>' if result else ""
    return (
        f"<p>Everything takes <strong>{file_size(storage.total)}</strong>; {file_size(storage.free)} of this disk are free.</p>{result_html}{_checkpoints(storage, titles)}"
        f"{table if runs else ''}{_drafts(storage)}{_jobs(storage)}{_uploads(storage)}{_everything(take_along=take_along)}"
    )


def _checkpoints(storage: Storage, titles: Mapping[str, str]) -> str:
    """The limit of the checkpoints, and whose are deleted next."""
    rule = (
        f"Checkpoints, from which a training can continue, take {file_size(storage.checkpoints)}. Up to {file_size(storage.limit)} of ended "
        "trainings are kept; beyond that, the oldest are deleted when the next training ends."
    )
    names = ", ".join(f"“{titles.get(run, '')}”" for run in storage.expiring_checkpoints[:_MAX_NAMES])
    others = f" and {len(storage.expiring_checkpoints) - _MAX_NAMES:,} more" if len(storage.expiring_checkpoints) > _MAX_NAMES else ""
    next_runs = f" The next are those of {names}{others}; models, scores and curves stay." if names else ""
    return f'<p class="em-quiet" dir="auto" id="checkpoint-rule">{html_pieces.text(rule + next_runs, max_length=1500)}</p>'


def _render_files(studio: Studio) -> str:
    return files_html(current_workspace(studio).drafts.summaries(), now=time.time())


def _render_usage(studio: Studio, result: str = "") -> str:
    workspace = current_workspace(studio)
    views = workspace.library.runs()
    take_along = studio.settings.mode.anonymous
    return usage_html(workspace.storage.usage(), views, titles_by_id(views), result=result, take_along=take_along)


def _file(draft: DraftSummary, now: float) -> str:
    extra_files = [
        f"with test file {draft.test}" if draft.test else "",
        f"with validation file {draft.validation}" if draft.validation else "",
    ]
    crashed = "Emotune crashed while reading it" if draft.withheld else ""
    facts = " · ".join(
        html_pieces.text(fact) for fact in (time_ago(now - draft.changed), file_size(draft.bytes), *extra_files, crashed) if fact
    )
    is_open = ' <span class="em-open-now">open now</span>' if draft.open else ""
    buttons = no_file_view.reopen_button(draft) + Button("remove-draft", "Remove", code=draft.id).html
    return (
        f'<li><span class="em-file-name"><strong dir="auto">{html_pieces.text(draft.name)}</strong>{is_open}<small dir="auto">{facts}</small></span>'
        f'<span class="em-row-buttons">{buttons}</span></li>'
    )


def _run(usage: RunStorage, view: RunView | None, title: str) -> str:
    cells = "".join(
        f'<td role="cell" class="em-number" data-label="{name}">{file_size(size) if size else "–"}</td>'
        for name, size in zip(_HEAD[1:], (usage.model, usage.checkpoints, usage.other, usage.total), strict=True)
    )
    live = view is not None and view.live
    # A run without a model needs its checkpoints to continue.
    freeable = usage.checkpoints and view is not None and view.has_model and not live and view.status != "interrupted"
    free = Button("free", "Delete checkpoints", code=usage.id).html if freeable else ""
    delete = Button("delete", "Delete", code=usage.id, disabled=live).html
    return (
        f'<tr role="row"><td role="cell" dir="auto" class="em-row-name">{html_pieces.text(title)}</td>{cells}'
        f'<td role="cell" class="em-row-buttons">{free}{delete}</td></tr>'
    )


def _drafts(storage: Storage) -> str:
    if not storage.drafts:
        return ""
    lines = "".join(
        f'<li><span class="em-file-name"><strong dir="auto">{html_pieces.text(draft.name)}</strong><small>{file_size(draft.bytes)}</small></span>'
        f'<span class="em-row-buttons">{Button("remove-draft", "Remove", code=draft.id).html}</span></li>'
        for draft in storage.drafts
    )
    return f'<h3>Files opened before</h3><ul class="em-file-lines">{lines}</ul>'


def _everything(*, take_along: bool) -> str:
    """Where visitors are browsers, ``take_along`` offers a link for another one."""
    link = (
        '<a class="em-button" href="along" title="A link with which another browser goes on with it">Take my work along</a>'
        if take_along
        else ""
    )
    return (
        '<h3>Everything</h3><ul class="em-file-lines"><li><span class="em-file-name"><strong>All your runs, opened files and results</strong></span>'
        f'<span class="em-row-buttons">{link}{Button("delete-everything", "Delete everything of mine").html}</span></li></ul>'
    )


def _jobs(storage: Storage) -> str:
    if not storage.jobs:
        return ""
    return (
        '<h3>Work on whole files</h3><ul class="em-file-lines"><li><span class="em-file-name"><strong>Results of predictions and checks</strong>'
        f"<small>{file_size(storage.jobs)} · the oldest are removed when there are more than {MAX_ENDED_JOBS}</small></span></li></ul>"
    )


def _uploads(storage: Storage) -> str:
    clear = Button("clear", "Clear old copies", disabled=not storage.uploads).html
    return (
        '<h3>Copies of uploads</h3><ul class="em-file-lines"><li><span class="em-file-name"><strong>Temporary copies of the page</strong>'
        f'<small>{file_size(storage.uploads)}</small></span><span class="em-row-buttons">{clear}</span></li></ul>'
    )
