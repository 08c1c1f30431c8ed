"""Repairs: pure functions Corpus -> Corpus, each the answer to a finding of the same code, and the log of what they changed.

Decides nothing about what should be repaired. Rows of a given test or validation split are never removed: what was published stays
comparable.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from trainer.data.corpus import Corpus, duplicate_key
from trainer.data.duplicates.normalize import normalize_text
from trainer.data.html_and_links import mask_links, strip_html
from trainer.data.labels import find_separator, normalize_label, split_labels
from trainer.errors import UserError
from trainer.text_format import pluralize

MIN_ROWS_PER_LABEL = 3
"""A class of fewer rows cannot be in training, validation and test."""

_MOST_ROUNDS = 20


@dataclass(frozen=True)
class Repair:
    """One repair. Doing it twice changes nothing more."""

    title: str
    """What its button says."""
    done: str
    """What was done, said of a number of rows: "left out, since ...". """
    apply: Callable[[Corpus], Corpus]
    text: Callable[[str], str] | None = None
    """What it does to one text, where it changes texts and nothing else."""


@dataclass(frozen=True)
class Change:
    """What a repair did to one row: its text, its label, or (``what`` is "row") its removal, ``after`` then being empty."""

    line: int
    origin: str | None
    what: str
    before: str
    after: str
    repair: str


@dataclass(frozen=True)
class Repaired:
    """A corpus after repairs, and everything that they changed, in the order of the repairs and of the rows."""

    corpus: Corpus
    changes: tuple[Change, ...]

    @property
    def counts(self) -> dict[str, int]:
        """Rows changed or removed, by repair; a repair that found nothing to do is not in it."""
        return dict(Counter(change.repair for change in self.changes))


def sort_repairs(codes: Iterable[str]) -> tuple[str, ...]:
    """The repairs in the one order in which they are applied: texts, then labels, then rows. Raises UserError ``unknown_repair``.

    With a fixed order it does not matter in which one they were asked for.
    """
    wanted = set(codes)
    unknown = sorted(wanted - REPAIRS.keys())
    if unknown:
        raise UserError(f"There is no repair called “{unknown[0][:60]}”. Repairs: {', '.join(REPAIRS)}.", code="unknown_repair")
    return tuple(code for code in REPAIRS if code in wanted)


def apply_repairs(corpus: Corpus, codes: Iterable[str]) -> Repaired:
    """The corpus after the repairs, applied in their order, with the log of the changes.

    Over again until nothing changes: rows that leave may make a class rare, or show what separates several labels in a cell.
    """
    changes: list[Change] = []
    wanted = sort_repairs(codes)
    for _ in range(_MOST_ROUNDS):
        before = corpus
        for code in wanted:
            after = REPAIRS[code].apply(corpus)
            changes += _differences(corpus, after, code)
            corpus = after
        if corpus is before:
            break
    return Repaired(corpus, tuple(changes))


def describe_repair(code: str, rows: int) -> str:
    """What a repair did to so many rows: "2 rows: left out as a copy of another row". A code from elsewhere stands for itself."""
    return f"{pluralize(rows, 'row')}: {REPAIRS[code].done if code in REPAIRS else code}"


def text_repairs(codes: Iterable[str]) -> tuple[str, ...]:
    """Those of the repairs that change texts, in their order: whoever uses the model later must change theirs in the same way."""
    return tuple(code for code in sort_repairs(codes) if REPAIRS[code].text is not None)


def repair_text(text: str, codes: Iterable[str]) -> str:
    """One text as a corpus has it after these repairs; those that do not change texts play no part."""
    changes = [REPAIRS[code].text for code in text_repairs(codes)]
    for _ in range(_MOST_ROUNDS):
        before = text
        for change in changes:
            text = change(text)
        if text == before:
            break
    return text


def _differences(before: Corpus, after: Corpus, code: str) -> Iterator[Change]:
    """The rows of ``after`` are some of those of ``before``, in the same order."""
    if after is before:
        return
    left = zip(_rows(after), strict=True)
    candidate = next(left, None)
    for line, source, origin, text, label in _rows(before):
        if candidate is None or candidate[0][:3] != (line, source, origin):
            yield Change(line, origin, "row", f"{label}: {text}", "", code)
            continue
        if candidate[0][3] != text:
            yield Change(line, origin, "text", text, candidate[0][3], code)
        if candidate[0][4] != label:
            yield Change(line, origin, "label", label, candidate[0][4], code)
        candidate = next(left, None)


def _rows(corpus: Corpus) -> Iterator[tuple[int, int, str | None, str, str]]:
    given_split = corpus.given_split or (None,) * len(corpus)
    return zip(corpus.lines.tolist(), corpus.source_rows.tolist(), given_split, corpus.texts, corpus.labels, strict=True)


# --- texts --------------------------------------------------------------------------------------------------------------


def _text_repair(title: str, done: str, change: Callable[[str], str]) -> Repair:
    def apply(corpus: Corpus) -> Corpus:
        texts = tuple(map(change, corpus.texts))
        return corpus if texts == corpus.texts else corpus.with_texts(texts)

    return Repair(title, done, apply, change)


# --- labels -------------------------------------------------------------------------------------------------------------


def label_variants(corpus: Corpus) -> dict[str, str]:
    """Labels that differ only in case, blanks or Unicode form, each with the form that most rows have."""
    counts = dict(zip(corpus.label_names, np.bincount(corpus.label_ids).tolist(), strict=True))
    groups: dict[str, list[str]] = defaultdict(list)
    for name in corpus.label_names:
        groups[normalize_label(name)].append(name)
    merged = {}
    for names in groups.values():
        if len(names) > 1:
            common = min(names, key=lambda name: (-counts[name], name))
            merged |= {name: common for name in names if name != common}
    return merged


def _merge_spellings(corpus: Corpus) -> Corpus:
    merged = label_variants(corpus)
    return corpus.renamed(merged) if merged else corpus


def several_labels_mask(corpus: Corpus) -> np.ndarray:
    """(n,) bool: the rows whose cell names several labels."""
    counts = dict(zip(corpus.label_names, np.bincount(corpus.label_ids).tolist(), strict=True))
    separator = find_separator(counts)
    if separator is None:
        return np.zeros(len(corpus), dtype=bool)
    several = np.array([len(split_labels(name, separator)) > 1 for name in corpus.label_names])
    return several[corpus.label_ids]


def drop_several_labels(corpus: Corpus) -> Corpus:
    """The rows whose cell names one label, by which the labels are judged: combinations are explained by a finding. All, where none does."""
    several = several_labels_mask(corpus)
    return corpus if several.all() or not several.any() else corpus.where(~several)


# --- rows ---------------------------------------------------------------------------------------------------------------


def removable(corpus: Corpus) -> np.ndarray:
    """(n,) bool: the rows that a repair may take out, which those of a given test or validation split are not."""
    if corpus.given_split is None:
        return np.ones(len(corpus), dtype=bool)
    return np.array([origin == "train" for origin in corpus.given_split])


def removable_rows(corpus: Corpus, rows: np.ndarray) -> np.ndarray:
    """(n,) bool: those of the rows, (n,) bool, that can be taken out and leave something to train on.

    A label of given test rows keeps its training rows where all of them would go, as it could never be predicted without.
    """
    free = removable(corpus)
    gone = rows & free
    if gone.all():
        return np.zeros(len(corpus), dtype=bool)
    if not free.all():
        count = len(corpus.label_names)
        kept = np.bincount(corpus.label_ids[free & ~gone], minlength=count)
        needed = np.bincount(corpus.label_ids[~free], minlength=count)
        gone &= ~((needed > 0) & (kept == 0))[corpus.label_ids]
    return gone


def _without(corpus: Corpus, rows: np.ndarray) -> Corpus:
    gone = removable_rows(corpus, rows)
    return corpus.where(~gone) if gone.any() else corpus


def conflicting_mask(corpus: Corpus, doubles: list[list[int]]) -> np.ndarray:
    """(n,) bool: of the ``doubles``, rows of one text each, those whose text has another label elsewhere, but for the label most copies have."""
    labels = corpus.label_ids.tolist()
    marked = np.zeros(len(corpus), dtype=bool)
    for rows in doubles:
        counts = Counter(labels[row] for row in rows).most_common(2)
        if len(counts) > 1:
            winner = counts[0][0] if counts[0][1] > counts[1][1] else None
            marked[[row for row in rows if labels[row] != winner]] = True
    return marked


def duplicate_mask(corpus: Corpus, doubles: list[list[int]]) -> np.ndarray:
    """(n,) bool: of the ``doubles``, rows of one text each, those whose label another of them has already; the first of them stays, and given test rows do."""
    labels = corpus.label_ids.tolist()
    free = removable(corpus)
    marked = np.zeros(len(corpus), dtype=bool)
    for rows in doubles:
        seen = {labels[row] for row in rows if not free[row]}
        for row in rows:
            if free[row]:
                marked[row] = labels[row] in seen
                seen.add(labels[row])
    return marked


def rare_label_mask(corpus: Corpus) -> np.ndarray:
    """(n,) bool: the rows of labels that have fewer rows than can be split, whatever their spelling."""
    merged = label_variants(corpus)
    several = several_labels_mask(corpus)
    common = [merged.get(name, name) for name in corpus.label_names]
    at = {name: number for number, name in enumerate(dict.fromkeys(common))}
    ids = np.array([at[name] for name in common], dtype=np.int64)[corpus.label_ids]
    return (np.bincount(ids[~several], minlength=len(at))[ids] < MIN_ROWS_PER_LABEL) & ~several


def duplicate_groups(corpus: Corpus, form: Callable[[str], str]) -> list[list[int]]:
    """The rows of each text that occurs more than once in this form."""
    rows: dict[str, list[int]] = defaultdict(list)
    for row, text in enumerate(corpus.texts):
        rows[form(text)].append(row)
    return [group for group in rows.values() if len(group) > 1]


def rows_of(numbers: np.ndarray) -> list[list[int]]:
    """The rows of each number that occurs more than once, of (n,) integers."""
    rows: dict[int, list[int]] = defaultdict(list)
    for row, number in enumerate(numbers.tolist()):
        rows[number].append(row)
    return [group for group in rows.values() if len(group) > 1]


REPAIRS: dict[str, Repair] = {
    "html_in_texts": _text_repair("Turn them into characters", "HTML codes turned into the characters they stand for", strip_html),
    "links_in_texts": _text_repair("Replace them by “http” and “@user”", "links replaced by “http”, user names by “@user”", mask_links),
    "label_variants": Repair("Merge the spellings", "label written as most rows write it", _merge_spellings),
    "several_labels": Repair(
        "Leave these rows out",
        "left out, since the cell names several labels",
        lambda corpus: _without(corpus, several_labels_mask(corpus)),
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
        "left out as nearly a copy of another row",
        lambda corpus: _without(corpus, duplicate_mask(corpus, duplicate_groups(corpus, normalize_text))),
    ),
    "rare_classes": Repair(
        "Leave these labels out", "left out, since their label has too few rows", lambda corpus: _without(corpus, rare_label_mask(corpus))
    ),
}
"""By the code of the finding that each answers, in the order in which they are applied."""
