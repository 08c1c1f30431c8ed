"""Made-up corpora for tests."""

import numpy as np

from trainer.data.corpus import Corpus


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
