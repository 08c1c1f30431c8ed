"""Follows a run's log: after the first read, only what was added is read to update the view."""

import hashlib
import os
import threading
from typing import BinaryIO

from trainer.runs.events import EventLog, LogParser
from trainer.runs.view import RunView
from trainer.runs.view_builder import ViewBuilder

_CHECKED_BYTES = 2**18
"""Bytes before the end of the last read that are read again: if they differ, the log was rewritten and is read completely.
Damage before them is found by the next complete read, at the latest when the server is restarted."""

_CHUNK_BYTES = 2**24
"""Bytes that are read at once."""


class LogFollower:
    """The log of one run. Thread-safe."""

    def __init__(self, run_id: str, log: EventLog) -> None:
        self._run_id, self._log = run_id, log
        self._lock = threading.Lock()
        self._reset()

    def read_view(self) -> RunView:
        """The view of the current log, with its damage; see ``build_view``. Raises OSError if it cannot be read."""
        with self._lock:
            try:
                file = open(self._log.path, "rb", buffering=0)  # noqa: SIM115 - closed below; a log that is missing is an empty one
            except FileNotFoundError:
                self._reset()
                return ViewBuilder(self._run_id).view()
            with file:
                self._read(file)
            return self._view

    def begins_with(self, size: int, digest: str) -> bool:
        """Whether the first ``size`` bytes of the log have this SHA-256. They are read once. Raises OSError."""
        with self._lock:
            if self._beginning is None or self._beginning[:2] != (size, digest):
                with open(self._log.path, "rb") as file:
                    content = file.read(size)
                self._beginning = (size, digest, len(content) == size and hashlib.sha256(content).hexdigest() == digest)
            return self._beginning[2]

    def _reset(self) -> None:
        self._parser, self._builder = LogParser(), ViewBuilder(self._run_id)
        self._state: tuple[int, int, int] | None = None
        """Inode, size and time of the file at the last read."""
        self._offset = 0
        """The beginning of the first incomplete line."""
        self._checked = b""
        """The bytes before it."""
        self._beginning: tuple[int, str, bool] | None = None
        self._view = ViewBuilder(self._run_id).view()

    def _read(self, file: BinaryIO) -> None:
        stat = os.fstat(file.fileno())
        state = (stat.st_ino, stat.st_size, stat.st_mtime_ns)
        if state == self._state:
            return
        if self._state is not None and not self._has_only_grown(file, state):
            self._reset()
        file.seek(self._offset)
        rest = b""
        while chunk := file.read(_CHUNK_BYTES):
            rest += chunk
            end = rest.rfind(b"\n") + 1
            self._builder.add(self._parser.feed(rest[:end]))
            self._offset += end
            self._checked = (self._checked + rest[:end])[-_CHECKED_BYTES:]
            rest = rest[end:]
        end_of_log = self._parser.peek(rest)
        builder = self._builder.with_events(end_of_log.events) if end_of_log.events else self._builder
        self._state, self._view = state, builder.view(end_of_log.damaged)

    def _has_only_grown(self, file: BinaryIO, state: tuple[int, int, int]) -> bool:
        inode, size, _ = self._state
        if state[0] != inode or state[1] <= size:
            return False
        file.seek(self._offset - len(self._checked))
        return file.read(len(self._checked)) == self._checked
