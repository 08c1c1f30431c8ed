"""What takes room on the disk, and the files that were opened before: looked up when somebody opens the section, and not earlier."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.drafts.store import DraftSummary
from trainer.runs.storage import RunStorage, Storage
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.text_format import file_size, time_ago
from trainer.ui import markup, no_file_view
from trainer.ui.buttons import Button, html_with_buttons
from trainer.ui.run_names import titles_by_id
from trainer.ui.session import PRIVATE_EVENT, owner, user_errors

_MOST_NAMES = 5
_HEAD = ("Run", "Model", "Checkpoints", "Rest", "Together")


@dataclass(frozen=True)
class DiskView:
    """The components; ``files`` and ``room`` emit ``click`` with ``action`` and ``code``. The states say which section is open."""

    files: gr.HTML
    files_open: gr.State
    room: gr.HTML
    room_open: gr.State

    @property
    def states(self) -> list[Any]:
        return [self.files_open, self.room_open]

    @property
    def outputs(self) -> list[Any]:
        return [self.files, self.room]


def build(studio: Studio) -> DiskView:
    """Lay both sections out, closed."""
    with gr.Accordion("Files opened before", open=False, elem_id="files-before", elem_classes=["em-drawer"]) as files_drawer:
        files = html_with_buttons("", elem_id="files-list")
    with gr.Accordion("What takes room on the disk", open=False, elem_id="disk", elem_classes=["em-drawer"]) as room_drawer:
        room = html_with_buttons("", elem_id="disk-room")
    view = DiskView(files, gr.State(False), room, gr.State(False))
    for drawer, html, opened, draw in (
        (files_drawer, files, view.files_open, _files_of),
        (room_drawer, room, view.room_open, _room_of),
    ):
        # One value for each section: what was opened is drawn, and drawn again after each press while it is.
        refuse = user_errors(lambda message: (True, markup.notice(message, "error")))
        drawer.expand(refuse(lambda draw=draw: (True, draw(studio))), None, [opened, html], **PRIVATE_EVENT)
        drawer.collapse(lambda: False, None, opened, **PRIVATE_EVENT)
    return view


def redrawn(view: DiskView, studio: Studio, files_open: bool, room_open: bool, done: str = "") -> dict:
    """Updates of the sections that are open; ``done`` is what was just done, in a sentence."""
    updates = {}
    if files_open:
        updates[view.files] = _files_of(studio)
    if room_open:
        updates[view.room] = _room_of(studio, done)
    return updates


def files_html(drafts: Sequence[DraftSummary], *, now: float) -> str:
    """Each file that was opened, with the ways to go on with it and to be rid of it; ``now`` is Unix time."""
    if not drafts:
        return '<p class="em-quiet">No file has been opened yet.</p>'
    return f'<ul class="em-file-lines">{"".join(_file(draft, now) for draft in drafts)}</ul>'


def room_html(storage: Storage, views: Sequence[RunView], named: Mapping[str, str], *, done: str = "") -> str:
    """How much room everything takes, the largest run first, with the buttons that free it; ``named`` has the runs' titles by id."""
    by_id = {view.id: view for view in views}
    runs = sorted(storage.runs, key=lambda found: -found.total)
    head = "".join(f'<th role="columnheader"{" class=em-number" if at else ""}>{name}</th>' for at, name in enumerate(_HEAD))
    rows = "".join(_run(found, by_id.get(found.id), named.get(found.id, found.name)) for found in runs)
    table = (
        f'<table class="em-table em-stacked" role="table"><caption class="em-hidden">The room that each run takes, largest first</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}<th role="columnheader"><span class="em-hidden">Free room</span></th></tr></thead>'
        f'<tbody role="rowgroup">{rows}</tbody></table>'
    )
    told = f'<p role="status" class="em-done">{markup.text(done, max_length=400)}</p>' if done else ""
    return (
        f"<p>All of it takes <strong>{file_size(storage.total)}</strong>; {file_size(storage.free)} are free on this disk.</p>{told}{_checkpoints(storage, named)}"
        f"{table if runs else ''}{_drafts(storage)}{_uploads(storage)}"
    )


def _checkpoints(storage: Storage, named: Mapping[str, str]) -> str:
    """What bounds the checkpoints, and whose are the next to go."""
    rule = (
        f"Checkpoints, from which a training can go on, take {file_size(storage.checkpoints)}. Up to {file_size(storage.limit)} are kept of "
        "trainings that ended; beyond that, those of the oldest go when the next training ends."
    )
    names = ", ".join(f"“{named.get(run, '')}”" for run in storage.leaving[:_MOST_NAMES])
    more = f" and {len(storage.leaving) - _MOST_NAMES:,} more" if len(storage.leaving) > _MOST_NAMES else ""
    following = f" The next to go are those of {names}{more}; models, scores and curves stay." if names else ""
    return f'<p class="em-quiet" dir="auto" id="checkpoint-rule">{markup.text(rule + following, max_length=1500)}</p>'


def _files_of(studio: Studio) -> str:
    return files_html(studio.drafts(owner()), now=time.time())


def _room_of(studio: Studio, done: str = "") -> str:
    views = studio.runs(owner())
    return room_html(studio.storage(owner()), views, titles_by_id(views), done=done)


def _file(draft: DraftSummary, now: float) -> str:
    beside = [f"with test file {draft.test}" if draft.test else "", f"with validation file {draft.validation}" if draft.validation else ""]
    ended = "Emotune ended while reading it" if draft.withheld else ""
    facts = " · ".join(markup.text(fact) for fact in (time_ago(now - draft.changed), file_size(draft.bytes), *beside, ended) if fact)
    is_open = ' <span class="em-open-now">open now</span>' if draft.open else ""
    presses = no_file_view.reopen_button(draft) + Button("forget", "Remove", code=draft.id).html
    return (
        f'<li><span class="em-file-name"><strong dir="auto">{markup.text(draft.name)}</strong>{is_open}<small dir="auto">{facts}</small></span>'
        f'<span class="em-line-acts">{presses}</span></li>'
    )


def _run(found: RunStorage, view: RunView | None, title: str) -> str:
    cells = "".join(
        f'<td role="cell" class="em-number" data-label="{name}">{file_size(size) if size else "–"}</td>'
        for name, size in zip(_HEAD[1:], (found.model, found.checkpoints, found.other, found.total), strict=True)
    )
    live = view is not None and view.live
    # What has no model yet has only its checkpoints to go on from.
    freeable = found.checkpoints and view is not None and view.has_model and not live and view.status != "interrupted"
    free = Button("free", "Delete checkpoints", code=found.id).html if freeable else ""
    delete = Button("delete", "Delete", code=found.id, disabled=live).html
    return (
        f'<tr role="row"><td role="cell" dir="auto" class="em-row-name">{markup.text(title)}</td>{cells}'
        f'<td role="cell" class="em-line-acts">{free}{delete}</td></tr>'
    )


def _drafts(storage: Storage) -> str:
    if not storage.drafts:
        return ""
    lines = "".join(
        f'<li><span class="em-file-name"><strong dir="auto">{markup.text(draft.name)}</strong><small>{file_size(draft.bytes)}</small></span>'
        f'<span class="em-line-acts">{Button("forget", "Remove", code=draft.id).html}</span></li>'
        for draft in storage.drafts
    )
    return f'<h3>Files opened before</h3><ul class="em-file-lines">{lines}</ul>'


def _uploads(storage: Storage) -> str:
    clear = Button("clear", "Clear old copies", disabled=not storage.uploads).html
    return (
        '<h3>Copies of uploads</h3><ul class="em-file-lines"><li><span class="em-file-name"><strong>Left by the page</strong>'
        f'<small>{file_size(storage.uploads)}</small></span><span class="em-line-acts">{clear}</span></li></ul>'
    )
