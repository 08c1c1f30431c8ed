"""How well a model does on groups of the test rows: those with one value of a column, and those of similar length. Says which are surely worse.

Chooses nothing: the groups follow from the file.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from trainer.evaluation.intervals import CONFIDENCE, Interval, proportion_interval
from trainer.text_format import percent, percent_range, quote_names

LENGTH = "words"
"""The name of the groups by length."""
MIN_ROWS = 10
"""Fewer rows of a group are not scored."""
_LENGTH_GROUPS = 4


@dataclass(frozen=True)
class Subgroup:
    """The accuracy on the ``rows`` rows of one group and on all ``others``. ``p_value``: of Fisher's exact test that both are equally hard, after
    Holm's correction for all groups of the run."""

    column: str
    value: str
    rows: int
    accuracy: Interval
    others: Interval
    p_value: float

    @property
    def is_worse(self) -> bool:
        """Whether it is surely harder than the other rows."""
        return self.p_value < 1 - CONFIDENCE and self.accuracy.value < self.others.value

    @property
    def sentence(self) -> str:
        """For a group that is surely worse."""
        which = f"Texts of {self.value}" if self.column == LENGTH else f"Rows with {self.column} {quote_names([self.value])}"
        return (
            f"{which} are surely harder: {percent(self.accuracy.value)} right ({percent_range(self.accuracy.low, self.accuracy.high)}), "
            f"all others {percent(self.others.value)} ({percent_range(self.others.low, self.others.high)})."
        )

    def to_dict(self) -> dict[str, Any]:
        return {
            "column": self.column,
            "value": self.value,
            "rows": self.rows,
            "accuracy": self.accuracy.value,
            "interval": [self.accuracy.low, self.accuracy.high],
            "others": self.others.value,
            "p_value": self.p_value,
            "surely_worse": self.is_worse,
        }


def find_subgroups(
    right: np.ndarray, columns: Mapping[str, Sequence[str]], words: np.ndarray, *, design_effect: float = 1.0
) -> tuple[Subgroup, ...]:
    """The groups of n rows, in the order of the columns and then by length, each from its lowest accuracy on.

    ``right`` (n,) bool: predicted right. ``columns`` have a value for each row, "" for none; ``words`` (n,) are lengths. Groups of fewer than ten rows are
    left out, and so are columns with a single group. With a ``design_effect`` of d, intervals and tests are as uncertain as with n / d rows.
    """
    # A column with the name of the lengths would be taken for them.
    columns = {name: values for name, values in columns.items() if name != LENGTH}
    groups = [(name, value, mask) for name, values in columns.items() for value, mask in _of_column(np.asarray(values, dtype=object))]
    groups += [(LENGTH, value, mask) for value, mask in _of_length(words)]
    p_values = holm([_fisher(right, mask, design_effect) for _, _, mask in groups])
    scored = [
        Subgroup(name, value, int(mask.sum()), _accuracy(right[mask], design_effect), _accuracy(right[~mask], design_effect), p)
        for (name, value, mask), p in zip(groups, p_values, strict=True)
    ]
    names = [*columns, LENGTH]
    return tuple(sorted(scored, key=lambda group: (names.index(group.column), group.accuracy.value if group.column != LENGTH else 0.0)))


def holm(p_values: Sequence[float]) -> list[float]:
    """The p values corrected for their number (Holm 1979, A simple sequentially rejective multiple test procedure), in their order."""
    corrected, highest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[index]))
        corrected[index] = highest
    return corrected


def _of_column(values: np.ndarray) -> list[tuple[str, np.ndarray]]:
    masks = [(value, values == value) for value in sorted(set(values.tolist()) - {""})]
    large = [(value, mask) for value, mask in masks if MIN_ROWS <= mask.sum() <= len(values) - MIN_ROWS]
    return large if len(masks) > 1 else []


def _of_length(words: np.ndarray) -> list[tuple[str, np.ndarray]]:
    """Up to four groups of about as many rows; none of few rows or of equal lengths."""
    if len(words) < _LENGTH_GROUPS * MIN_ROWS:
        return []
    cuts = np.unique(np.quantile(words, [i / _LENGTH_GROUPS for i in range(1, _LENGTH_GROUPS)], method="lower"))
    group = np.searchsorted(cuts, words, side="left")
    masks = [group == number for number in np.unique(group)]
    if len(masks) < 2 or min(mask.sum() for mask in masks) < MIN_ROWS:
        return []
    return [(_range(int(words[mask].min()), int(words[mask].max())), mask) for mask in masks]


def _range(low: int, high: int) -> str:
    if low == high:
        return f"{low:,} word{'' if low == 1 else 's'}"
    return f"{low:,} to {high:,} words"


def _fisher(right: np.ndarray, mask: np.ndarray, design_effect: float) -> float:
    """Fisher's exact test, two-sided, of whether a row of the group is right as often as any other."""
    from scipy.stats import fisher_exact

    inside, outside = right[mask], right[~mask]
    table = np.array([[inside.sum(), (~inside).sum()], [outside.sum(), (~outside).sum()]])
    return float(fisher_exact(np.rint(table / design_effect).astype(np.int64)).pvalue)


def _accuracy(right: np.ndarray, design_effect: float) -> Interval:
    return proportion_interval(int(right.sum()), len(right), design_effect=design_effect)
