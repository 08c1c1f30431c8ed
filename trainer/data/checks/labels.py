"""Checks of the labels: spelling variants, rare labels, too many labels, unequal class sizes."""

from collections.abc import Sequence

import numpy as np

from trainer.check import Check, CheckResult, found, run_checks
from trainer.data.checks.checked_file import CheckedFile
from trainer.data.checks.example_rows import examples, rows_where
from trainer.data.checks.repairs import MIN_ROWS_PER_LABEL, label_counts, missing_label_mask, removable_mask
from trainer.data.checks.several_labels import SEVERAL_LABELS_CHECKS
from trainer.data.corpus import Corpus
from trainer.data.labels import is_date
from trainer.data.missing_labels import find_missing_labels
from trainer.text_format import pluralize, quote_names

_MIN_IMBALANCE = 10  # times as many rows in the largest as in the smallest class
_MANY_LABELS = 30
_FEW_ROWS = 20


def _check_missing_labels(file: CheckedFile) -> list[CheckResult]:
    """Labels that probably mean "no label", and labels that look like it but are kept as classes."""
    corpus, missing = file.corpus, find_missing_labels(label_counts(file.corpus))
    results = []
    if missing.marks:
        mask = missing_label_mask(corpus)
        stands = "probably stands" if len(missing.marks) == 1 else "probably stand"
        message = f"{_names_with_rows(corpus, missing.marks)} {stands} for no label."
        advice = "It would be learnt like any other class. Leave these rows out, or label them; keep them if it is a class."
        repairable = bool(removable_mask(corpus, mask).any())
        shown = examples(corpus, rows_where(mask))
        results.append(CheckResult("missing_labels", "warning", int(mask.sum()), message, advice, shown, repairable))
    if missing.classes:
        message = (
            f"{_names_with_rows(corpus, missing.classes)} is taken as a class like the others, beside which it is written in the same way."
        )
        results.append(CheckResult("doubtful_classes", "ok", len(missing.classes), message))
    return results


def _names_with_rows(corpus: Corpus, names: Sequence[str]) -> str:
    counts = label_counts(corpus)
    shown = [f"“{name[:40]}” ({pluralize(counts[name], 'row')})" for name in names[:10]]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _check_dates(file: CheckedFile) -> CheckResult | None:
    corpus = file.corpus
    dates = [name for name in corpus.label_names if is_date(name)]
    if not dates or len(corpus.label_names) < 2:
        return None
    mask = corpus.has_label(np.isin(corpus.label_names, dates))
    message = f"{pluralize(len(dates), 'label looks like a date', 'labels look like dates')}: {quote_names(dates, limit=5)}."
    advice = (
        "A spreadsheet turns labels such as 3-1 or 4/6 into dates when it opens a file. If that happened here, write the labels again, "
        "in cells that are formatted as text."
    )
    return CheckResult("date_labels", "warning", len(dates), message, advice, examples(corpus, rows_where(mask)))


def _check_variants(file: CheckedFile) -> CheckResult | None:
    corpus, variants = file.corpus, file.label_variants
    if not variants:
        return None
    number = pluralize(len(variants), "label differs", "labels differ")
    pairs = ", ".join(f"“{name[:40]}” and “{common[:40]}”" for name, common in list(variants.items())[:5])
    message = f"{number} from another only in how they are written: {pairs}{', …' if len(variants) > 5 else '.'}"
    is_variant = corpus.has_label(np.array([name in variants for name in corpus.label_names]))
    shown = examples(corpus, rows_where(is_variant))
    return CheckResult("label_variants", "error", len(variants), message, "A model would take them for different labels.", shown, True)


def _check_rare_labels(file: CheckedFile) -> CheckResult | None:
    corpus, mask = file.corpus, file.corpus.has_label(file.rare_labels)
    rare = np.flatnonzero(file.rare_labels).tolist()
    if not rare:
        return None
    sizes = corpus.label_counts.tolist()
    names = ", ".join(f"“{corpus.label_names[label_id][:40]}” ({pluralize(sizes[label_id], 'row')})" for label_id in rare[:10])
    others = f" and {len(rare) - 10:,} more" if len(rare) > 10 else ""
    message = f"{pluralize(len(rare), 'label has', 'labels have')} fewer than {MIN_ROWS_PER_LABEL} rows: {names}{others}."
    advice = "That is too few to learn from and to test; add rows or give them another label."
    repairable = bool(removable_mask(corpus, mask).any())
    return CheckResult("rare_classes", "warning", len(rare), message, advice, examples(corpus, rows_where(mask)), repairable)


def _check_many_labels(file: CheckedFile) -> CheckResult | None:
    sizes = file.class_sizes
    if len(sizes) <= _MANY_LABELS or sizes.mean() >= _FEW_ROWS:
        return None
    message = f"{len(sizes):,} labels have only {sizes.mean():.0f} rows each on average, which is little to learn from."
    return CheckResult("many_classes", "warning", len(sizes), message, "Join labels that mean nearly the same, or add rows.")


def _check_imbalance(file: CheckedFile) -> CheckResult | None:
    names, sizes = file.labelled_rows.label_names, file.class_sizes
    largest, smallest = int(sizes.argmax()), int(sizes.argmin())
    if sizes[largest] < _MIN_IMBALANCE * sizes[smallest]:
        return None
    message = (
        f"The label {quote_names([names[largest]])} has {pluralize(int(sizes[largest]), 'row')}, "
        f"{quote_names([names[smallest]])} only {sizes[smallest]:,}."
    )
    advice = "Accuracy alone would look too good here; watch the macro F1, which counts every label alike."
    return CheckResult("imbalance", "warning", round(sizes[largest] / sizes[smallest]), message, advice)


def _check_few_rows(file: CheckedFile) -> CheckResult | None:
    sizes, rows = file.class_sizes, len(file.labelled_rows)
    if not 2 <= len(sizes) <= _MANY_LABELS or sizes.mean() >= _FEW_ROWS:
        return _clear(file)
    message = f"There are only {pluralize(rows, 'row')} for {len(sizes):,} labels."
    advice = "The model will learn little, and its score will be uncertain; some hundreds of rows for each label work well."
    return CheckResult("few_rows", "warning", rows, message, advice)


def _clear(file: CheckedFile) -> CheckResult | None:
    """The number of labels and the rows of the smallest, if nothing else was found about the labels."""
    sizes = file.class_sizes
    others = run_checks((check for check in LABEL_CHECKS if check.code != "few_rows"), file)
    if len(sizes) < 2 or found(others):
        return None
    message = f"{pluralize(len(sizes), 'label')}, each with at least {pluralize(int(sizes.min()), 'row')}."
    return CheckResult("labels_clear", "ok", len(sizes), message)


LABEL_CHECKS: tuple[Check[CheckedFile], ...] = (
    Check("missing_labels", "No label that stands for none", _check_missing_labels),
    Check("date_labels", "No labels that are dates", _check_dates),
    Check("label_variants", "One spelling of each label", _check_variants),
    *SEVERAL_LABELS_CHECKS,
    Check("rare_classes", "Enough rows to split every label", _check_rare_labels),
    Check("many_classes", "Not too many labels", _check_many_labels),
    Check("imbalance", "Labels of similar size", _check_imbalance),
    Check("few_rows", "Enough rows for the labels", _check_few_rows),
)
"""Class sizes are judged as they will be with one spelling and one label in each cell, so that one problem is not reported four times."""
