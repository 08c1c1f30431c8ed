"""Similar training rows: the nearest by cosine, and a file that is made again rather than trusted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from trainer.data.corpus import Corpus
from trainer.data.task import SEVERAL_LABELS
from trainer.evaluation.similar_rows import MAX_ROWS, RowVectors, find_similar, load_vectors, rows_to_compare, save_vectors

CORPUS = Corpus(
    tuple(f"text {i}" for i in range(6)), np.array([0, 1, 0, 1, 0, 1]), ("joy", "fear"), np.arange(6) * 10, np.arange(6), None, ()
)


def some(n: int = 6, size: int = 8) -> RowVectors:
    vectors = np.random.default_rng(3).normal(size=(n, size))
    return RowVectors(np.arange(n), (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float16), "a" * 64)


def test_the_nearest_by_cosine_come_first_and_equals_in_the_order_of_the_file() -> None:
    from sklearn.metrics.pairwise import cosine_similarity

    vectors, query = some(), some().vectors[2].astype(np.float32)
    cosines = cosine_similarity([query], vectors.vectors.astype(np.float64))[0]
    found = find_similar(CORPUS, vectors, query)
    assert [row.source_row for row in found] == [10 * i + 1 for i in np.argsort(-cosines)[:3].tolist()]
    assert [row.similarity for row in found] == pytest.approx(sorted(cosines, reverse=True)[:3], abs=1e-3)
    assert (found[0].text, found[0].label) == ("text 2", "joy")
    same = RowVectors(np.array([5, 1, 3]), np.ones((3, 4), dtype=np.float16) / 2, "")
    assert [row.source_row for row in find_similar(CORPUS, same, np.full(4, 0.5))] == [11, 31, 51]
    added = replace(CORPUS, files=("main", "main", "main", "added", "main", "main"))
    assert [row.source_row for row in find_similar(added, same, np.full(4, 0.5), without=1)] == [None, 51]


def test_a_file_comes_back_as_it_was_and_is_not_trusted_otherwise(tmp_path: Path) -> None:
    file, vectors = tmp_path / "vectors.parquet", some()
    assert load_vectors(file, model=vectors.model) is None
    save_vectors(file, vectors)
    loaded = load_vectors(file, model=vectors.model)
    np.testing.assert_array_equal(loaded.vectors, vectors.vectors)
    np.testing.assert_array_equal(loaded.rows, vectors.rows)
    assert loaded.vectors.dtype == np.float16
    assert load_vectors(file, model="b" * 64) is None
    for damaged in (file.read_bytes()[:-9], b"", b"PAR1" * 20):
        file.write_bytes(damaged)
        assert load_vectors(file, model=vectors.model) is None


def test_of_very_many_rows_some_from_all_over_the_file_are_compared() -> None:
    few, many = np.arange(50), np.arange(3 * MAX_ROWS)
    assert rows_to_compare(few) is few
    chosen = rows_to_compare(many)
    assert (len(chosen), len(set(chosen.tolist())), chosen[0], chosen[-1]) == (MAX_ROWS, MAX_ROWS, 0, 3 * MAX_ROWS - 1)


def test_a_row_of_several_labels_has_all_their_names_and_one_of_none_says_so() -> None:
    labels = np.array([[1, 1], [0, 0], [1, 0]])
    corpus = Corpus(("a", "b", "c"), labels, ("joy", "fear"), np.arange(3), np.arange(3), None, (), SEVERAL_LABELS)
    vectors = RowVectors(np.arange(3), np.ones((3, 4), dtype=np.float16) / 2, "")
    assert [row.label for row in find_similar(corpus, vectors, np.full(4, 0.5))] == ["joy, fear", "no label", "joy"]
