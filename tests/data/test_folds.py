import itertools

import numpy as np
import pytest

from tests.data.test_splits import corpus_of
from trainer.data.folds import assign_folds, assign_label_folds, choose_validation, split_without_test
from trainer.data.task import SEVERAL_LABELS
from trainer.errors import FileError


def test_classes_are_spread_evenly_and_groups_stay_together():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 500)
    groups = np.arange(500)
    groups[100:140] = np.repeat(np.arange(100, 110), 4)
    folds = assign_folds(labels, groups, 5, seed=1)
    for group in np.unique(groups):
        assert len(set(folds[groups == group])) == 1
    alone = np.isin(groups, groups[140:])
    for label in range(4):
        sizes = np.bincount(folds[alone & (labels == label)], minlength=5)
        assert sizes.max() - sizes.min() <= 8
    assert np.array_equal(folds, assign_folds(labels, groups, 5, seed=1))
    assert not np.array_equal(folds, assign_folds(labels, groups, 5, seed=2))


def test_small_classes_are_in_as_many_folds_as_they_have_rows():
    labels = np.array([0] * 10 + [1] * 2 + [2])
    folds = assign_folds(labels, np.arange(13), 5, seed=0)
    assert len(set(folds[labels == 1])) == 2
    assert set(np.bincount(folds, minlength=5)) <= {2, 3}


@pytest.mark.parametrize("share", [0.05, 0.1, 0.5])
def test_some_rows_validate_however_few_there_are(share: float) -> None:
    for counts, seed in itertools.product(itertools.product(range(1, 4), repeat=3), range(3)):
        labels = np.repeat(np.arange(3), counts)
        groups, rows = np.arange(len(labels)), np.arange(len(labels))
        if max(counts) == 1:
            with pytest.raises(FileError, match="No label has a second text"):
                choose_validation(labels, groups, rows, share, seed)
            continue
        validates = choose_validation(labels, groups, rows, share, seed)
        assert validates.any(), (counts, seed)
        assert set(labels[~validates]) == {0, 1, 2}, (counts, seed)


def test_near_duplicates_are_one_text_of_a_label() -> None:
    labels, groups = np.array([0, 0, 0, 1]), np.array([0, 0, 0, 1])
    with pytest.raises(FileError, match="No label has a second text"):
        choose_validation(labels, groups, np.arange(4), 0.1, 0)


def test_folds_of_which_one_holds_all_of_a_label_are_refused() -> None:
    options = {"n_folds": 2, "validation_share": 0.1, "seed": 0}
    corpus = corpus_of([str(number) for number in range(9)], ["joy"] * 8 + ["anger"])
    with pytest.raises(FileError, match="only one label is left to learn"):
        split_without_test(corpus, np.arange(9), **options)
    corpus = corpus_of([str(number) for number in range(9)], ["joy"] * 7 + ["anger"] * 2)
    splits = split_without_test(corpus, np.arange(9), **options)
    assert len(splits.train) + len(splits.validation) == 9


def test_several_labels_are_spread_evenly_and_groups_stay_together() -> None:
    rng = np.random.default_rng(0)
    labels = (rng.random((400, 6)) < [0.5, 0.3, 0.2, 0.1, 0.03, 0.01]).astype(int)
    groups = np.arange(400)
    groups[100:140] = np.repeat(np.arange(100, 110), 4)
    folds = assign_label_folds(labels, groups, 5, seed=1)
    for group in np.unique(groups):
        assert len(set(folds[groups == group])) == 1
    of_folds = np.stack([labels[folds == fold].sum(axis=0) for fold in range(5)])
    assert (np.ptp(of_folds, axis=0) <= 4).all(), of_folds
    assert np.ptp(np.bincount(folds)) <= 4
    assert np.array_equal(folds, assign_label_folds(labels, groups, 5, seed=1))
    assert not np.array_equal(folds, assign_label_folds(labels, groups, 5, seed=2))


def test_a_label_of_a_text_that_validates_is_on_another_text_too() -> None:
    labels = np.array([[1, 0, 0], [1, 1, 0], [0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 1, 0]])
    rows = np.arange(len(labels))
    for seed in range(10):
        validates = choose_validation(labels, rows, rows, 0.3, seed, task=SEVERAL_LABELS)
        assert validates.any()
        assert labels[~validates].any(axis=0).all()
