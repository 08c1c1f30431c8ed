"""Queue: ids that wait for one thread, first in, first out; what cannot begin keeps its place and is tried again after a growing pause.

Knows neither runs nor disks: what is done with an id is handed in, and is done without the queue's lock, which nobody holds for long.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 30.0


@dataclass(frozen=True)
class Delay:
    """Why an id could not begin, as a sentence without its end, and how many seconds it is until it is tried again."""

    reason: str
    seconds: float


@dataclass
class _Waiting:
    id: str
    reason: str = ""
    tries: int = 0
    due: float = 0.0
    """By the monotonic clock."""


class JobQueue:
    """``work`` does one id's work and returns "", or why it could not begin: then it is tried again. It must not raise."""

    def __init__(self, work: Callable[[str], str], *, first_pause: float = FIRST_PAUSE) -> None:
        self._work = work
        self._first_pause = first_pause
        self._waiting: list[_Waiting] = []
        self.admission = threading.Lock()
        """For callers: held from the decision to queue an item until it is queued, so that a double press queues one."""
        self._changed = threading.Condition()
        self._changes = 0
        self._busy: str | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def put(self, item: str) -> None:
        """Let it wait for its turn; one that waits or is being worked at already stays where it is."""
        with self._changed:
            if item == self._busy or self._find(item) is not None:
                return
            self._waiting.append(_Waiting(item))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._work_forever, name="training", daemon=True)
                self._thread.start()
            self._notify()

    def discard(self, item: str) -> bool:
        """Take it out; whether it was waiting."""
        with self._changed:
            found = self._find(item)
            if found is not None:
                self._waiting.remove(found)
                self._notify()
            return found is not None

    def has(self, item: str) -> bool:
        """Whether it waits or is being worked at."""
        with self._changed:
            return item == self._busy or self._find(item) is not None

    def position(self, item: str) -> int | None:
        """How many come before one that waits; None where it does not wait."""
        with self._changed:
            found = self._find(item)
            return None if found is None else self._waiting.index(found) + (self._busy is not None)

    def delay(self, item: str) -> Delay | None:
        """Why one that waits could not begin when it was its turn; None where it was not, or does not wait."""
        with self._changed:
            found = self._find(item)
            if found is None or not found.reason:
                return None
            return Delay(found.reason, max(0.0, found.due - time.monotonic()))

    @property
    def changes(self) -> int:
        """Grows with whatever happens here."""
        with self._changed:
            return self._changes

    def wait(self, seen: int, seconds: float) -> None:
        """Sleep until something has happened since ``changes`` was ``seen``, so many seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes != seen, timeout=seconds)

    def notify(self) -> None:
        """Wake all who wait: something has happened that they should look at."""
        with self._changed:
            self._notify()

    def close(self) -> str | None:
        """Begin nothing more, and forget what waits; what is being worked at, for whoever wants to end it. ``join`` waits for it."""
        with self._changed:
            self._closed = True
            self._waiting.clear()
            self._notify()
            return self._busy

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join()

    def _work_forever(self) -> None:
        while (item := self._next()) is not None:
            reason = ""
            try:
                reason = self._work(item.id)
            finally:
                self._put_back(item, reason)

    def _next(self) -> _Waiting | None:
        """The first that is due, once there is one; None once the queue is closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                item = next((waiting for waiting in self._waiting if waiting.due <= now), None)
                if item is not None:
                    self._waiting.remove(item)
                    self._busy = item.id
                    self._notify()
                    return item
                # One that cannot begin keeps nobody behind it from beginning.
                self._changed.wait(min((waiting.due - now for waiting in self._waiting), default=None))
            return None

    def _put_back(self, item: _Waiting, reason: str) -> None:
        with self._changed:
            self._busy = None
            if reason and not self._closed:
                pause = pause_after(item.tries, self._first_pause)
                self._waiting.insert(0, _Waiting(item.id, reason, item.tries + 1, time.monotonic() + pause))
            self._notify()

    def _find(self, item: str) -> _Waiting | None:
        return next((waiting for waiting in self._waiting if waiting.id == item), None)

    def _notify(self) -> None:
        self._changes += 1
        self._changed.notify_all()


def pause_after(tries: int, first: float = FIRST_PAUSE) -> float:
    """Seconds until the next try, after so many before this one: each pause is twice as long as the one before, up to half a minute."""
    return min(first * 2 ** min(tries, 30), LONGEST_PAUSE)
