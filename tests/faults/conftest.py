"""What the tests of failing share: a run that waits, servers by the hundred, and what must come out whatever happened."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import small_rows, write_rows
from tests.faults.outcomes import Outcome, outcome_of
from tests.tied import popen
from trainer.data.reader.file_reader import FileReader
from trainer.recipe import Recipe
from trainer.runs.run import Run, RunStore, is_run_id
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

ROOT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=1e-2, max_length=32, log_every=2)


@dataclass(frozen=True)
class Servers:
    """Forks servers; see forker.py."""

    process: subprocess.Popen

    def __call__(self, runs: Path, **how: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps({"runs": str(runs), **how}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def run_in(runs: Path) -> Run:
    return Run(next(p for p in runs.iterdir() if is_run_id(p.name)))


def view_in(runs: Path) -> RunView:
    return RunStore(runs).view(run_in(runs))


def outcome(runs: Path) -> Outcome:
    return outcome_of(run_in(runs), view_in(runs))


@pytest.fixture(scope="session")
def waiting_run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, reader: FileReader) -> Path:
    """A runs folder with one run that waits: copied, not used."""
    folder = tmp_path_factory.mktemp("template")
    path = write_rows(folder / "moods.csv", small_rows(120))
    studio = Studio(Settings(runs_dir=folder / "runs"), encoders=[tiny_encoder], reader=reader)
    studio._enqueue = lambda run: None  # type: ignore[method-assign]
    studio.train_files(LOCAL_OWNER, {"main": (path.name, path)}, RECIPE)
    return folder / "runs"


@pytest.fixture
def fresh(waiting_run: Path, tmp_path: Path) -> Iterator[Any]:
    """Makes runs folders of their own, each with the one run that waits."""
    made = [0]

    def make() -> Path:
        made[0] += 1
        return Path(shutil.copytree(waiting_run, tmp_path / f"runs-{made[0]}"))

    return make


@pytest.fixture(scope="session")
def servers(tiny_encoder: Encoder) -> Iterator[Servers]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(Path(__file__).with_name("forker.py")), tiny_encoder.source]
    process = popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield Servers(process)
    process.stdin.close()
    process.wait(30)
