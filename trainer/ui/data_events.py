"""Event handlers of the Data tab that concern no other tab."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gradio as gr

from trainer.data.hub_datasets import find_dataset
from trainer.data.numbered_names import parse_numbered_names, read_numbered_names
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import FileError, UserError
from trainer.studio import Studio
from trainer.text_format import split_first_sentence
from trainer.ui import data_view, html_pieces, no_file_view, part_picker
from trainer.ui.data_tab import DataTab, current_draft, label_choices, show_draft, show_empty, show_split, split_fractions
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors
from trainer.ui.readiness import assess_readiness, repairable_findings
from trainer.ui.uploads import column_of

_SCROLL_TO_TOP = "() => scrollTo({ top: 0, behavior: 'instant' })"
"""A new file is shown from its heading on, wherever the page was scrolled to."""


def wire(studio: Studio, tab: DataTab) -> None:
    """Wire the events that concern this tab alone."""
    _wire_files(studio, tab)
    _wire_drafts(studio, tab)
    _wire_parts(studio, tab)
    _wire_choices(studio, tab)
    _wire_names(studio, tab)


def _errors_on_data_tab(tab: DataTab) -> Callable[[Callable], Callable]:
    return user_errors(lambda message: {tab.parts["notice"]: html_pieces.notice(message, "error"), tab.parts["file"]: None})


def _wire_files(studio: Studio, tab: DataTab) -> None:
    """Every way to open a file."""
    p, handler = tab.parts, _errors_on_data_tab(tab)

    @handler
    def upload_file(path: str | None, draft: str | None, *split: Any) -> dict:
        if not path:
            return {p["notice"]: html_pieces.notice("No file is chosen. Choose a table, or open the sample.", "info")}
        name = Path(path).name
        return _show_opened(
            studio, tab, name, lambda: current_workspace(studio).drafts.open_files({"main": (name, Path(path))}), draft, *split
        )

    @handler
    def open_sample(event: gr.EventData, draft: str | None, *split: Any) -> dict:
        if event.action not in ("sample", "messy"):
            return gr.skip()  # "quick" concerns other tabs too
        return _show_opened(
            studio, tab, "", lambda: current_workspace(studio).drafts.open_sample(messy=event.action == "messy"), draft, *split
        )

    @handler
    def fetch_dataset(name: str | None, draft: str | None, *split: Any) -> dict:
        if not name:
            raise FileError("First choose a data set from the list, or type its name.", code="no_dataset")
        return _show_opened(studio, tab, "", lambda: current_workspace(studio).drafts.open_hub_dataset(find_dataset(name)), draft, *split)

    @handler
    def add_test_file(path: str, draft: str | None, *split: Any) -> dict:
        return _add_file(studio, tab, "test", path, draft, *split)

    @handler
    def add_validation_file(path: str, draft: str | None, *split: Any) -> dict:
        return _add_file(studio, tab, "validation", path, draft, *split)

    draft_and_form = [tab.draft, *tab.form]
    for listener, open_file, inputs in (
        (p["file"].upload, upload_file, [p["file"], *draft_and_form]),
        (tab.start_buttons.click, open_sample, draft_and_form),
        (p["fetch"].click, fetch_dataset, [p["hub"], *draft_and_form]),
    ):
        listener(open_file, inputs, tab.outputs, **PRIVATE_EVENT_MULTIPLE).then(None, js=_SCROLL_TO_TOP, **PRIVATE_EVENT)
    p["test_file"].upload(add_test_file, [p["test_file"], *draft_and_form], tab.outputs, **PRIVATE_EVENT_MULTIPLE)
    p["validation_file"].upload(add_validation_file, [p["validation_file"], *draft_and_form], tab.outputs, **PRIVATE_EVENT_MULTIPLE)


def _show_opened(studio: Studio, tab: DataTab, name: str, open_draft: Callable[[], PreparedDraft], draft: str | None, *split: Any) -> dict:
    """Updates that show a new file. If it cannot be opened, no file is open, and a button leads back to the previous one."""
    workspace = current_workspace(studio)
    previous_id = draft or workspace.drafts.latest_id()
    try:
        return show_draft(tab, open_draft(), *split)
    except UserError as error:
        workspace.drafts.close()
        drafts = workspace.drafts.summaries()
        previous = next((summary for summary in drafts if summary.id == previous_id), None)
        rows = 0 if previous is None else len(workspace.drafts.get(previous.id).table.rows)
        notice = no_file_view.open_error(name, error.message, previous=previous, rows=rows)
        return show_empty(tab, drafts, notice=notice, error=split_first_sentence(error.message)[0])


def _add_file(studio: Studio, tab: DataTab, role: Any, path: str | None, draft: str | None, *split: Any) -> dict:
    if not path:
        raise FileError("Choose a file first.", code="no_file")
    name = Path(path).name
    try:
        return show_draft(tab, current_workspace(studio).editor.add_file(current_draft(studio, draft), role, name, Path(path)), *split)
    except UserError as error:
        return {tab.parts["notice"]: no_file_view.open_error(name, error.message)}


def _wire_drafts(studio: Studio, tab: DataTab) -> None:
    """Reopen, close or remove a file: the open one or one that was opened before."""
    p = tab.parts

    @_errors_on_data_tab(tab)
    def handle_button(event: gr.EventData, draft: str | None, *split: Any) -> dict:
        workspace = current_workspace(studio)
        if event.action in ("reopen", "retry"):
            draft = workspace.drafts.reopen(event.code, force=event.action == "retry").draft.id
            # The notice stays until the file is shown: a user who saw it go might open another file, and this one would then replace it.
            return {tab.reopened: f"{draft} {secrets.token_hex(4)}"}
        if event.action == "remove":
            workspace.drafts.remove(event.code)
            return show_empty(tab, workspace.drafts.summaries())
        if event.action == "remove_file":
            return show_draft(tab, workspace.editor.remove_file(current_draft(studio, draft), event.code), *split)
        if event.action == "close":
            workspace.drafts.close()
        return show_empty(tab, workspace.drafts.summaries())

    for component in (p["notice"], p["drafts"], p["summary"]):
        component.click(handle_button, [tab.draft, *tab.form], tab.outputs, **PRIVATE_EVENT)
    for listener in (p["summary"].click, tab.reopened.change):
        listener(None, js=_SCROLL_TO_TOP, **PRIVATE_EVENT)


def _wire_parts(studio: Studio, tab: DataTab) -> None:
    """Read another sheet, file of a zip or list of a JSON file. After a refusal the list shows again what is read."""
    parts = tab.parts["parts"]

    @_errors_on_data_tab(tab)
    def choose_part(event: gr.EventData, draft: str | None, *split: Any) -> dict:
        workspace, draft = current_workspace(studio), current_draft(studio, draft)
        role = part_picker.ROLES_BY_ACTION.get(event.action)
        if role is None:
            return gr.skip()
        try:
            return show_draft(tab, workspace.editor.choose_part(draft, event.code or None, role), *split)
        except UserError as error:
            picker = part_picker.picker_html(workspace.drafts.get(draft), is_refused=True)
            return {parts: picker, tab.parts["notice"]: html_pieces.notice(error.message, "error")}

    parts.click(choose_part, [tab.draft, *tab.form], tab.outputs, **PRIVATE_EVENT_MULTIPLE)


def _wire_choices(studio: Studio, tab: DataTab) -> None:
    """Choose columns, say how many labels a text may have, repair findings, change the split."""
    p, handler = tab.parts, _errors_on_data_tab(tab)

    @handler
    def set_text_columns(draft: str | None, text: str, extra: str | None, *split: Any) -> dict:
        workspace, draft_id = current_workspace(studio), current_draft(studio, draft)
        chosen = tuple(dict.fromkeys(column_of(choice) for choice in (text, extra) if choice))
        read = workspace.drafts.get(draft_id).columns
        # A list that is left tells its value again, which is no choice.
        if read is not None and chosen == (read.text, *read.extra_text_columns):
            return gr.skip()
        return show_draft(tab, workspace.editor.set_columns(draft_id, text_columns=chosen), *split)

    @handler
    def set_label_column(draft: str | None, label: str, *split: Any) -> dict:
        workspace, draft_id, chosen = current_workspace(studio), current_draft(studio, draft), column_of(label)
        read = workspace.drafts.get(draft_id).columns
        if read is not None and read.label_columns == (chosen,):
            return gr.skip()
        return show_draft(tab, workspace.editor.set_columns(draft_id, label_column=chosen), *split)

    @handler
    def set_label_columns(draft: str | None, labels: list[str] | None, *split: Any) -> dict:
        return _set_label_columns(studio, tab, current_draft(studio, draft), labels or [], *split)

    @handler
    def choose_task(event: gr.EventData, draft: str | None, *split: Any) -> dict:
        if event.action == "cut":
            return _choose_cut(studio, tab, current_draft(studio, draft), event.code, *split)
        if event.action != "task":
            return gr.skip()
        return show_draft(tab, current_workspace(studio).editor.choose_task(current_draft(studio, draft), event.code), *split)

    @handler
    def act_on_finding(event: gr.EventData, draft: str | None, *split: Any) -> dict:
        if event.action in ("set", "train"):
            return gr.skip()  # these concern the Train tab
        return show_draft(tab, _apply_action(studio, current_draft(studio, draft), event.action, event.code), *split)

    @user_errors(lambda message: {p["notice"]: html_pieces.notice(message, "error")})
    def resplit(draft: str | None, *split: Any) -> dict:
        return show_split(tab, current_workspace(studio).drafts.get(current_draft(studio, draft)), *split)

    draft_and_form = [tab.draft, *tab.form]
    for component in (tab.findings, tab.footer):
        component.click(act_on_finding, draft_and_form, tab.outputs, **PRIVATE_EVENT)
    for column in (p["text"], p["extra_text_columns"]):
        column.input(set_text_columns, [tab.draft, p["text"], p["extra_text_columns"], *tab.form], tab.outputs, **PRIVATE_EVENT_MULTIPLE)
    p["label"].input(set_label_column, [tab.draft, p["label"], *tab.form], tab.outputs, **PRIVATE_EVENT_MULTIPLE)
    # Of the list of several, the key that takes the last one away, and a name that is typed, are no input: they are seen when it is left.
    chosen = [p["labels"].input, p["labels"].blur]
    gr.on(chosen, set_label_columns, [tab.draft, p["labels"], *tab.form], tab.outputs, **PRIVATE_EVENT_MULTIPLE)
    p["readiness"].click(choose_task, draft_and_form, tab.outputs, **PRIVATE_EVENT_MULTIPLE)
    for component in tab.form:
        component.input(resplit, draft_and_form, [p["notice"], *tab.split_outputs], **PRIVATE_EVENT_MULTIPLE)


def _set_label_columns(studio: Studio, tab: DataTab, draft: str, labels: list[str], *split: Any) -> dict:
    """Updates after other label columns were chosen, all of which hold the labels of a text together."""
    workspace, component = current_workspace(studio), tab.parts["labels"]
    read = label_choices(workspace.drafts.get(draft))
    if labels == read:
        return gr.skip()
    if not labels:
        said = "No label column is chosen, so those that were read stay. Choose at least one from the list."
        return {component: read, tab.parts["notice"]: html_pieces.notice(said, "error")}
    prepared = workspace.editor.set_columns(draft, label_column=tuple(map(column_of, labels)))
    updates = show_draft(tab, prepared, *split)
    if label_choices(prepared) == labels:
        # The list shows it, or what was chosen since: that must not be taken away.
        del updates[component]
    return updates


def _choose_cut(studio: Studio, tab: DataTab, draft: str, cut: str, *split: Any) -> dict:
    """Updates after another cut of scores was typed. Its field shows what is read then, also after a refusal and where it is the same as before."""
    workspace = current_workspace(studio)
    try:
        prepared = workspace.editor.choose_cut(draft, cut)
        updates = show_draft(tab, prepared, *split)
    except UserError as error:
        prepared = workspace.drafts.get(draft)
        updates = {tab.parts["notice"]: html_pieces.notice(error.message, "error")}
    readiness = assess_readiness(prepared, split_fractions(*split))
    return updates | {tab.parts["readiness"]: data_view.readiness_html(prepared, readiness, is_cut_typed=True)}


def _wire_names(studio: Studio, tab: DataTab) -> None:
    """Name classes that are numbers: one by one, by pasted lines or by a file of names."""
    p, handler = tab.parts, _errors_on_data_tab(tab)

    @handler
    def name_classes(draft: str | None, rows: list, pasted: str | None, *split: Any) -> dict:
        names = parse_numbered_names(pasted or "")
        names = names or {str(label): str(name).strip() for label, name in rows or [] if str(name).strip() and label != name}
        return show_draft(tab, current_workspace(studio).editor.name_classes(current_draft(studio, draft), names), *split)

    @handler
    def name_classes_by_file(path: str | None, draft: str | None, *split: Any) -> dict:
        if not path:
            raise FileError("Choose a file first.", code="no_file")
        names = read_numbered_names(Path(path))
        return show_draft(tab, current_workspace(studio).editor.name_classes(current_draft(studio, draft), names), *split)

    p["rename"].click(name_classes, [tab.draft, p["names"], p["pasted_names"], *tab.form], tab.outputs, **PRIVATE_EVENT)
    p["names_file"].upload(name_classes_by_file, [p["names_file"], tab.draft, *tab.form], tab.outputs, **PRIVATE_EVENT_MULTIPLE)


def _apply_action(studio: Studio, draft: str, action: str, code: str) -> PreparedDraft:
    """The draft after a press on a finding's button. A page may be older than its server: an unknown action changes nothing."""
    workspace = current_workspace(studio)
    if action == "repair_all":
        return workspace.editor.repair(draft, [finding.code for finding in repairable_findings(workspace.drafts.get(draft))])
    if action == "repair":
        return workspace.editor.repair(draft, code.split())
    if action == "dismiss_finding":
        return workspace.editor.dismiss(draft, code)
    if action == "label" and code.isdecimal() and (columns := workspace.drafts.get(draft).columns) is not None:
        return workspace.editor.set_columns(draft, text_columns=(columns.text, *columns.extra_text_columns), label_column=int(code))
    if action in ("confirm", "label"):
        return workspace.editor.confirm_columns(draft)
    return workspace.editor.undo(draft, [code])
