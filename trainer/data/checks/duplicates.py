"""Checks of texts that occur more than once or nearly: their number, different labels of one text, and what a split may tear apart."""

from trainer.check import Check, CheckResult
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.example_rows import examples, rows_where
from trainer.data.checks.repairs import conflicting_mask, duplicate_mask, removable_mask, repeated_groups
from trainer.data.duplicates.near_duplicates import MAX_GROUP
from trainer.text_format import percent, pluralize


def _duplicate_texts(file: CheckedFile) -> CheckResult | None:
    corpus, duplicates = file.corpus, file.duplicates
    if not duplicates:
        is_clear = not (file.near_duplicate_groups or file.near.separated.any() or file.near.unchecked.any())
        return CheckResult("texts_differ", "ok", len(corpus), "No text occurs twice, nor nearly.") if is_clear else None
    message = f"{pluralize(len(duplicates), 'text occurs', 'texts occur')} more than once ({sum(map(len, duplicates)):,} rows)."
    advice = "The copies of a text are kept together, so that none is both trained on and tested."
    shown = examples(corpus, (row for group in duplicates for row in group))
    repairable = bool(removable_mask(corpus, duplicate_mask(corpus, duplicates)).any())
    return CheckResult("duplicate_texts", "warning", len(duplicates), message, advice, shown, repairable)


def _has_duplicates(file: CheckedFile) -> bool:
    return bool(file.duplicates)


def _conflicting_labels(file: CheckedFile) -> CheckResult | None:
    corpus, conflicts = file.corpus, file.conflicts
    if not conflicts:
        return None
    message = f"{pluralize(len(conflicts), 'text has', 'texts have')} different labels in different rows, which no model can get right."
    joined = "If such a text has all of these labels, choose “several labels a text”: its rows are joined."
    advice = joined if file.may_be_joined else ""
    shown = examples(corpus, (row for group in conflicts for row in group))
    repairable = bool(removable_mask(corpus, conflicting_mask(corpus, conflicts)).any())
    return CheckResult("conflicting_labels", "warning", len(conflicts), message, advice, shown, repairable)


def _near_duplicates(file: CheckedFile) -> CheckResult | None:
    """Groups of nearly equal texts; a text that occurs twice counts once."""
    corpus, near, groups = file.corpus, file.near, file.near_duplicate_groups
    if not groups:
        return None
    message = f"{pluralize(len(groups), 'group')} of nearly equal texts ({sum(map(len, groups)):,} rows)."
    advice = (
        "They differ only in case, punctuation, links, user names or a few letters, a word at most. Each group is kept together, so "
        f"that none of it is both trained on and tested{'; of rows in different groups see below' if near.separated.any() else ''}."
    )
    shown = examples(corpus, (row for group in groups for row in group[:4]))
    repairable = bool(removable_mask(corpus, duplicate_mask(corpus, repeated_groups(near.normalized))).any())
    return CheckResult("near_duplicates", "warning", len(groups), message, advice, shown, repairable)


def _separated_near_duplicates(file: CheckedFile) -> CheckResult | None:
    """Near-duplicates in different groups: a split may put one into training and the other into the test."""
    corpus, near = file.corpus, file.near
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
    return CheckResult("near_duplicates_parted", "warning", n_rows, message, advice, examples(corpus, rows_where(near.separated)))


def _unchecked_near_duplicates(file: CheckedFile) -> CheckResult | None:
    corpus, near = file.corpus, file.near
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
    return CheckResult("near_duplicates_unchecked", "warning", n_rows, message, advice, examples(corpus, rows_where(near.unchecked)))


DUPLICATE_CHECKS: tuple[Check[CheckedFile], ...] = (
    Check("duplicate_texts", "No text occurs twice", _duplicate_texts),
    Check(
        "conflicting_labels",
        "Repeated texts have one label",
        _conflicting_labels,
        _has_duplicates,
        "files with texts that occur more than once",
    ),
    Check("near_duplicates", "No nearly equal texts", _near_duplicates),
    Check("near_duplicates_parted", "Nearly equal texts on one side of the split", _separated_near_duplicates),
    Check("near_duplicates_unchecked", "A complete search for nearly equal texts", _unchecked_near_duplicates),
)
