"""Compares two runs on their shared test rows: which is right more often, by how much, and whether that could be chance.

Knows neither models nor pages. The runs may have different files, seeds and splits; shared rows are found by their texts.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from trainer.data.corpus import Corpus, sort_labels
from trainer.data.splits import Splits
from trainer.data.task import JOINED_BY, NO_LABEL
from trainer.evaluation.intervals import CONFIDENCE, folds_design_effect, wilson_interval
from trainer.evaluation.predictions import Predictions
from trainer.evaluation.report import Scores
from trainer.recipe import Recipe
from trainer.runs.view import RunView
from trainer.text_format import pluralize, points

MAX_DIFFERING = 100
_FEW_ROWS = 30
"""Fewer shared rows than this say little, whatever the result."""
_SIGNIFICANCE = 1 - CONFIDENCE


@dataclass(frozen=True, eq=False)
class RunPredictions:
    """A run's predictions for its n test rows: ``texts``, ``labels`` (given) and ``predicted`` (both by name) have length n.

    ``seen_texts`` are the texts of its training and validation rows. ``folds``: the models of so many folds made the predictions; 0 without folds.
    """

    texts: tuple[str, ...]
    labels: tuple[str, ...]
    predicted: tuple[str, ...]
    seen_texts: frozenset[str]
    folds: int = 0


@dataclass(frozen=True)
class PairedComparison:
    """Runs A and B on the same rows: how many both, one or none predicted right.

    ``low`` and ``high`` are the 95 % interval of the difference of their accuracies, A minus B. ``p_value`` is the probability of a difference
    at least this large, in either direction, if both were equally good. Both are corrected for the number of comparisons, and they agree:
    the interval excludes 0 exactly if ``p_value`` is below 5 %. ``label_conflicts`` counts texts that are test rows of both under different
    labels; they are not among the rows.
    """

    both: int
    only_a: int
    only_b: int
    neither: int
    low: float
    high: float
    p_value: float
    label_conflicts: int = 0

    @property
    def n_shared_rows(self) -> int:
        return self.both + self.only_a + self.only_b + self.neither

    @property
    def accuracy_a(self) -> float:
        return (self.both + self.only_a) / max(self.n_shared_rows, 1)

    @property
    def accuracy_b(self) -> float:
        return (self.both + self.only_b) / max(self.n_shared_rows, 1)

    @property
    def difference(self) -> float:
        """The accuracy of A minus that of B."""
        return (self.only_a - self.only_b) / max(self.n_shared_rows, 1)

    @property
    def differs(self) -> bool:
        """Whether the difference is significant at 5 %."""
        return self.p_value < _SIGNIFICANCE

    def to_dict(self) -> dict[str, Any]:
        """As JSON: the fields, and what follows from them."""
        derived = ("n_shared_rows", "accuracy_a", "accuracy_b", "difference", "differs")
        return {**asdict(self), **{name: getattr(self, name) for name in derived}}


@dataclass(frozen=True)
class ComparedRun:
    """One run of a comparison. ``scores`` is None without a model or if its predictions are damaged, ``recipe`` if that is damaged;
    ``problem`` then says why."""

    view: RunView
    recipe: Recipe | None
    scores: Scores | None
    problem: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As JSON; the run by its id and name."""
        return {
            "run": self.view.id,
            "name": self.view.name,
            "scores": self.scores and self.scores.to_dict(),
            "recipe": self.recipe and self.recipe.to_dict(),
            "problem": self.problem,
        }


@dataclass(frozen=True)
class DifferingRow:
    """A test row of two runs that only one of them, A or B, predicts right: what A and B say of it."""

    text: str
    label: str
    said_a: str
    said_b: str

    @property
    def only_a(self) -> bool:
        """Whether it is A that is right."""
        return self.said_a == self.label

    def to_dict(self) -> dict[str, Any]:
        return {**asdict(self), "only_a": self.only_a}


@dataclass(frozen=True)
class Comparison:
    """Runs side by side: those with scores first, by macro F1 on their validation rows (of equals the older first), then the others.

    ``reference`` is the index of the run that the others are compared with: the first, None without two models. ``paired`` has, for each
    other run with a model, its index and how the reference (A) does against it on their shared test rows. No test score decides any of
    this: the best of many test scores would be partly the luckiest. Intervals and p values are corrected for all comparisons together.

    ``same_file``: all were started from the same file, byte for byte, or were tested on exactly the same texts and labels. Otherwise
    neither their curves nor their scores say which of them is better.
    """

    runs: tuple[ComparedRun, ...]
    reference: int | None
    paired: tuple[tuple[int, PairedComparison], ...]
    same_file: bool = False
    differing: tuple[tuple[DifferingRow, ...], ...] = ()
    """For each of ``paired`` the rows that only one of the two runs has right, at most ``MAX_DIFFERING``; they are not in the JSON."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON; ``reference`` and each of ``paired`` name their run by its id."""
        ids = [run.view.id for run in self.runs]
        return {
            "runs": [run.to_dict() for run in self.runs],
            "reference": None if self.reference is None else ids[self.reference],
            "paired": [{"run": ids[index], **paired.to_dict()} for index, paired in self.paired],
            "same_file": self.same_file,
        }


def shown_labels(names: Iterable[str]) -> str:
    """The labels of one text for people, in an order that does not depend on the run: "joy", "joy, love", "no label"."""
    return JOINED_BY.join(sort_labels(set(names))) or NO_LABEL


def run_predictions(
    corpus: Corpus, splits: Splits, predictions: Predictions, class_names: Mapping[str, str] = MappingProxyType({})
) -> RunPredictions:
    """A run's predictions by text and label name; ``class_names`` are other names for some classes, and those with the same one are one then.

    Raises ValueError if rows and predictions belong to different runs.
    """
    test = predictions.for_split("test")
    if len(test) and (test.rows.min() < 0 or test.rows.max() >= len(corpus)):
        raise ValueError(f"Predictions name rows up to {test.rows.max()}; there are {len(corpus)}.")
    names = [class_names.get(name, name) for name in test.label_names]
    # In folds no row was predicted by a model that has learned it, whatever the model of all rows has.
    seen_rows = np.setdiff1d(np.concatenate([splits.train, splits.validation]), test.rows)
    return RunPredictions(
        texts=tuple(corpus.texts[i] for i in test.rows),
        labels=tuple(shown_labels(test.task.names(labels, names)) for labels in test.labels),
        predicted=tuple(shown_labels(test.task.names(said, names)) for said in test.predicted),
        seen_texts=frozenset(corpus.texts[i] for i in seen_rows),
        folds=test.folds,
    )


def compare(a: RunPredictions, b: RunPredictions, *, n_comparisons: int = 1) -> PairedComparison:
    """Both runs on the rows of both test splits: the same text with the same label, by name. ``n_comparisons`` as for ``compare_counts``.

    Texts among either run's training or validation rows are excluded. A split keeps duplicates together, so that no test text should be among
    them; but rows come from the disk, and this promise is worth a check. A text with its label counts once, however often it occurs:
    McNemar's test needs independent rows, and copies are not. Nor are the rows of folds, whose models share most of what they learned: if either run
    was tested in folds, the test is as uncertain as its score.
    """
    right_a, right_b = _is_right(a), _is_right(b)
    shared = [key for key in right_a if key in right_b and key[0] not in a.seen_texts and key[0] not in b.seen_texts]
    counts = [0, 0, 0, 0]
    for key in shared:
        counts[2 * (not right_a[key]) + (not right_b[key])] += 1
    shared_texts = {text for text, _ in shared}
    in_both = {text for text, _ in right_a} & {text for text, _ in right_b}
    return compare_counts(
        *counts,
        n_comparisons=n_comparisons,
        label_conflicts=len(in_both - shared_texts - a.seen_texts - b.seen_texts),
        design_effect=max(folds_design_effect(a.folds), folds_design_effect(b.folds)),
    )


def differing_rows(a: RunPredictions, b: RunPredictions) -> tuple[DifferingRow, ...]:
    """The shared rows that only one of two runs has right, the rows as in ``compare``: first those of A, each in the order of A's rows."""
    said_b = {(text, label): said for text, label, said in reversed([*zip(b.texts, b.labels, b.predicted, strict=True)])}
    seen: set[tuple[str, str]] = set()
    rows = []
    for text, label, said in zip(a.texts, a.labels, a.predicted, strict=True):
        key = (text, label)
        if key in seen or key not in said_b or text in a.seen_texts or text in b.seen_texts:
            continue
        seen.add(key)
        if (said == label) != (said_b[key] == label):
            rows.append(DifferingRow(text, label, said, said_b[key]))
    return tuple(sorted(rows, key=lambda row: not row.only_a))


def compare_counts(
    both: int, only_a: int, only_b: int, neither: int, *, n_comparisons: int = 1, label_conflicts: int = 0, design_effect: float = 1.0
) -> PairedComparison:
    """Compare two runs by counts of rows: predicted right by both, only A, only B, neither.

    Each of ``n_comparisons`` is tested at 5 % / ``n_comparisons``, so that all intervals together hold with 95 % (Dunn 1961, Multiple
    comparisons among means, after Bonferroni). Otherwise one of twenty equal models would look different by luck alone. With a ``design_effect`` of d,
    test and interval are those of a d-th of each count.

    McNemar's exact test decides. The interval is Newcombe's; if it contradicts the test, the end on the wrong side of 0 is replaced by the
    test's own (Clopper & Pearson 1934, of A's share among the rows that only one had right): two good methods would otherwise contradict
    each other in one sentence.
    """
    level = _SIGNIFICANCE / n_comparisons
    effective = [count / design_effect for count in (both, only_a, only_b, neither)]
    p_value = _mcnemar(effective[1], effective[2])
    low, high = _newcombe_interval(*effective, confidence=1 - level)
    if (low > 0 or high < 0) != (p_value < level):
        exact = _exact_interval(effective[1], effective[2], sum(effective), confidence=1 - level)
        low, high = (exact[0], high) if only_a > only_b else (low, exact[1])
    return PairedComparison(both, only_a, only_b, neither, low, high, min(1.0, n_comparisons * p_value), label_conflicts)


def describe_comparison(comparison: PairedComparison, a: str, b: str) -> str:
    """The comparison in a sentence or two; ``a`` and ``b`` are the runs' names."""
    if not comparison.n_shared_rows and comparison.label_conflicts:
        return (
            f"{a} and {b} have {pluralize(comparison.label_conflicts, 'test text')} in common, but under different labels, so they cannot be compared row by "
            "row. Use the same class names in both files and train again."
        )
    if not comparison.n_shared_rows:
        return (
            f"{a} and {b} have no test rows in common, so they cannot be compared row by row. "
            "Train both on the same file with the same seed and the same split."
        )
    rows = pluralize(comparison.n_shared_rows, "shared test row")
    if not comparison.only_a and not comparison.only_b:
        verdict = f"On {rows} {a} and {b} agree on which are right and which are wrong."
    elif comparison.only_a == comparison.only_b:
        verdict = f"On {rows} {a} and {b} are right equally often ({_format_interval(comparison.low, comparison.high)})."
    else:
        better, worse, low, high = (
            (a, b, comparison.low, comparison.high) if comparison.difference > 0 else (b, a, -comparison.high, -comparison.low)
        )
        difference = f"{points(abs(comparison.difference))} percentage points more of them than {worse} ({_format_interval(low, high)})"
        chance = "is unlikely to be chance" if comparison.differs else "could well be chance"
        verdict = f"On {rows} {better} is right in {difference}; such a difference {chance} ({_format_p_value(comparison.p_value)})."
    return verdict + (" So few rows say little." if comparison.n_shared_rows < _FEW_ROWS else "")


def _is_right(run: RunPredictions) -> dict[tuple[str, str], bool]:
    """Whether the first occurrence of each text with its label was predicted right."""
    right: dict[tuple[str, str], bool] = {}
    for text, label, predicted in zip(run.texts, run.labels, run.predicted, strict=True):
        right.setdefault((text, label), predicted == label)
    return right


def _mcnemar(only_a: float, only_b: float) -> float:
    """Exact two-sided p of McNemar's test (McNemar 1947): only rows that one had right and the other wrong tell the two apart.

    The binomial distribution is written as an incomplete beta function, which takes counts that are not whole.
    """
    if only_a == only_b:
        return 1.0
    # Imported late, as it takes time.
    from scipy.special import betainc

    return min(1.0, 2 * float(betainc(max(only_a, only_b), min(only_a, only_b) + 1, 0.5)))


def _exact_interval(only_a: float, only_b: float, n: float, *, confidence: float) -> tuple[float, float]:
    """The differences that the exact test does not reject, given how many rows only one run had right."""
    from scipy.special import betaincinv

    discordant, tail = only_a + only_b, (1 - confidence) / 2
    low = float(betaincinv(only_a, only_b + 1, tail)) if only_a else 0.0
    high = float(betaincinv(only_a + 1, only_b, 1 - tail)) if only_b else 1.0
    return (2 * low - 1) * discordant / n, (2 * high - 1) * discordant / n


def _newcombe_interval(both: float, only_a: float, only_b: float, neither: float, *, confidence: float) -> tuple[float, float]:
    """Interval for the difference of two paired proportions, A minus B; (-1, 1) without rows.

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
    spread = math.prod(float(h * (n - h)) for h in hits)
    agreement = both * neither - only_a * only_b
    corrected = max(agreement - n / 2, 0.0) if agreement > 0 else agreement
    correlation = corrected / math.sqrt(spread) if spread else 0.0

    def distance(one: float, other: float) -> float:
        return math.sqrt(max(one**2 - 2 * correlation * one * other + other**2, 0.0))

    difference = (only_a - only_b) / n
    return max(difference - distance(below_a, above_b), -1.0), min(difference + distance(above_a, below_b), 1.0)


def _format_interval(low: float, high: float) -> str:
    return f"{points(low)} to {points(high)}"


def _format_p_value(p: float) -> str:
    if p < 0.001:
        return "p < 0.001"
    if p < _SIGNIFICANCE <= float(f"{p:.3f}"):
        return f"p = {p:.4f}"  # otherwise it would be shown as 0.050
    return f"p = {p:.3f}" if p < 0.1 else f"p = {p:.2f}"
