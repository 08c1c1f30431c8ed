"""Which rows train, which validate, which test: stratified, texts that occur twice on one side, the same for the same seed.

A published split is respected; nothing here looks at what a model predicts.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from trainer.data.corpus import Corpus, normal_form, unknown_class
from trainer.errors import UserError


@dataclass(frozen=True)
class Splits:
    """Row numbers into the corpus, each sorted, int64, disjoint and together all rows.

    ``left_out``: rows used nowhere, such as training rows whose text is in a given test file. ``notices``: sentences for people.
    """

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray
    left_out: np.ndarray
    notices: tuple[str, ...]


def split(corpus: Corpus, *, validation_share: float, test_share: float, seed: int) -> Splits:
    """Split a corpus; shares are of all rows (of the training rows where test rows are given).

    Rows are ordered by a hash of seed and text, not by their place in the file: adding or correcting a few rows moves few others.
    Raises UserError ``too_few_rows`` where a part would be empty or training would have fewer than two classes,
    and ``unknown_class`` where a published split has no training row of a class.
    """
    forms = [normal_form(text) for text in corpus.texts]
    origins = corpus.origins
    if origins is None or set(origins) <= {"train"}:
        parts, notices = _divide(corpus, forms, range(len(corpus)), validation_share, test_share, seed)
        rows = {**parts, "left_out": []}
    else:
        rows, notices = _follow_origins(corpus, forms, origins, validation_share, test_share, seed)
    splits = Splits(
        **{name: np.array(sorted(rows[name]), dtype=np.int64) for name in ("train", "validation", "test", "left_out")},
        notices=tuple(notices),
    )
    _check(corpus, splits)
    return splits


def _check(corpus: Corpus, splits: Splits) -> None:
    sizes = {"training": len(splits.train), "validation": len(splits.validation), "test": len(splits.test)}
    empty = [name for name, size in sizes.items() if not size]
    if empty:
        raise UserError(
            f"With {_rows(len(corpus))} nothing would be left for {' and '.join(empty)}. "
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


def _follow_origins(
    corpus: Corpus, forms: list[str], origins: tuple[str, ...], validation_share: float, test_share: float, seed: int
) -> tuple[dict[str, list[int]], list[str]]:
    notices = []
    given = {name: [row for row, origin in enumerate(origins) if origin == name] for name in ("train", "validation", "test")}
    _check_classes(corpus, given)
    test, left_out = given["test"], []
    train = _without(given["train"], test, forms, left_out)
    if len(train) < len(given["train"]):
        notices.append(f"{_rows(len(given['train']) - len(train))} left training because the same text is in the test rows.")
    validation = _without(given["validation"], test, forms, left_out)
    if len(validation) < len(given["validation"]):
        notices.append(f"{_rows(len(given['validation']) - len(validation))} left validation because the same text is in the test rows.")
    if given["validation"]:
        before = len(train)
        train = _without(train, validation, forms, left_out)
        if len(train) < before:
            notices.append(f"{_rows(before - len(train))} left training because the same text is in the validation rows.")
    wanted = {"validation": 0.0 if validation else validation_share, "test": 0.0 if test else test_share}
    parts, more = _divide(corpus, forms, train, wanted["validation"], wanted["test"], seed)
    train, validation, test = parts["train"], validation or parts["validation"], test or parts["test"]
    for part, rows in (("validation", validation), ("test", test)):
        if wanted[part]:
            notices.append(f"No {part} rows are given: {_rows(len(rows))} for it were taken from the training rows.")
    notices += more
    lost = sorted(set(range(len(corpus.label_names))) - set(corpus.label_ids[train].tolist()))
    if lost and train:
        names = ", ".join(f"“{corpus.label_names[number][:40]}”" for number in lost[:10])
        notices.append(f"No training row is left for {names}: such texts will always be taken for something else.")
    return {"train": train, "validation": validation, "test": test, "left_out": left_out}, notices


def _check_classes(corpus: Corpus, given: dict[str, list[int]]) -> None:
    known = set(corpus.label_ids[given["train"]].tolist())
    for origin in ("validation", "test"):
        unknown = sorted(set(corpus.label_ids[given[origin]].tolist()) - known)
        if unknown and known:
            raise unknown_class([corpus.label_names[n] for n in unknown], origin, [corpus.label_names[n] for n in sorted(known)])


def _without(rows: list[int], others: Iterable[int], forms: list[str], left_out: list[int]) -> list[int]:
    """The rows whose text is not among the others'; those that are go to ``left_out``."""
    taken = {forms[row] for row in others}
    left_out += [row for row in rows if forms[row] in taken]
    return [row for row in rows if forms[row] not in taken]


# --- a split of our own -----------------------------------------------------------------------------------------------


def _divide(
    corpus: Corpus, forms: list[str], rows: Iterable[int], validation_share: float, test_share: float, seed: int
) -> tuple[dict[str, list[int]], list[str]]:
    """Rows to "train", "validation" and "test", per class; a share of 0 makes no such part."""
    groups = _groups(corpus, forms, rows, seed)
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


def _groups(corpus: Corpus, forms: list[str], rows: Iterable[int], seed: int) -> dict[int, list[list[int]]]:
    """Per class the groups of rows with the same text, in the order of the seed; a group with several labels goes with the rarest."""
    by_form: dict[str, list[int]] = defaultdict(list)
    for row in rows:
        by_form[forms[row]].append(row)
    labels = corpus.label_ids.tolist()
    counts = Counter(labels)
    groups: dict[int, list[tuple[bytes, list[int]]]] = defaultdict(list)
    for form, group in by_form.items():
        label = min((labels[row] for row in group), key=lambda label: (counts[label], corpus.label_names[label]))
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
    notices = []
    for labels, number, rest in (
        (single, "one text", "it is only trained on, so nothing can be said about how well it is recognised"),
        (double, "two different texts", "one of them is trained on, the other kept aside"),
    ):
        if labels:
            shown = ", ".join(f"“{corpus.label_names[label][:40]}”" for label in sorted(labels)[:10])
            more = f" and {len(labels) - 10:,} more" if len(labels) > 10 else ""
            whom = "The class" if len(labels) == 1 else "Each of the classes"
            notices.append(f"{whom} {shown}{more} has only {number}: {rest}.")
    return notices


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count:,} rows"
