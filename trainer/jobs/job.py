"""Job: what anyone may see of a job, whatever its type; JobRecord: what every job keeps on the disk."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from trainer.runs.events import EventLog
from trainer.runs.view import Status


@dataclass(frozen=True)
class Progress:
    """What a running job does now."""

    what: str
    """As the end of a sentence: "reading the texts"."""
    done: float | None = None
    """Fraction of the job that is done, 0..1; None if it is not counted."""


@dataclass(frozen=True)
class Job:
    """One job of any type. Times are Unix times."""

    id: str
    type: str
    """The name of its type: "train" ..."""
    owner: str
    name: str
    folder: Path
    status: Status
    created: float = 0.0
    queued: float = 0.0
    """When it was last queued."""
    ended_at: float | None = None
    """When it finished, stopped, failed or was cancelled; None while it is live or if it was interrupted."""
    parameters: Mapping[str, Any] = field(default_factory=dict)
    """What was requested, as JSON values; empty for a training, whose recipe is in its run."""
    progress: Progress | None = None
    """None unless it is running."""
    stop_requested: bool = False
    message: str = ""
    """Why it failed, what a stop left, or why it does not go on after a restart; for the user."""
    code: str = ""
    """The kind of failure."""
    result: Mapping[str, Any] | None = None
    """Of a finished job, as JSON values; files are in its folder."""
    starts_without_progress: int = 0
    """How often it has started since it last got any further."""

    @property
    def live(self) -> bool:
        """Whether it is queued or running."""
        return self.status in ("queued", "running")


class _HasStatus(Protocol):
    @property
    def status(self) -> Status: ...


class JobRecord(Protocol):
    """A job's folder with its log, its lock (``runs/writer_lock.py``) and its stop file. Of a training it is the run, of others a JobFolder."""

    @property
    def id(self) -> str: ...
    @property
    def path(self) -> Path: ...
    @property
    def log(self) -> EventLog: ...
    @property
    def traceback(self) -> Path: ...
    def read_view(self) -> _HasStatus:
        """What the log says: a job that started and has not ended is "running"."""
        ...

    def request_stop(self, reason: str = "") -> None: ...
    def clear_stop(self) -> None: ...
    def is_stop_requested(self) -> bool: ...
    def stop_reason(self) -> str: ...
