"""The labels of a file, a block of rows in a file each, on the disk. Knows neither texts nor models."""

import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from trainer.atomic import write_file
from trainer.data.task import Task

if TYPE_CHECKING:
    from trainer.training.block_predictor import LabelledBlock

_DIGITS = 4
"""Of confidences and probabilities: what a model says is not more exact."""

NewColumn = tuple[str, list[str], Literal["text", "number", "boolean"]]


@dataclass(frozen=True)
class StoredBlock:
    """n rows. ``labels``: by name, "" where there was nothing to read. ``confidence``: float32 (n,), the highest probability, NaN likewise.

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
            task.decided_name(row, names) if readable else "" for row, readable in zip(block.probabilities, block.readable, strict=True)
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

    def columns(self, label_names: Sequence[str], rows: int, *, answers_from: float | None, probabilities: bool) -> Iterator[NewColumn]:
        """The new columns of the file: name, cells and kind of each. ``answers_from``: below this confidence a row is unsure; None: no row is."""
        labels: list[str] = []
        confidence: list[str] = []
        cut: list[str] = []
        unsure: list[str] = []
        by_class: list[list[str]] = [[] for _ in label_names] if probabilities else []
        for _, block in self.in_order(rows):
            known = {label: label for label in label_names}
            labels += [known.get(label, label) for label in block.labels]  # one string in memory for each class
            confidence += _numbers(block.confidence)
            unsure += _flags(block.labels, block.unsure(answers_from))
            cut += _flags(block.labels, block.cut)
            for cells, column in zip(by_class, block.probabilities.T, strict=True) if probabilities else ():
                cells += _numbers(column)
        yield "label", labels, "text"
        yield "confidence", confidence, "number"
        if answers_from is not None:
            yield "unsure", unsure, "boolean"
        yield "cut", cut, "boolean"
        for name, cells in zip(label_names, by_class, strict=True) if probabilities else ():
            yield f"probability of {name}", cells, "number"

    def _load(self, number: int) -> StoredBlock:
        with np.load(io.BytesIO(self._path(number).read_bytes()), allow_pickle=False) as arrays:
            return StoredBlock(arrays["labels"].tolist(), arrays["confidence"], arrays["cut"], arrays["probabilities"])

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:06d}.npz"


def _flags(labels: Sequence[str], flags: np.ndarray) -> list[str]:
    """Of each row with a label, whether something is so."""
    return ["" if not label else "true" if flag else "false" for label, flag in zip(labels, flags.tolist(), strict=True)]


def _numbers(values: np.ndarray) -> list[str]:
    return ["" if value != value else f"{value:.{_DIGITS}f}" for value in values.tolist()]
