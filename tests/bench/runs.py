"""What a folder of 1,000 runs costs the page: CPU time of our handlers."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from tests.browser.made_runs import make_run
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio

_POINTS = 40
"""Logged points and evaluations of each run, as a small training has."""

_TIMES = 25


def make_runs(folder: Path, count: int) -> None:
    """So many finished runs; nothing of them need outlast a power cut."""
    with mock.patch.object(os, "fsync"):
        for number in range(count):
            make_run(
                folder, [[8, 2], [1, 9]], ["joy", "anger"], name=f"run {number}", source_name=f"file {number % 50}.csv", points=_POINTS
            )


def cpu(call: Callable[[], object], times: int = 1) -> float:
    """Milliseconds of CPU time of a call; the median of several."""
    taken = []
    for _ in range(times):
        begun = time.process_time()
        call()
        taken.append(time.process_time() - begun)
    return round(1000 * statistics.median(taken), 2)


def measure(runs: int = 1_000) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(runs_dir=Path(folder))
        make_runs(settings.runs_dir, runs)
        studio = Studio(settings, encoders=[])
        return {
            "runs_first_look_ms": cpu(lambda: studio.runs(LOCAL_OWNER)),
            "runs_tick_ms": cpu(lambda: studio.token(LOCAL_OWNER), _TIMES),
            "runs_list_ms": cpu(lambda: studio.runs(LOCAL_OWNER), _TIMES),
        }
