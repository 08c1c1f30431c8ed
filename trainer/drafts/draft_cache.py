"""The drafts of one runs folder with what was read and prepared from them, kept in memory and shared by all owners."""

import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trainer.cache import SingleFlightCache
from trainer.data.duplicates.near_duplicates import NearDuplicates, find_near_duplicates
from trainer.data.files.file_bytes import read_bytes
from trainer.data.files.table import Table
from trainer.data.reader.file_reader import TableReader
from trainer.drafts.history import DraftHistory
from trainer.drafts.preparation import PreparedDraft, prepare, read_tables
from trainer.drafts.store import Draft, DraftStore
from trainer.settings import Settings, disk_errors_as_user_error
from trainer.training.memory import trim_heap
from trainer.upload_owners import UploadOwners

_MAX_CACHED = 3


class DraftCache:
    """Prepares drafts and keeps the last few. ``reader`` reads their files, ``store`` holds them on the disk; ``uploads`` knows who sent them."""

    def __init__(self, settings: Settings, reader: TableReader, uploads: UploadOwners | None = None) -> None:
        self.settings = settings
        self.reader = reader
        self.uploads = uploads or UploadOwners()
        self.store = DraftStore(settings.runs_dir / "drafts")
        self.history = DraftHistory(self.store)
        self.edit_lock = threading.Lock()
        """Held while a draft is read, changed and saved."""
        self._tables: SingleFlightCache[dict[str, Table]] = SingleFlightCache(_MAX_CACHED)
        """By draft and its files, each of which never changes, with the parts of them that are read."""
        self._prepared: SingleFlightCache[PreparedDraft] = SingleFlightCache(_MAX_CACHED)
        """By draft and its version, which changes with every choice that concerns the rows."""
        self._near: SingleFlightCache[NearDuplicates] = SingleFlightCache(_MAX_CACHED)
        """By the texts themselves."""

    def prepare(self, draft: Draft) -> PreparedDraft:
        """Read a draft's files, build its corpus and check it. UserError if its files cannot be read or the draft is withheld."""
        key = (draft.id, draft.version)
        # The form of a draft changes without its version.
        return replace(self._prepared.get(key, lambda: self._prepare(draft)), draft=draft)

    def tables(self, draft: Draft) -> dict[str, Table]:
        """The tables of a draft's files by role."""
        return self._tables.get((draft.id, *((source.file, source.part) for source in draft.sources)), lambda: self._read(draft))

    def update(self, owner: str, draft_id: str, change: Callable[[Draft], Draft]) -> Draft:
        """Change a draft and save it, one at a time: the page sends a form and a repair in the same moment."""
        with self.edit_lock, disk_errors_as_user_error(self.settings):
            draft = change(self.store.get(draft_id, owner))
            self.store.save(draft)
        return draft

    def remove(self, draft: Draft) -> None:
        """Remove a draft from the disk and from memory."""
        with disk_errors_as_user_error(self.settings):
            self.store.remove(draft)
        for cache in (self._tables, self._prepared):
            cache.discard(lambda key: key[0] == draft.id)

    def content(self, given: Path | bytes) -> bytes:
        """The bytes of a file that was handed in. UserError if there are more than the settings allow."""
        return given if isinstance(given, bytes) else read_bytes(given, max_bytes=self.settings.max_file_bytes)

    def _read(self, draft: Draft) -> dict[str, Table]:
        with self.history.reading(draft):
            return read_tables(self.store, draft, self.settings, self.reader)

    def _prepare(self, draft: Draft) -> PreparedDraft:
        # Looking for duplicates in a large file may take as much memory as reading it.
        with self.history.reading(draft):
            prepared = prepare(draft, self.tables(draft), max_classes=self.settings.max_classes, find_near=self._near_duplicates)
        # What was needed for that alone is more than what is kept of a large file.
        trim_heap()
        return prepared

    def _near_duplicates(self, texts: tuple[str, ...]) -> NearDuplicates:
        """Cached by the texts: the search takes longest, and most choices leave the texts unchanged."""
        return self._near.get(texts, lambda: find_near_duplicates(texts))
