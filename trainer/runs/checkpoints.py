"""Checkpoints: folders that are complete or do not count, named by kind and step ("best-00000012").

Standard library only; what stands in them is the business of whoever fills them.
"""

import errno
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from trainer.atomic import link_file, make_folder, move, sync, sync_tree
from trainer.runs.seal import Digest, Seal, damaged_files, file_digest, file_signature, files_in, read_seal, save_seal, write_seal

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
    has no mark, or one of another run, or differs from it, is as good as absent. Order and age go by the step, never by a file's time.
    Some take gigabytes: what one of these objects has written or read is read again only where the file system says that it has changed.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self.folder = folder
        self._run_id = run_id
        self._whole: dict[Path, tuple[tuple[int, ...], ...]] = {}
        """Signatures of the files of those that were found whole."""

    def write(
        self, kind: str, step: int, fill: Callable[[Path], None], *, best: int | None = None, needed: Collection[int] = ()
    ) -> Checkpoint:
        """Keep what ``fill`` writes into the folder it is handed. Raises OSError; what was kept before is then still there.

        ``best`` is the step of the best weights that belong to a state. What is too old goes then: all but the newest states, and best
        weights that neither a kept state nor ``needed`` names.
        """
        path = self.folder / f"{kind}-{step:08d}"
        partial = self.folder / f".{path.name}"
        if not self.folder.parent.is_dir():
            # Somebody has removed the run: what is saved now would come back as a damaged one.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.folder.parent))
        shutil.rmtree(partial, ignore_errors=True)
        make_folder(partial)
        fill(partial)
        write_seal(partial / _MARK, partial, _files(partial), run=self._run_id, best=best)
        # One of the same name can only be a leftover beyond the step from which this training went on.
        move(partial, path)
        self._whole[path] = _signatures(path, read_seal(path / _MARK))
        # Transformers' Trainer may have made the folder of them all, and brings nothing to the disk.
        sync(self.folder.parent)
        self._rotate({*needed, step} if kind == "best" else set(needed))
        return Checkpoint(path, step, best)

    def adopt(self, other: "Checkpoints", last: Checkpoint) -> None:
        """Take over a state of another run, with its best weights, as this run's own: the same files, linked where the disk allows.

        Nothing is read: the new marks say what the old ones did, and whoever trains on looks at the files. Raises OSError.
        """
        sources = [last.path] if last.best is None else [other.folder / f"best-{last.best:08d}", last.path]
        for source in sources:
            mark = read_seal(source / _MARK)
            if mark is None:
                raise OSError(None, "the last state is damaged")
            place = self.folder / source.name
            make_folder(place)
            link_files(source, place)
            sync_tree(place)
            save_seal(place / _MARK, Seal(mark.files, {**mark.facts, "run": self._run_id}))

    def newest(self) -> Checkpoint | None:
        """The last state that is complete, with its best weights."""
        return self.newest_and_damaged()[0]

    def newest_and_damaged(self, *, digest: Digest | None = file_digest) -> tuple[Checkpoint | None, tuple[int, ...]]:
        """The last state that is complete, with its best weights; and the steps of those after it that are damaged, the last one first.

        With ``digest`` None that goes by marks and sizes alone, at once.
        """
        damaged = []
        for step, path in self._named("state"):
            mark = read_seal(path / _MARK)
            if self._is_whole(path, mark, digest):
                best = _best_of(mark)
                if best is None or self.best(best, digest=digest) is not None:
                    return Checkpoint(path, step, best), tuple(damaged)
            damaged.append(step)
        return None, tuple(damaged)

    def best(self, step: int, *, digest: Digest | None = file_digest) -> Checkpoint | None:
        """The best weights of this step, where they are complete; with ``digest`` None as far as marks and sizes tell."""
        path = self.folder / f"best-{step:08d}"
        return Checkpoint(path, step) if self._is_whole(path, read_seal(path / _MARK), digest) else None

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

    def _is_whole(self, path: Path, mark: Seal | None, digest: Digest | None) -> bool:
        if mark is None or mark.facts.get("run") != self._run_id or not mark.files:
            return False
        looked = _signatures(path, mark)
        if digest is not None and self._whole.get(path) == looked:
            return True
        whole = not damaged_files(path, mark, digest=digest)
        if whole and digest is not None:
            self._whole[path] = looked
        return whole

    def _rotate(self, needed: set[int]) -> None:
        states = self._named("state")
        for _, path in states[_STATES_KEPT:]:
            shutil.rmtree(path, ignore_errors=True)
        marks = [read_seal(path / _MARK) for _, path in states[:_STATES_KEPT]]
        named = {_best_of(mark) for mark in marks if mark is not None}
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
        link_file(file, place)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in files_in(folder) if path.name != _MARK)


def _signatures(path: Path, mark: Seal) -> tuple[tuple[int, ...], ...]:
    return tuple(file_signature(path / name) for name in (_MARK, *mark.files))


def _best_of(mark: Seal) -> int | None:
    """The step of the best weights that belong to a state."""
    best = mark.facts.get("best")
    return best if type(best) is int else None
