"""The command line: a killed and resumed training gives the same model; two processes of torchrun train one run."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.child_processes import popen
from tests.cli.commands import ROOT, run_process
from tests.conftest import small_rows, write_rows
from tests.warm_interpreter import Program, WarmInterpreter
from trainer.__main__ import main
from trainer.data.reader.file_reader import FileReader
from trainer.recipe import Recipe
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

ARGUMENTS = ("--epochs", "3", "--set", "batch_size=8", "--set", "max_length=32", "--set", "learning_rate=0.003", "--json")


HELD = """
import os, time
from pathlib import Path
from trainer.runs.events import EventLog
append, brake, parent, points = EventLog.append, Path(os.environ["TEST_BRAKE"]), os.getppid(), []
def append_and_wait(self, event, **options):
    append(self, event, **options)
    if self._read_only:
        return
    if os.environ["TEST_AT"] == "points":
        points.extend([event] if event.type == "log" else [])
        is_far = len(points) >= 20
    else:
        is_far = event.type == "phase" and event.stage == "folds" and (event.done or 0.0) > 0.2
    while is_far and brake.exists() and os.getppid() == parent:
        time.sleep(0.02)
EventLog.append = append_and_wait
"""
"""Of a training that waits once it is so far: on a busy machine it would be over before the test sees how far it is."""


def digest(folder: str | Path) -> str:
    return hashlib.sha256((Path(folder) / "model" / "model.safetensors").read_bytes()).hexdigest()


def environment(runs: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "EMOTUNE_RUNS": str(runs), "EMOTUNE_SAVE_SECONDS": "0"}


def held(folder: Path, at: str) -> dict[str, str]:
    """The environment of a training that waits at 20 "points", or after the first of its "folds", as long as there is a file "brake" in the folder."""
    (folder / "site").mkdir()
    (folder / "site" / "sitecustomize.py").write_text(HELD)
    (folder / "brake").touch()
    path = os.pathsep.join((str(folder / "site"), str(ROOT)))
    return {**environment(folder / "runs"), "PYTHONPATH": path, "TEST_AT": at, "TEST_BRAKE": str(folder / "brake")}


def wait_for(runs: Path, is_far: Callable[[RunView], bool], running: "Program | subprocess.Popen", output: Path) -> RunView:
    store, deadline = RunStore(runs), time.monotonic() + TIMEOUT_SECONDS
    while True:
        views = store.list("local")
        if views and is_far(views[0]):
            return views[0]
        assert running.poll() is None, output.read_text()
        assert time.monotonic() < deadline, output.read_text()
        time.sleep(0.02)


def has_points(n: int) -> Callable[[RunView], bool]:
    return lambda view: len(view.points) >= n


def kill_when(is_far: Callable[[RunView], bool], at: str, train: list[str], runs: Path, warm_interpreter: WarmInterpreter) -> RunView:
    """The interrupted run of a program that was killed when its run was so far; ``at`` says where it waits for that."""
    with open(runs.parent / "output", "wb") as output:
        killed = warm_interpreter.popen(
            [sys.executable, "-m", "trainer", *train], env=held(runs.parent, at), cwd=runs.parent, stdout=output, stderr=output
        )
    view = wait_for(runs, is_far, killed, runs.parent / "output")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    view = RunStore(runs).view(Run(runs / view.id))
    assert view.status == "interrupted"
    return view


def test_a_killed_and_resumed_training_gives_the_same_model(
    tmp_path: Path,
    tiny_encoder: Encoder,
    warm_interpreter: WarmInterpreter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, runs = write_rows(tmp_path / "moods.csv", small_rows(400)), tmp_path / "runs"
    train = ["train", str(path), "--encoder", tiny_encoder.source, *ARGUMENTS]
    view = kill_when(has_points(20), "points", train, runs, warm_interpreter)
    resumed = run_process("resume", view.id, "--json", cwd=tmp_path, warm_interpreter=warm_interpreter, EMOTUNE_RUNS=str(runs))
    assert resumed.status == 0, resumed.err
    monkeypatch.setenv("EMOTUNE_RUNS", str(runs))
    assert main(train) == 0
    uninterrupted = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(resumed.last) == set(uninterrupted)
    assert resumed.last["run"] == view.id
    assert resumed.last["test"] == uninterrupted["test"]
    assert resumed.last["validation"] == uninterrupted["validation"]
    assert digest(resumed.last["path"]) == digest(uninterrupted["path"])
    assert main(["runs", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert {run["run"]: run["status"] for run in listed} == {view.id: "finished", uninterrupted["run"]: "finished"}
    assert next(e.step for e in Run(runs / view.id).log.read() if e.type == "resumed") > 0


def test_a_run_in_folds_that_is_killed_between_them_ends_with_the_same_bytes(
    tmp_path: Path,
    tiny_encoder: Encoder,
    warm_interpreter: WarmInterpreter,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path, runs = write_rows(tmp_path / "few.csv", small_rows(120)), tmp_path / "runs"
    few = ("--folds", "5", "--epochs", "1", "--set", "batch_size=8", "--set", "max_length=32", "--json")
    train = ["train", str(path), "--encoder", tiny_encoder.source, *few]
    killed = kill_when(lambda view: view.folds_done > 0.2, "folds", train, runs, warm_interpreter)
    assert 0.2 < killed.folds_done < 1
    resumed = run_process("resume", killed.id, "--json", cwd=tmp_path, warm_interpreter=warm_interpreter, EMOTUNE_RUNS=str(runs))
    assert resumed.status == 0, resumed.err
    monkeypatch.setenv("EMOTUNE_RUNS", str(runs))
    assert main(train) == 0
    uninterrupted = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert resumed.last["test"] == uninterrupted["test"]
    assert resumed.last["test"]["rows"] == 120
    for name in ("predictions.parquet", "model/model.safetensors"):
        assert (Path(resumed.last["path"]) / name).read_bytes() == (Path(uninterrupted["path"]) / name).read_bytes(), name


def test_resuming_an_unknown_run_and_a_folder_that_is_no_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path))
    assert main(["resume", "0" * 32]) == 2
    assert f"There is no run {'0' * 32} in {tmp_path}" in capsys.readouterr().err
    (tmp_path / "a folder").mkdir()
    assert main(["resume", str(tmp_path / "a folder")]) == 2
    assert f"There is no run {tmp_path / 'a folder'} in {tmp_path}" in capsys.readouterr().err


def test_a_run_folder_outside_the_runs_folder_can_be_resumed(
    tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture, reader: FileReader
) -> None:
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "elsewhere"))
    studio = Studio(Settings(runs_dir=tmp_path / "here"), encoders=[tiny_encoder], reader=reader)
    path = write_rows(tmp_path / "moods.csv", small_rows(90))
    recipe = Recipe(encoder=tiny_encoder.name, epochs=1, max_length=32)
    view = studio.for_owner("local").wait(studio.for_owner("local").train_files({"main": (path.name, path)}, recipe).id, TIMEOUT_SECONDS)
    studio.close()
    assert main(["resume", str(tmp_path / "here" / view.id), "--more-epochs", "1", "--json"]) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    child = Path(report["path"])
    assert (child.parent, child.name != view.id, report["epochs"]) == (tmp_path / "here", True, 2)
    assert not (tmp_path / "elsewhere").exists()


def test_two_processes_train_one_run_that_another_server_shows_live(tmp_path: Path, tiny_encoder: Encoder, reader: FileReader) -> None:
    path, runs = write_rows(tmp_path / "moods.csv", small_rows(400)), tmp_path / "runs"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "-m", "trainer", "train", str(path)]
    with open(tmp_path / "output", "wb") as output:
        process = popen(
            [*command, "--encoder", tiny_encoder.source, *ARGUMENTS, "--set", "distillation=0.3"],
            env=held(tmp_path, "points"),
            stdout=output,
            stderr=output,
            cwd=tmp_path,
        )
    try:
        live_view = wait_for(runs, has_points(3), process, tmp_path / "output")
        # Any studio on the same runs folder shows the run, as a page does.
        other_studio = Studio(Settings(runs_dir=runs), encoders=[tiny_encoder], reader=reader)
        assert other_studio.for_owner("local").library.view(live_view.id).status == "running"
        (tmp_path / "brake").unlink()
        assert process.wait(TIMEOUT_SECONDS) == 0, (tmp_path / "output").read_text()
    finally:
        process.kill()
    assert len(RunStore(runs).list("local")) == 1
    view = other_studio.for_owner("local").library.view(live_view.id)
    assert (view.status, view.processes) == ("finished", 2)
    per_epoch = -(-view.rows["train"] // 8)
    assert view.total_steps == 3 * per_epoch
    assert [p.step for p in view.points] == sorted({e.step for e in Run(runs / view.id).log.read() if e.type == "log"})
    assert other_studio.for_owner("local").library.reports(view.id).test.accuracy.value > 0.5
