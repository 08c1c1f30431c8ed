"""What presses and files do on the Data tab. Nothing here concerns another tab."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from trainer.data.hub_datasets import find_dataset
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import UserError
from trainer.studio import Studio
from trainer.ui import markup, no_file_view
from trainer.ui.data_tab import DataTab, current_draft, show, show_empty, show_split
from trainer.ui.readiness import repairable, sentences
from trainer.ui.session import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, owner, user_errors

_TO_TOP = "() => scrollTo({ top: 0, behavior: 'instant' })"
"""Another file is read from its verdict on, wherever the page stood before."""


def wire(studio: Studio, tab: DataTab) -> None:
    """Wire what concerns this tab alone."""
    _wire_files(studio, tab)
    _wire_drafts(studio, tab)
    _wire_choices(studio, tab)


def _errors_on_data_tab(tab: DataTab) -> Callable[[Callable], Callable]:
    return user_errors(lambda message: {tab.parts["notice"]: markup.notice(message, "error"), tab.parts["file"]: None})


def _wire_files(studio: Studio, tab: DataTab) -> None:
    """Every way to open a file."""
    p, refuse = tab.parts, _errors_on_data_tab(tab)

    @refuse
    def upload(path: str | None, draft: str | None, *split: Any) -> dict:
        if not path:
            return {p["notice"]: markup.notice("No file was chosen. Choose a table, or open the sample.", "info")}
        name = Path(path).name
        return _opened(studio, tab, name, lambda: studio.open_files(owner(), {"main": (name, Path(path))}), draft, *split)

    @refuse
    def ways_in(press: gr.EventData, draft: str | None, *split: Any) -> dict:
        if press.action not in ("sample", "messy"):
            return gr.skip()  # the first model of the sample concerns other tabs too
        return _opened(studio, tab, "", lambda: studio.open_sample(owner(), messy=press.action == "messy"), draft, *split)

    @refuse
    def fetch(name: str | None, draft: str | None, *split: Any) -> dict:
        if not name:
            raise UserError("Choose a data set from the list, or write its name, first.", code="no_dataset")
        return _opened(studio, tab, "", lambda: studio.open_hub_dataset(owner(), find_dataset(name)), draft, *split)

    @refuse
    def test_file(path: str, draft: str | None, *split: Any) -> dict:
        return _given(studio, tab, "test", path, draft, *split)

    @refuse
    def validation_file(path: str, draft: str | None, *split: Any) -> dict:
        return _given(studio, tab, "validation", path, draft, *split)

    held = [tab.draft, *tab.form]
    for event, opens, inputs in (
        (p["file"].upload, upload, [p["file"], *held]),
        (tab.start_buttons.click, ways_in, held),
        (p["fetch"].click, fetch, [p["hub"], *held]),
    ):
        event(opens, inputs, tab.shown, **PRIVATE_EVENT_MULTIPLE).then(None, js=_TO_TOP, **PRIVATE_EVENT)
    p["test_file"].upload(test_file, [p["test_file"], *held], tab.shown, **PRIVATE_EVENT_MULTIPLE)
    p["validation_file"].upload(validation_file, [p["validation_file"], *held], tab.shown, **PRIVATE_EVENT_MULTIPLE)


def _opened(studio: Studio, tab: DataTab, name: str, opens: Callable[[], PreparedDraft], draft: str | None, *split: Any) -> dict:
    """Updates that show a new file. Where it cannot be opened nothing else is open in its place, but the one before is within reach."""
    before = draft or studio.latest_draft(owner())
    try:
        return show(tab, opens(), *split)
    except UserError as error:
        studio.close_draft(owner())
        drafts = studio.drafts(owner())
        still = next((one for one in drafts if one.id == before), None)
        rows = 0 if still is None else len(studio.prepared_draft(owner(), still.id).table.rows)
        notice = no_file_view.refused(name, error.message, still=still, rows=rows)
        return show_empty(tab, drafts, notice=notice, wrong=sentences(error.message)[0])


def _given(studio: Studio, tab: DataTab, role: Any, path: str | None, draft: str | None, *split: Any) -> dict:
    if not path:
        raise UserError("Choose a file first.", code="no_file")
    name = Path(path).name
    try:
        return show(tab, studio.add_file(owner(), current_draft(studio, draft), role, name, Path(path)), *split)
    except UserError as error:
        return {tab.parts["notice"]: no_file_view.refused(name, error.message)}


def _wire_drafts(studio: Studio, tab: DataTab) -> None:
    """Files opened before, and the one that is open: opened again, closed, removed."""
    p = tab.parts

    @_errors_on_data_tab(tab)
    def press(event: gr.EventData, draft: str | None, *split: Any) -> dict:
        if event.action in ("reopen", "retry"):
            draft = studio.reopen(owner(), event.code, force=event.action == "retry").draft.id
            return {tab.reopened: f"{draft} {secrets.token_hex(4)}", p["notice"]: ""}
        if event.action == "remove":
            studio.remove_draft(owner(), event.code)
            return show_empty(tab, studio.drafts(owner()))
        if event.action == "remove_file":
            return show(tab, studio.remove_file(owner(), current_draft(studio, draft), event.code), *split)
        if event.action == "close":
            studio.close_draft(owner())
        return show_empty(tab, studio.drafts(owner()))

    for component in (p["notice"], p["drafts"], p["summary"]):
        component.click(press, [tab.draft, *tab.form], tab.shown, **PRIVATE_EVENT)
    for event in (p["summary"].click, tab.reopened.change):
        event(None, js=_TO_TOP, **PRIVATE_EVENT)


def _wire_choices(studio: Studio, tab: DataTab) -> None:
    """Columns, repairs, names of classes, the split."""
    p, refuse = tab.parts, _errors_on_data_tab(tab)

    @refuse
    def choose_text(draft: str | None, text: str, more: str | None, *split: Any) -> dict:
        columns = [_position(chosen) for chosen in (text, more) if chosen]
        return show(tab, studio.set_columns(owner(), current_draft(studio, draft), text=tuple(dict.fromkeys(columns))), *split)

    @refuse
    def choose_label(draft: str | None, label: str, *split: Any) -> dict:
        return show(tab, studio.set_columns(owner(), current_draft(studio, draft), label=_position(label)), *split)

    @refuse
    def rename(draft: str | None, rows: list, *split: Any) -> dict:
        given = {str(label): str(name).strip() for label, name in rows or [] if str(name).strip() and label != name}
        return show(tab, studio.name_classes(owner(), current_draft(studio, draft), given), *split)

    @refuse
    def act(press: gr.EventData, draft: str | None, *split: Any) -> dict:
        if press.action in ("set", "train"):
            return gr.skip()  # these concern the Train tab
        return show(tab, _done(studio, current_draft(studio, draft), press.action, press.code), *split)

    @refuse
    def resplit(draft: str | None, *split: Any) -> dict:
        return show_split(tab, studio.prepared_draft(owner(), current_draft(studio, draft)), *split)

    held = [tab.draft, *tab.form]
    for component in (tab.findings, tab.footer):
        component.click(act, held, tab.shown, **PRIVATE_EVENT)
    for column in (p["text"], p["extra_text_columns"]):
        column.input(choose_text, [tab.draft, p["text"], p["extra_text_columns"], *tab.form], tab.shown, **PRIVATE_EVENT_MULTIPLE)
    p["label"].input(choose_label, [tab.draft, p["label"], *tab.form], tab.shown, **PRIVATE_EVENT_MULTIPLE)
    p["rename"].click(rename, [tab.draft, p["names"], *tab.form], tab.shown, **PRIVATE_EVENT)
    for component in tab.form:
        component.input(resplit, held, tab.resplit, **PRIVATE_EVENT_MULTIPLE)


def _done(studio: Studio, draft: str, action: str, code: str) -> PreparedDraft:
    """The prepared after a press in the checklist. A page may be older than its server: what it does not know changes nothing."""
    if action == "repair_all":
        return studio.repair(owner(), draft, [finding.code for finding in repairable(studio.prepared_draft(owner(), draft))])
    if action == "repair":
        return studio.repair(owner(), draft, code.split())
    if action == "accept":
        return studio.dismiss(owner(), draft, code)
    if action in ("confirm", "label"):
        columns = studio.prepared_draft(owner(), draft).columns
        if columns is None:
            raise UserError("Choose the columns from the lists above.", code="no_columns")
        label = int(code) if action == "label" and code.isdecimal() else columns.label
        return studio.set_columns(owner(), draft, text=(columns.text, *columns.extra_text_columns), label=label)
    return studio.undo(owner(), draft, [code])


def _position(chosen: str) -> int | str:
    """A column as the list of columns names it: "#3" by position. What somebody typed there is a name."""
    return int(chosen[1:]) if chosen[:1] == "#" and chosen[1:].isdecimal() else chosen
