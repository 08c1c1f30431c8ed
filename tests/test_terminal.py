"""No text controls the terminal."""

import os
import sys

import pytest

from tests.browser.example_runs import make_run
from trainer.__main__ import main
from trainer.runs.event_types import load_event
from trainer.settings import Settings
from trainer.terminal import terminal_line, without_control_characters

STEERS = ["\x1b[31mred", "\x1b]0;title\x07", "a\rforged", "a\nforged line", "\x9b2J", "\u202eabc", "a\u2066b\u2069", "a\x08b", "a\u2028b"]


@pytest.mark.parametrize("name", STEERS)
def test_a_name_is_one_line_without_control_characters(name: str) -> None:
    shown = terminal_line(name)
    assert len(shown.splitlines()) == 1
    assert shown.isprintable()


def test_printed_text_has_no_control_sequences(capsys: pytest.CaptureFixture[str]) -> None:
    with without_control_characters():
        print("".join(STEERS), "plain words, fett, \u05e9\u05dc\u05d5\u05dd\n\tmore")
        print("\x1b[1mloud", file=sys.stderr)
        assert sys.stdout.isatty() is False
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert "\u202e" not in captured.out
    assert "plain words, fett, \u05e9\u05dc\u05d5\u05dd\n\tmore" in captured.out


def test_a_reader_that_has_gone_ends_no_command(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = []
    with open(writing, "w") as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)
        with without_control_characters():
            print("more than the pipe's buffer" * 10_000)
            done.append("the command went on")
            print("and in the buffer until the end")
    assert done


def test_the_list_of_runs_has_one_line_per_run_for_any_name(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("\u202eabc", "caf\u00e9 \u05e9\u05dc\u05d5\u05dd", "a\u200bb"):
        make_run(settings.runs_dir, [[2, 1], [1, 2]], ("a", "b"), name=name, source_name="x\u2066y.csv")
    monkeypatch.setenv("EMOTUNE_RUNS", str(settings.runs_dir))
    assert main(["runs"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert not any(c in line for line in lines for c in "\u202e\u2066\x1b")


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31m", "a\x7f", "a\x85b", "a\u2028b"])
def test_a_log_whose_names_hold_control_characters_is_damaged(name: str) -> None:
    assert load_event({"type": "renamed", "time": 1.0, "name": name}) is None
    assert load_event({"type": "renamed", "time": 1.0, "name": "caf\u00e9 \u05e9\u05dc\u05d5\u05dd \U0001fae0\u00a0x"})
