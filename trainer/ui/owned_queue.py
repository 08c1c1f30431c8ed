"""Whose calls and results are in gradio's queue: one visitor fills it for nobody else, reads and cancels no call of another, and leaves nothing there.

Where visitors have no work of their own, gradio's queue is used as it is. Sessions: ``trainer/security/sessions.py``.
"""

from typing import Any, Literal

from cachetools import LRUCache
from gradio.queueing import Queue
from starlette.requests import Request

from trainer.security.visitors import owner_of

_MAX_SESSIONS = 10_000
"""More than gradio keeps results of."""
_FULL = "This server has as many calls to answer as it can take. Try again in a moment."

_Pushed = tuple[bool, Any, Literal["success", "error", "queue_full", "validator_error"]]


class OwnedQueue:
    """Whose the calls of a queue are, from ``take_over`` on. ``of_owner``: calls of one owner that may wait."""

    def __init__(self, queue: Queue, *, of_owner: int) -> None:
        self._queue, self._push, self._of_owner = queue, queue.push, of_owner
        self._owners: LRUCache[str, str] = LRUCache(_MAX_SESSIONS)
        """Of each session whose results may be there. Only the loop that answers requests writes it."""

    def take_over(self) -> None:
        """Go before the queue's ``push``, through which all calls come."""
        self._queue.push = self._push_owned  # type: ignore[method-assign]

    async def _push_owned(self, body: Any, request: Request, username: str | None) -> _Pushed:
        owner = owner_of(request.scope)
        waiting = sum(
            owner_of(event.request.scope) == owner
            for events in self._queue.event_queue_per_concurrency_id.values()
            for event in events.queue
        )
        if waiting >= self._of_owner:
            message = (
                f"{waiting} of your calls wait for an answer already, as many as one visitor may have waiting. Fetch their results first."
            )
            return False, message, "queue_full"
        pushed = await self._push(body, request, username)
        if pushed[0]:
            self._owners[body.session_hash] = owner
        return pushed if pushed[2] != "queue_full" else (False, _FULL, "queue_full")

    def owns(self, owner: str, event_id: str) -> bool:
        """Whether a call is one of this owner's, as far as its result was not fetched yet."""
        event = self._queue.event_ids_to_events.get(event_id)
        sessions = self._queue.pending_event_ids_session
        session = event.session_hash if event else next((name for name, events in list(sessions.items()) if event_id in events), "")
        return self._owners.get(session) == owner

    def forget(self, owner: str) -> None:
        """Drop the results of an owner that nobody has fetched. A page that waits for one keeps its session."""
        sessions, running = self._queue.pending_event_ids_session, self._queue.event_ids_to_events
        for session in [session for session, its_owner in list(self._owners.items()) if its_owner == owner]:
            if not any(event_id in running for event_id in list(sessions.get(session, ()))):
                sessions.pop(session, None)
                self._queue.pending_messages_per_session.pop(session, None)
                self._owners.pop(session, None)
