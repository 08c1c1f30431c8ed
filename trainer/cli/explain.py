"""The command ``explain``."""

import argparse
import json

from trainer.cli.predict import model_folder
from trainer.explanation import Explanation
from trainer.terminal import terminal_line
from trainer.text_format import percent


def explain(options: argparse.Namespace) -> int:
    """Print how much each word of a text speaks for a class."""
    from trainer.trained_models import explain_with_folder

    explanation = explain_with_folder(model_folder(options.model), options.text, options.label)
    print(json.dumps(explanation.to_dict()) if options.json else _explanation_text(explanation))
    return 0


def _explanation_text(explanation: Explanation) -> str:
    """A line with the prediction, and one for each word, the strongest first."""
    lines = [terminal_line(explanation.prediction.text)]
    if explanation.decided is None:
        return "\n".join([*lines, f"  {explanation.problem}"])
    probabilities = dict(zip(explanation.label_names, explanation.prediction.probabilities.tolist(), strict=True))
    lines.append(f"  predicted: {_with_probability(explanation.decided, probabilities)}")
    if explanation.label != explanation.decided:
        lines.append(f"  explained: {_with_probability(explanation.label, probabilities)}")
    if explanation.attribution is None:
        return "\n".join([*lines, f"  {explanation.problem}"])
    attribution = explanation.attribution
    words = sorted((word for word in attribution.words if word.read), key=lambda word: -abs(word.value))
    lines += [f"  {word.value:+8.3f}  {terminal_line(attribution.text[word.start : word.end])}" for word in words]
    n_unread = sum(not word.read for word in attribution.words)
    return "\n".join([*lines, f"  {n_unread:,} more words were not read: the text is too long"] if n_unread else lines)


def _with_probability(label: str, probabilities: dict[str, float]) -> str:
    return f"{terminal_line(label)} ({percent(probabilities[label])})"
