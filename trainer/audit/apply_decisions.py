"""Decisions applied to the rows of a training: other labels, dropped rows, other classes. Pure functions.

The split is that of the file without decisions, so that models trained before and after them are tested on the same rows.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from trainer.audit.decisions import Decision, Decisions, RowKey
from trainer.data.corpus import Corpus
from trainer.data.duplicates.near_duplicates import find_near_duplicates
from trainer.data.splits import Splits
from trainer.errors import FileError
from trainer.runs.event_schema import MAX_TEXT_CHARS


@dataclass(frozen=True)
class DecisionCounts:
    """How many rows are decided, by what was done to them; those of test rows are counted apart, since no training learns from them."""

    kept: int = 0
    changed: int = 0
    dropped: int = 0
    test_kept: int = 0
    test_changed: int = 0
    test_dropped: int = 0
    added: int = 0
    """Texts that are no rows of the file."""

    @property
    def decided(self) -> int:
        return self.kept + self.changed + self.dropped + self.test_kept + self.test_changed + self.test_dropped


def row_key(corpus: Corpus, position: int) -> RowKey:
    """The file of a row of the corpus, and its position in that file."""
    return corpus.files[position] if corpus.files else "main", int(corpus.source_rows[position])


def rows_by_key(corpus: Corpus) -> dict[RowKey, int]:
    """The position in the corpus of each row of its files."""
    return {row_key(corpus, position): position for position in range(len(corpus))}


def decided_rows(corpus: Corpus, decisions: Decisions) -> Iterator[tuple[int, Decision]]:
    """The position in the corpus of each decided row, with its decision. Decisions whose row has another text now do not count: they were
    made for another column, or before a repair changed the text."""
    wanted = np.isin(corpus.source_rows, [row for _, row in decisions.rows])
    positions = {row_key(corpus, position): position for position in np.flatnonzero(wanted).tolist()}
    for key, decision in decisions.rows.items():
        position = positions.get(key)
        if position is not None and corpus.texts[position][:MAX_TEXT_CHARS] == decision.text:
            yield position, decision


def count_decisions(corpus: Corpus, decisions: Decisions, splits: Splits) -> DecisionCounts:
    """How many rows of a corpus are decided."""
    is_test = _mask(len(corpus), splits.test)
    counts = dict.fromkeys(DecisionCounts.__dataclass_fields__, 0)
    names = {"keep": "kept", "relabel": "changed", "drop": "dropped"}
    for position, decision in decided_rows(corpus, decisions):
        counts[("test_" if is_test[position] else "") + names[decision.action]] += 1
    counts["added"] = len(decisions.texts)
    return DecisionCounts(**counts)


def apply_decisions(corpus: Corpus, splits: Splits, decisions: Decisions) -> tuple[Corpus, Splits]:
    """The rows to train on. Training and validation rows get the labels that were decided, dropped ones are gone; test rows keep theirs. New texts
    are training rows, behind all others, but for those that are nearly the same as a validation or test row.

    Renamed and merged classes are renamed everywhere. Raises UserError ``decisions_leave_nothing`` if fewer than two classes, or no validation
    rows, would be left.
    """
    if not decisions.changes_rows:
        return corpus, splits
    labels = [decisions.present_names(names) for names in corpus.label_sets]
    is_test, dropped = _mask(len(corpus), splits.test), np.zeros(len(corpus), dtype=bool)
    for position, decision in decided_rows(corpus, decisions):
        if is_test[position]:
            continue
        if decision.action == "drop":
            dropped[position] = True
        elif decision.action == "relabel":
            labels[position] = corpus.task.parse_written(decision.after)
    decided, decided_splits = corpus.with_label_sets(labels).where(~dropped), _without(splits, dropped)
    decided, decided_splits = _with_texts(decided, decided_splits, decisions.texts)
    _require_enough(decided, decided_splits)
    return decided, decided_splits


def require_unchanged_rows(corpus: Corpus, splits: Splits, decisions: Decisions) -> None:
    """For a training that tests every row: raises FileError ``decided_folds`` if a label was changed, a row dropped or a text added.

    The score would rise by the decisions alone, whatever the model has learned. New names of classes change all rows alike.
    """
    counts = count_decisions(corpus, decisions, splits)
    if counts.changed or counts.dropped or counts.test_changed or counts.test_dropped or counts.added:
        raise FileError(
            "Labels of this file were changed, rows dropped or texts added, and folds test every row: the score would rise by that alone. Train "
            "without folds, so that test rows are kept aside, or take these decisions back in Check labels.",
            code="decided_folds",
            setting="folds",
        )


def decided_labels(corpus: Corpus, decisions: Decisions) -> list[str | None]:
    """The label of every row after all decisions, as ``Task.written`` writes it, test rows included; None for those that are dropped."""
    labels: list[str | None] = [corpus.task.written(decisions.present_names(names)) for names in corpus.label_sets]
    for position, decision in decided_rows(corpus, decisions):
        if decision.action != "keep":
            labels[position] = None if decision.action == "drop" else decision.after
    return labels


def _without(splits: Splits, dropped: np.ndarray) -> Splits:
    """The splits of the rows that are left of n rows after those with ``dropped``, (n,) bool, are gone."""
    positions = np.cumsum(~dropped) - 1
    parts = {name: getattr(splits, name) for name in ("train", "validation", "test", "excluded")}
    return replace(splits, **{name: positions[rows[~dropped[rows]]] for name, rows in parts.items()})


def _with_texts(corpus: Corpus, splits: Splits, texts: Mapping[str, str]) -> tuple[Corpus, Splits]:
    """The rows with further training rows, given with their labels; texts that are nearly the same as a row that is not learnt from are left out."""
    held = [corpus.texts[row] for row in (*splits.validation.tolist(), *splits.test.tolist())]
    groups = find_near_duplicates([*held, *texts]).groups if texts else np.zeros(0)
    new = [(*item, i) for i, item in enumerate(texts.items()) if not (groups[: len(held)] == groups[len(held) + i]).any()]
    if not new:
        return corpus, splits
    labels = [*corpus.label_sets, *(corpus.task.parse_written(label) for _, label, _ in new)]
    n, numbers = len(corpus), np.array([i for *_, i in new], dtype=np.int64)
    longer = replace(
        corpus,
        texts=(*corpus.texts, *(text for text, *_ in new)),
        source_rows=np.concatenate([corpus.source_rows, numbers]),
        lines=np.concatenate([corpus.lines, numbers]),
        given_split=None if corpus.given_split is None else (*corpus.given_split, *("train" for _ in new)),
        files=(*(corpus.files or ("main",) * n), *("added" for _ in new)),
    )
    return longer.with_label_sets(labels), replace(splits, train=np.concatenate([splits.train, np.arange(n, n + len(new))]))


def _require_enough(corpus: Corpus, splits: Splits) -> None:
    n_classes = int((corpus.count_labels(splits.train) > 0).sum())
    if n_classes >= 2 and len(splits.validation):
        return
    left = f"{n_classes} of the classes" if n_classes < 2 else "no validation rows"
    raise FileError(
        f"With these decisions {left} would be left to learn from. Take some of them back: a classifier needs training rows of at least two "
        "classes, and validation rows.",
        code="decisions_leave_nothing",
    )


def _mask(n_rows: int, positions: np.ndarray) -> np.ndarray:
    mask = np.zeros(n_rows, dtype=bool)
    mask[positions] = True
    return mask
