"""A process that trains for another one: it does what waits, and leaves the wishes of others alone."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.workspace.steps import ME, QUICK, start_run
from trainer.jobs.train import pipeline, torchrun_process
from trainer.runs.event_types import EVENT_TYPES
from trainer.runs.run import Run
from trainer.runs.writer_lock import writer_lock
from trainer.studio import Studio


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """A worker listens to signals; this process is one only for the length of a test."""
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in handlers.items():
        signal.signal(number, handler)


@pytest.fixture
def waiting(studio: Studio, small_csv: Path) -> Run:
    studio._queue.put = lambda run_id: None  # type: ignore[method-assign]
    return Run(studio.for_owner(ME).library.folder(start_run(studio, small_csv, QUICK).id))


def kinds(run: Run) -> list[str]:
    return [event.type for event in run.log.read()]


def test_a_stop_that_was_asked_for_while_it_was_starting_is_kept(waiting: Run) -> None:
    waiting.request_stop()
    assert torchrun_process.main([str(waiting.path), "30"]) == 0
    assert kinds(waiting) == ["created", "queued", "cancelled"]
    assert waiting.is_stop_requested()


def test_it_trains_what_waits_and_puts_nothing_into_a_queue(waiting: Run) -> None:
    assert torchrun_process.main([str(waiting.path), "30"]) == 0
    assert waiting.read_view().status == "finished"
    assert kinds(waiting).count("queued") == 1
    trained = waiting.log.size()
    assert torchrun_process.main([str(waiting.path), "30"]) == 0
    assert waiting.log.size() == trained


def test_a_run_that_somebody_else_writes_is_left_to_them(waiting: Run) -> None:
    with writer_lock(waiting.path):
        assert torchrun_process.main([str(waiting.path), "30"]) == 0
    assert waiting.read_view().status == "queued"


def test_a_training_that_fails_is_told_to_whoever_started_it(waiting: Run) -> None:
    (waiting.path / "recipe.json").write_text("{")
    assert torchrun_process.main([str(waiting.path), "30"]) == 1
    assert waiting.read_view().code == "run_damaged"


@pytest.mark.parametrize("wish", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_is_a_stop_that_keeps_the_model(waiting: Run, monkeypatch: pytest.MonkeyPatch, wish: signal.Signals) -> None:
    def work(run: Run, *_: object) -> None:
        os.kill(os.getpid(), wish)
        run.log.append(EVENT_TYPES["stopped" if run.is_stop_requested() else "finished"]())

    monkeypatch.setattr(pipeline, "_train_and_report", work)
    assert torchrun_process.main([str(waiting.path), "30"]) == 0
    assert waiting.read_view().status == "stopped"
