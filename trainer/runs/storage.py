"""Storage: how much room runs, drafts and uploads take on the disk, and the one way to clear away old files.

What may go is decided by the studio.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trainer.runs.run import Run


@dataclass(frozen=True)
class RunStorage:
    """The bytes of one run's folder. Files that the model shares with a checkpoint count as the model's: they stay when checkpoints go."""

    id: str
    name: str
    model: int
    checkpoints: int
    other: int

    @property
    def total(self) -> int:
        return self.model + self.checkpoints + self.other


@dataclass(frozen=True)
class DraftStorage:
    """The bytes of one draft's folder; ``name`` is its file's."""

    id: str
    name: str
    bytes: int


@dataclass(frozen=True)
class Storage:
    """What one owner's work takes of the disk, and what is ``free`` on it, in bytes. Runs and drafts stand the newest first.

    A file that several share (a draft and the runs that were started from it) counts in each of them, and once in ``total``.
    """

    total: int
    runs: tuple[RunStorage, ...]
    drafts: tuple[DraftStorage, ...]
    uploads: int
    """The page's copies of uploaded files."""
    free: int
    checkpoints: int
    """Of trainings that ended: what ``limit`` bounds."""
    limit: int
    expiring_checkpoints: tuple[str, ...] = ()
    """The runs whose checkpoints go when the next training ends."""


Files = dict[tuple[int, int], int]
"""Bytes by device and number: two names of one file are one entry."""


def files_on_disk(folder: Path) -> Files:
    """The files below a folder; none where it is missing. What is removed meanwhile is left out."""
    found: Files = {}
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                facts = os.lstat(os.path.join(inside, name))
                found[facts.st_dev, facts.st_ino] = facts.st_size
    return found


def total_bytes(*parts: Files) -> int:
    """What these files take together, each once."""
    together: Files = {}
    for part in parts:
        together |= part
    return sum(together.values())


def run_storage(run: Run, name: str) -> RunStorage:
    """The room of one run by what it is for."""
    model, checkpoints = files_on_disk(run.model), files_on_disk(run.checkpoints)
    rest = total_bytes(model, checkpoints)
    whole = total_bytes(files_on_disk(run.path), model, checkpoints)
    return RunStorage(run.id, name, total_bytes(model), rest - total_bytes(model), whole - rest)


def checkpoint_files(run: Run) -> Files:
    """The files that go with a run's checkpoints; none that its model shares."""
    if not run.checkpoints.is_dir():
        return {}
    model = files_on_disk(run.model)
    return {file: size for file, size in files_on_disk(run.checkpoints).items() if file not in model}


def runs_over_limit(limit: int, checkpoints: Iterable[tuple[str, Files]]) -> tuple[str, ...]:
    """The runs whose checkpoints go so that all together take no more than ``limit`` bytes.

    ``checkpoints`` are those of each run by its id, the run that is dearest first: that one keeps its own, however much they take.
    """
    kept: Files = {}
    gone: list[str] = []
    for at, (run_id, files) in enumerate(checkpoints):
        if at and files and (gone or total_bytes(kept, files) > limit):
            gone.append(run_id)
        elif files:
            kept |= files
    return tuple(gone)


def remove_older(folder: Path, before: float) -> int:
    """Remove the files below a folder that nobody has written to since ``before`` (Unix time), and folders left empty; the bytes removed."""
    removed = 0
    for inside, _, names in os.walk(folder, topdown=False):
        for name in names:
            path = os.path.join(inside, name)
            with suppress(OSError):
                facts = os.lstat(path)
                if facts.st_mtime < before:
                    os.unlink(path)
                    removed += facts.st_size
        if inside != str(folder):
            with suppress(OSError):  # something is left in it
                os.rmdir(inside)
    return removed


def make_room(folder: Path, limit: int, incoming: int, spared_since: float) -> bool:
    """Remove the oldest files below a folder until ``incoming`` bytes more are within ``limit``; whether they are.

    What somebody wrote or used since ``spared_since`` (Unix time) stays: it may be just being opened.
    """
    files = []
    for inside, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(inside, name)
            with suppress(OSError):
                facts = os.lstat(path)
                files.append((facts.st_mtime, facts.st_size, path))
    total = sum(size for _, size, _ in files) + incoming
    for changed, size, path in sorted(files):
        if total <= limit or changed >= spared_since:
            break
        with suppress(OSError):
            os.unlink(path)
            total -= size
        with suppress(OSError):  # something is left in it
            os.rmdir(os.path.dirname(path))
    return total <= limit


def remove_files_in(folder: Path) -> None:
    """Remove the files that lie in a folder itself, and none below it."""
    with suppress(OSError), os.scandir(folder) as found:
        for entry in found:
            with suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
