"""A training in several processes of this machine, one for each GPU, through torchrun: rank 0 owns the run, the page reads it as any other."""

import os
import subprocess
import sys
from pathlib import Path

from trainer.runs.run import Run

_HOME = Path(__file__).resolve().parent.parent

OUTPUT = "processes.log"
"""In the run's folder: all that the processes say, where they failed. Not error.log, which rank 0 writes meanwhile."""


def train_in_processes(run: Run, count: int, *, save_seconds: float) -> bool:
    """Train a waiting run and return once its processes have ended; False where they failed, with their words in the run's ``OUTPUT``.

    They are a session of their own: Ctrl-C reaches this process alone, and the run's stop file does the rest. They outlive this process, should
    it be killed: the run is then seen as one from elsewhere.
    """
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={count}"]
    command = [*torchrun, "-m", "trainer.jobs.worker", str(run.path), str(save_seconds)]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in (str(_HOME), os.environ.get("PYTHONPATH", "")) if p)}
    with open(run.path / OUTPUT, "wb") as output:
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False, start_new_session=True
        )
    # What rank 0 has noted counts: another process may break off when that one has ended.
    well = done.returncode == 0 or run.folded().status in ("finished", "stopped", "cancelled")
    if well:
        (run.path / OUTPUT).unlink(missing_ok=True)
    return well
