"""Runs are called by their file and level, and those that would be called alike are told apart."""

import dataclasses

import pytest

from trainer.runs.view import RunView
from trainer.ui.run_names import by_file, file_title, title, title_of, titles

RUN = RunView("a" * 32, name="brisk otter", source_name="sample_emotions.csv", level="Quick look", created=1.7e9)
OTHER = dataclasses.replace(RUN, id="b" * 32, name="calm fox", level="Balanced")
NAMED = dataclasses.replace(RUN, name="best one", renamed=True)
ALIKE = dataclasses.replace(NAMED, id="c" * 32)
OTHER_FILE, LATER = dataclasses.replace(ALIKE, source_name="other.csv"), dataclasses.replace(ALIKE, created=RUN.created + 86_400)


def test_a_run_is_called_by_its_file_and_level_unless_a_person_named_it() -> None:
    assert title(RUN) == "sample emotions, quick look"
    assert title(dataclasses.replace(RUN, level="")) == "sample emotions, own settings"
    assert title(NAMED) == "best one"
    assert title(dataclasses.replace(RUN, source_name="")) == "brisk otter"


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("my-own__survey-2024.xlsx", "my own survey 2024"),
        ("logs.jsonl.gz", "logs"),
        ("v1.2 of it", "v1.2 of it"),
        ("report.2024", "report.2024"),
        ("إيجابي_وسلبي.csv", "إيجابي وسلبي"),
        (".csv", ".csv"),
        ("noending", "noending"),
        ("___.csv", ""),
    ],
)
def test_a_file_s_name_as_words(name: str, title: str) -> None:
    assert file_title(name) == title


def test_titles_that_differ_stay_as_they_are() -> None:
    assert titles([]) == []
    assert titles([RUN, OTHER, NAMED]) == ["sample emotions, quick look", "sample emotions, balanced", "best one"]


def test_what_differs_stands_behind_titles_that_do_not() -> None:
    twin = dataclasses.replace(OTHER, level=RUN.level)
    assert titles([RUN, twin]) == ["sample emotions, quick look (brisk otter)", "sample emotions, quick look (calm fox)"]
    assert titles([NAMED, OTHER, OTHER_FILE]) == ["best one (sample_emotions.csv)", "sample emotions, balanced", "best one (other.csv)"]
    assert titles([NAMED, LATER]) == ["best one (14 Nov 2023, 22:13 UTC)", "best one (15 Nov 2023, 22:13 UTC)"]
    assert titles([NAMED, dataclasses.replace(ALIKE, created=RUN.created + 1)])[1] == "best one (14 Nov 2023, 22:13:21 UTC)"
    assert titles([NAMED, ALIKE]) == [f"best one ({NAMED.id[:8]})", f"best one ({ALIKE.id[:8]})"]
    # Where neither alone tells all of them apart, both stand there.
    assert titles([NAMED, OTHER_FILE, LATER])[1] == "best one (other.csv, 14 Nov 2023, 22:13 UTC)"


def test_a_given_name_that_looks_like_what_tells_others_apart_does_not_confuse_them() -> None:
    twin = dataclasses.replace(OTHER, level=RUN.level)
    sly = dataclasses.replace(ALIKE, name="sample emotions, quick look (calm fox)")
    assert len(set(titles([RUN, twin, sly]))) == 3


def test_runs_stand_beside_those_of_their_file_the_newest_first() -> None:
    oldest = dataclasses.replace(OTHER_FILE, created=1.0)
    assert by_file([oldest, RUN, LATER]) == [("sample_emotions.csv", [LATER, RUN]), ("other.csv", [oldest])]
    newest = dataclasses.replace(OTHER_FILE, created=2e9)
    assert [name for name, _ in by_file([RUN, newest, oldest])] == ["other.csv", "sample_emotions.csv"]
    assert by_file([]) == []


def test_the_title_of_one_run_is_the_one_it_has_among_all() -> None:
    first, second = (
        RunView(i * 32, name=name, source_name="moods.csv", level="Best") for i, name in (("a", "brisk otter"), ("b", "warm owl"))
    )
    assert title_of("b" * 32, [first, second]) == "moods, best (warm owl)"
    assert title_of("b" * 32, [second]) == "moods, best"
    assert title_of("c" * 32, [first, second]) == ""
