"""The training loss: scikit-learn's weights, torch's smoothing, and the same over one batch as over its pieces."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from trainer.data.task import SINGLE_LABEL
from trainer.recipe import Recipe
from trainer.training.losses import TRAINING_TASKS, TrainingLoss, balanced_weights, training_loss

LABELS = [0, 0, 0, 0, 0, 1, 1, 2]


def test_balanced_weights_are_scikit_learns() -> None:
    assert balanced_weights(LABELS, 3) == pytest.approx(compute_class_weight("balanced", classes=np.arange(3), y=LABELS))
    assert np.mean([balanced_weights(LABELS, 3)[label] for label in LABELS]) == pytest.approx(1)
    assert balanced_weights([0, 2, 2], 4) == (1.5, 1.0, 0.75, 1.0)


def test_the_pieces_of_a_step_add_up_to_it() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(8, 3), torch.tensor(LABELS)
    for loss in (TrainingLoss(None, 0.0), TrainingLoss(torch.tensor(balanced_weights(LABELS, 3)), 0.1)):
        whole = loss(logits, labels, texts=8)
        pieces = sum(loss(logits[part], labels[part], texts=8) for part in (slice(0, 3), slice(3, 6), slice(6, 8)))
        assert pieces.item() == pytest.approx(whole.item(), rel=1e-6)
    plain = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.2)
    assert TrainingLoss(None, 0.2)(logits, labels, texts=8).item() == pytest.approx(plain.item(), rel=1e-6)


def test_the_plain_loss_is_the_models_own() -> None:
    assert training_loss(Recipe(label_smoothing=0.0), LABELS, 3) is None
    assert training_loss(Recipe(class_weights="balanced"), LABELS, 3).weights.tolist() == pytest.approx(balanced_weights(LABELS, 3))
    smoothed, accumulated = (
        training_loss(Recipe(**s), LABELS, 3) for s in ({"label_smoothing": 0.1}, {"label_smoothing": 0.0, "gradient_accumulation": 2})
    )
    assert (smoothed.weights, smoothed.smoothing) == (None, 0.1)
    assert (accumulated.weights, accumulated.smoothing) == (None, 0.0)


def test_on_tensors_a_task_means_what_it_means_in_numpy() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(40, 3), torch.randint(0, 3, (40,))
    task, training = SINGLE_LABEL, TRAINING_TASKS[SINGLE_LABEL.key]
    probabilities = task.probabilities(logits.numpy())
    assert training.count_right(logits, labels).item() == (task.decide(probabilities) == labels.numpy()).sum()
    expected = -np.log(probabilities[np.arange(40), labels]).sum()
    assert training.loss(logits, labels, reduction="sum").item() == pytest.approx(expected, rel=1e-5)
    assert training.loss(logits, labels, reduction="mean").item() == pytest.approx(expected / 40, rel=1e-5)
