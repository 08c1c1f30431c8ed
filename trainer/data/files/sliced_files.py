"""Files that are read and written slice by slice, so that memory does not grow with their rows: plain delimited texts, JSON lines, Parquet and workbooks."""

from typing import Any

from trainer.data.files.plain_json_lines import PlainJsonLines, open_plain_json_lines
from trainer.data.files.plain_parquet import PlainParquet, open_plain_parquet
from trainer.data.files.plain_text import PlainText, open_plain
from trainer.data.files.plain_workbook import PlainWorkbook, open_plain_workbook
from trainer.data.files.table import Limits

SlicedFile = PlainText | PlainJsonLines | PlainParquet | PlainWorkbook


def open_sliced(data: bytes, limits: Limits, **options: Any) -> SlicedFile | None:
    """The file, if its beginning is plain; ``options`` are those of ``read_content``. Its slices raise NotPlainError where the rest is not."""
    opened = (form(data, limits, **options) for form in (open_plain, open_plain_json_lines, open_plain_parquet, open_plain_workbook))
    return next((file for file in opened if file is not None), None)
