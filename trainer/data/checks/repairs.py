"""Repairs: pure functions Corpus -> Corpus, one for each repairable finding, and the log of what they changed.

Decides nothing about what should be repaired. Rows of a given test or validation split are never removed, so that scores stay comparable
with published ones.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from trainer.data.checks.label_variants import find_variants
from trainer.data.checks.placeholder_texts import MAX_PLACEHOLDER_CHARS, is_placeholder
from trainer.data.corpus import Corpus, clean_text
from trainer.data.duplicates.normalize import duplicate_key, normalize_text
from trainer.data.html_and_links import mask_links, strip_html
from trainer.data.labels import find_separator, may_be_names, split_cells
from trainer.data.missing_labels import find_missing_labels
from trainer.data.personal_data import mask_personal
from trainer.data.stand_ins import replace_stand_ins
from trainer.data.task import SINGLE_LABEL
from trainer.errors import RecipeError
from trainer.text_format import pluralize

MIN_ROWS_PER_LABEL = 3
"""A class of fewer rows cannot be in training, validation and test."""

_MAX_ROUNDS = 20
_KEPT_BEFORE_REPAIRS = 4
"""Times the characters that are read of a text: repairs shorten texts, and a huge one must cost little."""


@dataclass(frozen=True)
class Repair:
    """One repair. Applying it twice changes nothing more."""

    title: str
    """The label of its button."""
    done: str
    """What was done to some rows, after their number: "left out, since ...". """
    apply: Callable[[Corpus], Corpus]
    repair_text: Callable[[str], str] | None = None
    """What it does to one text, if it changes texts and nothing else."""


@dataclass(frozen=True)
class RowChange:
    """What a repair changed in one row: ``field`` is "text", "label" or, if the row was removed, "row", with an empty ``new``.

    ``split`` is the row's given split.
    """

    line: int
    split: str | None
    field: str
    old: str
    new: str
    repair: str


@dataclass(frozen=True)
class Repaired:
    """A corpus after repairs, and all changes, in the order of the repairs and of the rows."""

    corpus: Corpus
    changes: tuple[RowChange, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Rows changed or removed, by repair; repairs that changed nothing are missing."""
        return dict(Counter(change.repair for change in self.changes))


def sort_repairs(repair_codes: Iterable[str]) -> tuple[str, ...]:
    """The codes of repairs in the order in which they are always applied: texts, then labels, then rows. Raises UserError ``unknown_repair``."""
    requested = set(repair_codes)
    unknown = sorted(requested - REPAIRS.keys())
    if unknown:
        raise RecipeError(f"There is no repair called “{unknown[0][:60]}”. Repairs: {', '.join(REPAIRS)}.", code="unknown_repair")
    return tuple(code for code in REPAIRS if code in requested)


def apply_repairs(corpus: Corpus, repair_codes: Iterable[str]) -> Repaired:
    """The corpus after the repairs, applied in their fixed order, with the log of the changes.

    Repeats until nothing changes: removed rows may make a class rare, or reveal what separates several labels in a cell.
    """
    changes: list[RowChange] = []
    requested = sort_repairs(repair_codes)
    for _ in range(_MAX_ROUNDS):
        previous = corpus
        for code in requested:
            repaired = REPAIRS[code].apply(corpus)
            changes += _differences(corpus, repaired, code)
            corpus = repaired
        if corpus is previous:
            break
    return Repaired(corpus, tuple(changes))


def describe_repair(code: str, rows: int) -> str:
    """What a repair did to this many rows: "2 rows: left out as a copy of another row". An unknown code is shown as it is."""
    return f"{pluralize(rows, 'row')}: {REPAIRS[code].done if code in REPAIRS else code}"


def text_repairs(repair_codes: Iterable[str]) -> tuple[str, ...]:
    """Those of the repairs that change texts, in order: texts given to the model later must be changed in the same way."""
    return tuple(code for code in sort_repairs(repair_codes) if REPAIRS[code].repair_text is not None)


def repair_text(text: str, repair_codes: Iterable[str]) -> str:
    """One text after these repairs, as in a repaired corpus; repairs that do not change texts are ignored."""
    functions = [REPAIRS[code].repair_text for code in text_repairs(repair_codes)]
    for _ in range(_MAX_ROUNDS):
        previous = text
        for function in functions:
            text = function(text)
        if text == previous:
            break
    return text


@dataclass(frozen=True)
class ReadText:
    """A text as a model reads it, whether a repair changed it, and whether its end is missing."""

    text: str
    repaired: bool
    cut: bool


def read_text(text: str, repair_codes: Iterable[str], max_chars: int | None = None) -> ReadText:
    """A raw text, cleaned and repaired as a row of the training is, and only then cut to ``max_chars`` characters."""
    kept = text if max_chars is None else text[: _KEPT_BEFORE_REPAIRS * max_chars]
    clean = clean_text(kept)
    repaired = repair_text(clean, repair_codes)
    whole = max_chars is None or len(repaired) <= max_chars
    read = repaired if whole else clean_text(repaired[:max_chars])
    return ReadText(read, repaired != clean, not whole or len(kept) < len(text))


def _differences(old: Corpus, new: Corpus, code: str) -> Iterator[RowChange]:
    """The rows of ``new`` are some of those of ``old``, in the same order."""
    if new is old:
        return
    new_rows = zip(_rows(new), strict=True)
    candidate = next(new_rows, None)
    for line, source, split, text, label in _rows(old):
        if candidate is None or candidate[0][:3] != (line, source, split):
            yield RowChange(line, split, "row", f"{label}: {text}", "", code)
            continue
        if candidate[0][3] != text:
            yield RowChange(line, split, "text", text, candidate[0][3], code)
        if candidate[0][4] != label:
            yield RowChange(line, split, "label", label, candidate[0][4], code)
        candidate = next(new_rows, None)


def _rows(corpus: Corpus) -> Iterator[tuple[int, int, str | None, str, str]]:
    splits = corpus.given_split or (None,) * len(corpus)
    return zip(corpus.lines.tolist(), corpus.source_rows.tolist(), splits, corpus.texts, corpus.labels, strict=True)


# --- texts --------------------------------------------------------------------------------------------------------------


def _text_repair(title: str, done: str, function: Callable[[str], str]) -> Repair:
    def apply(corpus: Corpus) -> Corpus:
        texts = tuple(map(function, corpus.texts))
        return corpus if texts == corpus.texts else corpus.with_texts(texts)

    return Repair(title, done, apply, function)


# --- labels -------------------------------------------------------------------------------------------------------------


def label_counts(corpus: Corpus) -> dict[str, int]:
    """The number of rows of each label."""
    return dict(zip(corpus.label_names, corpus.label_counts.tolist(), strict=True))


def label_variants(corpus: Corpus) -> dict[str, str]:
    """Labels that differ only in their spelling, each with the variant that most rows have."""
    return find_variants(label_counts(corpus))


def _merge_variants(corpus: Corpus) -> Corpus:
    variants = label_variants(corpus)
    return corpus.rename_labels(variants) if variants else corpus


def several_labels_mask(corpus: Corpus) -> np.ndarray:
    """(n,) bool: the rows whose label names several, though each text has one label. None if these may be names of two words."""
    counts = label_counts(corpus) if corpus.task is SINGLE_LABEL else {}
    separator = find_separator(counts)
    split = split_cells(counts, separator) if separator else {}
    if not split or may_be_names(split, separator):
        return np.zeros(len(corpus), dtype=bool)
    return corpus.has_label(np.array([len(split[name]) > 1 for name in corpus.label_names]))


def drop_several_labels(corpus: Corpus) -> Corpus:
    """The rows whose label cell has one label; all rows if none does."""
    has_several = several_labels_mask(corpus)
    return corpus if has_several.all() or not has_several.any() else corpus.where(~has_several)


# --- rows ---------------------------------------------------------------------------------------------------------------


def missing_label_mask(corpus: Corpus) -> np.ndarray:
    """(n,) bool: the rows whose label probably says that there is none."""
    marks = find_missing_labels(label_counts(corpus)).marks
    return corpus.has_label(np.array([name in marks for name in corpus.label_names], dtype=bool))


def placeholder_mask(corpus: Corpus) -> np.ndarray:
    """(n,) bool: the rows whose text only stands for one that is missing ("[removed]", "None")."""
    return np.array([len(text) <= MAX_PLACEHOLDER_CHARS and is_placeholder(text) for text in corpus.texts], dtype=bool)


def rows_outside_given_splits(corpus: Corpus) -> np.ndarray:
    """(n,) bool: the rows that are not in a given test or validation split; only these may a repair remove."""
    if corpus.given_split is None:
        return np.ones(len(corpus), dtype=bool)
    return np.array([split == "train" for split in corpus.given_split])


def removable_mask(corpus: Corpus, candidates: np.ndarray) -> np.ndarray:
    """(n,) bool: those of the ``candidates``, (n,) bool, that can be removed and leave something to train on.

    A label of given test rows keeps its training rows if all of them would be removed: without them it could never be predicted.
    """
    free = rows_outside_given_splits(corpus)
    removed = candidates & free
    if removed.all():
        return np.zeros(len(corpus), dtype=bool)
    if not free.all():
        kept, needed = corpus.count_labels(free & ~removed), corpus.count_labels(~free)
        removed &= ~corpus.has_label((needed > 0) & (kept == 0))
    return removed


def _without(corpus: Corpus, mask: np.ndarray) -> Corpus:
    removed = removable_mask(corpus, mask)
    return corpus.where(~removed) if removed.any() else corpus


def conflicting_mask(corpus: Corpus, duplicates: list[list[int]]) -> np.ndarray:
    """(n,) bool: rows of texts that occur with different labels, except rows that have the label of most copies.

    ``duplicates`` are the rows of each repeated text.
    """
    labels = corpus.label_keys
    mask = np.zeros(len(corpus), dtype=bool)
    for rows in duplicates:
        counts = Counter(labels[row] for row in rows).most_common(2)
        if len(counts) > 1:
            majority = counts[0][0] if counts[0][1] > counts[1][1] else None
            mask[[row for row in rows if labels[row] != majority]] = True
    return mask


def duplicate_mask(corpus: Corpus, duplicates: list[list[int]]) -> np.ndarray:
    """(n,) bool: duplicates of an earlier row, or of a given test row, with the same label.

    ``duplicates`` are the rows of each repeated text.
    """
    labels = corpus.label_keys
    free = rows_outside_given_splits(corpus)
    mask = np.zeros(len(corpus), dtype=bool)
    for rows in duplicates:
        seen = {labels[row] for row in rows if not free[row]}
        for row in rows:
            if free[row]:
                mask[row] = labels[row] in seen
                seen.add(labels[row])
    return mask


def rare_labels(corpus: Corpus) -> np.ndarray:
    """(k,) bool: the labels that have too few rows to be split, all spellings of a label counted together; no names of several labels."""
    variants, has_one = label_variants(corpus), ~several_labels_mask(corpus)
    merged = corpus.rename_labels(variants) if variants else corpus
    counts = dict(zip(merged.label_names, merged.count_labels(has_one).tolist(), strict=True))
    is_rare = np.array([counts[variants.get(name, name)] < MIN_ROWS_PER_LABEL for name in corpus.label_names], dtype=bool)
    return is_rare & (corpus.count_labels(has_one) > 0)


def _without_rare_labels(corpus: Corpus) -> Corpus:
    """Rows with another label beside a rare one keep the other; those of given test rows keep all."""
    rare = rare_labels(corpus) & (corpus.count_labels(~rows_outside_given_splits(corpus)) == 0)
    left = _without(corpus, corpus.has_label(rare) & ~corpus.has_label(~rare))
    is_rare = np.isin(left.label_names, np.array(corpus.label_names)[rare])
    # If nothing would be left to train on, rows with nothing else stay, and so do their labels.
    is_rare &= left.count_labels(left.has_label(is_rare) & ~left.has_label(~is_rare)) == 0
    return left.without_labels(is_rare) if is_rare.any() else left


def duplicate_groups(corpus: Corpus, key: Callable[[str], str], *, among: Iterable[int] | None = None) -> list[list[int]]:
    """The rows of each text that occurs more than once; texts with the same ``key`` are the same. ``among``: the rows that may be such, ascending; all if None."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row in range(len(corpus)) if among is None else among:
        rows[key(corpus.texts[row])].append(row)
    return [group for group in rows.values() if len(group) > 1]


def repeated_groups(numbers: np.ndarray) -> list[list[int]]:
    """The rows of each number that occurs more than once among (n,) integers."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row, number in enumerate(numbers.tolist()):
        rows[number].append(row)
    return [group for group in rows.values() if len(group) > 1]


REPAIRS: dict[str, Repair] = {
    "html_in_texts": _text_repair("Turn them into characters", "HTML codes turned into the characters they stand for", strip_html),
    "stand_ins_in_texts": _text_repair("Put the marks in", "words for punctuation marks turned into the marks", replace_stand_ins),
    "personal_data_in_texts": _text_repair(
        "Mask them as “email”, “phone”, “iban”, “card”, “http” and “@user”",
        "mail addresses, phone, bank and card numbers, links and user names masked",
        mask_personal,
    ),
    "links_in_texts": _text_repair("Replace them by “http” and “@user”", "links replaced by “http”, user names by “@user”", mask_links),
    "label_variants": Repair("Merge the spellings", "label written as most rows write it", _merge_variants),
    "several_labels": Repair(
        "Leave these rows out",
        "left out, since the cell has several labels",
        lambda corpus: _without(corpus, several_labels_mask(corpus)),
    ),
    "missing_labels": Repair(
        "Leave these rows out",
        "left out, since the label says that there is none",
        lambda corpus: _without(corpus, missing_label_mask(corpus)),
    ),
    "placeholder_texts": Repair(
        "Leave these rows out",
        "left out, since the text only stands for a missing one",
        lambda corpus: _without(corpus, placeholder_mask(corpus)),
    ),
    "conflicting_labels": Repair(
        "Keep the label most copies have",
        "left out, since most copies of the text have another label, or none has most",
        lambda corpus: _without(corpus, conflicting_mask(corpus, duplicate_groups(corpus, duplicate_key))),
    ),
    "duplicate_texts": Repair(
        "Keep one copy of each",
        "left out as a copy of another row",
        lambda corpus: _without(corpus, duplicate_mask(corpus, duplicate_groups(corpus, duplicate_key))),
    ),
    "near_duplicates": Repair(
        "Keep one of each",
        "left out as a near copy of another row",
        lambda corpus: _without(corpus, duplicate_mask(corpus, duplicate_groups(corpus, normalize_text))),
    ),
    "rare_classes": Repair("Leave these labels out", "left out, since their label has too few rows", _without_rare_labels),
}
"""By the code of the finding that each resolves, in the order in which they are applied."""
