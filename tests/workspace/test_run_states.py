"""The states of a run and their transitions, in one table; each transition is tested with a real folder, log and queue.

The trainings are fake: each starts, waits until it is released, and ends as the test says.
"""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

import pytest

from tests.workspace.steps import (
    ME,
    FakeTrainings,
    other_studio,
    recipe_with_seed,
    start_run,
    wait_until,
    write_state,
)
from trainer.data.reader.file_reader import FileReader
from trainer.errors import UserError
from trainer.jobs.train import pipeline
from trainer.runs.event_types import EVENT_TYPES, Finished, Phase
from trainer.runs.run import Run
from trainer.runs.view import Status
from trainer.runs.writer_lock import writer_lock
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.attempt import TrainingCancelled
from trainer.training.encoders import Encoder

DELETED = "gone"
ENDS = ("finished", "stopped", "failed", "cancelled")


@dataclass
class Scene:
    """One run, its server, and another server on the same folder."""

    studio: Studio
    other: Studio
    trainings: FakeTrainings
    path: Path
    run: Run = field(init=False)

    def __post_init__(self) -> None:
        self.run = Run(self.studio.for_owner(ME).library.folder(start_run(other_studio(self.studio), self.path).id))

    @property
    def status(self) -> str:
        return self.other.for_owner(ME).library.view(self.run.id).status if self.run.path.is_dir() else DELETED

    def ends(self) -> None:
        self.trainings.release()
        wait_until(self.studio, lambda: not self.studio._queue.has(self.run.id))

    def ends_with(self, error: BaseException) -> None:
        self.trainings.error = error
        self.ends()

    def refused(self, call: Callable[[], object], code: str) -> None:
        with pytest.raises(UserError) as error:
            call()
        assert error.value.code == code


class Killed(BaseException):
    """A server killed during a training: nothing more is written."""


# How a run reaches each state


def queued(scene: Scene) -> None:
    """As left by a server that ended before its turn."""


def queued_here(scene: Scene) -> None:
    """Behind another run in the queue of this server."""
    scene.trainings.wait_until_started(start_run(scene.studio, scene.path, recipe_with_seed(99)))
    scene.studio._queue.put(scene.run.id)


def running(scene: Scene) -> None:
    scene.studio._queue.put(scene.run.id)
    scene.trainings.wait_until_started(scene.other.for_owner(ME).library.view(scene.run.id))


def interrupted(scene: Scene) -> None:
    scene.run.log.append(Phase(what="training"))


def reached_end(status: str) -> Callable[[Scene], None]:
    def bring_about(scene: Scene) -> None:
        scene.run.log.append(Phase(what="training"))
        write_state(scene.studio, scene.studio.for_owner(ME).library.view(scene.run.id))
        scene.run.log.append(EVENT_TYPES[status](**{"code": "disk", "message": ""} if status == "failed" else {}))

    return bring_about


finished, stopped, failed, cancelled = map(reached_end, ENDS)


def child_waits(scene: Scene) -> None:
    """The queued child run that continues a finished one."""
    finished(scene)
    scene.run = Run(scene.studio.for_owner(ME).library.folder(scene.other.for_owner(ME).resume(scene.run.id, more_epochs=2).id))


def damaged(scene: Scene) -> None:
    (scene.run.path / "events.jsonl").write_bytes(b"nothing that anybody could read\n")


# Events


def restart(scene: Scene) -> None:
    """Another server starts on the same folder: it leaves runs alone that are not queued."""
    server = Studio(scene.studio.settings, encoders=scene.studio.encoders, reader=scene.studio.reader)
    server.recover()
    assert not server._queue.has(scene.run.id)


def wait(scene: Scene) -> None:
    scene.studio.for_owner(ME).wait(scene.run.id, 0.0)


def stop(scene: Scene) -> None:
    scene.studio.for_owner(ME).stop(scene.run.id)


def stop_elsewhere(scene: Scene) -> None:
    scene.other.for_owner(ME).stop(scene.run.id)


def stop_and_end(scene: Scene) -> None:
    scene.studio.for_owner(ME).stop(scene.run.id)
    scene.ends()


def resume(scene: Scene) -> None:
    scene.other.for_owner(ME).resume(scene.run.id)


def resume_in_a_child(more_epochs: int) -> Callable[[Scene], None]:
    def happens(scene: Scene) -> None:
        child = scene.other.for_owner(ME).resume(scene.run.id, more_epochs=more_epochs)
        assert (child.parent, child.status) == (scene.run.id, "queued")

    return happens


def resume_in_vain(code: str) -> Callable[[Scene], None]:
    return lambda scene: scene.refused(lambda: scene.other.for_owner(ME).resume(scene.run.id), code)


def delete(scene: Scene) -> None:
    scene.other.for_owner(ME).delete(scene.run.id)


def delete_in_vain(scene: Scene) -> None:
    scene.refused(lambda: scene.other.for_owner(ME).delete(scene.run.id), "run_is_live")


def restart_and_reach(scene: Scene) -> None:
    scene.studio.recover()
    scene.trainings.wait_until_started(scene.other.for_owner(ME).library.view(scene.run.id))


def restart_and_end(scene: Scene) -> None:
    scene.studio.recover()
    scene.ends()


def fail(scene: Scene) -> None:
    scene.ends_with(UserError("It cannot be.", code="disk"))


def kill(scene: Scene) -> None:
    scene.ends_with(Killed())


def close(scene: Scene) -> None:
    """The server shuts down: the current training is stopped."""
    closing = threading.Thread(target=scene.studio.close)
    closing.start()
    while not any(scene.studio.settings.runs_dir.glob("*/stop")):
        time.sleep(0.01)
    scene.trainings.release()
    closing.join()


def close_before_its_first_step(scene: Scene) -> None:
    scene.trainings.error = TrainingCancelled()
    close(scene)
    assert not scene.run.is_stop_requested()


def stop_and_close_before_its_first_step(scene: Scene) -> None:
    """The stop request is kept."""
    scene.studio.for_owner(ME).stop(scene.run.id)
    close_before = threading.Thread(target=scene.studio.close)
    close_before.start()
    scene.trainings.error = TrainingCancelled()
    scene.trainings.release()
    close_before.join()


def taken_elsewhere(scene: Scene) -> None:
    """Another process has started it when its turn comes here."""
    with writer_lock(scene.run.path):
        scene.run.log.append(Phase(what="training"))
        scene.studio._queue.put(scene.run.id)
        wait_until(scene.studio, lambda: not scene.studio._queue.has(scene.run.id))
        assert scene.status == "running"
        assert scene.trainings.started == []
        scene.run.log.append(Finished())


def locked_elsewhere(scene: Scene) -> None:
    with writer_lock(scene.run.path):
        scene.studio._queue.put(scene.run.id)
        wait_until(scene.studio, lambda: scene.studio.for_owner(ME).jobs.delay(scene.run.id) is not None)
        assert scene.status == "queued"
    scene.ends()


TRANSITIONS: list[tuple[Callable[[Scene], None], Callable[[Scene], None], str]] = [
    # Waiting
    (queued, wait, "queued"),
    (queued, restart_and_reach, "running"),
    (queued, restart_and_end, "finished"),
    (queued, stop, "cancelled"),
    (queued, resume, "queued"),
    (queued, delete_in_vain, "queued"),
    (queued, taken_elsewhere, "finished"),
    (queued, locked_elsewhere, "finished"),
    (queued_here, stop, "cancelled"),
    (queued_here, stop_elsewhere, "cancelled"),
    (queued_here, close, "queued"),
    (queued_here, Scene.ends, "finished"),
    (queued_here, delete_in_vain, "queued"),
    (child_waits, stop, "cancelled"),
    (child_waits, restart_and_end, "finished"),
    (child_waits, delete_in_vain, "queued"),
    # Training
    (running, wait, "running"),
    (running, Scene.ends, "finished"),
    (running, stop, "running"),
    (running, stop_and_end, "stopped"),
    (running, stop_elsewhere, "running"),
    (running, fail, "failed"),
    (running, kill, "interrupted"),
    (running, close, "stopped"),
    (running, close_before_its_first_step, "queued"),
    (running, stop_and_close_before_its_first_step, "cancelled"),
    (running, restart, "running"),
    (running, resume, "running"),
    (running, delete_in_vain, "running"),
    # Interrupted
    (interrupted, wait, "interrupted"),
    (interrupted, restart, "interrupted"),
    (interrupted, stop, "interrupted"),
    (interrupted, resume, "queued"),
    (interrupted, delete, DELETED),
    # Ended
    *((state, wait, status) for state, status in zip((finished, stopped, failed, cancelled), ENDS, strict=True)),
    *((state, restart, status) for state, status in zip((finished, stopped, failed, cancelled), ENDS, strict=True)),
    *((state, stop, status) for state, status in zip((finished, stopped, failed, cancelled), ENDS, strict=True)),
    *((state, delete, DELETED) for state in (finished, stopped, failed, cancelled)),
    (finished, resume_in_vain("already_finished"), "finished"),
    (finished, resume_in_a_child(2), "finished"),
    (stopped, resume_in_a_child(0), "stopped"),
    *((state, resume, "queued") for state in (failed, cancelled)),
    # Damaged
    (damaged, wait, "damaged"),
    (damaged, restart, "damaged"),
    (damaged, stop, "damaged"),
    (damaged, resume_in_vain("run_damaged"), "damaged"),
    (damaged, delete, DELETED),
]
"""State before, event, state after."""


def name(part: object) -> str:
    return getattr(part, "__name__", str(part))


@pytest.fixture
def scene(
    settings: Settings, tiny_encoder: Encoder, small_csv: Path, monkeypatch: pytest.MonkeyPatch, reader: FileReader
) -> Iterator[Scene]:
    trainings = FakeTrainings()
    monkeypatch.setattr(pipeline, "_train_and_report", trainings.run_job)
    studio = Studio(settings, encoders=[tiny_encoder], reader=reader)
    studio._queue._first_pause = 0.001
    yield Scene(studio, other_studio(studio), trainings, small_csv)
    trainings.release()
    studio.close()


@pytest.mark.parametrize(("reach_state", "event", "expected_status"), TRANSITIONS, ids=lambda part: name(part))
@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_each_transition(
    scene: Scene,
    reach_state: Callable[[Scene], None],
    event: Callable[[Scene], None],
    expected_status: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reach_state(scene)
    event(scene)
    assert scene.status == expected_status
    # A new studio on the folder sees the same state.
    if expected_status != DELETED:
        assert Studio(scene.studio.settings, reader=scene.studio.reader).for_owner(ME).library.view(scene.run.id).status == expected_status


def test_the_table_covers_each_state() -> None:
    assert {after for _, _, after in TRANSITIONS} == {*get_args(Status), DELETED}
    assert {name(state) for state, _, _ in TRANSITIONS} >= {"queued", "running", "interrupted", "damaged"}
