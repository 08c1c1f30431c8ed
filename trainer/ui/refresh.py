"""What has changed on the page since it looked last: the same for a timer's tick, a reload and after a press."""

import dataclasses
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.library import Scores
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.ui import run_names, runs_list, shell, train_tab
from trainer.ui.components import Page
from trainer.ui.session import owner
from trainer.ui.status_bar import status_bar_html, subject


def refresh(studio: Studio, page: Page, seen: str, watched: str, model: str, chip: str, *, first: bool = False) -> Any:
    """Updates of what has changed since ``seen``; nothing where nothing has. ``first`` for a page that was just opened."""
    # Before the runs are read: what happens meanwhile is then seen the next time.
    state, asked = studio.token(owner()), (watched, model)
    lived, _, before = seen.partition("\n")
    # With what is looked at, as an answer may come late, when something else was chosen meanwhile.
    if before == f"{state}|{watched}|{model}":
        return gr.skip()
    views = studio.runs(owner())
    titles = run_names.titles_by_id(views)
    running = next((v for v in views if v.status == "running"), None)
    if first and not watched and running is not None:
        watched = running.id
    shown = next((v for v in views if v.id == watched), None)
    trained = [v for v in views if v.has_model and not v.live]
    model = _model_in_hand(trained, model, just_ended=watched if watched in lived.split() else "")
    now = time.time()
    told = subject(views, now=now)
    scores, delay = (None, None) if told is None else (scores_if_any(studio, told), studio.delay(told.id))
    return {
        page.seen: f"{' '.join(v.id for v in views if v.live)}\n{state}|{'' if shown is None else shown.id}|{model}",
        # Not each time: what depends on the machine is worked out anew when it changes.
        **_changed(page.shell.hardware_badge, chip, shell.hardware_badge_html(studio.hardware)),
        # Another one each time: what a press has put there before the server was asked goes with it, also where nothing came of the press.
        page.shell.status_bar: f"{status_bar_html(views, titles, scores, now=now, delay=delay)}<!-- {time.monotonic_ns()} -->",
        page.shell.picker: shell.picker_html(trained, titles, model),
        **_changed(page.shell.model, asked[1], model),
        page.live: running.id if running else "",
        **_changed(page.train.watched, asked[0], "" if shown is None else shown.id),
        page.runs.version: runs_list.version(views),
        **_course(studio, page, shown, titles),
    }


def _changed(component: Any, asked: str, found: str) -> dict:
    """An update where there is something to change: what is chosen is left alone, as another choice may be on its way while we look."""
    return {} if found == asked else {component: found}


def scores_if_any(studio: Studio, view: RunView) -> Scores | None:
    """The scores of a run's model; None where it has none, or where they are damaged, which is said elsewhere."""
    if not view.has_model or view.live:
        return None
    with suppress(UserError):
        return studio.scores(owner(), view.id)
    return None


def _model_in_hand(trained: Sequence[RunView], model: str, *, just_ended: str) -> str:
    """The run whose model is in hand: the one that was watched to its end, else what was chosen, else what was trained last."""
    known = [v.id for v in trained]
    if just_ended in known:
        return just_ended
    if model in known:
        return model
    return max(trained, key=lambda v: v.ended or v.created).id if trained else ""


def _course(studio: Studio, page: Page, view: RunView | None, titles: dict[str, str]) -> dict:
    if view is None:
        return train_tab.show(page.train, None)
    diagnoses = ()
    with suppress(UserError):  # deleted since the list was read
        # The one that is looked at is looked at closely.
        view = dataclasses.replace(view, damage=studio.damage(owner(), view.id))
        diagnoses = studio.diagnoses(owner(), view.id)
    return train_tab.show(
        page.train,
        view,
        title=titles[view.id],
        came=run_names.came_from(view, titles),
        waiting=studio.waiting_before(view.id),
        delay=studio.delay(view.id),
        diagnoses=diagnoses,
        found=scores_if_any(studio, view),
    )
