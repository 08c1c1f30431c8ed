"""A model's predictions for the validation and test rows, as arrays, and the parquet file that holds them.

No scores (see report.py) and no texts: a row is identified by its index into the run's corpus.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.atomic import write_parquet
from trainer.data.task import SINGLE_LABEL, Task, find_task

if TYPE_CHECKING:
    import pyarrow

SPLITS = ("validation", "test")


@dataclass(frozen=True, eq=False)
class Predictions:
    """Class probabilities of n rows over k classes; arrays are converted to the types below and must agree in length.

    ``rows`` int64 (n,): index into the run's corpus. ``split`` str (n,): "validation" or "test". ``labels`` int64: the given labels, in the
    shape of the ``task``. ``probabilities`` float32 (n, k): finite, as the model gave them. ``folds``: 0, or the number of models of which each has
    predicted a part of the test rows that it had not seen.
    Raises ValueError if they do not fit. Compared by identity, since an array has no single truth value.
    """

    rows: np.ndarray
    split: np.ndarray
    labels: np.ndarray
    probabilities: np.ndarray
    label_names: tuple[str, ...]
    task: Task = SINGLE_LABEL
    folds: int = 0

    def __post_init__(self) -> None:
        set_ = object.__setattr__
        set_(self, "rows", np.asarray(self.rows, dtype=np.int64))
        set_(self, "split", np.asarray(self.split, dtype=np.str_))
        set_(self, "labels", np.asarray(self.labels, dtype=np.int64))
        set_(self, "probabilities", np.asarray(self.probabilities, dtype=np.float32))
        set_(self, "label_names", tuple(self.label_names))
        n, k = len(self.rows), len(self.label_names)
        shapes = (self.rows.shape, self.split.shape, self.probabilities.shape)
        if shapes != ((n,), (n,), (n, k)):
            raise ValueError(f"rows, split and probabilities have shapes {shapes}; expected ({n},) twice and ({n}, {k}).")
        self.task.check_labels(self.labels, n, k)
        if not np.isfinite(self.probabilities).all():
            raise ValueError("Some probabilities are not finite numbers.")
        if unknown := set(np.unique(self.split).tolist()) - set(SPLITS):
            raise ValueError(f"Splits {sorted(unknown)} are not among {SPLITS}.")

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def predicted(self) -> np.ndarray:
        """What the model says of each row, in the shape of ``labels``."""
        return self.task.decide(self.probabilities)

    def for_split(self, split: str) -> "Predictions":
        """The rows of one split ("validation" or "test"), in their order. Raises ValueError for another name."""
        if split not in SPLITS:
            raise ValueError(f"There is no split {split!r}; there are {SPLITS}.")
        mask = self.split == split
        columns = (self.rows[mask], self.split[mask], self.labels[mask], self.probabilities[mask])
        return Predictions(*columns, self.label_names, self.task, self.folds if split == "test" else 0)


def save_predictions(path: str | os.PathLike, predictions: Predictions) -> None:
    """Write as parquet: columns row, split, label (id; for several a fixed-size list of int8, 1 for each that the row has), probabilities
    (fixed-size list of float32); label names, task and its cuts in the schema's metadata.

    A reader sees the old file or the whole new one, also after a power cut. Raises OSError.
    """
    import pyarrow as pa

    path = Path(path)
    classes = len(predictions.label_names)
    flat = pa.array(np.ascontiguousarray(predictions.probabilities).ravel(), pa.float32())
    columns = {
        "row": pa.array(predictions.rows, pa.int64()),
        "split": pa.array(predictions.split.tolist(), pa.string()),
        "label": _label_column(predictions.labels),
        "probabilities": pa.FixedSizeListArray.from_arrays(flat, classes),
    }
    names = json.dumps(predictions.label_names, ensure_ascii=False).encode("utf-8", "surrogatepass")
    folds = {b"folds": str(predictions.folds).encode()} if predictions.folds else {}
    cuts = {b"label_cuts": json.dumps(predictions.task.cuts).encode()} if predictions.task.cuts else {}
    table = pa.table(columns).replace_schema_metadata({b"label_names": names, b"task": predictions.task.key.encode(), **folds, **cuts})
    write_parquet(path, table)


def load_predictions(path: str | os.PathLike) -> Predictions:
    """Read what ``save_predictions`` wrote.

    Raises FileNotFoundError, ValueError for another or a damaged file, UserError ``unknown_task`` for one of a newer version.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    # Read the bytes first: parquet memory-maps or seeks in the file, which may change meanwhile; a copy in memory cannot.
    content = Path(path).read_bytes()
    try:
        table = pq.read_table(pa.BufferReader(content))
        names = tuple(json.loads(table.schema.metadata[b"label_names"].decode("utf-8", "surrogatepass")))
        column = table["probabilities"].combine_chunks()
        return Predictions(
            rows=table["row"].to_numpy(),
            split=table["split"].to_pylist(),
            labels=_read_labels(table["label"].combine_chunks()),
            probabilities=column.flatten().to_numpy().reshape(table.num_rows, len(names)),
            label_names=names,
            task=find_task(table.schema.metadata.get(b"task", b"").decode("utf-8", "replace")).with_cuts(
                json.loads(table.schema.metadata.get(b"label_cuts", b"[]"))
            ),
            folds=int(table.schema.metadata.get(b"folds", b"0")),
        )
    except (pa.ArrowException, KeyError, TypeError, AttributeError, OSError) as error:
        raise ValueError(f"{path} is not a file of predictions, or it is damaged: {error}") from error


def _label_column(labels: np.ndarray) -> "pyarrow.Array":
    import pyarrow as pa

    if labels.ndim == 1:
        return pa.array(labels, pa.int64())
    return pa.FixedSizeListArray.from_arrays(pa.array(labels.astype(np.int8).ravel(), pa.int8()), labels.shape[1])


def _read_labels(column: "pyarrow.Array") -> np.ndarray:
    import pyarrow as pa

    if not pa.types.is_fixed_size_list(column.type):
        return column.to_numpy()
    return column.flatten().to_numpy().reshape(len(column), column.type.list_size)
