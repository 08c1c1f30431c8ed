"""Who reads a folder: a mark is left behind by a process that ends while it reads, and by no other."""

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.child_processes import popen
from trainer.drafts.crash_marks import mark_reading, remove_stale_marks, stale_marks

_READER = """
import sys
from pathlib import Path
from trainer.drafts.crash_marks import mark_reading

with mark_reading(Path(sys.argv[1]), sys.argv[2:]):
    print("reads", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(folder: Path, *files: str) -> Iterator[subprocess.Popen]:
    """One that reads until its input ends."""
    command = [sys.executable, "-c", _READER, str(folder), *files]
    process = popen(command, cwd=Path(__file__).parents[2], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout.readline().strip() == "reads"
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_killed_reader_leaves_its_mark(tmp_path: Path) -> None:
    with another_process(tmp_path, "source", "source-test") as process:
        assert stale_marks(tmp_path) == ()
        assert len(list(tmp_path.iterdir())) == 1
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert stale_marks(tmp_path) == (frozenset({"source", "source-test"}),)
    remove_stale_marks(tmp_path)
    assert (stale_marks(tmp_path), list(tmp_path.iterdir())) == ((), [])


def test_a_reader_that_comes_to_an_end_leaves_none(tmp_path: Path) -> None:
    with another_process(tmp_path, "source") as process:
        process.communicate()
        assert process.returncode == 0
        assert list(tmp_path.iterdir()) == []


def test_a_reader_that_fails_in_words_leaves_none(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), mark_reading(tmp_path, ["source"]):
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_the_marks_of_the_living_are_neither_left_behind_nor_removed(tmp_path: Path) -> None:
    with another_process(tmp_path, "a"), mark_reading(tmp_path, ["b"]), mark_reading(tmp_path, ["b"]):
        remove_stale_marks(tmp_path)
        assert stale_marks(tmp_path) == ()
        assert len(list(tmp_path.iterdir())) == 3


def test_one_reader_that_died_is_told_from_one_that_lives(tmp_path: Path) -> None:
    with another_process(tmp_path, "alive"):
        with another_process(tmp_path, "dead"):
            pass
        assert stale_marks(tmp_path) == (frozenset({"dead"}),)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"process": 1}', b"[" * 10_000])
def test_what_is_no_mark_accuses_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "reading-x").write_bytes(content)
    assert stale_marks(tmp_path) == ()


def test_without_locks_a_process_is_not_taken_for_dead_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fcntl = pytest.importorskip("fcntl")

    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with mark_reading(tmp_path, ["source"]):
        assert stale_marks(tmp_path) == ()
    assert list(tmp_path.iterdir()) == []


def test_where_no_mark_can_be_made_the_file_is_read_all_the_same(tmp_path: Path) -> None:
    read = []
    with mark_reading(tmp_path / "gone", ["source"]):
        read.append(True)
    assert read
    assert stale_marks(tmp_path / "gone") == ()
