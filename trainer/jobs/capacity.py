"""Capacity: how many trainings may wait, how many runs there may be, how much room has to be left; told before it is reached, refused at it.

Not what a run takes of the disk: ``storage.py`` knows that.
"""

import shutil
from collections.abc import Sequence

from trainer.errors import UserError
from trainer.runs.view import RunView
from trainer.settings import Settings

_NEAR = 0.75
"""From this share of a limit on it is told."""
_NEAR_ROOM = 3
"""So many times the least room is little room."""
_GIGABYTE = 1000**3


def check_capacity(settings: Settings, views: Sequence[RunView], *, new: bool = True) -> None:
    """Raise UserError ``queue_full``, ``too_many_runs`` or ``disk_full`` where no further training may be put into the queue. ``views`` are all
    runs, ``new`` is whether it would be one more of them."""
    waiting, free = _waiting(views), _free(settings)
    if waiting >= settings.max_waiting_runs:
        raise UserError(
            f"{waiting} trainings wait already, and no more than {settings.max_waiting_runs} may. Wait until some have ended, or take one out of the queue.",
            code="queue_full",
        )
    if new and len(views) >= settings.max_runs:
        raise UserError(
            f"There are {len(views):,} runs already, and no more than {settings.max_runs:,} are kept. Delete those you do not need on the Runs tab.",
            code="too_many_runs",
        )
    if free < settings.min_free_bytes:
        raise UserError(
            f"Only {_gigabytes(free)} are free on the disk of {settings.runs_dir}; a training needs {_gigabytes(settings.min_free_bytes)} to begin with. "
            "Free some: the Runs tab lists what takes room.",
            code="disk_full",
        )


def near_capacity(settings: Settings, views: Sequence[RunView]) -> str:
    """What is nearly used up, or used up, in a sentence; empty where there is enough of all."""
    waiting, free = _waiting(views), _free(settings)
    if waiting >= _NEAR * settings.max_waiting_runs:
        return f"{waiting} of at most {settings.max_waiting_runs} trainings wait already."
    if len(views) >= _NEAR * settings.max_runs:
        return f"There are {len(views):,} of at most {settings.max_runs:,} runs; delete those you do not need."
    if free < _NEAR_ROOM * settings.min_free_bytes:
        return f"Only {_gigabytes(free)} are left on the disk; below {_gigabytes(settings.min_free_bytes)} no training begins."
    return ""


def _waiting(views: Sequence[RunView]) -> int:
    return sum(view.status == "queued" for view in views)


def _free(settings: Settings) -> int:
    try:
        return shutil.disk_usage(settings.runs_dir).free
    except OSError:
        # That the folder is not there has words of its own.
        return settings.min_free_bytes * _NEAR_ROOM


def _gigabytes(size: int) -> str:
    return f"{size / _GIGABYTE:.1f} GB"
