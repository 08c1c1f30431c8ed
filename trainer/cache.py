"""A bounded cache that computes each value once, however many threads ask for it at the same time."""

import threading
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from cachetools import LRUCache, cached

Value = TypeVar("Value")


class SingleFlightCache(Generic[Value]):
    """At most ``maxsize`` values; the least recently used is dropped first.

    Threads that ask for the same key wait for the one that computes it; other keys are not blocked. Exceptions are not cached: one of
    the waiting threads tries again.
    """

    def __init__(self, maxsize: int) -> None:
        self._values: LRUCache = LRUCache(maxsize)
        self._condition = threading.Condition()
        self._get = cached(self._values, key=lambda key, compute: key, condition=self._condition)(lambda key, compute: compute())

    def get(self, key: Hashable, compute: Callable[[], Value]) -> Value:
        """The value of ``key``; computed with ``compute()`` if it is not cached. Raises what ``compute`` raises."""
        return self._get(key, compute)

    def discard(self, predicate: Callable[[Hashable], bool]) -> None:
        """Drop the values whose keys match ``predicate``."""
        with self._condition:
            for key in [key for key in self._values if predicate(key)]:
                del self._values[key]

    def __len__(self) -> int:
        with self._condition:
            return len(self._values)
