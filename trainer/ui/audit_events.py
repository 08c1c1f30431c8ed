"""The events of the tab Check labels: start and stop a check, save decisions, train again with them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any, get_args

import gradio as gr

from trainer.audit.apply_decisions import count_decisions
from trainer.audit.decisions import Action, RowKey
from trainer.audit.suspects import AuditResult
from trainer.cache import SingleFlightCache
from trainer.data.corpus import FileRole
from trainer.drafts.label_editor import MAX_ROWS_AT_ONCE, LabelState
from trainer.errors import FileError, UserError
from trainer.presets import LEVELS
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.studio import Studio
from trainer.ui import audit_state, audit_view, comparison_view, data_tab, html_pieces, run_names
from trainer.ui.audit_state import AuditState
from trainer.ui.audit_tab import AuditTab
from trainer.ui.components import Page
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, in_turn, user_errors

_MAX_RESULTS = 4
_DEEP_TRAININGS = 5
"""Of a deep check, one for each fold."""
_TO_TOP = "() => { document.dispatchEvent(new CustomEvent('emotune:response')); scrollTo({ top: 0, behavior: 'instant' }); }"


def wire(studio: Studio, page: Page, tab_item: gr.Tab, refresh_event: dict[str, Any]) -> None:
    """Wire the tab; ``refresh_event`` updates the page."""
    tab, results = page.labels, SingleFlightCache[AuditResult](_MAX_RESULTS)
    errors_on_tab = user_errors(lambda message: {tab.head: html_pieces.notice(message, "error")})

    @errors_on_tab
    def show_all(draft: str | None) -> dict:
        return show(studio, tab, results, draft, shown="")

    @errors_on_tab
    def update(draft: str | None, shown: str) -> dict:
        return show(studio, tab, results, draft, shown=shown)

    tab_item.select(show_all, page.data.draft, tab.outputs, **in_turn("labels"), **PRIVATE_EVENT_MULTIPLE)
    # Only what the tab does not show yet.
    tab.version.change(update, [page.data.draft, tab.shown], tab.outputs, trigger_mode="always_last", **in_turn("labels"), **PRIVATE_EVENT)
    _wire_buttons(studio, page, results, errors_on_tab, refresh_event)
    _wire_decisions(studio, page, results)


def show(studio: Studio, tab: AuditTab, results: SingleFlightCache[AuditResult], draft: str | None, *, shown: str) -> dict:
    """Updates that show the check of a draft, or what to do first; not the table if ``shown`` says that the page shows it already."""
    workspace = current_workspace(studio)
    draft_id = draft or workspace.drafts.latest_id()
    if draft_id is None:
        return _without_table(tab, audit_view.no_file_html(), audit_view.no_file_footer())
    state = audit_state.read(workspace, draft_id, results)
    if state.labels is None:
        return _without_table(tab, audit_view.no_file_html(), audit_view.check_footer(0, None, ready=False, problem=state.problem))
    return _show_check(studio, tab, state, shown)


def _show_check(studio: Studio, tab: AuditTab, state: AuditState, shown: str) -> dict:
    workspace, name = current_workspace(studio), state.labels.prepared.draft.main.name
    rows = len(state.labels.prepared.require_corpus())
    notices = html_pieces.notice(state.problem, "error")
    head = ""
    if state.is_checking:
        head = audit_view.running_html(state.job, name, waiting=audit_state.waiting_words(workspace, state.job))
    elif state.result is None:
        head = audit_view.ready_html(name, rows)
    if state.job is not None and not state.job.live and state.job.status != "finished":
        head += audit_view.ended_html(state.job)
    if state.proof is not None:
        head += audit_view.proof_html(state.proof, run_names.titles_by_id(workspace.library.runs()))
    if state.result is None:
        footer = audit_view.check_footer(rows, audit_state.quick_seconds(state), ready=True) if not state.is_checking else ""
        return _without_table(tab, head + notices, footer)
    if shown == state.token:
        table = {}
    elif shown.partition(" ")[0] == state.token.partition(" ")[0]:
        table = {tab.saved: audit_view.saved_json(state.labels, state.labels.prepared.draft.id)}
    else:
        parts, suspects = audit_state.parts(workspace, state), audit_state.keyed_suspects(state)
        table = {tab.table: audit_view.table_json(state.result, state.labels, state.audit_id, parts, suspects)}
    return {
        tab.head: head + notices + audit_view.notes_html(state.result, state.labels.decisions, is_current=state.is_current),
        **table,
        tab.below: _below(studio, state),
        tab.footer: _footer(studio, state),
        tab.shown: state.token,
    }


def _without_table(tab: AuditTab, head: str, footer: str) -> dict:
    return {tab.head: head, tab.table: "", tab.below: "", tab.footer: footer, tab.shown: ""}


def _below(studio: Studio, state: AuditState) -> str:
    draft_id = state.labels.prepared.draft.id
    deeper = ""
    if not state.is_checking:
        seconds = None
        with suppress(UserError):  # the encoder of the run before is gone, which a check says
            seconds = current_workspace(studio).estimate_seconds(draft_id, _recipe(studio, draft_id, state.before)[0])
        deeper = audit_view.deeper_html(deep=state.result.method == "deep", seconds=None if seconds is None else _DEEP_TRAININGS * seconds)
    return audit_view.take_away_html(draft_id, state.labels.decisions) + deeper


def _footer(studio: Studio, state: AuditState) -> str:
    """What is decided, and the button that trains with it."""
    labels, splits = state.labels, audit_state.splits(current_workspace(studio), state)
    counts = count_decisions(labels.prepared.require_corpus(), labels.decisions, splits)
    running = audit_view.running_training(state.proof)
    return audit_view.footer_html(counts, labels.decisions, first_training=state.before is None, running=running)


# Checks and trainings


def _wire_buttons(
    studio: Studio, page: Page, results: SingleFlightCache[AuditResult], errors_on_tab: Any, refresh_event: dict[str, Any]
) -> None:
    tab, compared = page.labels, page.runs.comparison
    outputs = [*tab.outputs, page.tabs, page.train.watched, page.frame.model, *compared.outputs]

    @errors_on_tab
    def handle_button(event: gr.EventData, draft: str | None, shown: str, score_name: str) -> dict:
        workspace = current_workspace(studio)
        action, code = event.action, event.code
        if action == "to-data":
            return {page.tabs: gr.Tabs(selected="data")}
        if action == "watch":
            return {page.tabs: gr.Tabs(selected="train"), page.train.watched: code}
        if action == "results":
            return {page.tabs: gr.Tabs(selected="results"), page.frame.model: code}
        if action == "compare":
            runs = code.split()
            titles = run_names.titles_by_id(workspace.library.runs())
            return {
                page.tabs: gr.Tabs(selected="runs"),
                **comparison_view.show(compared, workspace.library.compare(runs), titles, score_name),
            }
        draft_id = data_tab.current_draft(studio, draft)
        if action in ("check", "deep"):
            # The test rows say nothing about the labels of others: a score on them would not be honest otherwise.
            workspace.label_checks.start(
                draft_id, _recipe(studio, draft_id, workspace.proof.run_before(draft_id))[0], deep=action == "deep"
            )
        elif action == "stop":
            workspace.jobs.stop(code)
        elif action == "train-again":
            workspace.proof.train_again(draft_id, lambda: _recipe(studio, draft_id, None))
        return show(studio, tab, results, draft_id, shown=shown)

    clicks = [html.click for html in (tab.head, tab.below, tab.footer)]
    pressed = gr.on(
        clicks, handle_button, [page.data.draft, tab.shown, compared.score_name], outputs, **in_turn("labels"), **PRIVATE_EVENT_MULTIPLE
    )
    pressed.then(None, None, None, js=_TO_TOP, **PRIVATE_EVENT).then(**refresh_event)


def _recipe(studio: Studio, draft_id: str, before: RunView | None) -> tuple[Recipe, str]:
    """The recipe and the level of the run before or, for a file on which no model was trained yet, the quickest."""
    if before is not None:
        return current_workspace(studio).library.recipe(before.id), before.level
    level = LEVELS[0]
    base = Recipe.from_dict({"encoder": studio.encoders.default.name})
    return current_workspace(studio).recipe_for_level(draft_id, level, base)[0], level


# Decisions


def _wire_decisions(studio: Studio, page: Page, results: SingleFlightCache[AuditResult]) -> None:
    """Save what is decided in the table. The answer also tells what could not be saved, so that the table shows what the server has."""
    tab = page.labels

    def save(event: gr.EventData, shown: str) -> dict:
        request = _read_request(event.code)
        number, draft_id = request["number"], request["draft"]
        try:
            before = audit_state.read(current_workspace(studio), draft_id, results)
            _require_shown(before, request)
            labels = _save(studio, before, request, getattr(event, "value", "") or "")
        except UserError as error:
            return {tab.saved: _answer_of_failure(studio, draft_id, number, error.message)}
        after = replace(before, labels=labels, size=current_workspace(studio).labels.size(draft_id))
        # Another window may have decided something since this one was told.
        rows = request["rows"] if shown == before.token else None
        return {
            tab.saved: audit_view.saved_json(labels, draft_id, number=number, rows=rows),
            tab.footer: _footer(studio, after),
            tab.below: _below(studio, after),
            tab.shown: after.token,
        }

    on_error = user_errors(lambda message: {tab.head: html_pieces.notice(message, "error")})
    tab.table.click(
        on_error(save), tab.shown, [tab.saved, tab.footer, tab.below, tab.shown, tab.head], **in_turn("labels"), **PRIVATE_EVENT_MULTIPLE
    )


def _save(studio: Studio, state: AuditState, request: Mapping[str, Any], label: str) -> LabelState:
    editor, draft_id, action, rows = current_workspace(studio).labels, request["draft"], request["action"], request["rows"]
    name = request["name"]
    if action in get_args(Action):
        wanted = set(rows)
        reasons = {key: suspect.why for key, suspect in audit_state.keyed_suspects(state) if key in wanted}
        return editor.decide(draft_id, rows, action, label=label, reasons=reasons)
    changes = {
        "undo": lambda: editor.take_back(draft_id, rows),
        "rename": lambda: editor.rename_class(draft_id, name, label),
        "restore": lambda: editor.restore_class(draft_id, name),
        "add": lambda: editor.add_class(draft_id, name),
        "define": lambda: editor.define(draft_id, name, label),
        "define-from": lambda: editor.define_from_column(draft_id, name),
    }
    if action not in changes:
        raise FileError("There is no such decision. Use the buttons of the page.", code="unknown_form")
    return changes[action]()


def _require_shown(state: AuditState, request: Mapping[str, Any]) -> None:
    """Raise UserError ``not_a_decision`` if the window shows other rows than the draft has now: other texts, or the labels of another column."""
    if state.labels is not None and request["version"] != state.labels.prepared.draft.version:
        raise FileError(
            "The columns, repairs or names of this file were changed since this list was drawn. Reload the page and decide again.",
            code="not_a_decision",
        )


def _answer_of_failure(studio: Studio, draft_id: str, number: int, message: str) -> str:
    """The answer to an event that was not saved: the reason, and what the server has, if it still has the draft."""
    error = f"Not saved. {message}"
    try:
        return audit_view.saved_json(current_workspace(studio).labels.state(draft_id), draft_id, number=number, error=error)
    except UserError:
        return audit_view.saved_json(None, draft_id, number=number, error=error)


def _read_request(code: str) -> dict[str, Any]:
    """What the table sends: the number of the event, the draft, the action, and the rows or the class. Raises UserError ``wrong_values``."""
    try:
        request = json.loads(code)
        rows = [_read_key(row) for row in request.get("rows") or []]
        values = {
            "number": int(request["number"]),
            **{name: str(request.get(name) or "") for name in ("draft", "version", "action", "name")},
            "rows": rows,
        }
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as error:
        raise _not_understood() from error
    if len(rows) > MAX_ROWS_AT_ONCE:
        raise _not_understood()
    return values


def _read_key(row: Any) -> RowKey:
    file, number = str(row).split(":")
    if file not in get_args(FileRole) or not (number.isascii() and number.isdigit() and len(number) < 16):
        raise ValueError("no row")
    return file, int(number)


def _not_understood() -> FileError:
    return FileError("This decision was not understood, and nothing was saved. Reload the page and decide again.", code="not_a_decision")
