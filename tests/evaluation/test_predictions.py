import os

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.errors import UserError
from trainer.evaluation.predictions import Predictions, load_predictions, save_predictions


def some(n=7, names=("joy", "sadness", "love"), seed=0):
    generator = np.random.default_rng(seed)
    return Predictions(
        rows=generator.permutation(10_000)[:n],
        split=generator.choice(["validation", "test"], n) if n else [],
        labels=generator.integers(0, len(names), n),
        probabilities=generator.dirichlet(np.ones(len(names)), n),
        label_names=names,
    )


def same(a, b):
    arrays = all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("rows", "split", "labels", "probabilities"))
    return arrays and a.label_names == b.label_names


def test_arrays_have_the_promised_types():
    predictions = some()
    assert predictions.rows.dtype == np.int64
    assert predictions.split.dtype.kind == "U"
    assert predictions.labels.dtype == np.int64
    assert predictions.probabilities.dtype == np.float32
    assert len(predictions) == 7


@pytest.mark.parametrize("n", [0, 1, 7, 3000])
def test_what_is_saved_is_loaded(tmp_path, n):
    predictions = some(n)
    save_predictions(tmp_path / "predictions.parquet", predictions)
    loaded = load_predictions(tmp_path / "predictions.parquet")
    assert same(loaded, predictions)
    assert loaded.probabilities.dtype == np.float32
    assert [p.name for p in tmp_path.iterdir()] == ["predictions.parquet"]


@pytest.mark.parametrize("cuts", [(), (0.25, 0.5, 0.125)])
def test_several_labels_are_saved_with_their_cuts(tmp_path, cuts):
    generator = np.random.default_rng(2)
    labels, probabilities = generator.integers(0, 2, (5, 3)), generator.random((5, 3))
    task, names = SEVERAL_LABELS.with_cuts(cuts), ("joy", "sadness", "love")
    predictions = Predictions(np.arange(5), ["test"] * 5, labels, probabilities, names, task)
    save_predictions(tmp_path / "p.parquet", predictions)
    loaded = load_predictions(tmp_path / "p.parquet")
    assert same(loaded, predictions)
    assert (loaded.task.key, loaded.task.cuts) == (SEVERAL_LABELS.key, cuts)
    assert np.array_equal(loaded.predicted, probabilities.astype(np.float32) >= (cuts or 0.5))
    with pytest.raises(ValueError, match="shape"):
        Predictions(np.arange(5), ["test"] * 5, labels[:, 0], probabilities, names, task)


@given(names=st.lists(st.text(), min_size=1, max_size=4))
def test_any_class_name_survives(tmp_path_factory, names):
    path = tmp_path_factory.mktemp("p") / "predictions.parquet"
    predictions = some(3, tuple(names))
    save_predictions(path, predictions)
    assert same(load_predictions(path), predictions)


def test_the_file_is_plain_parquet_for_others(tmp_path):
    import pyarrow.parquet as pq

    save_predictions(tmp_path / "p.parquet", some())
    table = pq.read_table(tmp_path / "p.parquet")
    assert table.column_names == ["row", "split", "label", "probabilities"]
    assert str(table.schema.field("probabilities").type).startswith("fixed_size_list<")


def test_of_takes_one_split_in_order_and_predicted_is_the_argmax():
    predictions = some(50)
    test = predictions.for_split("test")
    assert set(test.split) == {"test"}
    assert len(test) + len(predictions.for_split("validation")) == 50
    assert test.rows.tolist() == [row for row, split in zip(predictions.rows, predictions.split, strict=True) if split == "test"]
    assert np.array_equal(predictions.predicted, predictions.probabilities.argmax(axis=1))
    assert some(0).predicted.tolist() == []
    with pytest.raises(ValueError, match="no split 'train'"):
        predictions.for_split("train")


@pytest.mark.parametrize(
    "change",
    [
        {"rows": [1, 2]},
        {"labels": [0, 1, 3]},
        {"labels": [0, -1, 1]},
        {"split": ["test", "train", "test"]},
        {"probabilities": np.ones((3, 2))},
        {"probabilities": np.full((3, 3), np.nan)},
    ],
)
def test_what_does_not_agree_is_refused(change):
    valid = {"rows": [1, 2, 3], "split": ["test"] * 3, "labels": [0, 1, 2], "probabilities": np.eye(3), "label_names": ("a", "b", "c")}
    Predictions(**valid)
    with pytest.raises(ValueError, match=r"\w"):
        Predictions(**valid | change)


def test_a_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "predictions.parquet"
    save_predictions(path, some(5))

    def crash(_):
        raise OSError("no space left on device")

    monkeypatch.setattr(os, "fsync", crash)
    with pytest.raises(OSError, match="no space left"):
        save_predictions(path, some(9))
    assert same(load_predictions(path), some(5))
    assert [p.name for p in tmp_path.iterdir()] == ["predictions.parquet"]


def test_a_damaged_or_foreign_file_is_a_value_error(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "predictions.parquet"
    with pytest.raises(FileNotFoundError):
        load_predictions(path)
    save_predictions(path, some())
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(ValueError, match="damaged"):
        load_predictions(path)
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(ValueError, match="damaged"):
        load_predictions(path)


def test_the_task_is_in_the_file_and_a_file_of_before_has_one_label_a_text(tmp_path):
    import pyarrow.parquet as pq

    path = tmp_path / "predictions.parquet"
    save_predictions(path, some())
    table = pq.read_table(path)
    assert table.schema.metadata[b"task"] == b"single_label_classification"
    names = table.schema.metadata[b"label_names"]
    pq.write_table(table.replace_schema_metadata({b"label_names": names}), path)
    assert load_predictions(path).task is SINGLE_LABEL
    pq.write_table(table.replace_schema_metadata({b"label_names": names, b"task": b"ranking"}), path)
    with pytest.raises(UserError, match="ranking"):
        load_predictions(path)
