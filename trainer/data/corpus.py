"""Corpus: the texts and labels that can be trained on, cleaned once at the door.

Which rows train, validate and test is decided in splitting.py; here a published split is only read.
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from trainer.data.files.decoding import clean
from trainer.data.files.reading import DroppedRow, Table
from trainer.data.labels import is_measurement
from trainer.errors import UserError
from trainer.text_format import quote_names

NO_TEXT = "no text in this row"
NO_LABEL = "no label in this row"
NO_SPLIT = "no known split in this row"

SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_EDGES = "\ufeff\u200b\u200c\u200d\u2060 "  # blanks that str.strip does not know


@dataclass(frozen=True)
class Corpus:
    """n texts with their labels.

    ``label_ids``: (n,) int64, positions in ``label_names``; every label has a row. ``source_rows``: (n,) int64, positions in
    ``Table.rows``, and ``lines``: (n,) int64, the line of the file where the row starts, pluralize from 1 (of their own table where corpora
    were joined). ``given_split``: per row "train", "validation" or "test" as published, or None. ``dropped``: rows of the table without text
    or label.
    """

    texts: tuple[str, ...]
    label_ids: np.ndarray
    label_names: tuple[str, ...]
    source_rows: np.ndarray
    lines: np.ndarray
    given_split: tuple[str, ...] | None
    dropped: tuple[DroppedRow, ...]

    def __len__(self) -> int:
        return len(self.texts)

    @property
    def labels(self) -> list[str]:
        """The name of each row's label."""
        return [self.label_names[number] for number in self.label_ids.tolist()]

    def where(self, keep: np.ndarray) -> "Corpus":
        """The rows for which ``keep``, (n,) bool, is true; labels that have no row left are gone."""
        rows = np.flatnonzero(keep)
        ids = self.label_ids[rows]
        used = np.unique(ids)
        return replace(
            self,
            texts=tuple(self.texts[row] for row in rows.tolist()),
            label_ids=np.searchsorted(used, ids),
            label_names=tuple(self.label_names[number] for number in used.tolist()),
            source_rows=self.source_rows[rows],
            lines=self.lines[rows],
            given_split=None if self.given_split is None else tuple(self.given_split[row] for row in rows.tolist()),
        )

    def with_texts(self, texts: Sequence[str]) -> "Corpus":
        """The same rows with other texts, one for each row."""
        return replace(self, texts=tuple(texts))

    def renamed(self, names: Mapping[str, str]) -> "Corpus":
        """Labels under other names; those that get the same name become one label. What is not named keeps its name."""
        wanted = [names.get(name, name) for name in self.label_names]
        order = sort_labels(list(dict.fromkeys(wanted)))
        at = {name: number for number, name in enumerate(order)}
        return replace(self, label_ids=np.array([at[name] for name in wanted], dtype=np.int64)[self.label_ids], label_names=tuple(order))


def duplicate_key(text: str) -> str:
    """The text without regard to case and to the number of blanks; two texts with the same normal form are doubles."""
    return " ".join(text.casefold().split())


def build_corpus(
    table: Table,
    *,
    text: int,
    label: int,
    extra_text_columns: Sequence[int] = (),
    split_column: int | None = None,
    class_names: Mapping[str, str] | None = None,
) -> Corpus:
    """The corpus in two columns of a table; whether it can be trained on is ``check_trainable``'s to say.

    ``extra_text_columns``: further text columns, each put behind the text on a line of its own. ``class_names`` gives raw labels ("0") a name
    ("sadness"). Rows that ``split_column`` calls
    neither training, validation nor test are dropped: they may be meant for a test. Labels that are whole numbers sort as numbers, others alphabetically.
    Raises UserError ``no_rows``, ``empty_texts``, ``empty_labels`` or ``duplicate_class_names``.
    """
    if not table.rows:
        raise UserError("The file has no rows that can be used. Choose a file with one row per text.", code="no_rows")
    texts, raw, rows, dropped = _usable_rows(table, (text, *extra_text_columns), label, split_column)
    if not texts:
        _raise_empty(table, text, label, dropped)
    raw_names = sort_labels(set(raw))
    names = tuple(_one_line((class_names or {}).get(name, name)) or name for name in raw_names)
    _check_distinct(names)
    ids = {name: position for position, name in enumerate(raw_names)}
    return Corpus(
        texts=tuple(texts),
        label_ids=np.array([ids[name] for name in raw], dtype=np.int64),
        label_names=names,
        source_rows=np.array(rows, dtype=np.int64),
        lines=np.array([table.lines[row] for row in rows], dtype=np.int64),
        given_split=None if split_column is None else _given_split_of(table, split_column, rows),
        dropped=tuple(dropped),
    )


def join_corpora(train: Corpus, *, validation: Corpus | None = None, test: Corpus | None = None) -> Corpus:
    """One corpus from given files, the file of each row in ``given_split``; labels are matched by name.

    Rows of ``train`` that its own split column keeps for validation or test stay so. ``dropped`` are those of ``train`` alone.
    """
    parts = [("train", train), ("validation", validation), ("test", test)]
    given = [(origin, part) for origin, part in parts if part is not None]
    names = list(dict.fromkeys(name for _, part in given for name in part.label_names))
    ids = {name: position for position, name in enumerate(names)}
    return Corpus(
        texts=tuple(text for _, part in given for text in part.texts),
        label_ids=np.concatenate([np.array([ids[name] for name in part.label_names], dtype=np.int64)[part.label_ids] for _, part in given]),
        label_names=tuple(names),
        source_rows=np.concatenate([part.source_rows for _, part in given]),
        lines=np.concatenate([part.lines for _, part in given]),
        given_split=tuple(
            own for origin, part in given for own in ((part.given_split if origin == "train" else None) or (origin,) * len(part))
        ),
        dropped=train.dropped,
    )


def check_trainable(corpus: Corpus, *, column: str, max_classes: int) -> None:
    """Whether the labels can be learnt; ``column`` is the label column's name, for the sentence.

    Raises UserError ``one_class``, ``label_is_measurement``, ``too_many_classes``, or ``unknown_class`` for a class without training rows,
    which could never be predicted.
    """
    counts = dict(zip(corpus.label_names, np.bincount(corpus.label_ids).tolist(), strict=True))
    _check_classes(counts, column[:60], max_classes)
    for origin in ("validation", "test"):
        lost = sorted(_names_in(corpus, origin) - _names_in(corpus, "train")) if corpus.given_split else []
        if lost and _names_in(corpus, "train"):
            raise unknown_class_error(lost, origin, sort_labels(_names_in(corpus, "train")))


def _names_in(corpus: Corpus, origin: str) -> set[str]:
    given_split = np.array(corpus.given_split)
    return {corpus.label_names[number] for number in np.unique(corpus.label_ids[given_split == origin]).tolist()}


def unknown_class_error(unknown: Sequence[str], origin: str, known: Sequence[str]) -> UserError:
    """The error for classes that only the validation or test rows have."""
    return UserError(
        f"The {origin} rows hold {quote_names(unknown)}, which no training row has, so it could never be predicted. "
        f"Classes in the training rows: {quote_names(known)}. Add training rows for it, or take its rows out.",
        code="unknown_class",
    )


def sort_labels(labels: Collection[str]) -> list[str]:
    """The labels in order: by value where all are whole numbers ("2" before "10"), else alphabetically without regard to case."""
    if all(is_whole_number(label) for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels, key=lambda label: (label.casefold(), label))


def is_whole_number(label: str) -> bool:
    """Whether a label is a number to sort by: digits, few enough for one, with a sign at most."""
    digits = label[1:] if label[:1] in "+-" else label
    return digits.isascii() and digits.isdigit() and len(digits) <= 18


def _usable_rows(
    table: Table, text: Sequence[int], label: int, split: int | None
) -> tuple[list[str], list[str], list[int], list[DroppedRow]]:
    texts, labels, rows = [], [], []
    dropped = []
    for row, cells in enumerate(table.rows):
        words = clean_text(cells[text[0]]) if len(text) == 1 else "\n".join(filter(None, (clean_text(cells[at]) for at in text)))
        name = _one_line(cells[label])
        if words and name and split is not None and cells[split].strip().casefold() not in SPLIT_NAMES:
            said = f"“{cells[split].strip()[:40]}”" if cells[split].strip() else "empty"
            dropped.append(DroppedRow(table.lines[row], f"{NO_SPLIT}: it is {said}, neither train, validation nor test"))
        elif words and name:
            texts.append(words)
            labels.append(name)
            rows.append(row)
        else:
            dropped.append(DroppedRow(table.lines[row], NO_LABEL if words else NO_TEXT))
    return texts, labels, rows, dropped


def clean_text(cell: str) -> str:
    """A text as it is trained on: without control characters, and without blanks of any kind around it."""
    return clean(cell).strip().strip(_EDGES).strip()


def _one_line(label: str) -> str:
    return " ".join(clean(label).split()).strip(_EDGES)


def _raise_empty(table: Table, text: int, label: int, dropped: list[DroppedRow]) -> None:
    without_text = sum(row.reason == NO_TEXT for row in dropped)
    what, position, code = ("text", text, "empty_texts") if without_text >= len(dropped) / 2 else ("label", label, "empty_labels")
    raise UserError(
        f"No row has both a text and a label: the {what} column “{table.columns[position]}” is empty in {len(dropped):,} rows. "
        "Choose other columns, or fill them in.",
        code=code,
    )


def _check_classes(counts: Mapping[str, int], column: str, max_classes: int) -> None:
    rows = sum(counts.values())
    if len(counts) < 2:
        raise UserError(
            f"All {rows:,} rows have the same label, “{next(iter(counts))[:60]}”. A classifier needs at least two different labels "
            f"in the column “{column}”. Choose another label column, or add rows with other labels.",
            code="one_class",
        )
    if is_measurement(counts):
        raise UserError(
            f"The label column “{column}” holds measurements such as {quote_names(list(counts)[:3])}, not classes. "
            "Choose another label column, or make a new one with a few groups, such as low, middle and high.",
            code="label_is_measurement",
        )
    like_an_id = rows >= 10 and len(counts) > 0.5 * rows
    if len(counts) > max_classes or like_an_id:
        limit = f"at most {max_classes:,} can be trained" if len(counts) > max_classes else "that is nearly one for each row"
        looks = " The column looks like an id or free text." if len(counts) > 0.2 * rows else ""
        raise UserError(
            f"The label column “{column}” has {len(counts):,} different values in {rows:,} rows; {limit}.{looks} "
            "Choose a column with a few repeated values.",
            code="too_many_classes",
        )


def _check_distinct(names: tuple[str, ...]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(
            f"Two classes have the same name, “{twice[0][:60]}”. Give every class a name of its own.", code="duplicate_class_names"
        )


def _given_split_of(table: Table, column: int, rows: list[int]) -> tuple[str, ...]:
    return tuple(SPLIT_NAMES[table.rows[row][column].strip().casefold()] for row in rows)
