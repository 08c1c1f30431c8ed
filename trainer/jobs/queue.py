"""JobQueue: ids that wait in two lanes, each with one thread; one that could not begin keeps its place and is retried with back-off.

Owners take turns: nobody's second id begins before everybody's first. Those of one owner go first in, first out.

Knows neither runs nor disks: lane and work of an id are callables, called without the queue's lock, which is only held for moments.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

FIRST_PAUSE = 1.0
MAX_PAUSE = 30.0
_TURNS_SECONDS = 3600.0


class Lane(StrEnum):
    """What runs one after another; jobs of different lanes run at the same time."""

    TRAINING = "training"
    SHORT = "short"
    """For jobs that nobody should have to wait for until a training has ended."""


@dataclass(frozen=True)
class Delay:
    """Why an id could not begin, as a clause without a full stop, and in how many seconds it is tried again."""

    reason: str
    seconds: float


@dataclass
class _Pending:
    id: str
    owner: str = ""
    reason: str = ""
    tries: int = 0
    due: float = 0.0
    """By the monotonic clock."""


@dataclass
class _LaneState:
    pending: list[_Pending] = field(default_factory=list)
    current: str | None = None
    is_put_again: bool = False
    """Whether the current id was put since its work began."""
    turns: Counter[str] = field(default_factory=Counter)
    """How often each owner has had its turn since the lane was last empty, or in the last hour or two: nobody waits for ever behind newcomers."""
    counted_since: float = field(default_factory=time.monotonic)
    thread: threading.Thread | None = None

    def in_order(self) -> list[_Pending]:
        """The pending ids as their turns come."""
        turns, with_turn = self.turns.copy(), []
        for item in self.pending:
            with_turn.append((turns[item.owner], item))
            turns[item.owner] += 1
        # Sorting keeps the order of those with as many turns.
        return [item for _, item in sorted(with_turn, key=lambda pair: pair[0])]


class JobQueue:
    """``run_job`` does the work of one id and returns "", or why it could not begin: then it is tried again. ``lane_of`` and ``owner_of`` give
    the lane and the owner of an id that is put. ``still_waits`` is asked after the work of an id that was put meanwhile, since that may have been
    in its last moment: whether it is to be worked at again. None may raise."""

    def __init__(
        self,
        run_job: Callable[[str], str],
        lane_of: Callable[[str], Lane] = lambda _: Lane.TRAINING,
        owner_of: Callable[[str], str] = lambda _: "",
        *,
        still_waits: Callable[[str], bool] = lambda _: False,
        first_pause: float = FIRST_PAUSE,
    ) -> None:
        self.admission = threading.Lock()
        """For callers: held from the decision to queue an id until it is queued, so that a double press queues one."""
        self._run_job = run_job
        self._lane_of, self._owner_of = lane_of, owner_of
        self._still_waits = still_waits
        self._first_pause = first_pause
        self._lanes = {lane: _LaneState() for lane in Lane}
        self._changed = threading.Condition()
        self._changes = 0
        self._closed = False

    def put(self, item: str) -> None:
        """Append an id to its lane; one that is pending already stays where it is, and one that is current follows itself if it still waits then."""
        lane, owner = self._lane_of(item), self._owner_of(item)
        with self._changed:
            for state in self._lanes.values():
                if state.current == item:
                    state.is_put_again = True
                    return
            if self._find(item) is not None:
                return
            state = self._lanes[lane]
            state.pending.append(_Pending(item, owner))
            if state.thread is None or not state.thread.is_alive():
                self._start(lane)
            self._notify()

    def discard(self, item: str) -> bool:
        """Remove a pending id; returns whether it was pending."""
        with self._changed:
            found = self._find(item)
            if found is not None:
                state, pending = found
                state.pending.remove(pending)
                self._notify()
            return found is not None

    def has(self, item: str) -> bool:
        """Whether an id is pending or current."""
        with self._changed:
            return item in self._current_ids() or self._find(item) is not None

    def position(self, item: str) -> int | None:
        """How many ids of its lane come before a pending one, the current one included; None if it is not pending."""
        with self._changed:
            found = self._find(item)
            return None if found is None else found[0].in_order().index(found[1]) + (found[0].current is not None)

    def delay(self, item: str) -> Delay | None:
        """Why a pending id could not begin at its last try; None if it has not been tried or is not pending."""
        with self._changed:
            found = self._find(item)
            if found is None or not found[1].reason:
                return None
            return Delay(found[1].reason, max(0.0, found[1].due - time.monotonic()))

    @property
    def current(self) -> tuple[str, ...]:
        """The ids whose work is under way, one a lane at most."""
        with self._changed:
            return self._current_ids()

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

    def close(self) -> tuple[str, ...]:
        """Start nothing more and drop all pending ids. Returns the current ids; ``join`` waits for their end."""
        with self._changed:
            self._closed = True
            for state in self._lanes.values():
                state.pending.clear()
            self._notify()
            return self._current_ids()

    def join(self) -> None:
        """Wait until the threads have ended."""
        for state in self._lanes.values():
            # One that has died may have been followed by another one.
            while (thread := state.thread) is not None and thread.is_alive():
                thread.join()

    def _start(self, lane: Lane) -> None:
        thread = threading.Thread(target=self._run_forever, args=(lane,), name=lane.value, daemon=True)
        self._lanes[lane].thread = thread
        thread.start()

    def _run_forever(self, lane: Lane) -> None:
        state = self._lanes[lane]
        try:
            while (item := self._next(state)) is not None:
                reason = ""
                try:
                    reason = self._run_job(item.id)
                finally:
                    if self._finish(state, item, reason) and self._still_waits(item.id):
                        self.put(item.id)
        finally:
            with self._changed:
                state.thread = None
                if state.pending and not self._closed:
                    # Work that ends its thread takes no other with it.
                    self._start(lane)

    def _next(self, state: _LaneState) -> _Pending | None:
        """The first pending id of a lane that is due, as soon as there is one; None once the queue is closed."""
        with self._changed:
            while not self._closed:
                now = time.monotonic()
                item = next((pending for pending in state.in_order() if pending.due <= now), None)
                if item is not None:
                    if now - state.counted_since > _TURNS_SECONDS:
                        state.turns.clear()
                        state.counted_since = now
                    state.pending.remove(item)
                    state.turns[item.owner] += 1
                    state.current, state.is_put_again = item.id, False
                    self._notify()
                    return item
                # An id that is not due yet does not block those behind it.
                self._changed.wait(min((pending.due - now for pending in state.pending), default=None))
            return None

    def _finish(self, state: _LaneState, item: _Pending, reason: str) -> bool:
        """Clear the current id of a lane; put it back in front if it could not begin. Returns whether it was put meanwhile and is gone now."""
        with self._changed:
            state.current = None
            if reason and not self._closed:
                pause = retry_pause(item.tries, self._first_pause)
                state.pending.insert(0, _Pending(item.id, item.owner, reason, item.tries + 1, time.monotonic() + pause))
                state.turns[item.owner] -= 1
            elif not state.pending:
                state.turns.clear()
            self._notify()
            return state.is_put_again and not reason and not self._closed

    def _find(self, item: str) -> tuple[_LaneState, _Pending] | None:
        return next(((state, pending) for state, pending in self._all_pending() if pending.id == item), None)

    def _all_pending(self) -> Iterator[tuple[_LaneState, _Pending]]:
        for state in self._lanes.values():
            for pending in state.pending:
                yield state, pending

    def _current_ids(self) -> tuple[str, ...]:
        return tuple(state.current for state in self._lanes.values() if state.current is not None)

    def _notify(self) -> None:
        self._changes += 1
        self._changed.notify_all()


def retry_pause(tries: int, first: float = FIRST_PAUSE) -> float:
    """Seconds until the next try after ``tries`` earlier ones: doubled each time, up to ``MAX_PAUSE``."""
    return min(first * 2 ** min(tries, 30), MAX_PAUSE)
