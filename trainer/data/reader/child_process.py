"""The parent's side of one child process: starts it, sends it files, ends it, and turns its death into a UserError."""

import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from trainer.data.files.table import Table, unreadable_workbook_error
from trainer.data.reader import resource_limits
from trainer.data.reader.edit_wire import receive_notes, receive_rewritten
from trainer.data.reader.text_wire import PackedTexts, receive_texts
from trainer.data.reader.wire import MAX_CELL_BYTES, BrokenWireError, receive, receive_json, receive_table, send
from trainer.data.rewrite.edits import Rewritten
from trainer.error_codes import ERROR_CODES
from trainer.errors import FileError, UnavailableError, UserError
from trainer.timer import call_after

_ROOT = Path(__file__).resolve().parents[3]
_CHILD_MODULE = "trainer.data.reader.child_main"
_INHERITED_ENV = (
    # What Python needs to find its packages and Windows to start a process; no tokens or passwords.
    "PATH HOME USERPROFILE APPDATA LOCALAPPDATA SYSTEMROOT TEMP TMP TMPDIR LANG LC_ALL LD_LIBRARY_PATH DYLD_LIBRARY_PATH "
    "PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE PYTHONPYCACHEPREFIX VIRTUAL_ENV"
).split()
_CHILD_ENV = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
"""Fewer threads, and a memory pool that does not reserve address space, which is what is limited."""
_EXIT_SECONDS = 10.0
"""Between the end of what a child says and its exit status, on a starved machine."""
_ADVICE = "Save the sheet or table with the texts and the labels as CSV (UTF-8), with nothing else in it, or upload a part of it."

Answer = Table | PackedTexts | Rewritten
"""What a child is asked for."""


class Exchange(Protocol):
    """The other side of a child that changes a file piece by piece."""

    def cells(self, rows: int) -> Any:
        """The frame with the new cells of the next rows."""
        ...

    def take(self, piece: bytes) -> None:
        """Keep the next piece of the changed file."""
        ...


@dataclass
class _About:
    """What a child has said of its file. ``weight``: None as long as it has not started on it."""

    weight: int | None = None
    file_format: str = ""


_log = logging.getLogger("emotune")


class EndedEarlyError(UnavailableError):
    """The child ended before it started on the file, so the file is probably not the cause."""


class EndedByFileError(FileError):
    """The child ended while it read the file, or was ended because that took too much."""


class ChildProcess:
    """A process that reads one file at a time. ``usable``: whether it can read another one."""

    def __init__(self, libraries: Sequence[str] = ()) -> None:
        """Start the process, which imports ``libraries`` before its first file. Raises OSError. On Linux it ends with the thread that starts it."""
        self.usable = True
        self._process = subprocess.Popen(
            [sys.executable, "-m", _CHILD_MODULE, str(os.getpid()), *libraries],
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
        """Kill the process, even in the middle of a file."""
        self.usable = False
        with suppress(OSError):
            self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            with suppress(OSError):
                pipe.close()
        self._process.wait()

    def ask(self, request: bytes, data: bytes, *frames: Any, exchange: "Exchange | None" = None) -> Answer:
        """The table in ``data``, or the changed file. Raises UserError: an error of ``read_content``, ``file_too_heavy``, ``file_damaged``, or EndedEarlyError.

        ``request`` is JSON: the limits and the other arguments of ``read_content``; with ``edits`` the ``frames`` hold them. ``exchange``
        gives and takes what a child asks for and sends before its answer; what it raises is raised.
        """
        usable, self.usable = self.usable, False
        about = _About()
        with self._talk(about, resource_limits.wall_seconds(len(data))):
            send(self._process.stdin, request, data, *frames)
            reply = receive_json(self._process.stdout)
        # The child first confirms the start, then sends the unpacked size.
        while "weight" in reply:
            with self._talk(about, resource_limits.wall_seconds(int(reply["weight"]))):
                about.weight, about.file_format = int(reply["weight"]), reply.get("file_format", "")
                reply = receive_json(self._process.stdout)
        while exchange is not None and ("rows" in reply or "piece" in reply):
            reply = self._exchange(exchange, about, reply)
        with self._talk(about, resource_limits.wall_seconds(about.weight or 0)):
            answer = self._receive_answer(reply, streams=exchange is not None)
        self.usable = usable and reply.get("last") is False
        return _raise_refusal(reply, about.file_format) if answer is None else answer

    def _exchange(self, exchange: "Exchange", about: "_About", reply: dict[str, Any]) -> dict[str, Any]:
        """Give the cells that the child asks for, or take a piece of the file that it sends; returns what it says next."""
        seconds = resource_limits.wall_seconds(about.weight or 0)
        frames = [exchange.cells(int(reply["rows"]))] if "rows" in reply else []
        with self._talk(about, seconds):
            if frames:
                send(self._process.stdin, *frames)
                return receive_json(self._process.stdout)
            piece = receive(self._process.stdout, MAX_CELL_BYTES)
        exchange.take(piece)
        with self._talk(about, seconds):
            return receive_json(self._process.stdout)

    def _receive_answer(self, reply: dict[str, Any], *, streams: bool) -> Answer | None:
        if "table" in reply:
            return receive_table(self._process.stdout, reply["table"])
        if "texts" in reply:
            return receive_texts(self._process.stdout, reply)
        if "rewritten" in reply:
            return receive_notes(reply["rewritten"]) if streams else receive_rewritten(self._process.stdout, reply["rewritten"])
        return None

    @contextmanager
    def _talk(self, about: "_About", seconds: float) -> Iterator[None]:
        """Talk to the child for at most ``seconds``; if that fails, the child has ended, and the error says why."""
        try:
            with self._timeout(seconds):
                yield
        except (OSError, BrokenWireError, TypeError, ValueError):
            raise self._error_of_ended_child(about.weight, about.file_format) from None

    @contextmanager
    def _timeout(self, seconds: float) -> Iterator[None]:
        """Kill the child if the block takes longer than ``seconds``; the block then fails to read from it."""

        def kill() -> None:
            self._timed_out = True
            self._process.kill()

        with call_after(seconds, kill):
            yield

    def _error_of_ended_child(self, weight: int | None, file_format: str) -> UserError:
        """The error that explains why the child ended; ``weight`` None: it had not started on the file."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(_EXIT_SECONDS)
        signal_number = -(self._process.poll() or 0)
        self.close()
        if weight is None and not self._timed_out:
            return EndedEarlyError(
                "The process that reads files ended before it could read this one. Try again; if that does not help, restart Emotune.",
                code="reader_unavailable",
            )
        if self._timed_out or signal_number == getattr(signal, "SIGXCPU", None):
            return _too_long(weight or 0)
        if file_format == "spreadsheet":
            return _unreadable_workbook()  # calamine aborts if it cannot allocate memory
        # Only a system that runs out of memory kills it.
        return _too_much_memory() if signal_number == getattr(signal, "SIGKILL", None) else _damaged()


def _raise_refusal(reply: dict[str, Any], file_format: str) -> Table:
    """Raise the error that the child sent instead of a table."""
    error = reply.get("error")
    known = ERROR_CODES.get(str(error.get("code"))) if isinstance(error, dict) else None
    if known is not None and known.error is not None:
        raise known.error(str(error.get("message")), code=known.code)
    if reply.get("out_of_memory"):
        raise _unreadable_workbook() if file_format == "spreadsheet" else _too_much_memory()
    _log.error("reading a file failed: %s", reply.get("failed"))
    raise FileError(f"Emotune failed to read this file because of an error of its own. {_ADVICE}", code="reading_failed")


def _too_long(weight: int) -> EndedByFileError:
    return EndedByFileError(
        f"Reading this file took more than {resource_limits.cpu_seconds(weight)} seconds of computing, far more than its size explains, and was stopped. "
        f"{_ADVICE}",
        code="file_too_heavy",
    )


def _too_much_memory() -> EndedByFileError:
    return EndedByFileError(
        f"Reading this file takes more memory than its size explains, and was stopped. {_ADVICE}", code="file_too_heavy"
    )


def _unreadable_workbook() -> EndedByFileError:
    error = unreadable_workbook_error(
        "it is damaged, or asks for far too much memory (a cell far below or beside the table is enough: delete the empty rows and columns)"
    )
    return EndedByFileError(error.message, code=error.code)


def _damaged() -> EndedByFileError:
    return EndedByFileError(
        "This file is damaged, or made to do harm: the process that read it ended suddenly. Nothing else was touched. "
        "Copy or download it again, or open it in the program it comes from and save it as CSV (UTF-8).",
        code="file_damaged",
    )
