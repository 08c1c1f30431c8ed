"""The rows behind a score as HTML: what they are, a page of them, and links to all of them as a file. Finds no rows; mistakes.py does."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

import numpy as np

from trainer.charts.colours import class_colours
from trainer.errors import NotFoundError
from trainer.evaluation.mistakes import NO_LABEL, PredictedRows, RowFilter
from trainer.text_format import percent
from trainer.ui import html_pieces, pages_by_task, shown_rows
from trainer.ui.buttons import Button
from trainer.ui.open_row_view import OpenRow, RowDetail, detail_html

ROWS_A_PAGE = 20
_MAX_TEXT = 600
_ORDERS = {"surest": "the most confident first", "least_sure": "the least confident first", "row": "in the order of the file"}
_NO_LABEL = '<span class="em-quiet">no label</span>'
CSV_HEAD = ("row", "text", "label", "prediction", "probability")


def rows_html(
    rows: PredictedRows,
    found: np.ndarray,
    row_filter: RowFilter,
    *,
    run_id: str,
    split: str,
    page: int,
    detail: RowDetail | None = None,
    focus: bool = False,
) -> str:
    """The heading, one page of the ``found`` positions, the ``detail`` beneath its row, the buttons to other pages, and the downloads.

    With ``focus`` the heading is to get the focus. The click event of the buttons carries the action "page" and the page's number, counted from 0, or "row" and the code of an OpenRow.
    """
    last = max(0, (len(found) - 1) // ROWS_A_PAGE)
    page = min(max(page, 0), last)
    shown = found[page * ROWS_A_PAGE : (page + 1) * ROWS_A_PAGE].tolist()
    head = f'<h3 tabindex="-1" class="em-rows-head"{" data-focus" if focus else ""}>{heading(rows, found, row_filter, split)}</h3>'
    if not shown:
        return f'{head}<p class="em-quiet">{_advice(row_filter)}</p>'
    first = page * ROWS_A_PAGE + 1
    which = "" if last == 0 else f" Rows {first:,} to {first + len(shown) - 1:,} of {len(found):,}."
    note = f'<p class="em-quiet em-small">{_sentence(split, row_filter)}{which}</p>'
    pager = "" if last == 0 else _pager(page, last)
    return (
        head
        + note
        + _table(rows, run_id, shown, page, detail, opens=not shown_rows.evaluation_of(split))
        + f'<div class="em-rows-foot">{pager}{_downloads(row_filter, run_id, split)}</div>'
    )


def heading(rows: PredictedRows, found: np.ndarray, row_filter: RowFilter, split: str) -> str:
    """What the rows have in common, as HTML: "7 rows are fear, and the model said sadness"."""
    n, one, words = len(found), len(found) == 1, pages_by_task.page_of(rows.task.key).rows
    label, predicted = (_name(rows, class_id) for class_id in (row_filter.label, row_filter.predicted))
    number = "No" if n == 0 else f"{n:,}"
    of_all = f"{'None' if n == 0 else number} of {len(rows):,} {shown_rows.describe(split)}"
    those = f"{number} {f'row {words.is_}' if one else f'rows {words.are}'}"
    if label and predicted:
        and_said = "and the model said so" if row_filter.label == row_filter.predicted else words.instead.format(predicted)
        text = f"{those} {label}, {and_said}"
    elif label:
        said = {"mistakes": f", {words.missed}", "right": ", and the model said so", "all": ""}[row_filter.shown]
        text = f"{those} {label}{said}"
    elif predicted:
        verdict = {"mistakes": "wrongly ", "right": "rightly ", "all": ""}[row_filter.shown]
        text = f"{number} {'row was' if one else 'rows were'} {verdict}{words.given} {predicted}"
    elif row_filter.shown == "mistakes":
        text = f"{number} {'mistake' if one else 'mistakes'} among {len(rows):,} {shown_rows.describe(split)}"
    elif row_filter.shown == "right":
        text = f"{of_all} {'is' if n < 2 else 'are'} right"
    else:
        text = of_all
    return text


def filter_query(row_filter: RowFilter, split: str) -> str:
    """The filter as the query of a link; ``parse_filter`` reads it."""
    values = {"split": split, "label": row_filter.label, "predicted": row_filter.predicted, "shown": row_filter.shown}
    values |= {"confidence": row_filter.least_confidence or None, "word": row_filter.word or None, "order": row_filter.order}
    return urlencode({name: value for name, value in values.items() if value is not None})


def parse_filter(values: Mapping[str, str]) -> tuple[RowFilter, str]:
    """The filter and the split in a link's query. Raises UserError for values that no link of the page has."""
    try:
        ids = {name: int(values[name]) for name in ("label", "predicted") if name in values}
        shown, order = values.get("shown", "mistakes"), values.get("order", "surest")
        row_filter = RowFilter(
            **ids, shown=shown, order=order, least_confidence=float(values.get("confidence", 0)), word=values.get("word", "")
        )
    except ValueError as error:
        raise NotFoundError(
            "This link asks for rows in a way that is not known. Use the links on the page.", code="unknown_rows"
        ) from error
    return row_filter, values.get("split", "test")


def csv_rows(rows: PredictedRows, found: np.ndarray) -> list[list[str]]:
    """The rows of the download, under ``CSV_HEAD``; the probability is exact."""
    return [[str(rows.source_rows[i]), rows.texts[i], rows.label(i), rows.said(i), repr(float(rows.confidence[i]))] for i in found.tolist()]


def _name(rows: PredictedRows, class_id: int | None) -> str:
    if class_id == NO_LABEL:
        return "no label"
    return "" if class_id is None else html_pieces.isolated(rows.label_names[class_id], max_length=60)


def _sentence(split: str, row_filter: RowFilter) -> str:
    note = "Only to look at: the score would no longer be honest if they were corrected one by one. " if split == "test" else ""
    kind = shown_rows.describe(split)
    opens = "" if shown_rows.evaluation_of(split) else "A press on a row opens it; arrow keys move from row to row."
    return f"{kind.capitalize()}, {_ORDERS[row_filter.order]}. {note}{opens}".strip()


def _advice(row_filter: RowFilter) -> str:
    if row_filter == RowFilter(order=row_filter.order):
        return "Every row is right."
    return "Choose another label or prediction, a lower probability or another word."


def _table(rows: PredictedRows, run_id: str, shown: Sequence[int], page: int, detail: RowDetail | None, *, opens: bool) -> str:
    colours, words = class_colours(rows.label_names), pages_by_task.page_of(rows.task.key).rows

    def cell(labels: np.ndarray, others: np.ndarray, wrong: str) -> str:
        """The labels of one row, those that ``others`` lack marked with what that means."""
        ids, right = rows.task.label_ids(labels), set(rows.task.label_ids(others))
        names = "".join(
            f'<span class="em-class">{html_pieces.dot(colours[i])}<span dir="auto">{html_pieces.text(rows.label_names[i], max_length=80)}'
            f"{f' <small>{wrong}</small>' if wrong and i not in right else ''}</span></span>"
            for i in ids
        )
        return f"<td>{names or _NO_LABEL}</td>"

    def opened(i: int) -> str:
        if detail is None or detail.open.row != rows.rows[i]:
            return ""
        return f'<tr class="em-opened"><td colspan="5">{detail_html(detail)}</td></tr>'

    first = int(rows.rows[shown[0]]) if detail is None else detail.open.row

    def number(i: int) -> str:
        if not opens:
            return f"{rows.source_rows[i]:,}"
        is_open = str(detail is not None and detail.open.row == rows.rows[i]).lower()
        stop = "" if rows.rows[i] == first else ' tabindex="-1"'
        return (
            f'<button type="button" class="em-row-open" data-action="row" data-code="{OpenRow.of(run_id, int(rows.rows[i]), page).code}" '
            f'aria-expanded="{is_open}"{stop} aria-label="Row {rows.source_rows[i]:,}: words and similar rows">{rows.source_rows[i]:,}</button>'
        )

    body = "".join(
        f'<tr data-row="{rows.rows[i]}"{" data-open" if opens else ""}><td class="em-number">{number(i)}</td>'
        f'<td class="em-row-text" dir="auto">{html_pieces.text(rows.texts[i], max_length=_MAX_TEXT)}</td>'
        f'{cell(rows.labels[i], rows.predicted[i], words.missing)}{cell(rows.predicted[i], rows.labels[i], words.surplus)}<td class="em-number">{percent(float(rows.confidence[i]), 0)}</td></tr>{opened(i)}'
        for i in shown
    )
    head = "".join(
        f'<th scope="col"{css}>{name}</th>'
        for name, css in (
            ("Row", ' class="em-number"'),
            ("Text", ""),
            ("Label", ""),
            ("Prediction", ""),
            ("Probability", f' class="em-number"{words.probability}'),
        )
    )
    return (
        '<div class="em-scroll" tabindex="0" role="group" aria-label="Rows"><table class="em-table em-found-rows">'
        '<caption class="em-hidden">Rows with their labels and predictions</caption>'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _pager(page: int, last: int) -> str:
    previous = Button("page", "Previous", code=str(page - 1), disabled=page == 0)
    following = Button("page", "Next", code=str(page + 1), disabled=page == last)
    return f'<div class="em-pager">{previous.html}<span>Page {page + 1:,} of {last + 1:,}</span>{following.html}</div>'


def _downloads(row_filter: RowFilter, run_id: str, split: str) -> str:
    query = html_pieces.text(filter_query(row_filter, split), max_length=4000)
    return (
        f'<p class="em-downloads"><a class="em-button" href="rows/{run_id}/exact?{query}" download>Download these rows</a>'
        f'<a class="em-button" href="rows/{run_id}/spreadsheet?{query}" download>For spreadsheets</a></p>'
    )
