"""The append-only log of one run: one JSON object a line, each a fact with its time and a checksum.

Knows nothing of what the facts mean: what they may hold is ``schema``'s business, folding them ``view``'s.
"""

import math
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainer.runs.checksums import dump, has_checksum, load

LONGEST_TEXT = 10_000
"""Characters of one text in an event; a longer one is cut when it is written, and is damage when it is read."""

_LONGEST_LINE = 1_000_000
"""Bytes; no event comes near it."""


@dataclass(frozen=True)
class LogContent:
    """What stands in a log: the whole facts, oldest first, and for each damaged line the number of whole facts before it."""

    events: tuple[dict[str, Any], ...]
    damaged: tuple[int, ...] = ()


class EventLog:
    """Facts on disk, in the order in which they happened.

    A line that a crash tore is skipped by readers; a writer that finds one begins on a fresh line and says so in its fact ("after_torn"), so
    that readers can tell such a line from a damaged one. Numbers are finite or absent: a NaN or an infinity is left out, since JSON knows
    neither. A lone surrogate becomes a question mark.
    """

    def __init__(self, path: Path, *, muted: bool = False) -> None:
        self.path = path
        self._muted = muted
        """Nothing is written: another process tells what happens."""

    def append(self, kind: str, *, durable: bool = False, **fields: Any) -> None:
        """Add one fact; ``durable`` waits until it has reached the disk. Raises OSError where it cannot be written."""
        if self._muted:
            return
        facts = {name: _cut(value) for name, value in fields.items() if value is not None and not _not_finite(value)}
        with open(self.path, "a+b") as file:
            torn = file.seek(0, os.SEEK_END) > 0 and _last_byte(file) != b"\n"
            mark = {"after_torn": True} if torn else {}
            line = dump({"time": round(time.time(), 3), "kind": kind, **facts, **mark})
            # One write call, so that two writers' lines cannot mix.
            file.write((b"\n" if torn else b"") + line + b"\n")
            file.flush()
            if durable:
                os.fsync(file.fileno())

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
    """The facts in the bytes of a log, and which lines are damaged: no JSON, a wrong checksum or none, nested or long beyond reason.

    What a crash tore is no damage: what follows the last newline, and a line of which the writer that came next says so.
    """
    events: list[dict[str, Any]] = []
    damaged: list[int] = []
    *lines, last = content.split(b"\n")
    may_be_torn = False
    for line in lines:
        if not line:
            continue
        event = _event(line)
        if event is None:
            may_be_torn = not has_checksum(line)
            damaged.append(len(events))
            continue
        if event.pop("after_torn", False) and may_be_torn and damaged and damaged[-1] == len(events):
            damaged.pop()
        may_be_torn = False
        events.append(event)
    event = _event(last)
    if event is not None:
        # Only the newline is missing.
        event.pop("after_torn", None)
        events.append(event)
    elif has_checksum(last):
        damaged.append(len(events))
    return LogContent(tuple(events), tuple(damaged))


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


def _last_byte(file: Any) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)
