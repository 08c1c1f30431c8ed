"""All findings about a data set before training: how it was read, its labels, its duplicates, its texts.

Changes nothing. Findings that depend on the encoder are in encoder.py.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from trainer.data.checks.file import check_file
from trainer.data.checks.findings import Finding, examples, rows_where
from trainer.data.checks.labels import check_labels
from trainer.data.checks.repairs import conflicting_mask, duplicate_groups, duplicate_mask, removable_mask, repeated_groups
from trainer.data.checks.texts import check_texts
from trainer.data.columns.guess import Columns
from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import MAX_GROUP, NearDuplicates
from trainer.data.duplicates.normalize import duplicate_key
from trainer.data.files.read_table import Table
from trainer.text_format import percent, pluralize

_ORDER = {"error": 0, "warning": 1, "ok": 2}


def run_checks(table: Table, columns: Columns, corpus: Corpus, near: NearDuplicates) -> list[Finding]:
    """All findings, errors first. ``near``: the near-duplicates among the corpus's texts."""
    checked = [
        *check_file(table, columns, corpus),
        _check_columns(table, columns),
        _check_given_split(corpus),
        *check_labels(corpus),
        *_check_duplicates(corpus, near),
        *check_texts(table, columns, corpus),
    ]
    return sort_by_severity(finding for finding in checked if finding)


def sort_by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """Errors, warnings, then what is ok; otherwise in the given order."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def _check_columns(table: Table, columns: Columns) -> Finding | None:
    if columns.confident:
        return None
    advice = (
        f"Text: “{table.columns[columns.text][:60]}” ({columns.text_reason}). "
        f"Label: “{table.columns[columns.label][:60]}” ({columns.label_reason}). Choosing them by hand settles it."
    )
    return Finding("columns_unsure", "warning", 1, "Please check the columns: it is not certain which are meant.", advice)


def _check_given_split(corpus: Corpus) -> Finding | None:
    if corpus.given_split is None:
        return None
    counts = Counter(corpus.given_split)
    parts = ", ".join(f"{pluralize(counts[part], 'row')} for {part}" for part in ("train", "validation", "test") if counts[part])
    return Finding("split_given", "ok", len(corpus), f"The rows come with their own split, which is respected: {parts}.")


def _check_duplicates(corpus: Corpus, near: NearDuplicates) -> list[Finding]:
    """Texts that occur more than once, ignoring case and blanks; those of them with different labels; and nearly equal ones."""
    duplicates = duplicate_groups(corpus, duplicate_key)
    labels = corpus.label_ids.tolist()
    conflicts = [group for group in duplicates if len({labels[row] for row in group}) > 1]
    checked = [
        _duplicate_texts(corpus, duplicates),
        _conflicting_labels(corpus, conflicts),
        _near_duplicates(corpus, near, duplicates),
        _separated_near_duplicates(corpus, near),
        _unchecked_near_duplicates(corpus, near),
    ]
    if not any(checked):
        checked.append(Finding("texts_differ", "ok", len(corpus), "No text occurs twice, nor nearly."))
    return [finding for finding in checked if finding]


def _duplicate_texts(corpus: Corpus, duplicates: list[list[int]]) -> Finding | None:
    if not duplicates:
        return None
    message = f"{pluralize(len(duplicates), 'text occurs', 'texts occur')} more than once ({sum(map(len, duplicates)):,} rows)."
    advice = "The copies of a text are kept together, so that none is both trained on and tested."
    shown = examples(corpus, (row for group in duplicates for row in group))
    repairable = bool(removable_mask(corpus, duplicate_mask(corpus, duplicates)).any())
    return Finding("duplicate_texts", "warning", len(duplicates), message, advice, shown, repairable)


def _conflicting_labels(corpus: Corpus, conflicts: list[list[int]]) -> Finding | None:
    if not conflicts:
        return None
    names = " and ".join(f"“{name[:40]}”" for name in sorted({corpus.label_names[corpus.label_ids[row]] for row in conflicts[0]})[:3])
    text = duplicate_key(corpus.texts[conflicts[0][0]])
    message = f"{pluralize(len(conflicts), 'text has', 'texts have')} different labels in different rows, which no model can get right."
    advice = f"Example: “{text if len(text) <= 80 else f'{text[:79]}…'}” is {names}."
    shown = examples(corpus, (row for group in conflicts for row in group))
    repairable = bool(removable_mask(corpus, conflicting_mask(corpus, conflicts)).any())
    return Finding("conflicting_labels", "warning", len(conflicts), message, advice, shown, repairable)


def _near_duplicates(corpus: Corpus, near: NearDuplicates, duplicates: list[list[int]]) -> Finding | None:
    """Groups of nearly equal texts; a text that occurs twice counts once."""
    is_first = np.ones(len(corpus), dtype=bool)
    is_first[[row for group in duplicates for row in group[1:]]] = False
    sizes = Counter(near.groups[is_first].tolist())
    groups = {group: [] for group, size in sizes.items() if size > 1}
    if not groups:
        return None
    for row, group in enumerate(near.groups.tolist()):
        if group in groups:
            groups[group].append(row)
    message = f"{pluralize(len(groups), 'group')} of nearly equal texts ({sum(map(len, groups.values())):,} rows)."
    advice = (
        "They differ only in case, punctuation, links, user names or a few letters, a word at most. Each group is kept together, so "
        f"that none of it is both trained on and tested{'; of rows in different groups see below' if near.separated.any() else ''}."
    )
    shown = examples(corpus, (row for group in groups.values() for row in group[:4]))
    repairable = bool(removable_mask(corpus, duplicate_mask(corpus, repeated_groups(near.normalized))).any())
    return Finding("near_duplicates", "warning", len(groups), message, advice, shown, repairable)


def _separated_near_duplicates(corpus: Corpus, near: NearDuplicates) -> Finding | None:
    """Near-duplicates in different groups: a split may put one into training and the other into the test."""
    n_rows = int(near.separated.sum())
    if not n_rows:
        return None
    message = (
        f"{pluralize(n_rows, 'row is', 'rows are')} nearly equal to a row that may be on the other side of the split, "
        f"{percent(n_rows / len(corpus))} of all rows."
    )
    limit = max(MAX_GROUP[0], int(MAX_GROUP[1] * len(corpus)))
    advice = (
        f"Many texts are nearly equal to one another, as if made from one template. At most about {pluralize(limit, 'row')} of them are kept "
        "on one side, so that some are trained on and others that look like them are tested: the score will look better than it is. "
        "Take out texts that only repeat a template, or give a test file whose texts were collected separately."
    )
    return Finding("near_duplicates_parted", "warning", n_rows, message, advice, examples(corpus, rows_where(near.separated)))


def _unchecked_near_duplicates(corpus: Corpus, near: NearDuplicates) -> Finding | None:
    n_rows = int(near.unchecked.sum())
    if not n_rows:
        return None
    message = (
        f"The search for nearly equal texts is incomplete: for {pluralize(n_rows, 'row')} of {len(corpus):,}, "
        "too many others have the same words, or the text is too long."
    )
    advice = (
        "Texts that are equal, or differ in one letter, are found all the same, unless they have more than a million letters. Others that "
        "are nearly equal may be both trained on and tested, which makes a test score too high. Shorten long texts, take out texts that "
        "only repeat a template, or give a test file whose texts were collected separately."
    )
    return Finding("near_duplicates_unchecked", "warning", n_rows, message, advice, examples(corpus, rows_where(near.unchecked)))
