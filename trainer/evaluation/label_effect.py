"""What mended labels did for a model: two runs on the same test rows, whose labels nobody touched; and, apart, on mended test rows.

Knows no decisions: it is handed which test rows have another label now.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from trainer.evaluation.comparison import PairedComparison, RunPredictions, compare
from trainer.text_format import percent, pluralize, points


@dataclass(frozen=True)
class MendedTest:
    """The accuracies (0..1) on ``rows`` test rows after ``changed`` of their labels were changed and ``dropped`` of them were left out. They chose
    the labels by which they are judged now, at least in part, so they are no headline."""

    rows: int
    changed: int
    dropped: int
    before: float
    after: float


@dataclass(frozen=True)
class LabelEffect:
    """The run with decisions is A of ``paired``, the one without them B. ``mended`` is None if no test row was changed."""

    paired: PairedComparison
    mended: MendedTest | None = None

    @property
    def verdict(self) -> str:
        """ "better", "worse", "no difference", or "no rows" if they have no test rows in common."""
        if not self.paired.n_shared_rows:
            return "no rows"
        if not self.paired.differs:
            return "no difference"
        return "better" if self.paired.difference > 0 else "worse"

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        return {"verdict": self.verdict, **self.paired.to_dict(), "mended_test": self.mended and asdict(self.mended)}


def label_effect(before: RunPredictions, after: RunPredictions, mended: Mapping[str, str | None]) -> LabelEffect:
    """Compare two runs whose test rows have the same labels. ``mended`` has the new label of each test text that got one, None if it is left out."""
    return LabelEffect(compare(after, before), _mended_test(before, after, mended))


def describe_effect(effect: LabelEffect) -> tuple[str, str]:
    """The verdict as a headline, and a sentence with the counts: "Better by 1.2 points (0.3 to 2.1)"."""
    paired = effect.paired
    if effect.verdict == "no rows":
        return (
            "The two models cannot be compared",
            "They have no test rows in common. Train again with the split and the seed of the run before.",
        )
    low, high = (points(bound) for bound in (paired.low, paired.high))
    if effect.verdict == "worse":
        low, high = (points(-bound) for bound in (paired.high, paired.low))
    headline = {
        "better": f"Better by {points(paired.difference)} points ({low} to {high})",
        "worse": f"Worse by {points(-paired.difference)} points ({low} to {high})",
        "no difference": "No difference that could be told from chance",
    }[effect.verdict]
    sentence = (
        f"On {pluralize(paired.n_shared_rows, 'test row')} that nobody touched: only the model with your labels is right in {paired.only_a:,}, only the one "
        f"before in {paired.only_b:,}. Right are {percent(paired.accuracy_a)} now and {percent(paired.accuracy_b)} before."
    )
    if effect.verdict == "no difference":
        sentence += f" The difference lies between {low} and {high} points."
    return headline, sentence


def describe_mended_test(mended: MendedTest) -> str:
    """The second figure, in a sentence."""
    changes = [pluralize(mended.changed, "changed test label")] if mended.changed else []
    changes += [f"{mended.dropped:,} dropped"] if mended.dropped else []
    return (
        f"A second figure, with {' and '.join(changes)} counted: {percent(mended.after)} now and {percent(mended.before)} before, on "
        f"{pluralize(mended.rows, 'row')}. It is no proof: you may have changed just the rows in which a model was wrong."
    )


def _mended_test(before: RunPredictions, after: RunPredictions, mended: Mapping[str, str | None]) -> MendedTest | None:
    predicted = [dict(zip(run.texts, run.predicted, strict=True)) for run in (before, after)]
    labels = {text: label for text, label in zip(after.texts, after.labels, strict=True) if text in predicted[0]}
    changed = {text: mended[text] for text in labels if text in mended}
    kept = {text: label for text, label in (labels | changed).items() if label is not None}
    if not changed or not kept:
        return None
    right = [sum(of_run[text] == label for text, label in kept.items()) / len(kept) for of_run in predicted]
    dropped = sum(label is None for label in changed.values())
    return MendedTest(len(kept), len(changed) - dropped, dropped, *right)
