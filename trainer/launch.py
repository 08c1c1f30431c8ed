"""A training in several processes of this machine, one for each GPU, through torchrun: rank 0 owns the run, the page reads it as any other."""

import os
import subprocess
import sys
from pathlib import Path

from trainer.runs.run import Run
from trainer.settings import Settings

_HOME = Path(__file__).resolve().parent.parent


def train_in_processes(run: Run, count: int, settings: Settings) -> bool:
    """Train a waiting run and return once its processes have ended; False where they failed, with their words in the run's error.log.

    They outlive this process, should it be killed: the run is then seen as one from elsewhere.
    """
    command = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        f"--nproc-per-node={count}",
        "-m",
        "trainer",
        "resume",
        run.id,
    ]
    environment = os.environ | {
        "EMOTUNE_RUNS": str(settings.runs_dir),
        "EMOTUNE_SAVE_SECONDS": str(settings.save_seconds),
        "PYTHONPATH": os.pathsep.join(p for p in (str(_HOME), os.environ.get("PYTHONPATH", "")) if p),
    }
    with open(run.traceback, "wb") as output:
        done = subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False)
    if done.returncode == 0:
        run.traceback.unlink(missing_ok=True)
    return done.returncode == 0
