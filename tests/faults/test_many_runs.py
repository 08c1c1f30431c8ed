"""A server that has trained fifty runs uses no more than after the first ones: memory, threads, open files, temporary files."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.faults.conftest import ROOT
from trainer.training.encoders import Encoder


@pytest.mark.slow
def test_fifty_runs_in_one_server(tmp_path: Path, tiny_encoder: Encoder) -> None:
    path = write_rows(tmp_path / "moods.csv", small_rows(120))
    (tmp_path / "temporary").mkdir()
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path / "temporary")}
    command = [sys.executable, str(Path(__file__).with_name("soak.py")), tiny_encoder.source, str(path), str(tmp_path / "runs"), "50"]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900)
    assert process.returncode == 0, process.stderr[-3000:]
    usages = json.loads(process.stdout.splitlines()[-1])
    assert [s["status"] for s in usages] == ["finished"] * 50
    # The first ten fill caches: kernels, loaded models, thread pools.
    early, late = usages[10], usages[-1]
    print(f"after 11 runs {early}; after 50 {late}")
    assert late["threads"] <= early["threads"]
    assert late["files"] <= early["files"]
    assert late["temporary"] <= early["temporary"]
    assert late["megabytes"] <= 1.05 * early["megabytes"]
