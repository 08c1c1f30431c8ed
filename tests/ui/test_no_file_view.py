"""The Data tab without a file as HTML: files opened before, and a file that could not be opened."""

from trainer.drafts.history import DraftSummary
from trainer.ui import no_file_view

EVIL = "<img src=x onerror=alert(1)>.csv"
NOW = 1_000_000.0


def summary(name: str, *, changed: float = NOW) -> DraftSummary:
    return DraftSummary("a" * 32, name, "", "", changed, 2_000, open=False)


def test_a_bad_file_is_named_once_and_the_one_before_is_within_reach() -> None:
    html = no_file_view.open_error("picture.png", "picture.png: This is a picture.", previous=summary("rows.csv"), rows=20)
    assert html.count("picture.png") == 1
    assert "Still open: " in html
    assert "(20 rows)" in html
    assert f'data-action="reopen" data-code="{"a" * 32}"' in html
    assert no_file_view.open_error("big.csv", "The file is too large.").count("big.csv: The file is too large.") == 1
    assert "Still open" not in no_file_view.open_error("big.csv", "The file is too large.")


def test_of_many_drafts_the_newest_are_in_view() -> None:
    html = no_file_view.drafts_html([summary(f"file {n}.csv", changed=NOW - 60 * n) for n in range(6)], now=NOW)
    assert html.index("file 2.csv") < html.index("3 more") < html.index("file 3.csv")
    assert html.count('data-action="reopen"') == html.count('data-action="remove"') == 6
    assert no_file_view.drafts_html([], now=NOW) == ""


def test_a_long_name_keeps_its_end_and_no_name_is_markup() -> None:
    html = no_file_view.shorten_middle("moods_" * 12 + "final_version.csv")
    assert "<span>_version.csv</span>" in html
    assert no_file_view.shorten_middle("short.csv") == '<span class="em-middle" dir="auto">short.csv</span>'
    for html in (
        no_file_view.shorten_middle(EVIL),
        no_file_view.drafts_html([summary(EVIL)], now=NOW),
        no_file_view.open_error(EVIL, "No.", previous=summary(EVIL)),
    ):
        assert "<img" not in html


def test_where_a_file_goes_is_not_promised_on_a_server() -> None:
    assert "it stays on this computer" in no_file_view.drop_message(is_local=True)
    assert "it stays on this computer" not in no_file_view.drop_message(is_local=False)
