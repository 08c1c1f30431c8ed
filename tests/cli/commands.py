"""Runs ``python -m trainer`` in a process of its own or in this one."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.warm_interpreter import WarmInterpreter
from trainer.__main__ import main
from trainer.training.encoders import Encoder

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = {"epochs": 12, "batch_size": 16, "learning_rate": 5e-3, "max_length": 32, "seed": 7}
SCORES = {"accuracy", "macro_f1", "weighted_f1", "per_class", "rows"}


@dataclass(frozen=True)
class CommandResult:
    status: int
    out: str
    err: str

    @property
    def last(self) -> dict:
        """The JSON object of the last line."""
        return json.loads(self.out.splitlines()[-1])


def run_process(*arguments: str, cwd: Path, warm_interpreter: WarmInterpreter | None = None, **environment: str) -> CommandResult:
    """Run the command as a user does, from any folder; in a new interpreter if there is no ``warm_interpreter`` one."""
    variables = {k: v for k, v in os.environ.items() if k != "EMOTUNE_RUNS"} | {"PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-m", "trainer", *arguments]
    if warm_interpreter is None:
        done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=TIMEOUT_SECONDS)
    else:
        done = warm_interpreter.run(command, cwd=cwd, env=variables)
    return CommandResult(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class InProcessCommand:
    """Runs the command in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> CommandResult:
        self.capsys.readouterr()
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as error:
            status = int(error.code or 0)
        captured = self.capsys.readouterr()
        return CommandResult(status, captured.out, captured.err)


def quick(tiny_encoder: Encoder) -> list[str]:
    return ["--encoder", tiny_encoder.source, "--epochs", "1", "--set", "max_length=32", "--json"]
