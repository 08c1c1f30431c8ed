"""The training rows that are most similar to a text, by vectors of the model; and these vectors as a file. Computes no vectors; training/vectors.py does."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from trainer.atomic import write_parquet
from trainer.data.corpus import Corpus
from trainer.data.task import NO_LABEL

MAX_ROWS = 100_000
"""Of more training rows so many are compared, evenly spaced."""
N_SIMILAR = 3


@dataclass(frozen=True, eq=False)
class RowVectors:
    """``rows`` int64 (n,): indices into the run's corpus. ``vectors`` float16 (n, size), each of length about 1. ``model``: the digest of the
    weights that made them. Compared by identity."""

    rows: np.ndarray
    vectors: np.ndarray
    model: str


@dataclass(frozen=True)
class SimilarRow:
    """A training row. ``source_row``: its number in its file, counted from 1; None for a text that somebody added. ``similarity``: the cosine of
    both vectors, 1 for the same text."""

    text: str
    label: str
    source_row: int | None
    similarity: float


def rows_to_compare(train: np.ndarray) -> np.ndarray:
    """At most MAX_ROWS of the training rows, in their order."""
    if len(train) <= MAX_ROWS:
        return train
    return train[np.linspace(0, len(train) - 1, MAX_ROWS).round().astype(np.int64)]


def find_similar(
    corpus: Corpus, vectors: RowVectors, vector: np.ndarray, *, without: int | None = None, n_rows: int = N_SIMILAR
) -> tuple[SimilarRow, ...]:
    """The rows most similar to a text with this ``vector``, (size,), the most similar first; of equally similar ones the first in the file.

    ``without``: the row of the text itself, if it is one of the corpus.
    """
    similarity = vectors.vectors.astype(np.float32) @ vector.astype(np.float32)
    order = np.lexsort((vectors.rows, -similarity))
    found = order[vectors.rows[order] != (-1 if without is None else without)][:n_rows].tolist()
    return tuple(
        SimilarRow(corpus.texts[row], corpus.label(row) or NO_LABEL, _number(corpus, row), min(float(similarity[at]), 1.0))
        for at, row in zip(found, vectors.rows[found].tolist(), strict=True)
    )


def _number(corpus: Corpus, row: int) -> int | None:
    return None if corpus.files is not None and corpus.files[row] == "added" else int(corpus.source_rows[row]) + 1


def save_vectors(path: Path, vectors: RowVectors) -> None:
    """Write them as one Parquet file, whole or not at all. Raises OSError."""
    import pyarrow as pa

    size = vectors.vectors.shape[1]
    columns = {
        "row": pa.array(vectors.rows, type=pa.int64()),
        "vector": pa.FixedSizeListArray.from_arrays(pa.array(vectors.vectors.astype(np.float16).ravel()), size),
    }
    write_parquet(path, pa.table(columns).replace_schema_metadata({"emotune": json.dumps({"model": vectors.model})}))


def load_vectors(path: Path, *, model: str) -> RowVectors | None:
    """What ``save_vectors`` wrote for this model; None if there is no such file, or if it is damaged or another model's: then it is made again."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:
            table = pq.read_table(file)
        if json.loads(table.schema.metadata[b"emotune"])["model"] != model:
            return None
        column = table["vector"].combine_chunks()
        vectors = column.flatten().to_numpy(zero_copy_only=False).reshape(len(column), column.type.list_size)
        return RowVectors(table["row"].to_numpy(), vectors.astype(np.float16, copy=False), model)
    except (OSError, LookupError, TypeError, ValueError, AttributeError, pa.ArrowException):
        return None
