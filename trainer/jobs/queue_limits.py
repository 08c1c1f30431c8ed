"""Limits that are checked before a training or another job is queued, or a file opened: on waiting trainings, runs and free disk space. A warning near a limit, an error at it.

How much disk space a run takes is in ``runs/disk_space.py``.
"""

import shutil
from collections.abc import Sequence

from trainer.errors import UnavailableError
from trainer.jobs.job import Job
from trainer.runs.view import RunView
from trainer.settings import Settings

_WARNING_FRACTION = 0.75
"""Of a limit, from which there is a warning."""
_LOW_SPACE_FACTOR = 3
"""Times the minimum of free space, below which there is a warning."""
_GIGABYTE = 1000**3


def check_capacity(settings: Settings, views: Sequence[RunView], all_views: Sequence[RunView], *, new: bool = True) -> None:
    """Raise UserError ``queue_full``, ``too_many_runs`` or ``disk_full`` if no further training may be queued. ``views`` are all runs of the
    owner, ``all_views`` those of all owners; ``new`` is whether the training would be a new run."""
    _check_waiting(settings, _count_waiting(views), "trainings")
    _check_waiting_in_all(settings, _count_waiting(all_views), "trainings")
    if new and len(views) >= settings.max_runs:
        raise UnavailableError(
            f"There are {len(views):,} runs already; the limit is {settings.max_runs:,}. Delete those you do not need on the Runs tab.",
            code="too_many_runs",
        )
    check_disk(settings, "a training")


def check_job_capacity(settings: Settings, jobs: Sequence[Job], waiting_in_all: int) -> None:
    """Raise UserError ``queue_full`` or ``disk_full`` if no further job that is no training may be queued. ``jobs`` are those of the owner that
    count, ``waiting_in_all`` those of all owners that wait."""
    _check_waiting(settings, sum(job.status == "queued" for job in jobs), "jobs")
    _check_waiting_in_all(settings, waiting_in_all, "jobs")
    check_disk(settings, "a job")


def check_disk(settings: Settings, what: str) -> None:
    """Raise UserError ``disk_full`` if too little is free for something ("a training") to begin."""
    free = _free_bytes(settings)
    where = f" of{settings.where}" if settings.where else ""
    if free < settings.min_free_bytes:
        # What one visitor has is a small part of it.
        elsewhere = "Try again later, or tell whoever runs this server; what you have stays."
        advice = elsewhere if settings.mode.separate_visitors else "Free some space: the Runs tab lists what uses it."
        raise UnavailableError(
            f"Only {_gigabytes(free)} are free on the disk{where}; {what} needs at least {_gigabytes(settings.min_free_bytes)}. {advice}",
            code="disk_full",
        )


def near_capacity(settings: Settings, views: Sequence[RunView]) -> str:
    """A sentence about the limit that is nearly or fully reached; empty if none is."""
    waiting, free = _count_waiting(views), _free_bytes(settings)
    if waiting >= _WARNING_FRACTION * settings.max_waiting_runs:
        return f"{waiting} of at most {settings.max_waiting_runs} trainings are waiting already."
    if len(views) >= _WARNING_FRACTION * settings.max_runs:
        return f"There are {len(views):,} of at most {settings.max_runs:,} runs; delete those you do not need."
    if free < _LOW_SPACE_FACTOR * settings.min_free_bytes:
        return f"Only {_gigabytes(free)} are free on the disk; no training starts below {_gigabytes(settings.min_free_bytes)}."
    return ""


def _check_waiting(settings: Settings, waiting: int, what: str) -> None:
    if waiting >= settings.max_waiting_runs:
        are = "is" if waiting == 1 else "are"
        raise UnavailableError(
            f"{waiting} {what if waiting != 1 else what[:-1]} {are} waiting already, and at most {settings.max_waiting_runs} may wait. Wait until some have ended, or stop one.",
            code="queue_full",
        )


def _check_waiting_in_all(settings: Settings, waiting: int, what: str) -> None:
    if waiting >= settings.max_waiting_in_all:
        raise UnavailableError(
            f"{waiting} {what} wait on this server, as many as may. Try again in some minutes; what you have prepared stays.",
            code="queue_full",
        )


def _count_waiting(views: Sequence[RunView]) -> int:
    return sum(view.status == "queued" for view in views)


def _free_bytes(settings: Settings) -> int:
    try:
        return shutil.disk_usage(settings.runs_dir).free
    except OSError:
        # A missing folder has an error of its own.
        return settings.min_free_bytes * _LOW_SPACE_FACTOR


def _gigabytes(size: int) -> str:
    return f"{size / _GIGABYTE:.1f} GB"
