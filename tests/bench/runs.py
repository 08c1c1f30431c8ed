"""What a folder of 1,000 runs and a log of 100 MB cost the page: CPU time of our handlers."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from tests.browser.made_runs import make_run
from trainer.runs.checksums import dump, stated_checksum
from trainer.runs.run import Run
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


def measure(runs: int = 1_000, megabytes: int = 100) -> dict[str, float]:
    """Milliseconds of CPU time over so many runs, and with a log that is so large."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(runs_dir=Path(folder))
        make_runs(settings.runs_dir, runs)
        studio = Studio(settings, encoders=[])
        found = {
            "runs_first_look_ms": cpu(lambda: studio.for_owner(LOCAL_OWNER).library.runs()),
            "runs_tick_ms": cpu(lambda: studio.for_owner(LOCAL_OWNER).change_token(), _TIMES),
            "runs_list_ms": cpu(lambda: studio.for_owner(LOCAL_OWNER).library.runs(), _TIMES),
        }
        run = Run(settings.runs_dir / studio.for_owner(LOCAL_OWNER).library.runs()[0].id)
        grow(run, megabytes)
        found["long_log_first_look_ms"] = cpu(lambda: studio.for_owner(LOCAL_OWNER).library.view(run.id))

        def another_point() -> None:
            run.log.append("log", step=10**8, loss=0.5, accuracy=0.5)
            studio.for_owner(LOCAL_OWNER).library.view(run.id)

        return found | {"long_log_point_ms": cpu(another_point, _TIMES)}


def grow(run: Run, megabytes: int) -> None:
    """Let a run go on, with so many points that its log is as large."""
    run.log.append("queued")
    run.log.append("started", total_steps=10**8, epochs=1)
    # A line at a time through the log itself would take minutes.
    last = stated_checksum(run.log.content())
    facts = {"kind": "log", "time": time.time(), "loss": 0.5, "accuracy": 0.5, "learning_rate": 1e-4, "grad_norm": 0.25, "epoch": 0.5}
    with open(run.log.path, "ab") as file:
        step = 0
        while file.tell() < megabytes * 1_000_000:
            step += 1
            line = dump({**facts, "step": step, "elapsed": float(step), "train_seconds": float(step), "previous": last})
            last = stated_checksum(line)
            file.write(line + b"\n")
