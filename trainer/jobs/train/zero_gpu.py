"""Trains on the GPU that a Space with ZeroGPU lends: within one call of ``spaces.GPU``, in a process that the package ``spaces`` forks for it.

Everything else there is done on the CPU. Its documentation is that of Spaces; nothing here is needed elsewhere.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path

from trainer.jobs.execution import time_limit
from trainer.jobs.train import pipeline
from trainer.runs.event_types import Created, Queued
from trainer.runs.run import Run
from trainer.runs.writer_lock import maintenance_lock
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder
from trainer.training.hardware import GPU_CALL, lends_gpu

CALL_SECONDS = 120
"""After which the GPU is taken back and the process is ended."""
TRAINING_SECONDS = 90.0
"""After which a training ends with its best model, which is still to be scored within the call."""
_FASTER = 5.0
"""Times as fast as two CPU cores, at the least."""
_SAVE_SECONDS = 10.0

_log = logging.getLogger("emotune")


def register(environment: Mapping[str, str] = os.environ) -> None:
    """Tell the Space that there is work for its GPU: it ends programs that have none. Does nothing where no GPU is lent."""
    if not lends_gpu(environment):
        return
    import spaces

    spaces.GPU(duration=CALL_SECONDS)(_train_in_call)
    # Otherwise gradio's own server would do it when it starts.
    spaces.zero.startup()


def fits(run: Run) -> bool:
    """Whether a GPU is lent here and is enough for the plan of a run; without a forecast nobody knows."""
    if not lends_gpu():
        return False
    forecast = next((event.forecast_seconds for event in run.log.read() if isinstance(event, Created)), None)
    return forecast is not None and forecast <= _FASTER * TRAINING_SECONDS


def train_on_lent_gpu(run: Run, encoder: Encoder, *, save_seconds: float) -> bool:
    """Train a queued run within one call. False if it has not come to an end there, as no GPU was free or it was taken back: then the run waits
    again, and goes on from its last saved state."""
    import spaces

    try:
        spaces.GPU(duration=CALL_SECONDS)(_train_in_call)(str(run.path), encoder, min(save_seconds, _SAVE_SECONDS))
    except Exception as error:
        # The message of ZeroGPU may name the visitor.
        _log.warning("no GPU was lent, or not to the end: %s", type(error).__name__)
    with maintenance_lock(run.path) as lock:
        status = run.read_view().status
        if lock is not None and status == "running":
            # Its process has ended before it did.
            run.log.append(Queued(), durable=True)
    return status not in ("queued", "running")


def _train_in_call(folder: str, encoder: Encoder, save_seconds: float) -> None:
    """In the process that has the GPU."""
    os.environ[GPU_CALL] = "1"
    # The threads of the tokenizers' own pool have stayed in the other process.
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    run = Run(Path(folder))
    with time_limit(run, TRAINING_SECONDS, "one may have of the GPU that this Space borrows"):
        pipeline.run_job(run, EncoderCatalogue([encoder]), save_seconds=save_seconds)
