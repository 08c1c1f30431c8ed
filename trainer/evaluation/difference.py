"""How the texts of a file differ from those that a model learnt from: whether a model tells them apart, unseen words, lengths, mix of classes.

Says nothing about how well the model does on them: that takes labels.
"""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any, Literal

import numpy as np

from trainer.data.duplicates.normalize import duplicate_key
from trainer.evaluation.intervals import Interval, wilson_interval
from trainer.text_format import percent, percent_range, pluralize

MAX_COMPARED = 2_000
"""Texts of each side; more hardly narrow the interval."""
MIN_COMPARED = 30
_MAX_CHARACTERS = 2_000
_FOLDS = 5
_SEED = 20_240_229
_DIFFERENT, _OTHER = 0.55, 0.7
"""What the lower end of the separation has to reach."""
_MIX_POINTS = 0.1
_WORD = re.compile(r"\w+")

Verdict = Literal["alike", "different", "other", "unknown"]


@dataclass(frozen=True)
class ClassShare:
    """How often a class is predicted for the texts, and how often it is the label of a training row, in 0..1."""

    name: str
    here: float
    training: float


@dataclass(frozen=True)
class TextDifference:
    """``compared`` texts of a file and ``training`` ones of a model, all different, without ``shared`` texts that both have.

    ``separation``: the chance that a linear model, which saw neither, finds a text of the file less like the training rows than a training row
    (the area under its ROC curve, 0.5 is chance) with its interval; None with fewer than 30 texts. ``unseen_words``: the share of words
    that no training text has, of the file and of training texts that were left out in turn. ``words``: median number of words a text.
    """

    compared: int
    training: int
    shared: int
    separation: Interval | None
    unseen_words: tuple[float, float]
    words: tuple[float, float]
    classes: tuple[ClassShare, ...]

    @property
    def verdict(self) -> Verdict:
        """Whether the texts are such as the model learnt from."""
        if self.separation is None:
            return "unknown"
        low = self.separation.low
        return "other" if low > _OTHER else "different" if low > _DIFFERENT else "alike"

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "verdict": self.verdict, "sentences": self.sentences()}

    def sentences(self) -> list[str]:
        """What was found, in words; the first says whether the texts are alike."""
        unseen, expected = map(percent, self.unseen_words)
        sentences = [
            self._verdict_sentence(),
            f"{unseen} of their words occur in no training row; of a training row's own words, {expected} occur in no other.",
            f"Half of them have {self.words[0]:,.0f} words or more; half of the training rows have {self.words[1]:,.0f} or more.",
            self._mix_sentence(),
        ]
        if self.shared:
            sentences.append(f"{pluralize(self.shared, 'text is', 'texts are')} among the training rows too.")
        return [sentence for sentence in sentences if sentence]

    def _verdict_sentence(self) -> str:
        if self.separation is None:
            return f"With fewer than {MIN_COMPARED} different texts it cannot be told whether they are like the training rows."
        interval = percent_range(self.separation.low, self.separation.high)
        told = f"a model that counts words tells them from the training rows in {percent(self.separation.value, 0)} of pairs ({interval}; 50 % is chance)"
        return {
            "alike": f"These texts are like the training rows: {told}.",
            "different": f"These texts differ from the training rows: {told}. Expect somewhat more mistakes than on the test rows.",
            "other": f"These are other texts than the model learnt from: {told}. What the test rows said of the model need not hold here.",
        }[self.verdict]

    def _mix_sentence(self) -> str:
        if not self.classes:
            return ""
        most = max(self.classes, key=lambda share: abs(share.here - share.training))
        if abs(most.here - most.training) < _MIX_POINTS:
            return "The classes are about as frequent as among the training rows."
        return (
            f"“{most.name[:60]}” is the label of {percent(most.here, 0)} of them, and of {percent(most.training, 0)} of the training rows."
        )


def text_difference(
    texts: Sequence[str], training_texts: Sequence[str], *, classes: Mapping[str, int], training_classes: Mapping[str, int]
) -> TextDifference:
    """Compare up to ``MAX_COMPARED`` different texts of each side, evenly spaced; deterministic.

    A domain classifier (Rabanser, Günnemann & Lipton 2019, Failing Loudly): logistic regression of TF-IDF words, scored on folds that it
    has not seen. The interval is that of a proportion of as many rows as the smaller side has, which bounds the variance of the area
    (Birnbaum & Klose 1957). ``classes``: how often each is predicted, or a label of a training row.
    """
    learnt, given = _different(training_texts), _different(texts)
    shared = given.keys() & learnt.keys()
    here = _evenly(sorted(text for key, text in given.items() if key not in shared))
    there = _evenly(sorted(text for key, text in learnt.items() if key not in shared))
    enough = min(len(here), len(there)) >= MIN_COMPARED
    return TextDifference(
        compared=len(here),
        training=len(there),
        shared=len(shared),
        separation=_separation(here, there) if enough else None,
        unseen_words=_unseen_words(here, there, learnt.values()),
        words=(_median_words(here or list(given.values())), _median_words(there or list(learnt.values()))),
        classes=_class_shares(classes, training_classes),
    )


def _different(texts: Sequence[str]) -> dict[str, str]:
    keyed = {duplicate_key(text[:_MAX_CHARACTERS]): text[:_MAX_CHARACTERS] for text in texts}
    keyed.pop("", None)
    return keyed


def _evenly(texts: list[str]) -> list[str]:
    """Up to ``MAX_COMPARED`` of the texts, drawn at random, the same each time."""
    if len(texts) <= MAX_COMPARED:
        return texts
    drawn = np.random.default_rng(_SEED).choice(len(texts), MAX_COMPARED, replace=False)
    return [texts[number] for number in np.sort(drawn).tolist()]


def _separation(here: Sequence[str], there: Sequence[str]) -> Interval:
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import roc_auc_score

    is_here = np.repeat([True, False], [len(here), len(there)])
    vectorizer = TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2), min_df=2, token_pattern=r"(?u)\b\w+\b", dtype=np.float32)
    try:
        features = vectorizer.fit_transform([*here, *there]).tocsr()
    except ValueError:
        return _auc_interval(0.5, len(here), len(there))  # no word occurs twice
    scores = np.zeros(len(is_here))
    for rest, fold in _folds(is_here):
        model = LogisticRegression(C=4, solver="liblinear", class_weight="balanced").fit(features[rest], is_here[rest])
        scores[fold] = model.decision_function(features[fold])
    return _auc_interval(float(roc_auc_score(is_here, scores)), len(here), len(there))


def _folds(is_here: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    from sklearn.model_selection import StratifiedKFold

    return StratifiedKFold(_FOLDS, shuffle=True, random_state=_SEED).split(np.zeros(len(is_here)), is_here)


def _auc_interval(area: float, here: int, there: int) -> Interval:
    low, high = wilson_interval(area, min(here, there))
    return Interval(area, float(low), float(high))


def _unseen_words(here: Sequence[str], there: Sequence[str], learnt: Collection[str]) -> tuple[float, float]:
    """Of the words of each side, in 0..1, those that no (other) training text has."""
    counts: dict[str, int] = {}
    for text in learnt:
        for word in set(_words(text)):
            counts[word] = counts.get(word, 0) + 1

    def share(texts: Sequence[str], least: int) -> float:
        words = [counts.get(word, 0) for text in texts for word in _words(text)]
        return sum(count < least for count in words) / max(len(words), 1)

    return share(here, 1), share(there, 2)


def _words(text: str) -> list[str]:
    return _WORD.findall(text.casefold())


def _median_words(texts: Sequence[str]) -> float:
    return float(median(len(_words(text)) for text in texts)) if texts else 0.0


def _class_shares(here: Mapping[str, int], training: Mapping[str, int]) -> tuple[ClassShare, ...]:
    totals = [max(sum(counts.values()), 1) for counts in (here, training)]
    return tuple(
        ClassShare(name, here.get(name, 0) / totals[0], training.get(name, 0) / totals[1]) for name in dict.fromkeys((*training, *here))
    )
