"""Texts that have several labels or none, which a tiny model can tell: words of each of their moods among fillers."""

import random
from pathlib import Path

import numpy as np

from tests.conftest import FILLERS, MOODS, write_rows
from trainer.data.corpus import Corpus
from trainer.data.task import SEVERAL_LABELS


def several_labels_corpus(n_rows: int = 240, seed: int = 1, *, emoji: bool = False) -> Corpus:
    """Distinct texts, each with up to three of the moods; with ``emoji``, joy has one too, which the tiny encoder cannot read."""
    source, rows = random.Random(seed), {}
    while len(rows) < n_rows:
        moods = tuple(sorted(source.sample(list(MOODS), source.choice((0, 1, 1, 1, 2, 2, 3)))))
        tokens = source.choices(FILLERS, k=source.randint(2, 9)) + [
            word for mood in moods for word in source.sample(MOODS[mood].split(), 2)
        ]
        tokens += ["😂"] if emoji and "joy" in moods else []
        source.shuffle(tokens)
        rows[" ".join(tokens)] = moods
    names = tuple(sorted(MOODS))
    labels = np.array([[int(name in moods) for name in names] for moods in rows.values()])
    numbers = np.arange(n_rows)
    return Corpus(tuple(rows), labels, names, numbers, numbers + 2, None, (), SEVERAL_LABELS)


def write_several_labels(path: Path, *, n_wrong: int = 0, n_rows: int = 240) -> Path:
    """The same texts as a file with a column of 0 and 1 for each mood; of the first ``n_wrong`` texts each with another first label."""
    corpus = several_labels_corpus(n_rows)
    labels = corpus.label_ids.copy()
    labels[:n_wrong, 0] = 1 - labels[:n_wrong, 0]
    rows = [(text, *map(str, of_row)) for text, of_row in zip(corpus.texts, labels.tolist(), strict=True)]
    return write_rows(path, rows, ("text", *corpus.label_names))


SCORES = [tuple(step * n % 11 / 10 for step in (1, 3, 7)) for n in range(66)]
"""Of 66 texts for the labels anger, joy and sadness, from 0 to 1."""


def write_scores(path: Path, *, seed: int = 1) -> Path:
    """As many of the texts as there are ``SCORES``, with a column of scores for each mood."""
    corpus = several_labels_corpus(seed=seed)
    rows = [(text, *map(str, of_row)) for text, of_row in zip(corpus.texts, SCORES, strict=False)]
    return write_rows(path, rows, ("text", *corpus.label_names))


def labels_from(cut: float) -> list[tuple[str, ...]]:
    """The labels of these texts if a text has those with a score from ``cut`` on."""
    return [tuple(name for name, score in zip(sorted(MOODS), scores, strict=True) if score >= cut) for scores in SCORES]
