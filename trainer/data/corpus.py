"""Corpus: the texts and labels that can be trained on, cleaned once.

Reads a published split; splits.py decides which rows train, validate and test.
"""

from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np

from trainer.data.column_name_words import SPLIT_NAMES
from trainer.data.files.decoding import clean
from trainer.data.files.list_cells import EMPTY_LIST
from trainer.data.files.table import DroppedRow, Table
from trainer.data.label_arrays import LABEL_ARRAYS, LabelArrays
from trainer.data.label_blocks import fill_blocks
from trainer.data.labels import is_measurement
from trainer.data.missing_labels import MAX_NO_VALUE_CHARS, explain_no_value
from trainer.data.task import JOINED_BY, SEVERAL_LABELS, SINGLE_LABEL, Task
from trainer.errors import FileError
from trainer.text_format import quote_names

NO_TEXT = "no text in this row"
NO_LABEL = "no label in this row"
NO_SPLIT = "no known split in this row"
JOINED_ROW = "its label was added to the first row with the same text"

FileRole = Literal["main", "validation", "test", "added"]
"""The file of a row; "added": none, as somebody added it in Emotune."""
_FILE_OF_PART: Mapping[str, FileRole] = {"train": "main", "validation": "validation", "test": "test"}

_LABELLED = "labelled"
"""Stands for the cell of a row that has labels, or none, in whatever form."""
_OTHER_BLANKS = "\ufeff\u200b\u200c\u200d\u2060 "  # that str.strip does not know


@dataclass(frozen=True)
class Corpus:
    """n texts with their labels.

    ``label_ids``: int64, in the shape of the task: (n,) positions in ``label_names``, or (n, k) of 0 and 1 where a text may have several labels or
    none; every label has a row. ``source_rows``: (n,) int64, positions in
    ``Table.rows``, and ``lines``: (n,) int64, the line of the file where the row starts, counted from 1 (of each row's own table if
    corpora were joined). ``given_split``: per row "train", "validation" or "test" as published, or None. ``dropped``: rows of the table
    without text or label.
    """

    texts: tuple[str, ...]
    label_ids: np.ndarray
    label_names: tuple[str, ...]
    source_rows: np.ndarray
    lines: np.ndarray
    given_split: tuple[str, ...] | None
    dropped: tuple[DroppedRow, ...]
    task: Task = SINGLE_LABEL
    files: tuple[FileRole, ...] | None = None
    """Per row the file that it is from; None if all are from the main one."""

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def label_sets(self) -> list[tuple[str, ...]]:
        """The names of each row's labels: one, or where a text may have several any number of them."""
        return [tuple([self.label_names[label_id] for label_id in ids]) for ids in self._arrays.ids(self.label_ids)]

    @property
    def labels(self) -> list[str]:
        """The name of each row's label; several are joined, and "" stands for none."""
        ids = self._arrays.ids(self.label_ids)
        names = {of_row: JOINED_BY.join(self.label_names[label_id] for label_id in of_row) for of_row in set(ids)}
        return [names[of_row] for of_row in ids]

    @property
    def written_labels(self) -> list[str]:
        """The labels of each row as ``Task.written`` writes them: a name, or a list of names."""
        ids = self._arrays.ids(self.label_ids)
        names = {of_row: self.task.written([self.label_names[label_id] for label_id in of_row]) for of_row in set(ids)}
        return [names[of_row] for of_row in ids]

    def written_label(self, row: int) -> str:
        """The labels of one row, as in ``written_labels``."""
        return self.task.written(self.task.names(self.label_ids[row], self.label_names))

    def with_label_sets(self, label_sets: Sequence[Sequence[str]]) -> "Corpus":
        """The same rows with other labels: the names of each row's."""
        names = sort_labels({name for of_row in label_sets for name in of_row})
        ids = {name: label_id for label_id, name in enumerate(names)}
        built = self._arrays.build([[ids[name] for name in of_row] for of_row in label_sets], len(names))
        return replace(self, label_ids=built, label_names=tuple(names))

    def label(self, row: int) -> str:
        """The name of one row's label, as in ``labels``."""
        return JOINED_BY.join(self.task.names(self.label_ids[row], self.label_names))

    @property
    def label_counts(self) -> np.ndarray:
        """(k,) int64: how many rows have each label."""
        return self._arrays.counts(self.label_ids, len(self.label_names))

    def count_labels(self, rows: np.ndarray) -> np.ndarray:
        """(k,) int64: how many of some rows have each label; ``rows`` are numbers or an (n,) bool mask."""
        return self._arrays.counts(self.label_ids[rows], len(self.label_names))

    @cached_property
    def label_keys(self) -> Sequence[Hashable]:
        """Something for each row that is equal for rows with the same labels."""
        return self._arrays.keys(self.label_ids)

    def has_label(self, wanted: np.ndarray) -> np.ndarray:
        """(n,) bool: the rows with one of the labels for which ``wanted``, (k,) bool, is true."""
        return self._arrays.rows_with(self.label_ids, wanted)

    def without_labels(self, removed: np.ndarray) -> "Corpus":
        """The same rows without the labels for which ``removed``, (k,) bool, is true; no row that needs a label has one of them."""
        without = replace(self, label_ids=self._arrays.remove(self.label_ids, removed))
        return without.where(np.ones(len(self), dtype=bool))

    @property
    def _arrays(self) -> LabelArrays:
        return LABEL_ARRAYS[self.task.key]

    def where(self, keep: np.ndarray) -> "Corpus":
        """The rows for which ``keep``, (n,) bool, is true, without the labels that have no row left."""
        rows = np.flatnonzero(keep)
        ids = self.label_ids[rows]
        used = self._arrays.counts(ids, len(self.label_names)) > 0
        return replace(
            self,
            texts=tuple(self.texts[row] for row in rows.tolist()),
            label_ids=self._arrays.renumber(ids, np.cumsum(used) - 1, int(used.sum())),
            label_names=tuple(name for name, is_used in zip(self.label_names, used.tolist(), strict=True) if is_used),
            source_rows=self.source_rows[rows],
            lines=self.lines[rows],
            given_split=None if self.given_split is None else tuple(self.given_split[row] for row in rows.tolist()),
            files=None if self.files is None else tuple(self.files[row] for row in rows.tolist()),
        )

    def with_texts(self, texts: Sequence[str]) -> "Corpus":
        """The same rows with other texts, one for each row."""
        return replace(self, texts=tuple(texts))

    def with_ids_of(self, names: Sequence[str], ids: Sequence[int]) -> "Corpus":
        """The same rows with the labels of something else, ``names``, among which these have the positions ``ids``, (k,)."""
        renumbered = self._arrays.renumber(self.label_ids, np.asarray(ids, dtype=np.int64), len(names))
        return replace(self, label_ids=renumbered, label_names=tuple(names))

    def rename_labels(self, new_names: Mapping[str, str]) -> "Corpus":
        """The corpus with other label names; labels that get the same name become one. Labels missing in ``new_names`` keep theirs."""
        names = [new_names.get(name, name) for name in self.label_names]
        order = sort_labels(list(dict.fromkeys(names)))
        ids = {name: label_id for label_id, name in enumerate(order)}
        new_ids = np.array([ids[name] for name in names], dtype=np.int64)
        return replace(self, label_ids=self._arrays.renumber(self.label_ids, new_ids, len(order)), label_names=tuple(order))


def build_corpus(
    table: Table,
    *,
    text: int,
    label: int,
    extra_text_columns: Sequence[int] = (),
    split_column: int | None = None,
    class_names: Mapping[str, str] | None = None,
    label_sets: Sequence[Sequence[str] | None] | None = None,
) -> Corpus:
    """The corpus in two columns of a table; ``check_trainable`` decides whether it can be trained on.

    ``label_sets``: for texts that may have several labels, those of each row of the table, and None for a row that is not labelled yet; without it
    each cell of the column ``label`` is one label.

    ``extra_text_columns``: further text columns, each added to the text on a line of its own. ``class_names`` gives raw labels ("0") a
    name ("sadness"). Drops rows that ``split_column`` calls neither training, validation nor test: they may be meant for a test. Labels
    that are whole numbers sort as numbers, others alphabetically.
    Raises UserError ``no_rows``, ``empty_texts``, ``empty_labels`` or ``duplicate_class_names``.
    """
    if not table.rows:
        raise FileError("The file has no rows that can be used. Choose a file with one row per text.", code="no_rows")
    if label_sets is None:
        cells = [row[label] for row in table.rows]
        cells = fill_blocks(cells) or cells
    else:
        cells = ["" if labels is None else _LABELLED for labels in label_sets]
    texts, single, rows, dropped = _usable_rows(table, (text, *extra_text_columns), cells, split_column)
    if not texts:
        _raise_empty(table, text, label, dropped)
    task = SINGLE_LABEL if label_sets is None else SEVERAL_LABELS
    raw = [(name,) for name in single] if label_sets is None else [_clean_labels(label_sets[row]) for row in rows]
    raw_names = sort_labels({name for of_row in raw for name in of_row})
    names = tuple(_clean_label((class_names or {}).get(name, name)) or name for name in raw_names)
    _check_distinct(names)
    ids = {name: position for position, name in enumerate(raw_names)}
    return Corpus(
        texts=tuple(texts),
        label_ids=LABEL_ARRAYS[task.key].build([[ids[name] for name in of_row] for of_row in raw], len(names)),
        label_names=names,
        source_rows=np.array(rows, dtype=np.int64),
        lines=np.array([table.lines[row] for row in rows], dtype=np.int64),
        given_split=None if split_column is None else _read_given_split(table, split_column, rows),
        dropped=tuple(dropped),
        task=task,
    )


def join_corpora(train: Corpus, *, validation: Corpus | None = None, test: Corpus | None = None) -> Corpus:
    """One corpus from several files, with the file of each row in ``given_split``; labels are matched by name.

    Rows of ``train`` that its own split column assigns to validation or test stay there. ``dropped`` are those of ``train`` alone.
    """
    parts = [("train", train), ("validation", validation), ("test", test)]
    given = [(split, part) for split, part in parts if part is not None]
    names = list(dict.fromkeys(name for _, part in given for name in part.label_names))
    ids = {name: label_id for label_id, name in enumerate(names)}
    renumber = LABEL_ARRAYS[train.task.key].renumber
    return Corpus(
        texts=tuple(text for _, part in given for text in part.texts),
        label_ids=np.concatenate(
            [renumber(part.label_ids, np.array([ids[name] for name in part.label_names], dtype=np.int64), len(names)) for _, part in given]
        ),
        label_names=tuple(names),
        source_rows=np.concatenate([part.source_rows for _, part in given]),
        lines=np.concatenate([part.lines for _, part in given]),
        given_split=tuple(
            row_split for split, part in given for row_split in ((part.given_split if split == "train" else None) or (split,) * len(part))
        ),
        dropped=train.dropped,
        task=train.task,
        files=tuple(file for split, part in given for file in (_FILE_OF_PART[split],) * len(part)),
    )


def join_repeated_texts(corpus: Corpus) -> Corpus:
    """The corpus with one row for each text, its first, that has the labels of all rows with this text and the same given split."""
    first: dict[tuple[str, str | None], int] = {}
    splits = corpus.given_split or (None,) * len(corpus)
    into = np.array([first.setdefault(key, row) for row, key in enumerate(zip(corpus.texts, splits, strict=True))], dtype=np.int64)
    is_first = into == np.arange(len(corpus))
    if is_first.all():
        return corpus
    labels = corpus.label_ids.copy()
    np.maximum.at(labels, into, corpus.label_ids)
    lines = corpus.lines.tolist()
    joined = [DroppedRow(lines[row], f"{JOINED_ROW}, in line {lines[into[row]]:,}") for row in np.flatnonzero(~is_first).tolist()]
    return replace(corpus, label_ids=labels, dropped=(*corpus.dropped, *joined)).where(is_first)


def check_trainable(corpus: Corpus, *, column: str, max_classes: int) -> None:
    """Raise UserError if the labels cannot be learnt; ``column`` is the label column's name, for the message.

    The codes are ``one_class``, ``label_is_measurement``, ``too_many_classes``, and ``unknown_class`` for a class without training rows,
    which could never be predicted.
    """
    counts = dict(zip(corpus.label_names, corpus.label_counts.tolist(), strict=True))
    n_empty = sum(row.reason.startswith(NO_LABEL) for row in corpus.dropped)
    _check_classes(counts, len(corpus), column[:60], max_classes, n_empty)
    for split in ("validation", "test"):
        unknown = sorted(_labels_in(corpus, split) - _labels_in(corpus, "train")) if corpus.given_split else []
        if unknown and _labels_in(corpus, "train"):
            raise unknown_class_error(unknown, split, sort_labels(_labels_in(corpus, "train")))


def _labels_in(corpus: Corpus, split: str) -> set[str]:
    return set(corpus.where(np.array(corpus.given_split) == split).label_names)


def unknown_class_error(unknown: Sequence[str], split: str, known: Sequence[str]) -> FileError:
    """The error for classes that occur only in the validation or test rows."""
    return FileError(
        f"The {split} rows have {quote_names(unknown)}, which no training row has, so it could never be predicted. "
        f"Classes in the training rows: {quote_names(known)}. Add training rows for it, or take its rows out.",
        code="unknown_class",
    )


def sort_labels(labels: Collection[str]) -> list[str]:
    """The labels sorted by value if all are whole numbers ("2" before "10"), else alphabetically, ignoring case."""
    if all(is_whole_number(label) for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels, key=lambda label: (label.casefold(), label))


def is_whole_number(label: str) -> bool:
    """Whether a label is an integer of at most 18 digits, with or without a sign."""
    digits = label[1:] if label[:1] in "+-" else label
    return digits.isascii() and digits.isdigit() and len(digits) <= 18


def _usable_rows(
    table: Table, text_columns: Sequence[int], label_cells: Sequence[str], split_column: int | None
) -> tuple[list[str], list[str], list[int], list[DroppedRow]]:
    texts, labels, rows = [], [], []
    dropped = []
    # Labels repeat: looking at each different one is far quicker than at each row.
    no_labels = {label for cell in set(label_cells) if _why_no_value("a text", label := _clean_label(cell))}
    for row, cells in enumerate(table.rows):
        if len(text_columns) == 1:
            text = clean_text(cells[text_columns[0]])
        else:
            text = "\n".join(filter(None, (clean_text(cells[column]) for column in text_columns)))
        label = _clean_label(label_cells[row])
        if (len(text) <= MAX_NO_VALUE_CHARS or label in no_labels) and (why := _why_no_value(text, label)):
            dropped.append(DroppedRow(table.lines[row], why))
        elif text and label and split_column is not None and cells[split_column].strip().casefold() not in SPLIT_NAMES:
            split = f"“{cells[split_column].strip()[:40]}”" if cells[split_column].strip() else "empty"
            dropped.append(DroppedRow(table.lines[row], f"{NO_SPLIT}: it is {split}, neither train, validation nor test"))
        elif text and label:
            texts.append(text)
            labels.append(label)
            rows.append(row)
        else:
            dropped.append(DroppedRow(table.lines[row], NO_LABEL if text else NO_TEXT))
    return texts, labels, rows, dropped


def _why_no_value(text: str, label: str) -> str | None:
    """The reason to drop a row whose text or label is a spreadsheet's error or the like."""
    if why := explain_no_value(text):
        return f"{NO_TEXT}: {why}"
    if text and label == EMPTY_LIST:
        return f"{NO_LABEL}: its list is empty"
    return f"{NO_LABEL}: {why}" if text and (why := explain_no_value(label)) else None


def clean_text(cell: str) -> str:
    """A text as the model sees it: without control characters, and without blanks of any kind at its ends."""
    return clean(cell).strip().strip(_OTHER_BLANKS).strip()


def _clean_label(label: str) -> str:
    return " ".join(clean(label).split()).strip(_OTHER_BLANKS)


def _clean_labels(labels: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for label in labels if (name := _clean_label(label))))


def _raise_empty(table: Table, text: int, label: int, dropped: list[DroppedRow]) -> None:
    without_text = sum(row.reason.startswith(NO_TEXT) for row in dropped)
    no_texts = without_text >= len(dropped) / 2
    what, position = ("text", text) if no_texts else ("label", label)
    raise FileError(
        f"No row has both a text and a label: the {what} column “{table.columns[position]}” is empty in {len(dropped):,} rows. "
        "Choose other columns, or fill them in.",
        code="empty_texts" if no_texts else "empty_labels",
    )


def _check_classes(counts: Mapping[str, int], rows: int, column: str, max_classes: int, n_empty: int) -> None:
    if len(counts) < 2 and n_empty:
        name = next(iter(counts))[:60]
        raise FileError(
            f"All {rows:,} rows with a label have the same one, “{name}”, and {n_empty:,} rows have an empty label in the column “{column}”. A classifier needs "
            f"at least two different labels. If an empty label means something, such as “not {name}”, write that into these rows.",
            code="one_class",
        )
    if len(counts) < 2:
        raise FileError(
            f"All {rows:,} rows have the same label, “{next(iter(counts))[:60]}”. A classifier needs at least two different labels "
            f"in the column “{column}”. Choose another label column, or add rows with other labels.",
            code="one_class",
        )
    if is_measurement(counts):
        raise FileError(
            f"The label column “{column}” holds measurements such as {quote_names(list(counts)[:3])}, not classes. "
            "Choose another label column, or make a new one with a few groups, such as low, middle and high.",
            code="label_is_measurement",
        )
    looks_like_id = rows >= 10 and len(counts) > 0.5 * rows
    if len(counts) > max_classes or looks_like_id:
        limit = f"at most {max_classes:,} can be trained" if len(counts) > max_classes else "that is nearly one for each row"
        hint = " The column looks like an id or free text." if len(counts) > 0.2 * rows else ""
        raise FileError(
            f"The label column “{column}” has {len(counts):,} different values in {rows:,} rows; {limit}.{hint} "
            "Choose a column with a few repeated values.",
            code="too_many_classes",
        )


def _check_distinct(names: tuple[str, ...]) -> None:
    repeated = [name for name, n_classes in Counter(names).items() if n_classes > 1]
    if repeated:
        raise FileError(
            f"Two classes have the same name, “{repeated[0][:60]}”. Give every class a name of its own.", code="duplicate_class_names"
        )


def _read_given_split(table: Table, column: int, rows: list[int]) -> tuple[str, ...]:
    return tuple(SPLIT_NAMES[table.rows[row][column].strip().casefold()] for row in rows)
