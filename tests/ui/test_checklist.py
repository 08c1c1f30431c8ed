"""The checklist as HTML: what stands in it, and that nothing of a file is markup there."""

import re
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer.data.findings import Example, Finding
from trainer.preparation import Preparation
from trainer.studio import Studio
from trainer.ui import checklist

EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture
def messy(studio: Studio, tmp_path: Path) -> Preparation:
    rows = [*small_rows(90), *small_rows(3), (f"happy {EVIL} &amp; glad", "joy"), ("happy again", EVIL), ("smile", "JOY")]
    path = write_rows(tmp_path / "messy.csv", rows)
    return studio.open_files("local", {"main": (path.name, path)})


def buttons(html: str) -> set[tuple[str, str]]:
    return set(re.findall(r'data-do="(\w+)" data-code="([\w=]*)"', html))


def test_findings_with_their_rows_and_buttons(messy: Preparation) -> None:
    html = checklist.of_file(messy)
    assert "1 thing must be fixed" in html
    assert {("repair", "label_variants"), ("accept", "label_variants"), ("repair", "duplicate_texts"), ("repair_all", "")} <= buttons(html)
    assert html.index("em-must_fix") < html.index("em-look") < html.index("em-good")
    assert "Show rows" in html


def test_repairs_show_what_they_did_and_the_way_back(messy: Preparation, studio: Studio) -> None:
    html = checklist.of_file(studio.repair("local", messy.draft.id, ["label_variants", "duplicate_texts", "near_duplicates"]))
    assert {("undo", "label_variants"), ("undo", "duplicate_texts"), ("undo", "near_duplicates")} <= buttons(html)
    assert "Repaired. 3 rows: left out as a copy of another row." in html
    assert "Nothing was left to repair" in html
    assert "must be fixed" not in html
    accepted = checklist.of_file(
        studio.accept("local", studio.undo("local", messy.draft.id, ["label_variants"]).draft.id, "label_variants")
    )
    assert ("undo", "label_variants") in buttons(accepted)


def test_columns_that_nobody_is_sure_of_can_be_confirmed_or_changed(studio: Studio, tmp_path: Path) -> None:
    rows = [(text, mood, ("good", "bad")[n % 2]) for n, (text, mood) in enumerate(small_rows(90))]
    path = write_rows(tmp_path / "two.csv", rows, ("text", "emotion", "sentiment"))
    opened = studio.open_files("local", {"main": (path.name, path)})
    assert {("confirm", ""), ("label", "2")} <= buttons(checklist.of_file(opened))
    confirmed = studio.choose("local", opened.draft.id, text=(0,), label=1)
    assert "columns_unsure" not in {f.code for f in confirmed.findings}


def test_nothing_of_the_file_is_markup(messy: Preparation, studio: Studio) -> None:
    for prepared in (messy, studio.repair("local", messy.draft.id, ["label_variants", "html_in_texts", "rare_classes"])):
        html = checklist.of_file(prepared)
        assert "<img" not in html
        assert "&lt;img src=x" in html


def test_of_an_encoder() -> None:
    assert checklist.of_encoder("tiny", []) == ""
    cut = Finding("texts_cut", "look", 3, "Cut <b>.", "More.", (Example(2, EVIL),), setting=("max_length", 96))
    html = checklist.of_encoder(EVIL, [cut])
    assert buttons(html) == {("set", "max_length=96")}
    assert "<img" not in html
    assert "<b>" not in html
