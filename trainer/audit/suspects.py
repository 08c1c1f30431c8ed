"""What a check of labels found: the rows in the order of suspicion, how many labels are wrong, and what to say about it. Plain data."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from trainer.data.corpus import FileRole
from trainer.data.task import JOINED_BY, NO_LABEL, SINGLE_LABEL, Task

Method = Literal["quick", "deep"]
"""By which models a file is judged: linear ones on words and letters, or these and the user's own recipe."""
Verdict = Literal["clean", "noisy", "unsure", "random", "few"]
"""Hardly any label looks wrong; some do; models know too little of the labels to say how many; labels and texts have nothing to do with each
other; there are too few rows to tell."""
Signal = Literal["model", "neighbours", "same text"]
"""What speaks against a label: models that have not seen it, the most similar rows, or (nearly) the same text with another label."""


@dataclass(frozen=True)
class Suspect:
    """One row with the suspicion against its label."""

    row: int
    """Its position in the rows of the file's table, counted from 0 (``Corpus.source_rows``)."""
    line: int
    """Where it starts in the file, counted from 1 (``Corpus.lines``): what people see."""
    text: str
    label: str
    """The given label; several as ``Task.written`` writes them."""
    suggested: str
    """The most probable label, or the labels that the text should have; the given ones if nothing speaks against them."""
    score: float
    """Probability, 0..1, that the given label is wrong."""
    confidence: float
    """Probability, 0..1, that the suggested label is the right one."""
    why: str
    """The reason, as a sentence."""
    signals: tuple[Signal, ...] = ()
    """What speaks against the label; empty if nothing does."""
    file: FileRole = "main"
    """The file of the row, if files for validation or test are given."""

    def to_dict(self, task: Task) -> dict[str, Any]:
        """For JSON, as the terminal and ``/audit`` give it: where a text may have several labels with lists of them, and of what is missing or too much."""
        given, suggested = (task.parse_written(written) for written in (self.label, self.suggested))
        return {
            "row": self.row,
            "text": self.text,
            "label": JOINED_BY.join(given),
            "suggested": JOINED_BY.join(suggested),
            **task.changes_to_dict(given, suggested),
            "score": round(self.score, 6),
            "why": self.why,
        }


def shown_labels(task: Task, written: str) -> str:
    """Labels as ``Task.written`` writes them, for people: "joy", "joy, love", "no label"."""
    return JOINED_BY.join(task.parse_written(written)) or NO_LABEL


@dataclass(frozen=True)
class NoiseEstimate:
    """The share of wrong labels, 0..1, with its 95 % interval."""

    estimate: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """For JSON."""
        return {"estimate": round(self.estimate, 6), "low": round(self.low, 6), "high": round(self.high, 6)}


@dataclass(frozen=True)
class PairNoise:
    """How many rows of one label probably belong to another one."""

    given: str
    """Empty where a text may have several labels and ``suggested`` is missing."""
    suggested: str
    """Empty where ``given`` is one label too many."""
    share: float
    """Of the rows with the label ``given``, 0..1; of those without ``suggested`` if that is missing."""
    rows: float
    """Expected number of such rows."""


@dataclass(frozen=True)
class AuditResult:
    """The result of a check of n labels."""

    rows: int
    """n."""
    label_names: tuple[str, ...]
    noise: NoiseEstimate
    pairs: tuple[PairNoise, ...]
    """Of labels that are given for each other, the most frequent first."""
    seconds: float
    """That the check took."""
    ranked: tuple[Suspect, ...]
    """All rows, most suspicious first."""
    n_suspects: int
    """How many of the first ones are worth a look: more probably wrong than right."""
    verdict: Verdict
    sentences: tuple[str, ...]
    """What was found, for people: the main sentence first, then pairs of labels."""
    notes: tuple[str, ...] = ()
    """What could not be judged, for people: classes with too few rows, texts that were cut."""
    method: Method = "quick"
    task: Task = SINGLE_LABEL

    @property
    def suspects(self) -> tuple[Suspect, ...]:
        """The rows that are worth a look, most suspicious first."""
        return self.ranked[: self.n_suspects]

    def to_dict(self, *, all_rows: bool = False) -> dict[str, Any]:
        """For JSON: the suspects, or all rows."""
        shown: Sequence[Suspect] = self.ranked if all_rows else self.suspects
        return {
            "rows": self.rows,
            "noise": self.noise.to_dict(),
            "seconds": round(self.seconds, 3),
            "suspects": [suspect.to_dict(self.task) for suspect in shown],
        }
