import numpy as np

from trainer.data.folds import assign_folds


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
