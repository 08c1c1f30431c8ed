"""Reads files in child processes that are started ahead: any bytes give a table or a UserError.

Parses nothing itself. A child that crashes or exceeds ``resource_limits`` affects only the file it reads.
"""

import hashlib
import json
import os
import queue
import threading
import weakref
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, BinaryIO, Protocol, Self

from cachetools import TTLCache

from trainer.data.files.table import Limits, Table
from trainer.data.reader import resource_limits
from trainer.data.reader.child_process import Answer, ChildProcess, EndedByFileError, EndedEarlyError, Exchange
from trainer.data.reader.edit_wire import pack_edits
from trainer.data.reader.text_wire import PackedTexts
from trainer.data.reader.wire import pack_columns
from trainer.data.rewrite.edits import Appending, Cells, Edits, Rewritten, WrittenAs
from trainer.errors import FileError, UnavailableError

_MAX_SMALL_FILES, _MAX_BIG_FILES = 4, 2
"""Files read at the same time; big files have slots of their own, so that a small one never waits for them."""
_MAX_IDLE = 2
"""Idle children that are kept."""

_MAX_ENDINGS, _MAX_CONTENTS = 3, 1_000
"""Children that one content may end, and contents that are remembered: each costs what ``resource_limits`` allow."""

_REPLY_LIBRARY = "pyarrow.ipc"
_FORMAT_LIBRARIES = ("pyarrow.parquet", "trainer.data.files.parquet", "python_calamine", "chardet")
"""What every child needs, and what it needs for rarer formats and encodings."""

_ChildRequests = queue.SimpleQueue[Future[ChildProcess] | None]


class TableReader(Protocol):
    """Reads files; tests use other implementations than FileReader."""

    def read(self, data: bytes, **options: Any) -> Table:
        """What ``read_table`` gives, with the same arguments."""
        ...

    def read_texts(self, data: bytes, text_columns: Sequence[str | int] = (), *, with_texts: bool = True, **options: Any) -> PackedTexts:
        """What ``find_texts`` gives for the table, packed."""
        ...

    def rewrite(self, data: bytes, edits: Edits, *, written_as: WrittenAs = "itself", **options: Any) -> Rewritten:
        """What ``rewrite`` or ``rewrite_as_csv`` of ``data/rewrite`` gives."""
        ...

    def append(self, data: bytes, appending: Appending, cells: Cells, sink: BinaryIO, **options: Any) -> tuple[str, ...]:
        """Write what ``append_columns`` of ``data/rewrite`` gives to ``sink``; returns its notes."""
        ...


def read_file(path: str | Path, reader: TableReader, *, max_bytes: int = Limits.max_bytes, **options: Any) -> Table:
    """The table in a file; ``options`` are the other arguments of ``read_table``. Raises what ``read_bytes`` and ``FileReader.read`` do."""
    # Imported here because the command line starts a child before it imports the parsers.
    from trainer.data.files.file_bytes import read_bytes

    return reader.read(read_bytes(path, max_bytes=max_bytes), max_bytes=max_bytes, **options)


def rewrite_in_turn(reader: TableReader, data: bytes, edits: Sequence[Edits], **options: Any) -> Rewritten:
    """The file with several edits, one after the other: of one column each, so that all but the last leave the rows where they are."""
    notes: dict[str, None] = {}
    for each in edits:
        rewritten = reader.rewrite(data, each, **options)
        data = rewritten.data
        notes |= dict.fromkeys(rewritten.notes)
    return Rewritten(data, tuple(notes))


class FileReader:
    """Reads up to four small and two big files at a time, from any thread; others wait.

    ``replaces``: start a new child as soon as one reads a big file, after which it ends, and let children import ahead what any format may need; for
    servers rather than the command line, whose file is most likely the only one.
    """

    def __init__(self, *, replaces: bool = True) -> None:
        self._replace_early = replaces
        self._libraries = (_REPLY_LIBRARY, *_FORMAT_LIBRARIES) if replaces else (_REPLY_LIBRARY,)
        self._reset()

    def _reset(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._small_slots, self._big_slots = threading.Semaphore(_MAX_SMALL_FILES), threading.Semaphore(_MAX_BIG_FILES)
        self._idle: list[ChildProcess] = []
        self._next_child: Future[ChildProcess] | None = None
        self._child_requests: _ChildRequests | None = None
        self._endings: TTLCache = TTLCache(_MAX_CONTENTS, ttl=24 * 3600.0)
        """How often each content has ended its child, by its digest."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start a child in the background if none is idle."""
        self._reset_after_fork()
        with self._lock:
            if not self._idle and self._next_child is None:
                self._next_child = self._request_child()

    def close(self) -> None:
        """End the idle children; busy ones end after their file. Reading another file starts a new child."""
        self._reset_after_fork()
        with self._lock:
            idle, self._idle = self._idle, []
            next_child, self._next_child = self._next_child, None
            requests, self._child_requests = self._child_requests, None
        if next_child is not None:
            with suppress(OSError):
                idle.append(next_child.result())
        for child in idle:
            child.close()
        if requests is not None:
            requests.put(None)

    def read(self, data: bytes, **options: Any) -> Table:
        """``read_table`` in a child. Raises the same errors, and UserError ``file_too_heavy`` (too much memory or time),
        ``file_damaged`` (the child crashed), ``reading_failed`` (a bug in Emotune) or ``reader_unavailable``."""
        answer = self._ask(_encode_request(options), data)
        if not isinstance(answer, Table):
            raise TypeError("a table was asked for")
        return answer

    def read_texts(self, data: bytes, text_columns: Sequence[str | int] = (), *, with_texts: bool = True, **options: Any) -> PackedTexts:
        """The texts of the file alone, found by ``data.text_rows``, or only where they are; ``options`` as for ``read``.

        Raises what ``read`` and ``find_texts`` raise.
        """
        wanted = {"text_columns": list(text_columns), "with_texts": with_texts}
        answer = self._ask(_encode_request(options | wanted), data)
        if not isinstance(answer, PackedTexts):
            raise TypeError("texts were asked for")
        return answer

    def rewrite(self, data: bytes, edits: Edits, *, written_as: WrittenAs = "itself", **options: Any) -> Rewritten:
        """The file with ``edits``, made by ``data.rewrite`` in a child, in its own form, as CSV or as CSV for spreadsheets; ``options`` as for ``read``.

        Raises what ``read`` does, and UserError ``not_rewritable``, ``letter_not_in_encoding`` or ``nothing_left``.
        """
        about, frames = pack_edits(edits)
        answer = self._ask(_encode_request(options | {"edits": about, "written_as": written_as}), data, *frames)
        if not isinstance(answer, Rewritten):
            raise TypeError("a changed file was asked for")
        return answer

    def append(self, data: bytes, appending: Appending, cells: Cells, sink: BinaryIO, **options: Any) -> tuple[str, ...]:
        """Write the file with further columns to ``sink`` piece by piece; returns sentences about what it could not keep; ``options`` as for ``read``.

        ``cells`` is asked for the new cells of the next n rows, a list for each column, of all rows in order. Raises what ``rewrite`` does,
        and what ``cells`` and ``sink`` raise; ``sink`` then holds a part of the file.
        """
        exchange = _PackedExchange(cells, sink)
        answer = self._ask(_encode_request(options | {"appending": asdict(appending)}), data, exchange=exchange)
        if not isinstance(answer, Rewritten):
            raise TypeError("a changed file was asked for")
        return answer.notes

    def _ask(self, request: bytes, *frames: Any, exchange: Exchange | None = None) -> Answer:
        self._reset_after_fork()
        content = hashlib.sha256(frames[0]).digest()
        if self._endings.get(content, 0) >= _MAX_ENDINGS:
            raise FileError(
                f"This file has ended the process that reads files {_MAX_ENDINGS} times, so it is not read again today. "
                "Copy or download it again, or save it as CSV (UTF-8) in the program it comes from.",
                code="file_damaged",
            )
        try:
            return self._ask_in_turn(request, frames, exchange)
        except EndedByFileError:
            with self._lock:
                self._endings[content] = self._endings.get(content, 0) + 1
            raise

    def _ask_in_turn(self, request: bytes, frames: tuple[Any, ...], exchange: Exchange | None) -> Answer:
        is_big = len(frames[0]) >= resource_limits.BIG_FILE_BYTES
        with self._big_slots if is_big else self._small_slots:
            try:
                return self._ask_child(request, frames, exchange, is_big=is_big)
            except EndedEarlyError:
                # The file is not the cause.
                return self._ask_child(request, frames, exchange, is_big=is_big)

    def _ask_child(self, request: bytes, frames: tuple[Any, ...], exchange: Exchange | None, *, is_big: bool) -> Answer:
        child = self._acquire_child()
        if is_big and self._replace_early:
            self.start()
        try:
            return child.ask(request, *frames, exchange=exchange)
        finally:
            self._release_child(child)

    def _acquire_child(self) -> ChildProcess:
        """An idle child, or a new one."""
        with self._lock:
            while self._idle:
                child = self._idle.pop()
                if child.alive:
                    return child
                child.close()
            next_child, self._next_child = self._next_child or self._request_child(), None
        try:
            return next_child.result()
        except OSError as error:
            raise UnavailableError(
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
        """A child that is being started, by a thread that lives as long as this object: Linux kills a child when the thread that started it ends."""
        if self._child_requests is None:
            self._child_requests = queue.SimpleQueue()
            threading.Thread(target=_start_children, args=(self._child_requests, self._libraries), name="reader", daemon=True).start()
            weakref.finalize(self, self._child_requests.put, None)
        child: Future[ChildProcess] = Future()
        self._child_requests.put(child)
        return child

    def _reset_after_fork(self) -> None:
        """Forget the children and the thread in a forked process, which has neither."""
        if self._pid != os.getpid():
            self._reset()


class _PackedExchange:
    """Packs the cells that a child asks for, and writes the pieces that it sends."""

    def __init__(self, cells: Cells, sink: BinaryIO) -> None:
        self._cells = cells
        self._sink = sink

    def cells(self, rows: int) -> Any:
        return pack_columns(self._cells(rows), range(rows))

    def take(self, piece: bytes) -> None:
        self._sink.write(piece)


def _start_children(requests: _ChildRequests, libraries: Sequence[str]) -> None:
    while (request := requests.get()) is not None:
        try:
            request.set_result(ChildProcess(libraries))
        except BaseException as error:
            request.set_exception(error)


def _encode_request(options: dict[str, Any]) -> bytes:
    """The arguments of ``read_table`` as JSON, with the limits in an object of their own."""
    limits = Limits(**{name: options.pop(name) for name in asdict(Limits()) if name in options})
    return json.dumps(options | {"limits": asdict(limits)}).encode()
