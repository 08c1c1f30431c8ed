"""Studio: the queue forgets nothing, and starting, resuming, stopping and deleting one run exclude each other, from whatever process.

What is trained here is told by the tests: the work of a run waits until it is let go.
"""

import errno
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.test_studio import ME, QUICK, TIMEOUT_SECONDS, begin, events, over, refused
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs import pipeline
from trainer.jobs.queue import JobQueue
from trainer.jobs.runner import TrainingRunner
from trainer.recipe import Recipe
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.events import EventLog
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.runs.writer_lock import maintenance_lock, writer_lock
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.attempt import TrainingCancelled
from trainer.training.encoders import Encoder


class Trainings:
    """Trainings of no model: each begins, waits until it is let go, and ends; ``stopped`` where that was asked for meanwhile."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.error: BaseException | None = None
        """What a training ends with instead, once it is let go."""
        self._moved = threading.Condition()
        self._free = False

    def work(self, run: Run, *_: object) -> None:
        run.log.append("phase", what="training")
        with self._moved:
            self.begun.append(run.id)
            self._moved.notify_all()
            assert self._moved.wait_for(lambda: self._free, timeout=TIMEOUT_SECONDS)
        if self.error is not None:
            raise self.error
        run.log.append("stopped" if run.stop_requested() else "finished", seconds=1.0)

    def reached(self, view: RunView) -> None:
        with self._moved:
            assert self._moved.wait_for(lambda: view.id in self.begun, timeout=TIMEOUT_SECONDS), "the training never began"

    def go(self) -> None:
        with self._moved:
            self._free = True
            self._moved.notify_all()


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Iterator[Trainings]:
    """Held from the start; let go at the latest when the test ends, before the studio closes."""
    made = Trainings()
    monkeypatch.setattr(pipeline, "_train_and_report", made.work)
    yield made
    made.go()


@pytest.fixture
def quick(studio: Studio, trainings: Trainings) -> Studio:
    """A studio whose queue tries again at once."""
    studio._queue._first_pause = 0.001
    return studio


def other_studio(studio: Studio) -> Studio:
    """As of another process on the same folder; it trains nothing by itself."""
    other = Studio(studio.settings, encoders=studio.encoders, reader=studio.reader)
    other._queue.put = lambda run_id: None  # type: ignore[method-assign]
    return other


def until(studio: Studio, condition: Callable[[], bool]) -> None:
    while not condition():
        seen = studio._queue.changes
        if not condition():
            studio._queue.wait(seen, TIMEOUT_SECONDS)


def another(seed: int) -> Recipe:
    return Recipe(**{**QUICK.to_dict(), "seed": seed})


# What cannot begin


def test_a_run_that_another_process_holds_is_tried_again_and_says_why_it_waits(
    quick: Studio, trainings: Trainings, small_csv: Path
) -> None:
    workspace = quick.for_owner(ME)
    idle = other_studio(quick)
    view = begin(idle, small_csv)
    with writer_lock(idle.for_owner(ME).library.folder(view.id)) as mine:
        assert mine
        quick._queue.put(view.id)
        until(quick, lambda: workspace.delay(view.id) is not None)
        assert "another process is writing this run" in workspace.delay(view.id).reason
        before = workspace.change_token()
        seen = quick._queue.changes
        quick._queue.wait(seen, TIMEOUT_SECONDS)  # it is tried again, and the page redraws
        assert workspace.change_token() != before
        assert workspace.library.view(view.id).status == "queued"
    trainings.go()
    assert over(quick, view).status == "finished"
    assert workspace.delay(view.id) is None


def test_a_run_that_another_process_holds_keeps_no_other_from_being_trained(quick: Studio, trainings: Trainings, small_csv: Path) -> None:
    idle = other_studio(quick)
    held, free = begin(idle, small_csv), begin(idle, small_csv, another(2))
    trainings.go()
    with writer_lock(idle.for_owner(ME).library.folder(held.id)):
        quick.recover()
        assert over(quick, free).status == "finished"
        assert quick.for_owner(ME).library.view(held.id).status == "queued"
    assert over(quick, held).status == "finished"


def test_a_run_that_another_process_trained_meanwhile_leaves_the_queue(quick: Studio, trainings: Trainings, small_csv: Path) -> None:
    workspace = quick.for_owner(ME)
    idle = other_studio(quick)
    view = begin(idle, small_csv)
    run = Run(idle.for_owner(ME).library.folder(view.id))
    with writer_lock(run.path):
        quick._queue.put(run.id)
        until(quick, lambda: workspace.delay(view.id) is not None)
        run.log.append("phase", what="training")
        until(quick, lambda: not quick._queue.has(view.id))
        run.log.append("finished", seconds=1.0)
    assert trainings.begun == []
    assert workspace.library.view(view.id).status == "finished"


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("a bug in us")])
def test_where_not_even_a_failure_can_be_written_a_run_keeps_its_place(
    quick: Studio, trainings: Trainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    workspace = quick.for_owner(ME)
    append, full = EventLog.append, threading.Event()

    def refusing(self: EventLog, kind: str, **fields: object) -> None:
        if full.is_set() and kind == "failed":
            raise OSError(errno.ENOSPC, "No space left on device")
        append(self, kind, **fields)

    def cannot(*_: object, **__: object) -> bool:
        if full.is_set():
            raise error
        return run_job(*_, **__)

    run_job = pipeline.run_job
    full.set()
    monkeypatch.setattr(EventLog, "append", refusing)
    monkeypatch.setattr(pipeline, "run_job", cannot)
    view = begin(quick, small_csv)
    until(quick, lambda: workspace.delay(view.id) is not None)
    assert "written" in workspace.delay(view.id).reason
    assert workspace.library.view(view.id).status == "queued"
    trainings.go()
    full.clear()
    assert over(quick, view).status == "finished"


def test_a_stop_that_cannot_be_written_leaves_the_run_in_the_queue(
    studio: Studio, trainings: Trainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    first, second = begin(studio, small_csv), begin(studio, small_csv, another(2))
    trainings.reached(first)

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(pipeline, "cancel", full)
        with refused("disk_not_writable"):
            workspace.stop(second.id)
    assert workspace.queue_position(second.id) == 1
    trainings.go()
    assert over(studio, second).status == "finished"


def test_a_stop_while_another_process_holds_a_waiting_run_is_kept(quick: Studio, trainings: Trainings, small_csv: Path) -> None:
    workspace = quick.for_owner(ME)
    idle = other_studio(quick)
    view = begin(idle, small_csv)
    with writer_lock(idle.for_owner(ME).library.folder(view.id)):
        quick._queue.put(view.id)
        until(quick, lambda: workspace.delay(view.id) is not None)
        stopping = workspace.stop(view.id)
        assert (stopping.status, stopping.stop_requested) == ("queued", True)
        assert quick._queue.has(view.id)
    assert over(quick, view).status == "cancelled"
    assert trainings.begun == []


def test_the_page_is_answered_while_a_stop_or_a_new_server_s_look_waits_for_the_disk(
    studio: Studio, trainings: Trainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    first, second = begin(studio, small_csv), begin(studio, small_csv, another(2))
    trainings.reached(first)
    there, go = threading.Event(), threading.Event()
    append = EventLog.append

    def slowly(self: EventLog, kind: str, **fields: object) -> None:
        if kind == "cancelled":
            there.set()
            assert go.wait(TIMEOUT_SECONDS)
        append(self, kind, **fields)

    monkeypatch.setattr(EventLog, "append", slowly)
    stopping = threading.Thread(target=workspace.stop, args=(second.id,))
    stopping.start()
    assert there.wait(TIMEOUT_SECONDS)
    # The disk has not answered, and the page is answered all the same.
    assert workspace.change_token()
    assert workspace.queue_position(first.id) is None
    assert workspace.delay(second.id) is None
    go.set()
    stopping.join(TIMEOUT_SECONDS)
    assert workspace.library.view(second.id).status == "cancelled"


# Whose Stop it is


def test_a_stop_pressed_for_one_run_does_not_stop_the_next(studio: Studio, trainings: Trainings, small_csv: Path) -> None:
    workspace = studio.for_owner(ME)
    first, second = begin(studio, small_csv), begin(studio, small_csv, another(2))
    trainings.reached(first)
    trainings.go()
    assert over(studio, first).status == "finished"
    assert workspace.stop(first.id).status == "finished"
    assert not (workspace.library.folder(first.id) / "stop").exists()
    assert over(studio, second).status == "finished"


# Two things at once with one run


def leave_state(studio: Studio, view: RunView) -> None:
    """Something to go on from, as a real training leaves it."""
    run = Run(studio.for_owner(ME).library.folder(view.id))
    Checkpoints(run.checkpoints, run.id).write("state", 1, lambda folder: (folder / "weights").write_text("numbers"))


def test_a_run_that_is_just_being_resumed_is_not_deleted(
    studio: Studio, trainings: Trainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    trainings.go()
    view = over(studio, begin(studio, small_csv))
    leave_state(studio, view)
    there, go, other = threading.Event(), threading.Event(), other_studio(studio)

    def slowly(*_: object) -> None:
        there.set()
        assert go.wait(TIMEOUT_SECONDS)

    monkeypatch.setattr(Run, "check", slowly)
    resuming = threading.Thread(target=workspace.resume, args=(view.id,), kwargs={"more_epochs": 1})
    resuming.start()
    assert there.wait(TIMEOUT_SECONDS)
    with refused("run_is_busy"):
        other.for_owner(ME).delete(view.id)
    go.set()
    resuming.join(TIMEOUT_SECONDS)
    (child,) = [run for run in workspace.library.runs() if run.parent == view.id]
    assert over(studio, child).status == "finished"
    assert workspace.library.view(view.id).status == "finished"


def test_a_run_is_let_go_of_before_its_turn_comes(
    studio: Studio, trainings: Trainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it could not begin, and would be tried again later."""
    workspace = studio.for_owner(ME)
    free: list[bool] = []
    put = JobQueue.put

    def look(self: JobQueue, run_id: str) -> None:
        with maintenance_lock(studio.settings.runs_dir / run_id, patient=False) as held:
            free.append(held is not None)
        put(self, run_id)

    monkeypatch.setattr(JobQueue, "put", look)
    trainings.go()
    view = over(studio, begin(studio, small_csv))
    waiting = begin(other_studio(studio), small_csv, another(2))
    leave_state(studio, view)
    child = workspace.resume(view.id, more_epochs=1)
    workspace.resume(waiting.id)
    assert [over(studio, run).status for run in (child, waiting)] == ["finished", "finished"]
    assert free == [True] * 3


def test_a_run_that_is_just_being_deleted_is_not_resumed(
    studio: Studio, trainings: Trainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = studio.for_owner(ME)
    trainings.go()
    view = over(studio, begin(studio, small_csv))
    leave_state(studio, view)
    there, go, other = threading.Event(), threading.Event(), other_studio(studio)
    replace = os.replace

    def slowly(source: object, target: object) -> None:
        if ".deleted-" in str(target):
            there.set()
            assert go.wait(TIMEOUT_SECONDS)
        replace(source, target)

    monkeypatch.setattr(os, "replace", slowly)
    deleting = threading.Thread(target=other.for_owner(ME).delete, args=(view.id,))
    deleting.start()
    assert there.wait(TIMEOUT_SECONDS)
    with refused("run_is_busy"):
        workspace.resume(view.id, more_epochs=1)
    go.set()
    deleting.join(TIMEOUT_SECONDS)
    with refused("unknown_run"):
        workspace.resume(view.id, more_epochs=1)
    assert workspace.library.runs() == []


def test_whichever_comes_first_of_many_resumes_and_deletions_wins(studio: Studio, trainings: Trainings, small_csv: Path) -> None:
    """A resume that was accepted has its run; a run that is gone was resumed by nobody."""
    codes: list[str] = []
    for round_ in range(20):
        idle = other_studio(studio)
        view = begin(idle, small_csv, another(round_))
        run = Run(idle.for_owner(ME).library.folder(view.id))
        run.log.append("failed", message="", code="disk")
        together, resumed, gone = threading.Barrier(2), [], []

        def resume(view: RunView = view, idle: Studio = idle, together: threading.Barrier = together, resumed: list = resumed) -> None:
            together.wait(TIMEOUT_SECONDS)
            try:
                resumed.append(idle.for_owner(ME).resume(view.id))
            except UserError as error:
                codes.append(error.code)

        def delete(view: RunView = view, together: threading.Barrier = together, gone: list = gone) -> None:
            together.wait(TIMEOUT_SECONDS)
            try:
                studio.for_owner(ME).delete(view.id)
                gone.append(True)
            except UserError as error:
                codes.append(error.code)

        both = [threading.Thread(target=what) for what in (resume, delete)]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join(TIMEOUT_SECONDS)
        assert bool(resumed) != bool(gone)
        assert run.path.is_dir() == bool(resumed)
    assert len(codes) == 20
    assert set(codes) <= {"unknown_run", "run_is_live", "run_is_busy"}


def test_a_run_that_another_process_keeps_is_neither_deleted_nor_resumed_nor_tidied(
    studio: Studio, trainings: Trainings, small_csv: Path
) -> None:
    workspace = studio.for_owner(ME)
    trainings.go()
    view = over(studio, begin(studio, small_csv))
    with maintenance_lock(workspace.library.folder(view.id)):
        for refuse in (lambda: workspace.delete(view.id), lambda: workspace.resume(view.id, more_epochs=1)):
            with pytest.raises(UserError, match=r"Another program is just writing .*\. Try again in a moment\.") as error:
                refuse()
            assert error.value.code == "run_is_busy"
    assert workspace.library.view(view.id).status == "finished"


def test_a_run_that_was_taken_out_just_before_its_turn_is_not_trained(
    settings: Settings, tiny_encoder: Encoder, trainings: Trainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch, reader: FileReader
) -> None:
    """The other process saw that it waits, and takes it out before we have its lock."""
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    other, train = other_studio(studio), TrainingRunner._train

    def late(self: TrainingRunner, run: Run) -> None:
        with maintenance_lock(run.path):
            pipeline.cancel(run)
        train(self, run)

    monkeypatch.setattr(TrainingRunner, "_train", late)
    view = begin(other, small_csv)
    studio.recover()
    assert over(studio, view).status == "cancelled"
    studio.close()
    assert trainings.begun == []
    assert [e["kind"] for e in events(studio, view)] == ["created", "queued", "cancelled"]


def test_a_run_whose_server_ends_before_its_first_step_waits_for_the_next_server(
    studio: Studio, trainings: Trainings, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    view = begin(studio, small_csv)
    trainings.reached(view)
    trainings.error, ask = TrainingCancelled(), Run.request_stop
    monkeypatch.setattr(Run, "request_stop", lambda run: (ask(run), trainings.go()))
    studio.close()
    run = Run(studio.settings.runs_dir / view.id)
    assert [event["kind"] for event in run.log.read()][-2:] == ["cancelled", "queued"]
    assert not run.stop_requested()
    trainings.error = None
    server = Studio(studio.settings, encoders=studio.encoders, reader=studio.reader)
    server.recover()
    assert over(server, view).status == "finished"
    server.close()
