"""What can go wrong around a training: a folder that can no longer be written, one that is taken away, a clock set back, no memory left.

Each ends in a sentence, loses nothing, and the next run in the queue is trained.
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

from tests.conftest import small_rows, write_rows
from tests.faults.outcomes import Outcome, outcome_of
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs.queue import Queue
from trainer.recipe import Recipe
from trainer.runs.events import EventLog, parse
from trainer.runs.run import Run, RunStore
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER as ME
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

RECIPE = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=1e-2, max_length=32, log_every=2)
NEXT = replace(RECIPE, epochs=1, seed=7)
PATIENCE = 240.0
HOURS = 3 * 3600.0


@pytest.fixture(scope="module")
def moods(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("data") / "moods.csv", small_rows(120))


@pytest.fixture
def studio(tmp_path: Path, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Studio]:
    """Saves a state at each point; what could not begin is tried again at once."""
    made = Studio(Settings(runs_dir=tmp_path / "runs", save_seconds=0), encoders=[tiny_encoder], reader=reader)
    made._queue = Queue(made._take_turn, first_pause=0.01)
    yield made
    made.close()


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, moods: Path, reader: FileReader) -> Outcome:
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("alone") / "runs", save_seconds=0), encoders=[tiny_encoder], reader=reader)
    found = outcome(studio, over(studio, begin(studio, moods)))
    studio.close()
    return found


def begin(studio: Studio, path: Path, recipe: Recipe = RECIPE) -> RunView:
    return studio.train_files(ME, {"main": (path.name, path)}, recipe)


def both(studio: Studio, path: Path) -> tuple[RunView, RunView]:
    """Two runs that wait before either of them is begun."""
    enqueue, waiting = studio._enqueue, []
    studio._enqueue = waiting.append  # type: ignore[method-assign]
    views = begin(studio, path), begin(studio, path, NEXT)
    studio._enqueue = enqueue  # type: ignore[method-assign]
    for run in waiting:
        studio._enqueue(run)
    return views


def over(studio: Studio, view: RunView) -> RunView:
    return studio.wait(ME, view.id, PATIENCE)


def until(studio: Studio, condition: Callable[[], bool]) -> None:
    while not condition():
        seen = studio._queue.changes
        if not condition():
            studio._queue.wait(seen, 0.05)


def held_up(studio: Studio, view: RunView, reached: threading.Event) -> bool:
    """Whether a run could not begin, once it has come to that; also where it will never be so."""
    return (reached.is_set() and studio.delay(view.id) is not None) or not studio._queue.has(view.id)


def outcome(studio: Studio, view: RunView) -> Outcome:
    assert view.status == "finished", view.message
    return outcome_of(Run(studio.settings.runs_dir / view.id), view)


@contextmanager
def once(monkeypatch: pytest.MonkeyPatch, wanted: str, step: int | None, does: Callable[[Run], None]) -> Iterator[threading.Event]:
    """Do something in the training thread right after a certain event of the first run that has it; the event is set then."""
    append, done = EventLog.append, threading.Event()

    def told(self: EventLog, kind: str, **fields: Any) -> None:
        append(self, kind, **fields)
        trains = threading.current_thread().name == "training"
        if trains and not done.is_set() and kind == wanted and step in (None, fields.get("step")):
            does(Run(self.path.parent))
            done.set()

    with monkeypatch.context() as patched:
        patched.setattr(EventLog, "append", told)
        yield done


class ReadOnly:
    """While it is set, all that would change a folder is refused, as on a disk that was mounted anew for reading only."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.now, self._folder = False, str(folder)
        for name in ("replace", "rename", "link", "mkdir", "unlink", "rmdir"):
            monkeypatch.setattr(os, name, self._refusing(getattr(os, name), lambda *_, **__: True))
        monkeypatch.setattr(builtins, "open", self._refusing(open, lambda _, mode="r", *__, **___: any(sign in mode for sign in "wax+")))
        monkeypatch.setattr("io.open", builtins.open)

    def _refusing(self, call: Callable, changes: Callable[..., bool]) -> Callable:
        def refusing(*args: Any, **named: Any) -> Any:
            if self.now and str(args[0]).startswith(self._folder) and changes(*args, **named):
                raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(args[0]))
            return call(*args, **named)

        return refusing


@pytest.mark.parametrize(("kind", "step"), [("started", None), ("log", 4), ("eval", 6), ("saved", 8)])
def test_a_folder_that_can_only_be_read_from_some_moment_on(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch, kind: str, step: int | None
) -> None:
    disk = ReadOnly(monkeypatch, studio.settings.runs_dir)
    with once(monkeypatch, kind, step, lambda run: setattr(disk, "now", True)) as reached:
        view, following = both(studio, moods)
        until(studio, lambda: held_up(studio, following, reached))
    assert "Read-only file system" in studio.delay(following.id).reason
    # Not even that it failed can be written.
    assert studio.view(ME, view.id).status == "interrupted"
    assert studio.view(ME, following.id).status == "queued"
    for refused in (lambda: studio.resume(ME, view.id), lambda: begin(studio, moods)):
        with pytest.raises(UserError, match=r"(cannot|could not) write to .*\(Read-only file system\)"):
            refused()
    disk.now = False
    assert over(studio, following).status == "finished"
    studio.resume(ME, view.id)
    assert outcome(studio, over(studio, view)) == undisturbed


def test_a_runs_folder_that_is_taken_away_and_comes_back(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """As a disk that is unplugged does."""
    runs, away = studio.settings.runs_dir, tmp_path / "away"
    with once(monkeypatch, "saved", 6, lambda run: runs.rename(away)) as reached:
        view, following = both(studio, moods)
        until(studio, lambda: held_up(studio, following, reached))
    assert studio.delay(following.id).reason == "the folder of all runs is not there"
    assert studio.runs(ME) == []
    # Nobody put half a run in its place.
    assert not runs.exists()
    away.rename(runs)
    assert over(studio, following).status == "finished"
    assert studio.view(ME, view.id).status == "interrupted"
    studio.resume(ME, view.id)
    assert outcome(studio, over(studio, view)) == undisturbed


def test_after_a_runs_folder_was_removed_for_good_the_next_run_is_trained(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with once(monkeypatch, "log", 4, lambda run: shutil.rmtree(studio.settings.runs_dir)) as reached:
        view, following = both(studio, moods)
        until(studio, lambda: reached.is_set() and studio._queue._busy is None)
    with pytest.raises(UserError, match="There is no such run"):
        studio.view(ME, view.id)
    again = begin(studio, moods)
    assert outcome(studio, over(studio, again)) == undisturbed
    assert [other.id for other in studio.runs(ME)] == [again.id]
    assert following.id != again.id


@pytest.mark.parametrize(("kind", "step"), [("phase", None), ("started", None), ("log", 4), ("eval", 6), ("checkpoint", 6)])
def test_a_clock_that_is_set_back_by_hours(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch, kind: str, step: int | None
) -> None:
    clock, real = [0.0], time.time
    monkeypatch.setattr(time, "time", lambda: real() - clock[0])
    with once(monkeypatch, kind, step, lambda run: clock.__setitem__(0, HOURS)) as reached:
        view, following = begin(studio, moods), begin(studio, moods, NEXT)
        done = over(studio, view)
    assert reached.is_set()
    assert over(studio, following).status == "finished"
    assert outcome(studio, done) == undisturbed
    for run in map(Run, (studio.settings.runs_dir / view.id, studio.settings.runs_dir / following.id)):
        assert RunStore(studio.settings.runs_dir).damage(run) == ()
        assert parse(run.log.content()).damaged == ()
    assert done.seconds < HOURS


@pytest.mark.parametrize("evaluation", [1, 3])
def test_a_clock_that_is_set_back_in_an_evaluation(
    studio: Studio, moods: Path, undisturbed: Outcome, monkeypatch: pytest.MonkeyPatch, evaluation: int
) -> None:
    from trainer.training.trainer import ClassificationTrainer

    clock, real, begun, loop = [0.0], time.time, [0], ClassificationTrainer.evaluation_loop
    monkeypatch.setattr(time, "time", lambda: real() - clock[0])

    def evaluate(self: ClassificationTrainer, *args: Any, **how: Any) -> Any:
        begun[0] += 1
        clock[0] = HOURS if begun[0] >= evaluation else 0.0
        return loop(self, *args, **how)

    monkeypatch.setattr(ClassificationTrainer, "evaluation_loop", evaluate)
    done = over(studio, begin(studio, moods))
    assert begun[0] >= evaluation
    assert done.damage == ()
    assert outcome(studio, done) == undisturbed


@pytest.mark.parametrize("error", [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory")])
def test_no_memory_twice_fails_one_run_and_the_next_is_trained(
    studio: Studio, moods: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    from trainer.training.trainer import ClassificationTrainer

    step, tries = ClassificationTrainer.training_step, []

    def tight(self: ClassificationTrainer, *args: Any, **how: Any) -> Any:
        if self._recipe.seed == RECIPE.seed and self.state.global_step == 3:
            tries.append(self.state.global_step)
            raise error.with_traceback(None)
        return step(self, *args, **how)

    monkeypatch.setattr(ClassificationTrainer, "training_step", tight)
    view, following = begin(studio, moods), begin(studio, moods, NEXT)
    failed = over(studio, view)
    assert (failed.status, failed.code, len(tries)) == ("failed", "out_of_memory", 2)
    assert "ran out of memory" in failed.message
    assert "Train it again" in failed.message
    assert failed.saved_step == 2
    assert over(studio, following).status == "finished"
    monkeypatch.undo()
    studio.resume(ME, view.id)
    assert over(studio, view).status == "finished"
