"""Tab Runs: open, compare, rename, continue and delete runs; the files opened before, and the disk space that everything takes."""

import secrets
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.evaluation.report import Scores
from trainer.jobs.queue_limits import near_capacity
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.text_format import file_size, pluralize
from trainer.ui import comparison_view, disk_view, page_frame, runs_confirmations, runs_dialog, runs_footer, runs_list
from trainer.ui.comparison_view import ComparisonView
from trainer.ui.disk_view import DiskView
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, in_turn, user_errors

_DESCRIPTION = "All trainings. Choose among them by the validation rows; the test rows show how good the chosen one is."
_WITH_FIELD = {"confirm-rename": "rename", "confirm-more-epochs": "more-epochs"}
"""The questions with an input field: an error is shown at it."""
_AFTER_RESPONSE = """() => {
  document.dispatchEvent(new CustomEvent("emotune:response"));
  const list = document.querySelector(".em-runs");
  if (list?.dataset.pressed !== "compare") return;
  delete list.dataset.pressed;
  const head = document.querySelector("#comparison h3");
  head?.focus({ preventScroll: true });
  head?.scrollIntoView({ block: "start", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "instant" : "smooth" });
}"""

_SELECTED = (
    "(_, ...others) => [[...document.querySelectorAll('#runs-list input:checked')].map((box) => box.dataset.run).join(' '), ...others]"
)
"""The runs that are selected at the time of the request: of several events in a row gradio sends the last one with the data of the first, and of a
selection that is not answered yet it knows nothing."""


@dataclass(frozen=True)
class RunsTab:
    """The components. ``version`` changes with what the list shows; ``selected`` holds the ids of the selected runs, separated by blanks.

    ``train_again`` starts with the id of the run to train again with changes, and differs each time; the page handles it.
    """

    version: gr.Textbox
    list: gr.HTML
    selected: gr.Textbox
    comparison: ComparisonView
    disk: DiskView
    footer: gr.HTML
    dialog: gr.HTML
    train_again: gr.Textbox

    @property
    def with_buttons(self) -> list[gr.HTML]:
        """The components with buttons."""
        return [self.list, self.footer, self.dialog, self.disk.files, self.disk.usage]


def build_version() -> gr.Textbox:
    """The timer sets it, and the list updates when it changes. It is outside the tabs, since a tab that was never opened gets no events.

    Not a State: if an unqueued handler such as that of the timer sets a State, its change event does not reach the page.
    """
    return gr.Textbox("", visible="hidden", elem_id="runs-version")


def build(studio: Studio, version: gr.Textbox) -> RunsTab:
    """Lay the tab out and wire the events that concern it alone; ``version`` comes from ``build_version``."""
    gr.HTML(page_frame.heading("Runs", _DESCRIPTION), elem_id="runs-head")
    list_html = runs_list.build(elem_id="runs-list")
    selected = gr.Textbox("", visible="hidden", elem_id="selected-runs")
    comparison = comparison_view.build(studio)
    disk = disk_view.build(studio)
    footer = page_frame.footer(elem_id="footer-runs", value=runs_footer.footer([], {}, any_runs=False))
    dialog = runs_dialog.build()
    train_again = gr.Textbox("", visible="hidden", elem_id="train-again")
    tab = RunsTab(version, list_html, selected, comparison, disk, footer, dialog, train_again)
    _wire_list(studio, tab)
    return tab


def wire(
    studio: Studio, tab: RunsTab, *, tabs: gr.Tabs, watched: gr.HTML, model: gr.Textbox, reopened: gr.State, refresh_event: dict[str, Any]
) -> None:
    """Wire the buttons. ``watched`` is the run on the Train tab, ``model`` the one whose model is in use; ``refresh_event`` updates the page.

    ``reopened`` changes when another draft is opened, or the open one is removed: the Data tab then shows it.
    """
    confirmed = _confirmed_actions(studio)
    navigation = _navigation_actions(studio, tabs=tabs, watched=watched, model=model, reopened=reopened)
    dialog, compared = tab.dialog, tab.comparison

    def respond(action: str, code: str, text: str, score_name: str, *opened: bool) -> dict:
        if action in confirmed:
            result = confirmed[action](code, text)
            reload_draft = {reopened: secrets.token_hex(4)} if action in ("confirm-remove-draft", "confirm-delete-everything") else {}
            return {dialog: "", **disk_view.show_open_sections(tab.disk, studio, *opened, result=result), **reload_draft}
        if action in navigation:
            return {dialog: "", **navigation[action](code, text)}
        if action == "compare":
            titles = runs_confirmations.selected_runs(studio, code)[1]
            return comparison_view.show(compared, current_workspace(studio).library.compare(code.split()), titles, score_name)
        if action == "again":
            return {dialog: "", tab.train_again: f"{code} {secrets.token_hex(4)}"}
        question = runs_confirmations.build_question(studio, action, code)
        return {dialog: "" if question is None else runs_dialog.question_html(question)}

    @errors_on_runs_tab(tab)
    def handle_button(event: gr.EventData, *values: Any) -> dict:
        try:
            return respond(event.action, event.code, getattr(event, "value", ""), *values)
        except UserError as error:
            question = _WITH_FIELD.get(event.action)
            if question is None:
                raise
            return {dialog: runs_dialog.question_html(runs_confirmations.build_question(studio, question, event.code, error=error.message))}

    outputs = [dialog, *tab.disk.outputs, *compared.outputs, tabs, watched, model, reopened, tab.train_again]
    pressed = gr.on(
        [html.click for html in tab.with_buttons],
        handle_button,
        [compared.score_name, *tab.disk.states],
        outputs,
        **in_turn("runs"),
        **PRIVATE_EVENT_MULTIPLE,
    )
    pressed.then(None, None, None, js=_AFTER_RESPONSE, **PRIVATE_EVENT).then(**refresh_event)
    # An open section shows what has happened on other tabs.
    show_sections = errors_on_runs_tab(tab)(lambda *opened: disk_view.show_open_sections(tab.disk, studio, *opened) or gr.skip())
    tabs.change(show_sections, tab.disk.states, [*tab.disk.outputs, dialog], **in_turn("runs"), **PRIVATE_EVENT)


def _confirmed_actions(studio: Studio) -> Mapping[str, Callable[[str, str], str]]:
    """The actions after a question was confirmed; each returns its result in a sentence, or an empty string."""

    def rename(run: str, name: str) -> str:
        current_workspace(studio).library.rename(run, name)
        return ""

    def delete(runs: str, _: str) -> str:
        views = runs_confirmations.selected_runs(studio, runs)[0]
        for view in views:
            current_workspace(studio).delete(view.id)
        return f"{pluralize(len(views), 'run')} deleted."

    def remove_draft(draft: str, _: str) -> str:
        current_workspace(studio).drafts.remove(draft)
        return "The file is removed."

    def delete_everything() -> str:
        if current_workspace(studio).delete_everything():
            return "Everything of yours is deleted."
        return "What is training stops after its current step. Press once more then: all the rest is deleted."

    return {
        "confirm-rename": rename,
        "confirm-delete": delete,
        "confirm-free": lambda run, _: current_workspace(studio).storage.delete_checkpoints(run),
        "confirm-remove-draft": remove_draft,
        "confirm-delete-everything": lambda _, __: delete_everything(),
        "confirm-clear": lambda _, __: f"{file_size(current_workspace(studio).storage.clear_uploads())} of old copies deleted.",
    }


def _navigation_actions(
    studio: Studio, *, tabs: gr.Tabs, watched: gr.HTML, model: gr.Textbox, reopened: gr.State
) -> Mapping[str, Callable[[str, str], dict]]:
    """The actions that lead to another tab."""

    def open_run(run: str, _: str) -> dict:
        if current_workspace(studio).library.view(run).has_model:
            return {tabs: gr.Tabs(selected="results"), model: run}
        return {tabs: gr.Tabs(selected="train"), watched: run}

    def resume(run: str, _: str) -> dict:
        return {tabs: gr.Tabs(selected="train"), watched: current_workspace(studio).resume(run).id}

    def train_more_epochs(run: str, epochs: str) -> dict:
        more_epochs = int(epochs) if epochs.isdecimal() else 0
        return {tabs: gr.Tabs(selected="train"), watched: current_workspace(studio).resume(run, more_epochs=more_epochs).id}

    def reopen(draft: str, *, force: bool = False) -> dict:
        current_workspace(studio).drafts.reopen(draft, force=force)
        return {tabs: gr.Tabs(selected="data"), reopened: secrets.token_hex(4)}

    return {
        "open": open_run,
        "resume": resume,
        "confirm-more-epochs": train_more_epochs,
        "reopen": lambda draft, _: reopen(draft),
        "retry": lambda draft, _: reopen(draft, force=True),
        "to-data": lambda _, __: {tabs: gr.Tabs(selected="data")},
    }


def _wire_list(studio: Studio, tab: RunsTab) -> None:
    """Wire the list, and what depends on the selected runs."""
    handler = errors_on_runs_tab(tab)
    compared = tab.comparison

    @handler
    def update_list(ids: str, compared_ids: str, score_name: str) -> dict:
        workspace = current_workspace(studio)
        selected, titles = runs_confirmations.selected_runs(studio, ids)
        views = workspace.library.runs()
        return {
            tab.list: runs_list.table_html(views, titles, _scores(studio, views), workspace.storage.expiring_checkpoints()),
            tab.footer: runs_footer.footer(selected, titles, any_runs=bool(views), limit_notice=near_capacity(studio.settings, views)),
            **_update_comparison(studio, tab, compared_ids, {view.id for view in views}, titles, score_name),
        }

    @handler
    def select(ids: str, compared_ids: str) -> dict:
        selected, titles = runs_confirmations.selected_runs(studio, ids)
        deselected = set(compared_ids.split()) - {view.id for view in selected}
        return {
            tab.selected: " ".join(view.id for view in selected),
            tab.footer: runs_footer.footer(
                selected, titles, any_runs=True, limit_notice=near_capacity(studio.settings, current_workspace(studio).library.runs())
            ),
            tab.dialog: "",
            **(comparison_view.hide(compared) if deselected else {}),
        }

    def check_files(ids: str) -> None:
        # Reads all files of the first selected run, which the list does not; the next update of the list shows any damage.
        with suppress(UserError):
            for view in runs_confirmations.selected_runs(studio, ids)[0][:1]:
                current_workspace(studio).library.damage(view.id)

    outputs = [tab.list, tab.footer, *compared.outputs, tab.dialog]
    tab.version.change(
        update_list,
        [tab.selected, compared.runs, compared.score_name],
        outputs,
        js=_SELECTED,
        trigger_mode="always_last",
        **in_turn("runs"),
        **PRIVATE_EVENT,
    )
    selection_outputs = [tab.selected, tab.footer, tab.dialog, *compared.outputs]
    tab.list.select(
        select,
        [tab.selected, compared.runs],
        selection_outputs,
        js=_SELECTED,
        trigger_mode="always_last",
        **in_turn("runs"),
        **PRIVATE_EVENT,
    )
    # An event of its own: reading takes a moment, and the next selection must not wait for it.
    tab.selected.change(check_files, tab.selected, None, **PRIVATE_EVENT)


def _update_comparison(
    studio: Studio, tab: RunsTab, compared_ids: str, existing: set[str], titles: Mapping[str, str], score_name: str
) -> dict:
    """Updates of the comparison with the current titles of its runs; it is hidden if one of them was deleted."""
    if not compared_ids:
        return {}
    if not existing.issuperset(compared_ids.split()):
        return comparison_view.hide(tab.comparison)
    return comparison_view.show(tab.comparison, current_workspace(studio).library.compare(compared_ids.split()), titles, score_name)


def errors_on_runs_tab(tab: RunsTab) -> Any:
    """Decorator: a UserError becomes a message in the dialog of the Runs tab."""
    return user_errors(lambda message: {tab.dialog: runs_dialog.error_html(message)})


def _scores(studio: Studio, views: list[RunView]) -> dict[str, Scores]:
    scores = {}
    for view in views:
        # A run with damaged predictions stays in the list, to be opened or deleted.
        if view.has_model:
            with suppress(UserError):
                scores[view.id] = current_workspace(studio).library.scores(view.id)
    return scores
