"""One child from its parent's side: how it is started, asked and ended, and what its end means for the file it read.

Does not know that there are several of them.
"""

import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from trainer.data.files.table import Table
from trainer.data.files.workbook import unreadable_workbook
from trainer.data.reader import resource_limits
from trainer.data.reader.wire import BrokenWireError, receive_json, receive_table, send
from trainer.errors import UserError

_ROOT = Path(__file__).resolve().parents[3]
_CHILD_MODULE = "trainer.data.reader.child"
_INHERITED_ENV = (
    # Where Python and its packages are, and what Windows needs to start anything; no token and no password.
    "PATH HOME USERPROFILE APPDATA LOCALAPPDATA SYSTEMROOT TEMP TMP TMPDIR LANG LC_ALL LD_LIBRARY_PATH DYLD_LIBRARY_PATH "
    "PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX VIRTUAL_ENV"
).split()
_CHILD_ENV = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Fewer threads, and a memory pool that reserves no gigabyte of addresses, which are what is limited."""
_ADVICE = "Save the sheet or table with the texts and the labels as CSV (UTF-8), with nothing else in it, or upload a part of it."

_log = logging.getLogger("emotune")


class EndedEarlyError(UserError):
    """The child had ended before it looked at the file: perhaps somebody else's doing."""


class ChildProcess:
    """A process that reads one file at a time. ``usable`` says whether it may be given another one."""

    def __init__(self) -> None:
        """Start it. Raises OSError. On Linux it ends with the thread that starts it."""
        self.usable = True
        self._process = subprocess.Popen(
            [sys.executable, "-m", _CHILD_MODULE, str(os.getpid())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=_ROOT,
            env={name: os.environ[name] for name in _INHERITED_ENV if name in os.environ} | _CHILD_ENV,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        self._timed_out = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def close(self) -> None:
        """End it, whatever it is at."""
        self.usable = False
        with suppress(OSError):
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()
        self._process.wait()

    def read(self, order: bytes, data: bytes) -> Table:
        """The table in ``data``. Raises UserError: what the child refuses, ``file_too_heavy``, ``file_damaged``, or EndedEarlyError.

        ``order`` is JSON: the limits, and the other arguments of ``read_content``.
        """
        usable, self.usable = self.usable, False
        weight, kind, table = None, "", None
        try:
            with self._timeout(resource_limits.wall_seconds(len(data))):
                send(self._process.stdin, order, data)
                facts = receive_json(self._process.stdout)
            # It tells first that it begins, then what the file unpacks to.
            while "weight" in facts:
                weight, kind = int(facts["weight"]), facts.get("kind", "")
                with self._timeout(resource_limits.wall_seconds(weight)):
                    facts = receive_json(self._process.stdout)
                    table = receive_table(self._process.stdout, facts["table"]) if "table" in facts else None
        except (OSError, BrokenWireError, TypeError, ValueError):
            raise self._error_of_ended_child(weight, kind) from None
        self.usable = usable and facts.get("last") is False
        return _raise_refusal(facts, kind) if table is None else table

    @contextmanager
    def _timeout(self, seconds: float) -> Iterator[None]:
        """Kill the child if the block takes longer, which the block then notices."""

        def overrun() -> None:
            self._timed_out = True
            self._process.kill()

        timer = threading.Timer(seconds, overrun)
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()

    def _error_of_ended_child(self, weight: int | None, kind: str) -> UserError:
        """What its end says about the file; None: it had not been looked at."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        ended = -(self._process.poll() or 0)
        self.close()
        if weight is None and not self._timed_out:
            return EndedEarlyError(
                "The process that reads files ended before it could read this one. Try again; if that does not help, restart Emotune.",
                code="reader_unavailable",
            )
        if self._timed_out or ended == getattr(signal, "SIGXCPU", None):
            return _too_long(weight or 0)
        if kind == "spreadsheet":
            return _unreadable_workbook()  # calamine gives up so where there is no memory
        # Nobody else kills it but a system that runs out of memory.
        return _too_much_memory() if ended == getattr(signal, "SIGKILL", None) else _damaged()


def _raise_refusal(facts: dict[str, Any], kind: str) -> Table:
    """Raise what the child has said of a file without a table."""
    refused = facts.get("refused")
    if isinstance(refused, dict):
        raise UserError(str(refused.get("message")), code=str(refused.get("code")))
    if facts.get("beyond") == "memory":
        raise _unreadable_workbook() if kind == "spreadsheet" else _too_much_memory()
    _log.error("reading a file failed: %s", facts.get("failed"))
    raise UserError(
        f"This file is so unusual that Emotune has failed to read it, which it should not have. {_ADVICE}", code="reading_failed"
    )


def _too_long(weight: int) -> UserError:
    return UserError(
        f"Reading this file took more than {resource_limits.cpu_seconds(weight)} seconds of computing, far more than its size explains, and was stopped. "
        f"{_ADVICE}",
        code="file_too_heavy",
    )


def _too_much_memory() -> UserError:
    return UserError(f"Reading this file takes more memory than its size explains, and was stopped. {_ADVICE}", code="file_too_heavy")


def _unreadable_workbook() -> UserError:
    return unreadable_workbook(
        "it is damaged, or asks for far too much memory (a cell far below or beside the table is enough: delete the empty rows and columns)"
    )


def _damaged() -> UserError:
    return UserError(
        "This file is damaged, or made to do harm: the process that read it ended suddenly. Nothing else was touched. "
        "Copy or download it again, or open it in the program it comes from and save it as CSV (UTF-8).",
        code="file_damaged",
    )
