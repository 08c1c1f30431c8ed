"""What would help a model for several labels: each suggestion has evidence from its own rows, and none comes without."""

from dataclasses import replace

import numpy as np
import pytest

from trainer.evaluation.label_suggestions import LabelsEvidence, suggest_for_labels

ROWS = 200


def evidence() -> LabelsEvidence:
    """Three labels on every second, third and tenth row, all of which are said."""
    labels = np.stack([np.arange(ROWS) % step == 0 for step in (2, 3, 10)], axis=1).astype(np.int64)
    return LabelsEvidence(
        labels=labels,
        predicted=labels,
        probabilities=np.where(labels > 0, 0.7, 0.2),
        cut=np.zeros(ROWS, dtype=bool),
        train_counts=np.array([400, 260, 80]),
        train_cut=None,
        max_length=64,
        longer=None,
        label_names=("joy", "love", "grief"),
    )


def test_nothing_is_suggested_without_evidence_or_with_few_rows() -> None:
    assert suggest_for_labels(evidence()) == ()
    few = {name: getattr(evidence(), name)[:20] for name in ("labels", "predicted", "probabilities", "cut")}
    assert suggest_for_labels(replace(evidence(), **few)) == ()


@pytest.mark.parametrize(("missing", "surplus"), [(5, 0), (2, 3)])
def test_a_label_that_the_model_surely_contradicts_is_to_be_checked(missing: int, surplus: int) -> None:
    given = evidence()
    without, having = np.flatnonzero(given.labels[:, 1] == 0), np.flatnonzero(given.labels[:, 1])
    probabilities = given.probabilities.copy()
    probabilities[without[:missing], 1], probabilities[having[:surplus], 1] = 0.9, 0.01
    (found,) = suggest_for_labels(replace(given, probabilities=probabilities))
    assert (found.code, found.classes, found.mistakes) == ("check_pair", ("love",), 5)
    assert f"On {missing} validation rows without “love”" in found.evidence
    probabilities[without[0], 1] = probabilities[having[0], 1] = 0.5
    assert suggest_for_labels(replace(given, probabilities=probabilities)) == ()


def test_more_texts_of_a_rare_label_that_is_surely_missed_more_often_than_others() -> None:
    given = evidence()
    predicted = given.labels.copy()
    predicted[np.flatnonzero(predicted[:, 2])[:12], 2] = 0
    (found,) = suggest_for_labels(replace(given, predicted=predicted))
    assert (found.code, found.classes, found.mistakes) == ("label_more", ("grief",), 12)
    assert (
        "“grief” is on 80 training rows, half of the labels on more than 260. Of its 20 validation rows 40.0 % are found" in found.evidence
    )
    # As many of a frequent label say nothing about too few rows.
    assert suggest_for_labels(replace(given, predicted=predicted, train_counts=np.array([80, 260, 400]))) == ()


def test_a_larger_length_where_cut_texts_get_exactly_their_labels_less_often() -> None:
    given = evidence()
    cut = np.arange(ROWS) < 40
    predicted = given.labels.copy()
    predicted[:30, 0] = 1 - predicted[:30, 0]
    (found,) = suggest_for_labels(replace(given, predicted=predicted, cut=cut, train_cut=0.2, longer=128))
    assert (found.code, found.value, found.mistakes) == ("raise_length", 128, 30)
