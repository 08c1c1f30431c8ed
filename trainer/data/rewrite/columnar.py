"""Changes columns of Parquet and Arrow files with pyarrow; schema, metadata, row groups and compression stay."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from trainer.data.files.list_cells import parse_list
from trainer.data.files.parquet import class_names_of, is_readable
from trainer.data.files.plain_parquet import SLICE_ROWS, PlainParquet, row_groups
from trainer.data.files.table import Table
from trainer.data.rewrite.edits import AddedColumn, Appending, Cells, Edits, not_rewritable_error
from trainer.data.rewrite.pieces import Pieces

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

_METADATA_KEY = b"huggingface"


def rewrite_columnar(data: bytes, table: Table, edits: Edits, *, is_parquet: bool) -> bytes:
    """The bytes of a Parquet or an Arrow file with ``edits``. Raises UserError ``not_rewritable``."""
    import pyarrow as pa

    try:
        schema, groups = _parquet_groups(data) if is_parquet else _arrow_groups(data)
        changed = _Changes(schema, table, edits)
        tables = (changed.apply(group, first) for first, group in groups)
        return _write_parquet(data, changed.schema, tables) if is_parquet else _write_arrow(data, changed.schema, tables)
    except (pa.ArrowException, ValueError, TypeError, OverflowError) as error:
        raise not_rewritable_error("a new label does not fit the type of its column") from error


class _Changes:
    """``edits`` in terms of the file: its schema afterwards, and what each part of its rows becomes."""

    def __init__(self, schema: "pa.Schema", table: Table, edits: Edits) -> None:
        self._edits = edits
        self._row_at = {line - 1: row for row, line in enumerate(table.lines)}
        readable = [position for position, field in enumerate(schema) if is_readable(field.type)]
        self._position = None if edits.column is None or not edits.cells else _position(schema, readable, table, edits.column)
        features = _features(schema)
        self._class_ids = self._name_classes(schema, features)
        self.schema = _with_features(_with_fields(schema, edits.added), features, edits.added)

    def _name_classes(self, schema: "pa.Schema", features: dict[str, Any]) -> dict[str, int] | None:
        """The number of each class of a ClassLabel; new classes get the next ones, also in ``features``."""
        names = None if self._position is None else class_names_of(features.get(schema.field(self._position).name))
        if names is None:
            return None
        given = (str(item) for cell in self._edits.cells.values() for item in (parse_list(cell) or [cell]))
        names += [name for name in dict.fromkeys(given) if name not in map(str, names)]
        return {str(name): number for number, name in enumerate(names)}

    def apply(self, group: "pa.Table", first: int) -> "pa.Table":
        """The rows of a part of the file, of which the first has number ``first``."""
        import pyarrow as pa

        rows = [self._row_at.get(number) for number in range(first, first + len(group))]
        if self._position is not None:
            field = group.schema.field(self._position)
            values = group.column(self._position).to_pylist()
            for index, row in enumerate(rows):
                if row is not None and row in self._edits.cells:
                    values[index] = _typed(self._edits.cells[row], field.type, self._class_ids)
            group = group.set_column(self._position, field, _array(values, field.type))
        for column in self._edits.added:
            cells = [None if row is None else _added_value(column.cells[row], column.kind) for row in rows]
            group = group.append_column(pa.field(column.name, _added_type(column.kind)), pa.array(cells, _added_type(column.kind)))
        if self._edits.dropped:
            group = group.filter(pa.array([row not in self._edits.dropped for row in rows], pa.bool_()))
        return group.replace_schema_metadata(self.schema.metadata)


def _position(schema: "pa.Schema", readable: list[int], table: Table, column: int) -> int:
    """Where a column of the table stands in the file, whose structures may have become several columns."""
    if len(table.columns) == len(readable):
        return readable[column]
    for position in readable:
        if schema.field(position).name == table.columns[column]:
            return position
    raise not_rewritable_error("its labels are parts of structures")


def _array(values: list[Any], data_type: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_dictionary(data_type):
        return pa.array(values, data_type.value_type).dictionary_encode().cast(data_type)
    return pa.array(values, data_type)


def _typed(value: str, data_type: "pa.DataType", class_ids: Mapping[str, int] | None) -> Any:
    import pyarrow.types as types

    if types.is_list(data_type) or types.is_large_list(data_type) or types.is_fixed_size_list(data_type):
        items = parse_list(value)
        return [_typed(str(item), data_type.value_type, class_ids) for item in ([value] if items is None else items)]
    if types.is_dictionary(data_type):
        return _typed(value, data_type.value_type, class_ids)
    if types.is_string(data_type) or types.is_large_string(data_type) or types.is_string_view(data_type):
        return value
    if types.is_integer(data_type):
        return class_ids[value] if class_ids is not None else int(value)
    if types.is_floating(data_type):
        return float(value)
    if types.is_boolean(data_type) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise not_rewritable_error(f"“{value[:60]}” is no value of the type {data_type} that its label column has")


def _added_type(kind: str) -> "pa.DataType":
    import pyarrow as pa

    return {"text": pa.string(), "number": pa.float64(), "boolean": pa.bool_(), "list": pa.list_(pa.string())}[kind]


def _added_value(cell: str, kind: str) -> Any:
    if kind == "text":
        return cell
    if kind == "list":
        return json.loads(cell) if cell else None
    return None if not cell else float(cell) if kind == "number" else cell == "true"


def _with_fields(schema: "pa.Schema", added: Iterable[AddedColumn]) -> "pa.Schema":
    import pyarrow as pa

    for column in added:
        schema = schema.append(pa.field(column.name, _added_type(column.kind)))
    return schema


# --- what the Hugging Face library says of the columns ---------------------------------------------------------------------


def _features(schema: "pa.Schema") -> dict[str, Any]:
    try:
        features = json.loads((schema.metadata or {}).get(_METADATA_KEY, b"{}")).get("info", {}).get("features", {})
    except (ValueError, AttributeError, RecursionError):
        return {}
    return features if isinstance(features, dict) else {}


def _with_features(schema: "pa.Schema", features: dict[str, Any], added: Iterable[AddedColumn]) -> "pa.Schema":
    """The schema whose metadata tells of new classes and columns; unchanged if there are none or it tells of no columns."""
    if not features:
        return schema
    features = features | {column.name: _feature(column.kind) for column in added}
    if features == _features(schema):
        return schema
    whole = json.loads(schema.metadata[_METADATA_KEY])
    whole["info"]["features"] = features
    return schema.with_metadata(schema.metadata | {_METADATA_KEY: json.dumps(whole).encode()})


def _feature(kind: str) -> dict[str, Any]:
    if kind == "list":
        return {"feature": _feature("text"), "_type": "Sequence"}
    return {"dtype": {"text": "string", "number": "float64", "boolean": "bool"}[kind], "_type": "Value"}


# --- files ----------------------------------------------------------------------------------------------------------------


def _parquet_groups(data: bytes) -> "tuple[pa.Schema, Iterator[tuple[int, pa.Table]]]":
    import pyarrow as pa
    import pyarrow.parquet as pq

    file = pq.ParquetFile(pa.BufferReader(data))

    def groups() -> "Iterator[tuple[int, pa.Table]]":
        first = 0
        for number in range(file.num_row_groups):
            group = file.read_row_group(number, use_threads=False)
            yield first, group
            first += len(group)

    return file.schema_arrow, groups()


def _arrow_groups(data: bytes) -> "tuple[pa.Schema, Iterator[tuple[int, pa.Table]]]":
    import pyarrow as pa

    source = pa.BufferReader(data)
    reader = pa.ipc.open_file(source) if data.startswith(b"ARROW1") else pa.ipc.open_stream(source)

    def groups() -> "Iterator[tuple[int, pa.Table]]":
        first = 0
        batches = (reader.get_batch(number) for number in range(reader.num_record_batches)) if data.startswith(b"ARROW1") else reader
        for batch in batches:
            yield first, pa.Table.from_batches([batch])
            first += batch.num_rows

    return reader.schema, groups()


def append_to_parquet(plain: PlainParquet, appending: Appending, cells: Cells) -> Iterator[bytes]:
    """The bytes of a plain Parquet file with new columns, piece by piece: of a row group only its columns are in memory, as Arrow.

    Raises NotPlainError if a row group cannot be read.
    """
    import pyarrow as pa

    schema, _ = _parquet_groups(plain.data)
    empty = [AddedColumn(name, (), kind) for name, kind in appending.columns]
    schema = _with_features(_with_fields(schema, empty), _features(schema), empty)
    sink = Pieces()
    with _parquet_writer(plain.data, schema, sink) as writer:
        for group in row_groups(plain.data):
            parts: list[list[pa.Array]] = [[] for _ in appending.columns]
            for start in range(0, len(group), SLICE_ROWS):
                new = cells(min(SLICE_ROWS, len(group) - start))
                for part, column, (_, kind) in zip(parts, new, appending.columns, strict=True):
                    part.append(pa.array([_added_value(cell, kind) for cell in column], _added_type(kind)))
            for (name, kind), part in zip(appending.columns, parts, strict=True):
                group = group.append_column(pa.field(name, _added_type(kind)), pa.chunked_array(part, _added_type(kind)))
            if len(group):
                writer.write_table(group.replace_schema_metadata(schema.metadata), row_group_size=len(group))
            yield sink.take()
    yield sink.take()


def _write_parquet(data: bytes, schema: "pa.Schema", tables: "Iterable[pa.Table]") -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with _parquet_writer(data, schema, sink) as writer:
        for table in tables:
            if len(table):
                writer.write_table(table, row_group_size=len(table))
    return sink.getvalue().to_pybytes()


def _parquet_writer(data: bytes, schema: "pa.Schema", sink: Any) -> "pq.ParquetWriter":
    """A writer with the compression and the version of a file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    metadata = pq.ParquetFile(pa.BufferReader(data)).metadata
    compression: str | dict[str, str] = "snappy"
    if metadata.num_row_groups:
        group = metadata.row_group(0)
        columns = (group.column(position) for position in range(group.num_columns))
        compression = {column.path_in_schema: column.compression.replace("UNCOMPRESSED", "NONE") for column in columns}
    return pq.ParquetWriter(sink, schema, compression=compression, version=metadata.format_version)


def _write_arrow(data: bytes, schema: "pa.Schema", tables: "Iterable[pa.Table]") -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    create = pa.ipc.new_file if data.startswith(b"ARROW1") else pa.ipc.new_stream
    options = pa.ipc.IpcWriteOptions(unify_dictionaries=True)
    with create(sink, schema, options=options) as writer:
        for table in tables:
            writer.write_table(table)
    return sink.getvalue().to_pybytes()
