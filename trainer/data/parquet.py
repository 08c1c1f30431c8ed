"""Parquet files that appear whole or not at all."""

import os
import secrets
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow


def write_whole(path: Path, table: "pyarrow.Table") -> None:
    """Write beside the place, fsync, then move: a reader sees the old file or the new one. Raises OSError."""
    import pyarrow.parquet

    part = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with part.open("xb") as file:
            pyarrow.parquet.write_table(table, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
