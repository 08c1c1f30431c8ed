"""One writer per run at a time, and a killed one is noticed at once."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.child_processes import popen
from trainer.runs import writer_lock as module
from trainer.runs.writer_lock import is_being_written, maintenance_lock, write_heartbeat, writer_lock

HOLD = """
import sys, time
from pathlib import Path
from trainer.runs.writer_lock import writer_lock
with writer_lock(Path(sys.argv[1])) as acquired:
    print(acquired, flush=True)
    time.sleep(300)
"""


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    assert not is_being_written(tmp_path)
    with writer_lock(tmp_path) as first:
        assert first
        assert is_being_written(tmp_path)
        with writer_lock(tmp_path) as second:
            assert not second
        assert is_being_written(tmp_path)
    assert not is_being_written(tmp_path)


def test_a_writer_takes_its_signs_of_life_away(tmp_path: Path) -> None:
    """Otherwise a run that has just ended on one machine would look alive on another."""
    with writer_lock(tmp_path):
        assert is_being_written(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]
    with pytest.raises(OSError, match="full"), writer_lock(tmp_path):
        raise OSError("the disk is full")
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_killed_writer_is_dead_at_once(tmp_path: Path) -> None:
    process = popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True)
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "True"
    assert is_being_written(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not is_being_written(tmp_path)
    with writer_lock(tmp_path) as acquired:
        assert acquired


def test_a_heartbeat_is_never_seen_half_written(tmp_path: Path) -> None:
    write_heartbeat(tmp_path)
    seen: set[str] = set()
    begun, done = threading.Event(), threading.Event()

    def watch() -> None:
        while not done.is_set():
            try:
                seen.add((tmp_path / "heartbeat").read_text(encoding="utf-8"))
            except OSError as error:
                seen.add(str(error))
            begun.set()

    watcher = threading.Thread(target=watch)
    watcher.start()
    assert begun.wait(TIMEOUT_SECONDS)
    for _ in range(300):
        write_heartbeat(tmp_path)
    done.set()
    watcher.join()
    assert seen == {platform.node()}


def test_an_empty_heartbeat_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "heartbeat").touch()
    assert not is_being_written(tmp_path)


def test_a_heartbeat_of_another_machine_counts_while_it_is_fresh(tmp_path: Path) -> None:
    (tmp_path / "heartbeat").write_text("some-other-machine")
    assert is_being_written(tmp_path)
    old = time.time() - 120
    os.utime(tmp_path / "heartbeat", (old, old))
    assert not is_being_written(tmp_path)


LOOK = """
import os, signal, sys
from pathlib import Path
from trainer.runs import file_locks
from trainer.runs.writer_lock import is_being_written
take = file_locks.try_lock
def stopped_in_the_middle(*args, **kwargs):
    got = take(*args, **kwargs)
    print(got, flush=True)
    os.kill(os.getpid(), signal.SIGSTOP)
    return got
file_locks.try_lock = stopped_in_the_middle
is_being_written(Path(sys.argv[1]))
"""


def test_a_reader_that_is_stopped_in_the_middle_of_a_look_keeps_no_writer_from_beginning(tmp_path: Path) -> None:
    (tmp_path / "alive").touch()  # of a writer that was killed
    reader = popen([sys.executable, "-c", LOOK, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True)
    try:
        assert reader.stdout.readline().strip() == "True"  # it has what it looks with
        with writer_lock(tmp_path) as acquired:
            assert acquired
            assert is_being_written(tmp_path)
    finally:
        reader.kill()
        reader.wait()


def test_any_number_of_readers_keep_no_writer_from_beginning_and_see_each_one(tmp_path: Path) -> None:
    begun, done = threading.Event(), threading.Event()
    seen: list[bool] = []

    def check_often() -> None:
        while not done.is_set():
            seen.append(is_being_written(tmp_path))
            begun.set()

    readers = [threading.Thread(target=check_often) for _ in range(4)]
    for reader in readers:
        reader.start()
    try:
        assert begun.wait(TIMEOUT_SECONDS)
        for _ in range(200):
            with writer_lock(tmp_path) as acquired:
                assert acquired
                assert is_being_written(tmp_path)
            assert not is_being_written(tmp_path)
    finally:
        done.set()
        for reader in readers:
            reader.join()
    assert seen


def test_who_holds_a_run_for_an_instant_is_no_writer_to_readers(tmp_path: Path) -> None:
    with maintenance_lock(tmp_path) as lock:
        assert lock is not None
        assert not is_being_written(tmp_path)
        with writer_lock(tmp_path) as acquired:
            assert not acquired
    with writer_lock(tmp_path) as acquired:
        assert acquired


def test_who_holds_a_run_waits_for_another_that_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original, taken = module.try_lock, []

    def first_lets_go_after_the_third_try(file: BinaryIO, *, shared: bool) -> bool:
        taken.append(original(file, shared=shared))
        if len(taken) == 3:
            first.close()
        return taken[-1]

    with ExitStack() as first:
        assert first.enter_context(maintenance_lock(tmp_path)) is not None
        monkeypatch.setattr(module, "try_lock", first_lets_go_after_the_third_try)
        with maintenance_lock(tmp_path) as lock:
            assert lock is not None
    assert taken == [False, False, False, True]


def test_a_lock_of_a_folder_that_was_moved_away_is_nobodys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (run := tmp_path / "run").mkdir()
    with writer_lock(run):
        pass
    original = module.try_lock

    def late(file: BinaryIO, *, shared: bool) -> bool:
        # Between the opening of the lock and its taking the run is deleted.
        if run.is_dir():
            run.rename(tmp_path / ".deleted-run")
        return original(file, shared=shared)

    monkeypatch.setattr(module, "try_lock", late)
    with writer_lock(run) as acquired:
        assert not acquired
    with maintenance_lock(run) as lock:
        assert lock is None
