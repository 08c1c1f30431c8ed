"""Rows of a corpus as examples of what a check has found."""

from collections.abc import Iterable

import numpy as np

from trainer.check import MAX_EXAMPLES, Example
from trainer.data.corpus import Corpus

NO_LABELS = "no label"
"""Shown for a text that has none of the labels."""


def examples(corpus: Corpus, rows: Iterable[int], *, note: str | None = None) -> tuple[Example, ...]:
    """The first of these rows of a corpus, each with its label, or with ``note`` if one is given."""
    shown = [int(row) for _, row in zip(range(MAX_EXAMPLES), rows, strict=False)]
    return tuple(
        Example(int(corpus.lines[row]), corpus.texts[row], (corpus.label(row) or NO_LABELS) if note is None else note) for row in shown
    )


def rows_where(mask: np.ndarray) -> list[int]:
    """The rows for which the mask is true."""
    return np.flatnonzero(mask).tolist()
