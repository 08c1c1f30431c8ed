"""Queue: first in, first out; what cannot begin is tried again after a growing pause, says why, and keeps nobody behind it."""

import threading
from collections.abc import Callable, Iterator

import pytest

from trainer.jobs.queue import MAX_PAUSE, JobQueue, retry_pause

TIMEOUT_SECONDS = 60.0


class Work:
    """Does what it is told: each id's work waits until it is let go, and then says what it is told to say."""

    def __init__(self) -> None:
        self.done: list[str] = []
        self.answers: dict[str, list[str]] = {}
        self.blocked: dict[str, threading.Event] = {}

    def __call__(self, item: str) -> str:
        if item in self.blocked:
            assert self.blocked[item].wait(TIMEOUT_SECONDS)
        self.done.append(item)
        return self.answers[item].pop(0) if self.answers.get(item) else ""

    def block(self, item: str) -> threading.Event:
        return self.blocked.setdefault(item, threading.Event())


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def queue(work: Work) -> Iterator[JobQueue]:
    made = JobQueue(work, first_pause=0.001)
    yield made
    for event in work.blocked.values():
        event.set()
    made.close()
    made.join()


def wait_until(queue: JobQueue, condition: Callable[[], bool]) -> None:
    while not condition():
        seen = queue.changes
        if not condition():
            queue.wait(seen, TIMEOUT_SECONDS)


def test_first_in_first_out_and_each_once(queue: JobQueue, work: Work) -> None:
    go = work.block("a")
    for item in "abcab":
        queue.put(item)
    wait_until(queue, lambda: queue.position("a") is None)
    queue.put("a")  # it is being worked at
    assert [queue.position(item) for item in "abcd"] == [None, 1, 2, None]
    assert [queue.has(item) for item in "abcd"] == [True, True, True, False]
    go.set()
    wait_until(queue, lambda: work.done == ["a", "b", "c"] and not queue.has("c"))


def test_one_that_is_taken_out_is_not_worked_at(queue: JobQueue, work: Work) -> None:
    go = work.block("a")
    for item in "abc":
        queue.put(item)
    wait_until(queue, lambda: queue.position("a") is None)
    assert queue.discard("b")
    assert not queue.discard("b")
    assert not queue.discard("a")
    go.set()
    wait_until(queue, lambda: not queue.has("c"))
    assert work.done == ["a", "c"]


def test_what_could_not_begin_is_tried_again_until_it_can(queue: JobQueue, work: Work) -> None:
    work.answers["a"] = ["somebody has it"] * 4
    queue.put("a")
    wait_until(queue, lambda: len(work.done) == 5 and not queue.has("a"))
    assert work.done == ["a"] * 5


def test_what_could_not_begin_says_why_keeps_its_place_and_keeps_nobody_behind_it(work: Work) -> None:
    queue = JobQueue(work, first_pause=TIMEOUT_SECONDS)
    work.answers["a"] = ["somebody has it"]
    go = work.block("c")
    for item in "abcd":
        queue.put(item)
    wait_until(queue, lambda: work.done == ["a", "b"] and queue.position("c") is None)
    delay = queue.delay("a")
    assert delay.reason == "somebody has it"
    assert 0 < delay.seconds <= TIMEOUT_SECONDS
    assert (queue.position("a"), queue.position("d"), queue.delay("d"), queue.delay("b")) == (1, 2, None, None)
    assert queue.discard("a")  # one that is paused leaves too
    queue.close()
    go.set()
    queue.join()
    assert work.done == ["a", "b", "c"]


def test_pauses_grow_up_to_a_longest_one() -> None:
    pauses = [retry_pause(tries) for tries in range(12)]
    assert pauses[:4] == [1, 2, 4, 8]
    assert pauses == sorted(pauses)
    assert pauses[-1] == retry_pause(10_000) == MAX_PAUSE


def test_a_closed_queue_begins_nothing_more_and_names_what_is_under_way(queue: JobQueue, work: Work) -> None:
    go = work.block("a")
    work.answers["a"] = ["somebody has it"]
    queue.put("a")
    queue.put("b")
    wait_until(queue, lambda: queue.position("a") is None)
    assert queue.close() == ("a",)
    go.set()
    queue.join()
    queue.put("c")
    queue.join()
    assert work.done == ["a"]
    assert queue.close() == ()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_takes_nothing_with_it() -> None:
    done = []

    def dies_once(item: str) -> str:
        done.append(item)
        if len(done) == 1:
            raise SystemError("the thread is gone")
        return ""

    queue = JobQueue(dies_once)
    queue.put("a")
    queue.join()
    assert not queue.has("a")
    queue.put("b")
    wait_until(queue, lambda: done == ["a", "b"] and not queue.has("b"))
    queue.close()
    queue.join()


def test_whoever_asks_is_answered_while_work_is_under_way(queue: JobQueue, work: Work) -> None:
    """The page asks each second: no work is done under the queue's lock."""
    go = work.block("a")
    queue.put("a")
    wait_until(queue, lambda: queue.position("a") is None)
    seen = queue.changes
    waiter = threading.Thread(target=queue.wait, args=(seen, TIMEOUT_SECONDS))
    waiter.start()
    assert (queue.has("a"), queue.delay("a"), queue.position("b")) == (True, None, None)
    queue.put("b")
    waiter.join(TIMEOUT_SECONDS)
    assert not waiter.is_alive()
    go.set()
