"""Findings about labels: spelling variants, several labels in a cell, rare labels, too many labels, unequal class sizes."""

from collections import Counter

import numpy as np

from trainer.data.checks.findings import Finding, examples, rows_where
from trainer.data.checks.repairs import (
    MIN_ROWS_PER_LABEL,
    apply_repairs,
    label_variants,
    rare_label_mask,
    removable_mask,
    several_labels_mask,
)
from trainer.data.corpus import Corpus
from trainer.text_format import pluralize, quote_names

_MIN_IMBALANCE = 10  # times as many rows in the largest as in the smallest class
_MANY_LABELS = 30
_FEW_ROWS = 20


def check_labels(corpus: Corpus) -> list[Finding]:
    """Findings about the labels.

    Class sizes are judged as they will be with one spelling and one label in each cell, so that one problem is not reported four times.
    """
    repaired = apply_repairs(corpus, ["label_variants", "several_labels"]).corpus
    sizes = np.bincount(repaired.label_ids, minlength=len(repaired.label_names))
    checked = [
        _check_variants(corpus),
        _check_several_labels(corpus),
        _check_rare_labels(corpus),
        _check_many_labels(sizes),
        _check_imbalance(repaired, sizes),
        _check_few_rows(repaired, sizes),
    ]
    findings = [finding for finding in checked if finding]
    if len(sizes) > 1 and not findings:
        message = f"{pluralize(len(sizes), 'label')}, each with at least {pluralize(int(sizes.min()), 'row')}."
        findings.append(Finding("labels_clear", "ok", len(sizes), message))
    return findings


def _check_variants(corpus: Corpus) -> Finding | None:
    variants = label_variants(corpus)
    if not variants:
        return None
    number = pluralize(len(variants), "label differs", "labels differ")
    pairs = ", ".join(f"“{name[:40]}” and “{common[:40]}”" for name, common in list(variants.items())[:5])
    message = f"{number} from another only in case, blanks or the form of a letter: {pairs}{', …' if len(variants) > 5 else '.'}"
    is_variant = np.isin(corpus.label_ids, [label_id for label_id, name in enumerate(corpus.label_names) if name in variants])
    shown = examples(corpus, rows_where(is_variant))
    return Finding("label_variants", "error", len(variants), message, "A model would take them for different labels.", shown, True)


def _check_several_labels(corpus: Corpus) -> Finding | None:
    mask = several_labels_mask(corpus)
    n_rows = int(mask.sum())
    if not n_rows:
        return None
    first = corpus.label_names[corpus.label_ids[np.flatnonzero(mask)[0]]]
    message = f"{pluralize(n_rows, 'row names', 'rows name')} several labels in one cell, such as “{first[:60]}”."
    advice = (
        "Here each text has one label, so every combination would count as a label of its own. "
        "Leave these rows out, or keep one label in each cell and upload the file again."
    )
    repairable = bool(removable_mask(corpus, mask).any())
    return Finding("several_labels", "error", n_rows, message, advice, examples(corpus, rows_where(mask)), repairable)


def _check_rare_labels(corpus: Corpus) -> Finding | None:
    mask = rare_label_mask(corpus)
    sizes = Counter(corpus.label_ids[mask].tolist())
    if not sizes:
        return None
    rare = sorted(sizes)
    names = ", ".join(f"“{corpus.label_names[label_id][:40]}” ({pluralize(sizes[label_id], 'row')})" for label_id in rare[:10])
    others = f" and {len(rare) - 10:,} more" if len(rare) > 10 else ""
    message = f"{pluralize(len(rare), 'label has', 'labels have')} fewer than {MIN_ROWS_PER_LABEL} rows: {names}{others}."
    advice = "That is too few to learn from and to test; add rows or give them another label."
    repairable = bool(removable_mask(corpus, mask).any())
    return Finding("rare_classes", "warning", len(rare), message, advice, examples(corpus, rows_where(mask)), repairable)


def _check_many_labels(sizes: np.ndarray) -> Finding | None:
    if len(sizes) <= _MANY_LABELS or sizes.mean() >= _FEW_ROWS:
        return None
    message = f"{len(sizes):,} labels have only {sizes.mean():.0f} rows each on average, which is little to learn from."
    return Finding("many_classes", "warning", len(sizes), message, "Join labels that mean nearly the same, or add rows.")


def _check_imbalance(corpus: Corpus, sizes: np.ndarray) -> Finding | None:
    largest, smallest = int(sizes.argmax()), int(sizes.argmin())
    if sizes[largest] < _MIN_IMBALANCE * sizes[smallest]:
        return None
    message = (
        f"The label {quote_names([corpus.label_names[largest]])} has {pluralize(int(sizes[largest]), 'row')}, "
        f"{quote_names([corpus.label_names[smallest]])} only {sizes[smallest]:,}."
    )
    advice = "Accuracy alone would look too good here; watch the macro F1, which counts every label alike."
    return Finding("imbalance", "warning", round(sizes[largest] / sizes[smallest]), message, advice)


def _check_few_rows(corpus: Corpus, sizes: np.ndarray) -> Finding | None:
    if len(sizes) < 2 or sizes.mean() >= _FEW_ROWS or len(sizes) > _MANY_LABELS:
        return None
    message = f"There are only {pluralize(len(corpus), 'row')} for {len(sizes):,} labels."
    advice = "The model will learn little, and its score will be uncertain; some hundreds of rows for each label work well."
    return Finding("few_rows", "warning", len(corpus), message, advice)
