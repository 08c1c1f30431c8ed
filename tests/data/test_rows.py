"""The file of a run's rows: everything comes back, and damage is an error with a message."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from trainer.data.corpus import Corpus, build_corpus
from trainer.data.files.table import Table
from trainer.data.rows import load_rows, save_rows
from trainer.data.splits import split
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.errors import UserError


def _some_corpus() -> Corpus:
    rows = [(f"text {n} é 日本\n😀 =1+1", ["joy", "fear", "NA"][n % 3]) for n in range(30)] + [("", "joy")]
    table = Table(("text", "label"), rows, list(range(2, len(rows) + 2)), "utf-8", False, ",", True, ())
    return build_corpus(table, text=0, label=1)


def test_rows_of_a_run_come_back(tmp_path):
    corpus = _some_corpus()
    splits = split(corpus, validation_share=0.1, test_share=0.2, seed=1)
    save_rows(tmp_path / "data.parquet", corpus, splits)
    save_rows(tmp_path / "data.parquet", corpus, splits)
    assert [path.name for path in tmp_path.iterdir()] == ["data.parquet"]
    table = pq.read_table(tmp_path / "data.parquet")
    assert table.column_names == ["source_row", "line", "text", "label", "split"]
    assert set(table["split"].to_pylist()) == {"train", "validation", "test"}
    again, splits_again = load_rows(tmp_path / "data.parquet")
    assert (again.texts, again.label_names) == (corpus.texts, corpus.label_names)
    for field in ("label_ids", "source_rows", "lines"):
        assert (getattr(again, field) == getattr(corpus, field)).all()
        assert getattr(again, field).dtype == np.int64
    for field in ("train", "validation", "test", "excluded"):
        assert (getattr(splits_again, field) == getattr(splits, field)).all()
        assert getattr(splits_again, field).dtype == np.int64
    assert splits_again.split_notes == splits.split_notes


def test_rows_with_several_labels_come_back(tmp_path):
    rows = [(f"text {n}", "") for n in range(12)]
    table = Table(("text", "label"), rows, list(range(2, 14)), "utf-8", False, ",", True, ())
    corpus = build_corpus(table, text=0, label=1, label_sets=[("joy", "fear, great"), (), ("fear, great",)] * 4)
    save_rows(tmp_path / "data.parquet", corpus, split(corpus, validation_share=0.2, test_share=0.2, seed=1))
    assert pq.read_table(tmp_path / "data.parquet")["label"].to_pylist()[:3] == [["fear, great", "joy"], [], ["fear, great"]]
    again, _ = load_rows(tmp_path / "data.parquet")
    assert (again.task, again.label_names) == (SEVERAL_LABELS, ("fear, great", "joy"))
    assert (again.label_ids == corpus.label_ids).all()


@pytest.mark.parametrize("ratio", [0.0, 0.5, 0.99])
def test_damaged_rows_are_an_error_that_says_so(tmp_path, ratio):
    corpus = _some_corpus()
    path = tmp_path / "data.parquet"
    save_rows(path, corpus, split(corpus, validation_share=0.1, test_share=0.2, seed=1))
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * ratio)])
    with pytest.raises(UserError) as refusal:
        load_rows(path)
    assert refusal.value.code == "rows_damaged"


def test_another_parquet_file_is_not_the_rows_of_a_run(tmp_path):
    import pyarrow as pa

    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "other.parquet")
    with pytest.raises(UserError):
        load_rows(tmp_path / "other.parquet")
    with pytest.raises(UserError):
        load_rows(tmp_path / "none.parquet")


@pytest.mark.parametrize(("column", "wrong"), [("split", "elsewhere"), ("split", None), ("label", "envy"), ("label", None), ("label", 7)])
def test_a_row_of_no_known_split_or_label_is_an_error_that_says_so(tmp_path, column, wrong):
    import pyarrow as pa

    corpus, path = _some_corpus(), tmp_path / "data.parquet"
    save_rows(path, corpus, split(corpus, validation_share=0.1, test_share=0.2, seed=1))
    table = pq.read_table(path)
    values = pa.array([wrong] * len(table) if wrong == 7 else [wrong, *table[column].to_pylist()[1:]])
    pq.write_table(table.set_column(table.schema.get_field_index(column), column, values), path)
    with pytest.raises(UserError) as refusal:
        load_rows(path)
    assert refusal.value.code == "rows_damaged"


def test_the_task_comes_back_and_rows_of_before_have_one_label_a_text(tmp_path):
    path, corpus = tmp_path / "data.parquet", _some_corpus()
    save_rows(path, corpus, split(corpus, validation_share=0.1, test_share=0.2, seed=1))
    table = pq.read_table(path)
    metadata = json.loads(table.schema.metadata[b"emotune"])
    assert metadata.pop("task") == load_rows(path)[0].task.key == "single_label_classification"
    pq.write_table(table.replace_schema_metadata({"emotune": json.dumps(metadata)}), path)
    assert load_rows(path)[0].task is SINGLE_LABEL
    pq.write_table(table.replace_schema_metadata({"emotune": json.dumps(metadata | {"task": "ranking"})}), path)
    with pytest.raises(UserError) as refusal:
        load_rows(path)
    assert refusal.value.code == "unknown_task"
