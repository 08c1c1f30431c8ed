"""The rows of a run, exactly as they are trained on, as one Parquet file."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trainer.atomic import write_parquet
from trainer.data.corpus import Corpus
from trainer.data.label_arrays import LABEL_ARRAYS
from trainer.data.splits import Splits
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, find_task
from trainer.errors import RunError

if TYPE_CHECKING:
    import pyarrow

_PARTS = ("train", "validation", "test", "excluded")
_KEPT = "kept"


def save_rows(path: str | Path, corpus: Corpus, splits: Splits, kept: Mapping[str, Sequence[str]] | None = None) -> None:
    """Write what a run trains on: a Parquet file with source_row, line, text, label and split ("train", "validation", "test", "excluded"),
    and file if rows of several files were joined. A label is a string, or a list of strings where a text may have several.

    The label names in order, the split's notes and the task are in the schema's metadata under "emotune". The file appears whole or not at all.
    ``kept`` has further columns by their names, each with a value for each row; they are called "kept 0", "kept 1", ..., and their names are in the
    metadata, as they may be any.
    """
    import pyarrow as pa

    parts = np.full(len(corpus), -1, dtype=np.int8)
    for number, part in enumerate(_PARTS):
        parts[getattr(splits, part)] = number
    if (parts < 0).any():
        raise ValueError("the splits do not cover the corpus")
    columns = {
        "source_row": pa.array(corpus.source_rows, type=pa.int64()),
        "line": pa.array(corpus.lines, type=pa.int64()),
        "text": pa.array(corpus.texts, type=pa.string()),
        "label": _LABEL_COLUMNS[corpus.task.key].write(corpus),
        "split": pa.DictionaryArray.from_arrays(pa.array(parts), pa.array(_PARTS)).cast(pa.string()),
    }
    if corpus.files is not None:
        columns["file"] = pa.array(corpus.files, type=pa.string())
    for number, values in enumerate((kept or {}).values()):
        columns[f"{_KEPT} {number}"] = pa.array(values, type=pa.string())
    metadata = {"label_names": corpus.label_names, "split_notes": splits.split_notes, "task": corpus.task.key, _KEPT: list(kept or {})}
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
        task = find_task(metadata.get("task"))
        corpus = Corpus(
            texts=tuple(table["text"].to_pylist()),
            label_ids=_LABEL_COLUMNS[task.key].read(table["label"], names),
            label_names=names,
            source_rows=table["source_row"].to_numpy().astype(np.int64),
            lines=table["line"].to_numpy().astype(np.int64),
            given_split=None,
            dropped=(),
            task=task,
            files=tuple(table["file"].to_pylist()) if "file" in table.column_names else None,
        )
        rows = {part: np.flatnonzero(parts == number).astype(np.int64) for number, part in enumerate(_PARTS)}
        return corpus, Splits(**rows, split_notes=tuple(metadata["split_notes"]))
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError, pa.ArrowException) as error:
        raise _damaged(path) from error


def load_kept_columns(path: str | Path) -> dict[str, tuple[str, ...]]:
    """The further columns that ``save_rows`` wrote, by their names; none for a run of before. Raises UserError ``rows_damaged``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with Path(path).open("rb") as file:
            names = json.loads(pq.read_schema(file).metadata[b"emotune"]).get(_KEPT, [])
        columns = [f"{_KEPT} {number}" for number in range(len(names))]
        with Path(path).open("rb") as file:
            table = pq.read_table(file, columns=columns)
        return {name: tuple(table[column].to_pylist()) for name, column in zip(names, columns, strict=True)}
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError, pa.ArrowException) as error:
        raise _damaged(path) from error


def _damaged(path: str | Path) -> RunError:
    return RunError(
        f"The rows of this run cannot be read ({Path(path).name}). The file is missing or damaged; start a new run from the original file.",
        code="rows_damaged",
    )


def _positions(column: "pyarrow.ChunkedArray", names: Sequence[str]) -> np.ndarray:
    """The position of each row's value in ``names``, (n,) int64, without a string for each row. Raises ValueError for other values."""
    encoded = column.combine_chunks().dictionary_encode()
    if encoded.null_count:
        raise ValueError("a row has no value")
    positions = [names.index(value) for value in encoded.dictionary.to_pylist()]
    return np.array(positions, dtype=np.int64)[encoded.indices.to_numpy()]


def _write_labels(corpus: Corpus) -> "pyarrow.Array":
    import pyarrow as pa

    names = pa.array(corpus.label_names, type=pa.string())
    return pa.DictionaryArray.from_arrays(pa.array(corpus.label_ids, type=pa.int32()), names).cast(pa.string())


def _write_label_lists(corpus: Corpus) -> "pyarrow.Array":
    import pyarrow as pa

    return pa.array(corpus.label_sets, type=pa.list_(pa.string()))


def _read_label_lists(column: "pyarrow.ChunkedArray", names: Sequence[str]) -> np.ndarray:
    if column.null_count:
        raise ValueError("a row has no list of labels")
    ids = {name: label_id for label_id, name in enumerate(names)}
    return LABEL_ARRAYS[SEVERAL_LABELS.key].build([[ids[name] for name in labels] for labels in column.to_pylist()], len(names))


@dataclass(frozen=True)
class _LabelColumn:
    """The column of labels of one task."""

    write: "Callable[[Corpus], pyarrow.Array]"
    read: "Callable[[pyarrow.ChunkedArray, Sequence[str]], np.ndarray]"
    """(column, label names) -> label ids. Raises LookupError, TypeError or ValueError for labels that have no name."""


_LABEL_COLUMNS: Mapping[str, _LabelColumn] = {
    SINGLE_LABEL.key: _LabelColumn(_write_labels, _positions),
    SEVERAL_LABELS.key: _LabelColumn(_write_label_lists, _read_label_lists),
}
