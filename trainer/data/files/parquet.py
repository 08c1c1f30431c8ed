"""Parquet files to rows of text; pyarrow does the parsing.

A few bytes of Parquet can stand for gigabytes (one long value repeated), so sizes are checked first and text is decoded once per
distinct value. Columns of pictures, sound and other structures are left out.
"""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainer.data.files.annotations import unwrap_single
from trainer.data.files.table import Limits, ReaderWarning, too_many_cells, too_many_columns, too_many_rows, too_much_text
from trainer.data.files.workbook import cell_text, clean_cell
from trainer.errors import UserError

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_MAX_UNPACKED_BYTES = 300 << 20
_MAX_FOOTER_BYTES = 8 << 20
_MAX_ROW_GROUPS = 10_000
_BATCH_ROWS = 16_384


@dataclass(frozen=True)
class Columns:
    """``names`` and ``cells`` of the columns that hold text, numbers, dates, truth values or plain lists of those."""

    names: list[str]
    cells: list[list[str]]
    warnings: tuple[ReaderWarning, ...]


def read_parquet(data: bytes, limits: Limits, *, named_classes: bool = False) -> Columns:
    """The readable columns of a Parquet file; with ``named_classes`` numbers of classes as the names that the Hugging Face Hub gives them.

    Raises UserError ``file_damaged``, ``file_too_large``, ``not_a_table`` (no readable column), ``too_many_rows``, ``too_many_columns``,
    ``too_many_cells``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if _MAX_FOOTER_BYTES < int.from_bytes(data[-8:-4], "little") < len(data):
        raise _too_many_parts()
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        schema = file.schema_arrow
        _check_size(file.metadata, limits)
        chosen = [position for position, field in enumerate(schema) if _is_readable(field.type)]
        if not chosen:
            raise UserError(
                "No column of this Parquet file holds text or numbers. Export the column with the texts and the column with the labels as CSV.",
                code="not_a_table",
            )
        if len(set(schema.names)) < len(schema.names):
            raise ValueError("columns of equal names cannot be told apart")
        cells = _read_columns(data, [schema.field(position) for position in chosen], file.metadata.num_rows, limits)
        if named_classes:
            _name_classes(schema, chosen, cells, limits)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise UserError(
            "This Parquet file is damaged, or packed in a way that is not read here. Copy or download it again, or export it as CSV.",
            code="file_damaged",
        ) from error
    left_out = [field.name for field in schema if not _is_readable(field.type)]
    return Columns([schema.field(position).name for position in chosen], cells, _excluded_columns_warning(left_out))


def _excluded_columns_warning(names: list[str]) -> tuple[ReaderWarning, ...]:
    if not names:
        return ()
    listed = ", ".join(f"“{name}”" for name in names[:5]) + (" and more" if len(names) > 5 else "")
    message = f"{len(names)} columns hold something else than text or numbers (such as pictures) and were left out: {listed}."
    return (ReaderWarning("columns_left_out", "warning", len(names), message.replace("1 columns hold", "1 column holds")),)


def _name_classes(schema: "pa.Schema", chosen: list[int], cells: list[list[str]], limits: Limits) -> None:
    """Put names in place of the numbers of classes, where the file knows them; nothing for one that is secret (-1)."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        names = {
            column: feature["names"]
            for column, feature in features.items()
            if isinstance(feature, dict) and isinstance(feature.get("names"), list)
        }
    except (ValueError, AttributeError, RecursionError):
        return  # not as the Hub writes it
    chars = 0
    for found, position in zip(cells, chosen, strict=True):
        known = names.get(schema.field(position).name)
        if known:
            written = {str(number): _value_text(str(name)) for number, name in enumerate(known)}
            found[:] = [written.get(cell, "") for cell in found]
            chars += sum(map(len, found))
    if chars > limits.max_chars:
        raise too_much_text(limits)


def _check_size(metadata: "pq.FileMetaData", limits: Limits) -> None:
    if metadata.num_row_groups > _MAX_ROW_GROUPS:
        raise _too_many_parts()
    if metadata.num_rows > limits.max_rows:
        raise too_many_rows(limits)
    if metadata.num_columns > limits.max_columns:
        raise too_many_columns(metadata.num_columns, limits)
    if metadata.num_rows * metadata.num_columns > limits.max_cells:
        raise too_many_cells(limits)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    if sum(group.total_byte_size for group in groups) > _MAX_UNPACKED_BYTES:
        raise _too_large()
    values = sum(group.column(column).num_values for group in groups for column in range(group.num_columns))
    if values > 2 * limits.max_cells:
        raise too_many_cells(limits)


def _too_many_parts() -> UserError:
    return UserError(
        f"This Parquet file is cut into more than {_MAX_ROW_GROUPS:,} row groups, or describes itself at more length than its rows. "
        "Write it again with larger row groups, or export it as CSV.",
        code="file_too_large",
    )


def _too_large() -> UserError:
    return UserError(
        f"This Parquet file is larger than {_MAX_UNPACKED_BYTES >> 20:,} MB when unpacked, the most that is read here. "
        "Keep only the columns with the texts and the labels, or fewer rows.",
        code="file_too_large",
    )


def _is_readable(kind: "pa.DataType") -> bool:
    import pyarrow.types as types

    if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
        return _is_plain(kind.value_type)
    return _is_plain(kind)


def _is_plain(kind: "pa.DataType") -> bool:
    import pyarrow.types as types

    if types.is_dictionary(kind):
        return _is_plain(kind.value_type)
    text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
    return text or types.is_primitive(kind) or types.is_decimal(kind) or types.is_null(kind)


def _read_columns(data: bytes, fields: "list[pa.Field]", rows: int, limits: Limits) -> list[list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyarrow.types as types

    # As dictionaries: one long value that is repeated a million times is then in memory once.
    texts = [field.name for field in fields if not types.is_nested(field.type)]
    file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts, memory_map=False)
    cells: list[list[str]] = [[] for _ in fields]
    size = chars = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[field.name for field in fields], use_threads=False):
        size += batch.get_total_buffer_size() if any(types.is_nested(field.type) for field in fields) else 0
        if size > _MAX_UNPACKED_BYTES:
            raise _too_large()
        for found, field in zip(cells, fields, strict=True):
            values = _column_texts(batch.column(batch.schema.get_field_index(field.name)))
            chars += sum(map(len, values))
            if chars > limits.max_chars:
                raise too_much_text(limits)
            found.extend(values)
        if len(cells[0]) > limits.max_rows:
            raise too_many_rows(limits)
    if any(len(found) != rows for found in cells):
        raise ValueError("rows are missing")
    return cells


def _column_texts(column: "pa.Array") -> list[str]:
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        # The dictionary is that of a whole row group, of which a batch may use little.
        used = column.indices.drop_null().unique()
        words = dict(zip(used.to_pylist(), map(_value_text, column.dictionary.take(used).to_pylist()), strict=True))
        words[None] = ""
        return [words[place] for place in column.indices.to_pylist()]
    return [_value_text(value) for value in column.to_pylist()]


def _value_text(value: Any) -> str:
    if isinstance(value, str):
        return value if value.isprintable() else clean_cell(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and unwrap_single(value) is not value:
        return "" if unwrap_single(value) is None else _value_text(unwrap_single(value))
    if isinstance(value, list):
        return json.dumps(
            [item if isinstance(item, str | int | bool) or item is None else cell_text(item) for item in value], ensure_ascii=False
        )
    return cell_text(value)
