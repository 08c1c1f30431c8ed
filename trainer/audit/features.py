"""Features of texts for linear models: TF-IDF of words and of letters. Knows no labels."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

MAX_WORD_CHARACTERS = 5_000
"""Read of each text for its words; whole books would take minutes."""
MAX_LETTER_CHARACTERS = 2_000
"""Read of each text for its letters, which are ten times as many features."""
_MAX_FEATURES = 200_000


@dataclass(frozen=True, eq=False)
class TextFeatures:
    """Sparse matrices of n rows, each row of length 1 or, without anything to count, 0."""

    words: "csr_matrix"
    """Words and pairs of neighbouring words."""
    letters: "csr_matrix"
    """Three to five letters in a row within a word."""


def text_features(texts: Sequence[str]) -> TextFeatures:
    """TF-IDF (Salton & Buckley 1988; sublinear counts) of n texts. Features of a single text are left out unless hardly any others are there."""
    from sklearn.feature_extraction.text import TfidfVectorizer

    min_texts = 2 if len(texts) >= 50 else 1
    common = {"sublinear_tf": True, "min_df": min_texts, "max_features": _MAX_FEATURES}

    def count(vectorizer: TfidfVectorizer, max_characters: int) -> "csr_matrix":
        try:
            return vectorizer.fit_transform(text[:max_characters] for text in texts).tocsr()
        except ValueError:
            # Texts without any word or letter that two of them share.
            return _no_features(len(texts))

    words = TfidfVectorizer(ngram_range=(1, 2), token_pattern=r"(?u)\b\w+\b", **common)
    letters = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), **common)
    return TextFeatures(count(words, MAX_WORD_CHARACTERS), count(letters, MAX_LETTER_CHARACTERS))


def _no_features(n: int) -> "csr_matrix":
    from scipy.sparse import csr_matrix

    return csr_matrix((n, 1), dtype=np.float64)
