"""One server per runs folder: a second one is told who serves, a killed one frees the folder at once, trainings do not need the lock."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.child_processes import popen
from trainer.errors import UserError
from trainer.runs.file_locks import try_lock
from trainer.runs.server_lock import server_lock
from trainer.runs.writer_lock import is_being_written, writer_lock

HOLD = """
import os, sys, time
from pathlib import Path
from trainer.runs.server_lock import server_lock
with server_lock(Path(sys.argv[1])) as tell:
    if sys.argv[2:]:
        tell(sys.argv[2])
    child = os.fork() if os.environ.get("WITH_CHILD") else None
    if not child:
        print(os.getpid(), flush=True)
    time.sleep(300)
"""


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.runs.server_lock._TRIES", 5)


@contextmanager
def another_server(folder: Path, *address: str, **environment: str) -> Iterator[subprocess.Popen]:
    """A process that serves the folder; ended after the block at the latest."""
    process = popen(
        [sys.executable, "-c", HOLD, str(folder), *address],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def served_by(folder: Path) -> int:
    """The process id in the server's file."""
    return json.loads((folder / "serving.json").read_text())["process"]


def ready(process: subprocess.Popen) -> str:
    """Wait until the process holds the lock, and until its child runs if it has one; returns the process id of the child, or its own."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def refusal(folder: Path) -> UserError:
    with pytest.raises(UserError) as refused, server_lock(folder):
        pass
    return refused.value


def test_the_second_is_told_where_the_first_serves(tmp_path: Path) -> None:
    with another_server(tmp_path, "http://127.0.0.1:7860/") as first:
        ready(first)
        refused = refusal(tmp_path)
        since = time.strftime("%H:%M", time.localtime(json.loads((tmp_path / "serving.json").read_text())["since"]))
        assert refused.code == "already_serving"
        assert refused.message == (
            f"Emotune already serves the folder {tmp_path}, at http://127.0.0.1:7860 (process {first.pid}, since {since}). "
            "Open that page, end that program, or name another folder in the environment variable EMOTUNE_RUNS."
        )


def test_before_the_address_is_known_no_page_is_promised(tmp_path: Path) -> None:
    with server_lock(tmp_path) as tell:
        assert f"serves the folder {tmp_path} (process {os.getpid()}, since" in refusal(tmp_path).message
        assert "Open that page" not in refusal(tmp_path).message
        tell("http://localhost:7861/")
        assert "at http://localhost:7861 (" in refusal(tmp_path).message


def test_a_killed_server_frees_the_folder_at_once(tmp_path: Path) -> None:
    with another_server(tmp_path) as first:
        ready(first)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        assert (tmp_path / "serving.json").exists()
        with server_lock(tmp_path):
            assert served_by(tmp_path) == os.getpid()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")
def test_a_child_of_a_killed_server_does_not_keep_the_folder(tmp_path: Path) -> None:
    with another_server(tmp_path, WITH_CHILD="1") as first:
        child = int(ready(first))
        try:
            refusal(tmp_path)
            os.kill(first.pid, signal.SIGKILL)
            first.wait()
            os.kill(child, 0)  # still there
            with server_lock(tmp_path):
                assert served_by(tmp_path) == os.getpid()
        finally:
            os.kill(child, signal.SIGKILL)


def test_one_after_the_other_and_nothing_said_of_the_one_before(tmp_path: Path) -> None:
    for _ in range(2):
        with server_lock(tmp_path) as tell:
            tell("http://127.0.0.1:7860")
        assert not (tmp_path / "serving.json").exists()


def test_it_is_let_go_when_serving_fails(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), server_lock(tmp_path):
        raise ZeroDivisionError
    with server_lock(tmp_path):
        assert served_by(tmp_path) == os.getpid()


def test_a_server_that_is_just_ending_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with another_server(tmp_path) as first:
        ready(first)
        taken = []

        def first_ends_after_the_third_try(file: BinaryIO, *, shared: bool) -> bool:
            taken.append(try_lock(file, shared=shared))
            if len(taken) == 3:
                first.kill()
                first.wait()
            return taken[-1]

        monkeypatch.setattr("trainer.runs.server_lock.try_lock", first_ends_after_the_third_try)
        with server_lock(tmp_path):
            assert served_by(tmp_path) == os.getpid()
    assert taken == [False, False, False, True]


@pytest.mark.parametrize(
    "note", [None, "", "{", "[]", "[" * 100_000, '{"process": 1}', '{"process": "x", "host": "h", "since": 1, "address": ""}']
)
def test_a_missing_or_damaged_note_still_makes_a_sentence(tmp_path: Path, note: str | None) -> None:
    with server_lock(tmp_path):
        (tmp_path / "serving.json").unlink()
        if note is not None:
            (tmp_path / "serving.json").write_text(note)
        assert refusal(tmp_path).message.startswith(f"Another Emotune already serves the folder {tmp_path}. End that program, or")


def test_another_computer_and_another_day_are_named(tmp_path: Path) -> None:
    with server_lock(tmp_path):
        note = json.loads((tmp_path / "serving.json").read_text())
        (tmp_path / "serving.json").write_text(json.dumps(note | {"host": "attic", "since": time.mktime((2001, 2, 3, 4, 5, 0, 0, 0, -1))}))
        assert f"(process {os.getpid()} on the computer attic, since 2001-02-03 04:05)" in refusal(tmp_path).message


def test_runs_are_written_and_read_under_a_server(tmp_path: Path) -> None:
    run = tmp_path / ("0" * 32)
    run.mkdir()
    with another_server(tmp_path) as first:
        ready(first)
        assert not is_being_written(run)
        with writer_lock(run) as acquired:
            assert acquired
            assert is_being_written(run)


def test_without_locks_on_the_file_system_everybody_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with server_lock(tmp_path), server_lock(tmp_path) as second:
        second("http://127.0.0.1:7861")
        assert json.loads((tmp_path / "serving.json").read_text())["address"] == "http://127.0.0.1:7861"


def test_a_full_disk_does_not_keep_the_page_shut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("trainer.runs.server_lock.write_json_with_checksum", full)
    with server_lock(tmp_path) as tell:
        tell("http://127.0.0.1:7860")
        assert "Another Emotune" in refusal(tmp_path).message


def test_a_lock_that_cannot_be_opened_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "serving.lock").mkdir()
    refused = refusal(tmp_path)
    assert refused.code == "disk_not_writable"
    assert str(tmp_path / "serving.lock") in refused.message
