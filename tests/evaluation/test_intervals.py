"""Intervals hold the score, hold their 95 %, and move down with each mistake.

What 95 % comes to is counted: exactly for a share, as a binomial's terms can be summed, and by 2,000 drawn tables for averages of F1.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.evaluation.intervals import Interval, macro_f1_interval, proportion_interval, weighted_f1_interval, wilson_interval

SHARES = {
    2: [[0.5, 0.5], [0.8, 0.2], [0.9, 0.1]],
    6: [[1 / 6] * 6, [0.335, 0.29, 0.135, 0.12, 0.08, 0.04], [0.5, 0.2, 0.12, 0.08, 0.06, 0.04]],
}
"""Of the classes in the rows: all alike, and two files in which some are rare."""


# Shares


def test_a_proportions_interval_is_scipys_wilson() -> None:
    from scipy.stats import binomtest

    for rows in (*range(1, 30), 3200):
        for hits in sorted({0, 1, rows // 3, rows - 1, rows}):
            ours, theirs = proportion_interval(hits, rows), binomtest(hits, rows).proportion_ci(method="wilson")
            assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=1e-12)
            assert ours.value == hits / rows


def test_another_confidence_is_scipys_too() -> None:
    from scipy.stats import binomtest

    theirs = binomtest(7, 40).proportion_ci(confidence_level=0.99, method="wilson")
    assert [float(end) for end in wilson_interval(7 / 40, 40, confidence=0.99)] == pytest.approx([theirs.low, theirs.high])


def test_one_more_mistake_lowers_both_ends_of_a_share() -> None:
    for rows in range(1, 201):
        low, high = wilson_interval(np.arange(rows + 1) / rows, rows)
        # From one wrong to none the upper end meets 1, and from all wrong to all but one the lower end leaves 0.
        assert (np.diff(low) > 0).all(), rows
        assert (np.diff(high) > 0).all(), rows
        assert (low[0], high[-1]) == (0, 1), rows


@pytest.mark.parametrize("rows", [50, 200, 2000])
def test_a_shares_interval_holds_its_level(rows: int) -> None:
    from scipy.stats import binom

    low, high = wilson_interval(np.arange(rows + 1) / rows, rows)
    # Coverage jumps at the ends of the intervals: test both sides of each, and a grid between them.
    ends = np.concatenate([low, high])
    true = np.concatenate([np.linspace(0.5, 0.99, 4901), ends - 1e-9, ends + 1e-9])
    true = true[(true >= 0.5) & (true <= 0.99)]
    coverage = np.array([binom.pmf(np.flatnonzero((low <= p) & (p <= high)), rows, p).sum() for p in true])
    assert coverage.min() >= 0.89
    assert 0.94 <= coverage[:4901].mean() <= 0.97


# Averages of F1


def by_hand(confusion: np.ndarray) -> tuple[float, float]:
    from sklearn.metrics import f1_score

    true, predicted = (np.repeat(ids.ravel(), confusion.ravel()) for ids in np.indices(confusion.shape))
    return tuple(f1_score(true, predicted, average=average, zero_division=0) for average in ("macro", "weighted"))


tables = st.integers(1, 6).flatmap(
    lambda k: st.lists(st.one_of(st.just(0), st.integers(0, 40)), min_size=k * k, max_size=k * k).map(lambda c: np.reshape(c, (k, k)))
)


@settings(deadline=None)
@given(tables.filter(lambda table: table.sum() > 0))
def test_the_interval_holds_scikit_learns_score(confusion: np.ndarray) -> None:
    for interval, expected in zip((macro_f1_interval(confusion), weighted_f1_interval(confusion)), by_hand(confusion), strict=True):
        assert interval.value == pytest.approx(expected)
        assert 0 <= interval.low <= interval.value <= interval.high <= 1
        assert interval.high > interval.low, "no sample is certain"


@pytest.mark.parametrize("classes", [1, 2, 6, 7, 150])
def test_where_nothing_is_wrong_the_score_is_exactly_one(classes: int) -> None:
    for average in (macro_f1_interval, weighted_f1_interval):
        interval = average(np.diag(np.arange(1, classes + 1)))
        assert (interval.value, interval.high) == (1.0, 1.0)
        assert interval.low < 1


def test_one_class_alone_is_as_sure_as_a_share() -> None:
    assert macro_f1_interval(np.array([[9]])) == weighted_f1_interval(np.array([[9]])) == proportion_interval(9, 9)


def mistakes(sizes: Sequence[int], order: Sequence[tuple[int, int]]) -> Iterator[np.ndarray]:
    """The table in which all rows are right, then with one more wrong at a time: a row of the first class is given the second."""
    confusion = np.diag(sizes)
    yield confusion
    for true, predicted in order:
        confusion = confusion.copy()
        confusion[true, true] -= 1
        confusion[true, predicted] += 1
        yield confusion


def rises(intervals: Sequence[Interval]) -> list[float]:
    """By how much any end rises from one table to the next."""
    ends = np.array([(interval.low, interval.high) for interval in intervals])
    steps = np.diff(ends, axis=0)
    return steps[steps > 1e-12].tolist()


def in_turn(sizes: Sequence[int]) -> list[tuple[int, int]]:
    """Each class makes a mistake in turn, and gives all other classes in turn."""
    k, left, order, at = len(sizes), list(sizes), [], 0
    while any(left):
        true = at % k
        if left[true]:
            left[true] -= 1
            order.append((true, (true + 1 + (at // k) % (k - 1)) % k))
        at += 1
    return order


def class_by_class(sizes: Sequence[int]) -> list[tuple[int, int]]:
    return [(i, (i + 1) % len(sizes)) for i, size in enumerate(sizes) for _ in range(size)]


def all_alike(classes: int, rows: int) -> list[int]:
    return [rows // classes + (i < rows % classes) for i in range(classes)]


def assert_monotone(classes: int, rows: int) -> None:
    sizes = all_alike(classes, rows)
    for order in (in_turn(sizes), class_by_class(sizes)):
        made = list(mistakes(sizes, order))
        assert not rises([macro_f1_interval(table) for table in made])
        assert not rises([weighted_f1_interval(table) for table in made])


@pytest.mark.parametrize("classes", [2, 6])
@pytest.mark.parametrize("rows", [6, 7, 13, 50, 99])
def test_one_more_mistake_never_raises_an_end(classes: int, rows: int) -> None:
    assert_monotone(classes, rows)


@pytest.mark.slow
@pytest.mark.parametrize("classes", [2, 6])
def test_one_more_mistake_never_raises_an_end_for_any_number_of_rows(classes: int) -> None:
    for rows in range(classes, 201):
        assert_monotone(classes, rows)


RARE = ([1, 60, 33, 51, 152], [2, 60, 33, 51, 152], [5, 60, 33, 51, 152], [10, 100, 300], [40, 35, 16, 14, 10, 5])


def random_mistakes(sizes: Sequence[int], n_mistakes: int, generator: np.random.Generator) -> list[tuple[int, int]]:
    rows = generator.permutation(np.repeat(np.arange(len(sizes)), sizes))[:n_mistakes]
    return [(int(true), int((true + generator.integers(1, len(sizes))) % len(sizes))) for true in rows]


@pytest.mark.parametrize("sizes", RARE, ids=str)
def test_with_rare_classes_an_end_rises_seldom_and_by_next_to_nothing(sizes: list[int]) -> None:
    """No rule of the counts of one table alone can know which mistakes came first; what is left is half a percentage point, at worst."""
    generator = np.random.default_rng(5)
    for _ in range(20):
        order = random_mistakes(sizes, 12, generator)
        for average in (macro_f1_interval, weighted_f1_interval):
            raised = rises([average(table) for table in mistakes(sizes, order)])
            assert max(raised, default=0) <= 0.005
            assert len(raised) <= 3


def confusion_of(shares: Sequence[float], wanted: float, *, rare: float, in_pairs: bool) -> np.ndarray:
    """True shares of the cells, of which macro F1 is ``wanted``; ``rare``: how much the mistakes of a class grow (or shrink) with its rarity.

    A class is mistaken for the others by their shares, or (``in_pairs``) always for the next one.
    """
    shares = np.array(shares)
    k = len(shares)
    others = np.roll(np.eye(k), 1, axis=1) if in_pairs else (1 - np.eye(k)) * shares / (1 - shares)[:, None]
    low, high = 0.0, 1.0
    for _ in range(50):
        wrong = np.minimum((low + high) / 2 * (shares.max() / shares) ** rare, 0.98)
        cells = shares[:, None] * (np.diag(1 - wrong) + wrong[:, None] * others)
        low, high = ((low + high) / 2, high) if f1_of(cells)[0] > wanted else (low, (low + high) / 2)
    return cells / cells.sum()


def f1_of(cells: np.ndarray) -> tuple[float, float]:
    f1 = 2 * cells.diagonal() / (cells.sum(axis=0) + cells.sum(axis=1))
    return float(f1.mean()), float(f1 @ cells.sum(axis=1) / cells.sum())


def coverages(cells: np.ndarray, rows: int, draws: int = 2000) -> list[float]:
    """How often the intervals of macro and weighted F1 of a sample hold the true value."""
    k = len(cells)
    tables = np.random.default_rng(rows).multinomial(rows, cells.ravel(), size=draws).reshape(draws, k, k)
    return [
        float(np.mean([interval.low <= true <= interval.high for interval in map(average, tables)]))
        for average, true in zip((macro_f1_interval, weighted_f1_interval), f1_of(cells), strict=True)
    ]


def assert_holds(rows: int, wanted: float, coverage: float) -> None:
    # Of 50 rows at F1 of 0.97 and 0.99 one or none is wrong: either the sample with one mistake more is held or it is not, and nothing
    # between is to be had (Wilson's interval for the accuracy holds 0.99 with 0.91 there).
    few = rows == 50 and wanted > 0.95
    assert (0.895 if few else 0.92) <= coverage <= (0.99 if few else 0.98)


@pytest.mark.parametrize(("classes", "file", "rows", "wanted"), [(2, 0, 50, 0.7), (6, 1, 200, 0.9), (6, 2, 2000, 0.95)])
def test_the_interval_of_an_average_of_f1_holds_its_level(classes: int, file: int, rows: int, wanted: float) -> None:
    # So few draws are off by 0.01 now and then; those that tell 0.92 from 0.93 are slow.
    for coverage in coverages(confusion_of(SHARES[classes][file], wanted, rare=0.5, in_pairs=False), rows, draws=400):
        assert 0.91 <= coverage <= 0.985


@pytest.mark.slow
@pytest.mark.parametrize("rows", [50, 200, 2000])
@pytest.mark.parametrize(("classes", "file"), [(k, file) for k in SHARES for file in range(3)])
def test_the_intervals_of_averages_of_f1_hold_their_level(classes: int, file: int, rows: int) -> None:
    shares = SHARES[classes][file]
    kinds = [(0.0, False)] + [(0.5, False), (-0.5, False)] * (file > 0) + [(0.0, True)] * (classes > 2)
    measured = []
    for rare, in_pairs in kinds:
        for wanted in (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.97, 0.99):
            # Two classes are below one half only where guessing would be better.
            cells = confusion_of(shares, max(wanted, 0.55) if classes == 2 else wanted, rare=rare, in_pairs=in_pairs)
            measured += [(wanted, coverage) for coverage in coverages(cells, rows)]
    all_of_them = [coverage for _, coverage in measured]
    print(
        f"{classes} classes, shares {shares}, {rows} rows: {min(all_of_them):.3f} to {max(all_of_them):.3f}, mean {np.mean(all_of_them):.3f}"
    )
    for wanted, coverage in measured:
        assert_holds(rows, wanted, coverage)
