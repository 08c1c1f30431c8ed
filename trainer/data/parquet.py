"""Parquet files that appear whole or not at all."""

from pathlib import Path
from typing import TYPE_CHECKING

from trainer.atomic import replacing

if TYPE_CHECKING:
    import pyarrow


def write_whole(path: Path, table: "pyarrow.Table") -> None:
    """A reader sees the old file or the new one, also after a power cut. Raises OSError."""
    import pyarrow.parquet

    with replacing(path) as file:
        pyarrow.parquet.write_table(table, file)
