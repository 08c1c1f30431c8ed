"""Decisions on labels as edits of the file that they were made on: which cells get which value. Changes no file."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from trainer.audit.apply_decisions import decided_labels, rows_by_key
from trainer.audit.decisions import Decisions
from trainer.data.columns.guess import Columns
from trainer.data.columns.label_form import read_label_sets
from trainer.data.columns.written_labels import write_label_sets
from trainer.data.corpus import Corpus
from trainer.data.files.list_cells import EMPTY_LIST
from trainer.data.files.table import Table
from trainer.data.label_blocks import fill_blocks
from trainer.data.labels import normalize_label
from trainer.data.rewrite.edits import Edits
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL

BLOCKS_NOTE = "Labels stood only on the first row of each block of rows; now each row has its own, because some of them changed."
NO_LABEL_NOTE = "A text without any label has “[]” in its cell: an empty cell is a text that is not labelled yet."


def decision_edits(table: Table, columns: Columns, corpus: Corpus, decisions: Decisions) -> tuple[tuple[Edits, ...], tuple[str, ...]]:
    """``label_edits`` of everything that was decided on the rows of the main file, test rows included."""
    labels, given = decided_labels(corpus, decisions), corpus.written_labels
    targets = {
        row: labels[position]
        for (file, row), position in rows_by_key(corpus).items()
        if file == "main" and labels[position] != given[position]
    }
    return label_edits(table, columns, corpus, targets)


def label_edits(
    table: Table, columns: Columns, corpus: Corpus, targets: Mapping[int, str | None]
) -> tuple[tuple[Edits, ...], tuple[str, ...]]:
    """The edits that give rows another label, to be made one after the other, and sentences about further cells that have to change.

    ``targets``: the new label by row of the table, as ``Task.written`` writes it, None for rows to be left out. A class is written as the file writes it
    most often: "0" if the class was only named "sadness" here. Raises UserError ``not_rewritable`` for labels that the file cannot hold.
    """
    return _EDITS[corpus.task.key](table, columns, corpus, targets)


def _edits_of_one(
    table: Table, columns: Columns, corpus: Corpus, targets: Mapping[int, str | None]
) -> tuple[tuple[Edits, ...], tuple[str, ...]]:
    label_column = columns.label
    spellings = _spellings(table, label_column, corpus)
    cells = {row: spellings.get(label, label) for row, label in targets.items() if label is not None}
    edits = Edits(label_column, cells, frozenset(row for row, label in targets.items() if label is None))
    filled = fill_blocks([row[label_column] for row in table.rows])
    if filled is None or not targets:
        return (edits,), ()
    written = {row: cells.get(row, label) for row, label in enumerate(filled) if row not in edits.dropped}
    changed = {row: label for row, label in written.items() if label != table.rows[row][label_column].strip()}
    return (replace(edits, cells=changed),), (BLOCKS_NOTE,)


def _edits_of_several(
    table: Table, columns: Columns, corpus: Corpus, targets: Mapping[int, str | None]
) -> tuple[tuple[Edits, ...], tuple[str, ...]]:
    form, parse = columns.label_form, corpus.task.parse_written
    given = read_label_sets(table, form)
    names = _names_of_written(given, corpus)
    spellings = _most_frequent(name for labels in given for name in labels or ())
    by_name: dict[str, str] = {}
    for written in spellings:
        by_name.setdefault(names.get(written, written), written)
    labels = {row: _with_changes(given[row] or (), parse(target), names, by_name) for row, target in targets.items() if target is not None}
    cells = write_label_sets(table, form, labels)
    dropped = frozenset(row for row, target in targets.items() if target is None)
    edits = [Edits(column, of_column) for column, of_column in sorted(cells.items()) if of_column]
    # Left out last: until then rows have their numbers.
    edits += [Edits(dropped=dropped)] if dropped else []
    has_none = form.kind == "cells" and any(cell == EMPTY_LIST for of_column in cells.values() for cell in of_column.values())
    return tuple(edits), (NO_LABEL_NOTE,) if has_none else ()


def _with_changes(given: Sequence[str], wanted: Sequence[str], names: Mapping[str, str], by_name: Mapping[str, str]) -> tuple[str, ...]:
    """The labels of a row as the file writes them: those that stay where they are, and new ones behind them, or in the place of the only one that goes."""
    new = [by_name.get(name, name) for name in wanted if name not in {names.get(written) for written in given}]
    gone = [written for written in given if names.get(written) not in (None, *wanted)]
    if len(new) == len(gone) == 1:
        return tuple(new[0] if written == gone[0] else written for written in given)
    return (*(written for written in given if written not in gone), *new)


def _names_of_written(given: Sequence[Sequence[str] | None], corpus: Corpus) -> dict[str, str]:
    """The label that each spelling of the file is in the corpus, where repairs and names of classes may have changed it: the one that all of its rows
    have, and of several that always come together the one that is spelled alike, or that no other spelling is. Spellings without one are left out."""
    possible: dict[str, set[str]] = {}
    sets = corpus.label_sets
    for (file, row), position in rows_by_key(corpus).items():
        for written in (given[row] or ()) if file == "main" else ():
            possible[written] = possible[written] & set(sets[position]) if written in possible else set(sets[position])
    names = {written: name for written, labels in possible.items() for name in labels if normalize_label(name) == normalize_label(written)}
    for written, labels in sorted(possible.items(), key=lambda item: (len(item[1]), item[0])):
        left = labels - set(names.values()) if len(labels) > 1 else labels
        if written not in names and left:
            names[written] = min(left)
    return names


def _most_frequent(written: Iterable[str]) -> list[str]:
    return [spelling for spelling, _ in Counter(written).most_common()]


def _spellings(table: Table, label_column: int, corpus: Corpus) -> dict[str, str]:
    column = [row[label_column] for row in table.rows]
    column = fill_blocks(column) or column
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    labels = corpus.labels
    for (file, row), position in rows_by_key(corpus).items():
        if file == "main" and column[row].strip():
            counts[labels[position]][" ".join(column[row].split())] += 1
    return {label: spellings.most_common(1)[0][0] for label, spellings in counts.items()}


_EDITS: Mapping[str, Callable[..., tuple[tuple[Edits, ...], tuple[str, ...]]]] = {
    SINGLE_LABEL.key: _edits_of_one,
    SEVERAL_LABELS.key: _edits_of_several,
}
"""By ``Task.key``."""
