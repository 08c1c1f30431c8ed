"""Exclusive access to a run, or another job, across processes, to queue, resume, prune or delete it."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Protocol, TypeVar

from trainer.errors import UnavailableError
from trainer.runs.writer_lock import maintenance_lock


class _View(Protocol):
    @property
    def name(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def live(self) -> bool: ...


class _Record(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def path(self) -> Path: ...


Record = TypeVar("Record", bound=_Record, contravariant=True)
View = TypeVar("View", bound=_View, covariant=True)


class _Store(Protocol[Record, View]):
    """RunStore, or the JobStore of jobs/."""

    def view(self, record: Record, /) -> View: ...
    def get(self, job_id: object, owner: str, /) -> Any: ...


@contextmanager
def exclusive_access(runs: _Store[Record, View], run: Record) -> Iterator[tuple[View, ExitStack | None]]:
    """The run's view, and the lock that is held, which may be closed early; no lock for a live run that another process holds.

    Raises UserError: ``unknown_run`` (what ``runs.get`` raises) if the run has just been deleted, ``run_is_busy`` if another process keeps its
    lock, ``disk_not_writable`` if the lock cannot be opened.
    """
    view = runs.view(run)
    if view.status == "running":
        yield view, None
        return
    with ExitStack() as stack:
        try:
            lock = stack.enter_context(maintenance_lock(run.path))
        except OSError as error:
            raise unwritable(view, run.path, error) from error
        if lock is None and not run.path.is_dir():
            runs.get(run.id, view.owner)
        view = runs.view(run)
        if lock is None and not view.live:
            raise UnavailableError(f"Another program is writing {view.name}. Try again in a moment.", code="run_is_busy")
        yield view, lock


def unwritable(view: _View, folder: Path, error: OSError) -> UnavailableError:
    """The error for a run whose folder could not be changed."""
    return UnavailableError(
        f"{view.name} could not be changed or deleted ({error.strerror or error}). Nothing is lost; allow writing in {folder}.",
        code="disk_not_writable",
    )
