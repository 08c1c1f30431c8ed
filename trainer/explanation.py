"""Explanation: what a model says of one text, and how much each of its words speaks for a class."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from trainer.errors import UserError

if TYPE_CHECKING:
    from trainer.training.attributions import Attribution
    from trainer.training.predictor import Prediction, Predictor


@dataclass(frozen=True, eq=False)
class Explanation:
    """Of one text. Compared by identity."""

    label_names: tuple[str, ...]
    prediction: "Prediction"
    label: str
    """The class that the words speak for or against; empty if there is nothing to read."""
    attribution: "Attribution | None"
    """None if there is nothing to read, or if the tokenizer does not tell where its tokens are; ``problem`` says which."""
    problem: str = ""

    @property
    def decided(self) -> str | None:
        """What the model says, by name; None if there is nothing to read."""
        return self.prediction.decided_name(self.label_names)

    def to_dict(self) -> dict[str, Any]:
        """As JSON for the terminal and the API: the prediction, and "class" with its "words" in their order."""
        values = {**self.prediction.to_dict(self.label_names), "text": self.prediction.text, "class": self.label or None}
        if self.attribution is None:
            return {**values, "words": None, "reason": self.problem}
        words = [
            {
                "word": self.attribution.text[word.start : word.end],
                "start": word.start,
                "end": word.end,
                "influence": word.value,
                "read": word.read,
            }
            for word in self.attribution.words
        ]
        return {**values, "words": words}


def explain_text(predictor: "Predictor", text: str, label: str | None, *, max_chars: int | None = None) -> Explanation:
    """The prediction for a raw text, and what its words say for ``label``, by default the class that is predicted; of
    several the most probable one, and without any the most probable of all.

    Of a text longer than ``max_chars`` the beginning is read. Raises UserError ``label_not_learnt`` for a label that the model does not know.
    """
    names, prediction = predictor.label_names, predictor.predict([text], max_chars=max_chars)[0]
    label = label or prediction.main_label(names)
    if prediction.probabilities is None:
        return Explanation(names, prediction, "", None, prediction.problem)
    try:
        return Explanation(names, prediction, label, predictor.attribute(text, label, max_chars=max_chars))
    except UserError as error:
        if error.code != "no_attribution":
            raise
        return Explanation(names, prediction, label, None, error.message)
