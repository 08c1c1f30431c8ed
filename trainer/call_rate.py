"""CallRate: at most so many calls of one owner within a moving window, counted in memory."""

import threading
import time
from collections import deque
from collections.abc import Callable

from cachetools import TTLCache

_MAX_OWNERS = 10_000


class CallRate:
    """Counts the calls of each owner in the last ``seconds``; a restart forgets them."""

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._seconds, self._clock = seconds, clock
        self._calls: TTLCache = TTLCache(_MAX_OWNERS, ttl=seconds, timer=clock)
        self._lock = threading.Lock()

    def admit(self, owner: str, limit: int) -> float:
        """0 if this call is one of the allowed ones, which counts it; otherwise the seconds after which the next is. ``limit`` 0 allows all."""
        if not limit:
            return 0.0
        with self._lock:
            now = self._clock()
            calls = self._calls.get(owner) or deque()
            while calls and calls[0] <= now - self._seconds:
                calls.popleft()
            if len(calls) >= limit:
                return calls[0] + self._seconds - now
            calls.append(now)
            self._calls[owner] = calls
            return 0.0
