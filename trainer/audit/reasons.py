"""Why a label looks wrong, as a sentence, and what was found in all, in words. Decides nothing."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainer.audit.neighbours import Contradiction, Neighbours
from trainer.audit.suspects import NoiseEstimate, PairNoise, Signal, Verdict
from trainer.data.task import SINGLE_LABEL, Task
from trainer.text_format import percent, percent_range, pluralize

_NAME_CHARACTERS = 40
_PAIRS_TOLD = 5


def name(label: str) -> str:
    """A label for a sentence, cut where it is long."""
    return label if len(label) <= _NAME_CHARACTERS else f"{label[: _NAME_CHARACTERS - 1]}…"


def model_reason(label: str, given_probability: float, suggested: str, suggested_probability: float) -> str:
    """What models that have not seen a row say of it; probabilities 0..1."""
    return (
        f"Not having seen it, the model gives {name(label)} {percent(given_probability, 0)} "
        f"and {name(suggested)} {percent(suggested_probability, 0)}."
    )


def neighbours_reason(neighbours: Neighbours, suggested: str, count: int) -> str:
    """How many of the most similar rows have the suggested label."""
    total = len(neighbours.labels)
    whom = "The most similar row says" if total == 1 else f"{count} of its {total} most similar rows say"
    return f"{whom} {name(suggested)}."


def contradiction_reason(contradiction: Contradiction, other_label: str, other_line: int) -> str:
    """Where (nearly) the same text has another label."""
    text = "The same text" if contradiction.same else "Nearly the same text"
    return f"{text} is {name(other_label)} in line {other_line:,}."


@dataclass(frozen=True)
class LabelReason:
    """What speaks against one label of a text that may have several, in words."""

    sentence: str
    signals: tuple[Signal, ...]


def reason_of_label(label: str, *, missing: bool, probability: float, neighbours: tuple[int, int], other_line: int | None) -> LabelReason:
    """Why a label looks ``missing``, or like one too many. ``probability``: what models that have not seen the text give it; ``neighbours``: how many
    of so many similar rows have it; ``other_line``: where the same text says otherwise."""
    reasons: dict[Signal, str] = {}
    have, total = neighbours
    if other_line is not None:
        reasons["same text"] = f"the same text {'has' if missing else 'lacks'} it in line {other_line:,}"
    if (probability > 0.5) == missing:
        reasons["model"] = f"the model, not having seen it, gives it {percent(probability, 0)}"
    if total and (2 * have > total) == missing and (missing or 4 * have < total):
        reasons["neighbours"] = (
            f"{have} of {total} similar rows {'has' if have == 1 else 'have'} it" if have else f"none of {total} similar rows has it"
        )
    start = f"{name(label)} {'seems to be missing' if missing else 'may be one too many'}"
    return LabelReason(f"{start}: {'; '.join(reasons.values())}." if reasons else f"{start}.", tuple(reasons))


def change_sentences(changes: Sequence[PairNoise]) -> tuple[str, ...]:
    """The labels that are missing or too many most, each as a sentence."""
    return tuple(
        f"{name(change.given)} is one too many on {percent(change.share)} of the texts that have it (about {round(change.rows):,})."
        if change.given
        else f"{name(change.suggested)} is missing on about {pluralize(round(change.rows), 'text')}."
        for change in changes[:_PAIRS_TOLD]
        if change.rows >= 1
    )


def main_sentence(verdict: Verdict, noise: NoiseEstimate, rows: int, n_suspects: int, task: Task = SINGLE_LABEL) -> str:
    """What was found in all, in one or two sentences."""
    if verdict == "random":
        return (
            "Labels and texts have nothing to do with each other: models that learn from some rows say nothing about the others. "
            "The labels may be shuffled or belong to other texts; check how the file was made."
        )
    if verdict == "few":
        return f"{pluralize(rows, 'row')} are too few to tell wrong labels from unusual ones. What stands out is listed; read all of them yourself."
    if verdict == "unsure":
        return (
            f"{standing_out(n_suspects)}. How many are wrong can hardly be told on this file ({percent_range(noise.low, noise.high)}): "
            "models that have not seen a row often miss its label, which wrong labels alone do not explain."
        )
    share = f"About {percent(noise.estimate)} of the {task.judged} ({percent_range(noise.low, noise.high)})"
    if verdict == "clean":
        if n_suspects == 0:
            return f"The labels look right: nothing stands out in {pluralize(rows, 'row')}."
        return f"Nearly all labels look right. {share}; {pluralize(n_suspects, 'row')} are worth a look."
    return f"{share}: {pluralize(n_suspects, 'row')} are worth a look."


def standing_out(n_suspects: int) -> str:
    """How many labels are worth a look, where nothing can be said about all: "17 labels stand out"."""
    return f"{pluralize(n_suspects, 'label')} {'stands' if n_suspects == 1 else 'stand'} out" if n_suspects else "No label stands out"


def pair_sentences(pairs: Sequence[PairNoise]) -> tuple[str, ...]:
    """The pairs of labels that are given for each other most, each as a sentence."""
    return tuple(
        f"{name(pair.suggested)} given as {name(pair.given)}: {percent(pair.share)} of the rows that say {name(pair.given)} (about {round(pair.rows):,})."
        for pair in pairs[:_PAIRS_TOLD]
        if pair.rows >= 1
    )
