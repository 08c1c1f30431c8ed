"""Which runs there are, and which of them are looked at now: what keeps a page over thousands of them cheap. Knows no run from within."""

import math
import os
import time
from collections.abc import Callable, Collection
from pathlib import Path

_SETTLED_NS = 2_000_000_000
"""The clock of a file system may stand still for some milliseconds, on some for two seconds: a change right after our look would then go unseen."""


class FolderListing:
    """The folders in one folder whose names are ``wanted``; listed anew only where the file system says that something came or went."""

    def __init__(self, root: Path, wanted: Callable[[str], bool]) -> None:
        self._root, self._wanted = str(root), wanted
        self._seen: tuple[int, frozenset[str]] | None = None

    def names(self) -> frozenset[str]:
        """Of the folders that are there now; none where the folder itself is missing."""
        try:
            changed = os.stat(self._root).st_mtime_ns
            if self._seen is not None and self._seen[0] == changed:
                return self._seen[1]
            now = time.time_ns()
            with os.scandir(self._root) as entries:
                names = frozenset(entry.name for entry in entries if self._wanted(entry.name) and entry.is_dir())
        except OSError:
            self._seen = None
            return frozenset()
        self._seen = (changed, names) if now - changed > _SETTLED_NS else None
        return names


class RoundRobin:
    """Takes a few of many at a time, so that each has its turn once in ``turns`` calls, however many there are."""

    def __init__(self, turns: int) -> None:
        self._turns = turns
        self._left: list[str] = []

    def next(self, names: Collection[str]) -> list[str]:
        """Those whose turn it is; one that is gone meanwhile may be among them."""
        if not self._left:
            self._left = sorted(names, reverse=True)
        count = math.ceil(len(names) / self._turns)
        taken, self._left = self._left[-count:] if count else [], self._left[:-count] if count else self._left
        return taken[::-1]
