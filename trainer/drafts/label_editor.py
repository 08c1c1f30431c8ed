"""LabelEditor: what a user decides about the labels of one draft, row by row and class by class.

Each decision is on the disk when its method returns. What a training makes of them is in ``audit/apply_decisions.py``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainer.audit.apply_decisions import row_key
from trainer.audit.change_log import decisions_csv
from trainer.audit.decisions import Action, Decision, DecisionLog, Decisions, RowKey
from trainer.data.corpus import Corpus
from trainer.data.csv_text import csv_bytes
from trainer.data.files.decoding import refuse_lone_surrogates
from trainer.data.label_definitions import MAX_CHARS as MAX_DEFINITION_CHARS
from trainer.data.task import Task
from trainer.drafts.draft_cache import DraftCache
from trainer.drafts.preparation import PreparedDraft
from trainer.errors import FileError
from trainer.runs.event_schema import MAX_TEXT_CHARS
from trainer.runs.ids import is_id
from trainer.settings import disk_errors_as_user_error
from trainer.text_format import quote_names

MAX_CLASS_NAME_CHARS = 200
MAX_ROWS_AT_ONCE = 10_000


@dataclass(frozen=True)
class LabelState:
    """The decisions on a draft's labels, with the draft that they belong to."""

    prepared: PreparedDraft
    decisions: Decisions

    @property
    def class_names(self) -> tuple[str, ...]:
        """The classes that can be chosen for a row."""
        return self.decisions.class_names(self.prepared.require_corpus().label_names)


class LabelEditor:
    """The decisions of one owner. All methods raise UserError ``unknown_draft`` for drafts that are gone, and what ``require_corpus`` raises."""

    def __init__(self, cache: DraftCache, owner: str) -> None:
        self._cache = cache
        self._store = cache.store
        self._owner = owner

    def state(self, draft_id: str) -> LabelState:
        """All decisions on a draft, added up."""
        prepared = self._prepared(draft_id)
        with disk_errors_as_user_error(self._cache.settings):
            return _state(prepared, self._log(prepared))

    def size(self, draft_id: str) -> int:
        """Bytes of all decisions on a draft: changes with each, and is cheap enough to be asked each second. 0 for a draft that is gone."""
        return self._store.decisions_size(draft_id) if is_id(draft_id) else 0

    def decide(
        self, draft_id: str, rows: Sequence[RowKey], action: Action, *, label: str = "", reasons: Mapping[RowKey, str] | None = None
    ) -> LabelState:
        """Keep rows as they are, give them another ``label``, or drop them. A row that gets the label it has is kept.

        Where a text may have several labels, ``label`` is a JSON list of all that it has from now on (``Task.written``). Raises UserError ``no_row``
        for a row that the draft does not have, ``unknown_label`` for a label that is no class.
        """
        state = self.state(draft_id)
        corpus = state.prepared.require_corpus()
        if action == "relabel":
            label = _checked_labels(label, corpus.task, state.class_names)
        decisions = [self._decision(corpus, key, action, label, state.decisions, (reasons or {}).get(key, "")) for key in rows]
        return self._append(state.prepared, lambda log: log.decide(decisions))

    def take_back(self, draft_id: str, rows: Sequence[RowKey]) -> LabelState:
        """Make rows undecided again; rows that are not decided stay so."""
        state = self.state(draft_id)
        decided = [state.decisions.rows[key] for key in rows if key in state.decisions.rows]
        return self._append(state.prepared, lambda log: log.take_back(decided))

    def rename_class(self, draft_id: str, before: str, after: str) -> LabelState:
        """Give a class another name, or merge it with the class that has this name. UserError ``unknown_label``, ``bad_class_name``."""
        state, name = self.state(draft_id), _checked_name(after)
        if before not in state.class_names:
            raise FileError(f"There is no class “{before[:60]}” any more. Choose one from the list.", code="unknown_label")
        return state if name == before else self._append(state.prepared, lambda log: log.rename_class(before, name))

    def restore_class(self, draft_id: str, name: str) -> LabelState:
        """Give a class of the file its own name back, which also takes back a merge."""
        state = self.state(draft_id)
        renamed, own = state.decisions.renamed, state.prepared.require_corpus().label_names
        if name not in renamed:
            return state
        others = {state.decisions.present_name(label) for label in own if label != name} | {*state.decisions.added}
        if renamed[name] in others:
            return self._append(state.prepared, lambda log: log.restore_class(name))
        # It was only renamed: what was decided since then goes back with it.
        return self._append(state.prepared, lambda log: log.rename_class(renamed[name], name))

    def add_class(self, draft_id: str, name: str) -> LabelState:
        """Add a class that no row has yet. UserError ``bad_class_name``."""
        state, checked = self.state(draft_id), _checked_name(name)
        return state if checked in state.class_names else self._append(state.prepared, lambda log: log.add_class(checked))

    def define(self, draft_id: str, label: str, definition: str) -> LabelState:
        """Say what a label means, in words; an empty text removes what was said, so that the file's own definition, if it has one, holds. UserError ``unknown_label``, ``definition_too_long``."""
        state, words = self.state(draft_id), " ".join(definition.split())
        refuse_lone_surrogates(words)
        if label not in state.class_names:
            raise FileError(f"There is no class “{label[:60]}” any more. Choose one from the list.", code="unknown_label")
        if len(words) > MAX_DEFINITION_CHARS:
            raise FileError(
                f"What a label means has at most {MAX_DEFINITION_CHARS:,} characters; this text has {len(words):,}. Make it shorter.",
                code="definition_too_long",
            )
        return (
            state
            if state.decisions.definitions.get(label, "") == words
            else self._append(state.prepared, lambda log: log.define({label: words}))
        )

    def define_from_column(self, draft_id: str, column: str) -> LabelState:
        """Let a column of the file, by its number, say what its labels mean. UserError ``unknown_column`` if its words are no definitions."""
        state = self.state(draft_id)
        by_label = state.prepared.definitions_by_column.get(int(column) if column.isdecimal() and len(column) < 8 else -1)
        if by_label is None:
            raise FileError(
                "This column does not say what the labels mean: its words differ within a label, or are the same for two. Choose one from the list.",
                code="unknown_column",
            )
        names = {state.decisions.present_name(label): words for label, words in by_label.items()}
        return self._append(state.prepared, lambda log: log.define(names))

    def label_text(self, draft_id: str, text: str, label: str) -> LabelState:
        """Let trainings learn a text that is no row of the file too, with this label; again with another label, that one counts.

        Raises UserError ``unknown_label``, ``text_is_row`` for a text that the file has, ``text_too_long`` and ``empty_text``.
        """
        state, words = self.state(draft_id), text.strip()
        refuse_lone_surrogates(words)
        corpus = state.prepared.require_corpus()
        if label not in state.class_names:
            raise FileError(f"There is no class “{label[:60]}” any more. Choose one from the list.", code="unknown_label")
        if not words:
            raise FileError("The text is empty, so there is nothing to learn from. Type a word or more.", code="empty_text")
        if len(words) > MAX_TEXT_CHARS:
            message = (
                f"A text to learn from has at most {MAX_TEXT_CHARS:,} characters here; this one has {len(words):,}. Add it to the file."
            )
            raise FileError(message, code="text_too_long")
        if words in corpus.texts:
            row = int(corpus.source_rows[corpus.texts.index(words)]) + 1
            raise FileError(f"The file has this text already, in row {row:,}. Correct its label in Check labels.", code="text_is_row")
        written = corpus.task.written((label,))
        return self._append(state.prepared, lambda log: log.label_text(words, written))

    def take_text_back(self, draft_id: str, text: str) -> LabelState:
        """Let trainings not learn a new text any more; nothing happens if it is none."""
        state = self.state(draft_id)
        return self._append(state.prepared, lambda log: log.label_text(text, "")) if text in state.decisions.texts else state

    def texts_csv(self, draft_id: str) -> tuple[str, bytes]:
        """A file name, and the new texts with their labels as a CSV file, for spreadsheets."""
        state = self.state(draft_id)
        prepared = state.prepared
        columns = [prepared.table.columns[i] for i in (prepared.columns.text, prepared.columns.label)]
        name = prepared.draft.main.name.split(".", 1)[0] or "file"
        return f"{name} added texts.csv", csv_bytes(columns, [list(item) for item in state.decisions.texts.items()], spreadsheet=True)

    def change_log(self, draft_id: str) -> tuple[str, bytes]:
        """A file name, and all decisions that count as a CSV file."""
        state = self.state(draft_id)
        column = state.prepared.table.columns[state.prepared.columns.label]
        return f"{state.prepared.draft.main.name.split('.', 1)[0] or 'file'} label changes.csv", decisions_csv(
            state.decisions, label_column=column
        )

    def _prepared(self, draft_id: str) -> PreparedDraft:
        prepared = self._cache.prepare(self._store.get(draft_id, self._owner))
        if prepared.columns is None or prepared.corpus is None:
            prepared.require_corpus()
        return prepared

    def _log(self, prepared: PreparedDraft) -> DecisionLog:
        task = prepared.require_corpus().task
        return DecisionLog(self._store.decisions_path(prepared.draft, prepared.columns.label, task), task)

    def _append(self, prepared: PreparedDraft, append: Callable[[DecisionLog], None]) -> LabelState:
        """Append to the log of a draft unless it has been removed meanwhile, and return what counts then, those of other windows included."""
        self._cache.settings.ensure_writable()
        log = self._log(prepared)
        with self._cache.edit_lock, disk_errors_as_user_error(self._cache.settings):
            self._store.get(prepared.draft.id, self._owner)
            append(log)
            self._store.touch(prepared.draft)
            return _state(prepared, log)

    def _decision(self, corpus: Corpus, key: RowKey, action: Action, label: str, decisions: Decisions, reason: str) -> Decision:
        position = _position(corpus, key)
        before, text = corpus.written_label(position), corpus.texts[position][:MAX_TEXT_CHARS]
        present = decisions.present(before)
        action = "keep" if action == "relabel" and label == present else action
        after = {"keep": present, "relabel": label, "drop": ""}[action]
        return Decision(key[1], action, before, after, reason, text=text, file=key[0])


def _state(prepared: PreparedDraft, log: DecisionLog) -> LabelState:
    corpus = prepared.require_corpus()
    decisions = log.read().of_classes(corpus.label_names)
    # What a column of the file says holds until somebody says something else.
    of_file = {decisions.present_name(label): words for label, words in prepared.definitions.items()}
    return LabelState(prepared, replace(decisions, definitions={**of_file, **decisions.definitions}))


def _checked_labels(written: str, task: Task, classes: Sequence[str]) -> str:
    """Labels as ``Task.written`` writes them, in the order of the classes. Raises UserError ``unknown_label`` for one that is no class, ``not_text``."""
    names = dict.fromkeys(task.parse_written(written))
    refuse_lone_surrogates(*names)
    unknown = next((name for name in names if name not in classes), None)
    if unknown is not None:
        raise FileError(
            f"There is no class “{unknown[:60]}” in this file. Classes: {quote_names(classes)}. Choose one of them, or add it first.",
            code="unknown_label",
        )
    return task.written(tuple(name for name in classes if name in names))


def _position(corpus: Corpus, key: RowKey) -> int:
    """The position of a row in the corpus. Raises UserError ``no_row``."""
    _, row = key
    for position in np.flatnonzero(corpus.source_rows == row).tolist():
        if row_key(corpus, position) == key:
            return position
    raise FileError(f"The file has no row {row + 1:,} that is learnt from. Check its labels again.", code="no_row")


def _checked_name(name: str) -> str:
    """A class name without the blanks around it. Raises UserError ``bad_class_name``."""
    refuse_lone_surrogates(name)
    words = " ".join(name.split())
    if not 1 <= len(words) <= MAX_CLASS_NAME_CHARS or not words.isprintable():
        raise FileError(
            f"The name of a class has 1 to {MAX_CLASS_NAME_CHARS} characters that can be seen. Type another one.", code="bad_class_name"
        )
    return words
