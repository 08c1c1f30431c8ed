"""``status``, ``switch`` and ``users``."""

import io
import json
from pathlib import Path

import pytest

from tests.cli.commands import CommandResult, InProcessCommand
from trainer.switches import Switches


@pytest.fixture
def switches(run_command: InProcessCommand, trained_run: CommandResult) -> Switches:
    return Switches(Path(trained_run.last["path"]).parent)


def test_status_lists_owners_jobs_disk_and_switches(run_command: InProcessCommand, trained_run: CommandResult, switches: Switches) -> None:
    values = json.loads(run_command("status", "--json").out.splitlines()[-1])
    assert [owner["owner"] for owner in values["owners"]] == ["local"]
    assert values["owners"][0]["runs"] >= 1
    assert (values["jobs"], values["switches"]) == ([], [])
    assert values["free_bytes"] > 0
    assert "local: " in run_command("status").out


def test_a_switch_is_turned_on_and_off(run_command: InProcessCommand, switches: Switches) -> None:
    result = run_command("switch", "no-trainings", "on")
    assert (result.status, result.out) == (0, "no-trainings is on. No training can be started or resumed.\n")
    assert "Switched on: no-trainings" in run_command("status").out
    assert run_command("switch", "no-trainings", "off").status == 0
    assert switches.on() == ()


def test_a_visitor_is_blocked_by_name(run_command: InProcessCommand, switches: Switches) -> None:
    assert run_command("switch", "block:visitor-0123", "on").status == 0
    assert switches.blocks("visitor-0123")
    assert run_command("switch", "block:visitor-0123", "off").status == 0


@pytest.mark.parametrize("name", ["lights", "block:local", "../x"])
def test_an_unknown_switch_is_refused(run_command: InProcessCommand, switches: Switches, name: str) -> None:
    result = run_command("switch", name, "on")
    assert result.status == 2
    assert "There is no switch" in result.err
    assert switches.on() == ()


def test_users_are_added_listed_and_removed(run_command: InProcessCommand, switches: Switches, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_command("users", "list").out == "There is no user yet.\n"
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    result = run_command("users", "add", "Ada")
    assert (result.status, result.out) == (0, "ada may log in.\n")
    assert run_command("users", "list").out == "ada\n"
    assert run_command("users", "remove", "ada").status == 0
    result = run_command("users", "remove", "ada")
    assert result.status == 2
    assert "There is no user" in result.err
