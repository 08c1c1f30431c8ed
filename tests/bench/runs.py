"""CPU time of our page handlers with a folder of 1,000 runs and a log of 100 MB."""

import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest import mock

from tests.browser.example_runs import make_run
from trainer.runs.checksums import dump, stated_checksum
from trainer.runs.event_types import Logged, Queued, Started
from trainer.runs.run import Run
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio

_POINTS = 40
"""Logged points and evaluations of each run, as in a small training."""

_REPEATS = 25


def make_runs(folder: Path, n_runs: int) -> None:
    """Finished runs, written without fsync."""
    with mock.patch.object(os, "fsync"):
        for number in range(n_runs):
            make_run(
                folder, [[8, 2], [1, 9]], ["joy", "anger"], name=f"run {number}", source_name=f"file {number % 50}.csv", points=_POINTS
            )


def cpu_milliseconds(call: Callable[[], object], repeats: int = 1) -> float:
    """CPU time of a call; the median of several."""
    seconds = []
    for _ in range(repeats):
        start = time.process_time()
        call()
        seconds.append(time.process_time() - start)
    return round(1000 * statistics.median(seconds), 2)


def measure(runs: int = 1_000, megabytes: int = 100) -> dict[str, float]:
    """Milliseconds of CPU time with ``runs`` runs, and with a log of ``megabytes``."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(runs_dir=Path(folder))
        make_runs(settings.runs_dir, runs)
        workspace = Studio(settings, encoders=[]).for_owner(LOCAL_OWNER)
        results = {
            "runs_first_look_ms": cpu_milliseconds(workspace.library.runs),
            "runs_tick_ms": cpu_milliseconds(workspace.change_token, _REPEATS),
            "runs_list_ms": cpu_milliseconds(workspace.library.runs, _REPEATS),
        }
        run = Run(settings.runs_dir / workspace.library.runs()[0].id)
        grow_log(run, megabytes)
        results["long_log_first_look_ms"] = cpu_milliseconds(lambda: workspace.library.view(run.id))

        def add_point() -> None:
            run.log.append(Logged(step=10**8, loss=0.5, accuracy=0.5))
            workspace.library.view(run.id)

        return results | {"long_log_point_ms": cpu_milliseconds(add_point, _REPEATS)}


def grow_log(run: Run, megabytes: int) -> None:
    """Restart a finished run and append points until its log has ``megabytes``."""
    run.log.append(Queued())
    run.log.append(Started(total_steps=10**8, epochs=1))
    # Appending through EventLog would take minutes.
    checksum = stated_checksum(run.log.content())
    fields = {"type": "log", "time": time.time(), "loss": 0.5, "accuracy": 0.5, "learning_rate": 1e-4, "grad_norm": 0.25, "epoch": 0.5}
    with open(run.log.path, "ab") as file:
        step = 0
        while file.tell() < megabytes * 1_000_000:
            step += 1
            line = dump({**fields, "step": step, "elapsed": float(step), "train_seconds": float(step), "previous": checksum})
            checksum = stated_checksum(line)
            file.write(line + b"\n")


def show(results: dict[str, float]) -> None:
    print("CPU time of our handlers with 1,000 finished runs in the folder, milliseconds")
    print(f"  the first listing                    {results['runs_first_look_ms']:8.1f}   (target: 500)")
    print(f"  a tick of the page without changes   {results['runs_tick_ms']:8.1f}   (allowed: 2)")
    print(f"  the list after a change              {results['runs_list_ms']:8.1f}")
    print("CPU time of a view of a run with a log of 100 MB, milliseconds")
    print(f"  the first one                        {results['long_log_first_look_ms']:8.1f}")
    print(f"  after one more point                 {results['long_log_point_ms']:8.1f}")
