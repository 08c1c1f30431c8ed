"""Whether labels have anything to do with their texts, and which classes have too few rows to be judged."""

from collections.abc import Sequence

import numpy as np

from trainer.audit.suspects import NoiseEstimate
from trainer.text_format import pluralize, quote_names

MIN_ROWS = 50
"""With fewer rows nothing can be said about all of them."""
_PERMUTATIONS = 200
_MIN_GAIN = 0.02
"""Chance-corrected agreement below which models have learned next to nothing, however many rows make it significant."""


def are_unrelated(probabilities: np.ndarray, label_ids: np.ndarray) -> bool:
    """Whether out-of-fold ``probabilities`` (n, k) say no more about the labels (n,) than about shuffled ones.

    A permutation test of the mean probability of the given label (Ojala & Garriga 2010, Permutation tests for studying classifier
    performance, JMLR 11), and a least agreement beyond chance.
    """
    rows, rng = np.arange(len(label_ids)), np.random.default_rng(0)
    seen = float(probabilities[rows, label_ids].mean())
    shuffled = np.array([probabilities[rows, rng.permutation(label_ids)].mean() for _ in range(_PERMUTATIONS)])
    chance = float(shuffled.mean())
    return seen <= shuffled.max() or (seen - chance) / max(1e-9, 1 - chance) < _MIN_GAIN


def noise_of_unrelated(label_ids: np.ndarray) -> NoiseEstimate:
    """The share of wrong labels if labels (n,) were given without regard to the text, true labels being as frequent as given ones."""
    frequencies = np.bincount(label_ids) / len(label_ids)
    share = float(1 - (frequencies**2).sum())
    error = 1.96 * (share * (1 - share) / len(label_ids)) ** 0.5
    return NoiseEstimate(share, max(0.0, share - error), min(1.0, share + error))


def noise_of_unrelated_labels(labels: np.ndarray) -> NoiseEstimate:
    """The same for texts that may have several labels, (n, k) of 0 and 1: the share of texts with one wrong label or more."""
    frequencies = labels.mean(axis=0)
    share = float(1 - (frequencies**2 + (1 - frequencies) ** 2).prod())
    error = 1.96 * (share * (1 - share) / len(labels)) ** 0.5
    return NoiseEstimate(share, max(0.0, share - error), min(1.0, share + error))


def with_contradictions(noise: NoiseEstimate, label_ids: np.ndarray, texts: np.ndarray) -> NoiseEstimate:
    """The estimate, but no less than what equal texts prove: of their labels (n,) all but the most frequent one are wrong. ``texts`` (n,) are
    numbers, the same for the same text."""
    pairs, counts = np.unique(np.stack([texts, label_ids]), axis=1, return_counts=True)
    most_frequent = np.zeros(int(texts.max()) + 1, dtype=np.int64)
    np.maximum.at(most_frequent, pairs[0], counts)
    least = float(len(texts) - most_frequent.sum()) / len(texts)
    return NoiseEstimate(max(noise.estimate, least), max(noise.low, least), max(noise.high, least))


def judged_rows(label_ids: np.ndarray, groups: np.ndarray, learned: np.ndarray, n_classes: int, *, min_texts: int) -> np.ndarray:
    """Rows whose class has at least ``min_texts`` different texts to learn from, (n,) bool: models know too little of the others."""
    pairs = np.unique(np.stack([label_ids[learned], groups[learned]]), axis=1)
    return np.bincount(pairs[0], minlength=n_classes)[label_ids] >= min_texts


def known_rows(learned: np.ndarray, judged: np.ndarray) -> np.ndarray:
    """Rows that say how labels are mistaken, (n,) bool: those that are both ``learned`` and ``judged``, or all learned ones if there are none."""
    both = learned & judged
    return both if both.any() else learned


def unjudged_notes(label_ids: np.ndarray, judged: np.ndarray, names: Sequence[str], *, min_texts: int) -> tuple[str, ...]:
    """A sentence about the classes whose rows were not ``judged``, (n,) bool."""
    classes = np.unique(label_ids[~judged]).tolist()
    if not classes:
        return ()
    has = "has" if len(classes) == 1 else "have"
    return (
        f"{quote_names(names[label] for label in classes)} {has} fewer than {min_texts} different texts, too few to learn from: "
        f"{pluralize(int((~judged).sum()), 'row')} of {'this class' if len(classes) == 1 else 'these classes'} "
        "can only look wrong if the same text has another label too.",
    )


def unjudged_labels_notes(names: Sequence[str], judged: np.ndarray, *, min_texts: int) -> tuple[str, ...]:
    """A sentence about the labels, of several a text, that were not ``judged``, (k,) bool."""
    left = [name for name, is_judged in zip(names, judged.tolist(), strict=True) if not is_judged]
    if not left:
        return ()
    one = len(left) == 1
    return (
        f"{quote_names(left)} {'is' if one else 'are'} on fewer than {min_texts} different texts, or missing on as few: too few to learn from, so "
        f"{'this label is' if one else 'these labels are'} not checked.",
    )
