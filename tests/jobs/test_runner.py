"""JobRunner: both lanes work at the same time, trainings one after another; nothing is measured meanwhile, and no failure ends a lane."""

import errno
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.jobs.counting import TO, Counting
from tests.jobs.test_job_states import new_studio, start
from tests.workspace.steps import ME, TIMEOUT_SECONDS, FakeTrainings, recipe_with_seed, start_run, wait_for_delay, wait_for_end, wait_until
from trainer.data.reader.file_reader import FileReader
from trainer.jobs import execution
from trainer.jobs.job import Job
from trainer.jobs.job_type import Resumption
from trainer.jobs.queue import Lane
from trainer.jobs.registry import JOB_TYPES
from trainer.jobs.train import pipeline
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Failed
from trainer.runs.events import EventLog
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> FakeTrainings:
    fake_trainings = FakeTrainings()
    monkeypatch.setattr(pipeline, "_train_and_report", fake_trainings.run_job)
    return fake_trainings


@contextmanager
def studio_with(counting: Counting, lane: Lane, settings: Settings, reader: FileReader, encoder: Encoder) -> Iterator[Studio]:
    job_type = counting.job_type(lane, Resumption.AUTOMATIC)
    studio = Studio(settings, encoders=[encoder], reader=reader, job_types=(*JOB_TYPES, job_type))
    studio._queue._first_pause = 0.001
    try:
        yield studio
    finally:
        counting.allow()
        studio.close()


def ended(studio: Studio, job: Job) -> str:
    return studio.for_owner(ME).jobs.wait(job.id, TIMEOUT_SECONDS).status


def test_a_short_job_ends_while_a_training_is_under_way(
    settings: Settings, reader: FileReader, tiny_encoder: Encoder, small_csv: Path, counting: Counting, trainings: FakeTrainings
) -> None:
    counting.allow()
    with studio_with(counting, Lane.SHORT, settings, reader, tiny_encoder) as studio:
        training = start_run(studio, small_csv)
        trainings.wait_until_started(training)
        waiting = start_run(studio, small_csv, recipe_with_seed(2))
        job = start(studio)
        assert ended(studio, job) == "finished"
        jobs = studio.for_owner(ME).jobs
        assert [jobs.get(run.id).status for run in (training, waiting)] == ["running", "queued"]
        assert jobs.position(waiting.id) == 1
        trainings.release()
        assert wait_for_end(studio, waiting).status == "finished"


def test_a_job_of_the_training_lane_waits_for_its_turn(
    settings: Settings, reader: FileReader, tiny_encoder: Encoder, small_csv: Path, counting: Counting, trainings: FakeTrainings
) -> None:
    counting.allow()
    with studio_with(counting, Lane.TRAINING, settings, reader, tiny_encoder) as studio:
        training = start_run(studio, small_csv)
        trainings.wait_until_started(training)
        job = start(studio)
        assert (job.status, studio.for_owner(ME).jobs.position(job.id)) == ("queued", 1)
        trainings.release()
        assert ended(studio, job) == "finished"
        assert studio.for_owner(ME).jobs.get(training.id).status == "finished"


@pytest.mark.parametrize("lane", Lane)
def test_no_speed_is_measured_during_a_job_and_a_job_waits_for_a_measurement(
    settings: Settings, reader: FileReader, tiny_encoder: Encoder, counting: Counting, lane: Lane, monkeypatch: pytest.MonkeyPatch
) -> None:
    with studio_with(counting, lane, settings, reader, tiny_encoder) as studio:
        speeds = studio._machine.speeds
        waits, wait_for = threading.Event(), speeds._changed.wait_for
        monkeypatch.setattr(speeds._changed, "wait_for", lambda condition: waits.set() or wait_for(condition))
        assert speeds.reserve()
        job = start(studio)
        assert waits.wait(TIMEOUT_SECONDS)
        assert (studio._queue.current, counting.starts) == ((job.id,), [])
        speeds.measure_all(None)
        counting.wait_until_started(job.id)
        assert not speeds.reserve()
        counting.allow()
        assert ended(studio, job) == "finished"
        wait_until(studio, lambda: not studio._queue.current)
        assert speeds.reserve()


@pytest.mark.parametrize("error", [OSError(errno.EROFS, "Read-only file system"), RuntimeError("a bug in us")])
@pytest.mark.parametrize("lane", Lane)
def test_a_job_whose_failure_cannot_be_written_waits_and_says_why(
    settings: Settings,
    reader: FileReader,
    tiny_encoder: Encoder,
    counting: Counting,
    lane: Lane,
    error: Exception,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    append, writer_lock, read_only = EventLog.append, execution.writer_lock, threading.Event()
    read_only.set()

    def append_unless_read_only(self: EventLog, event: Event, **options: bool) -> None:
        if read_only.is_set() and isinstance(event, Failed):
            raise OSError(errno.EROFS, "Read-only file system")
        append(self, event, **options)

    @contextmanager
    def lock_unless_read_only(folder: Path) -> Iterator[bool]:
        if read_only.is_set():
            raise error
        with writer_lock(folder) as acquired:
            yield acquired

    monkeypatch.setattr(EventLog, "append", append_unless_read_only)
    monkeypatch.setattr(execution, "writer_lock", lock_unless_read_only)
    counting.allow()
    with studio_with(counting, lane, settings, reader, tiny_encoder) as studio:
        jobs = studio.for_owner(ME).jobs
        job = start(studio)
        reasons = {
            OSError: "its folder cannot be written (Read-only file system)",
            RuntimeError: "it could not start, and this could not be written into its folder",
        }
        assert wait_for_delay(studio, job.id) == reasons[type(error)]
        assert jobs.get(job.id).status == "queued"
        read_only.clear()
        assert ended(studio, job) == "finished"


def test_a_job_that_cannot_begin_fails_and_the_next_one_is_done(
    settings: Settings, reader: FileReader, tiny_encoder: Encoder, counting: Counting, monkeypatch: pytest.MonkeyPatch
) -> None:
    counting.allow()
    with studio_with(counting, Lane.SHORT, settings, reader, tiny_encoder) as studio:
        with monkeypatch.context() as patched:
            patched.setattr(execution, "writer_lock", lambda folder: 1 / 0)
            failed = studio.for_owner(ME).jobs.wait(start(studio).id, TIMEOUT_SECONDS)
        assert failed.status == "failed"
        assert failed.message.startswith("The count could not begin. Start it again.")
        assert ended(studio, start(studio, to=TO - 1)) == "finished"


def test_a_job_whose_folder_is_deleted_while_it_waits_does_not_end_its_lane(
    settings: Settings, reader: FileReader, tiny_encoder: Encoder, counting: Counting
) -> None:
    with studio_with(counting, Lane.SHORT, settings, reader, tiny_encoder) as studio:
        first = start(studio)
        counting.wait_until_started(first.id)
        gone, last = start(studio, to=TO - 1), start(studio, to=TO - 2)
        gone.folder.rename(settings.runs_dir / "elsewhere")
        counting.allow()
        assert [ended(studio, job) for job in (first, last)] == ["finished", "finished"]


@pytest.mark.usefixtures("a_second_each")
def test_a_new_server_keeps_the_order_in_which_they_were_queued(settings: Settings, reader: FileReader, counting: Counting) -> None:
    idle = new_studio(settings, reader, counting.job_type(Lane.SHORT, Resumption.AUTOMATIC))
    idle._queue.put = lambda job_id: None  # type: ignore[method-assign]
    jobs = [start(idle, to=n) for n in (3, 1, 2)]
    idle.for_owner(ME).jobs.stop(jobs[0].id)
    idle.for_owner(ME).jobs.resume(jobs[0].id)
    server, queued = new_studio(settings, reader, counting.job_type(Lane.SHORT, Resumption.AUTOMATIC)), []
    server._queue.put = queued.append  # type: ignore[method-assign]
    server.recover()
    assert queued == [jobs[1].id, jobs[2].id, jobs[0].id]


@pytest.mark.usefixtures("a_second_each")
def test_a_new_server_queues_the_jobs_of_all_owners(settings: Settings, reader: FileReader, counting: Counting) -> None:
    idle = new_studio(settings, reader, counting.job_type(Lane.SHORT, Resumption.AUTOMATIC))
    idle._queue.put = lambda job_id: None  # type: ignore[method-assign]
    jobs = [idle.for_owner(owner).jobs.start("count", name=owner, parameters={"to": 1}).id for owner in ("ada", ME, "zoe")]
    server, queued = new_studio(settings, reader, counting.job_type(Lane.SHORT, Resumption.AUTOMATIC)), []
    server._queue.put = queued.append  # type: ignore[method-assign]
    server.recover()
    assert queued == jobs
