"""The rows of another file with labels of its own, on which a trained model is judged: which of them can be, and what is left out.

Test rows are something else: these may be texts of any kind, and nothing says who labelled them.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.duplicates.normalize import duplicate_key
from trainer.errors import FileError
from trainer.text_format import pluralize, quote_names

_SAMPLE_ROWS = 2_000
_MIN_KNOWN = 0.5
"""Of the filled cells of a column that is guessed to hold the labels."""
_MAX_NAMED = 5


@dataclass(frozen=True)
class LeftOut:
    """Rows of a file that a model is not judged on. ``unusable``: without text or label; ``unknown``: with labels, by name, that the model does not know;
    ``learnt``: texts that it learnt from; ``unreadable``: texts without any token that it knows."""

    unusable: int = 0
    unknown: Mapping[str, int] = field(default_factory=dict)
    learnt: int = 0
    unreadable: int = 0

    def sentences(self) -> list[str]:
        """What was left out and why; nothing if all rows count."""
        told = []
        if self.unknown:
            named = sorted(self.unknown, key=lambda name: -self.unknown[name])[:_MAX_NAMED]
            more = f" and {pluralize(len(self.unknown) - len(named), 'more label')}" if len(self.unknown) > len(named) else ""
            rows = pluralize(sum(self.unknown.values()), "row has a label", "rows have labels")
            told.append(f"{rows} that this model does not know: {quote_names(named)}{more}.")
        if self.learnt:
            told.append(f"{pluralize(self.learnt, 'row holds a text', 'rows hold texts')} that this model learnt from.")
        if self.unusable:
            told.append(f"{pluralize(self.unusable, 'row has', 'rows have')} no text or no label.")
        if self.unreadable:
            told.append(f"{pluralize(self.unreadable, 'text')} hold no word that this model can read.")
        return told


@dataclass(frozen=True)
class EvaluatedFile:
    """A file that a model was judged on. ``rows``: that count; ``difference``: how its texts differ from the training rows, as JSON; ``created``: seconds
    since 1970."""

    id: str
    name: str
    file: str
    created: float
    rows: int
    text_columns: tuple[str, ...]
    label_column: str
    left_out: LeftOut
    difference: Mapping[str, Any]
    labels_cut: float | None = None
    """The score from which on a text has a label; None if the file has no columns of scores."""

    def to_dict(self) -> dict[str, Any]:
        """As JSON values; ``notes`` are what was left out, in sentences."""
        return {**asdict(self), "text_columns": list(self.text_columns), "notes": self.left_out.sentences()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EvaluatedFile":
        """What ``to_dict`` gave. Raises TypeError or KeyError for anything else."""
        values = {name: value for name, value in values.items() if name != "notes"}
        return cls(**values | {"text_columns": tuple(values["text_columns"]), "left_out": LeftOut(**values["left_out"])})


def find_label_column(
    columns: Sequence[str], rows: Sequence[Sequence[str]], label_names: Collection[str], *, texts: Collection[int]
) -> int:
    """The column whose values are most often labels of the model; ``texts``: the columns of the texts. Raises UserError ``no_label_column``."""
    known = {name.casefold() for name in label_names}
    shares = {}
    for position in range(len(columns)):
        filled = [cell for row in rows[:_SAMPLE_ROWS] if (cell := " ".join(row[position].split()).casefold())]
        if position not in texts and filled:
            shares[position] = sum(cell in known for cell in filled) / len(filled)
    best = max(shares, key=shares.__getitem__, default=None)
    if best is None or shares[best] < _MIN_KNOWN:
        raise FileError(
            f"No column of this file holds the labels of the model ({quote_names(sorted(label_names), limit=8)}). "
            f"Columns: {quote_names(list(columns), limit=12)}. Name the column of the labels.",
            code="no_label_column",
        )
    return best


def rows_to_judge(
    corpus: Corpus, label_names: Sequence[str], learnt_texts: Collection[str], repair: Callable[[str], str]
) -> tuple[Corpus, LeftOut]:
    """The rows that a model can be judged on, with its own label ids, and what is left out.

    The texts are those that ``repair`` makes of them, as in the training: none that it masks is kept. ``learnt_texts``: ``duplicate_key`` of
    each text that the model learnt from. A label counts as one of the model's if it differs in upper and lower case alone. Raises
    UserError ``no_known_label``.
    """
    ids = {name.casefold(): number for number, name in reversed(list(enumerate(label_names)))} | {n: i for i, n in enumerate(label_names)}
    labels = {name: ids.get(name, ids.get(name.casefold(), -1)) for name in corpus.label_names}
    is_unknown = np.array([number < 0 for number in labels.values()], dtype=bool)
    # A text of which one label is unknown cannot be judged: the others are not all that it has.
    known = ~corpus.has_label(is_unknown)
    unknown = {name: count for name, count, new in zip(labels, corpus.label_counts.tolist(), is_unknown.tolist(), strict=True) if new}
    texts = tuple(map(repair, corpus.texts))
    learnt = np.array([duplicate_key(text) in learnt_texts for text in texts], dtype=bool) & known
    kept = known & ~learnt
    left_out = LeftOut(len(corpus.dropped), unknown, int(learnt.sum()))
    if not kept.any():
        raise FileError(
            f"No row of this file can be used to judge the model. {' '.join(left_out.sentences())} Its labels: {quote_names(label_names, limit=8)}.",
            code="no_known_label",
        )
    usable = corpus.with_texts(texts).where(kept)
    judged = usable.with_ids_of(label_names, [labels[name] for name in usable.label_names])
    return replace(judged, given_split=None, dropped=(), files=None), left_out
