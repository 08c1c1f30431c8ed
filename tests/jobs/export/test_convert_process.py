"""The process that exports a model is followed: a stop is seen while it says nothing, and what went wrong is told as it was."""

import sys
from itertools import count
from pathlib import Path

import pytest

from trainer.errors import UserError
from trainer.jobs.export import convert_process


class Stop(Exception):
    """Raised to stop."""


def follow(monkeypatch: pytest.MonkeyPatch, program: str, stop_after: int | None = None) -> object:
    """Follow a process that runs ``program`` instead of an export; asked for the ``stop_after``-th time, it is to stop."""
    asked = count(1)

    def stop_if_asked() -> None:
        if next(asked) == stop_after:
            raise Stop

    monkeypatch.setattr(convert_process, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(convert_process, "_command", lambda *_: [sys.executable, "-c", program])
    return convert_process.run_conversion(Path("model"), Path("work"), lambda *_: None, stop_if_asked)


def test_a_stop_is_seen_while_the_process_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Stop):
        follow(monkeypatch, "import time; time.sleep(60)", stop_after=3)


def test_what_it_says_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    assert follow(monkeypatch, 'print(\'{"what": "a", "done": 0.5}\'); print(\'{"result": {"a": 1}}\')') == {"a": 1}


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("import os; os.kill(os.getpid(), 9)", "lack memory"),
        ("import sys; sys.exit(3)", "exit status 3"),
    ],
)
def test_a_process_that_ends_without_a_word(monkeypatch: pytest.MonkeyPatch, program: str, told: str) -> None:
    with pytest.raises(UserError, match=told) as failed:
        follow(monkeypatch, program)
    assert failed.value.code == "export_failed"
    assert ("memory" in failed.value.message) == ("memory" in told)


@pytest.mark.parametrize(
    ("raised", "expected", "told"),
    [
        ("ValueError('a text of a user')", UserError, r"failed unexpectedly \(ValueError\)"),
        ("MemoryError()", UserError, "lack memory"),
        ("OSError(28, 'No space left on device')", OSError, "No space left"),
    ],
)
def test_whatever_goes_wrong_in_the_process_is_told(
    monkeypatch: pytest.MonkeyPatch, raised: str, expected: type[Exception], told: str
) -> None:
    program = f"""
from trainer.training.export import convert_main
def fail(*_):
    raise {raised}
convert_main.export_model = fail
convert_main.main(["model", "work"])
"""
    with pytest.raises(expected, match=told) as failed:
        follow(monkeypatch, program)
    assert "a text of a user" not in f"{failed.value} {failed.value.__cause__}"
