"""Trainings on a GPU that is lent for a call, with a stand-in for the package ``spaces``: in a call if the plan fits, otherwise on the CPU."""

import multiprocessing
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch

from tests.workspace.steps import ME, QUICK, TIMEOUT_SECONDS, start_run, wait_until
from trainer.data.reader.file_reader import FileReader
from trainer.drafts.advice import advise
from trainer.jobs.train import zero_gpu
from trainer.recipe import Recipe
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Evaluated
from trainer.runs.events import EventLog
from trainer.runs.run import Run
from trainer.runs.view import RunView
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.training.hardware import GPU_CALL, detect_hardware


@dataclass
class Spaces:
    """The stand-in: which calls there were, and what happens to one."""

    durations: list[int] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    started: int = 0
    refuses: bool = False
    forks: bool = False
    """As the real one does; otherwise a call is made at once, in this process."""
    takes_back: Callable[[Run], bool] = lambda run: False
    """Whether the GPU is taken back, which ends the process, now that the run has come so far."""

    def gpu(self, *, duration: int) -> Callable[[Callable[..., None]], Callable[..., None]]:
        self.durations.append(duration)

        def decorate(work: Callable[..., None]) -> Callable[..., None]:
            def call(folder: str, *arguments: Any) -> None:
                self.calls.append(folder)
                if self.refuses:
                    raise RuntimeError("the visitor's share is used up")
                if not self.forks:
                    work(folder, *arguments)
                    os.environ.pop(GPU_CALL)
                    return
                process = multiprocessing.get_context("fork").Process(target=work, args=(folder, *arguments), daemon=True)
                process.start()
                while process.is_alive():
                    process.join(0.05)
                    if self.takes_back(Run(Path(folder))):
                        process.kill()
                        process.join()
                if process.exitcode:
                    raise RuntimeError("GPU task aborted")

            return call

        return decorate

    def startup(self) -> None:
        self.started += 1


@pytest.fixture
def spaces(monkeypatch: pytest.MonkeyPatch) -> Spaces:
    made, module = Spaces(), ModuleType("spaces")
    module.GPU, module.zero = made.gpu, SimpleNamespace(startup=made.startup)
    monkeypatch.setitem(sys.modules, "spaces", module)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    monkeypatch.setenv("TOKENIZERS_PARALLELISM", "true")  # a call changes it
    monkeypatch.delenv(GPU_CALL, raising=False)
    return made


@pytest.fixture
def server(tmp_path: Path, tiny_encoder: Encoder, reader: FileReader, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A server that expects each training to take a minute."""
    forecast(monkeypatch, 60.0)
    studio = Studio(Settings(runs_dir=tmp_path / "runs"), encoders=[tiny_encoder], reader=reader)
    yield studio
    studio.close()


def forecast(monkeypatch: pytest.MonkeyPatch, seconds: float | None) -> None:
    monkeypatch.setattr("trainer.workspace.advise", lambda *arguments: replace(advise(*arguments), seconds=seconds))


def train(server: Studio, small_csv: Path, recipe: Recipe = QUICK) -> RunView:
    return server.for_owner(ME).wait(start_run(server, small_csv, recipe).id, TIMEOUT_SECONDS)


def test_a_plan_that_fits_is_trained_in_one_call_of_two_minutes(server: Studio, spaces: Spaces, small_csv: Path) -> None:
    view = train(server, small_csv)
    assert (view.status, view.has_model) == ("finished", True)
    assert spaces.calls == [str(server.settings.runs_dir / view.id)]
    assert spaces.durations == [zero_gpu.CALL_SECONDS]
    assert zero_gpu.TRAINING_SECONDS < zero_gpu.CALL_SECONDS <= 120


@pytest.mark.parametrize("seconds", [10_000.0, None])
def test_any_other_plan_is_trained_on_the_cpu(
    server: Studio, spaces: Spaces, small_csv: Path, monkeypatch: pytest.MonkeyPatch, seconds: float | None
) -> None:
    forecast(monkeypatch, seconds)
    assert train(server, small_csv).status == "finished"
    assert spaces.calls == []


def test_where_no_gpu_is_lent_nobody_asks_for_one(server: Studio, spaces: Spaces, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SPACES_ZERO_GPU")
    zero_gpu.register()
    assert train(server, small_csv).status == "finished"
    assert (spaces.calls, spaces.durations, spaces.started) == ([], [], 0)


def test_one_that_gets_no_gpu_is_trained_on_the_cpu(server: Studio, spaces: Spaces, small_csv: Path) -> None:
    spaces.refuses = True
    assert train(server, small_csv).status == "finished"
    assert len(spaces.calls) == 1


def test_the_time_of_a_call_ends_a_training_with_its_best_model_and_says_so(
    server: Studio, spaces: Spaces, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append = EventLog.append

    def append_and_end(self: EventLog, event: Event, **options: bool) -> None:
        append(self, event, **options)
        if isinstance(event, Evaluated):
            # The timer is as good as over.
            limits[-1].function()

    class Limit(threading.Timer):
        def start(self) -> None:
            if self.interval == zero_gpu.TRAINING_SECONDS:
                limits.append(self)
            else:
                super().start()

    limits: list[threading.Timer] = []
    monkeypatch.setattr("trainer.timer.threading.Timer", Limit)
    monkeypatch.setattr(EventLog, "append", append_and_end)
    view = train(server, small_csv, replace(QUICK, epochs=3))
    assert len(limits) == 1
    assert (view.status, view.has_model) == ("stopped", True)
    assert view.message.startswith("It ended after")
    assert "the most that one may have of the GPU that this Space borrows" in view.message


@pytest.mark.slow
def test_a_process_that_loses_its_gpu_leaves_a_training_that_goes_on_on_the_cpu(server: Studio, spaces: Spaces, small_csv: Path) -> None:
    spaces.forks = True
    assert train(server, small_csv).status == "finished"
    spaces.takes_back = lambda run: any(run.checkpoints.glob("*"))
    run = start_run(server, small_csv, replace(QUICK, epochs=8, seed=5)).id
    # For a moment it is interrupted.
    wait_until(server, lambda: not server._queue.has(run))
    view = server.for_owner(ME).library.view(run)
    assert (view.status, view.has_model, len(spaces.calls)) == ("finished", True, 2)


def test_the_program_says_at_its_start_that_it_has_work_for_the_gpu(spaces: Spaces) -> None:
    zero_gpu.register()
    assert (spaces.durations, spaces.started) == ([zero_gpu.CALL_SECONDS], 1)


def test_outside_of_a_call_there_is_no_gpu_whatever_torch_says(spaces: Spaces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: SimpleNamespace(name="GPU", major=9, minor=0, total_memory=2**36))
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert detect_hardware().device == "cpu"
    monkeypatch.setenv(GPU_CALL, "1")
    assert detect_hardware().device == "cuda"
