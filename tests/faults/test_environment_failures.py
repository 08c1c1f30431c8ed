"""Failures around a training: a read-only folder, a missing folder, a clock set back, no memory left.

Each ends with a message, loses nothing, and the next run in the queue is trained.
"""

import builtins
import errno
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.conftest import small_rows, write_rows
from tests.faults.outcomes import Outcome, outcome_of
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs.queue import Delay
from trainer.recipe import Recipe
from trainer.runs.event_schema import Event
from trainer.runs.events import EventLog, parse
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER as ME
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

RECIPE = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=1e-2, max_length=32, log_every=2)
NEXT = replace(RECIPE, epochs=1, seed=7)
SET_BACK_SECONDS = 3 * 3600.0


@pytest.fixture(scope="module")
def moods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("data") / "moods.csv", small_rows(120))


@pytest.fixture
def studio(tmp_path: Path, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Studio]:
    """Saves a checkpoint at each logged point, and retries delayed runs at once."""
    studio = Studio(Settings(runs_dir=tmp_path / "runs", save_seconds=0), encoders=[tiny_encoder], reader=reader)
    studio._queue._first_pause = 0.01
    yield studio
    studio.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, moods: Path, reader: FileReader) -> Outcome:
    studio = Studio(
        Settings(runs_dir=tmp_path_factory.mktemp("undisturbed") / "runs", save_seconds=0), encoders=[tiny_encoder], reader=reader
    )
    expected = outcome(studio, wait_for_end(studio, start_run(studio, moods)))
    studio.close()
    return expected


def start_run(studio: Studio, path: Path, recipe: Recipe = RECIPE) -> RunView:
    return studio.for_owner(ME).train_files({"main": (path.name, path)}, recipe)


def queue_two(studio: Studio, path: Path) -> tuple[RunView, RunView]:
    """Queue two runs before either of them starts."""
    put, waiting = studio._queue.put, []
    studio._queue.put = waiting.append  # type: ignore[method-assign]
    views = start_run(studio, path), start_run(studio, path, NEXT)
    studio._queue.put = put  # type: ignore[method-assign]
    for run_id in waiting:
        put(run_id)
    return views


def wait_for_end(studio: Studio, view: RunView) -> RunView:
    return studio.for_owner(ME).wait(view.id, TIMEOUT_SECONDS)


def wait_until(studio: Studio, condition: Callable[[], bool]) -> None:
    while not condition():
        seen = studio._queue.changes
        if not condition():
            studio._queue.wait(seen, 0.05)


def wait_for_delay(studio: Studio, view: RunView, reached: threading.Event, delay_of: Callable[[str], Delay | None]) -> str:
    """Why a run could not begin after the event; "" if it is no longer queued. It is tried again at once, and then has no delay for a moment."""
    reasons: list[str] = []

    def is_delayed() -> bool:
        delay = delay_of(view.id) if reached.is_set() else None
        reasons.extend([] if delay is None else [delay.reason])
        return bool(reasons) or not studio._queue.has(view.id)

    wait_until(studio, is_delayed)
    return reasons[0] if reasons else ""


def outcome(studio: Studio, view: RunView) -> Outcome:
    assert view.status == "finished", view.message
    return outcome_of(Run(studio.settings.runs_dir / view.id), view)


@contextmanager
def after_event(
    monkeypatch: pytest.MonkeyPatch, event_type: str, step: int | None, action: Callable[[Run], None]
) -> Iterator[threading.Event]:
    """Call ``action`` in the training thread once, right after the first event of this type and step; the yielded event is set then."""
    append, done = EventLog.append, threading.Event()

    def append_and_act(self: EventLog, event: Event, **options: Any) -> None:
        append(self, event, **options)
        is_training = threading.current_thread().name == "training"
        if is_training and not done.is_set() and event.type == event_type and step in (None, getattr(event, "step", None)):
            action(Run(self.path.parent))
            done.set()

    with monkeypatch.context() as patched:
        patched.setattr(EventLog, "append", append_and_act)
        yield done


class ReadOnly:
    """While it is active, every change of the folder fails, as on a disk that was remounted read-only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.active, self._folder = False, str(folder)
        for name in ("replace", "rename", "link", "mkdir", "unlink", "rmdir"):
            monkeypatch.setattr(os, name, self._read_only(getattr(os, name), lambda *_, **__: True))
        monkeypatch.setattr(builtins, "open", self._read_only(open, lambda _, mode="r", *__, **___: any(flag in mode for flag in "wax+")))
        monkeypatch.setattr("io.open", builtins.open)

    def _read_only(self, call: Callable, changes: Callable[..., bool]) -> Callable:
        def read_only_call(*args: Any, **kwargs: Any) -> Any:
            if self.active and str(args[0]).startswith(self._folder) and changes(*args, **kwargs):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(args[0]))
            return call(*args, **kwargs)

        return read_only_call


@pytest.mark.parametrize(("event_type", "step"), [("started", None), ("log", 4), ("eval", 6), ("saved", 8)])
def test_a_folder_that_becomes_read_only(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch, event_type: str, step: int | None
) -> None:
    disk = ReadOnly(monkeypatch, studio.settings.runs_dir)
    with after_event(monkeypatch, event_type, step, lambda run: setattr(disk, "active", True)) as reached:
        view, following = queue_two(studio, moods)
        assert "Read-only file system" in wait_for_delay(studio, following, reached, studio.for_owner(ME).jobs.delay)
    # Not even the failure can be written.
    assert studio.for_owner(ME).library.view(view.id).status == "interrupted"
    assert studio.for_owner(ME).library.view(following.id).status == "queued"
    for attempt in (lambda: studio.for_owner(ME).resume(view.id), lambda: start_run(studio, moods)):
        with pytest.raises(UserError, match=r"(cannot|could not) write to .*\(Read-only file system\)"):
            attempt()
    disk.active = False
    assert wait_for_end(studio, following).status == "finished"
    studio.for_owner(ME).resume(view.id)
    assert outcome(studio, wait_for_end(studio, view)) == undisturbed


def test_a_runs_folder_that_disappears_and_comes_back(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As with an unplugged disk."""
    runs, moved = studio.settings.runs_dir, tmp_path / "moved"
    with after_event(monkeypatch, "saved", 6, lambda run: runs.rename(moved)) as reached:
        view, following = queue_two(studio, moods)
        # Without the folder nothing says whose a run is, so only the queue itself can tell.
        assert wait_for_delay(studio, following, reached, studio._queue.delay) == "the folder of all runs is not there"
    assert studio.for_owner(ME).library.runs() == []
    # No partial run was created in its place.
    assert not runs.exists()
    moved.rename(runs)
    assert wait_for_end(studio, following).status == "finished"
    assert studio.for_owner(ME).library.view(view.id).status == "interrupted"
    studio.for_owner(ME).resume(view.id)
    assert outcome(studio, wait_for_end(studio, view)) == undisturbed


def test_after_a_runs_folder_was_removed_for_good_the_next_run_is_trained(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def remove(run: Run) -> None:
        # First out of the way of the run's heartbeat, which would write into a folder that is being emptied.
        shutil.rmtree(studio.settings.runs_dir.rename(tmp_path / "removed"))

    with after_event(monkeypatch, "log", 4, remove) as reached:
        view, following = queue_two(studio, moods)
        wait_until(studio, lambda: reached.is_set() and not studio._queue.current)
    with pytest.raises(UserError, match="There is no such run"):
        studio.for_owner(ME).library.view(view.id)
    new = start_run(studio, moods)
    assert outcome(studio, wait_for_end(studio, new)) == undisturbed
    assert [view.id for view in studio.for_owner(ME).library.runs()] == [new.id]
    assert following.id != new.id


@pytest.mark.parametrize(("event_type", "step"), [("phase", None), ("started", None), ("log", 4), ("eval", 6), ("checkpoint", 6)])
def test_a_clock_that_is_set_back_by_hours(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch, event_type: str, step: int | None
) -> None:
    offset, real_time = [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: real_time() - offset[0])
    with after_event(monkeypatch, event_type, step, lambda run: offset.__setitem__(0, SET_BACK_SECONDS)) as reached:
        view, following = start_run(studio, moods), start_run(studio, moods, NEXT)
        done = wait_for_end(studio, view)
    assert reached.is_set()
    assert wait_for_end(studio, following).status == "finished"
    assert outcome(studio, done) == undisturbed
    for run in map(Run, (studio.settings.runs_dir / view.id, studio.settings.runs_dir / following.id)):
        assert RunStore(studio.settings.runs_dir).damage(run) == ()
        assert parse(run.log.content()).damaged == ()
    assert done.duration_seconds < SET_BACK_SECONDS


@pytest.mark.parametrize("evaluation", [1, 3])
def test_a_clock_that_is_set_back_in_an_evaluation(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch, evaluation: int
) -> None:
    from trainer.training.trainer import ClassificationTrainer

    offset, real_time, n_evaluations, loop = 0.0, time.time, 0, ClassificationTrainer.evaluation_loop
    monkeypatch.setattr(time, "time", lambda: real_time() - offset)

    def evaluate(self: ClassificationTrainer, *args: Any, **kwargs: Any) -> Any:
        nonlocal offset, n_evaluations
        n_evaluations += 1
        offset = SET_BACK_SECONDS if n_evaluations >= evaluation else 0.0
        return loop(self, *args, **kwargs)

    monkeypatch.setattr(ClassificationTrainer, "evaluation_loop", evaluate)
    done = wait_for_end(studio, start_run(studio, moods))
    assert n_evaluations >= evaluation
    assert done.damage == ()
    assert outcome(studio, done) == undisturbed


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_out_of_memory_twice_fails_one_run_and_the_next_is_trained(
    studio: Studio, moods: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from trainer.training.trainer import ClassificationTrainer

    step, failures = ClassificationTrainer.training_step, []

    def failing_step(self: ClassificationTrainer, *args: Any, **kwargs: Any) -> Any:
        if self._recipe.seed == RECIPE.seed and self.state.global_step == 3:
            failures.append(self.state.global_step)
            raise error.with_traceback(None)
        return step(self, *args, **kwargs)

    monkeypatch.setattr(ClassificationTrainer, "training_step", failing_step)
    view, following = start_run(studio, moods), start_run(studio, moods, NEXT)
    failed = wait_for_end(studio, view)
    assert (failed.status, failed.code, len(failures)) == ("failed", "out_of_memory", 2)
    assert "ran out of memory" in failed.message
    assert "Train it again" in failed.message
    assert failed.saved_step == 2
    assert wait_for_end(studio, following).status == "finished"
    monkeypatch.undo()
    studio.for_owner(ME).resume(view.id)
    assert wait_for_end(studio, view).status == "finished"
