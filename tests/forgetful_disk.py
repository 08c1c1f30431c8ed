"""A disk that forgets at a power cut what was not brought to it: a model of one, fed by the calls of the code under test.

A file system keeps the content of a file once that file was fsynced and the names in a folder once that folder was. Everything younger may be kept or
forgotten, each file and folder by itself: a cut is taken after each call, and what may be left of it is laid out in several ways.
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
"""Of what is kept and what is forgotten, drawn by chance, beside the four extremes."""

Names = dict[str, tuple[int, bool]]
"""Number and whether it is a folder, by name."""


@dataclass(frozen=True)
class _Tree:
    """Names by the number of their folder, contents (their digests) by the number of their file."""

    names: dict[int, Names] = field(default_factory=dict)
    contents: dict[int, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """The moment after one call: what a program sees, what is certain to outlast a power cut, and what was confirmed to a person by then."""

    call: str
    seen: _Tree
    certain: _Tree
    confirmed: frozenset[str]


class ForgetfulDisk:
    """The folder ``root`` on such a disk. ``ignored``: beginnings of names that are no part of the promise."""

    def __init__(self, root: Path, *, ignored: tuple[str, ...] = ()) -> None:
        if not Path("/proc/self/fd").is_dir():
            pytest.skip("needs /proc, where a file that is only open for writing can be read")
        self.root, self._ignored = root, ignored
        self.cuts: list[Cut] = []
        self._blobs: dict[str, bytes] = {hashlib.sha256(b"").hexdigest(): b""}
        self._certain = _Tree()
        self._held: list[int] = []
        """Open, so that no number is given twice."""
        self._confirmed: frozenset[str] = frozenset()
        self._thread = threading.current_thread()
        self._busy = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Take a cut after each call of this thread while the block runs. What stands there before is on the disk."""
        before = {name: getattr(os, name) for name in _CALLS}
        opened = builtins.open
        self._certain = self._look()
        for name, call in before.items():
            setattr(os, name, self._watched(name, call))
        builtins.open = io.open = self._watched("open", opened)
        try:
            yield
        finally:
            for name, call in before.items():
                setattr(os, name, call)
            builtins.open = io.open = opened
            for held in self._held:
                os.close(held)

    def confirm(self, fact: str) -> None:
        """From now on a person may count on it."""
        self._confirmed |= {fact}
        self._cut("confirm " + fact)

    def ways(self, cut: Cut) -> Iterator[tuple[Callable[[int], bool], Callable[[int], bool]]]:
        """Which folders and which files are as a program saw them; the others are as they were last brought to the disk."""
        for folders in (True, False):
            for files in (True, False):
                yield (lambda _, kept=folders: kept), (lambda _, kept=files: kept)
        for mixture in range(_MIXTURES):
            seed = f"{len(cut.call)}-{mixture}"
            yield (lambda n, s=seed: random.Random(f"{s}d{n}").random() < 0.5), (lambda n, s=seed: random.Random(f"{s}f{n}").random() < 0.5)

    def check(self, target: Path, look: Callable[[Path, frozenset[str]], None]) -> int:
        """Lay out what may be left after each cut and let ``look`` judge it, each once; returns how many different ones there were."""
        judged = set()
        for cut in self.cuts:
            for folders, files in self.ways(cut):
                left = dict(self._left(cut, os.stat(self.root).st_ino, "", folders, files))
                key = (tuple(sorted(left.items(), key=str)), cut.confirmed)
                if key in judged:
                    continue
                judged.add(key)
                place = target / f"{len(judged)}"
                self._lay_out(place, left)
                try:
                    look(place, cut.confirmed)
                except BaseException as error:
                    error.add_note(f"after {cut.call}, confirmed {sorted(cut.confirmed)}, left {sorted(left)}")
                    raise
                shutil.rmtree(place)
        return len(judged)

    def _lay_out(self, place: Path, left: dict[str, str | None]) -> None:
        place.mkdir(parents=True)
        for path, digest in left.items():
            if digest is None:
                (place / path).mkdir()
            else:
                (place / path).write_bytes(self._blobs[digest])

    def _left(
        self, cut: Cut, folder: int, path: str, folders: Callable[[int], bool], files: Callable[[int], bool]
    ) -> Iterator[tuple[str, str | None]]:
        """Paths with the digest of their content, None for a folder; a folder comes before what is in it."""
        names = cut.seen.names if folders(folder) and folder in cut.seen.names else cut.certain.names
        for name, (number, is_folder) in names.get(folder, {}).items():
            if is_folder:
                yield path + name, None
                yield from self._left(cut, number, f"{path}{name}/", folders, files)
            else:
                seen = files(number) and number in cut.seen.contents
                yield path + name, (cut.seen if seen else cut.certain).contents.get(number, hashlib.sha256(b"").hexdigest())

    def _watched(self, name: str, call: Callable[..., Any]) -> Callable[..., Any]:
        def watching(*args: Any, **named: Any) -> Any:
            answer = call(*args, **named)
            reads = name == "open" and not any(sign in str(named.get("mode", args[1] if len(args) > 1 else "r")) for sign in "wax+")
            if threading.current_thread() is self._thread and not self._busy and not reads:
                self._busy = True
                try:
                    if name == "fsync":
                        self._bring(args[0])
                    self._cut(f"{name} {args[0]}")
                finally:
                    self._busy = False
            return answer

        return watching

    def _bring(self, handle: int) -> None:
        """A file's content or a folder's names are on the disk now."""
        facts = os.fstat(handle)
        self._held.append(os.dup(handle))
        if stat.S_ISDIR(facts.st_mode):
            self._certain.names[facts.st_ino] = self._names(handle)
        else:
            self._certain.contents[facts.st_ino] = self._keep(Path(f"/proc/self/fd/{handle}").read_bytes())

    def _cut(self, call: str) -> None:
        certain = _Tree(dict(self._certain.names), dict(self._certain.contents))
        self.cuts.append(Cut(call, self._look(), certain, self._confirmed))

    def _look(self) -> _Tree:
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
                        tree.contents[number] = self._keep(Path(path).read_bytes())
        return tree

    def _names(self, folder: int | str) -> Names:
        with os.scandir(folder) as entries:
            return {e.name: (e.inode(), e.is_dir(follow_symlinks=False)) for e in entries if not e.name.startswith(self._ignored)}

    def _keep(self, content: bytes) -> str:
        digest = hashlib.sha256(content).hexdigest()
        self._blobs[digest] = content
        return digest
