"""A log of decisions applied to another file, by the text of the rows rather than by their numbers. Writes no file."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from trainer.audit.decisions import Decisions
from trainer.data.corpus import Corpus
from trainer.data.csv_text import without_apostrophe
from trainer.data.files.table import Table
from trainer.data.task import Task
from trainer.errors import FileError
from trainer.runs.event_schema import MAX_TEXT_CHARS
from trainer.text_format import pluralize, quote_names

_NEEDED = ("before", "after", "text")
_RENAME, _NEW_TEXT = "rename class", "new text"
_SHOWN = 20

Outcome = Literal["missing", "ambiguous", "other label"]


@dataclass(frozen=True)
class LoggedChange:
    """One row of a log: the text of the row, its label before and after (None: the row was left out), as ``Task.written`` writes it, and the line of the log."""

    text: str
    before: str
    after: str | None
    line: int


@dataclass(frozen=True)
class ChangeLog:
    """The changes of a log, and the classes that were renamed."""

    changes: tuple[LoggedChange, ...]
    renamed: Mapping[str, str]


@dataclass(frozen=True)
class AppliedLog:
    """A log on the rows of a file. ``targets``: the new label by row of the file's table, None for rows to be left out.

    ``n_already``: changes that the file has already. ``left``: changes that could not be applied, by why.
    """

    targets: Mapping[int, str | None]
    n_applied: int
    n_already: int
    left: Mapping[Outcome, tuple[LoggedChange, ...]]

    def sentences(self) -> list[str]:
        """What was applied and what was not, for people."""
        lines = [f"{pluralize(self.n_applied, 'change')} of the log applied."]
        if self.n_already:
            lines.append(f"In the file already: {pluralize(self.n_already, 'change')}.")
        reasons = {
            "missing": "the file does not have the text",
            "ambiguous": "several rows have the text, of which only some were changed",
            "other label": "the row has another label now than it had then",
        }
        for outcome, changes in self.left.items():
            if changes:
                shown = quote_names([" ".join(change.text.split())[:60] for change in changes], limit=3)
                lines.append(f"Not applied, because {reasons[outcome]}: {pluralize(len(changes), 'change')} ({shown}).")
        return lines

    def to_dict(self) -> dict[str, Any]:
        """For JSON; of the changes that were not applied at most 20 of each kind."""
        left = {
            outcome.replace(" ", "_"): [{"line": change.line, "text": change.text} for change in changes[:_SHOWN]]
            for outcome, changes in self.left.items()
        }
        counts = {f"n_{outcome.replace(' ', '_')}": len(changes) for outcome, changes in self.left.items()}
        return {"applied": self.n_applied, "already": self.n_already, **counts, **left}


def read_change_log(table: Table) -> ChangeLog:
    """The changes in a log as ``change_log`` writes it, also after a spreadsheet saved it. Raises UserError ``not_a_log``."""
    names = {name.strip().casefold(): position for position, name in enumerate(table.columns)}
    missing = [name for name in _NEEDED if name not in names]
    if missing or not table.header:
        raise FileError(
            f"This is no log of decisions: it has no column {quote_names(missing or list(_NEEDED))}. Its columns are {quote_names(list(table.columns), limit=8)}. "
            "Give the file that “Take away” calls the log of changes.",
            code="not_a_log",
        )

    def cell(row: Sequence[str], name: str) -> str:
        return row[names[name]] if name in names else ""

    changes, renamed = [], {}
    for line, row in zip(table.lines, table.rows, strict=True):
        action, before, after = cell(row, "action").strip(), _label(cell(row, "before")), _label(cell(row, "after"))
        if action == _RENAME:
            renamed[before] = after
        elif (
            action not in ("keep", _NEW_TEXT)
            and (after or action in ("drop", "relabel"))
            and after != before
            and cell(row, "file").strip() in ("", "main")
        ):
            changes.append(LoggedChange(_key(cell(row, "text")), before, None if action == "drop" else after, line))
    return ChangeLog(tuple(changes), renamed)


def apply_change_log(log: ChangeLog, corpus: Corpus) -> AppliedLog:
    """Find each change's row by its text and the label it had. Where rows share a text, their changes are applied if they agree."""
    named, task = Decisions(renamed=log.renamed, task=corpus.task), corpus.task
    given = [_alike(names, task) for names in corpus.label_sets]
    labels = [_alike(named.present_names(names), task) for names in corpus.label_sets]
    positions: dict[str, list[int]] = defaultdict(list)
    for position, text in enumerate(corpus.texts):
        positions[_key(text)].append(position)
    rows = corpus.source_rows.tolist()
    targets: dict[int, str | None] = {rows[n]: label for n, label in enumerate(labels) if label != given[n]}
    changes = [change for logged in log.changes if (change := _of_task(logged, task)) is not None]
    n_same = Counter((change.text, change.before, change.after) for change in changes)
    left: dict[Outcome, list[LoggedChange]] = {"missing": [], "ambiguous": [], "other label": []}
    n_applied = n_already = 0
    for change in changes:
        of_text = positions.get(change.text, [])
        # The log names the class as it was called then, after all renaming.
        fitting = [position for position in of_text if labels[position] == change.before]
        if not of_text:
            # A row that was left out then is not in the file that was made from it.
            if change.after is None:
                n_already += 1
            else:
                left["missing"].append(change)
        elif not fitting and change.after is not None and any(labels[position] == change.after for position in of_text):
            n_already += 1
        elif not fitting:
            left["other label"].append(change)
        elif len(fitting) > n_same[change.text, change.before, change.after]:
            left["ambiguous"].append(change)
        else:
            targets |= {rows[position]: change.after for position in fitting}
            n_applied += 1
    return AppliedLog(targets, n_applied, n_already, {outcome: tuple(changes) for outcome, changes in left.items()})


def _alike(names: Sequence[str], task: Task) -> str:
    """Labels as ``Task.written`` writes them, in one order, whatever the order of the classes was when they were logged."""
    return task.written(sorted(names))


def _of_task(change: LoggedChange, task: Task) -> LoggedChange | None:
    """The change with its labels written alike; None if an empty cell says nothing where a text has one label. A list of one is read as its label."""
    written = [change.before, *(() if change.after is None else (change.after,))]
    names = [task.parse_written(labels) for labels in written]
    if change.after is not None and "" in names[-1]:
        return None
    before, *after = (_alike(of_cell, task) for of_cell in names)
    return replace(change, before=before, after=after[0] if after else None)


def _key(text: str) -> str:
    """A text without regard to the ends that a spreadsheet or a repair takes away, and to the apostrophe before what looks like a formula."""
    return without_apostrophe(text)[:MAX_TEXT_CHARS].strip()


def _label(cell: str) -> str:
    return " ".join(without_apostrophe(cell).split())
