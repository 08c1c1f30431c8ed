"""The examples of the documentation: commands run as they stand, or, where that takes minutes or more than this computer, are checked word by word.

The examples over HTTP run in ``tests/ui``, which has a server.
"""

import argparse
import itertools
import json
import re
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import app
from tests.cli.commands import CommandResult, InProcessCommand
from tests.docs.commands import arguments, commands
from tests.docs.pages import ROOT, code_blocks, pages
from tests.readers import SharedReader
from trainer.__main__ import build_parser
from trainer.data.reader.file_reader import FileReader
from trainer.settings import VARIABLES
from trainer.training.encoders import Encoder

PAGES = [path for path in pages() if any(block.language == "console" for block in code_blocks(path.read_text(encoding="utf-8")))]
OTHER_OPTIONS = {"--build-arg", "--nproc-per-node"}
"""Options of docker and torchrun."""


def console_commands(page: str) -> list[str]:
    """The commands of a page: lines that begin with a prompt, ``$`` or, on Windows, ``>``."""
    blocks = [block.code for block in code_blocks(page) if block.language == "console"]
    return [line[2:] for block in blocks for line in block.splitlines() if line.startswith(("$ ", "> "))]


@dataclass
class Console:
    """Runs or checks one command after the other; ``RUN`` is the run that was trained last."""

    trainer: InProcessCommand
    encoder: Encoder
    run: str = ""
    ran: list[str] = field(default_factory=list)

    def run_or_check(self, command: str) -> None:
        words = shlex.split(command.replace("\\", "/"))
        while "=" in words[0]:
            assert words.pop(0).partition("=")[0] in {variable.name for variable in VARIABLES}
        words = [re.sub(r"\.venv/(Scripts|bin)/", "", word) for word in words]
        checks: dict[tuple[str, ...], Callable[[Sequence[str]], None]] = {
            ("python", "-m", "trainer"): self._run_trainer,
            ("python", "-m", "pip"): _check_pip,
            ("python", "-m", "venv"): lambda words: None,
            ("python", "app.py"): lambda words: _parse(app.build_parser(), words),
            ("torchrun",): _check_torchrun,
            ("make",): _check_make,
            ("docker",): _check_docker,
        }
        known = [prefix for prefix in checks if tuple(words[: len(prefix)]) == prefix]
        assert known, f"nobody runs or checks this command: {command}"
        checks[known[0]](words[len(known[0]) :])

    def _run_trainer(self, words: Sequence[str]) -> None:
        """Run a command. Its training uses a tiny encoder and takes seconds."""
        tiny = ["--encoder", self.encoder.source, "--set", "max_length=32"] if words[0] == "train" else []
        result: CommandResult = self.trainer(*(self.run if word == "RUN" else word for word in words), *tiny)
        assert result.status == 0, result.err
        assert result.out
        self.ran.append(words[0])
        if words[0] == "train" and "--json" in words:
            self.run = json.loads(result.out.splitlines()[-1])["run"]


def _parse(parser: argparse.ArgumentParser, words: Sequence[str]) -> argparse.Namespace:
    try:
        return parser.parse_args(words)
    except SystemExit as end:
        pytest.fail(f"{parser.prog} does not know {' '.join(words)} ({end.code})")


def _check_pip(words: Sequence[str]) -> None:
    assert words[0] == "install"
    files = [word for word in words[1:] if not word.startswith("-")]
    assert all((ROOT / file).is_file() for file in files), files


def _check_torchrun(words: Sequence[str]) -> None:
    from torch.distributed.run import get_args_parser

    options = _parse(get_args_parser(), words)
    assert (options.module, options.training_script) == (True, "trainer")
    _parse(build_parser(), options.training_script_args)


def _check_make(words: Sequence[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{word}:.*## ", makefile, re.MULTILINE) for word in words), words


def _check_docker(words: Sequence[str]) -> None:
    dockerfile = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    command, *rest = words
    assert command in ("build", "run")
    for option, value in itertools.pairwise(rest):
        expected = {"-p": f"EXPOSE {value.partition(':')[2]}", "-v": f"VOLUME {value.partition(':')[2]}"}.get(option, "")
        assert expected in dockerfile, value
        assert option != "-e" or value.partition("=")[0] in {variable.name for variable in VARIABLES}, value


@pytest.fixture
def console(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reader: FileReader, tiny_encoder: Encoder
) -> Console:
    """A terminal in a folder that holds the project's samples, with no runs."""
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "runs"))
    monkeypatch.setattr("trainer.data.reader.file_reader.FileReader", lambda **_: SharedReader(reader))
    return Console(InProcessCommand(capsys), tiny_encoder)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_run(path: Path, console: Console) -> None:
    for command in console_commands(path.read_text(encoding="utf-8")):
        console.run_or_check(command)


def test_the_page_of_the_terminal_shows_every_command_but_that_of_drafts() -> None:
    shown = console_commands((ROOT / "docs" / "terminal.md").read_text(encoding="utf-8"))
    named = {shlex.split(command)[3] for command in shown if command.startswith("python -m trainer")}
    assert {f"python -m trainer {name}" for name in named} >= commands().keys() - {"python app.py", "python -m trainer drafts"}


@pytest.mark.parametrize(
    "command",
    ["python -m trainer guess FILE", "python -m trainer train assets/none.csv", "make coffee", "docker run -p 1:1 emotune", "pip x"],
)
def test_a_wrong_command_is_noticed(command: str, console: Console) -> None:
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        console.run_or_check(command)


def test_options_named_in_sentences_exist() -> None:
    known = {option for command in commands().values() for action in arguments(command) for option in action.option_strings}
    for path in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        named = {
            option
            for span in re.findall(r"`([^`\n]+)`", path.read_text(encoding="utf-8"))
            for option in re.findall(r"(?<!\w)--[a-z-]+", span)
        }
        assert named <= known | OTHER_OPTIONS, path.name


def test_the_model_folder_loads_as_the_example_says(console: Console, tmp_path: Path) -> None:
    page = (ROOT / "docs" / "terminal.md").read_text(encoding="utf-8")
    console.run_or_check("python -m trainer train assets/sample_emotions.csv --epochs 1 --json")
    example = next(block.code for block in code_blocks(page) if block.language == "python")
    assert "RUNS/ID/model" in example
    names: dict = {}
    exec(compile(example.replace("RUNS/ID", str(tmp_path / "runs" / console.run)), "terminal.md", "exec"), names)
    (answer,) = names["classify"](["I can't believe it!"], truncation=True)
    assert len(answer) == 6
    assert sum(score["score"] for score in answer) == pytest.approx(1, abs=1e-4)
