"""All findings about a data set before it is trained on: how it was read, its labels, its doubles, its texts.

Changes nothing. What depends on the encoder is looked at in encoder_checks.py.
"""

from collections import Counter
from collections.abc import Iterable

import numpy as np

from trainer.data.checks.findings import Finding, examples, rows_where
from trainer.data.checks.labels import check_labels
from trainer.data.checks.reading import check_reading
from trainer.data.checks.repairs import conflicting_mask, duplicate_groups, duplicate_mask, removable_rows, rows_of
from trainer.data.checks.texts import check_texts
from trainer.data.columns.guess import Columns
from trainer.data.corpus import Corpus, duplicate_key
from trainer.data.duplicates.near_duplicates import MAX_GROUP, NearDuplicates
from trainer.data.files.reading import Table
from trainer.text_format import percent, pluralize

_ORDER = {"error": 0, "warning": 1, "ok": 2}


def run_checks(table: Table, columns: Columns, corpus: Corpus, near: NearDuplicates) -> list[Finding]:
    """All findings, the most pressing first. ``near``: the ``near_duplicates`` of the corpus's texts."""
    found = [
        *check_reading(table, columns, corpus),
        _columns_unsure(table, columns),
        _split_given(corpus),
        *check_labels(corpus),
        *_doubles(corpus, near),
        *check_texts(table, columns, corpus),
    ]
    return sort_by_severity(finding for finding in found if finding)


def sort_by_severity(findings: Iterable[Finding]) -> list[Finding]:
    """What must be fixed first, what is good last; otherwise in the order given."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def _columns_unsure(table: Table, columns: Columns) -> Finding | None:
    if columns.confident:
        return None
    advice = (
        f"Text: “{table.columns[columns.text][:60]}” ({columns.text_reason}). "
        f"Label: “{table.columns[columns.label][:60]}” ({columns.label_reason}). Choosing them by hand settles it."
    )
    return Finding("columns_unsure", "warning", 1, "Please check the columns: I am not sure of them.", advice)


def _split_given(corpus: Corpus) -> Finding | None:
    if corpus.given_split is None:
        return None
    counts = Counter(corpus.given_split)
    said = ", ".join(f"{pluralize(counts[part], 'row')} for {part}" for part in ("train", "validation", "test") if counts[part])
    return Finding("split_given", "ok", len(corpus), f"The rows come with their own split, which is respected: {said}.")


def _doubles(corpus: Corpus, near: NearDuplicates) -> list[Finding]:
    """Texts that occur more than once, whatever their case and blanks; among them those with different labels; and nearly equal ones."""
    doubles = duplicate_groups(corpus, duplicate_key)
    labels = corpus.label_ids.tolist()
    conflicts = [group for group in doubles if len({labels[row] for row in group}) > 1]
    found = [
        _duplicates(corpus, doubles),
        _conflicts(corpus, conflicts),
        _near(corpus, near, doubles),
        _near_parted(corpus, near),
        _near_unchecked(corpus, near),
    ]
    if not any(found):
        found.append(Finding("texts_differ", "ok", len(corpus), "No text occurs twice, nor nearly."))
    return [finding for finding in found if finding]


def _duplicates(corpus: Corpus, doubles: list[list[int]]) -> Finding | None:
    if not doubles:
        return None
    message = f"{pluralize(len(doubles), 'text occurs', 'texts occur')} more than once ({sum(map(len, doubles)):,} rows)."
    advice = "The copies of a text are kept together, so that none is both trained on and tested."
    shown = examples(corpus, (row for group in doubles for row in group))
    return Finding(
        "duplicate_texts",
        "warning",
        len(doubles),
        message,
        advice,
        shown,
        bool(removable_rows(corpus, duplicate_mask(corpus, doubles)).any()),
    )


def _conflicts(corpus: Corpus, conflicts: list[list[int]]) -> Finding | None:
    if not conflicts:
        return None
    names = " and ".join(f"“{name[:40]}”" for name in sorted({corpus.label_names[corpus.label_ids[row]] for row in conflicts[0]})[:3])
    text = duplicate_key(corpus.texts[conflicts[0][0]])
    message = f"{pluralize(len(conflicts), 'text has', 'texts have')} different labels in different rows, which no model can get right."
    advice = f"Example: “{text if len(text) <= 80 else f'{text[:79]}…'}” is {names}."
    shown = examples(corpus, (row for group in conflicts for row in group))
    return Finding(
        "conflicting_labels",
        "warning",
        len(conflicts),
        message,
        advice,
        shown,
        bool(removable_rows(corpus, conflicting_mask(corpus, conflicts)).any()),
    )


def _near(corpus: Corpus, near_duplicates: NearDuplicates, doubles: list[list[int]]) -> Finding | None:
    """Groups of nearly equal texts, those of equal ones not pluralize again."""
    first = np.ones(len(corpus), dtype=bool)
    first[[row for group in doubles for row in group[1:]]] = False
    groups = near_duplicates.groups
    sizes = Counter(groups[first].tolist())
    near = {group: [] for group, size in sizes.items() if size > 1}
    if not near:
        return None
    for row, group in enumerate(groups.tolist()):
        if group in near:
            near[group].append(row)
    message = f"{pluralize(len(near), 'group')} of nearly equal texts ({sum(map(len, near.values())):,} rows)."
    advice = (
        "They are the same but for case, punctuation, links, user names or a few letters, a word at most. Each group is kept together, so "
        f"that none of it is both trained on and tested{'; of rows in different groups see below' if near_duplicates.parted.any() else ''}."
    )
    shown = examples(corpus, (row for group in near.values() for row in group[:4]))
    repairable = bool(removable_rows(corpus, duplicate_mask(corpus, rows_of(near_duplicates.folds))).any())
    return Finding("near_duplicates", "warning", len(near), message, advice, shown, repairable)


def _near_parted(corpus: Corpus, near: NearDuplicates) -> Finding | None:
    """Near-duplicates in different groups, of which a split may put one into training and one into the test."""
    count = int(near.parted.sum())
    if not count:
        return None
    message = (
        f"{pluralize(count, 'row is', 'rows are')} nearly equal to a row that may land on the other side of the split, "
        f"{percent(count / len(corpus))} of all rows."
    )
    allowed = max(MAX_GROUP[0], int(MAX_GROUP[1] * len(corpus)))
    advice = (
        f"Many texts are nearly equal to one another, as if made from one template. At most about {pluralize(allowed, 'row')} of them are kept "
        "on one side, so that some are trained on and others that look like them are tested: the score will look better than it is. "
        "Take out texts that only repeat a template, or give a test file whose texts were collected separately."
    )
    return Finding("near_duplicates_parted", "warning", count, message, advice, examples(corpus, rows_where(near.parted)))


def _near_unchecked(corpus: Corpus, near: NearDuplicates) -> Finding | None:
    count = int(near.unchecked.sum())
    if not count:
        return None
    message = (
        f"Not all nearly equal texts were looked for: for {pluralize(count, 'row')} of {len(corpus):,} "
        "too many others have the same words, or the text is too long."
    )
    advice = (
        "Texts that are equal, or differ in one letter, are found all the same, unless they have more than a million letters. Others that "
        "are nearly equal may be both trained on and tested, which makes a test score too high. Shorten long texts, take out texts that "
        "only repeat a template, or give a test file whose texts were collected separately."
    )
    return Finding("near_duplicates_unchecked", "warning", count, message, advice, examples(corpus, rows_where(near.unchecked)))
