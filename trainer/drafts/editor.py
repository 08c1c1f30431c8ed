"""DraftEditor: files being prepared for a training: opened, understood, chosen, repaired, taken away again. Every call takes the owner.

Trains nothing. Everything a person decides is on the disk at once, so that it survives a reload.
"""

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

from trainer.cache import SingleFlightCache
from trainer.data.checks.repairs import sort_repairs
from trainer.data.columns.resolve import resolve_columns
from trainer.data.duplicates.near_duplicates import NearDuplicates, find_near_duplicates
from trainer.data.files.decoding import refuse_lone_surrogates
from trainer.data.files.reading import Table, read_bytes
from trainer.data.hub_datasets import HubDataset, fetch_dataset
from trainer.data.hub_tables import fetch_tables
from trainer.data.reader.file_reader import TableReader
from trainer.data.repaired_file import change_log, repaired_csv
from trainer.drafts.copies import remove_copies, sources_in
from trainer.drafts.preparation import PreparedDraft, read_tables, repair_main_file, understand
from trainer.drafts.store import Draft, DraftStore, DraftSummary, GivenRole, SourceFile, withheld_message
from trainer.errors import UserError
from trainer.runs.run import Run
from trainer.settings import Settings
from trainer.training.memory import trim_heap

_ASSETS = Path(__file__).resolve().parents[2] / "assets"
SAMPLE = _ASSETS / "sample_emotions.csv"
MESSY_SAMPLE = _ASSETS / "messy_emotions.csv"

_FILES_KEPT = 3


class DraftEditor:
    """The drafts of one runs folder. ``reader`` reads their files."""

    def __init__(self, settings: Settings, reader: TableReader) -> None:
        self.settings = settings
        self.reader = reader
        self._drafts = DraftStore(settings.runs_dir / "drafts")
        self._editing = threading.Lock()
        """Held while a draft is read, changed and kept."""
        self._tables: SingleFlightCache[dict[str, Table]] = SingleFlightCache(_FILES_KEPT)
        """By draft and its files, each of which never changes."""
        self._preparations: SingleFlightCache[PreparedDraft] = SingleFlightCache(_FILES_KEPT)
        """By draft and its version, which changes with every choice that concerns the rows."""
        self._near: SingleFlightCache[NearDuplicates] = SingleFlightCache(_FILES_KEPT)
        """By the texts themselves."""

    def open_files(
        self,
        owner: str,
        sources: Mapping[str, tuple[str, Path | bytes]],
        *,
        text: Sequence[str] = (),
        label: str | None = None,
        repairs: Iterable[str] = (),
    ) -> PreparedDraft:
        """Begin with files: ``sources`` maps "main" (and "validation", "test") to (name, path or bytes). The owner's newest 20 drafts are kept.

        ``text`` and ``label`` name columns (several text columns are joined), ``repairs`` what is put right, by the findings' codes.
        Raises UserError where a file is no table; where only its columns are unclear, the preparation's ``problem`` says so.
        """
        self.settings.ensure_writable()
        refuse_lone_surrogates(list(text), label)
        wanted = sort_repairs(repairs)
        contents = {role: (name, self._content(given)) for role, (name, given) in sources.items()}
        with disk_errors_as_user_error(self.settings):
            draft = self._drafts.create(owner, contents, texts=tuple(text), label=label, repairs=wanted)
        return self._begun(draft)

    def open_sample(self, owner: str, *, messy: bool = False) -> PreparedDraft:
        """Begin with the sample that ships with the app, or with the one that shows what can be wrong with a file."""
        sample = MESSY_SAMPLE if messy else SAMPLE
        return self.open_files(owner, {"main": (sample.name, sample)})

    def open_hub_dataset(self, owner: str, dataset: HubDataset) -> PreparedDraft:
        """Begin with a data set of the Hugging Face Hub; UserError where it cannot be fetched.

        Of one that the catalogue does not name the columns are guessed, as for any file.
        """
        if dataset.text:
            return self.open_files(owner, {"main": (f"{dataset.name}.csv", fetch_dataset(dataset))}, text=["text"], label="label")
        return self.open_files(owner, {"main": (f"{dataset.name}.csv", fetch_tables(dataset, self.reader, **self.settings.file_limits))})

    def open_from_run(self, owner: str, run: Run) -> PreparedDraft:
        """Go on with the draft that a run was started from where it is still as it was then; else begin a new one with what the run keeps of it.

        Raises UserError ``run_damaged`` where that is damaged or missing, ``withheld_draft`` where reading it ended a process.
        """
        run.check_sources()
        kept = self._drafts.load_from_run(run.path)
        if self._drafts.withheld(kept):
            raise UserError(withheld_message(kept.main.name), code="withheld_draft")
        with suppress(UserError):
            if self._drafts.get(kept.id, owner).version == kept.version:
                return self.reopen(owner, kept.id)
        with disk_errors_as_user_error(self.settings):
            draft = self._drafts.create_from_run(run.path, owner)
        return self._begun(draft)

    def prepared_draft(self, owner: str, draft_id: str) -> PreparedDraft:
        return self._understood(self._drafts.get(draft_id, owner))

    def latest_prepared_draft(self, owner: str) -> PreparedDraft | None:
        """What the owner was preparing last and did not close, for a page that was just opened. UserError where that can no longer be read."""
        draft = self._drafts.latest(owner)
        return None if draft is None else self._understood(draft)

    def latest_draft(self, owner: str) -> str | None:
        """The id of what ``latest_prepared_draft`` shows."""
        draft = self._drafts.latest(owner)
        return None if draft is None else draft.id

    def drafts(self, owner: str) -> tuple[DraftSummary, ...]:
        """What the owner has prepared, the newest first. Cheap: reads no table."""
        return self._drafts.summaries(owner)

    def withheld_draft(self, owner: str) -> DraftSummary | None:
        """What ``latest_draft`` would be, had it not ended the process that read it last; None where nothing is withheld."""
        draft = self._drafts.withheld_latest(owner)
        return None if draft is None else next((one for one in self.drafts(owner) if one.id == draft.id), None)

    def reopen(self, owner: str, draft_id: str, *, force: bool = False) -> PreparedDraft:
        """Go on with a draft: it becomes the latest. UserError where it is gone or its files can no longer be read; nothing is changed then.

        One that ended the process that read it last is read only ``force``; else UserError ``withheld_draft``.
        """
        if force:
            self._drafts.allow(self._drafts.get(draft_id, owner))
        preparation = self.prepared_draft(owner, draft_id)
        with disk_errors_as_user_error(self.settings):
            self._drafts.reopen(preparation.draft)
        return preparation

    def close_draft(self, owner: str) -> None:
        """Nothing is open any more, also after a reload, until a file is opened or a draft reopened. No draft is removed or changed."""
        with disk_errors_as_user_error(self.settings):
            self._drafts.close(owner)

    def remove_draft(self, owner: str, draft_id: str) -> None:
        """Forget a draft for good, with the page's copies of its files. If it was open, nothing is open then.

        Runs that were started from it keep their own copy.
        """
        with self._editing:
            draft = self._drafts.get(draft_id, owner)
            if draft in (self._drafts.latest(owner), self._drafts.withheld_latest(owner)):
                self.close_draft(owner)
            # First: what a crash leaves of them a server's start clears away, but nobody would look for them once the draft is gone.
            remove_copies(self.settings.uploads_dir, sources_in(self._drafts.root / draft.id))
            self._forget(draft)

    def add_file(self, owner: str, draft_id: str, role: GivenRole, name: str, content: Path | bytes) -> PreparedDraft:
        """Give a draft a file of its own for ``role``, in the place of one given before; its columns are those chosen for the main file.

        Raises UserError where it is no table, lacks the columns, or would leave nothing to train on; the draft is unchanged then.
        """
        self.settings.ensure_writable()
        _check_role(role)
        before = self.prepared_draft(owner, draft_id)
        data = self._content(content)
        with disk_errors_as_user_error(self.settings):
            source = self._drafts.store_file(before.draft, role, name, data)
        try:
            after = self._understood(_with_file(before.draft, role, source))
            lacks_columns = after.columns is not None and not all(given.columns for given in after.given if given.role == role)
            if after.problem is not None and (before.problem is None or lacks_columns):
                raise after.problem
            edited = self._edited(owner, draft_id, lambda draft: _with_file(draft, role, source))
        except UserError:
            self._drafts.delete_file(before.draft, source)
            raise
        if (old := getattr(before.draft, role)) is not None:
            self._drafts.delete_file(before.draft, old)
        return self._understood(edited)

    def remove_file(self, owner: str, draft_id: str, role: GivenRole) -> PreparedDraft:
        """Take the test or the validation file out of a draft: its rows come out of the main file again. Nothing happens where none was given."""
        _check_role(role)
        old = getattr(self._drafts.get(draft_id, owner), role)
        edited = self._edited(owner, draft_id, lambda draft: _with_file(draft, role, None))
        if old is not None:
            self._drafts.delete_file(edited, old)
        return self._understood(edited)

    def set_columns(self, owner: str, draft_id: str, *, text: Sequence[str | int] = (), label: str | int | None = None) -> PreparedDraft:
        """Other columns: ``text`` (several are joined) and ``label``; what is not named stays. Survives a reload.

        What was repaired, accepted or named in other columns is not carried over.
        """
        refuse_lone_surrogates(list(text), label)
        tables = self._tables_of(self._drafts.get(draft_id, owner))

        def chosen(draft: Draft) -> Draft:
            wanted = replace(draft.main, texts=tuple(text) or draft.main.texts, label=draft.main.label if label is None else label)
            fresh = replace(draft, main=wanted)
            if _positions(tables["main"], wanted) != _positions(tables["main"], draft.main):
                fresh = replace(fresh, repairs=(), dismissed=(), class_names={})
            return fresh

        return self._understood(self._edited(owner, draft_id, chosen))

    def name_classes(self, owner: str, draft_id: str, names: Mapping[str, str]) -> PreparedDraft:
        """Give labels as written ("0") a name ("sadness")."""
        refuse_lone_surrogates(names)
        return self._understood(self._edited(owner, draft_id, lambda draft: replace(draft, class_names=dict(names))))

    def repair(self, owner: str, draft_id: str, codes: Iterable[str]) -> PreparedDraft:
        """Put right what the findings of these codes say."""
        wanted = sort_repairs(codes)
        return self._understood(
            self._edited(owner, draft_id, lambda draft: replace(draft, repairs=sort_repairs((*draft.repairs, *wanted))))
        )

    def undo(self, owner: str, draft_id: str, codes: Iterable[str]) -> PreparedDraft:
        """Take back repairs, or the word that a finding may stay as it is."""
        undone = set(codes)

        def without(draft: Draft) -> Draft:
            kept = {name: tuple(code for code in getattr(draft, name) if code not in undone) for name in ("repairs", "dismissed")}
            return replace(draft, **kept)

        return self._understood(self._edited(owner, draft_id, without))

    def dismiss(self, owner: str, draft_id: str, code: str) -> PreparedDraft:
        """Leave a finding as it is, though it should be fixed."""
        if code not in {finding.code for finding in self.prepared_draft(owner, draft_id).findings}:
            raise UserError("This finding is no longer there.", code="unknown_finding")
        return self._understood(
            self._edited(owner, draft_id, lambda draft: replace(draft, dismissed=tuple(dict.fromkeys((*draft.dismissed, code)))))
        )

    def export(self, owner: str, draft_id: str, form: str) -> tuple[str, bytes]:
        """A file name and the content: the repaired file "exact" or "spreadsheet" (for programs that would run formulas), or the "changes"."""
        preparation = self.prepared_draft(owner, draft_id)
        repaired = repair_main_file(preparation, self._tables_of(preparation.draft))
        if form not in ("exact", "spreadsheet", "changes"):
            raise UserError("There is no such download. Choose one of the links on the page.", code="unknown_form")
        stem = preparation.draft.main.name.split(".", 1)[0] or "file"
        if form == "changes":
            return f"{stem} changes.csv", change_log(repaired.changes, spreadsheet=True)
        data = repaired_csv(preparation.table, preparation.columns, repaired.corpus, spreadsheet=form == "spreadsheet")
        return f"{stem} {'for spreadsheets' if form == 'spreadsheet' else 'repaired'}.csv", data

    def save_form(self, owner: str, draft_id: str, form: Mapping[str, Any]) -> None:
        """Remember what the form of a training holds, for the next time this file is shown."""
        self._edited(owner, draft_id, lambda draft: replace(draft, form=dict(form)))

    def _begun(self, draft: Draft) -> PreparedDraft:
        """A new draft, understood; gone again where it cannot be, so that no page is opened with it."""
        try:
            preparation = self._understood(draft)
        except Exception:
            with suppress(OSError):
                self._drafts.remove(draft)
            raise
        self._drafts.prune(draft.owner)
        return preparation

    def _forget(self, draft: Draft) -> None:
        with disk_errors_as_user_error(self.settings):
            self._drafts.remove(draft)
        for cache in (self._tables, self._preparations):
            cache.discard(lambda key: key[0] == draft.id)

    def _content(self, given: Path | bytes) -> bytes:
        return given if isinstance(given, bytes) else read_bytes(given, max_bytes=self.settings.max_file_bytes)

    def _edited(self, owner: str, draft_id: str, change: Callable[[Draft], Draft]) -> Draft:
        """Change a draft and keep it. One at a time: the page hands in a form and a repair in the same moment."""
        with self._editing, disk_errors_as_user_error(self.settings):
            draft = change(self._drafts.get(draft_id, owner))
            self._drafts.save(draft)
        return draft

    def _tables_of(self, draft: Draft) -> dict[str, Table]:
        return self._tables.get((draft.id, *(source.file for source in draft.sources)), lambda: self._read(draft))

    def _read(self, draft: Draft) -> dict[str, Table]:
        with self._drafts.reading(draft):
            return read_tables(self._drafts, draft, self.settings, self.reader)

    def _understood(self, draft: Draft) -> PreparedDraft:
        key = (draft.id, draft.version)
        # The form of a draft changes without its version.
        return replace(self._preparations.get(key, lambda: self._understand(draft)), draft=draft)

    def _understand(self, draft: Draft) -> PreparedDraft:
        # Looking for duplicates in a large file may take as much memory as reading it.
        with self._drafts.reading(draft):
            understood = understand(draft, self._tables_of(draft), self.settings, find_near=self._near_duplicates)
        # What was needed for that alone is more than what is kept of a large file.
        trim_heap()
        return understood

    def _near_duplicates(self, texts: tuple[str, ...]) -> NearDuplicates:
        """Found once for the same texts: they are what takes longest, and most choices leave the texts as they are."""
        return self._near.get(texts, lambda: find_near_duplicates(texts))


def _check_role(role: str) -> None:
    if role not in get_args(GivenRole):
        raise UserError("Beside the file to learn from there may be a test file and a validation file, and no other.", code="unknown_role")


def _with_file(draft: Draft, role: GivenRole, source: SourceFile | None) -> Draft:
    return replace(draft, test=source) if role == "test" else replace(draft, validation=source)


def _positions(table: Table, source: SourceFile) -> tuple[int, ...] | None:
    """The columns that a person's choice comes to; None where it comes to none."""
    try:
        columns = resolve_columns(table, source.texts, source.label)
    except UserError:
        return None
    return (columns.label, columns.text, *columns.extra_text_columns)


@contextmanager
def disk_errors_as_user_error(settings: Settings) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise UserError(
            f"Emotune could not write to {settings.runs_dir} ({error.strerror or error}). Free some disk space and try again; "
            "nothing that was there is lost.",
            code="disk_not_writable",
        ) from error
