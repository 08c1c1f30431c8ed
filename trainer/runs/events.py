"""The append-only event log of one run: one JSON object a line, each with its time, the checksum of the previous line and its own.

Knows nothing of what events mean: event_types.py says what they contain, view_builder.py what they mean.
"""

import os
import time
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any

from trainer.atomic import sync, sync_open
from trainer.runs.checksums import CHECKSUM_OF_LINE, dump, load, right_checksum, stated_checksum
from trainer.runs.event_schema import Event, dump_event
from trainer.runs.event_types import load_event
from trainer.runs.file_locks import locked

_MAX_LINE_BYTES = 1_000_000
"""Bytes; no event is nearly as long."""

_TAIL_BYTES = 1_024
"""Bytes at the end of a log that nearly always contain the last checksum."""


@dataclass(frozen=True)
class LogContent:
    """The intact events of a log, oldest first, and for each damaged place the number of intact events before it.

    A place is damaged if a line is, if it is no event of event_types.py, or if an intact line does not follow the previous one: lines were
    removed, repeated or added.
    """

    events: tuple[Event, ...]
    damaged: tuple[int, ...] = ()


class EventLog:
    """Events on disk, in the order in which they happened.

    Each line contains the checksum of the previous one ("previous"), so that only the last lines can be removed unnoticed. Readers skip a
    line that was torn by a crash. A writer that finds one begins a new line and says so in its event ("after_torn"), so that readers can
    tell a torn line from a damaged one.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._read_only = read_only
        """Appends are ignored: another process writes the log."""

    def append(self, event: Event, *, durable: bool = False) -> None:
        """Add an event, with the present time if it has none; ``durable`` syncs it to the disk, as is always done with the first one.

        Raises OSError if it cannot be written, ValueError if a field has a value that its type does not allow (see ``dump_event``), or if the
        event is too long to be read again.
        """
        if self._read_only:
            return
        fields = {"time": round(time.time(), 3), **dump_event(event)}
        with open(self.path, "a+b", buffering=0) as file:
            # Another process may add a line after we have read the last one.
            with locked(file):
                last, torn = _end_of(file)
                links = {**({"previous": last} if last else {}), **({"after_torn": True} if torn else {})}
                line = dump({**fields, **links})
                if len(line) > _MAX_LINE_BYTES:
                    raise ValueError(f"an event “{event.type}” has {len(line):,} bytes; at most {_MAX_LINE_BYTES:,} can be read again")
                # One write call, so that lines of two writers cannot mix even without locks.
                _write(file, (b"\n" if torn else b"") + line + b"\n")
            first = file.tell() == len(line) + 1
            if durable or first:
                sync_open(file)
        if first:
            # A new file also needs its name on the disk.
            sync(self.path.parent)

    def read(self) -> Iterator[Event]:
        """The intact events, oldest first; a missing log has none."""
        return iter(parse(self.content()).events)

    def content(self) -> bytes:
        """The bytes of the log; empty if it is missing. Raises OSError if it cannot be read."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def size(self) -> int:
        """Bytes in the log: a cheap way to see that something was added."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def parse(content: bytes) -> LogContent:
    """The events in the bytes of a log, and the damaged places: a line is not JSON, has a wrong checksum or none, is nested too deeply or too
    long, is no event, or does not follow the previous line.

    Lines torn by a crash are no damage: what follows the last newline, and a line that the next writer marked as torn. An intact line that
    does not follow the previous one still counts, since lines may have been removed before it; a repeated line does not.
    """
    parser = LogParser()
    end = content.rfind(b"\n") + 1
    events = parser.feed(content[:end])
    last = parser.peek(content[end:])
    return LogContent((*events, *last.events), last.damaged)


class LogParser:
    """Parses a log incrementally, in parts of complete lines; see ``parse``. Each line is parsed once."""

    def __init__(self) -> None:
        self._n_events = 0
        self._damaged: list[int] = []
        self._may_be_torn = False
        self._may_follow = {""}
        """The checksums that the next line may follow."""
        self._seen: set[int] = set()
        """64-bit hashes of the intact lines so far."""

    def feed(self, lines: bytes) -> list[Event]:
        """The events of the next lines; the last line must end with a newline."""
        return [event for line in lines.split(b"\n") if line and (event := self._parse_line(line)) is not None]

    def peek(self, rest: bytes) -> LogContent:
        """The event after the last newline, and all damage so far; the next part must begin with ``rest`` again."""
        if not rest or (_object(rest) is None and not stated_checksum(rest)):
            return LogContent((), tuple(self._damaged))
        copied = copy(self)
        copied._damaged, copied._may_follow, copied._seen = [*self._damaged], {*self._may_follow}, {hash(rest)} & self._seen
        event = copied._parse_line(rest)
        return LogContent(() if event is None else (event,), tuple(copied._damaged))

    def _parse_line(self, line: bytes) -> Event | None:
        values = _object(line)
        if values is None:
            checksum = stated_checksum(line)
            self._may_be_torn = not checksum
            self._damaged.append(self._n_events)
            if checksum:
                # Either the checksum or the rest of the line is right: the next line contains the one that was written.
                self._may_follow |= {checksum, right_checksum(line)}
            return None
        follows_torn = values.pop("after_torn", False) and self._may_be_torn
        if follows_torn and self._damaged and self._damaged[-1] == self._n_events:
            self._damaged.pop()
        # The checksum of a damaged line without one is unknown.
        follows = str(values.pop("previous", "")) in self._may_follow or (self._may_be_torn and not follows_torn)
        self._may_be_torn = False
        checksum, line_hash = line[CHECKSUM_OF_LINE].decode("ascii"), hash(line)
        if not follows:
            self._damaged.append(self._n_events)
            if line_hash in self._seen:
                self._may_follow.add(checksum)
                return None
        self._may_follow = {checksum}
        self._seen.add(line_hash)
        # Every line that was written has a time.
        event = load_event(values) if "time" in values else None
        if event is None:
            self._damaged.append(self._n_events)
        else:
            self._n_events += 1
        return event


def _object(line: bytes) -> dict[str, Any] | None:
    if len(line) > _MAX_LINE_BYTES:
        return None
    try:
        return load(line)
    except ValueError:
        return None


def _write(file: FileIO, content: bytes) -> None:
    """Write everything; a full disk may accept a part and refuse the rest."""
    written = file.write(content)
    while written < len(content):
        written += file.write(content[written:])


def _end_of(file: FileIO) -> tuple[str, bool]:
    """The last checksum in a log ("" if there is none), and whether the log ends with an incomplete line."""
    size, size_to_read = file.seek(0, os.SEEK_END), _TAIL_BYTES
    while True:
        file.seek(max(0, size - size_to_read))
        tail = file.read(size_to_read)
        last = next(filter(None, map(stated_checksum, reversed(tail.split(b"\n")))), "")
        if last or size_to_read >= size:
            return last, size > 0 and not tail.endswith(b"\n")
        size_to_read *= 64
