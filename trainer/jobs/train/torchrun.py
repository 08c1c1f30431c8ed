"""Trains in several processes of this machine, one for each GPU, through torchrun: rank 0 owns the run, and the page reads it like any other."""

import os
import subprocess
import sys
from pathlib import Path

from trainer.runs.run import Run

_PROJECT = Path(__file__).resolve().parents[3]

OUTPUT = "processes.log"
"""In the run's folder: the output of the processes, kept if they fail. Not error.log, which rank 0 writes meanwhile."""


def train_in_processes(run: Run, processes: int, *, save_seconds: float) -> bool:
    """Train a queued run and return when its processes have ended; False if they failed, with their output in the run's ``OUTPUT``.

    They are in a session of their own: Ctrl-C reaches this process alone, which stops them through the run's stop file. If this process is
    killed they continue, and the run counts as trained by another program.
    """
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    command = [*torchrun, "-m", "trainer.jobs.train.torchrun_process", str(run.path), str(save_seconds)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in (str(_PROJECT), os.environ.get("PYTHONPATH", "")) if p)}
    with open(run.path / OUTPUT, "wb") as output:
        completed = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, start_new_session=True
        )
    # The end that rank 0 has logged counts: another process may fail when rank 0 has ended.
    succeeded = completed.returncode == 0 or run.read_view().status in ("finished", "stopped", "cancelled")
    if succeeded:
        (run.path / OUTPUT).unlink(missing_ok=True)
    return succeeded
