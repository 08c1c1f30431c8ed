"""A fixed sample of ``make faults``, and checks that lost, damaged or different runs are detected."""

import json
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.faults.conftest import ROOT, RunServer, outcome, run_in, view_in
from tests.faults.disturbance import Disturbance, DisturbanceResult, check_outcome
from tests.faults.outcomes import digests
from tests.faults.scenes import Scene
from tests.warm_interpreter import WarmInterpreter
from trainer.training.encoders import Encoder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks servers and adopts their orphans")


def run_faults(warm_interpreter: WarmInterpreter, encoder: Encoder, *arguments: str) -> dict:
    process = warm_interpreter.run(
        [sys.executable, "-m", "tests.faults", "--encoder", encoder.source, *arguments],
        env=os.environ,
        cwd=ROOT,
        timeout=2 * TIMEOUT_SECONDS,  # for a dozen trainings
    )
    assert process.returncode == 0, process.stdout + process.stderr
    return json.loads(process.stdout.splitlines()[-1])


def test_a_few_kills_and_stops_with_a_queue(warm_interpreter: WarmInterpreter, tiny_encoder: Encoder) -> None:
    summary = run_faults(
        warm_interpreter,
        tiny_encoder,
        "--tries",
        "1",
        "--two",
        "0",
        "--torchrun",
        "0",
        "--kinds",
        "kill",
        "stop",
        "--scenes",
        "a stopped run that is resumed",
    )
    assert [summary[key] for key in ("tries", "wrong_status", "lost", "damaged", "different", "parents_changed")] == [2, 0, 0, 0, 0, 0]


@pytest.mark.slow
def test_each_type_once_in_two_processes(warm_interpreter: WarmInterpreter, tiny_encoder: Encoder) -> None:
    summary = run_faults(warm_interpreter, tiny_encoder, "--tries", "0", "--two", "1", "--torchrun", "0")
    assert [summary[key] for key in ("tries", "wrong_status", "lost", "damaged", "different", "parents_changed")] == [5, 0, 0, 0, 0, 0]


@pytest.fixture(scope="module")
def trained_runs(queued_run: Path, run_server: RunServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A runs folder whose run was trained to its end, to be copied."""
    runs = Path(shutil.copytree(queued_run, tmp_path_factory.mktemp("trained") / "runs"))
    run_server(runs)
    return runs


@pytest.mark.parametrize("fault", ["model", "event", "parent", None])
def test_faults_are_detected(trained_runs: Path, tmp_path: Path, fault: str | None) -> None:
    runs = Path(shutil.copytree(trained_runs, tmp_path / "runs"))
    run, expected = run_in(runs), outcome(runs)
    scene = Scene("", runs, run.id, {run.id: expected}, {}, (), 0)
    parents = {run.id: digests(run.path)}
    if fault == "model":
        scene = replace(scene, expected={run.id: replace(expected, weights=b"")})
    elif fault == "event":
        log = run.path / "events.jsonl"
        log.write_bytes(log.read_bytes().replace(b'"type": "saved"', b'"type": "sawed"', 1))
    elif fault == "parent":
        (run.path / "another").touch()
    result = check_outcome(scene, runs, parents, DisturbanceResult(Disturbance("kill", "", "start", 0, 0.0), view_in(runs).status))
    assert bool(result.different) == (fault == "model")
    assert bool(result.damaged) == (fault == "event")
    assert bool(result.changed) == (fault in ("event", "parent"))
    assert bool(result.faults) == (fault is not None)
