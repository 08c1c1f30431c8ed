"""What the config of a model says of its answers is what it then answers."""

from pathlib import Path

import numpy as np
import pytest

from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.training.answers import read_answers
from trainer.training.predictor import Prediction

NAMES = ("joy", "love", "fear")
CONFIG = {"id2label": dict(enumerate(NAMES)), "problem_type": SEVERAL_LABELS.key, "label_cuts": [0.2, 0.4, 0.8]}


def said(config: dict, probabilities: list[float]) -> tuple[object, bool]:
    answers = read_answers(Path("model"), config)
    prediction = Prediction("a text", False, np.array(probabilities, np.float32), 3, 3, False, "", answers.answering, answers.answer_from)
    values = prediction.to_dict(answers.label_names)
    return values["label"], values.get("unsure", False)


@pytest.mark.parametrize(
    ("probabilities", "without", "with_a_promise"),
    [
        ([0.9, 0.5, 0.1], ("joy, love", False), ("joy", False)),
        ([0.5, 0.3, 0.1], ("joy", False), (None, True)),
        ([0.1, 0.1, 0.7], ("", False), ("", False)),
        ([0.1, 0.1, 0.9], ("fear", False), ("fear", False)),
    ],
)
def test_a_model_that_promises_something_says_no_less_probable_label(
    probabilities: list[float], without: tuple[str, bool], with_a_promise: tuple[object, bool]
) -> None:
    assert said(CONFIG, probabilities) == without
    assert said(CONFIG | {"abstain_below": 0.6}, probabilities) == with_a_promise


def test_its_results_are_scored_with_its_own_cuts() -> None:
    answers = read_answers(Path("model"), CONFIG | {"abstain_below": 0.6})
    assert answers.task.cuts == (0.2, 0.4, 0.8)
    assert answers.answering.cuts == (0.6, 0.6, 0.8)
    single = read_answers(Path("model"), {"id2label": dict(enumerate(NAMES)), "abstain_below": 0.6})
    assert single.answering is single.task is SINGLE_LABEL
