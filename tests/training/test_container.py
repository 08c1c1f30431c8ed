"""The memory that a container grants, from folders like those of the kernel."""

import math
from pathlib import Path

import pytest

from trainer.training.container import available_bytes

GB = 2**30


def group(folder: Path, *, version: int, limit: str, taken: int, files: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = (
        ("memory.max", "memory.current", "inactive_file")
        if version == 2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    )
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{taken}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {files}\nactive_file 7\n")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def test_the_limit_of_a_container_counts_and_copies_of_files_give_way(tmp_path: Path, own: Path) -> None:
    own.write_text("0::/\n")
    group(tmp_path, version=2, limit=str(4 * GB), taken=3 * GB, files=GB)
    assert available_bytes(tmp_path, own) == 2 * GB


def test_the_least_of_all_groups_above_counts(tmp_path: Path, own: Path) -> None:
    own.write_text("0::/a/b\n")
    group(tmp_path / "a" / "b", version=2, limit="max", taken=GB, files=0)
    group(tmp_path / "a", version=2, limit=str(2 * GB), taken=GB, files=0)
    group(tmp_path, version=2, limit=str(9 * GB), taken=GB, files=0)
    assert available_bytes(tmp_path, own) == GB


def test_groups_of_the_first_version(tmp_path: Path, own: Path) -> None:
    own.write_text("5:cpu,cpuacct:/x\n4:memory:/docker/abc\n")
    group(tmp_path / "memory" / "docker" / "abc", version=1, limit=str(GB), taken=GB // 4, files=0)
    group(tmp_path / "memory", version=1, limit="9223372036854771712", taken=8 * GB, files=0)
    group(tmp_path / "x", version=2, limit="1", taken=0, files=0)
    assert available_bytes(tmp_path, own) == GB * 3 / 4


def test_inside_a_container_only_its_own_root_is_seen(tmp_path: Path, own: Path) -> None:
    own.write_text("0::/kubepods/pod1/one\n")
    group(tmp_path, version=2, limit=str(GB), taken=2 * GB, files=0)
    assert available_bytes(tmp_path, own) == 0


@pytest.mark.parametrize("words", [None, "", "nonsense", "0::", "4:memory:/", "0::/../../etc"])
def test_no_limit_is_no_limit(tmp_path: Path, own: Path, words: str | None) -> None:
    if words is not None:
        own.write_text(words)
    assert available_bytes(tmp_path / "sys", own) == math.inf
