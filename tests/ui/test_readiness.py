"""The one verdict on a file: what it is called, what the foot of both tabs says, and the button that puts it right."""

from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer.drafts.preparation import PreparedDraft
from trainer.studio import Studio
from trainer.ui.readiness import assess_readiness, sentences

USUAL = {"validation_share": 0.1, "test_share": 0.2}


def opened(studio: Studio, folder: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("text", "mood")) -> PreparedDraft:
    path = write_rows(folder / "file.csv", rows, header)
    return studio.open_files("local", {"main": (path.name, path)})


def spelt_in_two_ways(*moods: str) -> list[tuple[str, str]]:
    return [*small_rows(120), *((f"once more {mood}", mood.upper()) for mood in moods for _ in range(1))]


def test_a_good_file_is_ready_and_says_with_how_many_rows(studio: Studio, tmp_path: Path) -> None:
    found = assess_readiness(opened(studio, tmp_path, small_rows(240)), USUAL)
    assert (found.title, found.ready, found.repair) == ("Ready to train", True, None)
    assert found.said == "Ready: 168 rows to learn from, 48 kept aside."


def test_few_rows_are_no_plain_yes(studio: Studio, tmp_path: Path) -> None:
    assert assess_readiness(opened(studio, tmp_path, small_rows(20)), USUAL).title == "Ready to train, but on few rows"


def test_one_thing_to_fix_has_its_repair_as_the_button(studio: Studio, tmp_path: Path) -> None:
    found = assess_readiness(opened(studio, tmp_path, spelt_in_two_ways("joy")), USUAL)
    assert (found.title, found.ready, found.wrong) == ("One thing to fix, then ready", False, False)
    assert found.said == "Fix 1 thing: 1 label is spelt in several ways."
    assert (found.repair.action, found.repair.code, found.repair.title) == ("repair", "label_variants", "Merge the spellings")


def test_several_things_to_fix_are_repaired_in_one(studio: Studio, tmp_path: Path) -> None:
    several = [(f"both {n} at once", f"joy{sign}sadness") for n, sign in enumerate((", ", ", ", ", "))]
    prepared = opened(studio, tmp_path, [*spelt_in_two_ways("joy"), *several])
    found = assess_readiness(prepared, USUAL)
    assert {f.code for f in prepared.blocking_findings} == {"label_variants", "several_labels"}
    assert found.title == "2 things to fix, then ready"
    assert (found.repair.action, found.repair.title) == ("repair", "Fix both")
    assert found.repair.code.split() == [f.code for f in prepared.blocking_findings]
    assert assess_readiness(studio.repair("local", prepared.draft.id, ["label_variants", "several_labels"]), USUAL).ready


def test_what_no_repair_answers_has_no_button(studio: Studio, tmp_path: Path) -> None:
    rows = [(text, mood, mood * 2) for text, mood in small_rows(120)]
    leaking = opened(studio, tmp_path, rows, ("text", "mood", "twice"))
    leaking = studio.set_columns("local", leaking.draft.id, text=(0, 2), label=1)
    assert [f.code for f in leaking.blocking_findings] == ["label_leak"]
    found = assess_readiness(leaking, USUAL)
    assert (found.repair, found.ready) == (None, False)
    assert found.said.startswith("Fix 1 thing: The column “twice” gives the label away")


@pytest.mark.parametrize("labels", ["xyxy", "xyzw"])
def test_rows_too_few_to_split_are_said_at_the_top(studio: Studio, tmp_path: Path, labels: str) -> None:
    prepared = opened(studio, tmp_path, [(f"text {label} {n}", label) for n, label in enumerate(labels)])
    assert prepared.ready
    found = assess_readiness(prepared, USUAL)
    assert found.title.startswith("With 4 rows nothing would be left for")
    assert (found.wrong, found.ready, found.repair) == (True, False, None)
    assert "at least three different texts for each label" in found.more
    assert found.said == f"{found.title}."


def test_a_share_out_of_range_stands_in_the_way_too(studio: Studio, tmp_path: Path) -> None:
    found = assess_readiness(opened(studio, tmp_path, small_rows(60)), {"validation_share": 0.1, "test_share": 0.9})
    assert found.said.startswith("Test share must be")
    assert not found.ready


def test_a_file_of_one_class_says_why_once(studio: Studio, tmp_path: Path) -> None:
    found = assess_readiness(opened(studio, tmp_path, [(text, "joy") for text, _ in small_rows(60)]), USUAL)
    assert found.title == "All 60 rows have the same label, “joy”"
    assert "the same label" not in found.more
    assert found.wrong


def test_a_first_sentence_ends_before_the_next_and_not_at_a_decimal_point() -> None:
    assert sentences("3.5 % of rows are odd. Look at them. Twice.") == ("3.5 % of rows are odd.", "Look at them. Twice.")
    assert sentences("See file.csv for more") == ("See file.csv for more", "")
    assert sentences("") == ("", "")
