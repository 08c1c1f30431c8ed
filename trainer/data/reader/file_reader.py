"""Files read by warm child processes: a table, or a sentence, whatever the bytes are. One of them is kept ready.

Parses nothing itself. A child that dies over a file, or takes more memory or time than ``resource_limits`` allow, costs that file alone.
"""

import json
import os
import queue
import threading
import weakref
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol, Self

from trainer.data.files.table import Limits, Table
from trainer.data.reader import resource_limits
from trainer.data.reader.child_process import ChildProcess, EndedEarlyError
from trainer.errors import UserError

_MAX_SMALL_FILES, _MAX_BIG_FILES = 4, 2
"""Big files have places of their own, so that a small one never waits for them."""
_MAX_IDLE = 2
"""Children that wait for work; one that comes back beyond that is ended."""

_ChildRequests = queue.SimpleQueue[Future[ChildProcess] | None]


class TableReader(Protocol):
    """What reads files. In tests it may be something else than a FileReader."""

    def read(self, data: bytes, **how: Any) -> Table:
        """What ``read_table`` gives, with the same arguments."""
        ...


def read_file(path: str | Path, reader: TableReader, *, max_bytes: int = Limits.max_bytes, **how: Any) -> Table:
    """The table in a file; ``how`` are the other arguments of ``read_table``. Raises what ``read_bytes`` and ``FileReader.read`` do."""
    # Only now: the terminal starts a child before it imports what reads files.
    from trainer.data.files.reading import read_bytes

    return reader.read(read_bytes(path, max_bytes=max_bytes), max_bytes=max_bytes, **how)


class FileReader:
    """Reads up to four small files and two big ones at a time, for any thread; others wait.

    ``replaces``: a child that is busy with a big file, and ends after it, is replaced at once, as a server wants it and a terminal does not.
    """

    def __init__(self, *, replaces: bool = True) -> None:
        self._replace_early = replaces
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._small_slots, self._big_slots = threading.Semaphore(_MAX_SMALL_FILES), threading.Semaphore(_MAX_BIG_FILES)
        self._idle: list[ChildProcess] = []
        self._starting: Future[ChildProcess] | None = None
        self._child_requests: _ChildRequests | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Have a child ready soon, without waiting for it."""
        self._reset_after_fork()
        with self._lock:
            if not self._idle and self._starting is None:
                self._starting = self._request_child()

    def close(self) -> None:
        """End the children. One that reads ends when it has read; a file that comes later starts a new one."""
        self._reset_after_fork()
        with self._lock:
            ready, self._idle = self._idle, []
            coming, self._starting = self._starting, None
            orders, self._child_requests = self._child_requests, None
        if coming is not None:
            with suppress(OSError):
                ready.append(coming.result())
        for child in ready:
            child.close()
        if orders is not None:
            orders.put(None)

    def read(self, data: bytes, **how: Any) -> Table:
        """``read_table`` in a child. Raises what that raises, and UserError ``file_too_heavy`` (it would take too much memory or time),
        ``file_damaged`` (the child ended over it), ``reading_failed`` (a mistake of ours) or ``reader_unavailable``."""
        self._reset_after_fork()
        order, big = _encode_request(how), len(data) >= resource_limits.BIG_FILE_BYTES
        with self._big_slots if big else self._small_slots:
            try:
                return self._read(order, data, big=big)
            except EndedEarlyError:
                # Somebody else ended it: no fault of this file.
                return self._read(order, data, big=big)

    def _read(self, order: bytes, data: bytes, *, big: bool) -> Table:
        child = self._acquire_child()
        if big and self._replace_early:
            self.start()
        try:
            return child.read(order, data)
        finally:
            self._release_child(child)

    def _acquire_child(self) -> ChildProcess:
        """A child that nobody else has; a new one is waited for where none is ready."""
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.alive:
                    return child
                child.close()
            coming, self._starting = self._starting or self._request_child(), None
        try:
            return coming.result()
        except OSError as error:
            raise UserError(
                f"The process that reads files could not be started ({error.strerror or error}). Close other programs, and try again.",
                code="reader_unavailable",
            ) from error

    def _release_child(self, child: ChildProcess) -> None:
        with self._lock:
            if child.usable and len(self._idle) < _MAX_IDLE:
                self._idle.append(child)
                return
        child.close()
        if self._replace_early:
            self.start()

    def _request_child(self) -> "Future[ChildProcess]":
        """A child that is being started, by a thread that lives as long as this object: Linux ends a child with the thread that started it."""
        if self._child_requests is None:
            self._child_requests = queue.SimpleQueue()
            threading.Thread(target=_start_children, args=(self._child_requests,), name="reader", daemon=True).start()
            weakref.finalize(self, self._child_requests.put, None)
        child: Future[ChildProcess] = Future()
        self._child_requests.put(child)
        return child

    def _reset_after_fork(self) -> None:
        """A process that was forked off has neither the children nor the thread of the one that it comes from."""
        if self._pid != os.getpid():
            self._reset()


def _start_children(orders: _ChildRequests) -> None:
    while (order := orders.get()) is not None:
        try:
            order.set_result(ChildProcess())
        except BaseException as error:
            order.set_exception(error)


def _encode_request(how: dict[str, Any]) -> bytes:
    """The arguments of ``read_table`` as JSON, the limits apart."""
    limits = Limits(**{name: how.pop(name) for name in asdict(Limits()) if name in how})
    return json.dumps(how | {"limits": asdict(limits)}).encode()
