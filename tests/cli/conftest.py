"""One run that the command line trained in a real process, shared by the tests that need no process of their own."""

from pathlib import Path

import pytest

from tests.cli.commands import SETTINGS, CommandResult, InProcessCommand, run_process
from tests.readers import SharedReader
from trainer.data.reader.file_reader import FileReader
from trainer.training.encoders import Encoder


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("terminal")


@pytest.fixture(scope="session")
def trained_run(home: Path, tiny_encoder: Encoder, small_csv: Path) -> CommandResult:
    """A run trained by a real process in an empty folder, without EMOTUNE_RUNS."""
    (home / "here").mkdir()
    settings = [f"--set={name}={value}" for name, value in SETTINGS.items() if name != "epochs"]
    command = ["train", str(small_csv), "--encoder", tiny_encoder.source, "--epochs", "12", *settings, "--json"]
    return run_process(*command, cwd=home / "here", XDG_DATA_HOME=str(home / "data"), HOME=str(home))


@pytest.fixture
def run_command(
    trained_run: CommandResult, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reader: FileReader
) -> "InProcessCommand":
    monkeypatch.setattr("trainer.data.reader.file_reader.FileReader", lambda **_: SharedReader(reader))
    monkeypatch.setenv("EMOTUNE_RUNS", str(Path(trained_run.last["path"]).parent))
    return InProcessCommand(capsys)
