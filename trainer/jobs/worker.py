"""One of the processes that ``launch`` starts for a training: ``python -m trainer.jobs.worker RUN_FOLDER SAVE_SECONDS``, below torchrun.

Puts nothing into a queue and withdraws no stop: it does what waits, and a stop that was asked for while it was starting ends it.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from trainer.runs.run import Run
from trainer.settings import prepare_environment


def main(arguments: Sequence[str]) -> int:
    """Do this process's share of the run's work; returns 1 where the training failed, which ends the others, else 0."""
    prepare_environment()
    from trainer.jobs import pipeline
    from trainer.training.distributed import ProcessGroup
    from trainer.training.encoder_catalogue import EncoderCatalogue

    folder, save_seconds = arguments
    run, process_group, encoders = Run(Path(folder)), ProcessGroup.from_environment(), EncoderCatalogue()
    # A machine that shuts down tells all processes to end; the training then keeps its best model, and all of them are needed for that.
    for wish in (signal.SIGTERM, signal.SIGINT):
        signal.signal(wish, lambda *_: run.ask_to_stop() if process_group.is_main_process else None)
    if not process_group.is_main_process:
        pipeline.run_worker(encoders)
        return 0
    if not pipeline.run_job(run, encoders, save_seconds=float(save_seconds)):
        # Somebody else has the run's lock: it keeps its place in the queue of whoever started us.
        pipeline.release_workers()
    return 1 if run.folded().status == "failed" else 0


if __name__ == "__main__":
    ended = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # At an ordinary exit, threads of the process group that is being taken apart abort the one or other process, which passes for a failure.
    os._exit(ended)
