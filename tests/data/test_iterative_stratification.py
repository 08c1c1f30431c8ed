"""Units with several labels, divided so that every part has its share of every label."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.data.iterative_stratification import stratify


@settings(max_examples=80, deadline=None)
@given(
    rows=st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=8, max_size=150),
    shares=st.sampled_from([(0.5, 0.5), (0.8, 0.1, 0.1), (0.2,) * 5]),
)
def test_the_label_that_is_rarest_has_its_share_in_every_part(rows, shares):
    labels = np.array(rows, dtype=np.int64)
    counts = labels.sum(axis=0)
    part = stratify(labels, np.ones(len(rows), dtype=np.int64), np.outer(shares, counts), np.array(shares) * len(rows))
    assert set(part.tolist()) <= set(range(len(shares)))
    if counts.any():
        rarest = int(np.where(counts > 0, counts, len(rows) + 1).argmin())
        got = np.bincount(part[labels[:, rarest] > 0], minlength=len(shares))
        assert (abs(got - np.array(shares) * counts[rarest]) <= 1).all()
    else:
        assert (abs(np.bincount(part, minlength=len(shares)) - np.array(shares) * len(rows)) <= 1).all()


def test_a_unit_of_several_rows_stays_whole():
    labels = np.array([[3, 0], [1, 1], [1, 0], [1, 2]])
    # The second label is in fewer units, so those go first: one to each part, the first to the first.
    part = stratify(labels, np.array([3, 1, 1, 2]), np.full((2, 2), 3.0), np.full(2, 3.5))
    assert part.tolist() == [0, 0, 1, 1]
