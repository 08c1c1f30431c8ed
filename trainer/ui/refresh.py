"""The updates since the last refresh: the same for a tick of the timer, a reload and a press of a button."""

import dataclasses
import time
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.evaluation.report import Scores
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.ui import audit_state, page_frame, run_names, runs_list, train_tab
from trainer.ui.components import Page
from trainer.ui.event_handling import current_page, current_workspace
from trainer.ui.status_bar import find_subject, status_bar_html

_TICK_SECONDS = 1.0
"""While something is under way."""


def refresh(
    studio: Studio,
    page: Page,
    last_state: str,
    watched: str,
    model: str,
    badge: str,
    draft: str | None,
    labels: str,
    *,
    first: bool = False,
) -> Any:
    """Updates of what has changed since ``last_state``; none if nothing has. ``first`` for a page that was just opened."""
    workspace = current_workspace(studio)
    workspace.pages.admit(current_page())
    # Before the runs are read: a change in between is then found by the next refresh.
    state, previous_watched, previous_model = workspace.change_token(), watched, model
    decided = audit_state.size(workspace, draft)
    live_before, _, state_before = last_state.partition("\n")
    # With the choices of the page: a response may arrive late, after the user has chosen something else.
    if state_before == f"{state}|{decided}|{watched}|{model}":
        return gr.skip()
    views, readable = workspace.library.runs(), workspace.library.runs(offered=True)
    titles = run_names.titles_by_id(readable)
    running = next((v for v in views if v.status == "running"), None)
    if first and not watched and running is not None:
        watched = running.id
    watched_view = next((v for v in views if v.id == watched), None)
    trained = [v for v in readable if v.has_model and not v.live]
    model = _selected_model(trained, [v.id for v in views], model, just_ended=watched if watched in live_before.split() else "")
    live = [v.id for v in views if v.live] or _awaited(studio, readable)
    now = time.time()
    subject = find_subject(views, now=now)
    scores, delay = (None, None) if subject is None else (scores_if_any(studio, subject), workspace.jobs.delay(subject.id))
    return {
        page.last_state: f"{' '.join(live)}\n{state}|{decided}|{'' if watched_view is None else watched_view.id}|{model}",
        **({} if bool(live) == bool(live_before) else {page.timer: gr.Timer(_TICK_SECONDS if live else studio.settings.idle_seconds)}),
        # Only a change: estimates that depend on the hardware are computed again when the badge changes.
        **_changed(page.frame.hardware_badge, badge, page_frame.hardware_badge_html(studio.hardware, studio.settings, workspace.user)),
        # A new value each time: it replaces the busy message that a press has put there, even if the press has changed nothing.
        page.frame.status_bar: f"{status_bar_html(views, titles, scores, now=now, delay=delay)}<!-- {time.monotonic_ns()} -->",
        page.frame.picker: page_frame.picker_html(trained, titles, model),
        **_changed(page.frame.model, previous_model, model),
        page.running: running.id if running else "",
        **_changed(page.train.watched, previous_watched, "" if watched_view is None else watched_view.id),
        page.runs.version: runs_list.version(views),
        **_changed(page.labels.version, labels, audit_state.version(workspace, draft, decided)),
        **_watched_run(studio, page, watched_view, titles),
    }


def _awaited(studio: Studio, readable: Sequence[RunView]) -> list[str]:
    """Something to wait for, though nothing of one's own is under way: the hardware, or the model that is offered to everybody."""
    missing = studio.hardware is None or (studio.settings.mode.offers_model and not any(view.has_model for view in readable))
    return ["awaited"] if missing else []


def _changed(component: Any, old: str, new: str) -> dict:
    """An update only if the value changes: an update with the same value could undo a choice that is on its way."""
    return {} if new == old else {component: new}


def scores_if_any(studio: Studio, view: RunView) -> Scores | None:
    """The scores of a run's model; None if it has no model or if they are damaged, which other parts of the page say."""
    if not view.has_model or view.live:
        return None
    with suppress(UserError):
        return current_workspace(studio).library.scores(view.id)
    return None


def _selected_model(trained: Sequence[RunView], own: Collection[str], model: str, *, just_ended: str) -> str:
    """The run whose model is in use: the one that the user watched until its end, else the chosen one, else the last trained one, an ``own`` one
    if there is any."""
    ids = [v.id for v in trained]
    if just_ended in ids:
        return just_ended
    if model in ids:
        return model
    return max(trained, key=lambda v: (v.id in own, v.ended_at or v.created)).id if trained else ""


def _watched_run(studio: Studio, page: Page, view: RunView | None, titles: dict[str, str]) -> dict:
    workspace = current_workspace(studio)
    if view is None:
        return train_tab.show(page.train, None)
    checks = ()
    with suppress(UserError):  # deleted since the list was read
        # All files are checked only for the watched run.
        view = dataclasses.replace(view, damage=workspace.library.damage(view.id))
        checks = workspace.library.training_checks(view.id)
    return train_tab.show(
        page.train,
        view,
        title=titles[view.id],
        parent=run_names.parent_sentence(view, titles),
        queue_position=workspace.jobs.position(view.id),
        delay=workspace.jobs.delay(view.id),
        checks=checks,
        scores=scores_if_any(studio, view),
    )
