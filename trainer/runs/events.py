"""The append-only log of one run: one JSON object a line, each a fact with its time.

Knows nothing of what the facts mean; folding them is ``view``'s business.
"""

import json
import math
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


class EventLog:
    """Facts on disk, in the order in which they happened.

    A line that a crash tore is skipped by readers, and a writer that finds one begins on a fresh line.
    Numbers are finite or absent: a NaN or an infinity is left out, since JSON knows neither.
    """

    def __init__(self, path: Path, *, muted: bool = False) -> None:
        self.path = path
        self._muted = muted
        """Nothing is written: another process tells what happens."""

    def append(self, kind: str, *, durable: bool = False, **fields: Any) -> None:
        """Add one fact; ``durable`` waits until it has reached the disk. Raises OSError where it cannot be written."""
        if self._muted:
            return
        facts = {name: value for name, value in fields.items() if value is not None and not _not_finite(value)}
        line = json.dumps({"time": round(time.time(), 3), "kind": kind, **facts}, ensure_ascii=False, allow_nan=False)
        with open(self.path, "a+b") as file:
            torn = file.seek(0, os.SEEK_END) > 0 and _last_byte(file) != b"\n"
            # One write call, so that two writers' lines cannot mix.
            file.write((b"\n" if torn else b"") + line.encode("utf-8", "replace") + b"\n")
            file.flush()
            if durable:
                os.fsync(file.fileno())

    def read(self) -> Iterator[dict[str, Any]]:
        """Every whole fact, oldest first; an absent log has none."""
        try:
            content = self.path.read_bytes()
        except FileNotFoundError:
            return
        for line in content.split(b"\n"):
            try:
                event = json.loads(line)
            except ValueError:
                continue
            if isinstance(event, dict) and isinstance(event.get("kind"), str) and isinstance(event.get("time"), int | float):
                yield event

    def size(self) -> int:
        """Bytes in the log: the cheap sign that something new stands in it."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return 0


def _not_finite(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _last_byte(file: Any) -> bytes:
    file.seek(-1, os.SEEK_END)
    return file.read(1)
