"""Corpus: the texts and labels that can be trained on, cleaned once at the door.

Which rows train, validate and test is decided in splitting.py; here a published split is only read.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from trainer.data.decoding import clean
from trainer.data.reading import DroppedRow, Table
from trainer.errors import UserError

NO_TEXT = "no text in this row"
NO_LABEL = "no label in this row"

SPLIT_NAMES = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing"), "test"),
}
_EDGES = "\ufeff\u200b\u200c\u200d\u2060 "  # blanks that str.strip does not know


@dataclass(frozen=True)
class Corpus:
    """n texts with their labels.

    ``label_ids``: (n,) int64, positions in ``label_names``. ``source_rows``: (n,) int64, positions in ``Table.rows``
    (of their own table where corpora were joined). ``origins``: per row "train", "validation" or "test" as published, or None.
    ``dropped``: rows of the table without text or label.
    """

    texts: tuple[str, ...]
    label_ids: np.ndarray
    label_names: tuple[str, ...]
    source_rows: np.ndarray
    origins: tuple[str, ...] | None
    dropped: tuple[DroppedRow, ...]

    def __len__(self) -> int:
        return len(self.texts)


def normal_form(text: str) -> str:
    """The text without regard to case and to the number of blanks; two texts with the same normal form are doubles."""
    return " ".join(text.casefold().split())


def build_corpus(
    table: Table,
    *,
    text: int,
    label: int,
    split_column: int | None = None,
    class_names: Mapping[str, str] | None = None,
    max_classes: int = 500,
    whole: bool = True,
) -> Corpus:
    """The corpus in two columns of a table.

    ``class_names`` gives raw labels ("0") a name ("sadness"). ``whole=False`` is for a given validation or test file, which may hold
    a single class. Labels that are whole numbers sort as numbers, others alphabetically.
    Raises UserError ``no_rows``, ``empty_texts``, ``empty_labels``, ``one_class``, ``too_many_classes``, ``duplicate_class_names``
    or ``unknown_split``.
    """
    if not table.rows:
        raise UserError("The file has no rows that can be used. Choose a file with one row per text.", code="no_rows")
    texts, raw, rows, dropped = _usable_rows(table, text, label)
    if not texts:
        _raise_empty(table, text, label, dropped)
    counts = Counter(raw)
    if whole:
        _check_classes(counts, table, label, max_classes)
    raw_names = sort_labels(counts)
    names = tuple(_one_line((class_names or {}).get(name, name)) or name for name in raw_names)
    _check_distinct(names)
    ids = {name: position for position, name in enumerate(raw_names)}
    return Corpus(
        texts=tuple(texts),
        label_ids=np.array([ids[name] for name in raw], dtype=np.int64),
        label_names=names,
        source_rows=np.array(rows, dtype=np.int64),
        origins=None if split_column is None else _origins(table, split_column, rows),
        dropped=tuple(dropped),
    )


def join_corpora(train: Corpus, *, validation: Corpus | None = None, test: Corpus | None = None) -> Corpus:
    """One corpus from given files, the file of each row in ``origins``; labels are matched by name.

    Raises UserError ``unknown_class`` for a class without training rows: it could never be predicted.
    """
    parts = [("train", train), ("validation", validation), ("test", test)]
    given = [(origin, part) for origin, part in parts if part is not None]
    ids = {name: position for position, name in enumerate(train.label_names)}
    for origin, part in given[1:]:
        unknown = [name for name in part.label_names if name not in ids]
        if unknown:
            raise unknown_class(unknown, origin, train.label_names)
    return Corpus(
        texts=tuple(text for _, part in given for text in part.texts),
        label_ids=np.concatenate([np.array([ids[name] for name in part.label_names], dtype=np.int64)[part.label_ids] for _, part in given]),
        label_names=train.label_names,
        source_rows=np.concatenate([part.source_rows for _, part in given]),
        origins=tuple(origin for origin, part in given for _ in part.texts),
        dropped=tuple(row for _, part in given for row in part.dropped),
    )


def unknown_class(unknown: Sequence[str], origin: str, known: Sequence[str]) -> UserError:
    """The error for classes that only the validation or test rows have."""
    return UserError(
        f"The {origin} rows hold {_some(unknown)}, which no training row has, so it could never be predicted. "
        f"Classes in the training rows: {_some(known)}. Add training rows for it, or take its rows out.",
        code="unknown_class",
    )


def sort_labels(labels: Sequence[str] | Mapping[str, int]) -> list[str]:
    """The labels in order: by value where all are whole numbers ("2" before "10"), else alphabetically without regard to case."""
    if all(_is_whole_number(label) for label in labels):
        return sorted(labels, key=lambda label: (int(label), label))
    return sorted(labels, key=lambda label: (label.casefold(), label))


def _is_whole_number(label: str) -> bool:
    digits = label[1:] if label[:1] in "+-" else label
    return digits.isascii() and digits.isdigit() and len(digits) <= 18


def _usable_rows(table: Table, text: int, label: int) -> tuple[list[str], list[str], list[int], list[DroppedRow]]:
    texts, labels, rows = [], [], []
    dropped = []
    for row, cells in enumerate(table.rows):
        words = clean(cells[text]).strip().strip(_EDGES).strip()
        name = _one_line(cells[label])
        if words and name:
            texts.append(words)
            labels.append(name)
            rows.append(row)
        else:
            dropped.append(DroppedRow(table.lines[row], NO_LABEL if words else NO_TEXT))
    return texts, labels, rows, dropped


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


def _check_classes(counts: Counter, table: Table, label: int, max_classes: int) -> None:
    name, rows = table.columns[label][:60], counts.total()
    if len(counts) < 2:
        raise UserError(
            f"All {rows:,} rows have the same label, “{next(iter(counts))[:60]}”. A classifier needs at least two different labels "
            f"in the column “{name}”. Choose another label column, or add rows with other labels.",
            code="one_class",
        )
    like_an_id = rows >= 10 and len(counts) > 0.5 * rows
    if len(counts) > max_classes or like_an_id:
        limit = f"at most {max_classes:,} can be trained" if len(counts) > max_classes else "that is nearly one for each row"
        looks = " The column looks like an id or free text." if len(counts) > 0.2 * rows else ""
        raise UserError(
            f"The label column “{name}” has {len(counts):,} different values in {rows:,} rows; {limit}.{looks} "
            "Choose a column with a few repeated values.",
            code="too_many_classes",
        )


def _check_distinct(names: tuple[str, ...]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise UserError(
            f"Two classes have the same name, “{twice[0][:60]}”. Give every class a name of its own.", code="duplicate_class_names"
        )


def _origins(table: Table, column: int, rows: list[int]) -> tuple[str, ...]:
    found = [table.rows[row][column].strip().casefold() for row in rows]
    odd = sorted(set(found) - SPLIT_NAMES.keys())
    if odd:
        raise UserError(
            f"The split column “{table.columns[column][:60]}” holds {_some([value or '(empty)' for value in odd])}. "
            "It may only say train, validation or test. Correct it, or leave the split to Emotune.",
            code="unknown_split",
        )
    return tuple(SPLIT_NAMES[value] for value in found)


def _some(names: Sequence[str]) -> str:
    shown = ", ".join(f"“{name[:40]}”" for name in names[:10])
    return shown if len(names) <= 10 else f"{shown} and {len(names) - 10:,} more"
