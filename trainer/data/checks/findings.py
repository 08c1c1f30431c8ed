"""Finding: one thing that a user should know about a data set, as a sentence, with rows to look at. Finds nothing itself."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from trainer.data.corpus import Corpus

Severity = Literal["ok", "warning", "error"]

MAX_EXAMPLES = 20


@dataclass(frozen=True)
class Example:
    """A row to look at: the line of the file where it starts, its text, and what to notice (its label, a reason)."""

    line: int
    text: str
    note: str = ""


@dataclass(frozen=True)
class Finding:
    """One finding. ``code`` is a stable name, ``count`` the number of rows, texts or labels that the message mentions.

    ``message`` is one short sentence; ``advice`` says what it means and what to do.
    """

    code: str
    severity: Severity
    count: int
    message: str
    advice: str = ""
    examples: tuple[Example, ...] = ()
    repairable: bool = False
    """Whether the repair of the same code would change something."""
    setting: tuple[str, int] | None = None
    """A recipe setting and the value that would resolve the finding."""

    @property
    def sentence(self) -> str:
        """Message and advice."""
        return f"{self.message} {self.advice}".strip()


def examples(corpus: Corpus, rows: Iterable[int], *, note: str | None = None) -> tuple[Example, ...]:
    """The first of these rows of a corpus, each with its label, or with ``note`` if one is given."""
    shown = [int(row) for _, row in zip(range(MAX_EXAMPLES), rows, strict=False)]
    return tuple(
        Example(int(corpus.lines[row]), corpus.texts[row], corpus.label_names[corpus.label_ids[row]] if note is None else note)
        for row in shown
    )


def rows_where(mask: np.ndarray) -> list[int]:
    """The rows for which the mask is true."""
    return np.flatnonzero(mask).tolist()
