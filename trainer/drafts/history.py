"""Which draft each owner worked on last, and which drafts are withheld because reading them ended a process."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from trainer.drafts.crash_marks import mark_reading, remove_stale_marks, stale_marks
from trainer.drafts.store import Draft, DraftStore
from trainer.errors import FileError
from trainer.runs.run_files import DRAFT

_CLOSED = "closed"
"""An empty file in the folder of a draft, not a field of it: closing must not make the draft newer."""


@dataclass(frozen=True)
class DraftSummary:
    """A draft in a list. ``changed``: Unix time when it was last opened or changed. ``bytes``: size of its folder."""

    id: str
    name: str
    """The file to learn from."""
    test: str
    """The test file's name; "" if none was given."""
    validation: str
    changed: float
    bytes: int
    open: bool
    """Whether a page that is opened now would show it."""
    withheld: bool = False
    """Whether the process that read it last ended suddenly, so that it is only read again on request."""


class DraftHistory:
    """When the drafts of a store were opened, closed and read."""

    def __init__(self, store: DraftStore) -> None:
        self._store = store

    def latest(self, owner: str) -> Draft | None:
        """The draft that the owner worked on last and did not close; None if that one is withheld."""
        draft = self._worked_on_last(owner)
        return None if draft is None or self.is_withheld(draft) else draft

    def withheld_latest(self, owner: str) -> Draft | None:
        """What ``latest`` would return if it were not withheld."""
        draft = self._worked_on_last(owner)
        return draft if draft is not None and self.is_withheld(draft) else None

    def is_withheld(self, draft: Draft) -> bool:
        """Whether a process ended suddenly while it was reading the files of a draft, and no other try has been allowed since."""
        files = {source.file for source in draft.sources}
        return any(read <= files for read in stale_marks(self._store.root / draft.id))

    def allow_reading(self, draft: Draft) -> None:
        """Stop withholding a draft, until it ends another process."""
        remove_stale_marks(self._store.root / draft.id)

    @contextmanager
    def reading(self, draft: Draft) -> Iterator[None]:
        """For the block that reads the files of a draft: if it ends this process, the draft is withheld afterwards.

        Raises UserError ``withheld_draft`` if it already is.
        """
        if self.is_withheld(draft):
            raise FileError(withheld_message(draft.main.name), code="withheld_draft")
        with mark_reading(self._store.root / draft.id, [source.file for source in draft.sources]):
            yield

    def summaries(self, owner: str) -> tuple[DraftSummary, ...]:
        """The owner's drafts, the newest first. Reads no table."""
        summaries, latest = [], self.latest(owner)
        for draft in self._store.iter_drafts(owner):
            # Another process may remove it meanwhile.
            with suppress(OSError):
                names = ("" if source is None else source.name for source in (draft.test, draft.validation))
                folder = self._store.root / draft.id
                size = _folder_bytes(folder)
                changed, withheld = (folder / DRAFT).stat().st_mtime, self.is_withheld(draft)
                summaries.append(DraftSummary(draft.id, draft.main.name, *names, changed, size, draft == latest, withheld))
        return tuple(summaries)

    def close(self, owner: str) -> None:
        """Make none of the owner's drafts the latest, until one is opened or reopened; all are kept. Raises OSError."""
        for draft in self._store.iter_drafts(owner):
            # Another request may remove it meanwhile.
            with suppress(FileNotFoundError):
                (self._store.root / draft.id / _CLOSED).touch()

    def reopen(self, draft: Draft) -> None:
        """Make a draft the latest. Raises OSError."""
        (self._store.root / draft.id / _CLOSED).unlink(missing_ok=True)
        os.utime(self._store.root / draft.id / DRAFT)

    def _worked_on_last(self, owner: str) -> Draft | None:
        return next((draft for draft in self._store.iter_drafts(owner) if not (self._store.root / draft.id / _CLOSED).exists()), None)


def withheld_message(name: str) -> str:
    """Why a draft with this main file is not read automatically, and what to do."""
    return (
        f"{name} is not opened automatically: Emotune ended suddenly while it was reading it the last time. The file may be damaged, or too large "
        "for this computer's memory. Remove it and open it in smaller parts or saved again, for example as CSV. "
        "If Emotune ended for another reason, try it again."
    )


def _folder_bytes(folder: Path) -> int:
    """The bytes of the files in a folder, without those removed meanwhile."""
    size = 0
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            size += entry.stat().st_size
    return size
