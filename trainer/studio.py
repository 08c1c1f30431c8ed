"""Studio: one runs folder with its queue of jobs and a workspace for each owner.

Composes only: what a user can do is in ``Workspace``.
"""

import shutil
import time
from collections.abc import Iterable
from contextlib import suppress

from trainer.atomic import REMOVED_PREFIX
from trainer.cache import SingleFlightCache
from trainer.data.reader.file_reader import FileReader, TableReader
from trainer.drafts.draft_cache import DraftCache
from trainer.jobs.job_type import JobServices, JobType
from trainer.jobs.registry import JOB_TYPES
from trainer.jobs.runner import JobRunner
from trainer.jobs.store import JobStore
from trainer.run_library import ScoreCache
from trainer.runs.disk_space import remove_older
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.settings import LOCAL_OWNER, Settings
from trainer.trained_models import PREDICTORS_KEPT
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware
from trainer.training.machine import Machine
from trainer.workspace import Services, Workspace

_HALF_MADE_SECONDS = 600


class Studio:
    """Two studios may share a folder, also in two processes: each run has one writer."""

    def __init__(
        self,
        settings: Settings,
        *,
        encoders: Iterable[Encoder] | None = None,
        reader: TableReader | None = None,
        job_types: Iterable[JobType] = JOB_TYPES,
    ) -> None:
        """``reader`` reads files; without one, the studio makes its own, which ends with ``close``."""
        self._own_reader = FileReader() if reader is None else None
        self._created = time.time()
        self.settings = settings
        self.reader = self._own_reader if reader is None else reader
        self.encoders = EncoderCatalogue(encoders)
        self._runs = RunStore(settings.runs_dir)
        self._machine = Machine()
        self._job_store = JobStore(self._runs, job_types)
        job_services = JobServices(settings, self._runs, self.encoders, self._machine, self._prune, self.reader)
        self._runner = JobRunner(self._job_store, job_services)
        self._queue = self._runner.queue
        self._services = Services(
            settings=settings,
            encoders=self.encoders,
            runs=self._runs,
            drafts=DraftCache(settings, self.reader),
            scores=ScoreCache(),
            predictors=SingleFlightCache(PREDICTORS_KEPT),
            runner=self._runner,
            machine=self._machine,
            jobs=job_services,
        )

    @property
    def hardware(self) -> Hardware | None:
        """The hardware that trains; None until ``warm_up`` has looked."""
        return self._machine.hardware

    def for_owner(self, owner: str) -> Workspace:
        """Everything that ``owner`` can do; runs and drafts of others do not exist in it."""
        return Workspace(self._services, owner)

    def warm_up(self) -> None:
        """Load what takes seconds (torch, transformers, a process that reads files) in the background: the page opens first, and Start is quick.

        The machine's speed is measured then, and trainings wait for that: call it before ``recover``.
        """
        if self._own_reader is not None:
            self._own_reader.start()
        self._machine.warm_up()

    def recover(self) -> None:
        """At a server's start: queue the jobs of all owners that were waiting, first in, first out, and those that go on after a restart; delete
        folders half made or half removed, and copies of uploads that a previous server left."""
        workspace = self.for_owner(LOCAL_OWNER)
        for folder in self.settings.runs_dir.glob(f"{REMOVED_PREFIX}*"):
            workspace.storage.delete_trash(folder)
        created_before = time.time() - _HALF_MADE_SECONDS
        for folder in self.settings.runs_dir.glob(".new-*"):
            # Another process may still be filling a young one.
            with suppress(OSError):
                if folder.stat().st_mtime < created_before:
                    shutil.rmtree(folder, ignore_errors=True)
        self._services.drafts.store.clean_up(created_before)
        # No page of this server has made one of these.
        remove_older(self.settings.uploads_dir, self._created)
        self._job_store.clean_up(created_before)
        self._runner.recover()

    def close(self) -> None:
        """Stop the jobs under way and end their threads after them; jobs that have not begun, and those that go on, wait for the next server."""
        if self._own_reader is not None:
            self._own_reader.close()
        self._runner.close()

    def _prune(self, just_ended: Run) -> None:
        self.for_owner(self._runs.view(just_ended).owner).storage.prune_checkpoints(just_ended.id)
