"""One server per runs folder: an exclusive lock while it serves, and a note beside it of who holds it.

Shuts out neither trainings from the terminal nor readers: those ask for no such lock, and each run has one writer anyway.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trainer.errors import UserError
from trainer.runs.checksums import write_json
from trainer.runs.locks import try_lock

_TRIES = 50
_TRY_SECONDS = 0.02
"""A server that is just ending, or has the lock but not yet left its note, is given a second."""

_ELSEWHERE = "or name another folder in the environment variable EMOTUNE_RUNS."


@dataclass(frozen=True)
class ServerInfo:
    """Who serves a runs folder."""

    process: int
    host: str
    """The computer's name; folders may be shared between computers."""
    since: float
    """Unix time."""
    address: str = ""
    """Where its page is; empty until that is known."""


@contextmanager
def server_lock(folder: Path) -> Iterator[Callable[[str], None]]:
    """Be the one server of the runs folder while the block runs; yields what is to be told the page's address once it is known.

    The lock dies with this process, however it dies. On file systems without locks everybody may serve.
    Raises UserError: ``already_serving`` where another server holds the lock, ``disk_not_writable`` where it cannot be looked at.
    """
    note = folder / "serving.json"
    try:
        file = open(folder / "serving.lock", "a+b")  # noqa: SIM115 - closed below; only opening it may fail in these words
    except OSError as error:
        raise UserError(
            f"Emotune cannot open {folder / 'serving.lock'} ({error.strerror or error}). Allow reading and writing it, {_ELSEWHERE}",
            code="disk_not_writable",
        ) from error
    with file:
        if hasattr(os, "register_at_fork"):
            # A forked child would hold the lock beyond our death.
            os.register_at_fork(after_in_child=file.close)
        if not any(try_lock(file, shared=False) or time.sleep(_TRY_SECONDS) for _ in range(_TRIES)):
            raise UserError(_who_serves(folder, _read(note)), code="already_serving")
        me = ServerInfo(process=os.getpid(), host=platform.node(), since=time.time())
        _leave(note, me)
        try:
            yield lambda address: _leave(note, replace(me, address=address.rstrip("/")))
        finally:
            with suppress(OSError):
                note.unlink()


def _leave(note: Path, server: ServerInfo) -> None:
    """Write who serves. A full disk must not keep the page shut: the note is for words only, the lock decides."""
    with suppress(OSError):
        write_json(note, asdict(server))


def _read(note: Path) -> ServerInfo | None:
    """Who said so last; None where nobody did, or nobody can tell."""
    try:
        values = json.loads(note.read_text(encoding="utf-8"))
        server = ServerInfo(int(values["process"]), str(values["host"]), float(values["since"]), str(values["address"]))
        time.localtime(server.since)
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return server


def _who_serves(folder: Path, server: ServerInfo | None) -> str:
    if server is None:
        return f"Another Emotune already serves the folder {folder}. End that program, {_ELSEWHERE}"
    where = f", at {server.address}" if server.address else ""
    what = "Open that page, end that program" if server.address else "End that program"
    there = "" if server.host == platform.node() else f" on the computer {server.host}"
    return (
        f"Emotune already serves the folder {folder}{where} (process {server.process}{there}, since {_clock(server.since)}). "
        f"{what}, {_ELSEWHERE}"
    )


def _clock(when: float) -> str:
    """The time of day as people here read it, with the date where that is not today."""
    then = time.localtime(when)
    today = then[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", then)
