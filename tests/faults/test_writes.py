"""A disk that is full at any moment: the run fails with a message, saved data stays, and the same server continues once there is space."""

from collections.abc import Callable, Iterable
from pathlib import Path

import pytest

from tests.faults.conftest import RunServer, outcome

STATUSES = {"failed", "interrupted", "queued", "finished"}


def fail_at(calls: Iterable[int], make_runs: Callable[[], Path], run_server: RunServer, *, persistent: bool) -> dict[str, int]:
    """Let these calls fail, each in a separate run; returns how often the run then had each status."""
    undisturbed = make_runs()
    run_server(undisturbed)
    expected, status_counts = outcome(undisturbed), dict.fromkeys(STATUSES, 0)
    for call in calls:
        runs = make_runs()
        result = run_server(runs, fail_at=call, persistent=persistent)
        assert not result["died"], call
        assert result["status"] in STATUSES, (call, result)
        if result["status"] == "failed":
            assert "disk is full" in result["message"], (call, result)
        if persistent:
            # If nothing can be written, not even the failure can.
            assert result["status"] != "failed", (call, result)
        status_counts[result["status"]] += 1
        assert outcome(runs) == expected, call
    return status_counts


def test_a_few_writes_that_fail(make_runs: Callable[[], Path], run_server: RunServer) -> None:
    # Some have a fallback: what cannot be linked is copied.
    status_counts = fail_at((1, 2, 30, 90), make_runs, run_server, persistent=False)
    assert status_counts["finished"] < 4, status_counts


@pytest.mark.slow
@pytest.mark.parametrize("persistent", [False, True], ids=["once", "from then on"])
def test_every_write_fails_in_turn(make_runs: Callable[[], Path], run_server: RunServer, persistent: bool) -> None:
    calls = run_server(make_runs(), fail_at=10**9)["calls"]
    assert calls > 100
    status_counts = fail_at(range(1, calls + 1), make_runs, run_server, persistent=persistent)
    print(f"{calls} writes, each failed {'from then on' if persistent else 'once'}: {status_counts}; all ended with the same model")
