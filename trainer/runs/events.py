"""The append-only log of one run: one JSON object a line, each a fact with its time, the checksum of the line before it and its own.

Knows nothing of what the facts mean: what they may hold is ``schema``'s business, folding them ``view``'s.
"""

import math
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
from trainer.runs.locks import locked

LONGEST_TEXT = 10_000
"""Characters of one text in an event; a longer one is cut when it is written, and is damage when it is read."""

_LONGEST_LINE = 1_000_000
"""Bytes; no event comes near it."""

_TAIL = 1_024
"""Bytes at the end of a log in which the last checksum nearly always stands."""


@dataclass(frozen=True)
class LogContent:
    """What stands in a log: the whole facts, oldest first, and for each damaged place the number of whole facts before it.

    A place is damaged where a line is, and where a whole line does not follow the one before it: lines were removed, repeated or added.
    """

    events: tuple[dict[str, Any], ...]
    damaged: tuple[int, ...] = ()


class EventLog:
    """Facts on disk, in the order in which they happened.

    Each line names the checksum of the line before it ("previous"), so that no line can go or come unnoticed but the last ones.
    A line that a crash tore is skipped by readers; a writer that finds one begins on a fresh line and says so in its fact ("after_torn"), so
    that readers can tell such a line from a damaged one. Numbers are finite or absent: a NaN or an infinity is left out, since JSON knows
    neither. A lone surrogate becomes a question mark.
    """

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        self.path = path
        self._muted = read_only
        """Nothing is written: another process tells what happens."""

    def append(self, kind: str, *, durable: bool = False, **fields: Any) -> None:
        """Add one fact; ``durable`` waits until it has reached the disk, as the first one always does. Raises OSError where it cannot be written."""
        if self._muted:
            return
        facts = {name: _cut(value) for name, value in fields.items() if value is not None and not _not_finite(value)}
        with open(self.path, "a+b", buffering=0) as file:
            # Another process may add a line between our look at the last one and our write.
            with locked(file):
                last, torn = _end_of(file)
                marks = {**({"previous": last} if last else {}), **({"after_torn": True} if torn else {})}
                line = dump({"time": round(time.time(), 3), "kind": kind, **facts, **marks})
                # One write call, so that two writers' lines cannot mix even where there are no locks.
                _write(file, (b"\n" if torn else b"") + line + b"\n")
            first = file.tell() == len(line) + 1
            if durable or first:
                sync_open(file)
        if first:
            # A file is on the disk once its name is.
            sync(self.path.parent)

    def read(self) -> Iterator[dict[str, Any]]:
        """Every whole fact, oldest first; an absent log has none."""
        return iter(parse(self.content()).events)

    def content(self) -> bytes:
        """The log as it stands on the disk; nothing for an absent one. Raises OSError where it cannot be read."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return b""

    def size(self) -> int:
        """Bytes in the log: the cheap sign that something new stands in it."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def parse(content: bytes) -> LogContent:
    """The facts in the bytes of a log, and which places are damaged: a line is no JSON, has a wrong checksum or none, is nested or long beyond
    reason, or does not follow the line before it.

    What a crash tore is no damage: what follows the last newline, and a line of which the writer that came next says so. A whole line that
    follows another one than it names is a fact all the same, as lines may have been removed before it; one that stood before is not.
    """
    parser = LogParser()
    end = content.rfind(b"\n") + 1
    events = parser.feed(content[:end])
    last = parser.peek(content[end:])
    return LogContent((*events, *last.events), last.damaged)


class LogParser:
    """Reads a log part by part, each of whole lines; see ``parse``. No line is looked at twice."""

    def __init__(self) -> None:
        self._count = 0
        self._damaged: list[int] = []
        self._may_be_torn = False
        self._links = {""}
        """The checksums that the next line may name."""
        self._seen: set[int] = set()
        """The whole lines so far, by a hash of 64 bits."""

    def feed(self, lines: bytes) -> list[dict[str, Any]]:
        """The facts of the lines that come next; the last one ends with a newline."""
        return [event for line in lines.split(b"\n") if line and (event := self._take(line)) is not None]

    def peek(self, rest: bytes) -> LogContent:
        """What follows the last newline, and all that is damaged so far; the next part begins with it once more."""
        if not rest or (_event(rest) is None and not stated_checksum(rest)):
            return LogContent((), tuple(self._damaged))
        ahead = copy(self)
        ahead._damaged, ahead._links, ahead._seen = [*self._damaged], {*self._links}, {hash(rest)} & self._seen
        event = ahead._take(rest)
        return LogContent(() if event is None else (event,), tuple(ahead._damaged))

    def _take(self, line: bytes) -> dict[str, Any] | None:
        event = _event(line)
        if event is None:
            checksum = stated_checksum(line)
            self._may_be_torn = not checksum
            self._damaged.append(self._count)
            if checksum:
                # Either it is right, or what it covers is: the next line names the one that was written.
                self._links |= {checksum, right_checksum(line)}
            return None
        torn_before = event.pop("after_torn", False) and self._may_be_torn
        if torn_before and self._damaged and self._damaged[-1] == self._count:
            self._damaged.pop()
        # What a damaged line without a checksum had for one, nobody knows.
        follows = str(event.pop("previous", "")) in self._links or (self._may_be_torn and not torn_before)
        self._may_be_torn = False
        checksum, known = line[CHECKSUM_OF_LINE].decode("ascii"), hash(line)
        if not follows:
            self._damaged.append(self._count)
            if known in self._seen:
                self._links.add(checksum)
                return None
        self._links = {checksum}
        self._seen.add(known)
        self._count += 1
        return event


def _event(line: bytes) -> dict[str, Any] | None:
    if len(line) > _LONGEST_LINE:
        return None
    try:
        return load(line)
    except ValueError:
        return None


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:LONGEST_TEXT]
    if isinstance(value, dict):
        return {name: _cut(item) for name, item in value.items()}
    return [_cut(item) for item in value] if isinstance(value, list) else value


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _write(file: FileIO, content: bytes) -> None:
    """Write it all; a full disk takes a part and refuses the rest."""
    written = file.write(content)
    while written < len(content):
        written += file.write(content[written:])


def _end_of(file: FileIO) -> tuple[str, bool]:
    """The last checksum that stands in a log ("" for none), and whether what follows the last newline is part of a line."""
    size, wanted = file.seek(0, os.SEEK_END), _TAIL
    while True:
        file.seek(max(0, size - wanted))
        tail = file.read(wanted)
        last = next(filter(None, map(stated_checksum, reversed(tail.split(b"\n")))), "")
        if last or wanted >= size:
            return last, size > 0 and not tail.endswith(b"\n")
        wanted *= 64
