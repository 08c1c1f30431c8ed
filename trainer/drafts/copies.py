"""Copies: which drafts, uploads and other runs hold the same file as a run or a draft, byte for byte, so that what is deleted is gone for good.

Only looks and removes; what may go is decided by desk and studio.
"""

import os
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trainer.drafts.store import Draft, DraftStore
from trainer.runs.run import Run
from trainer.runs.run_files import SOURCE
from trainer.runs.seal import file_digest

Content = tuple[int, str]
"""What a file holds: its size in bytes and its SHA-256."""


@dataclass(frozen=True)
class Copies:
    """Where else the files are that some runs learnt from: ``going`` with them, and what stays."""

    going: tuple[Draft, ...]
    open: Draft | None
    """The one that is open at the moment."""
    runs: tuple[str, ...]
    """Ids of other runs that learnt from the same file; each has a copy of its own, and maybe the draft that it was started from."""


def find_copies(folders: Sequence[Path], drafts: DraftStore, others: Iterable[Run], owner: str) -> Copies:
    """The copies of what the runs in ``folders`` learnt from; ``others`` are the owner's runs beside them.

    A draft goes with them unless it is open, or one of the others was started from it.
    """
    learnt_from = contents_of(folder / SOURCE for folder in folders)
    same = [run for run in others if holds(run.path / SOURCE, learnt_from)]
    needed = {_draft_of(run, drafts) for run in same}
    found = [draft for draft in drafts.list_for_owner(owner) if holds(drafts.path(draft, draft.main), learnt_from)]
    shown = drafts.latest(owner)
    return Copies(
        tuple(draft for draft in found if draft != shown and draft.id not in needed),
        shown if shown in found else None,
        tuple(run.id for run in same),
    )


def sources_in(folder: Path) -> frozenset[Content]:
    """What the files hold that were handed in for a run or a draft."""
    return contents_of(folder.glob(f"{SOURCE}*"))


def contents_of(files: Iterable[Path]) -> frozenset[Content]:
    """What these files hold; those that cannot be read are left out."""
    found = set()
    for file in files:
        with suppress(OSError):
            found.add((file.stat().st_size, file_digest(file)))
    return frozenset(found)


def holds(file: Path, contents: Collection[Content]) -> bool:
    """Whether a file holds one of these, byte for byte. Only one of the right size is read."""
    try:
        size = file.stat().st_size
        return any(size == known for known, _ in contents) and (size, file_digest(file)) in contents
    except OSError:
        return False


def remove_copies(folder: Path, contents: Collection[Content]) -> None:
    """Remove the files below a folder that hold one of these, and the folders that they leave empty."""
    for inside, _, names in os.walk(folder, topdown=False):
        held = [path for name in names if holds(path := Path(inside, name), contents)]
        for path in held:
            path.unlink(missing_ok=True)
        if held and inside != str(folder):
            with suppress(OSError):  # something else is in it
                os.rmdir(inside)


def _draft_of(run: Run, drafts: DraftStore) -> str:
    try:
        return drafts.load_from_run(run.path).id
    except (OSError, ValueError):
        return ""
