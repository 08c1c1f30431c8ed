"""A model of a disk that loses at a power cut whatever was not synced, built from the calls of the code under test.

A file system keeps the content of a file once that file was fsynced, and the names in a folder once that folder was. Each later change to a file or
folder may be kept or lost independently: a cut is recorded after each call, and several possible states after it are written out.
"""

import builtins
import hashlib
import io
import os
import random
import shutil
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_CALLS = ("fsync", "replace", "rename", "unlink", "remove", "mkdir", "rmdir", "link")
_MIXTURES = 2
"""Number of random mixtures of kept and lost changes, besides the four extremes."""

Names = dict[str, tuple[int, bool]]
"""Inode number and whether it is a folder, by name."""


@dataclass(frozen=True)
class _Tree:
    """Names by the inode of their folder, digests of contents by the inode of their file."""

    names: dict[int, Names] = field(default_factory=dict)
    contents: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """The state after one call: what a program sees, what certainly survives a power cut, and what was confirmed to the user by then."""

    call: str
    seen: _Tree
    certain: _Tree
    confirmed: frozenset[str]


class PowerCutDisk:
    """The folder ``root`` on such a disk. ``ignored``: prefixes of names that are not checked."""

    def __init__(self, root: Path, *, ignored: tuple[str, ...] = ()) -> None:
        if not Path("/proc/self/fd").is_dir():
            pytest.skip("needs /proc, where a file that is only open for writing can be read")
        self.root, self._ignored = root, ignored
        self.cuts: list[Cut] = []
        self._blobs: dict[str, bytes] = {hashlib.sha256(b"").hexdigest(): b""}
        self._certain = _Tree()
        self._open_handles: list[int] = []
        """Kept open, so that no inode number is reused."""
        self._confirmed: frozenset[str] = frozenset()
        self._thread = threading.current_thread()
        self._recording = False

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Record a cut after each call of this thread while the block runs. What exists before is on the disk."""
        originals = {name: getattr(os, name) for name in _CALLS}
        original_open = builtins.open
        self._certain = self._scan()
        for name, call in originals.items():
            setattr(os, name, self._wrap(name, call))
        builtins.open = io.open = self._wrap("open", original_open)
        try:
            yield
        finally:
            for name, call in originals.items():
                setattr(os, name, call)
            builtins.open = io.open = original_open
            for handle in self._open_handles:
                os.close(handle)

    def confirm(self, fact: str) -> None:
        """From now on the user may rely on this fact."""
        self._confirmed |= {fact}
        self._cut("confirm " + fact)

    def variants(self, cut: Cut) -> Iterator[tuple[Callable[[int], bool], Callable[[int], bool]]]:
        """Two predicates: which folders and which files are as a program saw them; the others are as last synced."""
        for folders in (True, False):
            for files in (True, False):
                yield (lambda _, kept=folders: kept), (lambda _, kept=files: kept)
        for mixture in range(_MIXTURES):
            seed = f"{len(cut.call)}-{mixture}"
            yield (lambda n, s=seed: random.Random(f"{s}d{n}").random() < 0.5), (lambda n, s=seed: random.Random(f"{s}f{n}").random() < 0.5)

    def check(self, target: Path, verify: Callable[[Path, frozenset[str]], None]) -> int:
        """Write each possible state after each cut to a folder below ``target`` and call ``verify`` on it; returns the number of different states."""
        checked = set()
        for cut in self.cuts:
            for folders, files in self.variants(cut):
                remaining = dict(self._remaining(cut, os.stat(self.root).st_ino, "", folders, files))
                key = (tuple(sorted(remaining.items(), key=str)), cut.confirmed)
                if key in checked:
                    continue
                checked.add(key)
                folder = target / f"{len(checked)}"
                self._write(folder, remaining)
                try:
                    verify(folder, cut.confirmed)
                except BaseException as error:
                    error.add_note(f"after {cut.call}, confirmed {sorted(cut.confirmed)}, left {sorted(remaining)}")
                    raise
                shutil.rmtree(folder)
        return len(checked)

    def _write(self, folder: Path, remaining: dict[str, str | None]) -> None:
        folder.mkdir(parents=True)
        for path, digest in remaining.items():
            if digest is None:
                (folder / path).mkdir()
            else:
                (folder / path).write_bytes(self._blobs[digest])

    def _remaining(
        self, cut: Cut, folder: int, path: str, folders: Callable[[int], bool], files: Callable[[int], bool]
    ) -> Iterator[tuple[str, str | None]]:
        """Paths with the digest of their content, None for a folder; a folder comes before its content."""
        names = cut.seen.names if folders(folder) and folder in cut.seen.names else cut.certain.names
        for name, (number, is_folder) in names.get(folder, {}).items():
            if is_folder:
                yield path + name, None
                yield from self._remaining(cut, number, f"{path}{name}/", folders, files)
            else:
                is_seen = files(number) and number in cut.seen.contents
                yield path + name, (cut.seen if is_seen else cut.certain).contents.get(number, hashlib.sha256(b"").hexdigest())

    def _wrap(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **options: Any) -> Any:
            result = call(*args, **options)
            reads = name == "open" and not any(sign in str(options.get("mode", args[1] if len(args) > 1 else "r")) for sign in "wax+")
            if threading.current_thread() is self._thread and not self._recording and not reads:
                self._recording = True
                try:
                    if name == "fsync":
                        self._sync(args[0])
                    self._cut(f"{name} {args[0]}")
                finally:
                    self._recording = False
            return result

        return wrapper

    def _sync(self, handle: int) -> None:
        """Mark a file's content or a folder's names as synced."""
        status = os.fstat(handle)
        self._open_handles.append(os.dup(handle))
        if stat.S_ISDIR(status.st_mode):
            self._certain.names[status.st_ino] = self._names(handle)
        else:
            self._certain.contents[status.st_ino] = self._store_blob(Path(f"/proc/self/fd/{handle}").read_bytes())

    def _cut(self, call: str) -> None:
        certain = _Tree(dict(self._certain.names), dict(self._certain.contents))
        self.cuts.append(Cut(call, self._scan(), certain, self._confirmed))

    def _scan(self) -> _Tree:
        tree = _Tree()
        todo = [str(self.root)]
        while todo:
            folder = todo.pop()
            with suppress(FileNotFoundError):
                tree.names[os.stat(folder).st_ino] = names = self._names(folder)
                for name, (number, is_folder) in names.items():
                    path = os.path.join(folder, name)
                    if is_folder:
                        todo.append(path)
                        continue
                    with suppress(FileNotFoundError):
                        tree.contents[number] = self._store_blob(Path(path).read_bytes())
        return tree

    def _names(self, folder: int | str) -> Names:
        with os.scandir(folder) as entries:
            return {e.name: (e.inode(), e.is_dir(follow_symlinks=False)) for e in entries if not e.name.startswith(self._ignored)}

    def _store_blob(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._blobs[digest] = content
        return digest
