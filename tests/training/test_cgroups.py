"""The memory that a container grants, from folders like those of the kernel."""

import math
from pathlib import Path

import pytest

from trainer.training.cgroups import available_bytes, used_share

GB = 2**30


def group(folder: Path, *, version: int, limit: str, usage: int, reclaimable: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    names = (
        ("memory.max", "memory.current", "inactive_file")
        if version == 2
        else ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
    )
    (folder / names[0]).write_text(f"{limit}\n")
    (folder / names[1]).write_text(f"{usage}\n")
    (folder / "memory.stat").write_text(f"anon 5\n{names[2]} {reclaimable}\nactive_file 7\n")


@pytest.fixture
def membership(tmp_path: Path) -> Path:
    return tmp_path / "cgroup"


def test_the_limit_of_a_container_counts_and_copies_of_files_give_way(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/\n")
    group(tmp_path, version=2, limit=str(4 * GB), usage=3 * GB, reclaimable=GB)
    assert available_bytes(tmp_path, membership) == 2 * GB


def test_the_least_of_all_groups_above_counts(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/a/b\n")
    group(tmp_path / "a" / "b", version=2, limit="max", usage=GB, reclaimable=0)
    group(tmp_path / "a", version=2, limit=str(2 * GB), usage=GB, reclaimable=0)
    group(tmp_path, version=2, limit=str(9 * GB), usage=GB, reclaimable=0)
    assert available_bytes(tmp_path, membership) == GB


def test_the_fullest_of_all_groups_says_what_is_used(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/a\n")
    assert used_share(tmp_path, membership) == 0
    group(tmp_path / "a", version=2, limit=str(4 * GB), usage=3 * GB, reclaimable=GB)
    assert used_share(tmp_path, membership) == 0.5
    group(tmp_path, version=2, limit=str(8 * GB), usage=6 * GB, reclaimable=0)
    assert used_share(tmp_path, membership) == 0.75


def test_groups_of_the_first_version(tmp_path: Path, membership: Path) -> None:
    membership.write_text("5:cpu,cpuacct:/x\n4:memory:/docker/abc\n")
    group(tmp_path / "memory" / "docker" / "abc", version=1, limit=str(GB), usage=GB // 4, reclaimable=0)
    group(tmp_path / "memory", version=1, limit="9223372036854771712", usage=8 * GB, reclaimable=0)
    group(tmp_path / "x", version=2, limit="1", usage=0, reclaimable=0)
    assert available_bytes(tmp_path, membership) == GB * 3 / 4


def test_inside_a_container_only_its_own_root_is_seen(tmp_path: Path, membership: Path) -> None:
    membership.write_text("0::/kubepods/pod1/one\n")
    group(tmp_path, version=2, limit=str(GB), usage=2 * GB, reclaimable=0)
    assert available_bytes(tmp_path, membership) == 0


@pytest.mark.parametrize("content", [None, "", "nonsense", "0::", "4:memory:/", "0::/../../etc"])
def test_no_limit_is_no_limit(tmp_path: Path, membership: Path, content: str | None) -> None:
    if content is not None:
        membership.write_text(content)
    assert available_bytes(tmp_path / "sys", membership) == math.inf
