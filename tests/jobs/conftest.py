"""Shared by the tests of jobs: a clock for those that depend on the order of events."""

from itertools import count
from types import SimpleNamespace

import pytest


@pytest.fixture
def a_second_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each event is a second later than the one before: a log counts milliseconds, and two jobs may be made or queued within one."""
    seconds = count(1_800_000_000)
    monkeypatch.setattr("trainer.runs.events.time", SimpleNamespace(time=lambda: float(next(seconds))))
