"""One training in two processes on the processor: a stop at any moment keeps the best model, and what went wrong can be read."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.cli.test_resume import ARGUMENTS, ROOT, environment, has_points, wait_for
from tests.conftest import small_rows, write_rows
from tests.training.emoji_rows import emoji_rows
from tests.warm_interpreter import WarmInterpreter
from tests.workspace.steps import ME, RECIPE, start_run, wait_for_end
from trainer.data.reader.file_reader import FileReader
from trainer.jobs.train import torchrun
from trainer.jobs.train.torchrun import OUTPUT, train_in_processes
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.writer_lock import writer_lock
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

AT = """
import os, time
from trainer.runs.events import EventLog
append = EventLog.append
def append_and_act(self, event, **options):
    append(self, event, **options)
    if self._read_only or os.environ["TEST_AT"] not in (event.type, getattr(event, "what", None), getattr(event, "stage", None)):
        return
    stop, action = self.path.parent / "stop", os.environ["TEST_DOES"]
    if action == "fail":
        raise RuntimeError("a bug in us")
    if action == "stop":
        stop.touch()
    for _ in range(6000):
        if stop.exists():
            break
        time.sleep(0.05)
EventLog.append = append_and_act
if os.environ.get("EMOTUNE_PROCESSES") and "RANK" not in os.environ:
    import subprocess
    from types import SimpleNamespace
    from tests.faults.queue_server import run_forked
    from trainer.jobs.train import torchrun
    torchrun.subprocess = SimpleNamespace(run=run_forked, DEVNULL=subprocess.DEVNULL)
"""
"""Of rank 0, which writes the log: just after it has written a certain event it is asked to stop, fails, or waits until it is asked to stop.
Processes that a terminal starts are forked from it."""


@pytest.fixture
def at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Says where rank 0 is to "stop", to "fail", or to "hold" until it is asked to stop."""

    def say(where: str, does: str = "stop") -> None:
        (tmp_path / "site").mkdir()
        (tmp_path / "site" / "sitecustomize.py").write_text(AT)
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "site"), str(ROOT))))
        monkeypatch.setenv("TEST_AT", where)
        monkeypatch.setenv("TEST_DOES", does)

    return say


@pytest.fixture
def two(
    tmp_path: Path, tiny_encoder: Encoder, warm_interpreter: WarmInterpreter, monkeypatch: pytest.MonkeyPatch, reader: FileReader
) -> Iterator[Studio]:
    """A studio whose trainings take two processes. Torchrun itself is tested with a training from the terminal."""
    monkeypatch.setattr(torchrun, "subprocess", SimpleNamespace(run=warm_interpreter.torchrun, DEVNULL=subprocess.DEVNULL))
    studio = Studio(Settings(runs_dir=tmp_path / "runs", processes=2, save_seconds=0), encoders=[tiny_encoder], reader=reader)
    yield studio
    studio.close()


def output(studio: Studio, run_id: str) -> str:
    path = studio.for_owner(ME).library.folder(run_id) / OUTPUT
    return path.read_text(errors="replace")[:4000] if path.exists() else "no output"


@pytest.mark.parametrize(
    ("where", "status"),
    [
        # Before the first step, the one in an evaluation, the other in a save; the others are slow.
        ("loading the encoder tiny-bert", "cancelled"),
        ("eval", "stopped"),
        *(
            pytest.param(where, status, marks=pytest.mark.slow)
            for where, status in (
                ("warming up", "cancelled"),
                ("started", "stopped"),
                ("training", "stopped"),
                ("log", "stopped"),
                ("checkpoint", "stopped"),
                ("saved", "stopped"),
                ("scoring", "finished"),
            )
        ),
    ],
)
def test_a_stop_at_any_moment_ends_it_well(two: Studio, at: Callable[..., None], small_csv: Path, where: str, status: str) -> None:
    workspace = two.for_owner(ME)
    at(where)
    view = wait_for_end(two, start_run(two, small_csv, replace(RECIPE, epochs=4)))
    assert view.status == status, output(two, view.id)
    assert view.has_model == (status != "cancelled")
    assert not (workspace.library.folder(view.id) / OUTPUT).exists()
    if view.has_model:
        assert view.processes == 2
        assert workspace.library.reports(view.id).test.rows


@pytest.mark.slow
def test_contrastive_learning_in_two_processes_fits_one_head(two: Studio, small_csv: Path) -> None:
    view = wait_for_end(two, start_run(two, small_csv, replace(RECIPE, method="contrastive", epochs=3)))
    assert view.status == "finished", output(two, view.id)
    assert (view.processes, view.evaluations[0].step) == (2, 0)
    kept = next(e for e in view.evaluations if e.step == view.best_step)
    assert kept.macro_f1 >= view.evaluations[0].macro_f1
    assert two.for_owner(ME).library.reports(view.id).test.accuracy.value > 0.5


@pytest.mark.slow
def test_all_processes_and_a_child_run_have_the_same_added_tokens(two: Studio, tmp_path: Path) -> None:
    workspace = two.for_owner(ME)
    file = write_rows(tmp_path / "emoji.csv", emoji_rows(90, emoji_per_class=2))
    parent = wait_for_end(two, start_run(two, file, replace(RECIPE, epochs=1)))
    assert parent.status == "finished", output(two, parent.id)
    assert {"😂", "😭", "🤔"} <= set(parent.added_tokens)
    child = wait_for_end(two, workspace.resume(parent.id, more_epochs=1))
    assert child.status == "finished", output(two, child.id)
    assert child.added_tokens == parent.added_tokens
    for view in (parent, child):
        _, (prediction,) = workspace.models.predict(view.id, ["😂"])
        assert prediction.probabilities is not None


def test_a_stop_while_the_processes_start_is_not_lost(two: Studio, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run, asked = torchrun.subprocess.run, []

    def pressed(*arguments: object, **how: object) -> object:
        (view,) = two.for_owner(ME).library.runs()
        asked.append(two.for_owner(ME).stop(view.id))
        return run(*arguments, **how)

    monkeypatch.setattr(torchrun.subprocess, "run", pressed)
    view = wait_for_end(two, start_run(two, small_csv))
    assert [(v.status, v.stop_requested) for v in asked] == [("queued", True)]
    assert view.status == "cancelled", output(two, view.id)


def test_a_run_that_another_process_writes_meanwhile_keeps_its_place(two: Studio, small_csv: Path) -> None:
    two._queue.put = lambda run_id: None  # type: ignore[method-assign]
    run = Run(two.for_owner(ME).library.folder(start_run(two, small_csv).id))
    with writer_lock(run.path):
        assert train_in_processes(run, 2, save_seconds=0), output(two, run.id)
    assert run.read_view().status == "queued"


def test_what_failed_can_be_read(two: Studio, at: Callable[..., None], small_csv: Path) -> None:
    at("started", "fail")
    view = wait_for_end(two, start_run(two, small_csv))
    assert (view.status, view.code) == ("failed", "unexpected")
    folder = two.for_owner(ME).library.folder(view.id)
    log, process_output = (folder / "error.log").read_bytes(), (folder / OUTPUT).read_bytes()
    assert b"\0" not in log + process_output
    assert log.decode().startswith("Traceback")
    assert log.decode().rstrip().endswith("\nRuntimeError")
    assert b"torch" in process_output


@pytest.mark.parametrize(("processes", "wish"), [(1, signal.SIGTERM), (2, signal.SIGINT)])
def test_ctrl_c_in_the_terminal_keeps_the_best_model(
    tmp_path: Path, tiny_encoder: Encoder, warm_interpreter: WarmInterpreter, at: Callable[..., None], processes: int, wish: signal.Signals
) -> None:
    path, runs = write_rows(tmp_path / "moods.csv", small_rows(400)), tmp_path / "runs"
    at("log", "hold")
    command = [sys.executable, "-m", "trainer", "train", str(path), "--encoder", tiny_encoder.source, *ARGUMENTS]
    with open(tmp_path / "output", "wb") as output_file:
        process = warm_interpreter.popen(
            command,
            env={**environment(runs), "PYTHONPATH": os.environ["PYTHONPATH"], "EMOTUNE_PROCESSES": str(processes)},
            stdout=output_file,
            stderr=output_file,
            cwd=tmp_path,
            start_new_session=True,
        )
    try:
        view = wait_for(runs, has_points(1), process, tmp_path / "output")
        # As a terminal does: to the whole group, and twice.
        for _ in range(2):
            os.killpg(process.pid, wish)
        assert process.wait(TIMEOUT_SECONDS) == 0, (tmp_path / "output").read_text()
    finally:
        process.kill()
        process.wait()
    view = RunStore(runs).view(Run(runs / view.id))
    assert (view.status, view.has_model, view.processes) == ("stopped", True, processes)
    assert "Stopping after this step; the best model so far is kept." in (tmp_path / "output").read_text()
