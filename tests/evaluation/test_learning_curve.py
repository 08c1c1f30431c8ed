"""What more rows would bring, by a cheap model."""

import numpy as np

from trainer.evaluation.learning_curve import learning_curve

LABELS = np.arange(80) % 2


def test_texts_without_words_have_no_curve() -> None:
    emoji = ["😀" if label else "😡" for label in LABELS]
    assert learning_curve((emoji, LABELS), (emoji, LABELS), 2) is None
    # Nor have those of which a drawn quarter has none.
    few_words = ["good", *emoji[1:]]
    assert learning_curve((few_words, LABELS), (emoji, LABELS), 2) is None


def test_texts_with_words_have_a_curve() -> None:
    texts = ["good" if label else "bad" for label in LABELS]
    curve = learning_curve((texts, LABELS), (texts, LABELS), 2)
    assert curve is not None
    assert [(step.rows, step.draws, step.accuracy.value) for step in curve.steps] == [(20, 4, 1.0), (40, 2, 1.0), (80, 1, 1.0)]
