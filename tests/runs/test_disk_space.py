"""Disk usage: hard links count once, and only old files are removed."""

import os
from pathlib import Path

import pytest

from trainer.runs.disk_space import files_on_disk, remove_older, run_storage, total_bytes
from trainer.runs.run import Run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    for name, size in (("model/weights", 5000), ("checkpoints/state-1/optimizer", 9000), ("data.parquet", 300), ("events.jsonl", 20)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x" * size)
    (tmp_path / "checkpoints" / "best-1").mkdir()
    os.link(tmp_path / "model" / "weights", tmp_path / "checkpoints" / "best-1" / "weights")
    return Run(tmp_path)


def test_what_model_and_checkpoint_share_counts_as_the_model_s(run: Run) -> None:
    room = run_storage(run, "brisk otter")
    assert (room.id, room.name) == (run.id, "brisk otter")
    assert (room.model, room.checkpoints, room.other, room.total) == (5000, 9000, 320, 14_320)


def test_two_folders_that_share_files_count_them_once_together(run: Run, tmp_path: Path) -> None:
    model, checkpoints = files_on_disk(run.model), files_on_disk(run.checkpoints)
    assert (total_bytes(model), total_bytes(checkpoints), total_bytes(model, checkpoints)) == (5000, 14_000, 14_000)
    assert total_bytes(files_on_disk(tmp_path / "missing")) == total_bytes() == 0


def test_only_old_files_go_and_the_folders_that_they_leave_empty(tmp_path: Path) -> None:
    for name, time in (("a/old.csv", 100.0), ("b/old.csv", 100.0), ("b/new.csv", 300.0)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"xyz")
        for path in (tmp_path / name, (tmp_path / name).parent):
            os.utime(path, (time, time))
    # An upload is about to be moved into it.
    (tmp_path / "c").mkdir()
    assert remove_older(tmp_path, older_than=200.0) == 6
    assert sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")) == ["b", "b/new.csv", "c"]
    assert remove_older(tmp_path / "missing", older_than=200.0) == 0
