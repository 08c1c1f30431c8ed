"""Queue: first in, first out; what cannot begin is tried again after a growing pause, says why, and keeps nobody behind it."""

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.addresses import TIMEOUT_SECONDS
from trainer.jobs.queue import MAX_PAUSE, JobQueue, Lane, retry_pause


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


@pytest.fixture
def pauses_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is tried again during a test that asks for so long a first pause."""
    monkeypatch.setattr("trainer.jobs.queue.MAX_PAUSE", TIMEOUT_SECONDS)


def wait_until(queue: JobQueue, condition: Callable[[], bool]) -> None:
    while not condition():
        seen = queue.changes
        if not condition():
            queue.wait(seen, TIMEOUT_SECONDS)


def test_nobody_s_second_begins_before_everybody_s_first(work: Work) -> None:
    queue = JobQueue(work, owner_of=lambda item: item[0])
    go = work.block("a1")
    for item in ("a1", "a2", "a3", "b1", "b2", "c1"):
        queue.put(item)
    wait_until(queue, lambda: queue.current == ("a1",))
    assert {item: queue.position(item) for item in ("b1", "c1", "a2", "b2", "a3")} == {"b1": 1, "c1": 2, "a2": 3, "b2": 4, "a3": 5}
    go.set()
    wait_until(queue, lambda: not queue.current and not queue.has("a3"))
    assert work.done == ["a1", "b1", "c1", "a2", "b2", "a3"]
    queue.close()
    queue.join()


def test_what_could_not_begin_costs_its_owner_no_turn(work: Work) -> None:
    queue = JobQueue(work, owner_of=lambda item: item[0], first_pause=0.001)
    work.answers["a1"] = ["the disk is gone"]
    go = work.block("a1")
    for item in ("a1", "a2", "b1"):
        queue.put(item)
    go.set()
    wait_until(queue, lambda: not queue.has("a1") and not queue.has("a2") and not queue.has("b1"))
    assert sorted(work.done) == ["a1", "a1", "a2", "b1"]
    assert work.done.index("b1") < work.done.index("a2")
    queue.close()
    queue.join()


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


def test_one_that_is_put_in_the_last_moment_of_its_work_is_worked_at_again() -> None:
    """It has said that it is over and is resumed, before the queue knows of its end."""
    done: list[str] = []

    def work(item: str) -> str:
        if not done:
            queue.put(item)
        done.append(item)
        return ""

    queue = JobQueue(work, still_waits=lambda item: True)
    queue.put("a")
    wait_until(queue, lambda: done == ["a", "a"] and not queue.has("a"))
    queue.close()
    queue.join()
    assert done == ["a", "a"]


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


@pytest.mark.usefixtures("pauses_without_end")
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


@pytest.fixture
def lanes(work: Work) -> Iterator[JobQueue]:
    """A queue in which ids that begin with "s" are short jobs."""
    made = JobQueue(work, lambda item: Lane.SHORT if item.startswith("s") else Lane.TRAINING, first_pause=0.001)
    yield made
    for event in work.blocked.values():
        event.set()
    made.close()
    made.join()


def test_a_short_job_does_not_wait_for_a_training_and_a_training_not_for_a_short_job(lanes: JobQueue, work: Work) -> None:
    training, short = work.block("t1"), work.block("s2")
    for item in ("t1", "s1", "s2", "s3", "t2"):
        lanes.put(item)
    wait_until(lanes, lambda: work.done == ["s1"] and lanes.current == ("t1", "s2"))
    assert [lanes.position(item) for item in ("t2", "s3")] == [1, 1]
    training.set()
    wait_until(lanes, lambda: work.done == ["s1", "t1", "t2"] and lanes.current == ("s2",))
    short.set()
    wait_until(lanes, lambda: work.done == ["s1", "t1", "t2", "s2", "s3"] and not lanes.current)


def test_the_jobs_of_one_lane_run_one_after_another(lanes: JobQueue, work: Work) -> None:
    for lane in ("t", "s"):
        go = work.block(f"{lane}1")
        lanes.put(f"{lane}1")
        lanes.put(f"{lane}2")
        wait_until(lanes, lambda lane=lane: lanes.current == (f"{lane}1",))
        go.set()
        wait_until(lanes, lambda: not lanes.current and not lanes.has("t2") and not lanes.has("s2"))
    assert work.done == ["t1", "t2", "s1", "s2"]


@pytest.mark.usefixtures("pauses_without_end")
def test_a_delay_in_one_lane_is_none_in_the_other(work: Work) -> None:
    queue = JobQueue(work, lambda item: Lane.SHORT if item.startswith("s") else Lane.TRAINING, first_pause=TIMEOUT_SECONDS)
    work.answers["t1"] = ["somebody has it"]
    queue.put("t1")
    wait_until(queue, lambda: queue.delay("t1") is not None)
    queue.put("s1")
    wait_until(queue, lambda: not queue.has("s1"))
    assert work.done == ["t1", "s1"]
    queue.close()
    queue.join()


def test_a_closed_queue_names_what_is_under_way_in_both_lanes(lanes: JobQueue, work: Work) -> None:
    for item in ("t1", "s1"):
        work.block(item)
        lanes.put(item)
    lanes.put("s2")
    wait_until(lanes, lambda: lanes.current == ("t1", "s1"))
    assert lanes.close() == ("t1", "s1")
    for event in work.blocked.values():
        event.set()
    lanes.join()
    assert sorted(work.done) == ["s1", "t1"]


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_keeps_nobody_behind_it_waiting() -> None:
    done, go = [], threading.Event()

    def dies_once(item: str) -> str:
        assert go.wait(TIMEOUT_SECONDS)
        done.append(item)
        if item == "a":
            raise SystemError("the thread is gone")
        return ""

    queue = JobQueue(dies_once)
    for item in "abc":
        queue.put(item)
    go.set()
    wait_until(queue, lambda: done == ["a", "b", "c"] and not queue.has("c"))
    queue.close()
    queue.join()


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
