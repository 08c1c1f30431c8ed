"""Marks of processes that are reading the files of a folder. A mark that outlives its process means that reading them ended that process.

A mark is held by a lock, which ends with its process in any case, so a reading process is never mistaken for one that has ended. On file
systems without locks a process only recognises its own marks.
"""

import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainer.runs.checksums import dump, load
from trainer.runs.file_locks import try_lock
from trainer.runs.run_files import list_folder

_PREFIX = "reading-"
_PROCESS = secrets.token_hex(8)
"""This process; its number could belong to another one after a restart."""


@contextmanager
def mark_reading(folder: Path, files: Collection[str]) -> Iterator[None]:
    """Mark ``files`` of the folder as being read while the block runs. Without disk space there is no mark, but the block runs."""
    path = folder / f"{_PREFIX}{secrets.token_hex(8)}"
    try:
        file = open(path, "xb", buffering=0)  # noqa: SIM115 - closed below; only opening it may fail
    except OSError:
        yield
        return
    try:
        with file:
            # Locked before it is written: an empty file is no mark, so nobody sees a mark without its lock.
            try_lock(file, shared=False)
            with suppress(OSError):
                file.write(dump({"process": _PROCESS, "files": sorted(files)}))
            try:
                yield
            finally:
                # Emptied before it is closed: some systems refuse to remove an open file.
                with suppress(OSError):
                    file.truncate(0)
    finally:
        with suppress(OSError):
            path.unlink()


def stale_marks(folder: Path) -> tuple[frozenset[str], ...]:
    """For each process that ended while it was reading, the files that it read."""
    return tuple(files for path in _marks(folder) if (files := _files_of_stale_mark(path)) is not None)


def remove_stale_marks(folder: Path) -> None:
    """Remove the marks of processes that have ended."""
    for path in _marks(folder):
        if _files_of_stale_mark(path) is not None:
            with suppress(OSError):
                path.unlink()


def _marks(folder: Path) -> list[Path]:
    with suppress(OSError):
        return list_folder(folder, _PREFIX)
    return []


def _files_of_stale_mark(path: Path) -> frozenset[str] | None:
    """The files in the mark of a process that has ended; None for the mark of a running process, or no mark."""
    try:
        with open(path, "rb") as file:
            if not try_lock(file, shared=True):
                return None
            values = load(file.read())
        return None if values["process"] == _PROCESS else frozenset(values["files"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
