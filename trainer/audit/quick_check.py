"""The quick check of labels: linear models on words and letters, trained out of fold; no training of a large model.

Reads a corpus, writes nothing.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from trainer.audit.features import MAX_WORD_CHARACTERS, TextFeatures, text_features
from trainer.audit.judgement import judge
from trainer.audit.out_of_fold import N_FOLDS, Voice, out_of_fold
from trainer.audit.pooling import pool
from trainer.audit.ranking import Evidence, build_result
from trainer.audit.relation import are_unrelated, judged_rows, known_rows
from trainer.audit.suspects import AuditResult, NoiseEstimate
from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import NearDuplicates, find_near_duplicates
from trainer.errors import FileError
from trainer.text_format import millions, pluralize

Progress = Callable[[str, float], None]
"""(what is done, fraction of the whole)."""
JUDGING = "judging each row by models that have not seen it"
MAX_ROWS = 100_000
MAX_CHARACTERS = 30_000_000
"""Of all texts, as far as they are read."""
_WORD_SEEDS, _LETTER_SEEDS, _KEYWORD_SEEDS = 3, 1, 3
_MANY_CLASSES = 20
"""Of which each has a model of its own: beyond it one fold seed has to do."""
_MAX_WORK = 1_000_000
"""Rows times classes, beyond which there is no second round: with it 150 classes of 20,000 rows would take more than four minutes."""
_WORD_STRENGTH, _LETTER_STRENGTH, _KEYWORD_STRENGTH = 10.0, 4.0, 2.0


def require_checkable(corpus: Corpus) -> None:
    """Raise UserError ``audit_too_large`` or ``not_checkable`` if the labels of a corpus cannot be checked."""
    if len(corpus.label_names) < 2:
        raise FileError(
            f"All {pluralize(len(corpus), 'row')} have the same label, so no label can be compared with another one. Choose another label column.",
            code="not_checkable",
        )
    characters = sum(min(len(text), MAX_WORD_CHARACTERS) for text in corpus.texts)
    if len(corpus) > MAX_ROWS or characters > MAX_CHARACTERS:
        raise FileError(
            f"The file has {pluralize(len(corpus), 'row')} with {millions(characters)} characters. Labels can be checked of up to {MAX_ROWS:,} rows with "
            f"{millions(MAX_CHARACTERS)} characters. Check a part of the file.",
            code="audit_too_large",
        )


def quick_check(
    corpus: Corpus,
    *,
    learned: np.ndarray | None = None,
    seed: int = 0,
    on_progress: Progress = lambda what, done: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> AuditResult:
    """Which labels of a corpus look wrong. The same corpus and seed give the same result, but for ``seconds``.

    ``learned``, (n,) bool, are the rows that models may learn, by default all: test rows are judged too, but they must not say which labels of
    training rows are changed. ``on_progress`` gets what is done, as the end of a sentence, and the fraction of the whole. Raises AuditStopped
    if ``should_stop`` says so, and what ``require_checkable`` raises.
    """
    started = time.monotonic()
    learned = np.ones(len(corpus), dtype=bool) if learned is None else learned
    evidence = gather_evidence(corpus, learned, seed=seed, on_progress=on_progress, should_stop=should_stop)
    return build_result(corpus, evidence, seconds=lambda: time.monotonic() - started)


def gather_evidence(corpus: Corpus, learned: np.ndarray, *, seed: int, on_progress: Progress, should_stop: Callable[[], bool]) -> Evidence:
    """What linear models, copies and similar rows say about each label; arguments and errors as for ``quick_check``."""
    read = read_texts(corpus, learned, seed=seed, on_progress=on_progress)
    labels, n_classes = corpus.label_ids, len(corpus.label_names)
    found = judge_out_of_fold(
        read,
        labels,
        n_classes,
        on_progress=lambda done: on_progress(JUDGING, 0.1 + 0.8 * done),
        should_stop=should_stop,
    )
    on_progress("comparing similar rows", 0.9)
    return Evidence(found.probabilities, read.near, read.features.words, learned, found.noise, found.unrelated)


@dataclass(frozen=True, eq=False)
class TextsRead:
    """What a check knows of n texts before it looks at a label: copies, features, the models that judge, and which rows they may learn, ``learned``."""

    near: NearDuplicates
    features: TextFeatures
    voices: tuple[Voice, ...]
    learned: np.ndarray
    has_second_round: bool


def read_texts(corpus: Corpus, learned: np.ndarray, *, seed: int, on_progress: Progress) -> TextsRead:
    """The first tenth of a check. Raises what ``require_checkable`` raises."""
    require_checkable(corpus)
    on_progress("looking for copies", 0.0)
    near = find_near_duplicates(corpus.texts)
    on_progress("counting words and letters", 0.05)
    features, n_labels = text_features(corpus.texts), len(corpus.label_names)
    return TextsRead(near, features, _voices(features, n_labels, seed), learned, len(corpus) * n_labels <= _MAX_WORK)


@dataclass(frozen=True, eq=False)
class OutOfFold:
    """What models that have not seen a row say of its class: ``probabilities`` (n, k); how many classes are wrong; whether they have nothing to do
    with the texts."""

    probabilities: np.ndarray
    noise: NoiseEstimate
    unrelated: bool


def judge_out_of_fold(
    read: TextsRead, labels: np.ndarray, n_classes: int, *, on_progress: Callable[[float], None], should_stop: Callable[[], bool]
) -> OutOfFold:
    """Judge the classes ``labels`` (n,) of all rows in one or two rounds. Raises AuditStopped."""
    groups, learned = read.near.groups, read.learned
    judged = learned & judged_rows(labels, groups, learned, n_classes, min_texts=N_FOLDS)
    known = known_rows(learned, judged)

    def of_round(weights: np.ndarray, begin: float) -> np.ndarray:
        of_voices = out_of_fold(
            read.voices,
            labels,
            n_classes,
            groups,
            weights=weights,
            on_progress=lambda done: on_progress(begin + done / 2),
            should_stop=should_stop,
        )
        return pool(of_voices, labels, known)

    first = of_round(judged.astype(float), 0.0)
    judgement = judge(first, labels, known)
    # Rows that look wrong teach the second round less.
    second = of_round(judged * (1 - judgement.wrong), 0.5) if read.has_second_round else first
    unrelated = bool(judged.any()) and are_unrelated(first[judged], labels[judged])
    return OutOfFold((first + second) / 2, judgement.noise, unrelated)


def _voices(features: TextFeatures, n_classes: int, seed: int) -> tuple[Voice, ...]:
    def seeds(number: int) -> tuple[int, ...]:
        return tuple(range(seed, seed + (number if n_classes <= _MANY_CLASSES else 1)))

    return (
        Voice(features.words, _WORD_STRENGTH, seeds(_WORD_SEEDS)),
        Voice(features.letters, _LETTER_STRENGTH, seeds(_LETTER_SEEDS)),
        Voice(features.words, _KEYWORD_STRENGTH, seeds(_KEYWORD_SEEDS), sparse=True),
    )
