"""Reads Parquet and Arrow files as columns of text, with pyarrow; class numbers of Hugging Face data sets become their names.

A few bytes of Parquet can mean gigabytes (one long value repeated), so sizes are checked first and text is decoded once per
distinct value. Columns of images and audio are excluded.
"""

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from trainer.data.files.annotations import unwrap_single
from trainer.data.files.calamine_workbook import cell_text, clean_cell
from trainer.data.files.list_cells import EMPTY_LIST, without_empty_lists
from trainer.data.files.table import (
    Cells,
    Limits,
    ReaderWarning,
    too_many_cells_error,
    too_many_columns_error,
    too_many_rows_error,
    too_much_text_error,
)
from trainer.errors import FileError
from trainer.text_format import quote_names

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_MAX_UNPACKED_BYTES = 300 << 20
_MAX_FOOTER_BYTES = 8 << 20
_MAX_ROW_GROUPS = 10_000
_BATCH_ROWS = 16_384


def read_parquet(data: bytes, limits: Limits) -> Cells:
    """The cells of the readable columns of a Parquet file: text, numbers, dates, booleans, plain lists of these, and structures of all as JSON.

    Raises UserError ``file_damaged``, ``file_too_large``, ``not_a_table`` (no readable column, or several of one name), ``too_many_rows``, ``too_many_columns``,
    ``too_many_cells``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    refuse_large_footer(data)
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        schema = file.schema_arrow
        check_parquet_size(file.metadata, limits)
        readable = [position for position, field in enumerate(schema) if is_readable(field.type)]
        if not readable:
            raise _nothing_readable("Parquet")
        if len(set(schema.names)) < len(schema.names):
            raise _equal_names(schema.names)
        columns = _read_columns(data, [schema.field(position) for position in readable], file.metadata.num_rows, limits)
        _name_classes(schema, readable, columns, limits)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise FileError(
            "This Parquet file is damaged, or packed in a way that is not supported. Copy or download it again, or export it as CSV.",
            code="file_damaged",
        ) from error
    return _as_cells(schema, readable, columns)


def read_arrow(data: bytes, limits: Limits) -> Cells:
    """The same for an Arrow file, or the stream that ``datasets.save_to_disk`` writes. Raises the same errors."""
    import pyarrow as pa

    try:
        source = pa.BufferReader(data)
        reader = pa.ipc.open_file(source) if data.startswith(b"ARROW1") else pa.ipc.open_stream(source)
        schema = reader.schema
        if len(schema) > limits.max_columns:
            raise too_many_columns_error(len(schema), limits)
        readable = [position for position, field in enumerate(schema) if is_readable(field.type)]
        if not readable:
            raise _nothing_readable("Arrow")
        columns: list[list[str]] = [[] for _ in readable]
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches)) if data.startswith(b"ARROW1") else reader
        chars = 0
        for batch in batches:
            batch.validate(full=True)
            if len(columns[0]) + batch.num_rows > limits.max_rows:
                raise too_many_rows_error(limits)
            for cells, position in zip(columns, readable, strict=True):
                cells.extend(_column_texts(batch.column(position)))
                chars += sum(map(len, cells[-batch.num_rows :])) if batch.num_rows else 0
                if chars > limits.max_chars:
                    raise too_much_text_error(limits)
        _name_classes(schema, readable, columns, limits)
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError, OverflowError, MemoryError) as error:
        raise FileError(
            "This Arrow file is damaged, or written in a way that is not supported. Save the data set again with "
            "dataset.to_csv(...) or dataset.to_parquet(...), and upload that.",
            code="file_damaged",
        ) from error
    return _as_cells(schema, readable, columns)


def _as_cells(schema: "pa.Schema", readable: list[int], columns: list[list[str]]) -> Cells:
    import pyarrow.types as types

    excluded = [field.name for field in schema if not is_readable(field.type)]
    for column, position in enumerate(readable):
        if types.is_nested(schema.field(position).type):
            columns[column] = without_empty_lists(columns[column])
    records = list(zip(*columns, strict=True))
    names = [schema.field(position).name for position in readable]
    return Cells(list(range(1, len(records) + 1)), records, names, warnings=_excluded_columns_warning(excluded))


def _nothing_readable(name: str) -> FileError:
    return FileError(
        f"No column of this {name} file holds text or numbers. Export the column with the texts and the column with the labels as CSV.",
        code="not_a_table",
    )


def _equal_names(names: list[str]) -> FileError:
    repeated = [name for name, count in Counter(names).items() if count > 1]
    return FileError(
        f"Several columns of this Parquet file have the same name ({quote_names(repeated, limit=5)}), so they cannot be told apart. "
        "Rename them and save the file again.",
        code="not_a_table",
    )


def _excluded_columns_warning(names: list[str]) -> tuple[ReaderWarning, ...]:
    if not names:
        return ()
    message = (
        f"{len(names)} columns hold neither text nor numbers (but pictures, for example) and were left out: {quote_names(names, limit=5)}."
    )
    return (ReaderWarning("columns_left_out", "warning", len(names), message.replace("1 columns hold", "1 column holds")),)


def _name_classes(schema: "pa.Schema", readable: list[int], cells: list[list[str]], limits: Limits) -> None:
    """Replace class numbers in ``cells`` by the names in the file's metadata; hidden classes (-1) become empty."""
    try:
        features = json.loads((schema.metadata or {}).get(b"huggingface", b"{}")).get("info", {}).get("features", {})
        names = {column: class_names for column, feature in features.items() if (class_names := class_names_of(feature))}
    except (ValueError, AttributeError, RecursionError):
        return  # not the Hub's format
    chars = 0
    for column_cells, position in zip(cells, readable, strict=True):
        class_names = names.get(schema.field(position).name)
        if class_names:
            name_of_number = {str(number): _value_text(str(name)) for number, name in enumerate(class_names)}
            column_cells[:] = [_name_cell(cell, name_of_number) for cell in column_cells]
            chars += sum(map(len, column_cells))
    if chars > limits.max_chars:
        raise too_much_text_error(limits)


def class_names_of(feature: Any) -> list[Any] | None:
    """The names of a ClassLabel, or of a list of them."""
    if isinstance(feature, list) and len(feature) == 1:
        feature = feature[0]
    if isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
        feature = feature["feature"]
    return feature["names"] if isinstance(feature, dict) and isinstance(feature.get("names"), list) else None


def _name_cell(cell: str, name_of_number: dict[str, str]) -> str:
    if not cell.startswith("[") or cell == EMPTY_LIST:
        return cell if cell == EMPTY_LIST else name_of_number.get(cell, "")
    return json.dumps([name_of_number.get(number.strip(), "") for number in cell[1:-1].split(",")], ensure_ascii=False)


def refuse_large_footer(data: bytes) -> None:
    """Raise UserError for a Parquet file that describes itself at great length, before anything parses that."""
    if _MAX_FOOTER_BYTES < int.from_bytes(data[-8:-4], "little") < len(data):
        raise _too_many_parts()


def check_parquet_size(metadata: "pq.FileMetaData", limits: Limits) -> None:
    """Raise UserError for a file that says of itself that it is too large."""
    if metadata.num_row_groups > _MAX_ROW_GROUPS:
        raise _too_many_parts()
    if metadata.num_rows > limits.max_rows:
        raise too_many_rows_error(limits)
    if metadata.num_columns > limits.max_columns:
        raise too_many_columns_error(metadata.num_columns, limits)
    if metadata.num_rows * metadata.num_columns > limits.max_cells:
        raise too_many_cells_error(limits)
    groups = [metadata.row_group(number) for number in range(metadata.num_row_groups)]
    if sum(group.total_byte_size for group in groups) > _MAX_UNPACKED_BYTES:
        raise _too_large()
    values = sum(group.column(column).num_values for group in groups for column in range(group.num_columns))
    if values > 2 * limits.max_cells:
        raise too_many_cells_error(limits)


def _too_many_parts() -> FileError:
    return FileError(
        f"This Parquet file is cut into more than {_MAX_ROW_GROUPS:,} row groups, or describes itself at more length than its rows. "
        "Write it again with larger row groups, or export it as CSV.",
        code="file_too_large",
    )


def _too_large() -> FileError:
    return FileError(
        f"This Parquet file is larger than {_MAX_UNPACKED_BYTES >> 20:,} MB when unpacked, the maximum. "
        "Keep only the columns with the texts and the labels, or fewer rows.",
        code="file_too_large",
    )


def is_readable(data_type: "pa.DataType") -> bool:
    """Whether a column of this type is read: text, numbers, dates, booleans, plain lists of these, and structures of all."""
    import pyarrow.types as types

    if types.is_struct(data_type):
        children = [data_type.field(position).type for position in range(data_type.num_fields)]
        return bool(children) and all(is_readable(child) and not types.is_struct(child) for child in children)
    if types.is_list(data_type) or types.is_large_list(data_type) or types.is_fixed_size_list(data_type):
        return _is_plain(data_type.value_type)
    return _is_plain(data_type)


def _is_plain(data_type: "pa.DataType") -> bool:
    import pyarrow.types as types

    if types.is_dictionary(data_type):
        return _is_plain(data_type.value_type)
    text = types.is_string(data_type) or types.is_large_string(data_type) or types.is_string_view(data_type)
    return text or types.is_primitive(data_type) or types.is_decimal(data_type) or types.is_null(data_type)


def _read_columns(data: bytes, fields: "list[pa.Field]", rows: int, limits: Limits) -> list[list[str]]:
    import pyarrow as pa
    import pyarrow.parquet as pq
    import pyarrow.types as types

    # As dictionaries: a long value that is repeated a million times is in memory once.
    texts = [field.name for field in fields if not types.is_nested(field.type)]
    file = pq.ParquetFile(pa.BufferReader(data), read_dictionary=texts, memory_map=False)
    cells: list[list[str]] = [[] for _ in fields]
    size = chars = 0
    for batch in file.iter_batches(batch_size=_BATCH_ROWS, columns=[field.name for field in fields], use_threads=False):
        size += batch.get_total_buffer_size() if any(types.is_nested(field.type) for field in fields) else 0
        if size > _MAX_UNPACKED_BYTES:
            raise _too_large()
        for column_cells, field in zip(cells, fields, strict=True):
            values = _column_texts(batch.column(batch.schema.get_field_index(field.name)))
            chars += sum(map(len, values))
            if chars > limits.max_chars:
                raise too_much_text_error(limits)
            column_cells.extend(values)
        if len(cells[0]) > limits.max_rows:
            raise too_many_rows_error(limits)
    if any(len(column_cells) != rows for column_cells in cells):
        raise ValueError("rows are missing")
    return cells


def _column_texts(column: "pa.Array") -> list[str]:
    import pyarrow.types as types

    if types.is_dictionary(column.type):
        # The dictionary belongs to a whole row group; a batch may use little of it.
        used_indices = column.indices.drop_null().unique()
        texts = dict(zip(used_indices.to_pylist(), map(_value_text, column.dictionary.take(used_indices).to_pylist()), strict=True))
        texts[None] = ""
        return [texts[index] for index in column.indices.to_pylist()]
    return [_value_text(value) for value in column.to_pylist()]


def _value_text(value: Any) -> str:
    if isinstance(value, str):
        return value if value.isprintable() else clean_cell(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return json.dumps(_json_value(value), ensure_ascii=False)
    if isinstance(value, list) and value and unwrap_single(value) is not value:
        return _value_text(unwrap_single(value))
    if isinstance(value, list):
        return json.dumps(_json_value(value), ensure_ascii=False)
    return cell_text(value)


def _json_value(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _json_value(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_json_value(item) for item in value]
    return value if isinstance(value, str | int) or value is None else cell_text(value)
