"""The rows behind the scores: which rows of a split are wrong, found by label, prediction, probability and word, in an order.

Computes no score; report.py does.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Literal, get_args

import numpy as np

from trainer.data.corpus import Corpus, FileRole
from trainer.data.task import JOINED_BY, SINGLE_LABEL, Task
from trainer.evaluation.predictions import Predictions

NO_LABEL = -2
"""Stands for the labels of a row that has none."""

Shown = Literal["mistakes", "right", "all"]
RowOrder = Literal["surest", "least_sure", "row"]


@dataclass(frozen=True, eq=False)
class PredictedRows:
    """The n rows of one split, in the order of the run's predictions.

    ``rows`` int64 (n,): index into the run's corpus. ``source_rows`` int64 (n,): the row's number in its file, counted from 1. ``labels`` and
    ``predicted`` int64: in the shape of the ``task``, ids into ``label_names``. ``confidence`` float32 (n,): that of the task, 0..1.
    Compared by identity.
    """

    rows: np.ndarray
    source_rows: np.ndarray
    texts: tuple[str, ...]
    labels: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    label_names: tuple[str, ...]
    files: tuple[FileRole, ...] | None = None
    """The file of each row; None if all are of the main one."""
    task: Task = SINGLE_LABEL

    @cached_property
    def right(self) -> np.ndarray:
        """Bool (n,): the rows with exactly their labels."""
        return self.task.right(self.labels, self.predicted)

    def __len__(self) -> int:
        return len(self.texts)

    def position_of(self, row: int) -> int | None:
        """The position of a row, given by its index into the run's corpus; None if it is not among these."""
        found = np.flatnonzero(self.rows == row)
        return int(found[0]) if len(found) else None

    def label(self, position: int) -> str:
        """The name of a row's label; several are joined, "" stands for none."""
        return JOINED_BY.join(self.task.names(self.labels[position], self.label_names))

    def said(self, position: int) -> str:
        """What is predicted of a row, as ``label``."""
        return JOINED_BY.join(self.task.names(self.predicted[position], self.label_names))

    @cached_property
    def folded_texts(self) -> tuple[str, ...]:
        """The texts for a search that ignores upper and lower case."""
        return tuple(text.casefold() for text in self.texts)


@dataclass(frozen=True)
class RowFilter:
    """Which rows, and in which order: by default all mistakes, the most confident first.

    ``label`` and ``predicted`` are class ids, or ``NO_LABEL`` where a row may have none; None stands for any. With one of them, mistakes are the rows
    in which it is missed, or predicted wrongly, and right ones those in which it is not. ``least_confidence`` is in 0..1. ``word`` is any part of the text, in upper or
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
        confidence=part.task.confidence(part.probabilities),
        label_names=part.label_names,
        task=part.task,
        files=None if corpus.files is None else tuple(corpus.files[row] for row in part.rows.tolist()),
    )


def find_rows(rows: PredictedRows, row_filter: RowFilter) -> np.ndarray:
    """The positions of the rows that match, (m,) int64, in the order that the filter names; equals in the order of their row numbers."""
    keep = np.ones(len(rows), dtype=bool)
    for asked, of, others in (
        (row_filter.label, rows.labels, rows.predicted),
        (row_filter.predicted, rows.predicted, rows.labels),
    ):
        if asked is not None:
            keep &= _has(rows, of, asked) & _fits(_has(rows, others, asked), row_filter.shown)
    if row_filter.label is None and row_filter.predicted is None:
        keep &= _fits(rows.right, row_filter.shown)
    if row_filter.least_confidence > 0:
        keep = keep & (rows.confidence >= row_filter.least_confidence)
    found = np.flatnonzero(keep)
    if word := row_filter.word.strip().casefold():
        texts = rows.folded_texts
        found = np.array([position for position in found.tolist() if word in texts[position]], dtype=np.int64)
    keys = {"surest": -rows.confidence, "least_sure": rows.confidence, "row": rows.source_rows}[row_filter.order]
    return found[np.lexsort((rows.source_rows[found], keys[found]))]


def _has(rows: PredictedRows, labels: np.ndarray, label_id: int) -> np.ndarray:
    """(n,) bool: the rows whose ``labels``, in the shape of the task, have this one among them, or none at all."""
    if label_id != NO_LABEL:
        return rows.task.has_label(labels, label_id)
    without = np.ones(len(rows), dtype=bool)
    without[rows.task.label_pairs(labels)[0]] = False
    return without


def _fits(right: np.ndarray, shown: Shown) -> np.ndarray:
    return np.ones_like(right) if shown == "all" else right if shown == "right" else ~right
