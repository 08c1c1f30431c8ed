"""kill -9 at any moment, also in the middle of a save: the run still exists, resumes, and ends with exactly the same weights and curves."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faults.conftest import RunServer, outcome, view_in

AFTER_A_KILL = {"queued", "interrupted", "finished"}


def killed_and_resumed(runs: Path, run_server: RunServer, **options: float) -> bool:
    """End a server and let the next one resume; whether it was killed before the run was over."""
    died = run_server(runs, **options)["died"]
    assert view_in(runs).status in AFTER_A_KILL
    over = view_in(runs).status == "finished"
    run_server(runs)
    return died and not over


def kill_often(n_kills: int, make_runs: Callable[[], Path], run_server: RunServer) -> int:
    """Kill servers at random moments of a run; returns how many of them were killed before the run was over."""
    undisturbed = make_runs()
    seconds = run_server(undisturbed)["seconds"]
    expected, rng, interrupted = outcome(undisturbed), random.Random(7), 0
    for _ in range(n_kills):
        runs = make_runs()
        interrupted += killed_and_resumed(runs, run_server, kill_after=rng.uniform(0, seconds))
        assert outcome(runs) == expected
    return interrupted


def test_a_few_kills(make_runs: Callable[[], Path], run_server: RunServer) -> None:
    assert kill_often(4, make_runs, run_server) >= 2


@pytest.mark.slow
def test_a_hundred_kills(make_runs: Callable[[], Path], run_server: RunServer) -> None:
    interrupted = kill_often(100, make_runs, run_server)
    print(f"100 kills, {interrupted} of them before the run was over; 100 of 100 bit-equal")
    assert interrupted >= 60


@pytest.mark.slow
def test_a_kill_at_every_call_that_writes_to_the_disk(make_runs: Callable[[], Path], run_server: RunServer) -> None:
    undisturbed = make_runs()
    calls = run_server(undisturbed, die_at=None)["calls"]
    expected = outcome(undisturbed)
    assert calls > 100
    for call in range(1, calls + 1):
        runs = make_runs()
        killed_and_resumed(runs, run_server, die_at=call)
        assert outcome(runs) == expected, f"killed at call {call} of {calls}"
    print(f"killed at each of {calls} calls; all bit-equal")


@pytest.mark.slow
def test_killed_again_and_again_it_still_finishes(make_runs: Callable[[], Path], run_server: RunServer) -> None:
    undisturbed, runs, rng = make_runs(), make_runs(), random.Random(11)
    seconds = run_server(undisturbed)["seconds"]
    for _ in range(20):
        run_server(runs, kill_after=rng.uniform(0.2, 0.6) * seconds)
    run_server(runs)
    assert outcome(runs) == outcome(undisturbed)
