"""Studio: the queue loses no run; starting, resuming, stopping and deleting one run exclude each other, across processes too.

The trainings are fake: each waits until the test releases it.
"""

import errno
import os
import threading
from pathlib import Path

import pytest

from tests.workspace.steps import (
    ME,
    TIMEOUT_SECONDS,
    FakeTrainings,
    events,
    other_studio,
    recipe_with_seed,
    refused,
    start_run,
    wait_for_delay,
    wait_for_end,
    wait_until,
    write_state,
)
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs import execution
from trainer.jobs.queue import JobQueue
from trainer.jobs.train import pipeline
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Cancelled, Failed, Finished, Phase
from trainer.runs.events import EventLog
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.runs.writer_lock import maintenance_lock, writer_lock
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.attempt import TrainingCancelled
from trainer.training.encoders import Encoder

# Runs that cannot start


def test_a_run_locked_by_another_process_is_retried_and_says_why_it_waits(quick: Studio, trainings: FakeTrainings, small_csv: Path) -> None:
    workspace = quick.for_owner(ME)
    idle = other_studio(quick)
    view = start_run(idle, small_csv)
    with writer_lock(idle.for_owner(ME).library.folder(view.id)) as acquired:
        assert acquired
        quick._queue.put(view.id)
        assert "another process is writing this run" in wait_for_delay(quick, view.id)
        token = workspace.change_token()
        changes = quick._queue.changes
        quick._queue.wait(changes, TIMEOUT_SECONDS)  # it is retried, and the page updates
        assert workspace.change_token() != token
        assert workspace.library.view(view.id).status == "queued"
    trainings.release()
    assert wait_for_end(quick, view).status == "finished"
    assert workspace.jobs.delay(view.id) is None


def test_a_run_locked_by_another_process_does_not_block_others(quick: Studio, trainings: FakeTrainings, small_csv: Path) -> None:
    idle = other_studio(quick)
    locked, free = start_run(idle, small_csv), start_run(idle, small_csv, recipe_with_seed(2))
    trainings.release()
    with writer_lock(idle.for_owner(ME).library.folder(locked.id)):
        quick.recover()
        assert wait_for_end(quick, free).status == "finished"
        assert quick.for_owner(ME).library.view(locked.id).status == "queued"
    assert wait_for_end(quick, locked).status == "finished"


def test_a_run_that_another_process_trained_meanwhile_leaves_the_queue(quick: Studio, trainings: FakeTrainings, small_csv: Path) -> None:
    workspace = quick.for_owner(ME)
    idle = other_studio(quick)
    view = start_run(idle, small_csv)
    run = Run(idle.for_owner(ME).library.folder(view.id))
    with writer_lock(run.path):
        quick._queue.put(run.id)
        wait_for_delay(quick, view.id)
        run.log.append(Phase(what="training"))
        wait_until(quick, lambda: not quick._queue.has(view.id))
        run.log.append(Finished(seconds=1.0))
    assert trainings.started == []
    assert workspace.library.view(view.id).status == "finished"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("a bug in us")])
def test_a_run_stays_queued_if_not_even_its_failure_can_be_written(
    quick: Studio, trainings: FakeTrainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    workspace = quick.for_owner(ME)
    append, disk_full = EventLog.append, threading.Event()

    def append_unless_full(self: EventLog, event: Event, **options: bool) -> None:
        if disk_full.is_set() and isinstance(event, Failed):
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, event, **options)

    def run_job_unless_full(*_: object, **__: object) -> bool:
        if disk_full.is_set():
            raise error
        return run_job(*_, **__)

    run_job = pipeline.run_job
    disk_full.set()
    monkeypatch.setattr(EventLog, "append", append_unless_full)
    monkeypatch.setattr(pipeline, "run_job", run_job_unless_full)
    view = start_run(quick, small_csv)
    assert "written" in wait_for_delay(quick, view.id)
    assert workspace.library.view(view.id).status == "queued"
    trainings.release()
    disk_full.clear()
    assert wait_for_end(quick, view).status == "finished"


def test_a_stop_that_cannot_be_written_leaves_the_run_in_the_queue(
    studio: Studio, trainings: FakeTrainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    first, second = start_run(studio, small_csv), start_run(studio, small_csv, recipe_with_seed(2))
    trainings.wait_until_started(first)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(execution, "cancel", full)
        with refused("disk_not_writable"):
            workspace.stop(second.id)
    assert workspace.jobs.position(second.id) == 1
    trainings.release()
    assert wait_for_end(studio, second).status == "finished"


def test_a_stop_while_another_process_holds_a_waiting_run_is_kept(quick: Studio, trainings: FakeTrainings, small_csv: Path) -> None:
    workspace = quick.for_owner(ME)
    idle = other_studio(quick)
    view = start_run(idle, small_csv)
    with writer_lock(idle.for_owner(ME).library.folder(view.id)):
        quick._queue.put(view.id)
        wait_for_delay(quick, view.id)
        stopping = workspace.stop(view.id)
        assert (stopping.status, stopping.stop_requested) == ("queued", True)
        assert quick._queue.has(view.id)
    assert wait_for_end(quick, view).status == "cancelled"
    assert trainings.started == []


def test_the_page_is_served_while_a_stop_waits_for_the_disk(
    studio: Studio, trainings: FakeTrainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    first, second = start_run(studio, small_csv), start_run(studio, small_csv, recipe_with_seed(2))
    trainings.wait_until_started(first)
    reached, release = threading.Event(), threading.Event()
    append = EventLog.append

    def slowly(self: EventLog, event: Event, **options: bool) -> None:
        if isinstance(event, Cancelled):
            reached.set()
            assert release.wait(TIMEOUT_SECONDS)
        append(self, event, **options)

    monkeypatch.setattr(EventLog, "append", slowly)
    stopping = threading.Thread(target=workspace.stop, args=(second.id,))
    stopping.start()
    assert reached.wait(TIMEOUT_SECONDS)
    # The page is served although the disk is not ready.
    assert workspace.change_token()
    assert workspace.jobs.position(first.id) is None
    assert workspace.jobs.delay(second.id) is None
    release.set()
    stopping.join(TIMEOUT_SECONDS)
    assert workspace.library.view(second.id).status == "cancelled"


# Stop


def test_a_stop_pressed_for_one_run_does_not_stop_the_next(studio: Studio, trainings: FakeTrainings, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    first, second = start_run(studio, small_csv), start_run(studio, small_csv, recipe_with_seed(2))
    trainings.wait_until_started(first)
    trainings.release()
    assert wait_for_end(studio, first).status == "finished"
    assert workspace.stop(first.id).status == "finished"
    assert not (workspace.library.folder(first.id) / "stop").exists()
    assert wait_for_end(studio, second).status == "finished"


# Concurrent actions on one run


def test_a_run_that_is_just_being_resumed_is_not_deleted(
    studio: Studio, trainings: FakeTrainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    trainings.release()
    view = wait_for_end(studio, start_run(studio, small_csv))
    write_state(studio, view)
    reached, release, other_process = threading.Event(), threading.Event(), other_studio(studio)

    def slowly(*_: object) -> None:
        reached.set()
        assert release.wait(TIMEOUT_SECONDS)

    monkeypatch.setattr(Run, "check", slowly)
    resuming = threading.Thread(target=workspace.resume, args=(view.id,), kwargs={"more_epochs": 1})
    resuming.start()
    assert reached.wait(TIMEOUT_SECONDS)
    with refused("run_is_busy"):
        other_process.for_owner(ME).delete(view.id)
    release.set()
    resuming.join(TIMEOUT_SECONDS)
    (child,) = [run for run in workspace.library.runs() if run.parent == view.id]
    assert wait_for_end(studio, child).status == "finished"
    assert workspace.library.view(view.id).status == "finished"


def test_a_run_is_unlocked_before_it_is_queued(
    studio: Studio, trainings: FakeTrainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it could not start at once and would be retried later."""
    workspace = studio.for_owner(ME)
    free: list[bool] = []
    put = JobQueue.put

    def put_and_check(self: JobQueue, run_id: str) -> None:
        with maintenance_lock(studio.settings.runs_dir / run_id, patient=False) as lock:
            free.append(lock is not None)
        put(self, run_id)

    monkeypatch.setattr(JobQueue, "put", put_and_check)
    trainings.release()
    view = wait_for_end(studio, start_run(studio, small_csv))
    waiting = start_run(other_studio(studio), small_csv, recipe_with_seed(2))
    write_state(studio, view)
    child = workspace.resume(view.id, more_epochs=1)
    workspace.resume(waiting.id)
    assert [wait_for_end(studio, run).status for run in (child, waiting)] == ["finished", "finished"]
    assert free == [True] * 3


def test_a_run_that_is_just_being_deleted_is_not_resumed(
    studio: Studio, trainings: FakeTrainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    trainings.release()
    view = wait_for_end(studio, start_run(studio, small_csv))
    write_state(studio, view)
    reached, release, other_process = threading.Event(), threading.Event(), other_studio(studio)
    replace = os.replace

    def slowly(source: object, target: object) -> None:
        if ".deleted-" in str(target):
            reached.set()
            assert release.wait(TIMEOUT_SECONDS)
        replace(source, target)

    monkeypatch.setattr(os, "replace", slowly)
    deleting = threading.Thread(target=other_process.for_owner(ME).delete, args=(view.id,))
    deleting.start()
    assert reached.wait(TIMEOUT_SECONDS)
    with refused("run_is_busy"):
        workspace.resume(view.id, more_epochs=1)
    release.set()
    deleting.join(TIMEOUT_SECONDS)
    with refused("unknown_run"):
        workspace.resume(view.id, more_epochs=1)
    assert workspace.library.runs() == []


def test_of_concurrent_resume_and_delete_one_wins(studio: Studio, trainings: FakeTrainings, small_csv: Path) -> None:
    """An accepted resume has its run; a deleted run was not resumed."""
    codes: list[str] = []
    for round_ in range(20):
        idle = other_studio(studio)
        view = start_run(idle, small_csv, recipe_with_seed(round_))
        run = Run(idle.for_owner(ME).library.folder(view.id))
        run.log.append(Failed(message="", code="disk"))
        barrier, resumed, deleted = threading.Barrier(2), [], []

        def resume(view: RunView = view, idle: Studio = idle, barrier: threading.Barrier = barrier, resumed: list = resumed) -> None:
            barrier.wait(TIMEOUT_SECONDS)
            try:
                resumed.append(idle.for_owner(ME).resume(view.id))
            except UserError as error:
                codes.append(error.code)

        def delete(view: RunView = view, barrier: threading.Barrier = barrier, deleted: list = deleted) -> None:
            barrier.wait(TIMEOUT_SECONDS)
            try:
                studio.for_owner(ME).delete(view.id)
                deleted.append(True)
            except UserError as error:
                codes.append(error.code)

        both = [threading.Thread(target=target) for target in (resume, delete)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join(TIMEOUT_SECONDS)
        assert bool(resumed) != bool(deleted)
        assert run.path.is_dir() == bool(resumed)
    assert len(codes) == 20
    assert set(codes) <= {"unknown_run", "run_is_live", "run_is_busy"}


def test_a_run_locked_by_another_process_is_neither_deleted_nor_resumed(studio: Studio, trainings: FakeTrainings, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    trainings.release()
    view = wait_for_end(studio, start_run(studio, small_csv))
    with maintenance_lock(workspace.library.folder(view.id)):
        for refuse in (lambda: workspace.delete(view.id), lambda: workspace.resume(view.id, more_epochs=1)):
            with pytest.raises(UserError, match=r"Another program is writing .*\. Try again in a moment\.") as error:
                refuse()
            assert error.value.code == "run_is_busy"
    assert workspace.library.view(view.id).status == "finished"


def test_a_run_cancelled_just_before_its_turn_is_not_trained(
    settings: Settings,
    tiny_encoder: Encoder,
    trainings: FakeTrainings,
    small_csv: Path,
    monkeypatch: pytest.MonkeyPatch,
    reader: FileReader,
) -> None:
    """Another process cancels the queued run before this one has its lock."""
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    other_process, run_job = other_studio(studio), pipeline.run_job

    def cancel_first(run: Run, *arguments: object, **options: object) -> bool:
        with maintenance_lock(run.path):
            execution.cancel(run)
        return run_job(run, *arguments, **options)

    monkeypatch.setattr(pipeline, "run_job", cancel_first)
    view = start_run(other_process, small_csv)
    studio.recover()
    assert wait_for_end(studio, view).status == "cancelled"
    studio.close()
    assert trainings.started == []
    assert [e.type for e in events(studio, view)] == ["created", "queued", "cancelled"]


def test_a_run_whose_server_ends_before_its_first_step_waits_for_the_next_server(
    studio: Studio, trainings: FakeTrainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = start_run(studio, small_csv)
    trainings.wait_until_started(view)
    trainings.error, ask = TrainingCancelled(), Run.request_stop
    monkeypatch.setattr(Run, "request_stop", lambda run: (ask(run), trainings.release()))
    studio.close()
    run = Run(studio.settings.runs_dir / view.id)
    assert [event.type for event in run.log.read()][-2:] == ["cancelled", "queued"]
    assert not run.is_stop_requested()
    trainings.error = None
    server = Studio(studio.settings, encoders=studio.encoders, reader=studio.reader)
    server.recover()
    assert wait_for_end(server, view).status == "finished"
    server.close()
