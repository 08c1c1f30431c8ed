"""Two runs on the rows that both kept aside: which is right more often, by how much, and whether that could be chance.

It knows neither models nor pages. The runs may be of different files, seeds and splits; what they share is found by the texts themselves.
"""

import math
from dataclasses import dataclass

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.evaluation.intervals import CONFIDENCE, wilson_interval
from trainer.evaluation.predictions import Predictions
from trainer.text_format import pluralize, points

_FEW = 30
"""Fewer shared rows than this say little, whatever they say."""
_CHANCE = 1 - CONFIDENCE


@dataclass(frozen=True, eq=False)
class RunPredictions:
    """What a run said of its n test rows: ``texts``, ``labels`` (given) and ``predicted`` (both by name) have length n.

    ``learned`` are the texts of its training and validation rows.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    seen_texts: frozenset[str]


@dataclass(frozen=True)
class PairedComparison:
    """Runs A and B on the same rows, as counts; ``low`` and ``high`` bound the difference of their accuracies (A less B) with 95 %.

    ``p`` is the chance of a difference as large as this, either way, if both were equally good. Where several comparisons are looked at
    together, both are for all of them at once. They agree: the interval leaves out 0 just where ``p`` is below 5 %. ``label_conflicts``: texts
    that both kept aside under different labels; they are not among the rows.
    """

    both: int
    only_a: int
    only_b: int
    neither: int
    low: float
    high: float
    p: float
    label_conflicts: int = 0

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

    @property
    def differs(self) -> bool:
        """Whether one is better beyond chance."""
        return self.p < _CHANCE


def run_predictions(corpus: Corpus, splits: Splits, predictions: Predictions) -> RunPredictions:
    """A run's answers from its rows and its saved predictions. Raises ValueError where the two are not of one run."""
    test = predictions.for_split("test")
    if len(test) and (test.rows.min() < 0 or test.rows.max() >= len(corpus)):
        raise ValueError(f"Predictions name rows up to {test.rows.max()}; there are {len(corpus)}.")
    names = test.label_names
    seen_texts = np.concatenate([splits.train, splits.validation])
    return RunPredictions(
        texts=tuple(corpus.texts[i] for i in test.rows),
        labels=tuple(names[i] for i in test.labels),
        predicted=tuple(names[i] for i in test.predicted),
        seen_texts=frozenset(corpus.texts[i] for i in seen_texts),
    )


def compare(a: RunPredictions, b: RunPredictions, *, n_comparisons: int = 1) -> PairedComparison:
    """Both runs on the rows of both test splits: the same text with the same label, by name. ``n_comparisons`` as for ``compare_counts``.

    A text that either run learned from or watched its training with is left out. One that is in a run's test split never is, as the split
    keeps copies together; but rows come from the disk, and this promise is worth a look. A text with its label counts once, however
    often it occurs: two copies are one question, and McNemar's test wants independent ones.
    """
    right_a, right_b = _right(a), _right(b)
    shared = [key for key in right_a if key in right_b and key[0] not in a.seen_texts and key[0] not in b.seen_texts]
    cells = [0, 0, 0, 0]
    for key in shared:
        cells[2 * (not right_a[key]) + (not right_b[key])] += 1
    agreed = {text for text, _ in shared}
    in_both = {text for text, _ in right_a} & {text for text, _ in right_b}
    return compare_counts(*cells, n_comparisons=n_comparisons, label_conflicts=len(in_both - agreed - a.seen_texts - b.seen_texts))


def compare_counts(
    both: int, only_a: int, only_b: int, neither: int, *, n_comparisons: int = 1, label_conflicts: int = 0
) -> PairedComparison:
    """The judgement of a table of counts: rows that both had right, only A, only B, neither.

    ``n_comparisons`` comparisons are looked at: each is judged at 5 % / ``n_comparisons``, so that all intervals hold at once with 95 % (Dunn 1961,
    Multiple comparisons among means, after Bonferroni). Of twenty equal models one would else look different by luck alone.

    The test is McNemar's exact one and decides; the interval is Newcombe's, and an end of it that lies beyond 0 where the test says
    otherwise gives way to the end that the test itself has (Clopper & Pearson 1934, of the share that A has among the rows that only one
    had right): two methods, good each for itself, would else contradict each other in one sentence.
    """
    level = _CHANCE / n_comparisons
    p = _mcnemar(only_a, only_b)
    low, high = _newcombe(both, only_a, only_b, neither, confidence=1 - level)
    if (low > 0 or high < 0) != (p < level):
        exact = _exact(only_a, only_b, both + only_a + only_b + neither, confidence=1 - level)
        low, high = (exact[0], high) if only_a > only_b else (low, exact[1])
    return PairedComparison(both, only_a, only_b, neither, low, high, min(1.0, n_comparisons * p), label_conflicts)


def describe_comparison(found: PairedComparison, a: str, b: str) -> str:
    """What was found, in a sentence or two for people; ``a`` and ``b`` are the runs' names."""
    if not found.rows and found.label_conflicts:
        return (
            f"{a} and {b} kept {pluralize(found.label_conflicts, 'text')} aside in common, but under different labels, so they cannot be compared row by "
            "row. Name the classes alike in both files and train again."
        )
    if not found.rows:
        return (
            f"{a} and {b} kept no rows aside in common, so they cannot be compared row by row. "
            "Train both on the same file with the same seed and the same split."
        )
    rows = pluralize(found.rows, "shared test row")
    if not found.only_a and not found.only_b:
        verdict = f"On {rows} {a} and {b} are right and wrong in the very same ones."
    elif found.only_a == found.only_b:
        verdict = f"On {rows} {a} and {b} are right equally often ({_range(found.low, found.high)})."
    else:
        better, worse, low, high = (a, b, found.low, found.high) if found.difference > 0 else (b, a, -found.high, -found.low)
        more = f"{points(abs(found.difference))} percentage points more of them than {worse} ({_range(low, high)})"
        chance = "would hardly come by chance" if found.differs else "could well be chance"
        verdict = f"On {rows} {better} is right in {more}; such a difference {chance} ({_p(found.p)})."
    return verdict + (" So few rows say little." if found.rows < _FEW else "")


def _right(run: RunPredictions) -> dict[tuple[str, str], bool]:
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


def _exact(only_a: int, only_b: int, n: int, *, confidence: float) -> tuple[float, float]:
    """The differences that the exact test does not reject, given how many rows only one had right."""
    from scipy.stats import binomtest

    unlike = only_a + only_b
    share = binomtest(only_a, unlike).proportion_ci(confidence_level=confidence, method="exact")
    return (2 * share.low - 1) * unlike / n, (2 * share.high - 1) * unlike / n


def _newcombe(both: int, only_a: int, only_b: int, neither: int, *, confidence: float) -> tuple[float, float]:
    """Interval for the difference of two paired proportions, A less B; (-1, 1) where there are no rows.

    Method 10 of Newcombe 1998, Improved confidence intervals for the difference between binomial proportions based on paired data,
    Statistics in Medicine 17: the Wilson intervals of both, squared and added, with their correlation corrected for continuity. Unlike
    the textbook interval it stays within -1 and 1 and holds its level with few rows.
    """
    n = both + only_a + only_b + neither
    if not n:
        return -1.0, 1.0
    hits = np.array([both + only_a, both + only_b])
    lows, highs = wilson_interval(hits / n, n, confidence=confidence)
    (below_a, below_b), (above_a, above_b) = hits / n - lows, highs - hits / n
    spread = math.prod(int(h) * int(n - h) for h in hits)
    agreement = both * neither - only_a * only_b
    corrected = max(agreement - n / 2, 0.0) if agreement > 0 else agreement
    correlation = corrected / math.sqrt(spread) if spread else 0.0

    def distance(one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2 * correlation * one * other + other**2, 0.0))

    difference = (only_a - only_b) / n
    return max(difference - distance(below_a, above_b), -1.0), min(difference + distance(above_a, below_b), 1.0)


def _range(low: float, high: float) -> str:
    return f"{points(low)} to {points(high)}"


def _p(p: float) -> str:
    if p < 0.001:
        return "p < 0.001"
    if p < _CHANCE <= float(f"{p:.3f}"):
        return f"p = {p:.4f}"  # else it would read as if it were not below
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
