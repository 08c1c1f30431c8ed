"""Shared by the fault tests: runs folders with a queued run, forked servers, and the outcome of a run."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.child_processes import popen
from tests.conftest import small_rows, write_rows
from tests.faults.damaged_pair import RECIPE as DAMAGE_RECIPE
from tests.faults.damaged_pair import Pair, open_studio
from tests.faults.outcomes import Outcome, outcome_of
from trainer.data.reader.file_reader import FileReader
from trainer.recipe import Recipe
from trainer.runs.ids import is_id
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER, Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

ROOT = Path(__file__).resolve().parents[2]
RECIPE = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=1e-2, max_length=32, log_every=2)


@dataclass(frozen=True)
class RunServer:
    """Runs a forked server to its end; see forker.py."""

    process: subprocess.Popen

    def __call__(self, runs: Path, **options: Any) -> dict[str, Any]:
        self.process.stdin.write(json.dumps({"runs": str(runs), **options}) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())


def run_in(runs: Path) -> Run:
    return Run(next(p for p in runs.iterdir() if is_id(p.name)))


def view_in(runs: Path) -> RunView:
    return RunStore(runs).view(run_in(runs))


def outcome(runs: Path) -> Outcome:
    return outcome_of(run_in(runs), view_in(runs))


@pytest.fixture(scope="session")
def queued_run(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, reader: FileReader) -> Path:
    """A runs folder with one queued run, to be copied."""
    folder = tmp_path_factory.mktemp("template")
    path = write_rows(folder / "moods.csv", small_rows(120))
    studio = Studio(Settings(runs_dir=folder / "runs"), encoders=[tiny_encoder], reader=reader)
    studio._queue.put = lambda run_id: None  # type: ignore[method-assign]
    studio.for_owner(LOCAL_OWNER).train_files({"main": (path.name, path)}, RECIPE)
    return folder / "runs"


@pytest.fixture
def make_runs(queued_run: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes separate runs folders, each with one queued run."""
    numbers = count(1)
    return lambda: Path(shutil.copytree(queued_run, tmp_path / f"runs-{next(numbers)}"))


@pytest.fixture(scope="session")
def run_server(tiny_encoder: Encoder) -> Iterator[RunServer]:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(Path(__file__).with_name("forker.py")), tiny_encoder.source]
    process = popen(command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    yield RunServer(process)
    process.stdin.close()
    process.wait(TIMEOUT_SECONDS)


@pytest.fixture(scope="session")
def trained_pair(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, reader: FileReader) -> Path:
    """Two equal trainings."""
    folder = tmp_path_factory.mktemp("template")
    path = write_rows(folder / "moods.csv", small_rows(120))
    studio = Studio(Settings(runs_dir=folder / "runs", save_seconds=0), encoders=[tiny_encoder], reader=reader)
    for _ in range(2):
        view = studio.for_owner(LOCAL_OWNER).train_files({"main": (path.name, path)}, DAMAGE_RECIPE)
        assert studio.for_owner(LOCAL_OWNER).wait(view.id, TIMEOUT_SECONDS).status == "finished"
    studio.close()
    shutil.rmtree(folder / "runs" / "drafts", ignore_errors=True)
    return folder / "runs"


@pytest.fixture
def copy_pair(trained_pair: Path, tmp_path: Path, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Callable[[], Pair]]:
    """Each call returns fresh copies of the two runs in the same place, in a new studio."""
    runs = tmp_path / "runs"
    other, run = (view.id for view in RunStore(trained_pair).list(LOCAL_OWNER))

    def copy() -> Pair:
        shutil.rmtree(runs, ignore_errors=True)
        shutil.copytree(trained_pair, runs)
        return Pair(open_studio(Settings(runs_dir=runs), [tiny_encoder], reader), run, other)

    yield copy
    shutil.rmtree(runs, ignore_errors=True)
