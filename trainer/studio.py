"""Studio: one runs folder with its queue of jobs and a workspace for each owner.

Composes only: what a user can do is in ``Workspace``.
"""

import logging
import shutil
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from trainer.atomic import REMOVED_PREFIX
from trainer.call_rate import CallRate
from trainer.data.reader.file_reader import FileReader, TableReader
from trainer.download_places import DownloadPlaces
from trainer.drafts.draft_cache import DraftCache
from trainer.errors import UserError, error_location
from trainer.jobs.job_type import JobServices, JobType
from trainer.jobs.registry import JOB_TYPES
from trainer.jobs.runner import JobRunner
from trainer.jobs.store import JobStore
from trainer.open_pages import OpenPages
from trainer.ready_model import load_ready_model, train_ready_model
from trainer.run_library import ScoreCache
from trainer.runs.disk_space import remove_older
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.services import Services
from trainer.settings import LOCAL_OWNER, SERVER_OWNER, Settings
from trainer.switches import Switches
from trainer.trained_models import ModelCache
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware
from trainer.training.machine import Machine
from trainer.upload_owners import UploadOwners
from trainer.visits import Rounds, Visits
from trainer.workspace import Workspace

_HALF_MADE_SECONDS = 600
_DOWNLOADS_OF_OWNER, _DOWNLOADS_IN_ALL = 3, 20
_log = logging.getLogger("emotune")


@dataclass(frozen=True)
class OwnerStatus:
    """One owner of runs, opened files or jobs. ``last_visit``: Unix time, None if it is not known, as in local mode."""

    owner: str
    runs: int
    last_visit: float | None


@dataclass(frozen=True)
class LiveJob:
    """A job that waits or runs."""

    id: str
    type: str
    owner: str
    name: str
    status: str


@dataclass(frozen=True)
class ServerStatus:
    """Who uses a runs folder, and for what."""

    owners: tuple[OwnerStatus, ...]
    jobs: tuple[LiveJob, ...]
    free_bytes: int
    switches: tuple[str, ...]


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
        # A visitor could fill the disk with encoders of the Hub, which belong to nobody.
        self.encoders = EncoderCatalogue(encoders, others=not settings.mode.anonymous)
        self.uploads = UploadOwners()
        self.visits = Visits(settings.visits_file)
        self.after_deletion: list[Callable[[str], None]] = []
        """Called with an owner whose work was all deleted; the page adds what it keeps elsewhere."""
        self._rounds: Rounds | None = None
        self._runs = RunStore(settings.runs_dir, offered_by=SERVER_OWNER if settings.mode.offers_model else "")
        self._machine = Machine()
        self._model_is_planned = False
        self._job_store = JobStore(self._runs, job_types)
        job_services = JobServices(settings, self._runs, self.encoders, self._machine, self._after_training, self.reader)
        self._runner = JobRunner(self._job_store, job_services)
        self._queue = self._runner.queue
        self._services = Services(
            settings=settings,
            encoders=self.encoders,
            runs=self._runs,
            drafts=DraftCache(settings, self.reader, self.uploads),
            scores=ScoreCache(),
            models=ModelCache(),
            runner=self._runner,
            machine=self._machine,
            jobs=job_services,
            starts=CallRate(3600.0),
            predictions=CallRate(60.0),
            # Two ticks may be lost.
            pages=OpenPages(3 * settings.idle_seconds + 5.0),
            downloads=DownloadPlaces(
                of_owner=_DOWNLOADS_OF_OWNER if settings.mode.separate_visitors else _DOWNLOADS_IN_ALL, in_all=_DOWNLOADS_IN_ALL
            ),
            after_deletion=self.after_deletion,
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
        if self.settings.mode.offers_model:
            self._prepare_model()
        self._rounds = Rounds(self._look_after)

    def status(self) -> ServerStatus:
        """The owners with their numbers of runs, what waits and runs, the free space and the switches that are on, also of a server in another process."""
        runs = Counter(view.owner for view in self._runs.list_all())
        self.settings.ensure_writable()
        return ServerStatus(
            tuple(OwnerStatus(owner, runs[owner], self.visits.known(owner)) for owner in sorted(self._owners())),
            tuple(LiveJob(job.id, job.type, job.owner, job.name, job.status) for job in self._job_store.list_live()),
            shutil.disk_usage(self.settings.runs_dir).free,
            Switches(self.settings.runs_dir).on(),
        )

    def model_is_on_its_way(self) -> bool:
        """Whether the model that is offered to everybody is being trained, or waits for it."""
        return self._model_is_planned or any(view.live for view in self.for_owner(SERVER_OWNER).library.runs())

    def _prepare_model(self) -> None:
        """Load the model that is offered to everybody, or plan its training, for which the machine's speed must be known."""
        # Whatever is wrong with it, visitors are served.
        with self._logging_failures():
            if not load_ready_model(self.for_owner(SERVER_OWNER)):
                self._model_is_planned = True
                self._machine.when_measured(self._train_model)

    def _train_model(self) -> None:
        try:
            with self._logging_failures():
                train_ready_model(self.for_owner(SERVER_OWNER), self.encoders.default.name)
        finally:
            self._model_is_planned = False

    @contextmanager
    def _logging_failures(self) -> Iterator[None]:
        try:
            yield
        except UserError as error:
            _log.warning("No model is offered to new visitors. %s", error.message)
        except Exception as error:
            _log.error("preparing the model for new visitors failed: %s", error_location(error))

    def _look_after(self) -> None:
        # It could not be queued before: the disk was nearly full, or trainings were switched off. One that failed is not tried again and again.
        if self.settings.mode.offers_model and not self._model_is_planned and not self.for_owner(SERVER_OWNER).library.runs():
            self._prepare_model()
        if Switches(self.settings.runs_dir).is_on("stop-all"):
            for job in self._job_store.list_live():
                with suppress(UserError):
                    self.for_owner(job.owner).jobs.stop(job.id)
        if self.settings.mode.separate_visitors and self.settings.keep_seconds:
            self.forget_visitors()

    def forget_visitors(self) -> None:
        """Delete everything of those whose last visit is longer ago than the settings allow; who only looked has nothing."""
        owners = self._owners()
        for owner in sorted(owners - {LOCAL_OWNER, SERVER_OWNER}):
            if time.time() - self.visits.last(owner) > self.settings.keep_seconds and self.for_owner(owner).delete_everything():
                owners.discard(owner)
        self.visits.save(owners, self.settings.keep_seconds)

    def _owners(self) -> set[str]:
        """All who have runs, opened files or other jobs."""
        return {view.owner for view in self._runs.list_all()} | self._services.drafts.store.owners() | self._job_store.owners()

    def close(self) -> None:
        """Stop the jobs under way and end their threads after them; jobs that have not begun, and those that go on, wait for the next server."""
        if self._rounds is not None:
            self._rounds.close()
        if self._own_reader is not None:
            self._own_reader.close()
        self._runner.close()

    def _after_training(self, just_ended: Run) -> None:
        view = self._runs.view(just_ended)
        self.for_owner(view.owner).storage.prune_checkpoints(just_ended.id)
        if view.owner == SERVER_OWNER and view.has_model:
            # Ready for the first visitors too, not only after the next start.
            self._prepare_model()
