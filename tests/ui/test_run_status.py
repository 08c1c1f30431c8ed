"""The status of a run, as the page words it."""

from typing import get_args

import pytest

from trainer.runs.view import RunView, Status
from trainer.ui.run_status import STATUS_NAMES, epoch_progress, status_name


@pytest.mark.parametrize("status", get_args(Status))
def test_every_status_has_a_word(status: Status) -> None:
    view = RunView(id="a" * 32, name="brisk otter", source_name="moods.csv", status=status)
    assert status_name(view) == STATUS_NAMES[status]


@pytest.mark.parametrize(
    ("step", "written"), [(0, "epoch 1 of 3"), (9, "epoch 1 of 3"), (10, "epoch 2 of 3"), (29, "epoch 3 of 3"), (30, "epoch 3 of 3")]
)
def test_the_epoch_under_way(step: int, written: str) -> None:
    assert epoch_progress(RunView(id="a", epochs=3, epoch_steps=(10, 20, 30), last_logged_step=step)) == written


def test_no_epoch_before_the_first_step() -> None:
    assert epoch_progress(RunView(id="a")) == ""
