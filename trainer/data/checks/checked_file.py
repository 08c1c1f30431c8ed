"""CheckedFile: what the checks of a file look at, and what several of them need, computed once. Judges nothing."""

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from trainer.data.checks.repairs import apply_repairs, duplicate_groups, label_variants, rare_labels, several_labels_mask
from trainer.data.columns.guess import Columns
from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import NearDuplicates
from trainer.data.duplicates.normalize import duplicate_key
from trainer.data.files.table import Table
from trainer.data.task import SINGLE_LABEL

_MIN_CONFLICTS = 5  # texts; fewer that have different labels are labelled wrongly rather than several times
_MIN_CONFLICT_RATIO = 0.03  # of the rows
_MAX_AGREEING = 0.05  # of the rows of repeated texts


@dataclass(frozen=True, eq=False)
class CheckedFile:
    """A file as it was read, with its corpus after the repairs, and the near-duplicates among the texts of that."""

    table: Table
    columns: Columns
    corpus: Corpus
    near: NearDuplicates | None = None
    """None for a given test or validation file, of which only the reading is checked."""
    unrepaired: Corpus | None = None
    """The corpus before the repairs; None if it is the same."""
    name: str = "the training file"
    """Of the main file."""
    given_files: frozenset[str] = frozenset()
    """The splits ("test", "validation") for which a file of their own was given."""

    # Labels

    @cached_property
    def label_variants(self) -> dict[str, str]:
        """Labels that differ only in their spelling, each with the usual one."""
        return label_variants(self.corpus)

    @cached_property
    def has_several_labels(self) -> np.ndarray:
        """(n,) bool: the rows whose label cell has several labels."""
        return several_labels_mask(self.corpus)

    @cached_property
    def rare_labels(self) -> np.ndarray:
        """(k,) bool: the labels that have too few rows to be split."""
        return rare_labels(self.corpus)

    @cached_property
    def labelled_rows(self) -> Corpus:
        """The corpus with one spelling and one label in each cell, so that one problem of the labels is not reported four times."""
        return apply_repairs(self.corpus, ["label_variants", "several_labels"]).corpus

    @cached_property
    def class_sizes(self) -> np.ndarray:
        """(classes,) int64: the rows of each class of ``labelled_rows``."""
        return self.labelled_rows.label_counts

    # Texts

    @cached_property
    def duplicates(self) -> list[list[int]]:
        """The rows of each text that occurs more than once, ignoring case and blanks."""
        if self.near is None:
            return duplicate_groups(self.corpus, duplicate_key)
        # Texts that are equal ignoring case and blanks are so when normalized too, and most texts are unlike all others.
        normalized = self.near.normalized
        repeated = np.flatnonzero(np.bincount(normalized)[normalized] > 1)
        return duplicate_groups(self.corpus, duplicate_key, among=repeated.tolist())

    @cached_property
    def conflicts(self) -> list[list[int]]:
        """The rows of each repeated text that has different labels in different rows."""
        keys = self.corpus.label_keys
        return [group for group in self.duplicates if len({keys[row] for row in group}) > 1]

    @cached_property
    def may_be_joined(self) -> bool:
        """Whether texts seem to have a row for each of their labels: many have different labels, and hardly any the same one twice, as of annotators who agree."""
        keys = self.corpus.label_keys
        n_rows, n_labels = sum(map(len, self.duplicates)), sum(len({keys[row] for row in group}) for group in self.duplicates)
        is_frequent = len(self.conflicts) >= max(_MIN_CONFLICTS, _MIN_CONFLICT_RATIO * len(self.corpus))
        return self.corpus.task is SINGLE_LABEL and is_frequent and n_rows - n_labels <= _MAX_AGREEING * n_rows

    @cached_property
    def near_duplicate_groups(self) -> list[list[int]]:
        """The rows of each group of nearly equal texts, of which at least two are different."""
        is_first = np.ones(len(self.corpus), dtype=bool)
        is_first[[row for group in self.duplicates for row in group[1:]]] = False
        sizes = Counter(self.near.groups[is_first].tolist())
        groups: dict[int, list[int]] = {group: [] for group, size in sizes.items() if size > 1}
        if groups:
            for row, group in enumerate(self.near.groups.tolist()):
                if group in groups:
                    groups[group].append(row)
        return list(groups.values())

    # A given split

    @cached_property
    def original(self) -> Corpus:
        """The corpus before the repairs."""
        return self.corpus if self.unrepaired is None else self.unrepaired

    @cached_property
    def given_rows(self) -> dict[str, list[int]]:
        """The rows of ``original`` in each part of a given split; empty without one."""
        rows: dict[str, list[int]] = {"train": [], "validation": [], "test": []}
        if self.original.given_split is None:
            return {}
        for row, part in enumerate(self.original.given_split):
            rows[part].append(row)
        return rows

    @cached_property
    def given_texts(self) -> dict[str, set[str]]:
        """The different texts of each part of a given split, ignoring case and blanks."""
        return {part: {duplicate_key(self.original.texts[row]) for row in rows} for part, rows in self.given_rows.items()}
