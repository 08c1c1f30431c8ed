"""Which rows train, which validate, which test: stratified, texts that nearly occur twice on one side, the same for the same seed.

A published split is respected; which texts are nearly the same is decided in duplicates.py; nothing here looks at what a model predicts.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from trainer.data.corpus import Corpus, duplicate_key, unknown_class_error
from trainer.data.duplicates.near_duplicates import find_near_duplicates
from trainer.errors import UserError
from trainer.text_format import pluralize


@dataclass(frozen=True)
class Splits:
    """Row numbers into the corpus, each sorted, int64, disjoint and together all rows.

    ``excluded``: rows used nowhere, such as training rows whose text is (nearly) in a given test file. ``split_notes``: sentences for people.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    excluded: np.ndarray
    split_notes: tuple[str, ...]


@dataclass(frozen=True)
class _Texts:
    """What a split looks at of each of n texts: the form that its doubles share, and the number of its group of near-duplicates."""

    forms: list[str]
    groups: list[int]


def split(corpus: Corpus, *, validation_share: float, test_share: float, seed: int, groups: np.ndarray | None = None) -> Splits:
    """Split a corpus of n rows; shares are of all rows (of the training rows where test rows are given).

    ``groups``: (n,) integers, those of ``near_duplicates`` of all its texts, where they are known already. A group is never parted.
    Rows are ordered by a hash of seed and text, not by their place in the file: adding or correcting a few rows moves few others.
    Raises UserError ``too_few_rows`` where a part would be empty or training would have fewer than two classes,
    and ``unknown_class`` where a published split has no training row of a class.
    """
    groups = find_near_duplicates(corpus.texts).groups if groups is None else groups
    texts = _Texts([duplicate_key(text) for text in corpus.texts], groups.tolist())
    given_split = corpus.given_split
    if given_split is None or set(given_split) <= {"train"}:
        parts, split_notes = _divide(corpus, texts, range(len(corpus)), validation_share, test_share, seed)
        rows = {**parts, "excluded": []}
    else:
        rows, split_notes = _follow_given_split(corpus, texts, given_split, validation_share, test_share, seed)
    splits = Splits(
        **{name: np.array(sorted(rows[name]), dtype=np.int64) for name in ("train", "validation", "test", "excluded")},
        split_notes=tuple(split_notes),
    )
    _check(corpus, splits)
    return splits


def _check(corpus: Corpus, splits: Splits) -> None:
    sizes = {"training": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)}
    empty = [name for name, size in sizes.items() if not size]
    if empty:
        raise UserError(
            f"With {pluralize(len(corpus), 'row')} nothing would be left for {' and '.join(empty)}. "
            "Use at least three different texts for each label; some tens for each make a useful classifier.",
            code="too_few_rows",
        )
    classes = np.unique(corpus.label_ids[splits.train])
    if len(classes) < 2:
        raise UserError(
            f"The training rows hold a single label, “{corpus.label_names[classes[0]][:60]}”. Add rows with other labels.",
            code="too_few_rows",
        )


# --- a published split ------------------------------------------------------------------------------------------------


def _follow_given_split(
    corpus: Corpus, texts: _Texts, given_split: tuple[str, ...], validation_share: float, test_share: float, seed: int
) -> tuple[dict[str, list[int]], list[str]]:
    given = {name: [row for row, origin in enumerate(given_split) if origin == name] for name in ("train", "validation", "test")}
    _check_classes(corpus, given)
    excluded, split_notes = [], []
    for part, other, left in (
        ("train", "test", "left training"),
        ("validation", "test", "left validation"),
        ("train", "validation", "left training"),
    ):
        same, near = _doubles(given[part], given[other], texts)
        for leaving, what in ((same, "the same text"), (near, "nearly the same text")):
            if leaving:
                split_notes.append(f"{pluralize(len(leaving), 'row')} {left} because {what} is in the {other} rows.")
        given[part] = sorted(set(given[part]).difference(same, near))
        excluded += same + near
    train, validation, test = given["train"], given["validation"], given["test"]
    wanted = {"validation": 0.0 if validation else validation_share, "test": 0.0 if test else test_share}
    parts, more = _divide(corpus, texts, train, wanted["validation"], wanted["test"], seed)
    train, validation, test = parts["train"], validation or parts["validation"], test or parts["test"]
    for part, rows in (("validation", validation), ("test", test)):
        if wanted[part]:
            split_notes.append(f"No {part} rows are given: {pluralize(len(rows), 'row')} for it were taken from the training rows.")
    split_notes += more
    lost = sorted(set(range(len(corpus.label_names))) - set(corpus.label_ids[train].tolist()))
    if lost and train:
        names = ", ".join(f"“{corpus.label_names[number][:40]}”" for number in lost[:10])
        split_notes.append(f"No training row is left for {names}: such texts will always be taken for something else.")
    return {"train": train, "validation": validation, "test": test, "excluded": excluded}, split_notes


def _check_classes(corpus: Corpus, given: dict[str, list[int]]) -> None:
    known = set(corpus.label_ids[given["train"]].tolist())
    for origin in ("validation", "test"):
        unknown = sorted(set(corpus.label_ids[given[origin]].tolist()) - known)
        if unknown and known:
            raise unknown_class_error([corpus.label_names[n] for n in unknown], origin, [corpus.label_names[n] for n in sorted(known)])


def _doubles(rows: list[int], others: list[int], texts: _Texts) -> tuple[list[int], list[int]]:
    """The rows whose text is among the others', and the rows whose text is only nearly so."""
    forms, groups = {texts.forms[row] for row in others}, {texts.groups[row] for row in others}
    same = [row for row in rows if texts.forms[row] in forms]
    near = [row for row in rows if texts.groups[row] in groups and texts.forms[row] not in forms]
    return same, near


# --- a split of our own -----------------------------------------------------------------------------------------------


def _divide(
    corpus: Corpus, texts: _Texts, rows: Iterable[int], validation_share: float, test_share: float, seed: int
) -> tuple[dict[str, list[int]], list[str]]:
    """Rows to "train", "validation" and "test", per class; a share of 0 makes no such part."""
    groups = _groups(corpus, texts, rows, seed)
    parts: dict[str, list[list[int]]] = {"train": [], "validation": [], "test": []}
    carried = {"validation": 0.0, "test": 0.0}
    single, double = [], []
    # Small classes first, so that the large ones make up for what rounding left over.
    for label in sorted(groups, key=lambda label: (sum(map(len, groups[label])), corpus.label_names[label])):
        left = groups[label]
        size = sum(map(len, left))
        plan = [(part, share) for part, share in (("test", test_share), ("validation", validation_share)) if share]
        if len(left) == 1:
            single.append(label)
            plan = []
        elif len(left) == 2:
            double.append(label)
            plan = plan[:1]
        for number, (part, share) in enumerate(plan):
            keep = len(plan) - number  # groups that the parts still to come and training need
            wish = size * share + carried[part]
            taken, left = _take(left, wish, len(left) - keep)
            parts[part] += taken
            # What a class of few rows must give beyond its share is not taken from others: each class keeps its own shares.
            carried[part] = min(0.5, max(-0.5, wish - sum(map(len, taken))))
        parts["train"] += left
    _give_every_class_training_rows(corpus, parts)
    return {part: [row for group in chosen for row in group] for part, chosen in parts.items()}, _small_class_notices(
        corpus, single, double
    )


def _groups(corpus: Corpus, texts: _Texts, rows: Iterable[int], seed: int) -> dict[int, list[list[int]]]:
    """Per class the groups of rows with nearly the same text, in the order of the seed; one with several labels goes with the rarest."""
    by_number: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        by_number[texts.groups[row]].append(row)
    labels = corpus.label_ids.tolist()
    counts = Counter(labels)
    groups: dict[int, list[tuple[bytes, list[int]]]] = defaultdict(list)
    for group in by_number.values():
        label, form = labels[group[0]], texts.forms[group[0]]
        if len(group) > 1:
            label = min({labels[row] for row in group}, key=lambda label: (counts[label], corpus.label_names[label]))
            form = min(texts.forms[row] for row in group)  # the number itself depends on the order of the file
        order = hashlib.blake2b(f"{seed}\n{form}".encode("utf-8", "replace"), digest_size=8).digest()
        groups[label].append((order, group))
    return {label: [group for _, group in sorted(ordered)] for label, ordered in groups.items()}


def _take(groups: list[list[int]], wish: float, most: int) -> tuple[list[list[int]], list[list[int]]]:
    """Take groups in order until about ``wish`` rows are taken: at least one group, at most ``most``; what is too large is passed over."""
    target = max(1, round(wish))
    taken, left, size = [], [], 0
    for group in groups:
        if len(taken) < most and size + len(group) <= target:
            taken.append(group)
            size += len(group)
        else:
            left.append(group)
    if not taken:
        smallest = min(range(len(left)), key=lambda at: len(left[at]))
        taken.append(left.pop(smallest))
    return taken, left


def _give_every_class_training_rows(corpus: Corpus, parts: dict[str, list[list[int]]]) -> None:
    """A class whose rows all share their texts with other classes may have landed outside training as a whole: bring a group back."""
    labels = corpus.label_ids
    trained = {int(labels[row]) for group in parts["train"] for row in group}
    for part in ("validation", "test"):
        for group in list(parts[part]):
            if not {int(labels[row]) for row in group} <= trained:
                parts[part].remove(group)
                parts["train"].append(group)
                trained |= {int(labels[row]) for row in group}


def _small_class_notices(corpus: Corpus, single: list[int], double: list[int]) -> list[str]:
    split_notes = []
    for labels, number, rest in (
        (single, "one text", "it is only trained on, so nothing can be said about how well it is recognised"),
        (double, "two different texts", "one of them is trained on, the other kept aside"),
    ):
        if labels:
            shown = ", ".join(f"“{corpus.label_names[label][:40]}”" for label in sorted(labels)[:10])
            more = f" and {len(labels) - 10:,} more" if len(labels) > 10 else ""
            whom = "The class" if len(labels) == 1 else "Each of the classes"
            split_notes.append(f"{whom} {shown}{more} has only {number}: {rest}.")
    return split_notes
