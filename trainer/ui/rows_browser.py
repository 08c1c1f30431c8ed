"""The browser of rows on the Results tab: filters, the rows of a cell of the confusion matrix, page by page. ``rows_view`` makes its HTML."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.evaluation.mistakes import NO_LABEL, RowFilter, find_rows
from trainer.studio import Studio
from trainer.ui import html_pieces, open_row, pages_by_task, rows_view, shown_rows
from trainer.ui.buttons import html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, event_number, in_turn, user_errors
from trainer.ui.open_row_view import OpenRow

_ANY = -1
_SHOWN = {"Mistakes": "mistakes", "Right": "right", "All": "all"}
_CONFIDENCES = {"any": 0.0, "at least 50 %": 0.5, "at least 70 %": 0.7, "at least 90 %": 0.9, "at least 99 %": 0.99}
_ORDERS = {"Most confident first": "surest", "Least confident first": "least_sure", "By row number": "row"}
_SCROLL = "() => document.querySelector('#found-rows .em-rows-head')?.scrollIntoView({ block: 'start', behavior: 'instant' })"
"""After a press on a cell, which may be far above its rows."""
_FOCUS = "() => document.querySelector('#found-rows .em-rows-head[data-focus]')?.focus()"
_TICK_SECONDS = 1.0


@dataclass(frozen=True)
class RowsBrowser:
    """The components that the Results tab reads or writes."""

    split: gr.Radio
    label: gr.Dropdown
    predicted: gr.Dropdown
    confidence: gr.Dropdown
    word: gr.Textbox
    order: gr.Dropdown
    shown: gr.Radio
    rows: gr.HTML
    """Its ``click`` event carries ``action`` "page" and the page as ``code``, or an action of ``open_row_view``."""
    opened: gr.State
    """The code of the OpenRow; empty if no row is open."""
    timer: gr.Timer
    """Runs while the similar rows of an open row are on their way."""

    @property
    def filters(self) -> list[Any]:
        """What ``read_filter`` reads, in its order."""
        return [self.label, self.predicted, self.confidence, self.word, self.order, self.shown]

    @property
    def found(self) -> list[Any]:
        """What ``_found`` updates."""
        return [self.rows, self.opened, self.timer]


def build(split: gr.Radio) -> RowsBrowser:
    """Lay the filters and the rows out; ``split`` says which rows are shown, a value of ``shown_rows``."""
    with gr.Row(elem_id="row-filters"):
        label = gr.Dropdown([("any", _ANY)], value=_ANY, label="Label", elem_id="rows-label", min_width=120, allow_custom_value=True)
        predicted = gr.Dropdown(
            [("any", _ANY)], value=_ANY, label="Prediction", elem_id="rows-predicted", min_width=120, allow_custom_value=True
        )
        confidence = gr.Dropdown(list(_CONFIDENCES), value="any", label="Probability", elem_id="rows-confidence", min_width=120)
        word = gr.Textbox("", label="Word in the text", elem_id="rows-word", min_width=120, max_length=200)
        order = gr.Dropdown(list(_ORDERS), value=next(iter(_ORDERS)), label="Order", elem_id="rows-order", min_width=150)
    shown = gr.Radio(list(_SHOWN), value="Mistakes", show_label=False, label="Which rows", container=False, elem_id="rows-shown")
    rows = html_with_buttons("", elem_id="found-rows")
    state = (gr.State(""), gr.Timer(_TICK_SECONDS, active=False))
    return RowsBrowser(split, label, predicted, confidence, word, order, shown, rows, *state)


def wire(studio: Studio, browser: RowsBrowser, run: gr.Textbox, matrix: gr.HTML, confusions: gr.HTML) -> None:
    """Every way to rows: a filter, a page, a cell of the ``matrix``, one of the ``confusions``; another run; and an opened row."""
    with_notice = user_errors(lambda message: {browser.rows: html_pieces.notice(message, "error")})
    inputs = [run, browser.split, *browser.filters]

    @with_notice
    def search(run_id: str, split: str, *filters: Any) -> dict:
        return _found(studio, browser, run_id, split, read_filter(*filters))

    @with_notice
    def press(event: gr.EventData, opened: str, run_id: str, split: str, *filters: Any) -> dict:
        if event.action == "page":
            return _found(studio, browser, run_id, split, read_filter(*filters), page=event_number(event), focus=True)
        return _press_in_row(studio, browser, event.action, OpenRow.parse(event.code), opened, run_id, split, read_filter(*filters))

    @with_notice
    def show_found_meanwhile(opened: str, run_id: str, split: str, *filters: Any) -> dict:
        return _found(studio, browser, run_id, split, read_filter(*filters), opened=OpenRow.parse(opened))

    @with_notice
    def open_cell(event: gr.EventData, run_id: str, split: str) -> Any:
        classes = event.code.split()
        if len(classes) != 2 or not all(part == str(_ANY) or part.isdecimal() for part in classes):
            return gr.skip()
        return _open_cell(studio, browser, run_id, split, *map(int, classes))

    @with_notice
    def reset(run_id: str, split: str) -> dict:
        # Another run was judged on other files.
        return reset_rows(studio, browser, run_id, shown_rows.TEST if shown_rows.evaluation_of(split) else split)

    outputs, found = [*browser.filters, *browser.found], browser.found
    one_by_one = in_turn("results")
    choices = (browser.split, browser.label, browser.predicted, browser.confidence, browser.order, browser.shown)
    gr.on([choice.input for choice in choices], search, inputs, found, **one_by_one, **PRIVATE_EVENT_MULTIPLE)
    browser.word.change(search, inputs, found, trigger_mode="always_last", **one_by_one, **PRIVATE_EVENT)
    pressed = browser.rows.click(press, [browser.opened, *inputs], found, **one_by_one, **PRIVATE_EVENT_MULTIPLE)
    pressed.then(None, None, None, js=_FOCUS, **PRIVATE_EVENT)
    browser.timer.tick(show_found_meanwhile, [browser.opened, *inputs], found, **one_by_one, **PRIVATE_EVENT)
    cells = gr.on([matrix.select, confusions.click], open_cell, [run, browser.split], outputs, **one_by_one, **PRIVATE_EVENT_MULTIPLE)
    cells.then(None, None, None, js=_SCROLL, **PRIVATE_EVENT).then(None, None, None, js=_FOCUS, **PRIVATE_EVENT)
    run.change(reset, [run, browser.split], outputs, **one_by_one, **PRIVATE_EVENT_MULTIPLE)


def read_filter(label: Any, predicted: Any, confidence: Any, word: Any, order: Any, shown: Any) -> RowFilter:
    """The filter of these values of the components; what is not among the choices counts as "any"."""
    return RowFilter(
        label=_class_id(label),
        predicted=_class_id(predicted),
        shown=_SHOWN.get(shown, "mistakes"),
        least_confidence=_CONFIDENCES.get(confidence, 0.0),
        word=word or "",
        order=_ORDERS.get(order, "surest"),
    )


def _found(
    studio: Studio,
    browser: RowsBrowser,
    run_id: str,
    split: str,
    row_filter: RowFilter,
    *,
    page: int = 0,
    focus: bool = False,
    opened: OpenRow | None = None,
    notice: str = "",
) -> dict:
    """Updates that show the rows of a run that a filter finds, with the ``opened`` one; nothing without a run. UserError if they are damaged."""
    if not run_id:
        return {browser.rows: "", browser.opened: "", browser.timer: gr.Timer(active=False)}
    rows = shown_rows.predicted_rows(current_workspace(studio), run_id, split)
    row_filter = _within(row_filter, len(rows.label_names))
    detail = (
        None if opened is None or not opened.is_of(run_id) else open_row.read_detail(studio, run_id, split, rows, opened, notice=notice)
    )
    page = page if detail is None else detail.open.page
    options = {"run_id": run_id, "split": split, "page": page, "detail": detail, "focus": focus}
    return {
        browser.rows: rows_view.rows_html(rows, find_rows(rows, row_filter), row_filter, **options),
        browser.opened: "" if detail is None else detail.open.code,
        browser.timer: gr.Timer(active=detail is not None and detail.similar is not None and detail.similar.pending),
    }


def _press_in_row(
    studio: Studio,
    browser: RowsBrowser,
    action: str,
    pressed: OpenRow | None,
    opened: str,
    run_id: str,
    split: str,
    row_filter: RowFilter,
) -> Any:
    """Updates after a press on a row or in its detail; what leads to another tab is not handled here."""
    # The rows of another file belong to no training file: nothing is decided about them here. Those of another run are not looked at any more.
    if (
        pressed is None
        or not pressed.is_of(run_id)
        or shown_rows.evaluation_of(split)
        or action not in ("row", "class", "relabel", "undo", "similar")
    ):
        return gr.skip()
    before, notice = OpenRow.parse(opened), ""
    is_same = before is not None and (before.run, before.row) == (pressed.run, pressed.row)
    if action == "row" and is_same:
        return _found(studio, browser, run_id, split, row_filter, page=pressed.page)
    if action in ("relabel", "undo"):
        rows = current_workspace(studio).library.predicted_rows(run_id, split)
        notice = open_row.decide(studio, run_id, pressed, action, rows)
        # The words of the class that is shown stay.
        pressed = before if is_same else pressed._replace(class_id=-1)
    elif action == "similar":
        current_workspace(studio).similar.start(run_id)
    return _found(studio, browser, run_id, split, row_filter, opened=pressed, notice=notice)


def _open_cell(studio: Studio, browser: RowsBrowser, run_id: str, split: str, label: int, predicted: int) -> dict:
    """Updates that show the rows of a cell, all of them, the most confident first; ``_ANY`` stands for any class."""
    shown = "right" if label == predicted else "mistakes"
    row_filter = RowFilter(_class_id(label), _class_id(predicted), shown=shown)
    return {
        browser.label: label,
        browser.predicted: predicted,
        browser.confidence: "any",
        browser.word: "",
        browser.order: next(iter(_ORDERS)),
        browser.shown: next(title for title, value in _SHOWN.items() if value == shown),
        **_found(studio, browser, run_id, split, row_filter, focus=True),
    }


def reset_rows(studio: Studio, browser: RowsBrowser, run_id: str, split: str) -> dict:
    """Updates that show all mistakes of another run, or of other rows."""
    names, none, found = (), [], {browser.rows: "", browser.opened: "", browser.timer: gr.Timer(active=False)}
    # The head of the tab says what is damaged.
    with suppress(UserError):
        if run_id:
            rows = shown_rows.predicted_rows(current_workspace(studio), run_id, split)
            names, page = rows.label_names, pages_by_task.page_of(rows.task.key)
            found = _found(studio, browser, run_id, split, RowFilter())
            none = [("no label", NO_LABEL)] if page.rows.may_have_none else []
    choices = [("any", _ANY), *none, *((name, class_id) for class_id, name in enumerate(names))]
    return {
        browser.label: gr.Dropdown(choices, value=_ANY),
        browser.predicted: gr.Dropdown(choices, value=_ANY),
        browser.confidence: "any",
        browser.word: "",
        browser.order: next(iter(_ORDERS)),
        browser.shown: "Mistakes",
        **found,
    }


def _class_id(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and (value >= 0 or value == NO_LABEL) else None


def _within(row_filter: RowFilter, classes: int) -> RowFilter:
    """The filter without classes that the run lacks: the choices may still be those of another run."""
    ids = (row_filter.label, row_filter.predicted)
    if all(class_id is None or class_id < classes for class_id in ids):
        return row_filter
    return RowFilter(shown=row_filter.shown, least_confidence=row_filter.least_confidence, word=row_filter.word, order=row_filter.order)
