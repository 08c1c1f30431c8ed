"""Who writes a run: an exclusive lock on its folder, a sign of life for readers, and a heartbeat for watchers on other machines.

Locks die with their process, however it dies; that is how a run whose server was killed is told from a living one. Readers never take the
writer's lock, not even for an instant.
"""

import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from trainer.runs.locks import hold_lock_file, is_held, try_lock

_BEAT_SECONDS = 2.0
_SILENCE_SECONDS = 30.0
"""A writer on another machine that has not beaten for so long is taken for dead."""

_TRIES = 100
_TRY_SECONDS = 0.02
"""Whoever only moves, tidies or renames something lets go within an instant, and so does a training that has just noted its end."""

_SIGN, _BEAT = "alive", "heartbeat"


@contextmanager
def writer_lock(folder: Path) -> Iterator[bool]:
    """Be the one writer of ``folder``, and be seen as such, while the block runs; yields False, at once, where somebody else has its lock.

    Raises OSError where the folder is gone or cannot be written.
    """
    with _lock(folder, tries=1) as got:
        if not got:
            yield False
            return
        try:
            with hold_lock_file(folder / _SIGN), _beating(folder):
                yield True
        finally:
            # What is over is not alive, on no machine. Only whoever has the lock puts these here or takes them away.
            for sign in (_SIGN, _BEAT):
                with suppress(OSError):
                    (folder / sign).unlink()


@contextmanager
def maintenance_lock(folder: Path, *, patient: bool = True) -> Iterator[ExitStack | None]:
    """Keep everybody else from writing ``folder`` for an instant, to change what it is: put it into the queue, take it out, tidy it, delete it.

    To readers nobody writes it meanwhile. If ``patient``, waits a little for others that do the same; yields None where somebody keeps the
    lock, as a training does, and where the folder is gone. What is yielded lets go of the lock when it is closed.
    """
    with ExitStack() as held:
        got = False
        with suppress(FileNotFoundError):
            got = held.enter_context(_lock(folder, tries=_TRIES if patient else 1))
        yield held if got else None


def write_heartbeat(folder: Path) -> None:
    """Leave a sign of life: this machine's name, and the time as the file's own. It need not outlast a power cut, which ends the life too."""
    # Never written in place: a writer killed between emptying the file and filling it would leave the sign of nobody,
    # which differs from this machine's name and so would pass for a living writer elsewhere.
    fresh = folder / f"{_BEAT}.{os.getpid()}"
    fresh.write_text(platform.node(), encoding="utf-8")
    os.replace(fresh, folder / _BEAT)


def is_being_written(folder: Path) -> bool:
    """Whether somebody writes this run now: by its sign of life on this machine, by its heartbeat on another."""
    if is_held(folder / _SIGN):
        return True
    try:
        host = (folder / _BEAT).read_text(encoding="utf-8", errors="replace")
        age = time.time() - (folder / _BEAT).stat().st_mtime
    except OSError:
        return False
    return host not in ("", platform.node()) and age < _SILENCE_SECONDS


@contextmanager
def _lock(folder: Path, *, tries: int) -> Iterator[bool]:
    """The writer's lock itself; False where it is not to be had, or where the folder has been moved away meanwhile."""
    path = folder / "lock"
    with open(path, "a+b") as file:
        got = try_lock(file, shared=False)
        while not got and (tries := tries - 1):
            time.sleep(_TRY_SECONDS)
            got = try_lock(file, shared=False)
        yield got and _is_at(path, file.fileno())


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one of this name: whoever deletes a run moves its folder away under the lock."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except OSError:
        return False


@contextmanager
def _beating(folder: Path) -> Iterator[None]:
    done = threading.Event()
    thread = threading.Thread(target=_beat_until, args=(folder, done), name="heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _beat_until(folder: Path, done: threading.Event) -> None:
    while True:
        # A full disk must not end the training; the next event that cannot be written will say so.
        with suppress(OSError):
            write_heartbeat(folder)
        if done.wait(_BEAT_SECONDS):
            return
