"""After a power cut at any moment, a written file or folder is the complete old or the complete new one, never a part."""

import ast
import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.power_cut_disk import PowerCutDisk
from trainer import atomic

PACKAGE = Path(atomic.__file__).parent

OWN_RENAMES = {"runs/writer_lock.py": {"replace"}, "runs/file_locks.py": {"replace"}}
"""Renames outside atomic.py: heartbeats and locks only matter while their process runs, so they need not survive a power cut."""


@pytest.fixture
def disk(tmp_path: Path) -> PowerCutDisk:
    root = tmp_path / "disk"
    (root / "folder" / "inner").mkdir(parents=True)
    (root / "file").write_text("old file")
    (root / "folder" / "one").write_text("old one")
    (root / "folder" / "inner" / "two").write_text("old two")
    return PowerCutDisk(root)


def contents(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): p.read_text() for p in sorted(folder.rglob("*")) if p.is_file()}


OLD = {"inner/two": "old two", "one": "old one"}
NEW = {"inner/two": "new two"}


def staged(root: Path) -> Path:
    """A new folder, written and synced, ready to be moved."""
    folder = root / ".new"
    (folder / "inner").mkdir(parents=True)
    (folder / "inner" / "two").write_text("new two")
    atomic.sync_tree(folder)
    return folder


def test_a_replaced_file_is_the_old_or_the_new_one(disk: PowerCutDisk, tmp_path: Path) -> None:
    with disk.recording():
        atomic.write_file(disk.root / "file", b"new file")
        disk.confirm("written")
    states = set()

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        states.add((root / "file").read_text())
        assert (root / "file").read_text() in ({"new file"} if confirmed else {"old file", "new file"})

    disk.check(tmp_path / "cuts", verify)
    assert states == {"old file", "new file"}


@pytest.mark.parametrize("way", ["content", "writer"])
def test_a_new_file_is_complete_or_missing(disk: PowerCutDisk, tmp_path: Path, way: str) -> None:
    with disk.recording():
        if way == "content":
            atomic.write_file(disk.root / "folder" / "fresh", b"all of it")
        else:
            with atomic.open_atomic(disk.root / "folder" / "fresh") as file:
                file.write(b"all ")
                file.write(b"of it")
        disk.confirm("written")

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        fresh = root / "folder" / "fresh"
        assert fresh.exists() or not confirmed
        assert not fresh.exists() or fresh.read_text() == "all of it"

    assert disk.check(tmp_path / "cuts", verify) > 3


def test_a_new_folder_is_complete_or_missing(disk: PowerCutDisk, tmp_path: Path) -> None:
    with disk.recording():
        atomic.move(staged(disk.root), disk.root / "fresh")
        disk.confirm("moved")

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        assert (root / "fresh").exists() or not confirmed
        assert not (root / "fresh").exists() or contents(root / "fresh") == NEW

    assert disk.check(tmp_path / "cuts", verify) > 5


def test_a_replaced_folder_is_never_a_mixture(disk: PowerCutDisk, tmp_path: Path) -> None:
    with disk.recording():
        atomic.move(staged(disk.root), disk.root / "folder")
        disk.confirm("moved")

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        # Between the two renames neither exists; the write is not confirmed yet then.
        assert (root / "folder").exists() or not confirmed
        assert not (root / "folder").exists() or contents(root / "folder") in ((NEW,) if confirmed else (OLD, NEW))

    assert disk.check(tmp_path / "cuts", verify) > 5
    assert sorted(p.name for p in disk.root.iterdir()) == ["file", "folder"]


def test_created_folders_survive(disk: PowerCutDisk, tmp_path: Path) -> None:
    with disk.recording():
        atomic.make_folder(disk.root / "a" / "b" / "c")
        disk.confirm("made")
        atomic.make_folder(disk.root / "a" / "b" / "c")
    assert disk.root.joinpath("a", "b", "c").stat().st_mode & 0o777 == 0o700

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        assert (root / "a" / "b" / "c").is_dir() or not confirmed

    assert disk.check(tmp_path / "cuts", verify) > 2


@pytest.mark.parametrize("aside", [None, "elsewhere"])
def test_a_removed_folder_is_complete_or_missing_and_does_not_come_back(disk: PowerCutDisk, tmp_path: Path, aside: str | None) -> None:
    (disk.root / "elsewhere").mkdir()
    with disk.recording():
        atomic.remove_folder(disk.root / "folder", aside=aside and disk.root / aside)
        disk.confirm("removed")

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        assert not (confirmed and (root / "folder").exists())
        assert not (root / "folder").exists() or contents(root / "folder") == OLD

    assert disk.check(tmp_path / "cuts", verify) > 3
    assert sorted(p.name for p in disk.root.iterdir()) == ["elsewhere", "file"]


def test_a_removed_file_does_not_come_back(disk: PowerCutDisk, tmp_path: Path) -> None:
    with disk.recording():
        atomic.remove_file(disk.root / "file")
        disk.confirm("removed")
        atomic.remove_file(disk.root / "file")
    states = set()

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        states.add((root / "file").exists())
        assert not (confirmed and (root / "file").exists())

    disk.check(tmp_path / "cuts", verify)
    assert states == {True, False}


def never_synced(path: Path) -> None:
    path.with_name("part").write_bytes(b"new file")
    os.replace(path.with_name("part"), path)


def only_the_file_synced(path: Path) -> None:
    with open(path.with_name("part"), "wb") as file:
        file.write(b"new file")
        atomic.sync_open(file)
    os.replace(path.with_name("part"), path)


def in_place(path: Path) -> None:
    with open(path, "wb") as file:
        file.write(b"new file")
        atomic.sync_open(file)


@pytest.mark.parametrize("way", [never_synced, only_the_file_synced, in_place])
def test_the_check_rejects_unsafe_ways_to_write(disk: PowerCutDisk, tmp_path: Path, way: Callable[[Path], None]) -> None:
    with disk.recording():
        way(disk.root / "file")
        disk.confirm("written")

    def verify(root: Path, confirmed: frozenset[str]) -> None:
        assert (root / "file").read_text() in ({"new file"} if confirmed else {"old file", "new file"})

    with pytest.raises(AssertionError):
        disk.check(tmp_path / "cuts", verify)


def test_a_failed_write_keeps_the_old_file_and_leaves_no_other(disk: PowerCutDisk) -> None:
    def half() -> None:
        with atomic.open_atomic(disk.root / "file") as file:
            file.write(b"half")
            raise OSError(errno.ENOSPC, "full")

    with pytest.raises(OSError, match="full"):
        half()
    assert sorted(p.name for p in disk.root.iterdir()) == ["file", "folder"]
    assert (disk.root / "file").read_text() == "old file"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOTSUP, errno.EBADF])
def test_a_file_system_that_cannot_sync_folders_is_accepted(disk: PowerCutDisk, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    real = os.fsync

    def fsync(handle: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{handle}"):
            raise OSError(number, os.strerror(number))
        real(handle)

    monkeypatch.setattr(os, "fsync", fsync)
    atomic.write_file(disk.root / "file", b"new file")
    assert (disk.root / "file").read_text() == "new file"


def test_a_failed_sync_is_raised(disk: PowerCutDisk, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(handle: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", fsync)
    for fails in (lambda: atomic.sync(disk.root), lambda: atomic.write_file(disk.root / "file", b"new file")):
        with pytest.raises(OSError, match=os.strerror(errno.EIO)):
            fails()


def calls(path: Path) -> set[str]:
    """Names of calls that rename or sync files: functions of ``os``, and methods of ``Path`` with one argument."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        name, receiver = node.func.attr, node.func.value
        of_os = isinstance(receiver, ast.Name) and receiver.id == "os" and name in ("replace", "rename", "renames", "fsync", "fdatasync")
        # ``str.replace`` has two arguments, ``dataclasses.replace`` has keywords, and renaming a run has its name too.
        of_path = name in ("replace", "rename") and len(node.args) == 1 and not node.keywords
        if of_os or of_path:
            names.add(name)
    return names


def test_only_atomic_renames_and_syncs_files() -> None:
    by_hand = {str(path.relative_to(PACKAGE)): calls(path) for path in PACKAGE.rglob("*.py") if path.name != "atomic.py"}
    assert {path: names for path, names in by_hand.items() if names} == OWN_RENAMES
    assert calls(PACKAGE / "atomic.py") == {"fsync", "replace"}
