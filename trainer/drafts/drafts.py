"""Drafts: the files that one owner is preparing for a training, opened, listed, closed and removed.

Changes nothing in a draft: that is ``DraftEditor``. Everything is on the disk at once, so that it survives a reload.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

from trainer.data.checks.repairs import sort_repairs
from trainer.data.columns.label_form import AS_IT_LOOKS, LabelReading
from trainer.data.files.decoding import refuse_lone_surrogates
from trainer.data.hub_datasets import HubDataset, fetch_dataset
from trainer.data.hub_tables import fetch_tables
from trainer.drafts.copies import file_digests, has_digest, remove_copies, source_digests
from trainer.drafts.draft_cache import DraftCache
from trainer.drafts.history import DraftSummary, withheld_message
from trainer.drafts.preparation import PreparedDraft
from trainer.drafts.store import Draft
from trainer.errors import FileError, UserError
from trainer.runs.run import Run
from trainer.settings import disk_errors_as_user_error

_ASSETS = Path(__file__).resolve().parents[2] / "assets"
SAMPLE = _ASSETS / "sample_emotions.csv"
MESSY_SAMPLE = _ASSETS / "messy_emotions.csv"


class Drafts:
    """The drafts of one owner."""

    def __init__(self, cache: DraftCache, owner: str, admit: Callable[[], None] = lambda: None) -> None:
        """``admit`` raises UserError if the owner may open no file now."""
        self._admit = admit
        self._cache = cache
        self._store = cache.store
        self._history = cache.history
        self._settings = cache.settings
        self._owner = owner

    def open_files(
        self,
        sources: Mapping[str, tuple[str, Path | bytes]],
        *,
        text_columns: Sequence[str] = (),
        label_column: str | tuple[str, ...] | None = None,
        part: str | None = None,
        repair_codes: Iterable[str] = (),
        reading: LabelReading = AS_IT_LOOKS,
        class_names: Mapping[str, str] | None = None,
    ) -> PreparedDraft:
        """Open files: ``sources`` maps "main" (and "validation", "test") to (name, path or bytes). The owner's newest 20 drafts are kept.

        Several text columns are joined; columns that are not named are guessed, and so is the ``part`` of the main file (a sheet, a file of a
        zip, a list of a JSON file). ``repair_codes`` are the repairs to do, ``reading`` says how labels are read, and ``class_names`` gives
        labels as written ("0") a name.
        Raises UserError if a file is no table; if only its columns are unclear, ``problem`` says so.
        """
        self._admit()
        self._settings.ensure_writable()
        refuse_lone_surrogates(list(text_columns), label_column, part)
        sorted_codes = sort_repairs(repair_codes)
        contents = {role: (name, self._cache.content(given)) for role, (name, given) in sources.items()}
        with disk_errors_as_user_error(self._settings):
            draft = self._store.create(
                self._owner,
                contents,
                text_columns=tuple(text_columns),
                label_column=label_column,
                part=part,
                repair_codes=sorted_codes,
                reading=reading,
                class_names=class_names,
            )
        return self._prepare_new(draft)

    def open_sample(self, *, messy: bool = False) -> PreparedDraft:
        """Open the sample that ships with the app, or the one that shows what can be wrong with a file."""
        sample = MESSY_SAMPLE if messy else SAMPLE
        return self.open_files({"main": (sample.name, sample)})

    def open_hub_dataset(self, dataset: HubDataset) -> PreparedDraft:
        """Open a data set of the Hugging Face Hub; UserError if it cannot be fetched.

        The columns of one that is not in the catalogue are guessed, as for any file.
        """
        if dataset.text:
            return self.open_files({"main": (f"{dataset.name}.csv", fetch_dataset(dataset))}, text_columns=["text"], label_column="label")
        tables = fetch_tables(dataset, self._cache.reader, **self._settings.file_limits)
        return self.open_files({"main": (f"{dataset.name}.csv", tables)})

    def open_from_run(self, run: Run) -> PreparedDraft:
        """Reopen the draft that ``of_run`` finds; else open a new one from the run's copy.

        Raises UserError as ``open_files`` if a new one cannot be opened now, ``run_damaged`` if that copy is damaged or missing, ``withheld_draft`` if reading it ended a process.
        """
        run.check_sources()
        kept = self._store.load_from_run(run.path)
        if self._history.is_withheld(kept):
            raise FileError(withheld_message(kept.main.name), code="withheld_draft")
        found = self.of_run(run)
        if found is not None:
            return self.reopen(found.id)
        self._admit()
        with disk_errors_as_user_error(self._settings):
            draft = self._store.create_from_run(run.path, self._owner)
        return self._prepare_new(draft)

    def of_run(self, run: Run) -> Draft | None:
        """The draft with the files and the choices of a run: the one that it was started from, or one that was opened from the run's copy later.

        None if there is none, or not any more, or if the run's copy of its choices cannot be read.
        """
        with suppress(OSError, ValueError):
            kept = self._store.load_from_run(run.path)
            with suppress(UserError):
                if (draft := self._store.get(kept.id, self._owner)).version == kept.version:
                    return draft
            for draft in self._store.iter_drafts(self._owner):
                if replace(draft, id=kept.id).version == kept.version and self._has_files_of(draft, run):
                    return draft
        return None

    def _has_files_of(self, draft: Draft, run: Run) -> bool:
        files = ((self._store.path(draft, source), run.path / source.file) for source in draft.sources)
        return all(has_digest(own, file_digests([its])) for own, its in files)

    def get(self, draft_id: str) -> PreparedDraft:
        """A draft, prepared. UserError if there is none of this id or its files cannot be read."""
        return self._cache.prepare(self._store.get(draft_id, self._owner))

    def latest(self) -> PreparedDraft | None:
        """The draft that the owner worked on last and did not close, for a page that was just opened. UserError if it can no longer be read."""
        draft = self._history.latest(self._owner)
        return None if draft is None else self._cache.prepare(draft)

    def latest_id(self) -> str | None:
        """The id of ``latest``. Reads no table."""
        draft = self._history.latest(self._owner)
        return None if draft is None else draft.id

    def summaries(self) -> tuple[DraftSummary, ...]:
        """All drafts of the owner, the newest first. Reads no table."""
        return self._history.summaries(self._owner)

    def withheld(self) -> DraftSummary | None:
        """What ``latest`` would be if it had not ended the process that read it last; None if nothing is withheld."""
        draft = self._history.withheld_latest(self._owner)
        return None if draft is None else next((summary for summary in self.summaries() if summary.id == draft.id), None)

    def reopen(self, draft_id: str, *, force: bool = False) -> PreparedDraft:
        """Make a draft the latest. UserError if it is gone or its files can no longer be read; nothing is changed then.

        A draft that ended the process that read it last is only read again with ``force``; else UserError ``withheld_draft``.
        """
        if force:
            self._history.allow_reading(self._store.get(draft_id, self._owner))
        prepared = self.get(draft_id)
        with disk_errors_as_user_error(self._settings):
            self._history.reopen(prepared.draft)
        return prepared

    def close(self) -> None:
        """Nothing is open any more, also after a reload, until a file is opened or a draft reopened. No draft is removed or changed."""
        with disk_errors_as_user_error(self._settings):
            self._history.close(self._owner)

    def remove(self, draft_id: str) -> None:
        """Remove a draft for good, with the page's copies of its files. If it was open, nothing is open then.

        Runs that were started from it keep their own copy.
        """
        with self._cache.edit_lock:
            draft = self._store.get(draft_id, self._owner)
            if draft in (self._history.latest(self._owner), self._history.withheld_latest(self._owner)):
                self.close()
            # Before the draft: after a crash the next start clears the copies of a draft that is still there, but not of one that is gone.
            digests = source_digests(self._store.root / draft.id)
            remove_copies(self._settings.uploads_dir, digests, partial(self._cache.uploads.release, self._owner))
            self._cache.remove(draft)

    def _prepare_new(self, draft: Draft) -> PreparedDraft:
        """Prepare a new draft, or remove it if that fails, so that no page is opened with it."""
        try:
            prepared = self._cache.prepare(draft)
        except Exception:
            with suppress(OSError):
                self._store.remove(draft)
            raise
        # Decisions on labels are hours of work; but a visitor's files are few, whatever was done with them.
        self._store.prune(draft.owner, keep=self._settings.max_drafts, spare_decided=not self._settings.mode.anonymous)
        return prepared
