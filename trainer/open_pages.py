"""OpenPages: how many pages of each owner are open, as far as they ask for what is new; a restart forgets them."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from cachetools import TTLCache

from trainer.errors import UnavailableError
from trainer.text_format import pluralize

_MAX_KNOWN = 10_000


class OpenPages:
    """Pages by owner and session. One that has not asked for some ``seconds`` is closed, or hidden, and does not count."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._asked: TTLCache[tuple[str, str], bool] = TTLCache(_MAX_KNOWN, ttl=seconds, timer=clock)
        self._lock = threading.Lock()

    def admit(self, owner: str, page: str, *, of_owner: int, in_all: int) -> None:
        """A page asks for what is new. Raises UserError ``too_many_pages`` for one more than may be open; 0 is no limit."""
        with self._lock:
            others = [known for known in self._asked if known != (owner, page)]
            own = sum(known == owner for known, _ in others)
            if of_owner and own >= of_owner:
                raise UnavailableError(
                    f"You have {pluralize(own, 'other page')} of this server open, as many as one visitor may. Close one: this one then goes on by itself.",
                    code="too_many_pages",
                )
            if in_all and len(others) >= in_all:
                raise UnavailableError(
                    f"{len(others):,} pages of this server are open, as many as it serves at once. Leave this one open: it goes on as soon as one is closed.",
                    code="too_many_pages",
                )
            self._asked[owner, page] = True

    def close(self, owner: str, page: str) -> None:
        """A page is gone."""
        with self._lock:
            self._asked.pop((owner, page), None)


@dataclass(frozen=True)
class OwnPages:
    """The pages of one owner, with the limits of ``OpenPages.admit``."""

    pages: OpenPages
    owner: str
    of_owner: int
    in_all: int

    def admit(self, page: str) -> None:
        """As ``OpenPages.admit``."""
        self.pages.admit(self.owner, page, of_owner=self.of_owner, in_all=self.in_all)

    def close(self, page: str) -> None:
        """As ``OpenPages.close``."""
        self.pages.close(self.owner, page)
