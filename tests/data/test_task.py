"""What the labels of a text mean."""

import numpy as np
import pytest

from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, find_task, most_probable_first
from trainer.errors import UserError


def test_runs_and_models_that_name_no_task_have_one_label_a_text() -> None:
    assert find_task("single_label_classification") is find_task("") is find_task(None) is SINGLE_LABEL


def test_an_unknown_task_says_what_to_do() -> None:
    with pytest.raises(UserError, match=r"“ranking”.*Update Emotune") as error:
        find_task("ranking")
    assert error.value.code == "unknown_task"


def test_probabilities_are_those_of_the_pipeline_bit_for_bit() -> None:
    # Imported here: it takes seconds, which each process would need to collect the tests.
    from transformers.pipelines.text_classification import softmax

    logits = np.random.default_rng(0).normal(0, 4, (500, 7)).astype(np.float32)
    probabilities = SINGLE_LABEL.probabilities(logits)
    assert probabilities.dtype == np.float32
    assert np.array_equal(probabilities, softmax(logits))


@pytest.mark.filterwarnings("error")
def test_a_diverged_model_says_the_first_class() -> None:
    logits = np.array([[np.nan, 1.0], [np.inf, np.inf], [0.0, -np.inf]], dtype=np.float32)
    assert SINGLE_LABEL.decide(SINGLE_LABEL.probabilities(logits)).tolist() == [0, 0, 0]


def test_of_equally_probable_classes_the_first_is_said() -> None:
    probabilities = np.array([[0.2, 0.4, 0.4], [0.5, 0.5, 0.0]], dtype=np.float32)
    assert SINGLE_LABEL.decide(probabilities).tolist() == [1, 0]
    assert [SINGLE_LABEL.decided_name(row, ("joy", "anger", "fear")) for row in probabilities] == ["anger", "joy"]
    assert [most_probable_first(row) for row in probabilities.tolist()] == [[1, 2, 0], [0, 1, 2]]
    assert SINGLE_LABEL.decide(np.zeros((0, 3))).tolist() == []


@pytest.mark.parametrize("labels", [[0, 1, 3], [0, -1, 1], [0, 1], [0.5, 1.0, 1.0], [[0], [1], [2]]])
def test_labels_of_another_shape_or_range_are_refused(labels: list) -> None:
    SINGLE_LABEL.check_labels(np.array([0, 1, 2]), 3, 3)
    with pytest.raises(ValueError, match=r"[Ll]abel"):
        SINGLE_LABEL.check_labels(np.array(labels), 3, 3)


def test_moved_probabilities_say_by_other_cuts_what_they_said_by_theirs() -> None:
    rng = np.random.default_rng(0)
    probabilities = np.vstack([rng.random((200, 3)), [[0.0, 1.0, 0.5]]]).astype(np.float32)
    cuts, others = (0.13, 0.5, 0.81), (0.5, 0.2, 0.6)
    moved = SEVERAL_LABELS.at_cuts(probabilities, cuts, others)
    said = SEVERAL_LABELS.with_cuts(cuts).decide(probabilities)
    assert np.array_equal(SEVERAL_LABELS.with_cuts(others).decide(moved), said)
    assert np.allclose(SEVERAL_LABELS.at_cuts(moved, others, cuts), probabilities)
    assert SINGLE_LABEL.at_cuts(probabilities, (), ()) is probabilities
