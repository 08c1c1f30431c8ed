"""A disk that is full at any moment: the run fails with a sentence, what was saved stays, the same server goes on once there is room."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.faults.conftest import Servers, outcome

STATUSES = {"failed", "interrupted", "queued", "finished"}


def fail_at(calls: Iterable[int], fresh: Callable[[], Path], servers: Servers, *, for_long: bool) -> dict[str, int]:
    """Let these calls fail, each in a run of its own; returns how often the run then was what."""
    whole = fresh()
    servers(whole)
    wanted, seen = outcome(whole), dict.fromkeys(STATUSES, 0)
    for call in calls:
        runs = fresh()
        said = servers(runs, fail_at=call, for_long=for_long)
        assert not said["died"], call
        assert said["status"] in STATUSES, (call, said)
        if said["status"] == "failed":
            assert "disk is full" in said["message"], (call, said)
        if for_long:
            # Where nothing at all can be written, not even that it failed can.
            assert said["status"] != "failed", (call, said)
        seen[said["status"]] += 1
        assert outcome(runs) == wanted, call
    return seen


def test_a_few_writes_that_fail(fresh: Callable[[], Path], servers: Servers) -> None:
    # Some are made up for at once: what cannot be linked is copied.
    seen = fail_at((1, 2, 30, 90), fresh, servers, for_long=False)
    assert seen["finished"] < 4, seen


@pytest.mark.slow
@pytest.mark.parametrize("for_long", [False, True], ids=["once", "from then on"])
def test_every_write_fails_in_turn(fresh: Callable[[], Path], servers: Servers, for_long: bool) -> None:
    calls = servers(fresh(), fail_at=10**9)["calls"]
    assert calls > 100
    seen = fail_at(range(1, calls + 1), fresh, servers, for_long=for_long)
    print(f"{calls} writes, each failed {'from then on' if for_long else 'once'}: {seen}; all ended with the same model")
