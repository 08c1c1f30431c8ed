"""Tab Runs: all that was ever trained; open, compare, rename, train further, delete."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.data.wording import quoted
from trainer.errors import UserError
from trainer.runs.course import may_resume
from trainer.runs.view import RunView
from trainer.shelf import LONGEST_NAME, MOST_COMPARED, Scores
from trainer.studio import Studio
from trainer.ui import comparison_view, markup, runs_list, words
from trainer.ui.comparison_view import ComparisonView
from trainer.ui.session import QUIET, owner, said

_TO_COMPARISON = """() => {
  const head = document.querySelector("#comparison h3");
  head?.focus({ preventScroll: true });
  head?.scrollIntoView({ block: "start", behavior: "smooth" });
}"""
_TO_NAME = """() => {
  const field = document.querySelector("#run-name input, #run-name textarea");
  field?.focus();
  field?.select();
}"""
_TO_KEEP = "() => document.querySelector('#keep-runs')?.focus()"


@dataclass(frozen=True)
class RunsTab:
    """The components. ``version`` changes with what the list shows; ``chosen`` and ``asked`` hold ids with blanks between."""

    version: gr.Textbox
    listing: gr.HTML
    chosen: gr.Textbox
    about: gr.HTML
    open: gr.Button
    compare: gr.Button
    rename: gr.Button
    delete: gr.Button
    resume: gr.Button
    epochs: gr.Number
    further: gr.Button
    notice: gr.HTML
    naming: gr.Row
    name: gr.Textbox
    save: gr.Button
    leave: gr.Button
    asking: gr.Column
    asked: gr.Textbox
    question: gr.HTML
    confirm: gr.Button
    keep: gr.Button
    comparison: ComparisonView

    @property
    def bar(self) -> list[Any]:
        """What depends on the runs that are ticked."""
        return [self.about, self.open, self.compare, self.rename, self.delete, self.resume, self.epochs, self.further]

    @property
    def panels(self) -> list[Any]:
        """What a button opens under the list."""
        return [self.notice, self.naming, self.name, self.asking, self.asked, self.question, self.confirm]


def live_version() -> gr.Textbox:
    """What the timer sets and the list listens to. It stands outside the tabs, as nothing is heard of a tab that was not opened yet.

    No State: the change of one that an unqueued handler sets, such as the timer's, is not told to the page.
    """
    return gr.Textbox("", visible="hidden", elem_id="runs-version")


def build(studio: Studio, version: gr.Textbox) -> RunsTab:
    """Lay the tab out and wire what concerns it alone; ``version`` is a ``live_version``."""
    p: dict[str, Any] = {"version": version}
    p["listing"] = runs_list.live_list(elem_id="runs-list")
    p["chosen"] = gr.Textbox("", visible="hidden", elem_id="chosen-runs")
    with gr.Row(elem_classes=["em-runs-bar"]):
        p["about"] = gr.HTML(runs_list.in_words([]), elem_id="runs-about")
        small = {"size": "sm", "scale": 0, "min_width": 72, "interactive": False}
        p["open"] = gr.Button("Open", variant="primary", elem_id="open-run", **small)
        p["compare"] = gr.Button("Compare", elem_id="compare-runs", **small)
        p["rename"] = gr.Button("Rename", elem_id="rename-run", **small)
        p["delete"] = gr.Button("Delete", elem_id="delete-runs", **small)
        p["resume"] = gr.Button("Resume", visible=False, elem_id="resume-run", size="sm", scale=0, min_width=72)
        p["epochs"] = gr.Number(
            1,
            label="More epochs",
            show_label=False,
            container=False,
            precision=0,
            minimum=1,
            maximum=50,
            visible=False,
            scale=0,
            min_width=64,
        )
        p["further"] = gr.Button(_further(1), visible=False, elem_id="train-further", size="sm", scale=0, min_width=170)
    p["notice"] = gr.HTML(elem_id="runs-notice")
    with gr.Row(visible=False, elem_classes=["em-panel"], equal_height=True) as p["naming"]:
        p["name"] = gr.Textbox(label="New name", max_length=LONGEST_NAME, elem_id="run-name", scale=3, min_width=200)
        p["save"] = gr.Button("Save", variant="primary", size="sm", scale=0, min_width=84, elem_id="save-name")
        p["leave"] = gr.Button("Leave it", size="sm", scale=0, min_width=84)
    with gr.Column(visible=False, elem_classes=["em-panel"]) as p["asking"]:
        p["asked"] = gr.Textbox("", visible="hidden", elem_id="asked-runs")
        p["question"] = gr.HTML(elem_id="delete-question")
        with gr.Row(elem_classes=["em-answers"]):
            p["confirm"] = gr.Button("Delete for good", variant="stop", size="sm", scale=0, min_width=150, elem_id="confirm-delete")
            p["keep"] = gr.Button("Keep", size="sm", scale=0, min_width=84, elem_id="keep-runs")
    tab = RunsTab(**p, comparison=comparison_view.build(studio))
    _wire_list(studio, tab)
    _wire_comparison(studio, tab)
    return tab


def wire(studio: Studio, tab: RunsTab, *, tabs: gr.Tabs, watched: gr.Textbox, model: gr.Textbox, look: dict[str, Any]) -> None:
    """What reaches other tabs: ``watched`` is the run on the Train tab, ``model`` that in hand, ``look`` shows what became of the runs."""
    refuse = _refusing(tab)
    train = watched

    @refuse
    def open_run(chosen: str) -> dict:
        view = _one(studio, chosen)
        if not view.has_model:
            return {tabs: gr.Tabs(selected="train"), train: view.id}
        return {tabs: gr.Tabs(selected="results"), model: view.id}

    @refuse
    def resume(chosen: str) -> dict:
        return {tabs: gr.Tabs(selected="train"), train: studio.resume(owner(), _one(studio, chosen).id).id, tab.notice: ""}

    @refuse
    def further(chosen: str, epochs: float | None) -> dict:
        view = studio.resume(owner(), _one(studio, chosen).id, more_epochs=_whole(epochs))
        return {tabs: gr.Tabs(selected="train"), train: view.id, tab.notice: ""}

    @refuse
    def save(chosen: str, name: str) -> dict:
        studio.rename(owner(), _one(studio, chosen).id, name)
        return _closed(tab)

    @refuse
    def delete(asked: str) -> dict:
        for view in _views(studio, asked):
            studio.delete(owner(), view.id)
        return _closed(tab)

    tab.open.click(open_run, tab.chosen, [tabs, watched, model, tab.notice], **QUIET).then(**look)
    tab.resume.click(resume, tab.chosen, [tabs, train, tab.notice], **QUIET).then(**look)
    tab.further.click(further, [tab.chosen, tab.epochs], [tabs, train, tab.notice], **QUIET).then(**look)
    gr.on([tab.save.click, tab.name.submit], save, [tab.chosen, tab.name], tab.panels, **QUIET).then(**look)
    tab.confirm.click(delete, tab.asked, tab.panels, **QUIET).then(**look)


def _wire_list(studio: Studio, tab: RunsTab) -> None:
    """The list, what is ticked there, and the two questions that open under it."""
    refuse = _refusing(tab)

    @refuse
    def redraw(chosen: str, compared: str) -> dict:
        views = studio.runs(owner())
        gone = set(compared.split()) - {view.id for view in views}
        return {
            tab.listing: runs_list.of_runs(views, _scores(studio, views)),
            **_bar(tab, _views(studio, chosen)),
            **(comparison_view.hide(tab.comparison) if gone else {}),
        }

    @refuse
    def tick(press: gr.EventData) -> dict:
        chosen = " ".join(str(run) for run in press.runs)
        return {tab.chosen: chosen, **_bar(tab, _views(studio, chosen)), **_closed(tab)}

    @refuse
    def look_closer(chosen: str) -> None:
        # All files of the first are read, as the list does not do; what is damaged is then told with its next redraw.
        for view in _views(studio, chosen)[:1]:
            studio.damage(owner(), view.id)

    @refuse
    def ask_name(chosen: str) -> dict:
        return {**_closed(tab), tab.naming: gr.Row(visible=True), tab.name: _one(studio, chosen).name}

    @refuse
    def ask_delete(chosen: str) -> dict:
        return {**_closed(tab), **_question(studio, tab, _views(studio, chosen))}

    compared = tab.comparison
    outputs = [tab.listing, *tab.bar, *compared.shown, tab.notice]
    tab.version.change(redraw, [tab.chosen, compared.runs], outputs, trigger_mode="always_last", **QUIET)
    tab.listing.select(tick, None, [tab.chosen, *tab.bar, *tab.panels], trigger_mode="always_last", **QUIET)
    # By itself, as reading takes a moment and the next tick must not wait for it.
    tab.chosen.change(look_closer, tab.chosen, None, **QUIET)
    tab.rename.click(ask_name, tab.chosen, tab.panels, **QUIET).then(None, None, None, js=_TO_NAME, **QUIET)
    tab.delete.click(ask_delete, tab.chosen, tab.panels, **QUIET).then(None, None, None, js=_TO_KEEP, **QUIET)
    gr.on([tab.leave.click, tab.keep.click], lambda: _closed(tab), None, tab.panels, **QUIET)
    tab.epochs.input(lambda epochs: gr.Button(_further(_whole(epochs))), tab.epochs, tab.further, **QUIET)


def _wire_comparison(studio: Studio, tab: RunsTab) -> None:
    refuse = _refusing(tab)

    @refuse
    def compare(chosen: str, score_of: str) -> dict:
        runs = [view.id for view in _views(studio, chosen)]
        return {**_closed(tab), **comparison_view.show(tab.comparison, studio.compare(owner(), runs), score_of)}

    outputs = [*tab.panels, *tab.comparison.shown]
    done = tab.compare.click(compare, [tab.chosen, tab.comparison.score_of], outputs, **QUIET)
    done.then(None, None, None, js=_TO_COMPARISON, **QUIET)


def _refusing(tab: RunsTab) -> Any:
    return said(lambda message: {tab.notice: markup.notice(message, "must_fix")})


def _views(studio: Studio, ids: str) -> list[RunView]:
    """The runs of these ids that there still are, newest first."""
    wanted = set(ids.split())
    return [view for view in studio.runs(owner()) if view.id in wanted]


def _one(studio: Studio, chosen: str) -> RunView:
    views = _views(studio, chosen)
    if len(views) != 1:
        raise UserError("Tick one run in the list first.", code="no_run_chosen")
    return views[0]


def _scores(studio: Studio, views: Sequence[RunView]) -> dict[str, Scores]:
    found = {}
    for view in views:
        # A run whose predictions are damaged stays in the list, to be opened or deleted.
        if view.has_model:
            with suppress(UserError):
                found[view.id] = studio.scores(owner(), view.id)
    return found


def _bar(tab: RunsTab, chosen: Sequence[RunView]) -> dict:
    """Updates of the bar for the runs that are ticked."""
    one = chosen[0] if len(chosen) == 1 else None
    finished = one is not None and one.status == "finished"
    return {
        tab.about: runs_list.in_words(chosen),
        tab.open: gr.Button(interactive=one is not None),
        tab.rename: gr.Button(interactive=one is not None),
        tab.compare: gr.Button(interactive=2 <= len(chosen) <= MOST_COMPARED),
        tab.delete: gr.Button(interactive=bool(chosen)),
        tab.resume: gr.Button(visible=one is not None and may_resume(one)),
        tab.epochs: gr.Number(visible=finished),
        tab.further: gr.Button(visible=finished),
    }


def _closed(tab: RunsTab) -> dict:
    """Updates that close what a button had opened."""
    return {tab.notice: "", tab.naming: gr.Row(visible=False), tab.asking: gr.Column(visible=False), tab.asked: ""}


def _question(studio: Studio, tab: RunsTab, views: Sequence[RunView]) -> dict:
    """Updates that ask whether these runs shall go; a sentence where one of them must not."""
    live = [view.name for view in views if view.live]
    if live:
        raise UserError(f"{quoted(live)} cannot be deleted while training or waiting. Stop it first, or untick it.", code="run_is_live")
    if not views:
        raise UserError("Tick the runs that shall be deleted first.", code="no_run_chosen")
    freed = words.room(sum(studio.disk_bytes(owner(), view.id) for view in views))
    models = "model, its " if any(view.has_model for view in views) else ""
    question = (
        f"<p><strong>Delete {markup.text(quoted((v.name for v in views), most=20), most=1500)}?</strong> "
        f"{'Its' if len(views) == 1 else 'Of each run its'} {models}curves, scores and copy of the data are lost for good. "
        f"This frees {freed} of disk space. Your own files stay as they are.</p>"
    )
    return {
        tab.asking: gr.Column(visible=True),
        tab.asked: " ".join(view.id for view in views),
        tab.question: question,
        tab.confirm: gr.Button("Delete it for good" if len(views) == 1 else f"Delete {len(views)} runs for good"),
    }


def _whole(epochs: float | None) -> int:
    return int(epochs) if epochs else 0


def _further(epochs: int) -> str:
    return f"Train {words.count(epochs, 'more epoch')}"
