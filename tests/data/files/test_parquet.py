"""Parquet files: text unchanged, plain values as text, and no harm from hostile files."""

import datetime
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cpu_time import cpu_time
from tests.data.files.samples import outcome
from trainer.data.files.read_table import read_table
from trainer.errors import UserError


def make_parquet(columns: dict[str, object], **options) -> bytes:
    file = io.BytesIO()
    pq.write_table(pa.table(columns), file, **options)
    return file.getvalue()


def test_plain_columns_become_text():
    data = make_parquet(
        {
            "text": ["hello\r\nthere", "NA", None, "d\0"],
            "label": [1, 0, 1, None],
            "score": [1.0, 0.1, None, 2.5],
            "ok": [True, False, None, True],
            "day": [datetime.date(2024, 1, 2)] * 4,
            "tags": [[27], [4, 27], [], None],
            "kind": pa.array(["a", "b", "a", None]).dictionary_encode(),
        }
    )
    table = read_table(data)
    assert table.columns == ("text", "label", "score", "ok", "day", "tags", "kind")
    assert table.rows == [
        ("hello\nthere", "1", "1", "true", "2024-01-02", "27", "a"),
        ("NA", "0", "0.1", "false", "2024-01-02", "[4, 27]", "b"),
        ("", "1", "", "", "2024-01-02", "[]", "a"),
        ("d", "", "2.5", "true", "2024-01-02", "", ""),
    ]
    assert (table.encoding, table.delimiter, table.header, table.lines, table.warnings) == ("utf-8", None, True, [1, 2, 3, 4], ())


def test_structures_are_excluded_and_listed():
    table = read_table(make_parquet({"text": ["a b"], "image": [{"bytes": b"x", "path": "p"}], "raw": [b"x"]}))
    assert table.columns == ("text",)
    (warning,) = table.warnings
    assert (warning.code, warning.count) == ("columns_left_out", 2)
    assert "“image”, “raw”" in warning.message
    with pytest.raises(UserError) as refusal:
        read_table(make_parquet({"raw": [b"x"]}))
    assert refusal.value.code == "not_a_table"


def test_a_text_within_a_structure_is_a_column_and_a_label_in_an_object_a_label():
    labels = ["good", "bad", "good"]
    data = make_parquet(
        {
            "doc": [{"text": f"some words {n}", "day": datetime.date(2024, 1, n + 1), "tags": ["a", "b"]} for n in range(3)],
            "score": [{"label": label, "probability": 0.5} for label in labels],
            "label": [json.dumps({"label": label}) for label in labels],
        }
    )
    table = read_table(data)
    assert table.columns == ("doc.text", "doc.day", "doc.tags", "score", "label")
    assert table.rows[1] == ("some words 1", "2024-01-02", "a, b", "bad", "bad")
    assert [row[3:] for row in table.rows] == [(label, label) for label in labels]


def test_many_rows_in_many_groups_keep_their_order():
    texts = [f"text {number}" for number in range(50_000)]
    table = read_table(make_parquet({"text": texts, "label": ["a", "b"] * 25_000}, row_group_size=7_000))
    assert [row[0] for row in table.rows] == texts


@pytest.mark.parametrize("codec", ["none", "snappy", "gzip", "zstd", "brotli", "lz4"])
def test_every_usual_compression(codec):
    assert read_table(make_parquet({"text": ["a b", "c"]}, compression=codec)).rows == [("a b",), ("c",)]


def test_limits():
    data = make_parquet({"text": ["a b", "c", " "], "label": ["x", "y", ""]})
    assert [(row.line, row.reason) for row in read_table(data).dropped] == [(3, "the row is empty")]
    for limits, code in [({"max_rows": 1}, "too_many_rows"), ({"max_columns": 1}, "too_many_columns")]:
        with pytest.raises(UserError) as refusal:
            read_table(data, **limits)
        assert refusal.value.code == code


def test_one_long_text_repeated_costs_no_memory():
    long = pa.DictionaryArray.from_arrays(pa.array([0] * 200_000, pa.int32()), pa.array(["x" * 1_000_000]))
    data = make_parquet({"text": long, "label": ["a"] * 200_000})
    with cpu_time() as spent:
        table = outcome(data)
        assert table is None or len(table.dropped) == 200_000
    assert spent.seconds < 2


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, -1])
def test_damaged_files_are_refused_kindly(cut):
    data = make_parquet({"text": ["hello there"] * 1_000, "label": ["a", "b"] * 500})
    middle = int(len(data) * cut) if cut > 0 else len(data) - 20
    for damaged in (data[:middle] + b"PAR1", data[:middle] + bytes(30) + data[middle + 30 :], data[:8] + b"PAR1"):
        table = outcome(damaged)
        assert table is None or table.rows_seen == 1_000


def test_columns_of_one_name_are_refused_by_it():
    table = pa.table([["so glad"], ["so sad"], ["joy"]], names=["text", "text", "label"])
    file = io.BytesIO()
    pq.write_table(table, file)
    with pytest.raises(UserError, match="same name \\(“text”\\)") as refused:
        read_table(file.getvalue())
    assert refused.value.code == "not_a_table"


def test_a_few_bytes_that_mean_gigabytes_of_text_are_refused():
    places = pa.array([0] * 900_000, pa.int32())
    text = pa.DictionaryArray.from_arrays(places, pa.array(["x" * 90_000]))
    data = make_parquet({"text": text, "label": pa.DictionaryArray.from_arrays(places, pa.array(["joy"]))})
    assert len(data) < 20_000
    with cpu_time() as spent:
        with pytest.raises(UserError, match="hold more than 210 million characters") as refusal:
            read_table(data)
        assert refusal.value.code == "file_too_large"
    assert spent.seconds < 0.5


def test_a_file_of_tens_of_thousands_of_row_groups_is_refused_before_it_is_described():
    columns = {"text": [f"text number {n}" for n in range(12_000)], "label": ["joy", "sad"] * 6_000}
    data = make_parquet(columns, row_group_size=1)
    long = b"PAR1" + bytes(10 << 20) + (9 << 20).to_bytes(4, "little") + b"PAR1"
    for parts in (data, long):
        with pytest.raises(UserError, match="row groups") as refusal:
            read_table(parts)
        assert refusal.value.code == "file_too_large"
    assert len(read_table(make_parquet(columns, row_group_size=2)).rows) == 12_000


def test_class_names_cannot_make_a_small_file_large():
    metadata = {"info": {"features": {"label": {"names": ["x" * 1_000_000]}}}}
    table = pa.table({"text": ["a b"] * 1_000, "label": [0] * 1_000}).replace_schema_metadata({"huggingface": json.dumps(metadata)})
    file = io.BytesIO()
    pq.write_table(table, file)
    with pytest.raises(UserError) as refusal:
        read_table(file.getvalue())
    assert refusal.value.code == "file_too_large"


@pytest.mark.parametrize(
    "metadata", ["[]", "{", "[" * 10_000, '{"info": 1}', '{"info": {"features": [1]}}', '{"info": {"features": {"label": {"names": 3}}}}']
)
def test_invalid_metadata_of_the_hub_is_ignored(metadata):
    table = pa.table({"text": ["a b", "c d"], "label": [0, 1]}).replace_schema_metadata({"huggingface": metadata})
    file = io.BytesIO()
    pq.write_table(table, file)
    assert read_table(file.getvalue()).rows == [("a b", "0"), ("c d", "1")]


def class_labels(numbers, *, names=("good", "bad")):
    metadata = {"info": {"features": {"label": {"names": list(names), "_type": "ClassLabel"}}}}
    table = pa.table({"text": [f"text number {n}" for n in range(len(numbers))], "label": numbers})
    return table.replace_schema_metadata({"huggingface": json.dumps(metadata)})


def arrow_bytes(table: pa.Table, new=pa.ipc.new_stream) -> bytes:
    file = io.BytesIO()
    with new(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)
    return file.getvalue()


def test_class_numbers_become_the_names_in_the_metadata_and_minus_one_is_no_label():
    file = io.BytesIO()
    pq.write_table(class_labels([0, 1, -1, 0]), file)
    assert [row[1] for row in read_table(file.getvalue()).rows] == ["good", "bad", "", "good"]


@pytest.mark.parametrize(
    "feature",
    [
        {"feature": {"names": ["good", "bad"], "_type": "ClassLabel"}, "_type": "Sequence"},
        [{"names": ["good", "bad"], "_type": "ClassLabel"}],
    ],
)
def test_lists_of_class_numbers_become_lists_of_names(feature):
    metadata = {"huggingface": json.dumps({"info": {"features": {"labels": feature}}})}
    table = pa.table({"text": ["a b", "c d", "e f"], "labels": [[0], [0, 1], []]}).replace_schema_metadata(metadata)
    assert [row[1] for row in read_table(arrow_bytes(table)).rows] == ["good", '["good", "bad"]', "[]"]


@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
def test_arrow_files_are_read_as_parquet_files_are(new):
    table = read_table(arrow_bytes(class_labels([0, 1, -1, 0]), new))
    assert table.columns == ("text", "label")
    assert table.rows == [("text number 0", "good"), ("text number 1", "bad"), ("text number 2", ""), ("text number 3", "good")]
    for limits, code in [
        ({"max_rows": 3}, "too_many_rows"),
        ({"max_columns": 1}, "too_many_columns"),
        ({"max_bytes": 20}, "file_too_large"),
    ]:
        with pytest.raises(UserError) as refusal:
            read_table(arrow_bytes(class_labels([0, 1, -1, 0]), new), **limits)
        assert refusal.value.code == code


@pytest.mark.parametrize("new", [pa.ipc.new_stream, pa.ipc.new_file])
def test_a_cut_arrow_file_is_refused_with_what_to_do(new):
    data = arrow_bytes(class_labels([0, 1] * 50), new)
    for length in (40, len(data) // 2):
        with pytest.raises(UserError, match="to_csv") as refusal:
            read_table(data[:length])
        assert refusal.value.code == "file_damaged"
