"""The readiness of a file: its title, the summary in the footers of both tabs, and the button that fixes it."""

from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer.drafts.preparation import PreparedDraft
from trainer.studio import Studio
from trainer.ui.readiness import assess_readiness

DEFAULT_FRACTIONS = {"validation_share": 0.1, "test_share": 0.2}


def opened(studio: Studio, folder: Path, rows: list[tuple[str, ...]], header: tuple[str, ...] = ("text", "mood")) -> PreparedDraft:
    path = write_rows(folder / "file.csv", rows, header)
    return studio.for_owner("local").drafts.open_files({"main": (path.name, path)})


def spelt_in_two_ways(*moods: str) -> list[tuple[str, str]]:
    return [*small_rows(120), *((f"once more {mood}", mood.upper()) for mood in moods for _ in range(1))]


def test_a_good_file_is_ready_and_says_with_how_many_rows(studio: Studio, tmp_path: Path) -> None:
    readiness = assess_readiness(opened(studio, tmp_path, small_rows(240)), DEFAULT_FRACTIONS)
    assert (readiness.title, readiness.ready, readiness.repair) == ("Ready to train", True, None)
    assert readiness.summary == "Ready: 168 training rows, 48 test rows kept aside."


def test_few_rows_are_no_plain_yes(studio: Studio, tmp_path: Path) -> None:
    assert assess_readiness(opened(studio, tmp_path, small_rows(20)), DEFAULT_FRACTIONS).title == "Ready to train, but there are few rows"


def test_one_thing_to_fix_has_its_repair_as_the_button(studio: Studio, tmp_path: Path) -> None:
    readiness = assess_readiness(opened(studio, tmp_path, spelt_in_two_ways("joy")), DEFAULT_FRACTIONS)
    assert (readiness.title, readiness.ready, readiness.is_error) == ("Fix one thing before training", False, False)
    assert readiness.summary == "Fix 1 thing: 1 label is spelt in several ways."
    assert (readiness.repair.action, readiness.repair.code, readiness.repair.title) == ("repair", "label_variants", "Merge the spellings")


def test_several_things_to_fix_are_repaired_in_one(studio: Studio, tmp_path: Path) -> None:
    several = [(f"both {n} at once", f"joy{sign}sadness") for n, sign in enumerate((", ", ", ", ", "))]
    prepared = opened(studio, tmp_path, [*spelt_in_two_ways("joy"), *several])
    readiness = assess_readiness(prepared, DEFAULT_FRACTIONS)
    assert {f.code for f in prepared.blocking_findings} == {"label_variants", "several_labels"}
    assert readiness.title == "Fix 2 things before training"
    assert (readiness.repair.action, readiness.repair.title) == ("repair", "Fix both")
    assert readiness.repair.code.split() == [f.code for f in prepared.blocking_findings]
    assert assess_readiness(
        studio.for_owner("local").editor.repair(prepared.draft.id, ["label_variants", "several_labels"]), DEFAULT_FRACTIONS
    ).ready


def test_what_no_repair_answers_has_no_button(studio: Studio, tmp_path: Path) -> None:
    rows = [(text, mood, mood * 2) for text, mood in small_rows(120)]
    leaking = opened(studio, tmp_path, rows, ("text", "mood", "twice"))
    leaking = studio.for_owner("local").editor.set_columns(leaking.draft.id, text_columns=(0, 2), label_column=1)
    assert [f.code for f in leaking.blocking_findings] == ["label_leak"]
    readiness = assess_readiness(leaking, DEFAULT_FRACTIONS)
    assert (readiness.repair, readiness.ready) == (None, False)
    assert readiness.summary.startswith("Fix 1 thing: The column “twice” gives the label away")


@pytest.mark.parametrize("labels", ["xyxy", "xyzw"])
def test_too_few_rows_to_split_are_reported_at_the_top(studio: Studio, tmp_path: Path, labels: str) -> None:
    prepared = opened(studio, tmp_path, [(f"text {label} {n}", label) for n, label in enumerate(labels)])
    assert prepared.ready
    readiness = assess_readiness(prepared, DEFAULT_FRACTIONS)
    assert readiness.title.startswith("With 4 rows nothing would be left for")
    assert (readiness.is_error, readiness.ready, readiness.repair) == (True, False, None)
    assert "at least three different texts for each label" in readiness.advice
    assert readiness.summary == f"{readiness.title}."


def test_a_fraction_out_of_range_is_an_error_too(studio: Studio, tmp_path: Path) -> None:
    readiness = assess_readiness(opened(studio, tmp_path, small_rows(60)), {"validation_share": 0.1, "test_share": 0.9})
    assert readiness.summary.startswith("Test share must be")
    assert not readiness.ready


def test_a_file_of_one_class_says_why_once(studio: Studio, tmp_path: Path) -> None:
    readiness = assess_readiness(opened(studio, tmp_path, [(text, "joy") for text, _ in small_rows(60)]), DEFAULT_FRACTIONS)
    assert readiness.title == "All 60 rows have the same label, “joy”"
    assert "the same label" not in readiness.advice
    assert readiness.is_error
