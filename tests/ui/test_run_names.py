"""Two runs of one name, as a person may name them, are told apart."""

import dataclasses

from trainer.runs.view import RunView
from trainer.ui import page
from trainer.ui.run_names import distinct_names

RUN = RunView("a" * 32, name="brisk otter", source_name="moods.csv", created=1.7e9)
OTHER = dataclasses.replace(RUN, id="b" * 32, name="calm fox")
ALIKE = dataclasses.replace(RUN, id="c" * 32)
OTHER_FILE, LATER = dataclasses.replace(ALIKE, source_name="other.csv"), dataclasses.replace(ALIKE, created=RUN.created + 86_400)


def test_names_that_differ_stay_as_they_are() -> None:
    assert distinct_names([]) == []
    assert distinct_names([RUN, OTHER]) == ["brisk otter", "calm fox"]


def test_what_differs_stands_behind_names_that_do_not() -> None:
    assert distinct_names([RUN, OTHER, OTHER_FILE]) == ["brisk otter (moods.csv)", "calm fox", "brisk otter (other.csv)"]
    assert distinct_names([RUN, LATER]) == ["brisk otter (14 Nov 2023, 22:13 UTC)", "brisk otter (15 Nov 2023, 22:13 UTC)"]
    assert distinct_names([RUN, dataclasses.replace(ALIKE, created=RUN.created + 1)])[1] == "brisk otter (14 Nov 2023, 22:13:21 UTC)"
    assert distinct_names([RUN, ALIKE]) == [f"brisk otter ({RUN.id[:8]})", f"brisk otter ({ALIKE.id[:8]})"]
    # Where neither alone tells all of them apart, both stand there.
    assert distinct_names([RUN, OTHER_FILE, LATER])[1] == "brisk otter (other.csv, 14 Nov 2023, 22:13 UTC)"


def test_the_lists_in_which_a_run_is_chosen_tell_them_apart_too() -> None:
    choices = [words for words, _ in page._picker([RUN, LATER], RUN.id).choices]
    assert choices[0] == "brisk otter (14 Nov 2023, 22:13 UTC) · moods.csv · waiting"
    assert len(set(choices)) == 2
