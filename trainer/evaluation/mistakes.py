"""The rows behind the scores: which rows of a split are wrong, found by label, prediction, probability and word, in an order.

Computes no score; report.py does.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from trainer.data.corpus import Corpus
from trainer.evaluation.predictions import Predictions

Shown = Literal["mistakes", "right", "all"]
RowOrder = Literal["surest", "least_sure", "row"]


@dataclass(frozen=True, eq=False)
class PredictedRows:
    """The n rows of one split, for one label a text, in the order of the run's predictions.

    ``rows`` int64 (n,): index into the run's corpus. ``source_rows`` int64 (n,): the row's number in its file, counted from 1. ``labels`` and
    ``predicted`` int64 (n,): ids into ``label_names``. ``confidence`` float32 (n,): the probability of the predicted class, 0..1.
    Compared by identity.
    """

    rows: np.ndarray
    source_rows: np.ndarray
    texts: tuple[str, ...]
    labels: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    label_names: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)

    @cached_property
    def folded_texts(self) -> tuple[str, ...]:
        """The texts for a search that ignores upper and lower case."""
        return tuple(text.casefold() for text in self.texts)


@dataclass(frozen=True)
class RowFilter:
    """Which rows, and in which order: by default all mistakes, the most confident first.

    ``label`` and ``predicted`` are class ids; None stands for any. ``least_confidence`` is in 0..1. ``word`` is any part of the text, in upper or
    lower case; "" stands for any text. Raises ValueError for unknown choices.
    """

    label: int | None = None
    predicted: int | None = None
    shown: Shown = "mistakes"
    least_confidence: float = 0.0
    word: str = ""
    order: RowOrder = "surest"

    def __post_init__(self) -> None:
        if self.shown not in get_args(Shown) or self.order not in get_args(RowOrder):
            raise ValueError(f"Unknown choice: {self.shown!r}, {self.order!r}.")


def predicted_rows(corpus: Corpus, predictions: Predictions, split: str) -> PredictedRows:
    """The rows of one split ("validation", "test") of a run. Raises ValueError if its rows and predictions belong to different runs."""
    part = predictions.for_split(split)
    if len(part) and (part.rows.min() < 0 or part.rows.max() >= len(corpus)):
        raise ValueError(f"Predictions name rows up to {part.rows.max()}; there are {len(corpus)}.")
    predicted = part.predicted
    return PredictedRows(
        rows=part.rows,
        source_rows=corpus.source_rows[part.rows] + 1,
        texts=tuple(corpus.texts[row] for row in part.rows.tolist()),
        labels=part.labels,
        predicted=predicted,
        confidence=part.probabilities[np.arange(len(part)), predicted],
        label_names=part.label_names,
    )


def find_rows(rows: PredictedRows, row_filter: RowFilter) -> np.ndarray:
    """The positions of the rows that match, (m,) int64, in the order that the filter names; equals in the order of their row numbers."""
    wrong = rows.labels != rows.predicted
    keep = np.ones(len(rows), dtype=bool) if row_filter.shown == "all" else wrong if row_filter.shown == "mistakes" else ~wrong
    if row_filter.label is not None:
        keep = keep & (rows.labels == row_filter.label)
    if row_filter.predicted is not None:
        keep = keep & (rows.predicted == row_filter.predicted)
    if row_filter.least_confidence > 0:
        keep = keep & (rows.confidence >= row_filter.least_confidence)
    found = np.flatnonzero(keep)
    if word := row_filter.word.strip().casefold():
        texts = rows.folded_texts
        found = np.array([position for position in found.tolist() if word in texts[position]], dtype=np.int64)
    keys = {"surest": -rows.confidence, "least_sure": rows.confidence, "row": rows.source_rows}[row_filter.order]
    return found[np.lexsort((rows.source_rows[found], keys[found]))]
