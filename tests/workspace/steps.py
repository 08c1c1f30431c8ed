"""What tests of a workspace share: runs, real trainings that can be held, and fake ones that train no model."""

import dataclasses
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.addresses import TIMEOUT_SECONDS
from trainer.errors import UserError
from trainer.jobs.queue import Delay
from trainer.recipe import Recipe
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.event_types import EVENT_TYPES, Phase
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.studio import Studio

ME, OTHER = "local", "somebody else"
RECIPE = Recipe(encoder="tiny-bert", epochs=12, batch_size=16, learning_rate=5e-3, max_length=32)
QUICK = dataclasses.replace(RECIPE, epochs=1)


class Hold:
    """Holds the training thread at its first logged point until it is released."""

    def __init__(self) -> None:
        self._reached = threading.Event()
        self._released = threading.Event()

    def pause(self) -> None:
        self._reached.set()
        self._released.wait(TIMEOUT_SECONDS)

    def wait_until_started(self) -> None:
        assert self._reached.wait(TIMEOUT_SECONDS), "the training never began"

    def release(self) -> None:
        self._released.set()


class FakeTrainings:
    """Trainings without a model: each starts, waits until it is released, and finishes, or stops if that was requested."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.error: BaseException | None = None
        """If set, raised by a training once it is released."""
        self._changed = threading.Condition()
        self._released = False

    def run_job(self, run: Run, *_: object) -> None:
        run.log.append(Phase(what="training"))
        with self._changed:
            self.started.append(run.id)
            self._changed.notify_all()
            assert self._changed.wait_for(lambda: self._released, timeout=TIMEOUT_SECONDS)
        if self.error is not None:
            raise self.error
        run.log.append(EVENT_TYPES["stopped" if run.is_stop_requested() else "finished"](seconds=1.0))

    def wait_until_started(self, view: RunView) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: view.id in self.started, timeout=TIMEOUT_SECONDS), "the training never began"

    def release(self) -> None:
        with self._changed:
            self._released = True
            self._changed.notify_all()


def start_run(studio: Studio, path: Path, recipe: Recipe = QUICK, owner: str = ME) -> RunView:
    workspace = studio.for_owner(owner)
    return workspace.start(workspace.drafts.open_files({"main": (path.name, path)}).draft.id, recipe)


def wait_for_end(studio: Studio, view: RunView) -> RunView:
    return studio.for_owner(ME).wait(view.id, TIMEOUT_SECONDS)


def events(studio: Studio, view: RunView) -> list[Any]:
    return list(Run(studio.for_owner(ME).library.folder(view.id)).log.read())


def refused(code: str) -> pytest.RaisesExc[UserError]:
    return pytest.raises(UserError, check=lambda error: error.code == code)


def other_studio(studio: Studio) -> Studio:
    """A studio on the same folder, like that of another process; it trains nothing."""
    new_studio = Studio(studio.settings, encoders=studio.encoders, reader=studio.reader)
    new_studio._queue.put = lambda run_id: None  # type: ignore[method-assign]
    return new_studio


def wait_until(studio: Studio, condition: Callable[[], bool]) -> None:
    while not condition():
        changes = studio._queue.changes
        if not condition():
            studio._queue.wait(changes, TIMEOUT_SECONDS)


def wait_for_delay(studio: Studio, job_id: str, delay_of: Callable[[str], Delay | None] | None = None) -> str:
    """Why a job could not begin, once it could not. With short pauses it is tried again at once, and then has no delay for a moment."""
    reasons: list[str] = []

    def is_delayed() -> bool:
        delay = (delay_of or studio.for_owner(ME).jobs.delay)(job_id)
        reasons.extend([] if delay is None else [delay.reason])
        return bool(reasons)

    wait_until(studio, is_delayed)
    return reasons[0]


def recipe_with_seed(seed: int) -> Recipe:
    return Recipe(**{**QUICK.to_dict(), "seed": seed})


def write_state(studio: Studio, view: RunView) -> None:
    """Write a training state to resume from."""
    run = Run(studio.for_owner(ME).library.folder(view.id))
    Checkpoints(run.checkpoints, run.id).write("state", 1, lambda folder: (folder / "weights").write_text("numbers"))
