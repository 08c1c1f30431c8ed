"""A fixed sample of ``make faults``; and that what is lost, damaged or other than it should be is found."""

import json
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.faults.conftest import ROOT, Servers, outcome, run_in, view_in
from tests.faults.disturbing import Disturbance, Found, _judge
from tests.faults.outcomes import digests
from tests.faults.scenes import Scene
from tests.warm import Warm
from trainer.training.encoders import Encoder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks servers and is their keeper")


def faults(warm: Warm, encoder: Encoder, *arguments: str) -> dict:
    done = warm.run([sys.executable, "-m", "tests.faults", "--encoder", encoder.source, *arguments], env=os.environ, cwd=ROOT)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_few_kills_and_stops_with_a_queue(warm: Warm, tiny_encoder: Encoder) -> None:
    found = faults(
        warm,
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
        "a stopped run that goes on",
    )
    assert [found[what] for what in ("tries", "mistold", "lost", "damaged", "unequal", "parents_changed")] == [2, 0, 0, 0, 0, 0]


@pytest.mark.slow
def test_each_kind_once_in_two_processes(warm: Warm, tiny_encoder: Encoder) -> None:
    found = faults(warm, tiny_encoder, "--tries", "0", "--two", "1", "--torchrun", "0")
    assert [found[what] for what in ("tries", "mistold", "lost", "damaged", "unequal", "parents_changed")] == [5, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("harm", ["model", "event", "parent", None])
def test_what_is_wrong_is_found(fresh: Callable[[], Path], servers: Servers, harm: str | None) -> None:
    runs: Path = fresh()
    servers(runs)
    run, wanted = run_in(runs), outcome(runs)
    scene = Scene("", runs, run.id, {run.id: wanted}, {}, (), 0)
    parents = {run.id: digests(run.path)}
    if harm == "model":
        scene = replace(scene, wanted={run.id: replace(wanted, weights=b"")})
    elif harm == "event":
        log = run.path / "events.jsonl"
        log.write_bytes(log.read_bytes().replace(b'"kind": "saved"', b'"kind": "sawed"', 1))
    elif harm == "parent":
        (run.path / "another").touch()
    found = _judge(scene, runs, parents, Found(Disturbance("kill", "", "start", 0, 0.0), view_in(runs).status))
    assert bool(found.unequal) == (harm == "model")
    assert bool(found.damaged) == (harm == "event")
    assert bool(found.changed) == (harm in ("event", "parent"))
    assert bool(found.faults) == (harm is not None)
