"""Who writes a run: an exclusive lock on its folder, a second lock that readers can check, and a heartbeat for readers on other machines.

Locks end with their process, so that a run whose server was killed is recognized. Readers never take the writer's lock, not even briefly.
"""

import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from trainer.runs.file_locks import hold_lock_file, is_held, try_lock

_HEARTBEAT_SECONDS = 2.0
_DEAD_AFTER_SECONDS = 30.0
"""A writer on another machine without a heartbeat for this long counts as dead."""

_TRIES = 100
_TRY_SECONDS = 0.02
"""Moving, pruning and renaming release the lock quickly, and so does a training that has just logged its end."""

_ALIVE_FILE, _HEARTBEAT_FILE = "alive", "heartbeat"


@contextmanager
def writer_lock(folder: Path) -> Iterator[bool]:
    """Be the only writer of ``folder``, visible to readers, while the block runs; yields False at once if somebody else holds the lock.

    Raises OSError if the folder is missing or cannot be written.
    """
    with _lock(folder, tries=1) as acquired:
        if not acquired:
            yield False
            return
        try:
            with hold_lock_file(folder / _ALIVE_FILE), _heartbeat(folder):
                yield True
        finally:
            # Only the holder of the lock creates and removes these files.
            for name in (_ALIVE_FILE, _HEARTBEAT_FILE):
                with suppress(OSError):
                    (folder / name).unlink()


@contextmanager
def maintenance_lock(folder: Path, *, patient: bool = True) -> Iterator[ExitStack | None]:
    """Hold the lock of ``folder`` briefly, to queue the run, take it out of the queue, prune or delete it.

    Readers do not see a writer meanwhile. If ``patient``, waits a little for others that do the same. Yields None if somebody keeps the
    lock, like a training, or if the folder is missing. Closing the yielded stack releases the lock early.
    """
    with ExitStack() as stack:
        acquired = False
        with suppress(FileNotFoundError):
            acquired = stack.enter_context(_lock(folder, tries=_TRIES if patient else 1))
        yield stack if acquired else None


def write_heartbeat(folder: Path) -> None:
    """Write this machine's name; the time is that of the file. Not synced to the disk: a power cut ends the writer anyway."""
    # Never written in place: a writer killed in between would leave an empty file, which differs from this machine's name
    # and would look like a living writer on another machine.
    temporary = folder / f"{_HEARTBEAT_FILE}.{os.getpid()}"
    temporary.write_text(platform.node(), encoding="utf-8")
    os.replace(temporary, folder / _HEARTBEAT_FILE)


def is_being_written(folder: Path) -> bool:
    """Whether somebody writes this run now: judged by a lock on this machine, by the heartbeat on another one."""
    if is_held(folder / _ALIVE_FILE):
        return True
    try:
        host = (folder / _HEARTBEAT_FILE).read_text(encoding="utf-8", errors="replace")
        age = time.time() - (folder / _HEARTBEAT_FILE).stat().st_mtime
    except OSError:
        return False
    return host not in ("", platform.node()) and age < _DEAD_AFTER_SECONDS


@contextmanager
def _lock(folder: Path, *, tries: int) -> Iterator[bool]:
    """The writer's lock itself; False if it is held by somebody else, or if the folder was moved meanwhile."""
    path = folder / "lock"
    with open(path, "a+b") as file:
        acquired = try_lock(file, shared=False)
        while not acquired and (tries := tries - 1):
            time.sleep(_TRY_SECONDS)
            acquired = try_lock(file, shared=False)
        yield acquired and _is_at(path, file.fileno())


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one at this path: deleting a run moves its folder while holding the lock."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except OSError:
        return False


@contextmanager
def _heartbeat(folder: Path) -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=_write_heartbeats, args=(folder, done), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _write_heartbeats(folder: Path, done: threading.Event) -> None:
    while True:
        # A full disk must not end the training here; the next event that cannot be written will.
        with suppress(OSError):
            write_heartbeat(folder)
        if done.wait(_HEARTBEAT_SECONDS):
            return
