"""The findings as HTML with their buttons, and that nothing of a file becomes markup."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer.check import CheckResult, Example
from trainer.drafts.preparation import PreparedDraft
from trainer.studio import Studio
from trainer.ui import findings_view

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def messy(studio: Studio, tmp_path: Path) -> PreparedDraft:
    rows = [*small_rows(90), *small_rows(3), (f"happy {EVIL} &amp; glad", "joy"), ("happy again", EVIL), ("smile", "JOY")]
    path = write_rows(tmp_path / "messy.csv", rows)
    return studio.for_owner("local").drafts.open_files({"main": (path.name, path)})


def buttons(html: str) -> set[tuple[str, str]]:
    return set(re.findall(r'data-action="(\w+)"(?: data-code="([\w=]*)")?', html))


def test_findings_with_their_rows_and_buttons(messy: PreparedDraft) -> None:
    html = findings_view.findings_html(messy)
    assert {
        ("repair", "label_variants"),
        ("dismiss_finding", "label_variants"),
        ("repair", "duplicate_texts"),
        ("repair_all", ""),
    } <= buttons(html)
    assert html.index("em-error") < html.index("em-warning") < html.index("em-ok")
    assert "Show rows" in html


def test_four_findings_are_in_view_and_the_rest_is_folded(messy: PreparedDraft) -> None:
    warnings = [CheckResult(f"odd_{n}", "warning", 1, f"Oddity {n}.") for n in range(6)]
    html = findings_view.findings_html(replace(messy, checks=(*messy.blocking_findings, *warnings)))
    visible, folded = html.split('<details class="em-folded">', maxsplit=1)
    assert [visible.count("em-error"), visible.count("Oddity")] == [1, 3]
    assert "3 more" in folded
    assert folded.index("Oddity 3") < folded.index("Oddity 5")


def test_repairs_show_what_they_did_and_the_way_back(messy: PreparedDraft, studio: Studio) -> None:
    workspace = studio.for_owner("local")
    html = findings_view.findings_html(workspace.editor.repair(messy.draft.id, ["label_variants", "duplicate_texts", "near_duplicates"]))
    assert {("undo", "label_variants"), ("undo", "duplicate_texts"), ("undo", "near_duplicates")} <= buttons(html)
    assert "3 repairs made" in html
    assert "Repaired. 3 rows: left out as a copy of another row." in html
    assert "There was nothing left to repair" in html
    assert "em-error" not in html
    dismissed = findings_view.findings_html(
        workspace.editor.dismiss(workspace.editor.undo(messy.draft.id, ["label_variants"]).draft.id, "label_variants")
    )
    assert ("undo", "label_variants") in buttons(dismissed)


def test_uncertain_columns_can_be_confirmed_or_changed(studio: Studio, tmp_path: Path) -> None:
    workspace = studio.for_owner("local")
    rows = [(text, mood, ("good", "bad")[n % 2]) for n, (text, mood) in enumerate(small_rows(90))]
    path = write_rows(tmp_path / "two.csv", rows, ("text", "emotion", "sentiment"))
    opened = workspace.drafts.open_files({"main": (path.name, path)})
    assert {("confirm", ""), ("label", "2")} <= buttons(findings_view.findings_html(opened))
    confirmed = workspace.editor.set_columns(opened.draft.id, text_columns=(0,), label_column=1)
    assert "columns_unsure" not in {f.code for f in confirmed.findings}


def test_nothing_of_the_file_is_markup(messy: PreparedDraft, studio: Studio) -> None:
    for prepared in (messy, studio.for_owner("local").editor.repair(messy.draft.id, ["label_variants", "html_in_texts", "rare_classes"])):
        html = findings_view.findings_html(prepared)
        assert "<img" not in html
        assert "&lt;img src=x" in html


def test_findings_of_the_encoder_come_first_in_the_same_list(studio: Studio, small_csv: Path) -> None:
    clean = studio.for_owner("local").drafts.open_files({"main": (small_csv.name, small_csv)})
    warning = CheckResult("few", "warning", 1, "Look at this.")
    prepared = replace(clean, checks=(warning, *clean.checks))
    waiting = findings_view.findings_html(prepared)
    assert "Checking how" in waiting
    # A list item with a role of its own is no list item to a screen reader.
    assert not re.search("<li[^>]* role=", waiting)
    cut = CheckResult("texts_cut", "warning", 3, "Cut <b>.", "More. And more.", (Example(2, EVIL),), setting=("max_length", 96))
    html = findings_view.findings_html(prepared, [cut])
    assert ("set", "max_length=96") in buttons(html)
    assert html.index("Cut &lt;b&gt;.") < html.index("Look at this.")
    assert "Checking how" not in html
    assert "<img" not in html
    assert "<b>" not in html


def test_a_passed_check_replaces_the_line_that_says_checking(studio: Studio, small_csv: Path) -> None:
    clean = studio.for_owner("local").drafts.open_files({"main": (small_csv.name, small_csv)})
    fits = CheckResult("texts_fit", "ok", 240, "All texts fit.")
    checking, checked = findings_view.findings_html(clean), findings_view.findings_html(clean, [fits])
    assert checking.count('<li class="em-check') == checked.count('<li class="em-check')
    assert checked.index("All texts fit.") < checked.index("checks: ")
