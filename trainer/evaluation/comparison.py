"""Two runs on the rows that both kept aside: which is right more often, by how much, and whether that could be chance.

It knows neither models nor pages. The runs may be of different files, seeds and splits; what they share is found by the texts themselves.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.splitting import Splits
from trainer.data.wording import counted
from trainer.evaluation.predictions import Predictions

_FEW = 30
"""Fewer shared rows than this say little, whatever they say."""
_CHANCE = 0.05
_Z = 1.959964
"""The standard normal's 97.5th percentile."""


@dataclass(frozen=True, eq=False)
class Answers:
    """What a run said of its n test rows: ``texts``, ``labels`` (given) and ``predicted`` (both by name) have length n.

    ``learned`` are the texts of its training and validation rows.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    learned: frozenset[str]


@dataclass(frozen=True)
class Paired:
    """Runs A and B on the same rows, as counts; ``low`` and ``high`` bound the difference of their accuracies (A less B) with 95 %.

    ``p`` is the chance of a difference as large as this, either way, if both were equally good. ``disputed``: texts that both kept aside
    under different labels; they are not among the rows.
    """

    both: int
    only_a: int
    only_b: int
    neither: int
    low: float
    high: float
    p: float
    disputed: int = 0

    @property
    def rows(self) -> int:
        return self.both + self.only_a + self.only_b + self.neither

    @property
    def accuracy_a(self) -> float:
        return (self.both + self.only_a) / max(self.rows, 1)

    @property
    def accuracy_b(self) -> float:
        return (self.both + self.only_b) / max(self.rows, 1)

    @property
    def difference(self) -> float:
        return (self.only_a - self.only_b) / max(self.rows, 1)


def answers(corpus: Corpus, splits: Splits, predictions: Predictions) -> Answers:
    """A run's answers from its rows and its saved predictions. Raises ValueError where the two are not of one run."""
    test = predictions.of("test")
    if len(test) and (test.rows.min() < 0 or test.rows.max() >= len(corpus)):
        raise ValueError(f"Predictions name rows up to {test.rows.max()}; there are {len(corpus)}.")
    names = test.label_names
    learned = np.concatenate([splits.train, splits.validation])
    return Answers(
        texts=tuple(corpus.texts[i] for i in test.rows),
        labels=tuple(names[i] for i in test.labels),
        predicted=tuple(names[i] for i in test.predicted),
        learned=frozenset(corpus.texts[i] for i in learned),
    )


def compare(a: Answers, b: Answers) -> Paired:
    """Both runs on the rows of both test splits: the same text with the same label, by name.

    A text that either run learned from or watched its training with is left out. One that is in a run's test split never is, as the split
    keeps copies together; but rows come from the disk, and this promise is worth a look. A text with its label counts once, however
    often it occurs: two copies are one question, and McNemar's test wants independent ones.
    """
    right_a, right_b = _right(a), _right(b)
    shared = [key for key in right_a if key in right_b and key[0] not in a.learned and key[0] not in b.learned]
    cells = [0, 0, 0, 0]
    for key in shared:
        cells[2 * (not right_a[key]) + (not right_b[key])] += 1
    agreed = {text for text, _ in shared}
    in_both = {text for text, _ in right_a} & {text for text, _ in right_b}
    return paired(*cells, disputed=len(in_both - agreed - a.learned - b.learned))


def paired(both: int, only_a: int, only_b: int, neither: int, *, disputed: int = 0) -> Paired:
    """The judgement of a table of counts: rows that both had right, only A, only B, neither."""
    low, high = _newcombe(both, only_a, only_b, neither)
    return Paired(both, only_a, only_b, neither, low, high, _mcnemar(only_a, only_b), disputed)


def holm(comparisons: Sequence[Paired], *, of: int) -> tuple[Paired, ...]:
    """The same comparisons with p values for being looked at together (Holm 1979, A simple sequentially rejective multiple test procedure).

    ``of`` is how many there would be in all: whoever is compared with the best, chosen on the same rows, has looked at every pair. Of twenty
    equal models one would else look different by luck alone. Intervals stay as they are, each for itself.
    """
    order = sorted(range(len(comparisons)), key=lambda i: comparisons[i].p)
    corrected = list(comparisons)
    highest = 0.0
    for done, i in enumerate(order):
        highest = max(highest, min(1.0, (of - done) * comparisons[i].p))
        corrected[i] = replace(comparisons[i], p=highest)
    return tuple(corrected)


def in_words(found: Paired, a: str, b: str) -> str:
    """What was found, in a sentence or two for people; ``a`` and ``b`` are the runs' names."""
    if not found.rows:
        return (
            f"{a} and {b} kept no rows aside in common, so they cannot be compared row by row. "
            "Train both on the same file with the same seed and the same split."
        )
    rows = counted(found.rows, "shared test row")
    if not found.only_a and not found.only_b:
        verdict = f"On {rows} {a} and {b} are right and wrong in the very same ones."
    elif found.only_a == found.only_b:
        verdict = f"On {rows} {a} and {b} are right equally often ({_range(found.low, found.high)})."
    else:
        better, worse, low, high = (a, b, found.low, found.high) if found.difference > 0 else (b, a, -found.high, -found.low)
        more = f"{_number(abs(found.difference))} % more of them than {worse} ({_range(low, high)})"
        chance = "would hardly come by chance" if found.p < _CHANCE else "could well be chance"
        verdict = f"On {rows} {better} is right in {more}; such a difference {chance} ({_p(found.p)})."
    return verdict + (" So few rows say little." if found.rows < _FEW else "")


def _right(run: Answers) -> dict[tuple[str, str], bool]:
    """Whether the first of each text with its label was answered right."""
    right: dict[tuple[str, str], bool] = {}
    for text, label, predicted in zip(run.texts, run.labels, run.predicted, strict=True):
        right.setdefault((text, label), predicted == label)
    return right


def _mcnemar(only_a: int, only_b: int) -> float:
    """Exact two-sided p of McNemar's test (McNemar 1947): only rows that one had right and the other wrong can tell the two apart."""
    if only_a == only_b:
        return 1.0
    # Late: scipy.stats takes half a second to import.
    from scipy.stats import binomtest

    return float(binomtest(only_a, only_a + only_b, 0.5).pvalue)


def _newcombe(both: int, only_a: int, only_b: int, neither: int) -> tuple[float, float]:
    """95 % interval for the difference of two paired proportions, A less B; (-1, 1) where there are no rows.

    Method 10 of Newcombe 1998, Improved confidence intervals for the difference between binomial proportions based on paired data,
    Statistics in Medicine 17: the Wilson intervals of both, squared and added, with their correlation corrected for continuity. Unlike
    the textbook interval it stays within -1 and 1 and holds its 95 % with few rows.
    """
    n = both + only_a + only_b + neither
    if not n:
        return -1.0, 1.0
    hits_a, hits_b = both + only_a, both + only_b
    below_a, above_a = _wilson(hits_a, n)
    below_b, above_b = _wilson(hits_b, n)
    spread = hits_a * (n - hits_a) * hits_b * (n - hits_b)
    agreement = both * neither - only_a * only_b
    corrected = max(agreement - n / 2, 0.0) if agreement > 0 else agreement
    correlation = corrected / math.sqrt(spread) if spread else 0.0

    def distance(one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2 * correlation * one * other + other**2, 0.0))

    difference = (only_a - only_b) / n
    return max(difference - distance(below_a, above_b), -1.0), min(difference + distance(above_a, below_b), 1.0)


def _wilson(hits: int, n: int) -> tuple[float, float]:
    """How far the score interval of a proportion reaches below and above it (Wilson 1927)."""
    share, z2 = hits / n, _Z**2
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z / (1 + z2 / n) * math.sqrt(share * (1 - share) / n + z2 / (4 * n**2))
    return share - (middle - half), middle + half - share


def _number(share: float) -> str:
    """A share as per cent, with a real minus sign; never "−0.0"."""
    return f"{100 * share:.1f}".replace("-0.0", "0.0").replace("-", "−")


def _range(low: float, high: float) -> str:
    return f"{_number(low)} to {_number(high)}"


def _p(p: float) -> str:
    if p < 0.001:
        return "p < 0.001"
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
