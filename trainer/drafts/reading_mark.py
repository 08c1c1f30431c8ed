"""Marks of who is reading the files of a folder. A mark that its process left behind says that reading them ended that process.

A mark is held by a lock, which dies with its process, however that dies; the process that reads now is never taken for one that has ended. On file
systems without locks a process tells only its own marks from those left behind.
"""

import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainer.runs.checksums import dump, load
from trainer.runs.locks import try_lock

_PREFIX = "reading-"
_ME = secrets.token_hex(8)
"""This process; a number would be given to another one after a restart."""


@contextmanager
def reading(folder: Path, files: Collection[str]) -> Iterator[None]:
    """Mark ``files`` of the folder as being read while the block runs. A full disk keeps nobody from reading: then there is no mark."""
    path = folder / f"{_PREFIX}{secrets.token_hex(8)}"
    try:
        file = open(path, "xb", buffering=0)  # noqa: SIM115 - closed below; only opening it may fail
    except OSError:
        yield
        return
    try:
        with file:
            # Locked first, as an empty file is no mark: nobody ever sees one that a living reader does not hold.
            try_lock(file, shared=False)
            with suppress(OSError):
                file.write(dump({"process": _ME, "files": sorted(files)}))
            try:
                yield
            finally:
                # Emptied before it is let go of: a system may refuse to remove an open file.
                with suppress(OSError):
                    file.truncate(0)
    finally:
        with suppress(OSError):
            path.unlink()


def left_behind(folder: Path) -> tuple[frozenset[str], ...]:
    """For each reader that ended while it was reading, the files that it read."""
    return tuple(files for path in _marks(folder) if (files := _of_the_dead(path)) is not None)


def forget(folder: Path) -> None:
    """Remove the marks that were left behind."""
    for path in _marks(folder):
        if _of_the_dead(path) is not None:
            with suppress(OSError):
                path.unlink()


def _marks(folder: Path) -> list[Path]:
    with suppress(OSError):
        return [Path(entry.path) for entry in os.scandir(folder) if entry.name.startswith(_PREFIX)]
    return []


def _of_the_dead(path: Path) -> frozenset[str] | None:
    """What a reader read that has ended; None for the mark of a living one, and for none at all."""
    try:
        with open(path, "rb") as file:
            if not try_lock(file, shared=True):
                return None
            values = load(file.read())
        return None if values["process"] == _ME else frozenset(values["files"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
