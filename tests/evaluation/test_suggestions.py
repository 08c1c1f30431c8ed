"""What would help a model, and that nothing is suggested without evidence."""

import numpy as np
import pytest

from trainer.evaluation.suggestions import Evidence, suggest


def evidence(cut_right: int, cut_rows: int, whole_right: int, whole_rows: int) -> Evidence:
    """Validation rows of which the first are cut; the model is right on so many of each kind."""
    right = np.concatenate([np.arange(cut_rows) < cut_right, np.arange(whole_rows) < whole_right])
    labels = np.arange(len(right)) % 2
    predicted = np.where(right, labels, 1 - labels)
    return Evidence(
        labels=labels,
        predicted=predicted,
        confidence=np.full(len(right), 0.6),
        cut=np.arange(len(right)) < cut_rows,
        train_counts=np.array([200, 200]),
        train_cut=0.2,
        max_length=64,
        longer=128,
        curve=None,
        label_names=("a", "b"),
    )


@pytest.mark.parametrize(("cut_right", "suggested"), [(10, True), (14, False), (17, False), (19, False)])
def test_a_larger_length_is_suggested_only_if_cut_texts_are_surely_harder(cut_right: int, suggested: bool) -> None:
    # 14 of 20 could well be 85 % too: its interval ends at 0.855.
    found = [suggestion.code for suggestion in suggest(evidence(cut_right, 20, 68, 80))]
    assert ("raise_length" in found) is suggested
