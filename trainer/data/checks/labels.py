"""Findings about labels: spellings, several in a cell, rare ones, too many, far apart in size."""

from collections import Counter

import numpy as np

from trainer.data.checks.findings import Finding, examples, rows_where
from trainer.data.checks.repairs import (
    MIN_ROWS_PER_LABEL,
    apply_repairs,
    label_variants,
    rare_label_mask,
    removable_rows,
    several_labels_mask,
)
from trainer.data.corpus import Corpus
from trainer.text_format import pluralize, quote_names

_IMBALANCE = 10  # times as many rows in the largest as in the smallest class
_MANY = 30
_FEW_ROWS = 20


def check_labels(corpus: Corpus) -> list[Finding]:
    """What is to be said of the labels.

    Sizes are judged as they will be with one spelling and one label in each cell, lest one trouble be told as four.
    """
    tidy = apply_repairs(corpus, ["label_variants", "several_labels"]).corpus
    sizes = np.bincount(tidy.label_ids, minlength=len(tidy.label_names))
    found = [_variants(corpus), _several(corpus), _rare(corpus), _many(tidy, sizes), _imbalance(tidy, sizes), _small(tidy, sizes)]
    findings = [finding for finding in found if finding]
    if len(sizes) > 1 and not findings:
        message = f"{pluralize(len(sizes), 'label')}, each with at least {pluralize(int(sizes.min()), 'row')}."
        findings.append(Finding("labels_clear", "ok", len(sizes), message))
    return findings


def _variants(corpus: Corpus) -> Finding | None:
    merged = label_variants(corpus)
    if not merged:
        return None
    count = pluralize(len(merged), "label differs", "labels differ")
    pairs = ", ".join(f"“{name[:40]}” and “{common[:40]}”" for name, common in list(merged.items())[:5])
    message = f"{count} from another only in case, blanks or the form of a letter: {pairs}{', …' if len(merged) > 5 else '.'}"
    odd = np.isin(corpus.label_ids, [at for at, name in enumerate(corpus.label_names) if name in merged])
    shown = examples(corpus, rows_where(odd))
    return Finding("label_variants", "error", len(merged), message, "A model would take them for different labels.", shown, True)


def _several(corpus: Corpus) -> Finding | None:
    rows = several_labels_mask(corpus)
    count = int(rows.sum())
    if not count:
        return None
    first = corpus.label_names[corpus.label_ids[np.flatnonzero(rows)[0]]]
    message = f"{pluralize(count, 'row names', 'rows name')} several labels in one cell, such as “{first[:60]}”."
    advice = (
        "Here each text has one label, so every combination would count as a label of its own. "
        "Leave these rows out, or keep one label in each cell and upload the file again."
    )
    return Finding(
        "several_labels", "error", count, message, advice, examples(corpus, rows_where(rows)), bool(removable_rows(corpus, rows).any())
    )


def _rare(corpus: Corpus) -> Finding | None:
    rows = rare_label_mask(corpus)
    sizes = Counter(corpus.label_ids[rows].tolist())
    if not sizes:
        return None
    few = sorted(sizes)
    names = ", ".join(f"“{corpus.label_names[at][:40]}” ({pluralize(sizes[at], 'row')})" for at in few[:10])
    further = f" and {len(few) - 10:,} more" if len(few) > 10 else ""
    message = f"{pluralize(len(few), 'label has', 'labels have')} fewer than {MIN_ROWS_PER_LABEL} rows: {names}{further}."
    advice = "That is too few to learn from and to test; add rows or give them another label."
    return Finding(
        "rare_classes", "warning", len(few), message, advice, examples(corpus, rows_where(rows)), bool(removable_rows(corpus, rows).any())
    )


def _many(corpus: Corpus, sizes: np.ndarray) -> Finding | None:
    if len(sizes) <= _MANY or sizes.mean() >= _FEW_ROWS:
        return None
    message = f"{len(sizes):,} labels with {sizes.mean():.0f} rows each on average are much to learn from little."
    return Finding("many_classes", "warning", len(sizes), message, "Join labels that mean nearly the same, or add rows.")


def _imbalance(corpus: Corpus, sizes: np.ndarray) -> Finding | None:
    most, least = int(sizes.argmax()), int(sizes.argmin())
    if sizes[most] < _IMBALANCE * sizes[least]:
        return None
    message = (
        f"The label {quote_names([corpus.label_names[most]])} has {pluralize(int(sizes[most]), 'row')}, "
        f"{quote_names([corpus.label_names[least]])} only {sizes[least]:,}."
    )
    advice = "Accuracy alone would look too good here; watch the macro F1, which counts every label alike."
    return Finding("imbalance", "warning", round(sizes[most] / sizes[least]), message, advice)


def _small(corpus: Corpus, sizes: np.ndarray) -> Finding | None:
    if len(sizes) < 2 or sizes.mean() >= _FEW_ROWS or len(sizes) > _MANY:
        return None
    message = f"{pluralize(len(corpus), 'row')} for {len(sizes):,} labels are few."
    advice = "The model will learn little, and its score will be uncertain; some hundreds of rows for each label work well."
    return Finding("few_rows", "warning", len(corpus), message, advice)
