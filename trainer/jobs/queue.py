"""JobQueue: ids that wait for one worker thread, first in, first out; one that could not begin keeps its place and is retried with back-off.

Knows neither runs nor disks: the work is a callable, called without the queue's lock, which is only held for moments.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

FIRST_PAUSE = 1.0
MAX_PAUSE = 30.0


@dataclass(frozen=True)
class Delay:
    """Why an id could not begin, as a clause without a full stop, and in how many seconds it is tried again."""

    reason: str
    seconds: float


@dataclass
class _Pending:
    id: str
    reason: str = ""
    tries: int = 0
    due: float = 0.0
    """By the monotonic clock."""


class JobQueue:
    """``run_job`` does the work of one id and returns "", or why it could not begin: then it is tried again. It must not raise."""

    def __init__(self, run_job: Callable[[str], str], *, first_pause: float = FIRST_PAUSE) -> None:
        self.admission = threading.Lock()
        """For callers: held from the decision to queue an id until it is queued, so that a double press queues one."""
        self._run_job = run_job
        self._first_pause = first_pause
        self._pending: list[_Pending] = []
        self._changed = threading.Condition()
        self._changes = 0
        self._current: str | None = None
        self._thread: threading.Thread | None = None
        self._closed = False

    def put(self, item: str) -> None:
        """Append an id; one that is pending or current already stays where it is."""
        with self._changed:
            if item == self._current or self._find(item) is not None:
                return
            self._pending.append(_Pending(item))
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run_forever, name="training", daemon=True)
                self._thread.start()
            self._notify()

    def discard(self, item: str) -> bool:
        """Remove a pending id; returns whether it was pending."""
        with self._changed:
            pending = self._find(item)
            if pending is not None:
                self._pending.remove(pending)
                self._notify()
            return pending is not None

    def has(self, item: str) -> bool:
        """Whether an id is pending or current."""
        with self._changed:
            return item == self._current or self._find(item) is not None

    def position(self, item: str) -> int | None:
        """How many ids come before a pending one, the current one included; None if it is not pending."""
        with self._changed:
            pending = self._find(item)
            return None if pending is None else self._pending.index(pending) + (self._current is not None)

    def delay(self, item: str) -> Delay | None:
        """Why a pending id could not begin at its last try; None if it has not been tried or is not pending."""
        with self._changed:
            pending = self._find(item)
            if pending is None or not pending.reason:
                return None
            return Delay(pending.reason, max(0.0, pending.due - time.monotonic()))

    @property
    def changes(self) -> int:
        """Grows with each change of the queue."""
        with self._changed:
            return self._changes

    def wait(self, changes: int, seconds: float) -> None:
        """Sleep until ``changes`` differs from the given number, ``seconds`` at most."""
        with self._changed:
            self._changed.wait_for(lambda: self._changes != changes, timeout=seconds)

    def notify(self) -> None:
        """Wake all threads in ``wait``: something outside of the queue has changed."""
        with self._changed:
            self._notify()

    def close(self) -> str | None:
        """Start nothing more and drop all pending ids. Returns the current id, if any; ``join`` waits for its end."""
        with self._changed:
            self._closed = True
            self._pending.clear()
            self._notify()
            return self._current

    def join(self) -> None:
        """Wait until the thread has ended."""
        if self._thread is not None:
            self._thread.join()

    def _run_forever(self) -> None:
        while (item := self._next()) is not None:
            reason = ""
            try:
                reason = self._run_job(item.id)
            finally:
                self._finish(item, reason)

    def _next(self) -> _Pending | None:
        """The first pending id that is due, as soon as there is one; None once the queue is closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                item = next((pending for pending in self._pending if pending.due <= now), None)
                if item is not None:
                    self._pending.remove(item)
                    self._current = item.id
                    self._notify()
                    return item
                # An id that is not due yet does not block those behind it.
                self._changed.wait(min((pending.due - now for pending in self._pending), default=None))
            return None

    def _finish(self, item: _Pending, reason: str) -> None:
        """Clear the current id; put it back in front if it could not begin."""
        with self._changed:
            self._current = None
            if reason and not self._closed:
                pause = retry_pause(item.tries, self._first_pause)
                self._pending.insert(0, _Pending(item.id, reason, item.tries + 1, time.monotonic() + pause))
            self._notify()

    def _find(self, item: str) -> _Pending | None:
        return next((pending for pending in self._pending if pending.id == item), None)

    def _notify(self) -> None:
        self._changes += 1
        self._changed.notify_all()


def retry_pause(tries: int, first: float = FIRST_PAUSE) -> float:
    """Seconds until the next try after ``tries`` earlier ones: doubled each time, up to ``LONGEST_PAUSE``."""
    return min(first * 2 ** min(tries, 30), MAX_PAUSE)
