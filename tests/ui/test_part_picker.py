"""What the Data tab says about the parts of a file, and the list to choose from."""

import re
from html import unescape

import pytest

from tests.conftest import small_rows
from tests.data.files.samples import make_workbook, make_zip
from trainer.data.files.table import MAX_PARTS
from trainer.drafts.preparation import PreparedDraft
from trainer.studio import Studio
from trainer.ui.part_picker import picker_html, short_name

EVIL = "<img src=x onerror=alert(1)>"
ROWS = [["text", "mood"], *map(list, small_rows(60))]


def opened(studio: Studio, content: bytes) -> PreparedDraft:
    return studio.for_owner("local").drafts.open_files({"main": ("file", content)})


def csv_of(n_rows: int, header: str = "text,mood") -> bytes:
    return "\n".join([header, *map(",".join, small_rows(n_rows))]).encode()


def options(html: str) -> list[tuple[str, str, bool]]:
    """The value, the label and the state of each option."""
    found = re.findall(r'<option value="([^"]*)" title="[^"]*"( selected)?>([^<]*)</option>', html)
    return [(unescape(value), unescape(label), bool(selected)) for value, selected, label in found]


def test_a_file_with_a_single_table_has_no_list(studio: Studio) -> None:
    assert picker_html(opened(studio, csv_of(60))) == ""


def test_a_workbook_says_which_sheet_is_read_and_offers_the_others(studio: Studio) -> None:
    book = {"Read me": [["what is what in here"]] * 3, "answers": ROWS, EVIL: [*ROWS[:41]], "nothing": []}
    prepared = opened(studio, make_workbook(book, hidden=("Read me",)))
    html = picker_html(prepared)
    assert 'This workbook has 3 sheets: Emotune reads <b>“<bdi dir="auto">answers</bdi>”</b>, 60 rows. ' in html
    assert "Choose another one: <select" in html
    assert options(html) == [
        ("Read me", "Read me · 3 rows · hidden", False),
        ("answers", "answers · 60 rows", True),
        (EVIL, f"{EVIL} · 40 rows", False),
    ]
    chosen = picker_html(studio.for_owner("local").editor.choose_part(prepared.draft.id, EVIL))
    assert "reads, as you chose, <b>“" in chosen
    assert "<img" not in chosen
    assert options(chosen)[2:] == [(EVIL, f"{EVIL} · 40 rows", True), ("", "Let Emotune choose", False)]


def test_joined_files_can_be_read_alone(studio: Studio) -> None:
    prepared = opened(studio, make_zip({"train.csv": csv_of(60), "test.csv": csv_of(30)}))
    html = picker_html(prepared)
    assert "This zip file holds 2 files: Emotune reads <b>all of them as one table</b>, 90 rows. " in html
    assert [value for value, _, selected in options(html) if selected] == [""]
    single = picker_html(studio.for_owner("local").editor.choose_part(prepared.draft.id, "train.csv"))
    assert [(value, selected) for value, _, selected in options(single)] == [("train.csv", True), ("test.csv", False), ("", False)]


def test_the_test_file_has_a_list_of_its_own(studio: Studio) -> None:
    editor, draft = studio.for_owner("local").editor, opened(studio, csv_of(60)).draft.id
    prepared = editor.add_file(draft, "test", "aside.xlsx", make_workbook({"May": ROWS[:20], "June": ROWS[:9]}))
    html = picker_html(prepared)
    assert (
        'The test file <bdi dir="auto">aside.xlsx</bdi> has 2 sheets: Emotune reads <b>“<bdi dir="auto">May</bdi>”</b>, 19 rows. ' in html
    )
    assert 'data-action="read_test"' in html
    assert 'data-action="read_main"' not in html


def test_of_very_many_files_the_first_are_listed(studio: Studio) -> None:
    files = {f"{n:04}.csv": csv_of(3, header="text,mood" if n % 2 else "body,class") for n in range(MAX_PARTS + 9)}
    html = picker_html(opened(studio, make_zip(files | {"9999.csv": csv_of(60)})))
    assert f"This zip file holds {MAX_PARTS} files or more" in html
    assert len(options(html)) == MAX_PARTS + 1
    assert [value for value, _, selected in options(html) if selected] == ["9999.csv"]


def test_a_list_is_shown_anew_after_a_refusal(studio: Studio) -> None:
    prepared = opened(studio, make_workbook({"May": ROWS, "June": ROWS[:9]}))
    assert picker_html(prepared) == picker_html(prepared)
    assert picker_html(prepared, is_refused=True) != picker_html(prepared, is_refused=True)


@pytest.mark.parametrize(("name", "shown"), [("short", "short"), ("a" * 28 + "-" * 50 + "b" * 39, f"{'a' * 28}…{'b' * 39}")])
def test_a_long_name_shows_its_end(name: str, shown: str) -> None:
    assert short_name(name) == shown
