"""The labels of a file, a block of rows in a file each, on the disk. Knows neither texts nor models."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.atomic import write_file
from trainer.data.rewrite.edits import ColumnKind
from trainer.data.task import Task
from trainer.jobs.predict.written_labels import BETWEEN_LABELS, WrittenLabels

if TYPE_CHECKING:
    from trainer.training.block_predictor import LabelledBlock

_DIGITS = 4
"""Of confidences and probabilities: what a model says is not more exact."""


@dataclass(frozen=True)
class ColumnForm:
    """Which columns a file gets. ``answers_from``: below this confidence a row is unsure; None: no row is. ``probabilities``: one for each class."""

    label_names: tuple[str, ...]
    answers_from: float | None
    probabilities: bool
    written: WrittenLabels

    @property
    def columns(self) -> tuple[tuple[str, ColumnKind], ...]:
        """The name and the kind of each."""
        unsure: tuple[tuple[str, ColumnKind], ...] = () if self.answers_from is None else (("unsure", "boolean"),)
        by_class: tuple[tuple[str, ColumnKind], ...] = tuple((f"probability of {name}", "number") for name in self.label_names)
        labels = self.written.columns(self.label_names)
        return *labels, ("confidence", "number"), *unsure, ("cut", "boolean"), *(by_class if self.probabilities else ())


@dataclass(frozen=True)
class StoredBlock:
    """n rows. ``labels``: by name, several with ``BETWEEN_LABELS`` between them, "" for no label and where there was nothing to read. ``confidence``: float32 (n,), the highest probability, NaN likewise.

    ``cut``: bool (n,). ``probabilities``: float32 (n, classes), or (n, 0) if they are not asked for.
    """

    labels: list[str]
    confidence: np.ndarray
    cut: np.ndarray
    probabilities: np.ndarray

    @classmethod
    def of(cls, block: "LabelledBlock", task: Task, label_names: Sequence[str], *, probabilities: bool) -> "StoredBlock":
        """The block in which a model labelled some texts."""
        names = tuple(label_names)
        labels = [
            BETWEEN_LABELS.join(task.decided_names(row, names)) if readable else ""
            for row, readable in zip(block.probabilities, block.readable, strict=True)
        ]
        confidence = np.array([max(row) for row in block.probabilities.tolist()], dtype=np.float32)
        return cls(labels, confidence, block.cut, block.probabilities if probabilities else block.probabilities[:, :0])

    def unsure(self, answers_from: float | None) -> np.ndarray:
        """Bool (n,): the rows with a label that the model would not answer with."""
        # In 64 bits, as for a single text: numpy would round the threshold to the 32 bits of the confidences.
        return self.confidence.astype(np.float64) < (0.0 if answers_from is None else answers_from)


class StoredBlocks:
    """The blocks in a folder, numbered from 0."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def has(self, number: int, size: int) -> bool:
        """Whether a block is there, whole and of this many rows."""
        try:
            return len(self._load(number).labels) == size
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
            return False

    def store(self, number: int, block: StoredBlock) -> None:
        """Write a block as a whole. Raises OSError."""
        buffer = io.BytesIO()
        labels = np.array(block.labels, dtype=np.str_)
        np.savez(buffer, labels=labels, confidence=block.confidence, cut=block.cut, probabilities=block.probabilities)
        write_file(self._path(number), buffer.getvalue())

    def in_order(self, rows: int) -> Iterator[tuple[int, StoredBlock]]:
        """Each block with the number of its first row, until ``rows`` are reached. Raises OSError or ValueError if one is missing or damaged."""
        start = number = 0
        while start < rows:
            block = self._load(number)
            yield start, block
            start, number = start + len(block.labels), number + 1

    def cells(self, form: "ColumnForm", rows: int) -> Iterator[list[list[str]]]:
        """The cells of the new columns of the file, block by block. Raises as ``in_order``."""
        for _, block in self.in_order(rows):
            readable = ~np.isnan(block.confidence)
            columns = [*form.written.cells(block.labels, readable.tolist(), form.label_names), _numbers(block.confidence)]
            if form.answers_from is not None:
                columns.append(_flags(block.confidence, block.unsure(form.answers_from)))
            columns.append(_flags(block.confidence, block.cut))
            yield columns + [_numbers(column) for column in block.probabilities.T] if form.probabilities else columns

    def _load(self, number: int) -> StoredBlock:
        with np.load(io.BytesIO(self._path(number).read_bytes()), allow_pickle=False) as arrays:
            return StoredBlock(arrays["labels"].tolist(), arrays["confidence"], arrays["cut"], arrays["probabilities"])

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.npz"


def _flags(confidence: np.ndarray, flags: np.ndarray) -> list[str]:
    """Of each row in which there was something to read, whether something is so."""
    return ["" if sure != sure else "true" if flag else "false" for sure, flag in zip(confidence.tolist(), flags.tolist(), strict=True)]


def _numbers(values: np.ndarray) -> list[str]:
    return ["" if value != value else f"{value:.{_DIGITS}f}" for value in values.tolist()]
