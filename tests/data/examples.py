"""Made-up corpora for tests."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from trainer.data.corpus import Corpus
from trainer.data.label_arrays import LABEL_ARRAYS
from trainer.data.task import SEVERAL_LABELS


def corpus_of(*rows: tuple[str, ...]) -> Corpus:
    """Rows are (text, label) or (text, label, origin)."""
    names = tuple(sorted({row[1] for row in rows}))
    return Corpus(
        texts=tuple(row[0] for row in rows),
        label_ids=np.array([names.index(row[1]) for row in rows], dtype=np.int64),
        label_names=names,
        source_rows=np.arange(len(rows), dtype=np.int64),
        lines=np.arange(2, len(rows) + 2, dtype=np.int64),
        given_split=tuple(row[2] for row in rows) if len(rows[0]) == 3 else None,
        dropped=(),
    )


def several_of(*rows: tuple[str, Sequence[str]] | tuple[str, Sequence[str], str]) -> Corpus:
    """Rows are (text, labels) or (text, labels, origin)."""
    names = tuple(sorted({name for _, labels, *_ in rows for name in labels}))
    ids = LABEL_ARRAYS[SEVERAL_LABELS.key].build([[names.index(name) for name in labels] for _, labels, *_ in rows], len(names))
    corpus = corpus_of(*((text, "label", *origin) for text, _, *origin in rows))
    return replace(corpus, label_ids=ids, label_names=names, task=SEVERAL_LABELS)
