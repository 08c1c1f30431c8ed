"""Decisions on labels: keep, change or drop a row, rename, merge or add classes, say what a label means, add a text; an append-only log of them.

Only records and adds up: ``apply_decisions.py`` changes rows with them.
"""

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from trainer.data.corpus import FileRole
from trainer.data.task import SINGLE_LABEL, Task
from trainer.runs.event_schema import Event
from trainer.runs.event_types import ClassAdded, ClassesNamed, ClassRenamed, ClassRestored, LabelDefined, RowDecided, TextLabelled
from trainer.runs.events import EventLog, parse

Action = Literal["keep", "relabel", "drop"]
RowKey = tuple[FileRole, int]
"""The file of a row, and its position among the rows of that file, counted from 0."""


@dataclass(frozen=True)
class Decision:
    """What somebody decided about one row."""

    row: int
    """Its position among the rows of its file, counted from 0, as in ``Corpus.source_rows``."""
    action: Action
    before: str
    """The label that the row had; several as ``Task.written`` writes them."""
    after: str
    """The label that it has now: ``before`` if it was kept, empty if the row is dropped."""
    reason: str = ""
    """Why the label looked wrong, as the page said it."""
    time: float = 0.0
    """Unix time."""
    text: str = ""
    """The beginning of the text of the row, MAX_TEXT_CHARS at most, by which a decision can be found again in a newer file."""
    file: FileRole = "main"

    @property
    def key(self) -> RowKey:
        return self.file, self.row


@dataclass(frozen=True)
class Decisions:
    """What counts of all decisions: the latest of each row that was not taken back, and the present classes."""

    rows: Mapping[RowKey, Decision] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    """The present name of each class of the file that has another one now; classes with the same present name are one."""
    added: tuple[str, ...] = ()
    """Classes that no row of the file has."""
    definitions: Mapping[str, str] = field(default_factory=dict)
    """What labels mean, by their present names."""
    texts: Mapping[str, str] = field(default_factory=dict)
    """Texts that are no rows of the file, with the present names of their labels: a training learns them too."""
    task: Task = SINGLE_LABEL
    """What the labels of a row mean."""
    damaged: int = 0
    """Places of the log that cannot be read: decisions may be missing there."""

    @property
    def changes_rows(self) -> bool:
        """Whether a training with these decisions could differ from one without them."""
        return bool(self.renamed or self.texts) or any(decision.action != "keep" for decision in self.rows.values())

    @property
    def version(self) -> str:
        """Changes with all that a training makes of the decisions; empty if that is nothing."""
        if not self.changes_rows:
            return ""
        rows = sorted((*key, row.after, row.text) for key, row in self.rows.items() if row.action != "keep")
        texts = [sorted(self.texts.items())] if self.texts else []
        return hashlib.sha256(json.dumps([rows, sorted(self.renamed.items()), *texts]).encode()).hexdigest()[:16]

    def of_classes(self, label_names: Iterable[str]) -> "Decisions":
        """The same without new names of names that no class of the file has: a class that is renamed twice leaves its first new name there."""
        own = set(label_names)
        return replace(self, renamed={name: present for name, present in self.renamed.items() if name in own})

    def present_name(self, label: str) -> str:
        """The present name of a class of the file."""
        return self.renamed.get(label, label)

    def present_names(self, labels: Iterable[str]) -> tuple[str, ...]:
        """The present names of the classes of one row; of those that were merged one stays."""
        return tuple(dict.fromkeys(map(self.present_name, labels)))

    def present(self, written: str) -> str:
        """The same for labels as ``Task.written`` writes them."""
        return self.task.written(self.present_names(self.task.parse_written(written)))

    def class_names(self, label_names: Sequence[str]) -> tuple[str, ...]:
        """The classes that can be chosen for a row, given those of the file: these in their order, then the added ones."""
        return tuple(dict.fromkeys((*map(self.present_name, label_names), *self.added)))


class DecisionLog:
    """The decisions on one column of labels, for one task; each is on the disk when its method returns. Several processes and threads may append."""

    def __init__(self, path: Path, task: Task = SINGLE_LABEL) -> None:
        self._log = EventLog(path)
        self._task = task

    def read(self) -> Decisions:
        """All decisions, added up; none if there is no log yet. Raises OSError."""
        content = parse(self._log.content())
        return replace(add_up(content.events, self._task), damaged=len(content.damaged))

    def size(self) -> int:
        """Bytes in the log: a cheap way to see that something was added."""
        return self._log.size()

    def decide(self, decisions: Sequence[Decision]) -> None:
        """Append decisions, which get the present time. Raises OSError; those before the failure are kept then."""
        self._append([_event(decision, decision.action) for decision in decisions])

    def take_back(self, decisions: Sequence[Decision]) -> None:
        """Append that these rows are undecided again. Raises OSError."""
        self._append([_event(decision, "undo") for decision in decisions])

    def rename_class(self, before: str, after: str) -> None:
        """Append that a class has another name, or is merged with the class that has this name. Raises OSError."""
        self._append([ClassRenamed(before=before, after=after)])

    def name_classes(self, names: Mapping[str, str]) -> None:
        """Append that the file's classes have these names on the tab Data now, by the names they had there. Raises OSError."""
        self._append([ClassesNamed(before=tuple(names), after=tuple(names.values()))])

    def restore_class(self, name: str) -> None:
        """Append that a class of the file has its own name again. Raises OSError."""
        self._append([ClassRestored(name=name)])

    def add_class(self, name: str) -> None:
        """Append a class that no row has yet. Raises OSError."""
        self._append([ClassAdded(name=name)])

    def define(self, definitions: Mapping[str, str]) -> None:
        """Append what labels mean, by label; an empty text removes what was said. Raises OSError."""
        self._append([LabelDefined(label=label, definition=words) for label, words in definitions.items()])

    def label_text(self, text: str, label: str) -> None:
        """Append the label of a text that is no row of the file; an empty one takes the text back. Raises OSError."""
        self._append([TextLabelled(text=text, label=label)])

    def _append(self, events: Sequence[Event]) -> None:
        # Syncing the last line syncs all lines before it.
        for number, event in enumerate(events, 1):
            self._log.append(event, durable=number == len(events))


def add_up(events: Iterable[Event], task: Task = SINGLE_LABEL) -> Decisions:
    """What counts of these events, oldest first; their labels are those of rows of this task."""
    state = _State(task)
    for event in events:
        state.add(event)
    return Decisions(state.rows, state.renamed, tuple(state.added), state.definitions, state.texts, task)


class _State:
    """The decisions while they are added up."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self.rows: dict[RowKey, Decision] = {}
        self.renamed: dict[str, str] = {}
        self.added: dict[str, None] = {}
        self.definitions: dict[str, str] = {}
        self.texts: dict[str, str] = {}
        self.names_before: dict[RowKey | str, set[str]] = {}
        """Of each decided row, and of each new text: the names that its classes have lost to another one since."""
        self.kept_names: dict[RowKey | str, set[str]] = {}
        """Those of them that were lost to another one of the same row."""

    def add(self, event: Event) -> None:
        match event:
            case RowDecided():
                # The latest one moves to the end, so that the rows are in the order in which they were decided.
                self.rows.pop((event.file, event.row), None)
                self._forget_names((event.file, event.row))
                if event.action != "undo":
                    self.rows[event.file, event.row] = _decision(event)
            case ClassRenamed():
                self._rename(event.before, event.after)
            case ClassesNamed():
                self._name(dict(zip(event.before, event.after, strict=False)))
            case ClassRestored():
                self._restore(event.name)
            case ClassAdded():
                self.added[event.name] = None
            case TextLabelled():
                self.texts.pop(event.text, None)
                self._forget_names(event.text)
                if event.label:
                    self.texts[event.text] = event.label
            case LabelDefined():
                self.definitions.pop(event.label, None)
                if event.definition:
                    self.definitions[event.label] = event.definition

    def _rename(self, before: str, after: str) -> None:
        """Every class that is called ``before`` now is called ``after``: of the file, added, or chosen for a row."""
        called_so = {before, *(name for name, present in self.renamed.items() if present == before)}
        renamed = {name: after if present == before else present for name, present in self.renamed.items()}
        if before not in renamed:
            # The file's own class of this name, if it has one; otherwise nothing looks this name up.
            renamed[before] = after
        self.renamed = {name: present for name, present in renamed.items() if name != present}
        self.added = dict.fromkeys(after if name == before else name for name in self.added)
        for key, row in self.rows.items():
            self.rows[key] = replace(row, after=self._with_lost_name(key, row.after, before, after, called_so))
        for text, label in self.texts.items():
            self.texts[text] = self._with_lost_name(text, label, before, after, called_so)
        if before in self.definitions:
            definition = self.definitions.pop(before)
            self.definitions.setdefault(after, definition)

    def _restore(self, name: str) -> None:
        """The rows that had this class when it was merged, or were kept in it, have it again."""
        present = self.renamed.pop(name, name)
        for key, row in self.rows.items():
            if row.action == "keep":
                if name in self._task.parse_written(row.before):
                    self.rows[key] = replace(row, after=self._renamed(row.before, lambda own: self.renamed.get(own, own)))
            elif name in self.names_before.get(key, ()):
                self.rows[key] = replace(row, after=self._with_own_name(key, row.after, present, name))
        for text, label in self.texts.items():
            if name in self.names_before.get(text, ()):
                self.texts[text] = self._with_own_name(text, label, present, name)

    def _forget_names(self, key: RowKey | str) -> None:
        self.names_before.pop(key, None)
        self.kept_names.pop(key, None)

    def _renamed(self, written: str, name_of: Callable[[str], str]) -> str:
        """The labels of a row with other names; those that get the same one are one. "" of a dropped row stays."""
        return written and self._task.written(tuple(dict.fromkeys(map(name_of, self._task.parse_written(written)))))

    def _with_lost_name(self, key: RowKey | str, written: str, before: str, after: str, called_so: set[str]) -> str:
        """The labels of a row once ``before`` is called ``after``; ``called_so`` are all names that it had."""
        names = self._task.parse_written(written)
        if before not in names:
            return written
        self.names_before.setdefault(key, set()).add(before)
        if after in names:
            self.kept_names.setdefault(key, set()).update(called_so)
        return self._renamed(written, lambda name: after if name == before else name)

    def _with_own_name(self, key: RowKey | str, written: str, present: str, name: str) -> str:
        """The labels of a row with a name that one of them, ``present`` now, had; both where the row had both."""
        if name in self.kept_names.get(key, ()):
            return self._task.written((*self._task.parse_written(written), name))
        return self._renamed(written, lambda own: name if own == present else own)

    def _name(self, names: Mapping[str, str]) -> None:
        """All at once, so that two classes can swap their names. A present name is that of a class of the file unless that has another one."""
        renamed = self.renamed

        def present(name: str) -> str:
            return name if name in renamed else names.get(name, name)

        self.renamed = {names.get(name, name): present(now) for name, now in renamed.items() if names.get(name, name) != present(now)}
        self.rows = {
            key: replace(row, before=self._renamed(row.before, lambda name: names.get(name, name)), after=self._renamed(row.after, present))
            for key, row in self.rows.items()
        }
        self.texts = {text: self._renamed(label, present) for text, label in self.texts.items()}
        self.names_before = {key: {names.get(name, name) for name in lost} for key, lost in self.names_before.items()}
        self.kept_names = {key: {names.get(name, name) for name in lost} for key, lost in self.kept_names.items()}
        self.definitions = {present(label): definition for label, definition in self.definitions.items()}


def _event(decision: Decision, action: Literal["keep", "relabel", "drop", "undo"]) -> RowDecided:
    return RowDecided(
        file=decision.file,
        row=decision.row,
        text=decision.text,
        action=action,
        before=decision.before,
        after=decision.after,
        reason=decision.reason,
    )


def _decision(event: RowDecided) -> Decision:
    return Decision(
        row=event.row,
        action=event.action,
        before=event.before,
        after=event.after,
        reason=event.reason,
        time=event.time,
        text=event.text,
        file=event.file,
    )
