"""The result of a check of labels as one Parquet file, and back."""

import json
from dataclasses import asdict
from pathlib import Path

from trainer.atomic import write_parquet
from trainer.audit.suspects import AuditResult, NoiseEstimate, PairNoise, Suspect
from trainer.data.task import find_task
from trainer.errors import RunError

_COLUMNS = ("row", "line", "text", "label", "suggested", "score", "confidence", "why", "file", "signals")


def save_audit(path: Path, result: AuditResult) -> None:
    """Write a result: a row for each row of the file, most suspicious first; the rest is in the schema's metadata under "emotune". Raises OSError."""
    import pyarrow as pa

    types = (
        pa.int64(),
        pa.int64(),
        pa.string(),
        pa.string(),
        pa.string(),
        pa.float64(),
        pa.float64(),
        pa.string(),
        pa.string(),
        pa.list_(pa.string()),
    )
    columns = {
        name: pa.array([getattr(suspect, name) for suspect in result.ranked], type=kind) for name, kind in zip(_COLUMNS, types, strict=True)
    }
    metadata = {
        "rows": result.rows,
        "label_names": result.label_names,
        "noise": asdict(result.noise),
        "pairs": [asdict(pair) for pair in result.pairs],
        "seconds": result.seconds,
        "n_suspects": result.n_suspects,
        "verdict": result.verdict,
        "sentences": result.sentences,
        "notes": result.notes,
        "method": result.method,
        "task": result.task.key,
    }
    table = pa.table(columns).replace_schema_metadata({"emotune": json.dumps(metadata, ensure_ascii=False)})
    write_parquet(path, table)


def load_audit(path: Path) -> AuditResult:
    """What ``save_audit`` wrote. Raises UserError ``audit_damaged`` if the file is missing, cut off or of another kind."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with path.open("rb") as file:
            table = pq.read_table(file)
        metadata = json.loads(table.schema.metadata[b"emotune"])
        columns = [table[name].to_pylist() for name in _COLUMNS]
        ranked = tuple(
            Suspect(**dict(zip(_COLUMNS, values, strict=True)) | {"signals": tuple(values[-1])}) for values in zip(*columns, strict=True)
        )
        return AuditResult(
            rows=metadata["rows"],
            label_names=tuple(metadata["label_names"]),
            noise=NoiseEstimate(**metadata["noise"]),
            pairs=tuple(PairNoise(**pair) for pair in metadata["pairs"]),
            seconds=metadata["seconds"],
            ranked=ranked,
            n_suspects=metadata["n_suspects"],
            verdict=metadata["verdict"],
            sentences=tuple(metadata["sentences"]),
            notes=tuple(metadata["notes"]),
            method=metadata["method"],
            task=find_task(metadata.get("task")),
        )
    except (OSError, LookupError, TypeError, ValueError, AttributeError, RecursionError, pa.ArrowException) as error:
        raise RunError(
            "The result of this check of labels cannot be read: its file is missing or damaged. Check the labels again.",
            code="audit_damaged",
        ) from error
