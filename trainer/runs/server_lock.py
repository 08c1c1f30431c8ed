"""One server per runs folder: an exclusive lock while it runs, and a file that says who holds it.

Trainings from the terminal and readers do not need this lock; each run has its own writer lock.
"""

import json
import os
import platform
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from trainer.errors import UnavailableError
from trainer.runs.checksums import write_json_with_checksum
from trainer.runs.file_locks import try_lock

_TRIES = 50
_TRY_SECONDS = 0.02
"""Wait a second for a server that is just ending, or has not written its file yet."""

_ELSEWHERE = "or name another folder in the environment variable EMOTUNE_RUNS."


@dataclass(frozen=True)
class ServerInfo:
    """The server of a runs folder."""

    process: int
    host: str
    """The computer's name, since folders may be shared between computers."""
    since: float
    """Unix time."""
    address: str = ""
    """The address of its page; empty until it is known."""


@contextmanager
def server_lock(folder: Path) -> Iterator[Callable[[str], None]]:
    """Be the only server of the runs folder while the block runs. Yields a function that records the page's address.

    The lock ends with this process. On file systems without locks several servers may run.
    Raises UserError: ``already_serving`` if another server holds the lock, ``disk_not_writable`` if the lock cannot be opened.
    """
    info_file = folder / "serving.json"
    try:
        file = open(folder / "serving.lock", "a+b")  # noqa: SIM115 - closed below; only this error is about opening it
    except OSError as error:
        raise UnavailableError(
            f"Emotune cannot open {folder / 'serving.lock'} ({error.strerror or error}). Allow reading and writing it, {_ELSEWHERE}",
            code="disk_not_writable",
        ) from error
    with file:
        if hasattr(os, "register_at_fork"):
            # A forked child would keep the lock after this process has ended.
            os.register_at_fork(after_in_child=file.close)
        if not any(try_lock(file, shared=False) or time.sleep(_TRY_SECONDS) for _ in range(_TRIES)):
            raise UnavailableError(_who_serves(folder, _read_info(info_file)), code="already_serving")
        info = ServerInfo(process=os.getpid(), host=platform.node(), since=time.time())
        _write_info(info_file, info)
        try:
            yield lambda address: _write_info(info_file, replace(info, address=address.rstrip("/")))
        finally:
            with suppress(OSError):
                info_file.unlink()


def _write_info(info_file: Path, server: ServerInfo) -> None:
    """Write who serves. A full disk must not prevent serving: only the lock decides, the file is for messages."""
    with suppress(OSError):
        write_json_with_checksum(info_file, asdict(server))


def _read_info(info_file: Path) -> ServerInfo | None:
    """The last server that wrote the file; None if it is missing or damaged."""
    try:
        values = json.loads(info_file.read_text(encoding="utf-8"))
        server = ServerInfo(int(values["process"]), str(values["host"]), float(values["since"]), str(values["address"]))
        time.localtime(server.since)
    except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError):
        return None
    return server


def _who_serves(folder: Path, server: ServerInfo | None) -> str:
    if server is None:
        return f"Another Emotune already serves the folder {folder}. End that program, {_ELSEWHERE}"
    at = f", at {server.address}" if server.address else ""
    action = "Open that page, end that program" if server.address else "End that program"
    on_computer = "" if server.host == platform.node() else f" on the computer {server.host}"
    return (
        f"Emotune already serves the folder {folder}{at} (process {server.process}{on_computer}, since {_clock(server.since)}). "
        f"{action}, {_ELSEWHERE}"
    )


def _clock(when: float) -> str:
    """The local time, with the date if it is not today."""
    then = time.localtime(when)
    today = then[:3] == time.localtime()[:3]
    return time.strftime("%H:%M" if today else "%Y-%m-%d %H:%M", then)
