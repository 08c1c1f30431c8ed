"""Decisions on labels as edits of the file that they were made on: which cells get which value. Changes no file."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import replace

from trainer.audit.apply_decisions import decided_labels, rows_by_key
from trainer.audit.decisions import Decisions
from trainer.data.corpus import Corpus
from trainer.data.files.table import Table
from trainer.data.label_blocks import fill_blocks
from trainer.data.rewrite.edits import Edits

BLOCKS_NOTE = "Labels stood only on the first row of each block of rows; now each row has its own, because some of them changed."


def decision_edits(table: Table, label_column: int, corpus: Corpus, decisions: Decisions) -> tuple[Edits, tuple[str, ...]]:
    """``label_edits`` of everything that was decided on the rows of the main file, test rows included."""
    labels = decided_labels(corpus, decisions)
    targets = {
        row: labels[position]
        for (file, row), position in rows_by_key(corpus).items()
        if file == "main" and labels[position] != corpus.label_names[corpus.label_ids[position]]
    }
    return label_edits(table, label_column, corpus, targets)


def label_edits(table: Table, label_column: int, corpus: Corpus, targets: Mapping[int, str | None]) -> tuple[Edits, tuple[str, ...]]:
    """The edits that give rows another label, and sentences about further cells that have to change.

    ``targets``: the new label by row of the table, None for rows to be left out. A class is written as the file writes it most often: "0" if
    the class was only named "sadness" here.
    """
    spellings = _spellings(table, label_column, corpus)
    cells = {row: spellings.get(label, label) for row, label in targets.items() if label is not None}
    edits = Edits(label_column, cells, frozenset(row for row, label in targets.items() if label is None))
    filled = fill_blocks([row[label_column] for row in table.rows])
    if filled is None or not targets:
        return edits, ()
    written = {row: cells.get(row, label) for row, label in enumerate(filled) if row not in edits.dropped}
    changed = {row: label for row, label in written.items() if label != table.rows[row][label_column].strip()}
    return replace(edits, cells=changed), (BLOCKS_NOTE,)


def _spellings(table: Table, label_column: int, corpus: Corpus) -> dict[str, str]:
    column = [row[label_column] for row in table.rows]
    column = fill_blocks(column) or column
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for (file, row), position in rows_by_key(corpus).items():
        if file == "main" and column[row].strip():
            counts[corpus.label_names[corpus.label_ids[position]]][" ".join(column[row].split())] += 1
    return {label: spellings.most_common(1)[0][0] for label, spellings in counts.items()}
