"""The rows of a run, exactly as they are trained on, as one Parquet file."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.atomic import write_parquet
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.data.task import find_task
from trainer.errors import RunError

if TYPE_CHECKING:
    import pyarrow

_PARTS = ("train", "validation", "test", "excluded")


def save_rows(path: str | Path, corpus: Corpus, splits: Splits) -> None:
    """Write what a run trains on: a Parquet file with source_row, line, text, label and split ("train", "validation", "test", "excluded"),
    and file if rows of several files were joined.

    The label names in order, the split's notes and the task are in the schema's metadata under "emotune". The file appears whole or not at all.
    """
    import pyarrow as pa

    parts = np.full(len(corpus), -1, dtype=np.int8)
    for number, part in enumerate(_PARTS):
        parts[getattr(splits, part)] = number
    if (parts < 0).any():
        raise ValueError("the splits do not cover the corpus")
    names = pa.array(corpus.label_names, type=pa.string())
    columns = {
        "source_row": pa.array(corpus.source_rows, type=pa.int64()),
        "line": pa.array(corpus.lines, type=pa.int64()),
        "text": pa.array(corpus.texts, type=pa.string()),
        "label": pa.DictionaryArray.from_arrays(pa.array(corpus.label_ids, type=pa.int32()), names).cast(pa.string()),
        "split": pa.DictionaryArray.from_arrays(pa.array(parts), pa.array(_PARTS)).cast(pa.string()),
    }
    if corpus.files is not None:
        columns["file"] = pa.array(corpus.files, type=pa.string())
    metadata = {"label_names": corpus.label_names, "split_notes": splits.split_notes, "task": corpus.task.key}
    table = pa.table(columns).replace_schema_metadata({"emotune": json.dumps(metadata, ensure_ascii=False)})
    write_parquet(Path(path), table)


def load_rows(path: str | Path) -> tuple[Corpus, Splits]:
    """What ``save_rows`` wrote; ``given_split`` is None and ``dropped`` empty, as a run needs neither.

    Raises UserError ``rows_damaged`` if the file is missing, cut off or of another kind, ``unknown_task`` if it is of a newer version.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with Path(path).open("rb") as file:
            table = pq.read_table(file)
        metadata = json.loads(table.schema.metadata[b"emotune"])
        names = tuple(metadata["label_names"])
        parts = _positions(table["split"], _PARTS)
        corpus = Corpus(
            texts=tuple(table["text"].to_pylist()),
            label_ids=_positions(table["label"], names),
            label_names=names,
            source_rows=table["source_row"].to_numpy().astype(np.int64),
            lines=table["line"].to_numpy().astype(np.int64),
            given_split=None,
            dropped=(),
            task=find_task(metadata.get("task")),
            files=tuple(table["file"].to_pylist()) if "file" in table.column_names else None,
        )
        rows = {part: np.flatnonzero(parts == number).astype(np.int64) for number, part in enumerate(_PARTS)}
        return corpus, Splits(**rows, split_notes=tuple(metadata["split_notes"]))
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError, pa.ArrowException) as error:
        raise RunError(
            f"The rows of this run cannot be read ({Path(path).name}). The file is missing or damaged; start a new run from the original file.",
            code="rows_damaged",
        ) from error


def _positions(column: "pyarrow.ChunkedArray", names: Sequence[str]) -> np.ndarray:
    """The position of each row's value in ``names``, (n,) int64, without a string for each row. Raises ValueError for other values."""
    encoded = column.combine_chunks().dictionary_encode()
    if encoded.null_count:
        raise ValueError("a row has no value")
    positions = [names.index(value) for value in encoded.dictionary.to_pylist()]
    return np.array(positions, dtype=np.int64)[encoded.indices.to_numpy()]
