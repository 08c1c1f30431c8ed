"""The rows behind a score as HTML: sentences, pages, links that say the same filter, and texts that stay texts."""

import csv
import io
from urllib.parse import parse_qsl

import numpy as np
import pytest

from tests.ui.test_html_pieces import Read, assert_only_text
from trainer.data.csv_text import csv_bytes
from trainer.errors import NotFoundError
from trainer.evaluation.mistakes import PredictedRows, RowFilter, find_rows
from trainer.ui import rows_browser, rows_view

EVIL = "<img src=x onerror=alert(1)>"


def many(n: int = 50, names: tuple[str, ...] = ("fear", "sadness"), text: str = "text") -> PredictedRows:
    """All of them mistakes."""
    labels = np.arange(n) % 2
    confidence = np.linspace(0.5, 1, n, dtype=np.float32)
    return PredictedRows(np.arange(n), np.arange(n) + 1, tuple(f"{text} {i}" for i in range(n)), labels, 1 - labels, confidence, names)


def html(rows: PredictedRows, page: int = 0, **choices: object) -> str:
    row_filter = RowFilter(**choices)
    return rows_view.rows_html(rows, find_rows(rows, row_filter), row_filter, run_id="a" * 32, split="test", page=page)


@pytest.mark.parametrize(
    ("choices", "sentence"),
    [
        ({"label": 0, "predicted": 1}, "25 rows are fear, and the model said sadness"),
        ({"label": 0, "predicted": 0, "shown": "right"}, "No rows are fear, and the model said so"),
        ({"label": 0}, "25 rows are fear, and the model said something else"),
        ({"predicted": 1}, "25 rows were wrongly predicted as sadness"),
        ({}, "50 mistakes among 50 test rows"),
        ({"word": "text 7"}, "1 mistake among 50 test rows"),
        ({"shown": "right"}, "None of 50 test rows is right"),
        ({"shown": "all"}, "50 of 50 test rows"),
    ],
)
def test_the_heading_says_what_the_rows_have_in_common(choices: dict, sentence: str) -> None:
    assert sentence in Read(html(many(), **choices)).text


def test_twenty_rows_a_page_and_a_page_beyond_the_last_is_the_last() -> None:
    first, last, beyond = (html(many(), page=page) for page in (0, 2, 99))
    assert first.count("<tr data-row") == 20
    assert last.count("<tr data-row") == 10
    assert beyond == last
    assert html(many(), page=-5) == first
    assert "Rows 41 to 50 of 50." in Read(last).text
    assert 'data-code="1"' in last
    assert 'class="em-pager"' not in html(many(20))


def test_texts_and_names_stay_texts() -> None:
    shown = html(many(3, names=(EVIL, "b"), text=EVIL), label=0, word=EVIL)
    assert_only_text(shown, EVIL)


def test_a_link_says_the_same_filter() -> None:
    row_filter = RowFilter(label=1, predicted=0, shown="all", least_confidence=0.9, word="a&b=c #%", order="row")
    query = rows_view.filter_query(row_filter, "validation")
    values = dict(parse_qsl(query))
    assert rows_view.parse_filter(values) == (row_filter, "validation")
    assert rows_view.parse_filter({}) == (RowFilter(), "test")
    for wrong in ({"label": "x"}, {"order": "no"}, {"confidence": "much"}, {"shown": ""}):
        with pytest.raises(NotFoundError):
            rows_view.parse_filter(wrong)


def test_the_download_has_all_rows_exactly_or_harmless_for_spreadsheets() -> None:
    rows = many(30, text="=SUM(A1),\n")
    found = find_rows(rows, RowFilter())
    exact, spreadsheet = (csv_bytes(rows_view.CSV_HEAD, rows_view.csv_rows(rows, found), spreadsheet=flag) for flag in (False, True))
    head, *cells = csv.reader(io.StringIO(exact.decode(), newline=""))
    assert head == ["row", "text", "label", "prediction", "probability"]
    assert [int(row[0]) for row in cells] == rows.source_rows[found].tolist()
    assert cells[0][1] == rows.texts[found[0]]
    assert np.float32(cells[1][4]) == rows.confidence[found[1]]
    assert spreadsheet.startswith(b"\xef\xbb\xbf")
    assert b"'=SUM" in spreadsheet


def test_values_that_no_component_has_count_as_any() -> None:
    assert rows_browser.read_filter("typed", -1, "?", None, "?", "?") == RowFilter()
    assert rows_browser.read_filter(3, 0, "at least 90 %", "w", "By row number", "All") == RowFilter(3, 0, "all", 0.9, "w", "row")
