"""Checkpoints: folders that are complete or do not count, named by type and step ("best-00000012").

Standard library only; the caller decides what is in them.
"""

import errno
import os
import re
import shutil
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from trainer.atomic import link_file, make_folder, move, sync, sync_tree
from trainer.runs.run_files import list_folder
from trainer.runs.seal import Digest, Seal, damaged_files, file_digest, file_signature, files_in, read_seal, save_seal, write_seal

_NAME = re.compile(r"(best|state)-(\d{8,})")
_SEAL = "COMPLETE.json"
_MAX_STATES = 2
"""The newest one, and the previous one in case the disk has damaged the newest."""


@dataclass(frozen=True)
class Checkpoint:
    """A complete folder. A ``state`` has all that a training needs to continue after ``step``; its best weights are in ``best-<best>``."""

    path: Path
    step: int
    best: int | None = None


class Checkpoints:
    """The checkpoints of one run: best weights and states.

    Each is written under a temporary name, read back, synced, sealed with the sizes and SHA-256 of its files and only then renamed. A folder
    without a seal, with a seal of another run, or that differs from its seal does not count. The order is by step, never by a file's time.
    Some take gigabytes: what one object of this class has written or read is read again only if the file system says that it has changed.
    """

    def __init__(self, folder: Path, run_id: str) -> None:
        self.folder = folder
        self._run_id = run_id
        self._intact: dict[Path, tuple[tuple[int, ...], ...]] = {}
        """File signatures of the checkpoints that were found intact."""

    def write(
        self, checkpoint_type: str, step: int, fill: Callable[[Path], None], *, best: int | None = None, needed: Collection[int] = ()
    ) -> Checkpoint:
        """Save what ``fill`` writes into the given folder, as a "best" or "state" checkpoint. If it raises OSError, older ones are still there.

        ``best`` is the step of the best weights that belong to a state. Then all but the newest states are removed, and best weights that
        neither a remaining state nor ``needed`` refers to.
        """
        path = self.folder / f"{checkpoint_type}-{step:08d}"
        partial = self.folder / f".{path.name}"
        if not self.folder.parent.is_dir():
            # Somebody has deleted the run: saving now would bring it back as a damaged one.
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(self.folder.parent))
        shutil.rmtree(partial, ignore_errors=True)
        make_folder(partial)
        fill(partial)
        write_seal(partial / _SEAL, partial, _files(partial), run=self._run_id, best=best)
        # One with the same name can only be a leftover beyond the step from which this training was resumed.
        move(partial, path)
        self._intact[path] = _signatures(path, read_seal(path / _SEAL))
        # Transformers' Trainer may have made the parent folder, and syncs nothing.
        sync(self.folder.parent)
        self._rotate({*needed, step} if checkpoint_type == "best" else set(needed))
        return Checkpoint(path, step, best)

    def adopt(self, other: "Checkpoints", last: Checkpoint) -> None:
        """Copy a state of another run with its best weights into this run, as hard links if possible.

        No files are read: the new seals contain the old digests, which are checked when the training continues. Raises OSError.
        """
        sources = [last.path] if last.best is None else [other.folder / f"best-{last.best:08d}", last.path]
        for source in sources:
            seal = read_seal(source / _SEAL)
            if seal is None:
                raise OSError(None, "the last state is damaged")
            target = self.folder / source.name
            make_folder(target)
            link_files(source, target)
            sync_tree(target)
            save_seal(target / _SEAL, Seal(seal.files, {**seal.facts, "run": self._run_id}))

    def newest(self) -> Checkpoint | None:
        """The newest complete state, with its best weights."""
        return self.newest_and_damaged()[0]

    def newest_and_damaged(self, *, digest: Digest | None = file_digest) -> tuple[Checkpoint | None, tuple[int, ...]]:
        """The newest complete state with its best weights, and the steps of damaged states after it, newest first.

        With ``digest`` None only seals and sizes are compared, which is fast.
        """
        damaged = []
        for step, path in self._list("state"):
            seal = read_seal(path / _SEAL)
            if self._is_intact(path, seal, digest):
                best = _best_of(seal)
                if best is None or self.best(best, digest=digest) is not None:
                    return Checkpoint(path, step, best), tuple(damaged)
            damaged.append(step)
        return None, tuple(damaged)

    def best(self, step: int, *, digest: Digest | None = file_digest) -> Checkpoint | None:
        """The best weights of this step, if they are complete; with ``digest`` None only seals and sizes are compared."""
        path = self.folder / f"best-{step:08d}"
        return Checkpoint(path, step) if self._is_intact(path, read_seal(path / _SEAL), digest) else None

    def remove_after(self, last: Checkpoint | None) -> None:
        """Remove incomplete folders and everything after the state from which a training resumes (None: everything)."""
        for path in list_folder(self.folder, "."):
            shutil.rmtree(path, ignore_errors=True)
        for checkpoint_type in ("state", "best"):
            for step, path in self._list(checkpoint_type):
                if last is None or step > last.step:
                    shutil.rmtree(path, ignore_errors=True)

    def keep_only(self, last: Checkpoint) -> None:
        """Remove everything but one state and its best weights."""
        for checkpoint_type, step_to_keep in (("state", last.step), ("best", last.best)):
            for step, path in self._list(checkpoint_type):
                if step != step_to_keep:
                    shutil.rmtree(path, ignore_errors=True)

    def _is_intact(self, path: Path, seal: Seal | None, digest: Digest | None) -> bool:
        if seal is None or seal.facts.get("run") != self._run_id or not seal.files:
            return False
        signatures = _signatures(path, seal)
        if digest is not None and self._intact.get(path) == signatures:
            return True
        intact = not damaged_files(path, seal, digest=digest)
        if intact and digest is not None:
            self._intact[path] = signatures
        return intact

    def _rotate(self, needed: set[int]) -> None:
        states = self._list("state")
        for _, path in states[_MAX_STATES:]:
            shutil.rmtree(path, ignore_errors=True)
        seals = [read_seal(path / _SEAL) for _, path in states[:_MAX_STATES]]
        referenced = {_best_of(seal) for seal in seals if seal is not None}
        for step, path in self._list("best"):
            if step not in needed | referenced:
                shutil.rmtree(path, ignore_errors=True)

    def _list(self, checkpoint_type: str) -> list[tuple[int, Path]]:
        """The folders of one type with their steps, newest first."""
        matches = [(name, path) for path in list_folder(self.folder) if (name := _NAME.fullmatch(path.name)) and name[1] == checkpoint_type]
        return sorted(((int(name[2]), path) for name, path in matches), reverse=True)


def link_files(source: Path, target: Path) -> None:
    """Hard-link the files of a checkpoint, without its seal, into another folder, or copy them if the disk has no links."""
    for file in _files(source):
        target_file = target / file.relative_to(source)
        target_file.parent.mkdir(parents=True, exist_ok=True)
        link_file(file, target_file)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in files_in(folder) if path.name != _SEAL)


def _signatures(path: Path, seal: Seal) -> tuple[tuple[int, ...], ...]:
    return tuple(file_signature(path / name) for name in (_SEAL, *seal.files))


def _best_of(seal: Seal) -> int | None:
    """The step of the best weights that belong to a state."""
    best = seal.facts.get("best")
    return best if type(best) is int else None
