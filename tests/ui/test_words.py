"""Numbers, times and states as people say them."""

from typing import get_args

import pytest

from trainer.runs.view import RunView, Status
from trainer.ui import words


@pytest.mark.parametrize(
    ("number", "said"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (12_480, "12,480 rows"), (1_000_000, "1,000,000 rows")]
)
def test_count(number: int, said: str) -> None:
    assert words.count(number, "row") == said


def test_count_with_a_plural_of_its_own() -> None:
    assert words.count(1, "class", "classes") == "1 class"
    assert words.count(3, "class", "classes") == "3 classes"


@pytest.mark.parametrize(("share", "said"), [(None, ""), (0.0, "0.0 %"), (0.9034, "90.3 %"), (1.0, "100.0 %"), (3199 / 3200, "99.97 %")])
def test_percent(share: float | None, said: str) -> None:
    assert words.percent(share) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""),
        (0.2, "0 s"),
        (59.4, "59 s"),
        (59.6, "1 min 0 s"),
        (200, "3 min 20 s"),
        (3599.7, "1 h 0 min"),
        (3660, "1 h 1 min"),
        (90_000, "25 h 0 min"),
    ],
)
def test_duration(seconds: float | None, said: str) -> None:
    assert words.duration(seconds) == said


def test_parameters() -> None:
    assert words.parameters(22_713_216) == "22.7 million"


@pytest.mark.parametrize(("size", "said"), [(0, "0 KB"), (563_400, "563 KB"), (92_400_000, "92.4 MB"), (1_520_000_000, "1.5 GB")])
def test_room(size: int, said: str) -> None:
    assert words.room(size) == said


@pytest.mark.parametrize("status", get_args(Status))
def test_every_status_has_a_word(status: Status) -> None:
    view = RunView(id="a" * 32, name="brisk otter", source_name="moods.csv", status=status)
    assert words.state(view) == words.STATES[status]


@pytest.mark.parametrize(
    ("step", "said"), [(0, "epoch 1 of 3"), (9, "epoch 1 of 3"), (10, "epoch 2 of 3"), (29, "epoch 3 of 3"), (30, "epoch 3 of 3")]
)
def test_the_epoch_under_way(step: int, said: str) -> None:
    assert words.epoch_words(RunView(id="a", epochs=3, epoch_steps=(10, 20, 30), step=step)) == said


def test_no_epoch_before_the_first_step() -> None:
    assert words.epoch_words(RunView(id="a")) == ""


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "just now"),
        (40, "just now"),
        (400, "6 minutes ago"),
        (10_000, "2 hours ago"),
        (90_000, "1 day ago"),
        (200_000, "2 days ago"),
    ],
)
def test_how_long_ago(seconds: float, said: str) -> None:
    assert words.ago(seconds) == said
