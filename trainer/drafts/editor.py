"""DraftEditor: everything a user decides about one draft: its columns, class names, repairs, given files and form.

Opens and removes no draft: that is ``Drafts``. Each change is on the disk at once, so that it survives a reload.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path, PurePath
from typing import Any, get_args

from trainer.audit.corrected_edits import decision_edits
from trainer.audit.decisions import DecisionLog, Decisions
from trainer.data.checks.repairs import sort_repairs
from trainer.data.columns.label_form import TaskChoice, cut_choice, task_choice
from trainer.data.columns.resolve import resolve_columns
from trainer.data.files.decoding import refuse_lone_surrogates
from trainer.data.files.file_bytes import read_bytes
from trainer.data.files.table import Table
from trainer.data.reader.file_reader import rewrite_in_turn
from trainer.data.repaired_file import change_log, repaired_csv
from trainer.data.rewrite.edits import Rewritten
from trainer.data.task import TASKS
from trainer.drafts.draft_cache import DraftCache
from trainer.drafts.preparation import PreparedDraft, repair_main_file
from trainer.drafts.store import Draft, GivenRole, Role, SourceFile
from trainer.errors import FileError, UserError
from trainer.settings import disk_errors_as_user_error


class DraftEditor:
    """Changes the drafts of one owner. Each change returns the draft, prepared again."""

    def __init__(self, cache: DraftCache, owner: str) -> None:
        self._cache = cache
        self._store = cache.store
        self._owner = owner

    def add_file(self, draft_id: str, role: GivenRole, name: str, content: Path | bytes) -> PreparedDraft:
        """Give a draft a file for ``role``, replacing one given before; its columns are those chosen for the main file.

        Raises UserError if it is no table, lacks the columns, or would leave nothing to train on; the draft is unchanged then.
        """
        self._cache.settings.ensure_writable()
        _check_role(role)
        previous = self._prepared(draft_id)
        data = self._cache.content(content)
        with disk_errors_as_user_error(self._cache.settings):
            source = self._store.store_file(previous.draft, role, name, data)
        try:
            prepared = self._cache.prepare(_with_file(previous.draft, role, source))
            lacks_columns = prepared.columns is not None and not all(given.columns for given in prepared.given if given.role == role)
            if prepared.problem is not None and (previous.problem is None or lacks_columns):
                raise prepared.problem
            updated = self._cache.update(self._owner, draft_id, lambda draft: _with_file(draft, role, source))
        except UserError:
            self._store.delete_file(previous.draft, source)
            raise
        if (old := getattr(previous.draft, role)) is not None:
            self._store.delete_file(previous.draft, old)
        return self._cache.prepare(updated)

    def remove_file(self, draft_id: str, role: GivenRole) -> PreparedDraft:
        """Take the test or the validation file out of a draft: its rows are split off the main file again. Does nothing if none was given."""
        _check_role(role)
        old = getattr(self._store.get(draft_id, self._owner), role)
        updated = self._cache.update(self._owner, draft_id, lambda draft: _with_file(draft, role, None))
        if old is not None:
            self._store.delete_file(updated, old)
        return self._cache.prepare(updated)

    def set_columns(
        self, draft_id: str, *, text_columns: Sequence[str | int] = (), label_column: str | int | tuple[str | int, ...] | None = None
    ) -> PreparedDraft:
        """Choose other columns: several text columns are joined; what is not named stays.

        Repairs, dismissed findings, class names and the cut of other columns are not carried over.
        """
        refuse_lone_surrogates(list(text_columns), label_column)
        tables = self._cache.tables(self._store.get(draft_id, self._owner))

        def change(draft: Draft) -> Draft:
            main = replace(
                draft.main,
                text_columns=tuple(text_columns) or draft.main.text_columns,
                label_column=draft.main.label_column if label_column is None else label_column,
            )
            changed = replace(draft, main=main)
            if _positions(tables["main"], changed) != _positions(tables["main"], draft):
                changed = replace(changed, repairs=(), dismissed=(), class_names={}, cut=None)
            return changed

        return self._update(draft_id, change)

    def confirm_columns(self, draft_id: str) -> PreparedDraft:
        """Say that the columns are those that were found, and that a text may have several labels if the file was read so."""
        columns = self._prepared(draft_id).columns
        if columns is None:
            raise FileError("Choose the columns from the lists above.", code="no_columns")

        def change(draft: Draft) -> Draft:
            are_named = len(columns.label_columns) > 1 or isinstance(draft.main.label_column, tuple)
            main = replace(
                draft.main,
                text_columns=(columns.text, *columns.extra_text_columns),
                label_column=columns.label_columns if are_named else columns.label,
            )
            return replace(draft, main=main, task="several" if columns.several else draft.task)

        return self._update(draft_id, change)

    def choose_part(self, draft_id: str, part: str | None, role: Role = "main") -> PreparedDraft:
        """Read another sheet of a workbook, file of a zip or list of a JSON file; None for what Emotune reads by itself.

        Choices for other columns are not carried over. Raises UserError if the file holds no such part or it is no table; the draft is unchanged
        then.
        """
        refuse_lone_surrogates(part)
        if role != "main":
            _check_role(role)
        previous = self._cache.prepare(self._store.get(draft_id, self._owner))
        if getattr(previous.draft, role) is None:
            raise FileError(f"There is no {role} file.", code="unknown_role")

        def change(draft: Draft) -> Draft:
            source = replace(getattr(draft, role), part=part)
            return replace(draft, **{role: source}) if role != "main" else _with_main(draft, source, is_same=is_same)

        tables = self._cache.tables(replace(previous.draft, **{role: replace(getattr(previous.draft, role), part=part)}))
        is_same = tables["main"].columns == previous.table.columns
        prepared = self._cache.prepare(change(previous.draft))
        if role != "main" and prepared.problem is not None and previous.problem is None:
            raise prepared.problem
        return self._update(draft_id, change)

    def choose_task(self, draft_id: str, task: TaskChoice) -> PreparedDraft:
        """Say whether a text has one label or several; "" for what the file looks like.

        Repairs and dismissed findings are not carried over, as they are about other labels, nor is a cut that is of no use then. Raises UserError
        ``unknown_setting`` for another word.
        """
        chosen = task_choice(task)
        tables = self._cache.tables(self._store.get(draft_id, self._owner))

        def change(draft: Draft) -> Draft:
            if draft.task == chosen:
                return draft
            changed = replace(draft, task=chosen, repairs=(), dismissed=())
            return changed if _positions(tables["main"], changed) is not None else replace(changed, cut=None)

        return self._update(draft_id, change)

    def choose_cut(self, draft_id: str, cut: object) -> PreparedDraft:
        """Say from which score on a text has a label, as a number or as it was typed; "" or None for the cut that the file suggests.

        Dismissed findings are not carried over, as other labels may be rare. Raises UserError ``settings_disagree``, ``no_scores`` and
        ``setting_out_of_range``; the draft is unchanged then.
        """
        chosen = cut_choice(cut)
        draft = self._store.get(draft_id, self._owner)
        resolve_columns(self._cache.tables(draft)["main"], draft.main.text_columns, draft.main.label_column, draft.task, chosen)

        def change(draft: Draft) -> Draft:
            if draft.cut == chosen:
                return draft
            return replace(draft, cut=chosen, dismissed=())

        return self._update(draft_id, change)

    def name_classes(self, draft_id: str, names: Mapping[str, str]) -> PreparedDraft:
        """Give labels as written ("0") a name ("sadness")."""
        refuse_lone_surrogates(names)
        previous = self._prepared(draft_id)
        prepared = self._update(draft_id, lambda draft: replace(draft, class_names=dict(names)))
        self._rename_in_decisions(previous, prepared)
        return prepared

    def repair(self, draft_id: str, repair_codes: Iterable[str]) -> PreparedDraft:
        """Do these repairs, each named by the code of its finding."""
        added = sort_repairs(repair_codes)
        return self._update(draft_id, lambda draft: replace(draft, repairs=sort_repairs((*draft.repairs, *added))))

    def undo(self, draft_id: str, finding_codes: Iterable[str]) -> PreparedDraft:
        """Undo repairs, or the dismissal of findings."""
        undone = set(finding_codes)

        def change(draft: Draft) -> Draft:
            kept = {name: tuple(code for code in getattr(draft, name) if code not in undone) for name in ("repairs", "dismissed")}
            return replace(draft, **kept)

        return self._update(draft_id, change)

    def dismiss(self, draft_id: str, finding_code: str) -> PreparedDraft:
        """Leave a finding unrepaired, though it should be fixed."""
        if finding_code not in {finding.code for finding in self._prepared(draft_id).findings}:
            raise FileError("This finding is no longer there.", code="unknown_finding")
        return self._update(draft_id, lambda draft: replace(draft, dismissed=tuple(dict.fromkeys((*draft.dismissed, finding_code)))))

    def export(self, draft_id: str, download: str) -> tuple[str, bytes]:
        """A file name and the content: the repaired file "exact" or "spreadsheet" (for programs that would run formulas), or the "changes"."""
        prepared = self._prepared(draft_id)
        repaired = repair_main_file(prepared, self._cache.tables(prepared.draft))
        if download not in ("exact", "spreadsheet", "changes"):
            raise FileError("There is no such download. Choose one of the links on the page.", code="unknown_form")
        stem = prepared.draft.main.name.split(".", 1)[0] or "file"
        if download == "changes":
            return f"{stem} changes.csv", change_log(repaired.changes, spreadsheet=True)
        data = repaired_csv(prepared.table, prepared.columns, repaired.corpus, spreadsheet=download == "spreadsheet")
        return f"{stem} {'for spreadsheets' if download == 'spreadsheet' else 'repaired'}.csv", data

    def corrected_file(self, draft_id: str, decisions: Decisions) -> tuple[str, Rewritten]:
        """A file name, and the main file with the decisions on its labels, made from its own bytes: all that was not decided is as it was.

        Raises UserError ``not_rewritable`` or ``letter_not_in_encoding`` if that cannot be done in the form of the file; the repaired file as CSV can
        hold the labels then.
        """
        draft = self._store.get(draft_id, self._owner)
        prepared, tables = self._cache.prepare(draft), self._cache.tables(draft)
        if prepared.columns is None or prepared.corpus is None:
            raise prepared.problem or FileError("There is nothing to download yet.", code="not_ready")
        edits, notes = decision_edits(tables["main"], prepared.columns, prepared.corpus, decisions)
        path, limits = self._store.path(draft, draft.main), self._cache.settings.file_limits
        data = read_bytes(path, max_bytes=limits["max_bytes"])
        rewritten = rewrite_in_turn(self._cache.reader, data, edits, part=draft.main.part, **limits)
        name = PurePath(draft.main.name)
        return f"{name.stem} corrected{name.suffix}", replace(rewritten, notes=(*notes, *rewritten.notes))

    def save_form(self, draft_id: str, form: Mapping[str, Any]) -> None:
        """Save the values of the training form, for the next time this file is shown."""
        self._cache.update(self._owner, draft_id, lambda draft: replace(draft, form=dict(form)))

    def _rename_in_decisions(self, previous: PreparedDraft, prepared: PreparedDraft) -> None:
        """Labels that were decided before their class got a name get this name too; two classes can swap theirs."""
        if prepared.columns is None:
            return
        old, new = previous.draft.class_names, prepared.draft.class_names
        names = {old.get(label, label): new.get(label, label) for label in sorted(old.keys() | new.keys())}
        names = {before: after for before, after in names.items() if before != after}
        for task in TASKS.values() if names else ():
            path = self._store.decisions_path(prepared.draft, prepared.columns.label, task)
            if path.exists():
                with disk_errors_as_user_error(self._cache.settings):
                    DecisionLog(path, task).name_classes(names)

    def _prepared(self, draft_id: str) -> PreparedDraft:
        return self._cache.prepare(self._store.get(draft_id, self._owner))

    def _update(self, draft_id: str, change: Callable[[Draft], Draft]) -> PreparedDraft:
        return self._cache.prepare(self._cache.update(self._owner, draft_id, change))


def _check_role(role: str) -> None:
    if role not in get_args(GivenRole):
        raise FileError("Beside the file to learn from there may be a test file and a validation file, and no other.", code="unknown_role")


def _with_main(draft: Draft, main: SourceFile, *, is_same: bool) -> Draft:
    """The draft with another part of its main file; what was chosen for its columns is kept only if they are the same ones. A cut is of the scores."""
    if is_same:
        return replace(draft, main=main, cut=None)
    return replace(draft, main=replace(main, text_columns=(), label_column=None), repairs=(), dismissed=(), class_names={}, cut=None)


def _with_file(draft: Draft, role: GivenRole, source: SourceFile | None) -> Draft:
    return replace(draft, test=source) if role == "test" else replace(draft, validation=source)


def _positions(table: Table, draft: Draft) -> tuple[int, ...] | None:
    """The positions of the chosen columns of the main file; None if the choice does not resolve."""
    try:
        columns = resolve_columns(table, draft.main.text_columns, draft.main.label_column, draft.task, draft.cut)
    except UserError:
        return None
    return (*columns.label_columns, columns.text, *columns.extra_text_columns)
