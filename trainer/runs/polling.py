"""Which runs exist, and which of them to check now, so that a page with thousands of runs stays fast."""

import math
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

_TIME_RESOLUTION_NS = 2_000_000_000
"""Some file systems round times to two seconds: a change right after our check would not change the time, so a young listing is not cached."""


class FolderListing:
    """The folders in one folder whose names match ``predicate``; listed again only if the folder has changed."""

    def __init__(self, root: Path, predicate: Callable[[str], bool]) -> None:
        self._root, self._predicate = str(root), predicate
        self._cached: tuple[int, frozenset[str]] | None = None

    def names(self) -> frozenset[str]:
        """The names of the current folders; none if the folder itself is missing."""
        try:
            modified_ns = os.stat(self._root).st_mtime_ns
            if self._cached is not None and self._cached[0] == modified_ns:
                return self._cached[1]
            now = time.time_ns()
            with os.scandir(self._root) as entries:
                names = frozenset(entry.name for entry in entries if self._predicate(entry.name) and entry.is_dir())
        except OSError:
            self._cached = None
            return frozenset()
        self._cached = (modified_ns, names) if now - modified_ns > _TIME_RESOLUTION_NS else None
        return names


class RoundRobin:
    """Returns a few of many names at a time, so that each comes once in ``rounds`` calls."""

    def __init__(self, rounds: int) -> None:
        self._rounds = rounds
        self._queue: list[str] = []

    def next(self, names: Collection[str]) -> list[str]:
        """The next names; some may no longer be in ``names``."""
        if not self._queue:
            self._queue = sorted(names, reverse=True)
        n = math.ceil(len(names) / self._rounds)
        chosen, self._queue = self._queue[-n:] if n else [], self._queue[:-n] if n else self._queue
        return chosen[::-1]
