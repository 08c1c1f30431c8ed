"""kill -9 at any moment, also in the middle of a save: the run is there, goes on, and ends with the very same weights and curves."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import Servers, outcome, view_in

AFTER_A_KILL = {"queued", "interrupted", "finished"}


def killed_and_resumed(runs: Path, servers: Servers, **how: float) -> bool:
    """End a server, let the next one go on; whether it was killed before the run was over."""
    died = servers(runs, **how)["died"]
    assert view_in(runs).status in AFTER_A_KILL
    over = view_in(runs).status == "finished"
    servers(runs)
    return died and not over


def kill_often(count: int, fresh: Callable[[], Path], servers: Servers) -> int:
    """Kill so many servers at random moments of a run; returns how many of them were killed before the run was over."""
    whole = fresh()
    seconds = servers(whole)["seconds"]
    wanted, source, broken = outcome(whole), random.Random(7), 0
    for _ in range(count):
        runs = fresh()
        broken += killed_and_resumed(runs, servers, kill_after=source.uniform(0, seconds))
        assert outcome(runs) == wanted
    return broken


def test_a_few_kills(fresh: Callable[[], Path], servers: Servers) -> None:
    assert kill_often(4, fresh, servers) >= 2


@pytest.mark.slow
def test_a_hundred_kills(fresh: Callable[[], Path], servers: Servers) -> None:
    broken = kill_often(100, fresh, servers)
    print(f"100 kills, {broken} of them before the run was over; 100 of 100 bit-equal")
    assert broken >= 60


@pytest.mark.slow
def test_a_kill_at_every_call_that_brings_something_to_the_disk(fresh: Callable[[], Path], servers: Servers) -> None:
    whole = fresh()
    calls = servers(whole, die_at=None)["calls"]
    wanted = outcome(whole)
    assert calls > 100
    for call in range(1, calls + 1):
        runs = fresh()
        killed_and_resumed(runs, servers, die_at=call)
        assert outcome(runs) == wanted, f"killed at call {call} of {calls}"
    print(f"killed at each of {calls} calls; all bit-equal")


@pytest.mark.slow
def test_killed_again_and_again_it_still_gets_there(fresh: Callable[[], Path], servers: Servers) -> None:
    whole, runs, source = fresh(), fresh(), random.Random(11)
    seconds = servers(whole)["seconds"]
    for _ in range(20):
        servers(runs, kill_after=source.uniform(0.2, 0.6) * seconds)
    servers(runs)
    assert outcome(runs) == outcome(whole)
