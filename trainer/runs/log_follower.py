"""A run's log that is read once and then followed: of what was added since, the view is made that all of it would give."""

import hashlib
import os
import threading
from typing import BinaryIO

from trainer.runs.events import EventLog, LogParser
from trainer.runs.view import RunView
from trainer.runs.view_builder import ViewBuilder

_WINDOW = 2**18
"""Bytes before the end of what is known that are read again and must be the same: a log that was written anew is told from one that has grown.
What the disk damages farther up is found when the log is read anew, by the next server at the latest."""

_PART = 2**24
"""Bytes that are read and taken at once."""


class LogFollower:
    """The log of one run. For any number of threads."""

    def __init__(self, run_id: str, log: EventLog) -> None:
        self._run_id, self._log = run_id, log
        self._lock = threading.Lock()
        self._forget()

    def read_view(self) -> RunView:
        """The view of the log as it stands, with what of it is damaged; see ``build_view``. Raises OSError where it cannot be read."""
        with self._lock:
            try:
                file = open(self._log.path, "rb", buffering=0)  # noqa: SIM115 - closed below; a log that is missing is an empty one
            except FileNotFoundError:
                self._forget()
                return ViewBuilder(self._run_id).view()
            with file:
                self._read(file)
            return self._view

    def begins_with(self, size: int, digest: str) -> bool:
        """Whether what stood in the log when it was so long is still there: its first bytes have this SHA-256. Read once. Raises OSError."""
        with self._lock:
            if self._beginning is None or self._beginning[:2] != (size, digest):
                with open(self._log.path, "rb") as file:
                    content = file.read(size)
                self._beginning = (size, digest, len(content) == size and hashlib.sha256(content).hexdigest() == digest)
            return self._beginning[2]

    def _forget(self) -> None:
        self._parser, self._builder = LogParser(), ViewBuilder(self._run_id)
        self._file: tuple[int, int, int] | None = None
        """Number, size and time of the file when it was read last."""
        self._offset = 0
        """Where the first line begins that was not whole."""
        self._window = b""
        """What stands before it."""
        self._beginning: tuple[int, str, bool] | None = None
        self._view = ViewBuilder(self._run_id).view()

    def _read(self, file: BinaryIO) -> None:
        facts = os.fstat(file.fileno())
        now = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        if now == self._file:
            return
        if self._file is not None and not self._has_only_grown(file, now):
            self._forget()
        file.seek(self._offset)
        rest = b""
        while part := file.read(_PART):
            rest += part
            end = rest.rfind(b"\n") + 1
            self._builder.add(self._parser.feed(rest[:end]))
            self._offset += end
            self._window = (self._window + rest[:end])[-_WINDOW:]
            rest = rest[end:]
        last = self._parser.peek(rest)
        folding = self._builder.with_more(last.events) if last.events else self._builder
        self._file, self._view = now, folding.view(last.damaged)

    def _has_only_grown(self, file: BinaryIO, now: tuple[int, int, int]) -> bool:
        number, size, _ = self._file
        if now[0] != number or now[1] <= size:
            return False
        file.seek(self._offset - len(self._window))
        return file.read(len(self._window)) == self._window
