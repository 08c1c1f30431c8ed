"""VECTORS_JOB: the job type that reads the training rows of a run once, so that the rows similar to any text are found at once.

It waits for trainings, and trainings for it, as both use all cores or the GPU. What it makes is in the run's folder, and goes with the run.
"""

import hashlib
from collections.abc import Mapping
from typing import Any

from trainer.errors import RunError
from trainer.evaluation.similar_rows import RowVectors, load_vectors, rows_to_compare, save_vectors
from trainer.jobs.job_folder import JobStopped, RunningJob, in_this_thread
from trainer.jobs.job_type import JobType, JobWords, Resumption
from trainer.jobs.queue import Lane
from trainer.jobs.train.pipeline import load_run_rows
from trainer.runs.run import Run
from trainer.runs.run_files import MODEL, VECTORS
from trainer.runs.seal import file_digest
from trainer.training.hardware import detect_hardware


def weights_digest(run: Run) -> str:
    """Changes with the weights of a run's model, and with nothing else. Raises UserError ``run_damaged`` if they have no intact seal."""
    weights = [file for file in run.model_files() if file.suffix == ".safetensors"]
    return hashlib.sha256("".join(f"{file.name} {file_digest(file)} " for file in weights).encode()).hexdigest()


def _work(job: RunningJob) -> Mapping[str, Any]:
    from trainer.training.predictor import Predictor

    run = Run(job.services.runs.root / job.parameters["run"])
    if not run.path.is_dir() or not job.services.runs.view(run).has_model:
        raise RunError("The model whose training rows were to be read is gone. Choose another one.", code="no_model")
    run.check(MODEL)
    corpus, splits = load_run_rows(run)
    rows, model = rows_to_compare(splits.train), weights_digest(run)

    def progress(done: float) -> None:
        if job.is_stop_requested():
            raise JobStopped("It was stopped; no similar rows can be shown yet.")
        job.report(f"reading {len(rows):,} training rows", done)

    if load_vectors(run.path / VECTORS, model=model) is None:
        progress(0.0)
        predictor = Predictor(run.model, device=(job.services.machine.hardware or detect_hardware()).device)
        vectors = predictor.vectors([corpus.texts[row] for row in rows.tolist()], on_progress=progress)
        progress(1.0)
        if not run.path.is_dir():
            raise RunError("The run was deleted meanwhile.", code="no_model")
        save_vectors(run.path / VECTORS, RowVectors(rows, vectors.astype("float16"), model))
    return {"rows": len(rows)}


VECTORS_JOB = JobType(
    name="vectors",
    lane=Lane.TRAINING,
    run=in_this_thread(_work),
    words=JobWords(noun="search for similar rows"),
    resumption=Resumption.AUTOMATIC,
    takes_a_place=False,
)
