"""Made-up rows whose wrong labels are known."""

import random
from collections.abc import Sequence

import numpy as np

from trainer.data.corpus import Corpus

WORDS = {
    "joy": "glad happy delighted cheerful smile sunshine wonderful laughing party bright".split(),
    "anger": "furious angry rage shouting hate annoyed mad bitter fight slammed".split(),
    "fear": "scared afraid terrified nervous dark trembling panic horror shaking dread".split(),
}
_FILLERS = "i feel so very today about the people at work and in my house with every little thing that they told me again".split()


def corpus_of(texts: Sequence[str], labels: Sequence[str]) -> Corpus:
    """A corpus of these rows, in a file with a header."""
    names = tuple(sorted(set(labels)))
    ids = np.array([names.index(label) for label in labels], dtype=np.int64)
    rows = np.arange(len(texts), dtype=np.int64)
    return Corpus(tuple(texts), ids, names, rows, rows + 2, None, ())


def clean_rows(rows: int, seed: int = 1, names: Sequence[str] = tuple(WORDS)) -> tuple[list[str], list[str]]:
    """Texts with two words of their class each among fillers, and their labels."""
    rng = random.Random(seed)
    texts, labels = [], []
    for number in range(rows):
        label = names[number % len(names)]
        words = [*rng.sample(WORDS[label], 2), *rng.choices(_FILLERS, k=7)]
        rng.shuffle(words)
        texts.append(" ".join(words))
        labels.append(label)
    return texts, labels


def planted(rows: int, wrong: int, seed: int = 1) -> tuple[Corpus, set[int]]:
    """A corpus with ``wrong`` labels that are not those of their texts, and the positions of these rows."""
    texts, labels = clean_rows(rows, seed)
    rng = random.Random(seed)
    flipped = rng.sample(range(rows), wrong)
    for row in flipped:
        labels[row] = rng.choice([name for name in WORDS if name != labels[row]])
    return corpus_of(texts, labels), set(flipped)
