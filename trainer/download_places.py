"""DownloadPlaces: how many zips of models are on their way at once, in all and to one owner; a restart forgets them.

Writes none itself: ``ui/downloads.py``.
"""

import threading
from collections import Counter
from collections.abc import Callable
from functools import partial

from trainer.errors import UnavailableError


class DownloadPlaces:
    """A place is taken while a zip is written and until it is read to its end, about 90 MB each: who reads slowly, or many at once, would fill the disk.

    ``of_owner`` of them may be one owner's, so that nobody takes those of all others.
    """

    def __init__(self, *, of_owner: int, in_all: int) -> None:
        self._of_owner, self._in_all = of_owner, in_all
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()

    def take(self, owner: str) -> Callable[[], None]:
        """Take a place; returns what frees it, to be called once. Raises UserError ``too_many_downloads`` if there is none."""
        with self._lock:
            if self._taken.total() >= self._in_all:
                raise UnavailableError(
                    "Many models are downloaded from this server at the moment. Try again in a minute.", code="too_many_downloads"
                )
            if self._taken[owner] >= self._of_owner:
                raise UnavailableError(
                    f"{self._of_owner} models are on their way to you already, as many as one visitor may download at once. "
                    "Wait until one has arrived, or cancel one.",
                    code="too_many_downloads",
                )
            self._taken[owner] += 1
        return partial(self._free, owner)

    def _free(self, owner: str) -> None:
        with self._lock:
            self._taken[owner] -= 1
            if not self._taken[owner]:
                del self._taken[owner]
