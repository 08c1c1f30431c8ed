"""SimilarTexts: the training rows of one owner's runs that are most similar to a text, and the job that makes them findable."""

from dataclasses import dataclass

from trainer.data.corpus import Corpus
from trainer.errors import UserError
from trainer.evaluation.similar_rows import RowVectors, SimilarRow, find_similar, load_vectors
from trainer.jobs.job import Job
from trainer.jobs.owner_jobs import OwnerJobs
from trainer.jobs.train.pipeline import load_run_rows
from trainer.jobs.vectors.vectors_job import VECTORS_JOB, weights_digest
from trainer.runs.run_files import VECTORS
from trainer.runs.seal import file_signature
from trainer.runs.store import RunStore
from trainer.trained_models import ModelCache, TrainedModels

QUICK_ROWS = 5_000
"""So many training rows are read in seconds, so nobody needs to be asked."""


@dataclass(frozen=True)
class SimilarSearch:
    """``rows`` is None as long as the training rows have not been read; ``job`` is the last one that reads, or read, them."""

    rows: tuple[SimilarRow, ...] | None
    train_rows: int
    job: Job | None = None
    problem: str = ""
    """Why there are no rows and no job that will find them."""

    @property
    def pending(self) -> bool:
        """Whether the rows come by themselves."""
        return self.rows is None and self.job is not None and self.job.live


class SimilarTexts:
    """Of one owner. UserError ``no_model`` for runs without a model."""

    def __init__(self, models: TrainedModels, runs: RunStore, cache: ModelCache, jobs: OwnerJobs) -> None:
        self._models = models
        self._runs = runs
        self._cache = cache
        self._jobs = jobs

    def search(self, run_id: str, text: str, *, without: int | None = None) -> SimilarSearch:
        """The training rows similar to a ``text`` as the model reads it; ``without`` its own row, if it is one of the run's corpus.

        Those of a few thousand rows are made findable without being asked.
        """
        run = self._models.run(run_id)
        n_rows = self._runs.view(run).rows.get("train", 0)
        known = self._vectors(run_id)
        if known is not None:
            corpus, vectors = known
            return SimilarSearch(find_similar(corpus, vectors, self._models.vector(run_id, text), without=without), n_rows)
        job = next(iter(self._of_run(run_id)), None)
        # A model that is offered to everybody belongs to the server: visitors start no job that writes beside it.
        if job is None and n_rows <= QUICK_ROWS and not self._models.is_offered(run_id):
            try:
                return SimilarSearch(None, n_rows, self.start(run_id))
            except UserError as error:
                return SimilarSearch(None, n_rows, problem=error.message)
        return SimilarSearch(None, n_rows, job, job.message if job is not None and not job.live else "")

    def start(self, run_id: str) -> Job:
        """Queue the job that reads the training rows of a run, once. UserError ``queue_full``, ``disk_full`` or ``disk_not_writable``."""
        run = self._models.run(run_id, to_read=False)
        # Nothing of the run but its id: the job outlives it.
        return self._jobs.start(VECTORS_JOB.name, name="similar rows", parameters={"run": run.id})

    def stop(self, run_id: str) -> None:
        """Stop the job that reads the training rows of a run, which is to be deleted."""
        for job in self._of_run(run_id):
            if job.live:
                self._jobs.stop(job.id)

    def _of_run(self, run_id: str) -> list[Job]:
        """The jobs that read, or are reading, the training rows of a run, newest first."""
        return [job for job in self._jobs.list() if job.type == VECTORS_JOB.name and job.parameters.get("run") == run_id]

    def _vectors(self, run_id: str) -> tuple[Corpus, RowVectors] | None:
        run = self._models.run(run_id)
        file = run.path / VECTORS
        if not file.exists():
            return None

        def load() -> tuple[Corpus, RowVectors] | None:
            vectors = load_vectors(file, model=weights_digest(run))
            return None if vectors is None else (load_run_rows(run)[0], vectors)

        return self._cache.vectors.get((run.id, *file_signature(file), *file_signature(run.rows)), load)
