"""Who writes a run: one at a time, and a death is noticed at once."""

import os
import platform
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from trainer.runs.writer import beat, has_living_writer, writing

HOLD = """
import sys, time
from pathlib import Path
from trainer.runs.writer import writing
with writing(Path(sys.argv[1])) as mine:
    print(mine, flush=True)
    time.sleep(60)
"""


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    assert not has_living_writer(tmp_path)
    with writing(tmp_path) as first:
        assert first
        assert has_living_writer(tmp_path)
        with writing(tmp_path) as second:
            assert not second
        assert has_living_writer(tmp_path)
    assert not has_living_writer(tmp_path)


def test_a_killed_writer_is_dead_at_once(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2], text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "True"
    assert has_living_writer(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not has_living_writer(tmp_path)
    with writing(tmp_path) as mine:
        assert mine


def test_a_heartbeat_is_never_seen_half_written(tmp_path: Path) -> None:
    beat(tmp_path)
    seen: set[str] = set()
    done = threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.add((tmp_path / "heartbeat").read_text(encoding="utf-8"))

    watcher = threading.Thread(target=watch)
    watcher.start()
    for _ in range(300):
        beat(tmp_path)
    done.set()
    watcher.join()
    assert seen == {platform.node()}


def test_an_empty_heartbeat_is_nobodys(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / "heartbeat").touch()
    assert not has_living_writer(tmp_path)


def test_a_heartbeat_of_another_machine_counts_while_it_is_fresh(tmp_path: Path) -> None:
    (tmp_path / "lock").touch()
    (tmp_path / "heartbeat").write_text("some-other-machine")
    assert has_living_writer(tmp_path)
    old = time.time() - 120
    os.utime(tmp_path / "heartbeat", (old, old))
    assert not has_living_writer(tmp_path)
