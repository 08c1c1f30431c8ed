"""Copies: which drafts, uploads and other runs have the same file as a run or a draft, byte for byte, so that deleted data is really gone.

Finds and removes copies; ``Drafts`` and ``StorageManager`` decide what to delete.
"""

import os
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trainer.drafts.store import Draft, DraftStore
from trainer.runs.run import Run
from trainer.runs.run_files import SOURCE, list_folder
from trainer.runs.seal import file_digest

Digest = tuple[int, str]
"""Of a file's content: its size in bytes and its SHA-256."""


@dataclass(frozen=True)
class Copies:
    """Where else the files are that some runs were trained on."""

    drafts_to_delete: tuple[Draft, ...]
    """Deleted with the runs."""
    open_draft: Draft | None
    """The one that is open at the moment; it stays."""
    other_runs: tuple[str, ...]
    """Ids of other runs that were trained on the same file; each has its own copy, and perhaps the draft that it was started from."""


def find_copies(folders: Sequence[Path], store: DraftStore, others: Iterable[Run], owner: str, latest: Draft | None) -> Copies:
    """The copies of what the runs in ``folders`` were trained on; ``others`` are the owner's other runs, ``latest`` the draft that is open.

    A draft is deleted with them unless it is open, or one of the others was started from it.
    """
    digests = file_digests(folder / SOURCE for folder in folders)
    same_source = [run for run in others if has_digest(run.path / SOURCE, digests)]
    needed = {_draft_id_of(run, store) for run in same_source}
    copies = [draft for draft in store.iter_drafts(owner) if has_digest(store.path(draft, draft.main), digests)]
    return Copies(
        tuple(draft for draft in copies if draft != latest and draft.id not in needed),
        latest if latest in copies else None,
        tuple(run.id for run in same_source),
    )


def source_digests(folder: Path) -> frozenset[Digest]:
    """The digests of the files that were given for a run or a draft."""
    return file_digests(list_folder(folder, SOURCE))


def file_digests(files: Iterable[Path]) -> frozenset[Digest]:
    """The digests of these files, without those that cannot be read."""
    digests = set()
    for file in files:
        with suppress(OSError):
            digests.add((file.stat().st_size, file_digest(file)))
    return frozenset(digests)


def has_digest(file: Path, digests: Collection[Digest]) -> bool:
    """Whether a file has one of these digests. Only reads a file of the right size."""
    try:
        size = file.stat().st_size
        return any(size == known for known, _ in digests) and (size, file_digest(file)) in digests
    except OSError:
        return False


def remove_copies(folder: Path, digests: Collection[Digest], release: Callable[[Path], bool] = lambda _: True) -> None:
    """Remove the files below a folder that have one of these digests, and the folders that become empty. ``release`` says of each whether nobody
    else needs it."""
    for subfolder, _, names in os.walk(folder, topdown=False):
        copies = [path for name in names if has_digest(path := Path(subfolder, name), digests) and release(path)]
        for path in copies:
            path.unlink(missing_ok=True)
        if copies and subfolder != str(folder):
            with suppress(OSError):  # it has other files
                os.rmdir(subfolder)


def _draft_id_of(run: Run, store: DraftStore) -> str:
    try:
        return store.load_from_run(run.path).id
    except (OSError, ValueError):
        return ""
