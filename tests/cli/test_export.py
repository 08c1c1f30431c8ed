"""``export``: whether the folder of the run or the file to write is what cannot be used. tests/workspace/test_exports.py writes every form."""

from pathlib import Path

import pytest

from trainer.__main__ import main
from trainer.errors import UnavailableError
from trainer.runs.run_files import LOG, MODEL


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """What looks like a run with a model."""
    (tmp_path / "run" / MODEL).mkdir(parents=True)
    (tmp_path / "run" / LOG).touch()
    (tmp_path / "run" / MODEL / "config.json").write_text("{}", encoding="utf-8")
    return tmp_path / "run"


@pytest.mark.parametrize(
    ("function", "file", "told"),
    [
        ("_exported", None, "run"),
        ("_write", None, "model.zip"),
        ("_write", "run/exports/model.onnx", "run"),
        ("_write", ".model.zip.part", "model.zip"),
    ],
)
def test_an_error_of_the_disk_names_the_folder_that_has_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], run: Path, function: str, file: str | None, told: str
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device", *([] if file is None else [str(run.parent / file)]))

    monkeypatch.setattr("trainer.cli.export._exported", lambda _: None)
    monkeypatch.setattr(f"trainer.cli.export.{function}", fail)
    assert main(["export", str(run), "--format", "onnx", "--out", str(run.parent / "model.zip")]) == UnavailableError.exit_status
    message = capsys.readouterr().err
    assert "No space left on device" in message
    assert message.startswith(
        f"The model could not be exported in {run}" if told == "run" else f"{run.parent / 'model.zip'} could not be written"
    )
