"""Who writes a run: an exclusive lock on its folder, and a heartbeat for watchers on other machines.

The lock dies with its process, however it dies; that is how a run whose server was killed is told from a living one.
"""

import os
import platform
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from trainer.runs.locks import try_lock

_BEAT_SECONDS = 2.0
_SILENCE_SECONDS = 30.0
"""A writer on another machine that has not beaten for so long is taken for dead."""


@contextmanager
def writing(folder: Path) -> Iterator[bool]:
    """Be the one writer of ``folder`` while the block runs; yields False, at once, where somebody else is."""
    with open(folder / "lock", "a+b") as file:
        # Readers take the lock for an instant when they look; a few tries tell them from a real writer.
        got = any(try_lock(file, shared=False) or time.sleep(0.02) for _ in range(25))
        if not got:
            yield False
            return
        done = threading.Event()
        thread = threading.Thread(target=_beat_until, args=(folder, done), name="heartbeat", daemon=True)
        thread.start()
        try:
            yield True
        finally:
            done.set()
            thread.join()


def beat(folder: Path) -> None:
    """Leave a sign of life: this machine's name, and the time as the file's own. It need not outlast a power cut, which ends the life too."""
    # Never written in place: a writer killed between emptying the file and filling it would leave the sign of nobody,
    # which differs from this machine's name and so would pass for a living writer elsewhere.
    fresh = folder / f"heartbeat.{os.getpid()}"
    fresh.write_text(platform.node(), encoding="utf-8")
    os.replace(fresh, folder / "heartbeat")


def has_living_writer(folder: Path) -> bool:
    """Whether somebody writes this run now: by its lock on this machine, by its heartbeat on another."""
    try:
        with open(folder / "lock", "rb") as file:
            if not try_lock(file, shared=True):
                return True
        host = (folder / "heartbeat").read_text(encoding="utf-8", errors="replace")
        age = time.time() - (folder / "heartbeat").stat().st_mtime
    except OSError:
        return False
    return host not in ("", platform.node()) and age < _SILENCE_SECONDS


def _beat_until(folder: Path, done: threading.Event) -> None:
    while True:
        # A full disk must not end the training; the next event that cannot be written will say so.
        with suppress(OSError):
            beat(folder)
        if done.wait(_BEAT_SECONDS):
            return
