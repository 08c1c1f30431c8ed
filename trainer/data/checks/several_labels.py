"""Checks of texts that have several labels, in one cell or over columns: how the file is read, texts without labels, labels that always come together."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from itertools import combinations

import numpy as np

from trainer.check import Check, CheckResult
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.example_rows import examples, rows_where
from trainer.data.checks.repairs import removable_mask
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.text_format import percent, pluralize

_MIN_TOGETHER = 5  # rows: fewer come together by chance
_MAX_PAIRS = 5


def _several_in_cells(file: CheckedFile) -> CheckResult | None:
    """Combinations of labels in a file whose texts are taken to have one each."""
    corpus, mask = file.corpus, file.has_several_labels
    n_rows = int(mask.sum())
    if not n_rows:
        return None
    first = corpus.label(int(np.flatnonzero(mask)[0]))
    message = f"{pluralize(n_rows, 'row names', 'rows name')} several labels in one cell, such as “{first[:60]}”."
    advice = (
        "Here each text has one label, so every combination would count as a label of its own. "
        "Choose “several labels a text”, leave these rows out, or keep one label in each cell and upload the file again."
    )
    repairable = bool(removable_mask(corpus, mask).any())
    return CheckResult("several_labels", "error", n_rows, message, advice, examples(corpus, rows_where(mask)), repairable)


def _read_as_several(file: CheckedFile) -> CheckResult | None:
    """Why the texts of a file are taken to have several labels."""
    corpus, form = file.corpus, file.columns.label_form
    mask = np.array([len(labels) > 1 for labels in corpus.label_sets], dtype=bool)
    n_rows, shown = int(mask.sum()), rows_where(mask)
    if form is None:
        return None
    message = f"{form.reason[0].upper()}{form.reason[1:]}."
    if form.kind == "cells" and shown and corpus.files is None:
        cell = file.table.rows[corpus.source_rows[shown[0]]][form.columns[0]].strip()
        message = f"{pluralize(n_rows, 'row names', 'rows name')} several labels in one cell, such as “{cell[:60]}”."
    joined = "Its rows are joined. " if form.kind == "rows" else ""
    people = (
        "If these columns are the answers of two people, or each text has one label"
        if form.kind == "numbered"
        else "If each text has one label"
    )
    advice = f"{joined}So a text may have several labels here, or none. {people}, choose “one label a text”."
    return CheckResult("several_labels", "info", n_rows, message, advice, examples(corpus, shown))


_SEVERAL_LABELS: Mapping[str, Callable[[CheckedFile], CheckResult | None]] = {
    SINGLE_LABEL.key: _several_in_cells,
    SEVERAL_LABELS.key: _read_as_several,
}


def _check_several_labels(file: CheckedFile) -> CheckResult | None:
    return _SEVERAL_LABELS[file.corpus.task.key](file)


def _may_have_several(file: CheckedFile) -> bool:
    return file.corpus.task is SEVERAL_LABELS


def _check_without_labels(file: CheckedFile) -> CheckResult | None:
    corpus = file.corpus
    mask = ~corpus.label_ids.any(axis=1)
    n_rows = int(mask.sum())
    if not n_rows:
        return None
    message = f"{pluralize(n_rows, 'text has', 'texts have')} none of the labels, {percent(n_rows / len(corpus))} of all."
    advice = (
        "A model learns from them when to give no label. Texts that nobody has labelled yet must not be among them: leave their label empty, "
        "or leave them out."
    )
    return CheckResult("texts_without_labels", "info", n_rows, message, advice, examples(corpus, rows_where(mask)))


def _check_together(file: CheckedFile) -> CheckResult | None:
    """Pairs of labels that the same rows have."""
    corpus = file.labelled_rows
    counts = corpus.label_counts
    labels_by_rows: dict[bytes, list[int]] = defaultdict(list)
    for label_id in np.flatnonzero(counts >= _MIN_TOGETHER).tolist():
        labels_by_rows[np.packbits(corpus.label_ids[:, label_id] > 0).tobytes()].append(label_id)
    pairs = sorted(pair for label_ids in labels_by_rows.values() for pair in combinations(label_ids, 2))
    if not pairs:
        return None
    names = [f"“{corpus.label_names[a][:40]}” and “{corpus.label_names[b][:40]}” ({pluralize(int(counts[a]), 'row')})" for a, b in pairs]
    shown = ", ".join(names[:_MAX_PAIRS])
    more = f" and {len(pairs) - _MAX_PAIRS:,} more" if len(pairs) > _MAX_PAIRS else ""
    message = f"{pluralize(len(pairs), 'pair', 'pairs')} of labels always {'comes' if len(pairs) == 1 else 'come'} together: {shown}{more}."
    advice = "A model cannot tell them apart. Give both the same name if they mean the same."
    rows = rows_where(corpus.label_ids[:, pairs[0][0]] > 0)
    return CheckResult("labels_together", "warning", len(pairs), message, advice, examples(corpus, rows))


_ONLY_FOR = "files whose texts may have several labels"

SEVERAL_LABELS_CHECKS: tuple[Check[CheckedFile], ...] = (
    Check("several_labels", "One label in each cell", _check_several_labels),
    Check("texts_without_labels", "Every text has a label", _check_without_labels, _may_have_several, _ONLY_FOR),
    Check("labels_together", "No labels that always come together", _check_together, _may_have_several, _ONLY_FOR),
)
