"""The browser of rows on the Results tab: filters, the rows of a cell of the confusion matrix, page by page. ``rows_view`` makes its HTML."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import gradio as gr

from trainer.errors import UserError
from trainer.evaluation.mistakes import RowFilter, find_rows
from trainer.studio import Studio
from trainer.ui import html_pieces, rows_view
from trainer.ui.buttons import html_with_buttons
from trainer.ui.event_handling import PRIVATE_EVENT, PRIVATE_EVENT_MULTIPLE, current_workspace, user_errors

SPLITS = {"Test rows": "test", "Validation rows": "validation"}
_ANY = -1
_SHOWN = {"Mistakes": "mistakes", "Right": "right", "All": "all"}
_CONFIDENCES = {"any": 0.0, "at least 50 %": 0.5, "at least 70 %": 0.7, "at least 90 %": 0.9, "at least 99 %": 0.99}
_ORDERS = {"Most confident first": "surest", "Least confident first": "least_sure", "By row number": "row"}
_SCROLL = "() => document.querySelector('#found-rows .em-rows-head')?.scrollIntoView({ block: 'start', behavior: 'instant' })"
"""After a press on a cell, which may be far above its rows."""
_FOCUS = "() => document.querySelector('#found-rows .em-rows-head')?.focus()"


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
    """Its ``click`` event carries ``action`` "page" and the page as ``code``."""

    @property
    def filters(self) -> list[Any]:
        """What ``read_filter`` reads, in its order."""
        return [self.label, self.predicted, self.confidence, self.word, self.order, self.shown]


def build(split: gr.Radio) -> RowsBrowser:
    """Lay the filters and the rows out; ``split`` says whether test or validation rows are shown."""
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
    return RowsBrowser(split, label, predicted, confidence, word, order, shown, rows)


def wire(studio: Studio, browser: RowsBrowser, run: gr.Textbox, matrix: gr.HTML, confusions: gr.HTML) -> None:
    """Every way to rows: a filter, a page, a cell of the ``matrix``, one of the ``confusions``; and another run."""
    with_notice = user_errors(lambda message: {browser.rows: html_pieces.notice(message, "error")})
    inputs = [run, browser.split, *browser.filters]

    @with_notice
    def search(run_id: str, split: str, *filters: Any) -> dict:
        return {browser.rows: show_rows(studio, run_id, split, read_filter(*filters))}

    @with_notice
    def turn_page(event: gr.EventData, run_id: str, split: str, *filters: Any) -> dict:
        return {browser.rows: show_rows(studio, run_id, split, read_filter(*filters), page=int(event.code))}

    @with_notice
    def open_cell(event: gr.EventData, run_id: str, split: str) -> dict:
        return _open_cell(studio, browser, run_id, split, *map(int, event.code.split()))

    @with_notice
    def reset(run_id: str, split: str) -> dict:
        return _reset(studio, browser, run_id, split)

    outputs, one_output = [*browser.filters, browser.rows], [browser.rows]
    choices = (browser.split, browser.label, browser.predicted, browser.confidence, browser.order, browser.shown)
    gr.on([choice.input for choice in choices], search, inputs, one_output, **PRIVATE_EVENT_MULTIPLE)
    browser.word.change(search, inputs, one_output, trigger_mode="always_last", **PRIVATE_EVENT)
    browser.rows.click(turn_page, inputs, one_output, **PRIVATE_EVENT_MULTIPLE).then(None, None, None, js=_FOCUS, **PRIVATE_EVENT)
    cells = gr.on([matrix.select, confusions.click], open_cell, [run, browser.split], outputs, **PRIVATE_EVENT_MULTIPLE)
    cells.then(None, None, None, js=_SCROLL, **PRIVATE_EVENT).then(None, None, None, js=_FOCUS, **PRIVATE_EVENT)
    run.change(reset, [run, browser.split], outputs, **PRIVATE_EVENT_MULTIPLE)


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


def show_rows(studio: Studio, run_id: str, split: str, row_filter: RowFilter, *, page: int = 0) -> str:
    """The rows of a run that a filter finds, as HTML; nothing without a run. UserError if they are damaged."""
    if not run_id:
        return ""
    name = SPLITS.get(split, "test")
    rows = current_workspace(studio).library.predicted_rows(run_id, name)
    row_filter = _within(row_filter, len(rows.label_names))
    return rows_view.rows_html(rows, find_rows(rows, row_filter), row_filter, run_id=run_id, split=name, page=page)


def _open_cell(studio: Studio, browser: RowsBrowser, run_id: str, split: str, label: int, predicted: int) -> dict:
    """Updates that show the rows of a cell, all of them, the most confident first."""
    shown = "right" if label == predicted else "mistakes"
    row_filter = RowFilter(label, predicted, shown=shown)
    return {
        browser.label: label,
        browser.predicted: predicted,
        browser.confidence: "any",
        browser.word: "",
        browser.order: next(iter(_ORDERS)),
        browser.shown: next(title for title, value in _SHOWN.items() if value == shown),
        browser.rows: show_rows(studio, run_id, split, row_filter),
    }


def _reset(studio: Studio, browser: RowsBrowser, run_id: str, split: str) -> dict:
    """Updates that show all mistakes of another run."""
    names, html = (), ""
    # The head of the tab says what is damaged.
    with suppress(UserError):
        if run_id:
            names = current_workspace(studio).library.predicted_rows(run_id, SPLITS.get(split, "test")).label_names
            html = show_rows(studio, run_id, split, RowFilter())
    choices = [("any", _ANY), *((name, class_id) for class_id, name in enumerate(names))]
    return {
        browser.label: gr.Dropdown(choices, value=_ANY),
        browser.predicted: gr.Dropdown(choices, value=_ANY),
        browser.confidence: "any",
        browser.word: "",
        browser.order: next(iter(_ORDERS)),
        browser.shown: "Mistakes",
        browser.rows: html,
    }


def _class_id(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _within(row_filter: RowFilter, classes: int) -> RowFilter:
    """The filter without classes that the run lacks: the choices may still be those of another run."""
    ids = (row_filter.label, row_filter.predicted)
    if all(class_id is None or class_id < classes for class_id in ids):
        return row_filter
    return RowFilter(shown=row_filter.shown, least_confidence=row_filter.least_confidence, word=row_filter.word, order=row_filter.order)
