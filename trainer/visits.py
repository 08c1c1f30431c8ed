"""Visits: when each owner was last here, so that what a visitor left can be deleted after a while.

Deletes nothing itself; what an owner has is in the stores of runs, drafts and jobs.
"""

import json
import logging
import threading
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from trainer.atomic import write_file
from trainer.errors import error_location

_ROUND_SECONDS = 60.0
_MAX_OWNERS = 20_000
"""Anybody can invent visitors. Of more than these the longest gone are left out, and count as here when they are asked about: nobody's work is
deleted too early."""
_log = logging.getLogger("emotune")


class Visits:
    """The last visits of one server's owners, kept in a file; one that it does not know counts as here when it is first asked about."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._last: dict[str, float] = {}
        self._lock = threading.Lock()
        with suppress(OSError, ValueError, TypeError, AttributeError):
            self._last = {str(owner): float(seen) for owner, seen in json.loads(file.read_text(encoding="utf-8")).items()}

    def record(self, owner: str) -> None:
        """The owner is here now. In memory only: each request does this."""
        with self._lock:
            self._last.pop(owner, None)
            self._last[owner] = time.time()
            if len(self._last) > _MAX_OWNERS:
                del self._last[next(iter(self._last))]

    def last(self, owner: str) -> float:
        """Unix time of an owner's last visit."""
        with self._lock:
            return self._last.setdefault(owner, time.time())

    def known(self, owner: str) -> float | None:
        """Unix time of the last visit that is on the disk or was made since; None if there is none."""
        with self._lock:
            return self._last.get(owner)

    def save(self, owners: Collection[str], keep_seconds: float) -> None:
        """Write the last visits of these owners and of those who were here in the last seconds, whose work may be on its way; forget all others.
        Raises OSError."""
        since = time.time() - keep_seconds
        with self._lock:
            self._last = {owner: seen for owner, seen in self._last.items() if owner in owners or seen >= since}
            last = dict(self._last)
        write_file(self._file, json.dumps(last).encode())


class Rounds:
    """Calls ``act`` each minute in a thread of its own until it is closed."""

    def __init__(self, act: Callable[[], None], seconds: float = _ROUND_SECONDS) -> None:
        self._act, self._seconds = act, seconds
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="visits", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End the thread after its present call."""
        self._closed.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._closed.wait(self._seconds):
            try:
                self._act()
            except Exception as error:
                _log.error("looking for visitors who left failed: %s", error_location(error))
