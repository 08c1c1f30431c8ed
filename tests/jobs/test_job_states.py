"""The states of a job that is no training, and their transitions, in one table; each with a real folder, log and queue, in both lanes.

The job is a toy (counting.py). The states of trainings are in tests/workspace/test_run_states.py.
"""

import errno
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import get_args

import pytest

from tests.jobs.counting import TO, Counting
from tests.workspace.steps import ME, OTHER, TIMEOUT_SECONDS, refused, wait_for_delay, wait_until
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs.job import Job, Progress
from trainer.jobs.job_folder import JobFolder
from trainer.jobs.job_type import JobType, Resumption
from trainer.jobs.owner_jobs import OwnerJobs
from trainer.jobs.queue import Lane
from trainer.jobs.registry import JOB_TYPES
from trainer.runs.event_types import Finished, Queued, Started
from trainer.runs.view import Status
from trainer.runs.writer_lock import writer_lock
from trainer.settings import Settings
from trainer.studio import Studio

AUTOMATIC, ON_REQUEST, NEVER = Resumption


class Killed(BaseException):
    """A server killed during a job: nothing more is written."""


@dataclass
class Scene:
    """One job that waits, as left by a server that ended before its turn; its server, and another one on the same folder."""

    studio: Studio
    other: Studio
    counting: Counting
    job_type: JobType
    folder: JobFolder = field(init=False)

    def __post_init__(self) -> None:
        self.folder = JobFolder(start(self.other).folder)

    @property
    def jobs(self) -> OwnerJobs:
        return self.studio.for_owner(ME).jobs

    @property
    def job(self) -> Job:
        return self.other.for_owner(ME).jobs.get(self.folder.id)

    def put(self) -> None:
        self.studio._queue.put(self.folder.id)

    def wait_until_over(self) -> None:
        wait_until(self.studio, lambda: not self.studio._queue.has(self.folder.id))

    def ends_with(self, error: BaseException) -> None:
        self.counting.error = error
        self.counting.allow(0)
        self.wait_until_over()
        if isinstance(error, Killed):
            # The thread of the lane has died with it.
            self.studio._queue.join()
        self.counting.error = None

    def new_server(self) -> Studio:
        return new_studio(self.studio.settings, self.studio.reader, self.job_type)


def start(studio: Studio, name: str = "my count", to: int = TO, owner: str = ME) -> Job:
    return studio.for_owner(owner).jobs.start("count", name=name, parameters={"to": to})


def new_studio(settings: Settings, reader: FileReader, job_type: JobType) -> Studio:
    studio = Studio(settings, encoders=[], reader=reader, job_types=(*JOB_TYPES, job_type))
    studio._queue._first_pause = 0.001
    return studio


# How a job reaches each state


def queued(scene: Scene) -> None:
    assert scene.job.queued >= scene.job.created > 0


def queued_here(scene: Scene) -> None:
    """Behind another job in the lane of this server."""
    scene.counting.wait_until_started(start(scene.studio, to=TO + 1).id)
    scene.put()
    assert scene.jobs.position(scene.folder.id) == 1


def running(scene: Scene) -> None:
    """The first number is counted."""
    scene.put()
    scene.counting.wait_until_started(scene.folder.id)
    scene.counting.allow(1)
    wait_until(scene.studio, lambda: scene.job.progress == Progress("counting", 1 / TO))


def interrupted(scene: Scene) -> None:
    running(scene)
    scene.ends_with(Killed())


def interrupted_without_progress(scene: Scene) -> None:
    """Twice in a row: the job may be what ends the server."""
    for _ in range(2):
        scene.folder.log.append(Queued())
        scene.put()
        scene.counting.wait_until_started(scene.folder.id)
        scene.ends_with(Killed())


def interrupted_while_stopping(scene: Scene) -> None:
    running(scene)
    scene.jobs.stop(scene.folder.id)
    scene.ends_with(Killed())


def finished(scene: Scene) -> None:
    scene.counting.allow()
    scene.put()
    scene.wait_until_over()


def stopped(scene: Scene) -> None:
    running(scene)
    stop_and_end(scene)


def failed(scene: Scene) -> None:
    running(scene)
    fail(scene)


def cancelled(scene: Scene) -> None:
    scene.jobs.stop(scene.folder.id)


def damaged(scene: Scene) -> None:
    scene.folder.log.path.write_bytes(b"nothing that anybody could read\n")


# Events


def look(scene: Scene) -> None:
    assert [job.id for job in scene.jobs.list()] == [scene.folder.id]


def look_while_running(scene: Scene) -> None:
    assert scene.jobs.get(scene.folder.id).progress == Progress("counting", 1 / TO)
    with refused("no_result"):
        scene.jobs.result(scene.folder.id)


def start_again(scene: Scene) -> None:
    """Pressed twice, there is one job."""
    assert start(scene.studio).id == scene.folder.id


def look_at_result(scene: Scene) -> None:
    assert scene.jobs.result(scene.folder.id) == {"counted": TO}


def look_at_stop(scene: Scene) -> None:
    assert scene.job.message == f"1 of {TO} counted."


def stop(scene: Scene) -> None:
    scene.jobs.stop(scene.folder.id)


def stop_elsewhere(scene: Scene) -> None:
    scene.other.for_owner(ME).jobs.stop(scene.folder.id)


def stop_request(scene: Scene) -> None:
    assert scene.jobs.stop(scene.folder.id).stop_requested


def stop_and_end(scene: Scene) -> None:
    scene.jobs.stop(scene.folder.id)
    scene.counting.allow()
    scene.wait_until_over()


def end(scene: Scene) -> None:
    scene.counting.allow()
    scene.wait_until_over()
    look_at_result(scene)


def fail(scene: Scene) -> None:
    scene.ends_with(UserError("It cannot be counted. Count something else.", code="uncountable"))
    assert (scene.job.message, scene.job.code) == ("It cannot be counted. Count something else.", "uncountable")


def fail_by_a_bug(scene: Scene) -> None:
    scene.ends_with(ZeroDivisionError("a bug"))
    assert scene.job.message.startswith(
        "The count failed unexpectedly. Start it again. If it fails again, the file error.log in the job's folder"
    )
    assert "ZeroDivisionError" in scene.folder.traceback.read_text()
    assert "a bug" not in scene.job.message + scene.folder.traceback.read_text()


def fail_by_a_panic(scene: Scene) -> None:
    """Of a library in Rust, whose exception is no Exception: the thread of the lane goes on."""
    scene.ends_with(type("PanicException", (BaseException,), {"__module__": "pyo3_runtime"})("a bug"))
    assert scene.job.message.startswith("The count failed unexpectedly.")


def fail_on_a_full_disk(scene: Scene) -> None:
    scene.ends_with(OSError(errno.ENOSPC, "No space left on device"))
    assert scene.job.message == "The disk is full, so the count could not be saved. Free some space and start it again."


def kill(scene: Scene) -> None:
    scene.ends_with(Killed())


def locked_elsewhere(scene: Scene) -> None:
    with writer_lock(scene.folder.path):
        scene.put()
        assert wait_for_delay(scene.studio, scene.folder.id) == "another process is writing this job"
        assert scene.job.status == "queued"
    end(scene)
    assert scene.jobs.delay(scene.folder.id) is None


def stop_while_locked_elsewhere(scene: Scene) -> None:
    """The stop is kept until its turn."""
    with writer_lock(scene.folder.path):
        scene.put()
        wait_for_delay(scene.studio, scene.folder.id)
        assert scene.jobs.stop(scene.folder.id).status == "queued"
    scene.wait_until_over()
    assert scene.counting.starts == []


def taken_elsewhere(scene: Scene) -> None:
    """Another process has started it when its turn comes here."""
    with writer_lock(scene.folder.path):
        scene.folder.log.append(Started())
        scene.put()
        scene.wait_until_over()
        assert scene.job.status == "running"
        scene.folder.log.append(Finished(result={}))
    assert scene.counting.starts == []


def unplug_the_disk(scene: Scene) -> None:
    """Of a job that waits: it keeps its place until the disk is back."""
    runs, aside = scene.studio.settings.runs_dir, scene.studio.settings.runs_dir.with_name("unplugged")
    runs.rename(aside)
    scene.put()
    # Without the folder nothing says whose a job is, so only the queue itself can tell.
    assert wait_for_delay(scene.studio, scene.folder.id, scene.studio._queue.delay) == "the folder of all runs is not there"
    aside.rename(runs)
    end(scene)


def close(scene: Scene, go_on: Callable[[], object] = lambda: None) -> None:
    """The server shuts down: what is under way is stopped; then it may ``go_on``."""
    closing = threading.Thread(target=scene.studio.close)
    request_stop, requested = JobFolder.request_stop, threading.Event()

    def request_and_tell(folder: JobFolder) -> None:
        request_stop(folder)
        requested.set()

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(JobFolder, "request_stop", request_and_tell)
        closing.start()
        requested.wait()
        scene.counting.allow()
        go_on()
        closing.join()


def close_before_it_begins(scene: Scene) -> None:
    """Its turn has come, but the speed of the machine is being measured."""
    speeds = scene.studio._machine.speeds
    assert speeds.reserve()
    scene.put()
    wait_until(scene.studio, lambda: scene.studio._queue.current == (scene.folder.id,))
    close(scene, lambda: speeds.measure_all(None))
    assert scene.counting.starts == []
    assert not scene.folder.is_stop_requested()


def stop_and_close(scene: Scene) -> None:
    """What a user has stopped does not go on."""
    scene.jobs.stop(scene.folder.id)
    close(scene)


def restart(scene: Scene) -> None:
    """A new server leaves the job alone."""
    server = scene.new_server()
    server.recover()
    assert not server._queue.has(scene.folder.id)


def restart_and_end(scene: Scene) -> None:
    """A new server does the job, from where it was."""
    before = [number for job, number in scene.counting.starts if job == scene.folder.id]
    scene.counting.allow()
    server = scene.new_server()
    server.recover()
    assert server.for_owner(ME).jobs.wait(scene.folder.id, TIMEOUT_SECONDS).status == "finished"
    server.close()
    assert scene.counting.starts[-1] == (scene.folder.id, 1 if before else 0)
    look_at_result(scene)


def restart_and_say_why_not(sentence: str) -> Callable[[Scene], None]:
    def event(scene: Scene) -> None:
        restart(scene)
        assert scene.job.message == sentence

    return event


def resume(scene: Scene) -> None:
    assert scene.other.for_owner(ME).jobs.resume(scene.folder.id).status == "queued"


def resume_while_running(scene: Scene) -> None:
    assert scene.jobs.resume(scene.folder.id).status == "running"


def resume_and_end(scene: Scene) -> None:
    """It goes on from the number that it had counted."""
    scene.counting.allow()
    scene.jobs.resume(scene.folder.id)
    scene.wait_until_over()
    assert scene.counting.starts[-1] == (scene.folder.id, 1)
    look_at_result(scene)


def resume_in_vain(code: str) -> Callable[[Scene], None]:
    def event(scene: Scene) -> None:
        with refused(code):
            scene.other.for_owner(ME).jobs.resume(scene.folder.id)

    return event


def downgrade(scene: Scene) -> None:
    """A version without this type of job lists it and says so."""
    old = Studio(scene.studio.settings, encoders=[], reader=scene.studio.reader)
    old.recover()
    (job,) = old.for_owner(ME).jobs.list()
    assert (job.status, job.message) == ("damaged", "This version does not know jobs of the type count. Use the version that made it.")
    with refused("job_damaged"):
        old.for_owner(ME).jobs.resume(job.id)


Event = Callable[[Scene], None]

CANNOT = "A count cannot go on in the middle. Start it again."
STUCK = "It was interrupted 2 times without getting any further, so it does not go on by itself. Resume it to let it go on."
STOPPING = "It was to be stopped when it was interrupted, so it does not go on by itself. Resume it to let it go on."

TRANSITIONS: list[tuple[tuple[Resumption, ...], Event, Event, str]] = [
    # Waiting
    ((AUTOMATIC,), queued, look, "queued"),
    ((AUTOMATIC,), queued, start_again, "queued"),
    ((AUTOMATIC, NEVER), queued, restart_and_end, "finished"),
    ((AUTOMATIC,), queued, stop, "cancelled"),
    ((AUTOMATIC,), queued, stop_elsewhere, "cancelled"),
    ((AUTOMATIC,), queued, stop_while_locked_elsewhere, "cancelled"),
    ((AUTOMATIC,), queued, resume, "queued"),
    ((AUTOMATIC,), queued, locked_elsewhere, "finished"),
    ((AUTOMATIC,), queued, taken_elsewhere, "finished"),
    ((AUTOMATIC,), queued, unplug_the_disk, "finished"),
    ((AUTOMATIC,), queued, downgrade, "queued"),
    ((AUTOMATIC, NEVER), queued, close_before_it_begins, "queued"),
    ((AUTOMATIC,), queued_here, end, "finished"),
    ((AUTOMATIC,), queued_here, stop, "cancelled"),
    ((AUTOMATIC, NEVER), queued_here, close, "queued"),
    # Under way
    ((AUTOMATIC,), running, look_while_running, "running"),
    ((AUTOMATIC,), running, start_again, "running"),
    ((AUTOMATIC,), running, end, "finished"),
    ((AUTOMATIC,), running, stop_request, "running"),
    ((AUTOMATIC, NEVER), running, stop_and_end, "stopped"),
    ((AUTOMATIC,), running, fail, "failed"),
    ((AUTOMATIC,), running, fail_by_a_bug, "failed"),
    ((AUTOMATIC,), running, fail_by_a_panic, "failed"),
    ((AUTOMATIC,), running, fail_on_a_full_disk, "failed"),
    ((AUTOMATIC, NEVER), running, kill, "interrupted"),
    ((AUTOMATIC,), running, close, "queued"),
    ((ON_REQUEST, NEVER), running, close, "stopped"),
    ((AUTOMATIC,), running, stop_and_close, "stopped"),
    ((AUTOMATIC,), running, restart, "running"),
    ((AUTOMATIC,), running, resume_while_running, "running"),
    # Interrupted
    ((AUTOMATIC,), interrupted, restart_and_end, "finished"),
    ((ON_REQUEST, NEVER), interrupted, restart_and_say_why_not(CANNOT), "interrupted"),
    ((AUTOMATIC,), interrupted_without_progress, restart_and_say_why_not(STUCK), "interrupted"),
    ((AUTOMATIC,), interrupted_while_stopping, restart_and_say_why_not(STOPPING), "interrupted"),
    ((AUTOMATIC, ON_REQUEST), interrupted, resume_and_end, "finished"),
    ((AUTOMATIC,), interrupted_while_stopping, resume_and_end, "finished"),
    ((NEVER,), interrupted, resume_in_vain("cannot_resume"), "interrupted"),
    ((AUTOMATIC,), interrupted, stop, "interrupted"),
    # Ended
    ((AUTOMATIC,), finished, look_at_result, "finished"),
    ((AUTOMATIC,), stopped, look_at_stop, "stopped"),
    *(((AUTOMATIC,), state, restart, state.__name__) for state in (finished, stopped, failed, cancelled)),
    *(((AUTOMATIC,), state, stop, state.__name__) for state in (finished, stopped, failed, cancelled)),
    ((AUTOMATIC,), finished, resume_in_vain("already_finished"), "finished"),
    *(((AUTOMATIC, ON_REQUEST), state, resume_and_end, "finished") for state in (stopped, failed)),
    ((AUTOMATIC,), cancelled, resume, "queued"),
    *(((NEVER,), state, resume_in_vain("cannot_resume"), state.__name__) for state in (stopped, failed)),
    # Damaged
    ((AUTOMATIC,), damaged, restart, "damaged"),
    ((AUTOMATIC,), damaged, stop, "damaged"),
    ((AUTOMATIC,), damaged, resume_in_vain("job_damaged"), "damaged"),
]
"""Whether such jobs go on by themselves, state before, event, state after."""

CASES = [(lane, resumption, *rest) for resumptions, *rest in TRANSITIONS for resumption in resumptions for lane in Lane]


@pytest.fixture
def counting() -> Counting:
    return Counting()


@pytest.fixture
def make_scene(settings: Settings, reader: FileReader, counting: Counting) -> Iterator[Callable[[Lane, Resumption], Scene]]:
    scenes: list[Scene] = []

    def make(lane: Lane, resumption: Resumption) -> Scene:
        job_type = counting.job_type(lane, resumption)
        other = new_studio(settings, reader, job_type)
        other._queue.put = lambda job_id: None  # type: ignore[method-assign]
        scenes.append(Scene(new_studio(settings, reader, job_type), other, counting, job_type))
        return scenes[0]

    yield make
    counting.allow(TO + 1)
    for scene in scenes:
        scene.studio.close()


def name(part: object) -> str:
    return str(getattr(part, "__name__", part)).lower()


@pytest.mark.parametrize(("lane", "resumption", "reach_state", "event", "expected_status"), CASES, ids=name)
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_each_transition(
    make_scene: Callable[[Lane, Resumption], Scene],
    lane: Lane,
    resumption: Resumption,
    reach_state: Event,
    event: Event,
    expected_status: str,
) -> None:
    scene = make_scene(lane, resumption)
    reach_state(scene)
    event(scene)
    assert scene.job.status == expected_status
    # A new server on the folder sees the same state.
    assert scene.new_server().for_owner(ME).jobs.get(scene.folder.id).status == expected_status


def test_the_table_covers_each_state() -> None:
    assert {after for *_, after in TRANSITIONS} == set(get_args(Status))
    assert {name(state) for _, state, *_ in TRANSITIONS} >= set(get_args(Status))


def test_nobody_sees_or_changes_a_job_of_somebody_else(make_scene: Callable[[Lane, Resumption], Scene]) -> None:
    scene = make_scene(Lane.SHORT, AUTOMATIC)
    theirs = scene.studio.for_owner(OTHER).jobs
    for job_id in (scene.folder.id, "5eed" * 8, "../x", "", None, 7, "jobs"):
        for call in (theirs.get, theirs.stop, theirs.resume, theirs.result, lambda job_id: theirs.wait(job_id, 0.0)):
            with refused("unknown_job"):
                call(job_id)
        assert (theirs.position(job_id), theirs.delay(job_id)) == (None, None)
    assert theirs.list() == []
    assert start(scene.other, owner=OTHER).id != scene.folder.id
    assert scene.job.status == "queued"
