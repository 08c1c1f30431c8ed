"""Exports a model in this process: a fresh one would take seconds to import torch and transformers. tests/workspace/test_exports.py uses the real way."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from trainer.training.export import convert_main


def convert_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_conversion(model: Path, work: Path, report: Callable[[str, float], None], stop_if_asked: Callable[[], None]) -> dict[str, Any]:
        def report_and_stop(what: str, done: float) -> None:
            report(what, done)
            stop_if_asked()

        return convert_main.export_model(model, work, report_and_stop)

    monkeypatch.setattr("trainer.jobs.export.export_run.run_conversion", run_conversion)
