"""Tab Runs: all that was ever trained; open, compare, rename, train further, delete; the files opened before, and the room it all takes."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.jobs.capacity import near_capacity
from trainer.library import Scores
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.text_format import file_size, pluralize
from trainer.ui import comparison_view, disk_view, runs_footer, runs_list, runs_questions, runs_sheet, shell
from trainer.ui.comparison_view import ComparisonView
from trainer.ui.disk_view import DiskView
from trainer.ui.session import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, owner, user_errors

_ABOUT = "Each training is kept. Choose among them by the validation rows; the test rows tell what the chosen one is worth."
_WITH_FIELD = {"yes-rename": "rename", "yes-further": "further"}
"""The questions whose answer is typed: a mistake is told at its field."""
_ANSWERED = """() => {
  document.dispatchEvent(new CustomEvent("emotune:answered"));
  const list = document.querySelector(".em-runs");
  if (list?.dataset.pressed !== "compare") return;
  delete list.dataset.pressed;
  const head = document.querySelector("#comparison h3");
  head?.focus({ preventScroll: true });
  head?.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
}"""

_TICKED = "(_, compared) => [[...document.querySelectorAll('#runs-list input:checked')].map((box) => box.dataset.run).join(' '), compared]"
"""What is ticked when the server is asked: of several ticks in a row gradio sends the last one with the data of the first."""


@dataclass(frozen=True)
class RunsTab:
    """The components. ``version`` changes with what the list shows; ``chosen`` holds the ids that are ticked, with blanks between.

    ``again`` begins with the id of the run that shall be trained again with changes, and changes with each time: that is left to the page.
    """

    version: gr.Textbox
    listing: gr.HTML
    chosen: gr.Textbox
    comparison: ComparisonView
    disk: DiskView
    footer: gr.HTML
    sheet: gr.HTML
    again: gr.Textbox

    @property
    def pressed(self) -> list[gr.HTML]:
        """Everything with buttons."""
        return [self.listing, self.footer, self.sheet, self.disk.files, self.disk.room]


def build_version() -> gr.Textbox:
    """What the timer sets and the list listens to. It stands outside the tabs, as nothing is heard of a tab that was not opened yet.

    No State: the change of one that an unqueued handler sets, such as the timer's, is not told to the page.
    """
    return gr.Textbox("", visible="hidden", elem_id="runs-version")


def build(studio: Studio, version: gr.Textbox) -> RunsTab:
    """Lay the tab out and wire what concerns it alone; ``version`` is a ``build_version``."""
    gr.HTML(shell.heading("Runs", _ABOUT), elem_id="runs-head")
    listing = runs_list.build(elem_id="runs-list")
    chosen = gr.Textbox("", visible="hidden", elem_id="chosen-runs")
    comparison = comparison_view.build(studio)
    disk = disk_view.build(studio)
    foot = shell.footer(elem_id="footer-runs", value=runs_footer.footer([], {}, any_runs=False))
    sheet = runs_sheet.build()
    again = gr.Textbox("", visible="hidden", elem_id="again-run")
    tab = RunsTab(version, listing, chosen, comparison, disk, foot, sheet, again)
    _wire_list(studio, tab)
    return tab


def wire(
    studio: Studio, tab: RunsTab, *, tabs: gr.Tabs, watched: gr.HTML, model: gr.Textbox, reopened: gr.State, look: dict[str, Any]
) -> None:
    """What is pressed. ``watched`` is the run on the Train tab, ``model`` that in hand, ``look`` shows what became of the runs.

    ``reopened`` changes when another draft is open than before, or none: the Data tab then shows it.
    """
    deeds = _deeds(studio)
    ways = _ways(studio, tabs=tabs, watched=watched, model=model, reopened=reopened)
    sheet, compared = tab.sheet, tab.comparison

    def answer(action: str, code: str, typed: str, score_of: str, *opened: bool) -> dict:
        if action in deeds:
            done = deeds[action](code, typed)
            moved = {reopened: secrets.token_hex(4)} if action == "yes-forget" else {}
            return {sheet: "", **disk_view.redrawn(tab.disk, studio, *opened, done=done), **moved}
        if action in ways:
            return {sheet: "", **ways[action](code, typed)}
        if action == "compare":
            titles = runs_questions.selected_runs(studio, code)[1]
            return comparison_view.show(compared, studio.compare(owner(), code.split()), titles, score_of)
        if action == "again":
            return {sheet: "", tab.again: f"{code} {secrets.token_hex(4)}"}
        question = runs_questions.build_question(studio, action, code)
        return {sheet: "" if question is None else runs_sheet.question_html(question)}

    @errors_on_runs_tab(tab)
    def press(event: gr.EventData, *held: Any) -> dict:
        try:
            return answer(event.action, event.code, getattr(event, "value", ""), *held)
        except UserError as error:
            again = _WITH_FIELD.get(event.action)
            if again is None:
                raise
            return {sheet: runs_sheet.question_html(runs_questions.build_question(studio, again, event.code, wrong=error.message))}

    outputs = [sheet, *tab.disk.outputs, *compared.outputs, tabs, watched, model, reopened, tab.again]
    pressed = gr.on([html.click for html in tab.pressed], press, [compared.score_of, *tab.disk.states], outputs, **PRIVATE_EVENT_MULTIPLE)
    pressed.then(None, None, None, js=_ANSWERED, **PRIVATE_EVENT).then(**look)
    # A section that was left open tells what happened meanwhile on other tabs.
    told = errors_on_runs_tab(tab)(lambda *opened: disk_view.redrawn(tab.disk, studio, *opened) or gr.skip())
    tabs.change(told, tab.disk.states, [*tab.disk.outputs, sheet], **PRIVATE_EVENT)


def _deeds(studio: Studio) -> Mapping[str, Callable[[str, str], str]]:
    """What is done once a question was answered with yes; each returns what became of it, in a sentence, or nothing."""

    def rename(run: str, name: str) -> str:
        studio.rename(owner(), run, name)
        return ""

    def delete(runs: str, _: str) -> str:
        views = runs_questions.selected_runs(studio, runs)[0]
        for view in views:
            studio.delete(owner(), view.id)
        return f"{pluralize(len(views), 'run')} deleted."

    def forget(draft: str, _: str) -> str:
        studio.remove_draft(owner(), draft)
        return "The file is removed."

    return {
        "yes-rename": rename,
        "yes-delete": delete,
        "yes-free": lambda run, _: studio.free_checkpoints(owner(), run),
        "yes-forget": forget,
        "yes-clear": lambda _, __: f"{file_size(studio.clear_uploads())} of old copies are gone.",
    }


def _ways(
    studio: Studio, *, tabs: gr.Tabs, watched: gr.HTML, model: gr.Textbox, reopened: gr.State
) -> Mapping[str, Callable[[str, str], dict]]:
    """What leads to another tab."""

    def open_run(run: str, _: str) -> dict:
        if studio.view(owner(), run).has_model:
            return {tabs: gr.Tabs(selected="results"), model: run}
        return {tabs: gr.Tabs(selected="train"), watched: run}

    def go_on(run: str, _: str) -> dict:
        return {tabs: gr.Tabs(selected="train"), watched: studio.resume(owner(), run).id}

    def further(run: str, epochs: str) -> dict:
        more = int(epochs) if epochs.isdecimal() else 0
        return {tabs: gr.Tabs(selected="train"), watched: studio.resume(owner(), run, more_epochs=more).id}

    def reopen(draft: str, *, force: bool = False) -> dict:
        studio.reopen(owner(), draft, force=force)
        return {tabs: gr.Tabs(selected="data"), reopened: secrets.token_hex(4)}

    return {
        "open": open_run,
        "go-on": go_on,
        "yes-further": further,
        "reopen": lambda draft, _: reopen(draft),
        "retry": lambda draft, _: reopen(draft, force=True),
        "to-data": lambda _, __: {tabs: gr.Tabs(selected="data")},
    }


def _wire_list(studio: Studio, tab: RunsTab) -> None:
    """The list, and what depends on what is ticked there."""
    refuse = errors_on_runs_tab(tab)
    compared = tab.comparison

    @refuse
    def redraw(chosen: str, runs: str, score_of: str) -> dict:
        ticked, titles = runs_questions.selected_runs(studio, chosen)
        views = studio.runs(owner())
        return {
            tab.listing: runs_list.table_html(views, titles, _scores(studio, views), studio.leaving(owner())),
            tab.footer: runs_footer.footer(ticked, titles, any_runs=bool(views), near=near_capacity(studio.settings, views)),
            **_compared_still(studio, tab, runs, {view.id for view in views}, titles, score_of),
        }

    @refuse
    def tick(chosen: str, runs: str) -> dict:
        ticked, titles = runs_questions.selected_runs(studio, chosen)
        gone = set(runs.split()) - {view.id for view in ticked}
        return {
            tab.chosen: " ".join(view.id for view in ticked),
            tab.footer: runs_footer.footer(ticked, titles, any_runs=True, near=near_capacity(studio.settings, studio.runs(owner()))),
            tab.sheet: "",
            **(comparison_view.hide(compared) if gone else {}),
        }

    def look_closer(chosen: str) -> None:
        # All files of the first are read, as the list does not do; what is damaged is then told with its next redraw.
        with suppress(UserError):
            for view in runs_questions.selected_runs(studio, chosen)[0][:1]:
                studio.damage(owner(), view.id)

    outputs = [tab.listing, tab.footer, *compared.outputs, tab.sheet]
    tab.version.change(redraw, [tab.chosen, compared.runs, compared.score_of], outputs, trigger_mode="always_last", **PRIVATE_EVENT)
    ticked = [tab.chosen, tab.footer, tab.sheet, *compared.outputs]
    tab.listing.select(tick, [tab.chosen, compared.runs], ticked, js=_TICKED, trigger_mode="always_last", **PRIVATE_EVENT)
    # By itself, as reading takes a moment and the next tick must not wait for it.
    tab.chosen.change(look_closer, tab.chosen, None, **PRIVATE_EVENT)


def _compared_still(studio: Studio, tab: RunsTab, runs: str, there: set[str], titles: Mapping[str, str], score_of: str) -> dict:
    """Updates of a comparison under the names that its runs have now; it goes with any of its runs."""
    if not runs:
        return {}
    if not there.issuperset(runs.split()):
        return comparison_view.hide(tab.comparison)
    return comparison_view.show(tab.comparison, studio.compare(owner(), runs.split()), titles, score_of)


def errors_on_runs_tab(tab: RunsTab) -> Any:
    """For handlers whose mistakes are told on the Runs tab."""
    return user_errors(lambda message: {tab.sheet: runs_sheet.error_html(message)})


def _scores(studio: Studio, views: list[RunView]) -> dict[str, Scores]:
    found = {}
    for view in views:
        # A run whose predictions are damaged stays in the list, to be opened or deleted.
        if view.has_model:
            with suppress(UserError):
                found[view.id] = studio.scores(owner(), view.id)
    return found
