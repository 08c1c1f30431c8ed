"""One of the processes that torchrun starts for a training: ``python -m trainer.jobs.train.torchrun_process RUN_FOLDER SAVE_SECONDS``.

It neither queues a run nor clears a stop request: a stop that was requested while it was starting ends it.
"""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from trainer.errors import traceback_without_texts
from trainer.runs.run import Run
from trainer.settings import prepare_environment


def main(arguments: Sequence[str]) -> int:
    """Do this process's part of the training; returns 1 if it failed, which ends the other processes, otherwise 0."""
    prepare_environment()
    from trainer.jobs.train import pipeline
    from trainer.training.distributed import ProcessGroup
    from trainer.training.encoder_catalogue import EncoderCatalogue

    folder, save_seconds = arguments
    run, process_group, encoders = Run(Path(folder)), ProcessGroup.from_environment(), EncoderCatalogue()
    # At shutdown all processes are told to end; the training then keeps its best model, for which all of them are needed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: run.request_stop() if process_group.is_main_process else None)
    if not process_group.is_main_process:
        pipeline.run_worker(encoders)
        return 0
    if not pipeline.run_job(run, encoders, save_seconds=float(save_seconds)):
        # Another process holds the run's lock: the run keeps its place in the queue of the process that started us.
        pipeline.release_workers()
    return 1 if run.read_view().status == "failed" else 0


if __name__ == "__main__":
    # What it prints is kept in a log.
    sys.excepthook = lambda _type, error, _traceback: print(traceback_without_texts(error), file=sys.stderr)
    status = main(sys.argv[1:])
    sys.stdout.flush()
    sys.stderr.flush()
    # At an ordinary exit the threads of the process group abort one process or another, which would count as a failure.
    os._exit(status)
