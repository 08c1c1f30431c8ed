"""Gradio's queue with owners. That gradio's own queue has what this uses: ``tests/attack/test_visitors.py``."""

from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.requests import Request

from tests.security.client import run
from trainer.security.visitors import name_owner
from trainer.ui.owned_queue import OwnedQueue


class Queue:
    """What a call leaves in gradio's queue: it waits, and its result stays until it is fetched."""

    def __init__(self) -> None:
        self.event_queue_per_concurrency_id = {"one": SimpleNamespace(queue=[])}
        self.event_ids_to_events: dict[str, Any] = {}
        self.pending_event_ids_session: dict[str, set[str]] = {}
        self.pending_messages_per_session: dict[str, str] = {}
        self.is_full = False
        self._numbers = count()

    async def push(self, body: Any, request: Request, username: str | None) -> tuple[bool, str, str]:
        if self.is_full:
            return False, "Queue is full. Max size is 1 and size is 1.", "queue_full"
        event_id = f"call-{next(self._numbers)}"
        self.event_ids_to_events[event_id] = event = SimpleNamespace(session_hash=body.session_hash, request=request)
        self.event_queue_per_concurrency_id["one"].queue.append(event)
        self.pending_event_ids_session.setdefault(body.session_hash, set()).add(event_id)
        self.pending_messages_per_session[body.session_hash] = "result"
        return True, event_id, "success"

    def complete_all(self) -> None:
        self.event_ids_to_events.clear()
        self.event_queue_per_concurrency_id["one"].queue.clear()


@pytest.fixture
def queue() -> Queue:
    return Queue()


def owned_queue(queue: Queue, *, of_owner: int) -> OwnedQueue:
    owned = OwnedQueue(queue, of_owner=of_owner)
    owned.take_over()
    return owned


def call(queue: Queue, owner: str, session: str) -> tuple[bool, str, str]:
    scope: dict[str, Any] = {"type": "http"}
    name_owner(scope, owner)
    return run(queue.push(SimpleNamespace(session_hash=session), Request(scope), None))


def test_one_visitor_s_calls_leave_room_for_those_of_others(queue: Queue) -> None:
    owned_queue(queue, of_owner=2)
    assert [call(queue, "visitor-1", "a")[0] for _ in range(2)] == [True, True]
    refused, message, reason = call(queue, "visitor-1", "b")
    assert (refused, reason) == (False, "queue_full")
    assert message.startswith("2 of your calls wait for an answer already")
    assert call(queue, "visitor-2", "c")[0]
    queue.complete_all()
    assert call(queue, "visitor-1", "a")[0]
    queue.is_full = True
    assert call(queue, "visitor-3", "d")[1] == "This server has as many calls to answer as it can take. Try again in a moment."


def test_a_call_belongs_to_who_made_it_while_it_runs_and_afterwards(queue: Queue) -> None:
    owned = owned_queue(queue, of_owner=2)
    event_id = call(queue, "visitor-1", "a")[1]
    for _ in ("while it runs", "afterwards"):
        assert owned.owns("visitor-1", event_id)
        assert not owned.owns("visitor-2", event_id)
        queue.complete_all()
    assert not owned.owns("visitor-1", "nothing")


def test_nothing_is_left_of_an_owner_but_what_a_page_waits_for(queue: Queue) -> None:
    owned = owned_queue(queue, of_owner=5)
    old, others = call(queue, "visitor-1", "closed page")[1], call(queue, "visitor-2", "other page")[1]
    queue.complete_all()
    running = call(queue, "visitor-1", "open page")[1]
    owned.forget("visitor-1")
    assert set(queue.pending_messages_per_session) == set(queue.pending_event_ids_session) == {"open page", "other page"}
    assert [owned.owns("visitor-1", event_id) for event_id in (old, running)] == [False, True]
    assert owned.owns("visitor-2", others)
