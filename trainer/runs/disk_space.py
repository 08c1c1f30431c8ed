"""Disk usage of runs, drafts and uploads, and the removal of old files.

The caller decides what may be removed.
"""

import os
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trainer.runs.run import Run


@dataclass(frozen=True)
class RunStorage:
    """The bytes of one run's folder. Files that the model shares with a checkpoint count as the model's, since removing checkpoints keeps them."""

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
    """The bytes of one draft's folder; ``name`` is the name of its file."""

    id: str
    name: str
    bytes: int


@dataclass(frozen=True)
class Storage:
    """Disk usage of one owner and ``free`` disk space, in bytes. Runs and drafts are sorted newest first.

    A file shared by several (a draft and its runs) counts for each of them, and once in ``total``.
    """

    total: int
    runs: tuple[RunStorage, ...]
    drafts: tuple[DraftStorage, ...]
    uploads: int
    """The page's copies of uploaded files."""
    free: int
    checkpoints: int
    """Of ended trainings; bounded by ``limit``."""
    limit: int
    expiring_checkpoints: tuple[str, ...] = ()
    """The runs whose checkpoints are removed when the next training ends."""
    jobs: int = 0
    """Of the jobs that are no trainings, with their results."""


Files = dict[tuple[int, int], int]
"""Bytes by device and inode, so that hard links of one file are one entry."""


def files_on_disk(folder: Path) -> Files:
    """The files in a folder and its subfolders; none if it is missing. Files removed meanwhile are skipped."""
    files: Files = {}
    for inside, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                stat = os.lstat(os.path.join(inside, name))
                files[stat.st_dev, stat.st_ino] = stat.st_size
    return files


def total_bytes(*parts: Files) -> int:
    """The bytes of these files together, each counted once."""
    union: Files = {}
    for part in parts:
        union |= part
    return sum(union.values())


def run_storage(run: Run, name: str) -> RunStorage:
    """The disk usage of one run by purpose."""
    model, checkpoints = files_on_disk(run.model), files_on_disk(run.checkpoints)
    without_other = total_bytes(model, checkpoints)
    everything = total_bytes(files_on_disk(run.path), model, checkpoints)
    return RunStorage(run.id, name, total_bytes(model), without_other - total_bytes(model), everything - without_other)


def checkpoint_files(run: Run) -> Files:
    """The files that disappear with a run's checkpoints: none that its model shares."""
    if not run.checkpoints.is_dir():
        return {}
    model = files_on_disk(run.model)
    return {file: size for file, size in files_on_disk(run.checkpoints).items() if file not in model}


def runs_over_limit(limit: int, checkpoints: Iterable[tuple[str, Files]]) -> tuple[str, ...]:
    """The runs whose checkpoints must be removed so that all checkpoints together have at most ``limit`` bytes.

    ``checkpoints`` has the files of each run by its id, the most important run first, which always keeps its checkpoints.
    """
    kept: Files = {}
    removed: list[str] = []
    for index, (run_id, files) in enumerate(checkpoints):
        if index and files and (removed or total_bytes(kept, files) > limit):
            removed.append(run_id)
        elif files:
            kept |= files
    return tuple(removed)


def remove_older(folder: Path, older_than: float) -> int:
    """Remove files in a folder that were last written before ``older_than`` (Unix time), and folders that are empty then; returns the bytes removed.

    A younger folder stays: a file may be about to be moved into it.
    """
    removed = 0
    for inside, _, names in os.walk(folder, topdown=False):
        try:
            is_old = os.lstat(inside).st_mtime < older_than
        except OSError:
            continue
        for name in names:
            path = os.path.join(inside, name)
            with suppress(OSError):
                stat = os.lstat(path)
                if stat.st_mtime < older_than:
                    os.unlink(path)
                    removed += stat.st_size
        if is_old and inside != str(folder):
            with suppress(OSError):  # something is left in it
                os.rmdir(inside)
    return removed


def make_room(folder: Path, limit: int, incoming: int, recent: float) -> bool:
    """Remove the oldest files in a folder until there is room for ``incoming`` bytes within ``limit``; returns whether there is.

    Files written since ``recent`` (Unix time) stay, since they may be about to be opened.
    """
    files = []
    for inside, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(inside, name)
            with suppress(OSError):
                stat = os.lstat(path)
                files.append((stat.st_mtime, stat.st_size, path))
    total = sum(size for _, size, _ in files) + incoming
    for changed, size, path in sorted(files):
        if total <= limit or changed >= recent:
            break
        with suppress(OSError):
            os.unlink(path)
            total -= size
        with suppress(OSError):  # something is left in it
            os.rmdir(os.path.dirname(path))
    return total <= limit


def remove_files_in(folder: Path) -> None:
    """Remove the files directly in a folder, but none in its subfolders."""
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            with suppress(OSError):
                if not entry.is_dir(follow_symlinks=False):
                    os.unlink(entry.path)
