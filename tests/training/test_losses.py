"""The training loss: scikit-learn's weights, torch's smoothing, and the same over one batch as over its pieces."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, Task
from trainer.recipe import Recipe
from trainer.training.linear_fits import balanced_positive_weights
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


@pytest.mark.parametrize("task", [SINGLE_LABEL, SEVERAL_LABELS], ids=lambda task: task.key)
def test_a_part_of_each_target_is_the_teachers(task: Task) -> None:
    torch.manual_seed(0)
    logits, weights = torch.randn(8, 3), torch.tensor([0.5, 1.0, 2.0])
    if task is SINGLE_LABEL:
        labels, teacher = torch.tensor(LABELS), torch.rand(8, 3).softmax(-1)
        targets = 0.7 * (0.9 * torch.nn.functional.one_hot(labels).float() + 0.1 / 3) + 0.3 * teacher
        wanted = torch.nn.functional.cross_entropy(logits, targets, weight=weights, reduction="sum") / 8
    else:
        labels, teacher = several(8), torch.rand(8, 3)
        targets = 0.7 * (0.9 * labels + 0.1 * labels.mean(-1, keepdim=True)) + 0.3 * teacher
        wanted = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=weights)
    loss = TrainingLoss(weights, 0.1, task, distillation=0.3)
    assert loss(logits, labels, texts=8, teacher=teacher).item() == pytest.approx(wanted.item(), rel=1e-5)
    assert not loss.is_plain
    pieces = sum(loss(logits[part], labels[part], texts=8, teacher=teacher[part]) for part in (slice(0, 3), slice(3, 8)))
    assert pieces.item() == pytest.approx(wanted.item(), rel=1e-5)
    # Without a teacher the labels alone count.
    assert loss(logits, labels, texts=8).item() == pytest.approx(TrainingLoss(weights, 0.1, task)(logits, labels, texts=8).item())


def test_the_plain_loss_is_the_models_own() -> None:
    assert training_loss(Recipe(label_smoothing=0.0), LABELS, 3) is None
    assert training_loss(Recipe(class_weights="balanced"), LABELS, 3).weights.tolist() == pytest.approx(balanced_weights(LABELS, 3))
    smoothed, accumulated = (
        training_loss(Recipe(**s), LABELS, 3) for s in ({"label_smoothing": 0.1}, {"label_smoothing": 0.0, "gradient_accumulation": 2})
    )
    assert training_loss(Recipe(label_smoothing=0.0, distillation=0.3), LABELS, 3).distillation == 0.3
    assert (smoothed.weights, smoothed.smoothing) == (None, 0.1)
    assert (accumulated.weights, accumulated.smoothing) == (None, 0.0)


def several(rows: int = 40, classes: int = 3) -> torch.Tensor:
    return (torch.rand(rows, classes) < 0.4).float()


def test_with_several_labels_the_pieces_of_a_step_add_up_to_it_too() -> None:
    torch.manual_seed(0)
    logits, labels = torch.randn(8, 3), several(8)
    loss = TrainingLoss(torch.tensor([1.0, 2.0, 3.0]), 0.1, SEVERAL_LABELS)
    whole = loss(logits, labels, texts=8)
    pieces = sum(loss(logits[part], labels[part], texts=8) for part in (slice(0, 3), slice(3, 6), slice(6, 8)))
    assert pieces.item() == pytest.approx(whole.item(), rel=1e-6)
    # Each text keeps as many labels as it has, some of each spread over all.
    targets = 0.9 * labels + 0.1 * labels.mean(-1, keepdim=True)
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, targets, pos_weight=torch.tensor([1.0, 2.0, 3.0]))
    assert whole.item() == pytest.approx(plain.item(), rel=1e-6)


def test_weights_of_positives_are_capped() -> None:
    labels = np.zeros((1000, 4), dtype=np.int64)
    for label_id, rows in enumerate((900, 200, 1, 0)):
        labels[:rows, label_id] = 1
    assert balanced_positive_weights(labels, 4) == pytest.approx((1.0, 2.0, 10.0, 10.0))


@pytest.mark.parametrize("task", [SINGLE_LABEL, SEVERAL_LABELS], ids=lambda task: task.name)
def test_on_tensors_a_task_means_what_it_means_in_numpy(task: Task) -> None:
    torch.manual_seed(0)
    logits, training = torch.randn(40, 3), TRAINING_TASKS[task.key]
    labels = torch.randint(0, 3, (40,)) if task is SINGLE_LABEL else several()
    probabilities = task.probabilities(logits.numpy())
    assert training.count_right(logits, labels).item() == task.right(labels.numpy(), task.decide(probabilities)).sum()
    if task is SINGLE_LABEL:
        expected = -np.log(probabilities[np.arange(40), labels])
    else:
        expected = -np.log(np.where(labels.numpy() > 0, probabilities, 1 - probabilities)).mean(axis=1)
    assert training.loss(logits, labels, reduction="none").numpy() == pytest.approx(expected, rel=1e-4)
    assert training.loss(logits, labels, reduction="sum").item() == pytest.approx(expected.sum(), rel=1e-5)
    assert training.loss(logits, labels, reduction="mean").item() == pytest.approx(expected.mean(), rel=1e-5)
    assert training.log_probability(logits, 1).numpy() == pytest.approx(np.log(probabilities[:, 1]), rel=1e-4)
