"""Which rows train, validate and test: stratified by label, near-duplicates on one side, the same rows for the same seed.

Respects a published split. Near-duplicates are found in duplicates/; nothing here depends on what a model predicts.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.data.corpus import Corpus, unknown_class_error
from trainer.data.duplicates.near_duplicates import find_near_duplicates
from trainer.data.duplicates.normalize import duplicate_key
from trainer.data.iterative_stratification import stratify
from trainer.data.label_arrays import LABEL_ARRAYS
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.errors import FileError
from trainer.text_format import pluralize


@dataclass(frozen=True)
class Splits:
    """Row numbers into the corpus, each sorted, int64, disjoint and together all rows.

    ``excluded``: rows used nowhere, such as training rows whose text is (nearly) in a given test file. ``split_notes``: sentences for users.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    excluded: np.ndarray
    split_notes: tuple[str, ...]


@dataclass(frozen=True)
class _TextKeys:
    """Of each of n texts the key that its duplicates share, and the number of its group of near-duplicates."""

    keys: list[str]
    groups: list[int]


def split(corpus: Corpus, *, validation_share: float, test_share: float, seed: int, groups: np.ndarray | None = None) -> Splits:
    """Split a corpus of n rows; shares are of all rows (of the training rows if test rows are given).

    ``groups``: (n,) integers, the groups of near-duplicates of its texts, if they are already known. A group is never separated.
    Rows are ordered by a hash of seed and text, not by their place in the file: adding or correcting a few rows moves few others.
    Raises UserError ``too_few_rows`` if a part would be empty or training would have fewer than two classes,
    and ``unknown_class`` if a published split has no training row of a class.
    """
    groups = find_near_duplicates(corpus.texts).groups if groups is None else groups
    texts = _TextKeys([duplicate_key(text) for text in corpus.texts], groups.tolist())
    given_split = corpus.given_split
    if given_split is None or set(given_split) <= {"train"}:
        parts, split_notes = _DIVIDE[corpus.task.key](corpus, texts, range(len(corpus)), validation_share, test_share, seed)
        rows = {**parts, "excluded": []}
    else:
        rows, split_notes = _follow_given_split(corpus, texts, given_split, validation_share, test_share, seed)
    splits = Splits(
        **{name: np.array(sorted(rows[name]), dtype=np.int64) for name in ("train", "validation", "test", "excluded")},
        split_notes=tuple(split_notes),
    )
    _check_sizes(corpus, splits)
    return splits


def _check_sizes(corpus: Corpus, splits: Splits) -> None:
    sizes = {"training": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)}
    empty = [name for name, size in sizes.items() if not size]
    if empty:
        raise FileError(
            f"With {pluralize(len(corpus), 'row')} nothing would be left for {' and '.join(empty)}. "
            "Use at least three different texts for each label; some tens for each make a useful classifier.",
            code="too_few_rows",
        )
    classes = sorted(_label_ids_in(corpus, splits.train))
    if len(classes) < 2:
        only = f"a single label, “{corpus.label_names[classes[0]][:60]}”" if classes else "no label"
        raise FileError(f"The training rows have {only}. Add rows with other labels.", code="too_few_rows")


def _label_ids_in(corpus: Corpus, rows: Sequence[int] | np.ndarray) -> set[int]:
    """The labels that some of the rows have."""
    return {label_id for ids in LABEL_ARRAYS[corpus.task.key].ids(corpus.label_ids[np.asarray(rows, dtype=np.int64)]) for label_id in ids}


# --- a published split ------------------------------------------------------------------------------------------------


def _follow_given_split(
    corpus: Corpus, texts: _TextKeys, given_split: tuple[str, ...], validation_share: float, test_share: float, seed: int
) -> tuple[dict[str, list[int]], list[str]]:
    given = {name: [row for row, row_split in enumerate(given_split) if row_split == name] for name in ("train", "validation", "test")}
    _check_classes(corpus, given)
    excluded, split_notes = [], []
    for part, other, left in (
        ("train", "test", "left training"),
        ("validation", "test", "left validation"),
        ("train", "validation", "left training"),
    ):
        same, near = _find_duplicates(given[part], given[other], texts)
        for leaving, what in ((same, "the same text"), (near, "nearly the same text")):
            if leaving:
                split_notes.append(f"{pluralize(len(leaving), 'row')} {left} because {what} is in the {other} rows.")
        given[part] = sorted(set(given[part]).difference(same, near))
        excluded += same + near
    train, validation, test = given["train"], given["validation"], given["test"]
    missing_ratios = {"validation": 0.0 if validation else validation_share, "test": 0.0 if test else test_share}
    parts, class_notes = _DIVIDE[corpus.task.key](corpus, texts, train, missing_ratios["validation"], missing_ratios["test"], seed)
    train, validation, test = parts["train"], validation or parts["validation"], test or parts["test"]
    for part, rows in (("validation", validation), ("test", test)):
        if missing_ratios[part]:
            split_notes.append(f"No {part} rows are given: {pluralize(len(rows), 'row')} for it were taken from the training rows.")
    split_notes += class_notes
    untrained = sorted(set(range(len(corpus.label_names))) - _label_ids_in(corpus, train))
    if untrained and train:
        names = ", ".join(f"“{corpus.label_names[label_id][:40]}”" for label_id in untrained[:10])
        split_notes.append(f"No training row is left for {names}: such texts will {_NEVER_LEARNT[corpus.task.key]}.")
    return {"train": train, "validation": validation, "test": test, "excluded": excluded}, split_notes


def _check_classes(corpus: Corpus, given: dict[str, list[int]]) -> None:
    known = _label_ids_in(corpus, given["train"])
    for part in ("validation", "test"):
        unknown = sorted(_label_ids_in(corpus, given[part]) - known)
        if unknown and known:
            raise unknown_class_error([corpus.label_names[n] for n in unknown], part, [corpus.label_names[n] for n in sorted(known)])


def _find_duplicates(rows: list[int], others: list[int], texts: _TextKeys) -> tuple[list[int], list[int]]:
    """The rows whose text is among the others', and the rows whose text is nearly among them."""
    keys, groups = {texts.keys[row] for row in others}, {texts.groups[row] for row in others}
    same = [row for row in rows if texts.keys[row] in keys]
    near = [row for row in rows if texts.groups[row] in groups and texts.keys[row] not in keys]
    return same, near


# --- a split of our own -----------------------------------------------------------------------------------------------


def _divide_by_class(
    corpus: Corpus, texts: _TextKeys, rows: Iterable[int], validation_share: float, test_share: float, seed: int
) -> tuple[dict[str, list[int]], list[str]]:
    """Rows for "train", "validation" and "test", class by class; a share of 0 makes no such part."""
    groups = _groups_by_class(corpus, texts, rows, seed)
    parts: dict[str, list[list[int]]] = {"train": [], "validation": [], "test": []}
    carried = {"validation": 0.0, "test": 0.0}
    one_group, two_groups = [], []
    # Small classes first, so that the large ones make up for rounding.
    for label in sorted(groups, key=lambda label: (sum(map(len, groups[label])), corpus.label_names[label])):
        remaining = groups[label]
        size = sum(map(len, remaining))
        ratios = [(part, ratio) for part, ratio in (("test", test_share), ("validation", validation_share)) if ratio]
        if len(remaining) == 1:
            one_group.append(label)
            ratios = []
        elif len(remaining) == 2:
            two_groups.append(label)
            ratios = ratios[:1]
        for number, (part, ratio) in enumerate(ratios):
            reserved = len(ratios) - number  # groups that the remaining parts and training need
            target = size * ratio + carried[part]
            part_groups, remaining = _choose_groups(remaining, target, len(remaining) - reserved)
            parts[part] += part_groups
            # What a small class must give beyond its share is not taken from other classes: each keeps its own shares.
            carried[part] = min(0.5, max(-0.5, target - sum(map(len, part_groups))))
        parts["train"] += remaining
    _give_every_class_training_rows(corpus, parts)
    return {part: [row for group in chosen for row in group] for part, chosen in parts.items()}, _small_class_notes(
        corpus, one_group, two_groups
    )


def _groups_by_class(corpus: Corpus, texts: _TextKeys, rows: Iterable[int], seed: int) -> dict[int, list[list[int]]]:
    """By class the groups of rows with nearly the same text, in the order of the seed; one with several labels belongs to the rarest."""
    labels = corpus.label_ids.tolist()
    counts = Counter(labels)
    groups: dict[int, list[list[int]]] = defaultdict(list)
    for group in _ordered_groups(texts, rows, seed):
        groups[min({labels[row] for row in group}, key=lambda label: (counts[label], corpus.label_names[label]))].append(group)
    return groups


def _ordered_groups(texts: _TextKeys, rows: Iterable[int], seed: int) -> list[list[int]]:
    """The groups of rows with nearly the same text, in the order of the seed."""
    by_number: dict[int, list[int]] = defaultdict(list)
    for row in rows:
        by_number[texts.groups[row]].append(row)
    ordered = []
    for group in by_number.values():
        key = min(texts.keys[row] for row in group)  # the number itself depends on the order of the file
        ordered.append((hashlib.blake2b(f"{seed}\n{key}".encode("utf-8", "replace"), digest_size=8).digest(), group))
    return [group for _, group in sorted(ordered)]


def _choose_groups(groups: list[list[int]], target: float, limit: int) -> tuple[list[list[int]], list[list[int]]]:
    """Choose groups in order until they have about ``target`` rows, one group at least and ``limit`` at most; skip those too large."""
    n_rows = max(1, round(target))
    chosen, remaining, size = [], [], 0
    for group in groups:
        if len(chosen) < limit and size + len(group) <= n_rows:
            chosen.append(group)
            size += len(group)
        else:
            remaining.append(group)
    if not chosen:
        smallest = min(range(len(remaining)), key=lambda number: len(remaining[number]))
        chosen.append(remaining.pop(smallest))
    return chosen, remaining


def _give_every_class_training_rows(corpus: Corpus, parts: dict[str, list[list[int]]]) -> None:
    """Move a group back to training for a class whose groups all belong to other classes too and are all outside training."""
    trained = _label_ids_in(corpus, [row for group in parts["train"] for row in group])
    for part in ("validation", "test"):
        if _label_ids_in(corpus, [row for group in parts[part] for row in group]) <= trained:
            continue
        for group in list(parts[part]):
            if not (labels := _label_ids_in(corpus, group)) <= trained:
                parts[part].remove(group)
                parts["train"].append(group)
                trained |= labels


def _divide_by_labels(
    corpus: Corpus, texts: _TextKeys, rows: Iterable[int], validation_share: float, test_share: float, seed: int
) -> tuple[dict[str, list[int]], list[str]]:
    """Rows for "train", "validation" and "test" by iterative stratification; a share of 0 makes no such part."""
    groups = sorted(_ordered_groups(texts, rows, seed), key=len, reverse=True)  # large ones while there is room for them
    labels = np.array([corpus.label_ids[group].sum(axis=0) for group in groups], dtype=np.int64).reshape(
        len(groups), len(corpus.label_names)
    )
    sizes = np.array([len(group) for group in groups], dtype=np.int64)
    n_groups = (labels > 0).sum(axis=0)
    shares = {"train": 1 - test_share - validation_share, "test": test_share, "validation": validation_share}
    shares = {part: share for part, share in shares.items() if share or part == "train"}
    wanted = np.outer(list(shares.values()), labels.sum(axis=0)).astype(float)
    for number in range(1, len(shares)):
        # Of a label of few texts one is in each part, as far as they go: first in training, then in the test.
        kept_aside = n_groups > number
        wanted[0] -= np.where(kept_aside, np.maximum(0, 1 - wanted[number]), -wanted[number])
        wanted[number] = np.where(kept_aside, np.maximum(1, wanted[number]), 0)
    part_of_group = stratify(labels, sizes, wanted, np.array(list(shares.values())) * sizes.sum())
    names = list(shares)
    parts: dict[str, list[list[int]]] = {"train": [], "validation": [], "test": []}
    for group, part in zip(groups, part_of_group.tolist(), strict=True):
        parts[names[part]].append(group)
    _give_every_class_training_rows(corpus, parts)
    notes = _small_class_notes(corpus, np.flatnonzero(n_groups == 1).tolist(), np.flatnonzero(n_groups == 2).tolist())
    return {part: [row for group in chosen for row in group] for part, chosen in parts.items()}, notes


def _small_class_notes(corpus: Corpus, one_group: list[int], two_groups: list[int]) -> list[str]:
    split_notes = []
    for labels, number, consequence in (
        (one_group, "one text", "it is only trained on, so nothing can be said about how well it is recognised"),
        (two_groups, "two different texts", "one of them is trained on, the other kept aside"),
    ):
        if labels:
            shown = ", ".join(f"“{corpus.label_names[label][:40]}”" for label in sorted(labels)[:10])
            others = f" and {len(labels) - 10:,} more" if len(labels) > 10 else ""
            subject = "The class" if len(labels) == 1 else "Each of the classes"
            split_notes.append(f"{subject} {shown}{others} has only {number}: {consequence}.")
    return split_notes


_DIVIDE: Mapping[str, Callable[..., tuple[dict[str, list[int]], list[str]]]] = {
    SINGLE_LABEL.key: _divide_by_class,
    SEVERAL_LABELS.key: _divide_by_labels,
}
_NEVER_LEARNT: Mapping[str, str] = {SINGLE_LABEL.key: "always get another label", SEVERAL_LABELS.key: "never get this label"}
