"""Checkpoints: folders that are complete or do not count, named by kind and step ("best-00000012").

Standard library only; what stands in them is the business of whoever fills them.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

_NAME = re.compile(r"(best|state)-(\d{8,})")
_MARK = "COMPLETE.json"
_STATES_KEPT = 2
"""The newest one and, should the disk have damaged it, the one before."""


@dataclass(frozen=True)
class Checkpoint:
    """A complete folder. A ``state`` is all that a training needs to go on after ``step``; its best weights so far are ``best-<best>``."""

    path: Path
    step: int
    best: int | None = None


class Checkpoints:
    """The checkpoints of one run: best weights and states.

    Each is written beside its place, read back, brought to the disk, marked with the sizes and SHA-256 of its files and only then named; what
    has no mark, or differs from it, is as good as absent. Order and age go by the step, never by a file's time.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def write(
        self, kind: str, step: int, fill: Callable[[Path], None], *, best: int | None = None, needed: Collection[int] = ()
    ) -> Checkpoint:
        """Keep what ``fill`` writes into the folder it is handed. Raises OSError; what was kept before is then still there.

        ``best`` is the step of the best weights that belong to a state. What is too old goes then: all but the newest states, and best
        weights that neither a kept state nor ``needed`` names.
        """
        path = self.folder / f"{kind}-{step:08d}"
        partial = self.folder / f".{path.name}"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        fill(partial)
        _seal(partial, {"best": best})
        # One of the same name can only be a leftover beyond the step from which this training went on.
        shutil.rmtree(path, ignore_errors=True)
        os.replace(partial, path)
        _sync(self.folder)
        self._rotate({*needed, step} if kind == "best" else set(needed))
        return Checkpoint(path, step, best)

    def newest(self) -> Checkpoint | None:
        """The last state that is complete, with its best weights."""
        for step, path in self._named("state"):
            mark = _read_mark(path)
            if mark is None or not _whole(path, mark):
                continue
            best = mark.get("best")
            if best is None or self.best(best) is not None:
                return Checkpoint(path, step, best)
        return None

    def best(self, step: int) -> Checkpoint | None:
        """The best weights of this step, where they are complete."""
        path = self.folder / f"best-{step:08d}"
        mark = _read_mark(path)
        return Checkpoint(path, step) if mark is not None and _whole(path, mark) else None

    def forget_after(self, last: Checkpoint | None) -> None:
        """Remove what does not count: half-written folders, and everything beyond the state from which a training goes on (None: all)."""
        for path in self.folder.glob(".*") if self.folder.is_dir() else ():
            shutil.rmtree(path, ignore_errors=True)
        for kind in ("state", "best"):
            for step, path in self._named(kind):
                if last is None or step > last.step:
                    shutil.rmtree(path, ignore_errors=True)

    def keep_only(self, last: Checkpoint) -> None:
        """Remove all but one state and its best weights."""
        for kind, wanted in (("state", last.step), ("best", last.best)):
            for step, path in self._named(kind):
                if step != wanted:
                    shutil.rmtree(path, ignore_errors=True)

    def _rotate(self, needed: set[int]) -> None:
        states = self._named("state")
        for _, path in states[_STATES_KEPT:]:
            shutil.rmtree(path, ignore_errors=True)
        named = {
            mark["best"] for _, path in states[:_STATES_KEPT] if (mark := _read_mark(path)) is not None and mark.get("best") is not None
        }
        for step, path in self._named("best"):
            if step not in needed | named:
                shutil.rmtree(path, ignore_errors=True)

    def _named(self, kind: str) -> list[tuple[int, Path]]:
        """The folders of a kind by step, the newest first."""
        if not self.folder.is_dir():
            return []
        found = [(name, path) for path in self.folder.iterdir() if (name := _NAME.fullmatch(path.name)) and name[1] == kind]
        return sorted(((int(name[2]), path) for name, path in found), reverse=True)


def link_files(source: Path, target: Path) -> None:
    """The files of a checkpoint into another folder, without its mark: linked where the disk allows, so that they take no room twice."""
    for file in _files(source):
        place = target / file.relative_to(source)
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, place)
        except OSError:
            shutil.copyfile(file, place)


def sync_files(folder: Path) -> None:
    """Wait until a folder and all in it have reached the disk."""
    for file in _files(folder):
        _sync(file)
    for inner in [folder, *(p for p in folder.rglob("*") if p.is_dir())]:
        _sync(inner)


def _seal(folder: Path, facts: dict[str, int | None]) -> None:
    """Bring all to the disk, then the mark: whoever sees the mark sees the rest."""
    sync_files(folder)
    files = {str(file.relative_to(folder)): [file.stat().st_size, _digest(file)] for file in _files(folder)}
    with open(folder / _MARK, "w", encoding="utf-8") as file:
        json.dump({"files": files, **facts}, file)
        file.flush()
        os.fsync(file.fileno())
    _sync(folder)


def _read_mark(folder: Path) -> dict | None:
    try:
        mark = json.loads((folder / _MARK).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return mark if isinstance(mark, dict) and isinstance(mark.get("files"), dict) else None


def _whole(folder: Path, mark: dict) -> bool:
    try:
        return bool(mark["files"]) and all(
            (folder / name).stat().st_size == size and _digest(folder / name) == digest for name, (size, digest) in mark["files"].items()
        )
    except (OSError, ValueError, TypeError):
        return False


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != _MARK)


def _digest(file: Path) -> str:
    with open(file, "rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _sync(path: Path) -> None:
    """fsync of a file or, where the system can, a folder."""
    if path.is_dir() and os.name == "nt":
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
