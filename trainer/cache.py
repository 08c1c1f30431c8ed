"""A bounded cache in which each value is computed once at a time, however many threads ask for it. Knows nothing of what it holds."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache, cached

Value = TypeVar("Value")


class SingleFlightCache(Generic[Value]):
    """At most ``maxsize`` values; the least recently used goes first.

    Threads that ask for the same key wait for the one that computes it; other keys are not held up. What raises is not kept, and one of
    the waiting threads tries again.
    """

    def __init__(self, maxsize: int) -> None:
        self._values: LRUCache = LRUCache(maxsize)
        self._condition = threading.Condition()
        self._get = cached(self._values, key=lambda key, compute: key, condition=self._condition)(lambda key, compute: compute())

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value of ``key``; ``compute()`` makes it where it is not known. Raises what ``compute`` does."""
        return self._get(key, compute)

    def discard(self, wanted: Callable[[Hashable], bool]) -> None:
        """Let go of the values whose keys are ``wanted``."""
        with self._condition:
            for key in [key for key in self._values if wanted(key)]:
                del self._values[key]

    def __len__(self) -> int:
        with self._condition:
            return len(self._values)
