"""The method contrastive: the encoder brings texts of a class together, and the head is a linear model on what it then makes of them."""

import itertools

import numpy as np
import pytest
import torch

from tests.training.test_recipe_settings import Train, events
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.data.task import SINGLE_LABEL
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training import trainer as training
from trainer.training.contrastive import ContrastiveLoss, contrastive_loss, paired_order
from trainer.training.predictor import Predictor

LABELS = torch.tensor([0, 0, 1, 1, 1, 2])


def by_hand(vectors: torch.Tensor, labels: torch.Tensor) -> list[float]:
    """The formula of Khosla et al. 2020, text by text."""
    vectors = vectors / vectors.norm(dim=1, keepdim=True)
    losses = []
    for i, label in enumerate(labels):
        others = [j for j in range(len(labels)) if j != i]
        positives = [j for j in others if labels[j] == label]
        total = sum(torch.exp(vectors[i] @ vectors[j] / 0.1) for j in others)
        losses.append(-sum(float(torch.log(torch.exp(vectors[i] @ vectors[j] / 0.1) / total)) for j in positives) / max(1, len(positives)))
    return losses


def test_the_loss_is_that_of_the_paper() -> None:
    vectors = torch.randn(6, 8, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = by_hand(vectors, LABELS)
    assert expected[-1] == 0  # alone in its class
    assert ContrastiveLoss(None)(vectors, LABELS, texts=6).item() == pytest.approx(sum(expected) / 6, rel=1e-5)
    weighted = ContrastiveLoss(torch.tensor([2.0, 1.0, 5.0]))(vectors, LABELS, texts=12).item()
    assert weighted == pytest.approx(sum(loss * weight for loss, weight in zip(expected, [2, 2, 1, 1, 1, 5], strict=True)) / 12, rel=1e-5)


def test_a_batch_without_a_pair_has_a_gradient_of_zero() -> None:
    for labels in (torch.tensor([0]), torch.tensor([0, 1, 2])):
        vectors = torch.randn(len(labels), 8).requires_grad_()
        loss = ContrastiveLoss(None)(vectors, labels, texts=len(labels))
        loss.backward()
        assert loss.item() == 0
        assert (vectors.grad == 0).all()


def test_rare_classes_count_for_more_if_the_recipe_says_so() -> None:
    labels = np.array([0, 0, 0, 1])
    assert contrastive_loss(Recipe(), labels, 2, SINGLE_LABEL).weights is None
    assert contrastive_loss(Recipe(class_weights="balanced"), labels, 2, SINGLE_LABEL).weights.tolist() == pytest.approx([2 / 3, 2])


def test_texts_of_a_class_come_in_twos_and_threes() -> None:
    labels = np.random.default_rng(4).permutation([0] * 9 + [1] * 6 + [2] + [3] * 2)
    order = paired_order(labels, seed=1, epoch=0)
    assert sorted(order) == list(range(len(labels)))
    lengths = [len(list(group)) for label, group in itertools.groupby(labels[order]) if label != 2]
    assert min(lengths) >= 2
    assert (order == paired_order(labels, seed=1, epoch=0)).all()
    assert (order != paired_order(labels, seed=1, epoch=1)).any()
    assert (order != paired_order(labels, seed=2, epoch=0)).any()


def test_the_head_is_fitted_before_each_evaluation_and_the_folder_is_standard(
    trained_with: Train, material: tuple[Corpus, Splits], monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import pipeline

    fitted, refit = [], training.refit_head
    monkeypatch.setattr(training, "refit_head", lambda model, *rows, **options: fitted.append(model) or refit(model, *rows, **options))
    run, result = trained_with(method="contrastive", epochs=3, learning_rate=1e-3)
    (started,), evaluations, logs = (events(run, name) for name in ("started", "eval", "log"))
    assert [e.step for e in evaluations] == [0, *started.epoch_steps]
    assert len(fitted) == 3
    # No gradient reaches the head.
    assert started.parameters - started.trainable_parameters >= 3 * 32 + 3
    assert all(event.train_objective != event.loss for event in logs)
    assert logs[-1].train_objective < logs[0].train_objective
    scores = {e.step: e.macro_f1 for e in evaluations}
    assert scores[result.best_step] >= scores[0]
    texts = [material[0].texts[i] for i in material[1].test]
    ours = Predictor(run.model).probabilities(texts)
    classify = pipeline("text-classification", model=str(run.model), top_k=None)
    for text, row in zip(texts[:5], ours, strict=False):
        said = {result["label"]: result["score"] for result in classify([text], truncation=True)[0]}
        assert [said[name] for name in material[0].label_names] == pytest.approx(row.tolist(), abs=1e-5)


def test_a_stop_while_the_head_is_fitted_keeps_the_model_before(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.jobs.train.run_training import RunReporter

    refit = training.refit_head

    def stopping(*args: object, **options: object) -> bool:
        monkeypatch.setattr(RunReporter, "is_stop_requested", lambda self: True)
        return refit(*args, **options)

    monkeypatch.setattr(training, "refit_head", stopping)
    run, result = trained_with(method="contrastive", epochs=3)
    assert (result.stopped, result.best_step) == (True, 0)
    assert [e.step for e in events(run, "eval")] == [0]
    assert (run.model / "model.safetensors").is_file()


@pytest.mark.parametrize("settings", [{"pooling": "cls"}, {"head": "mlp"}, {"frozen_epochs": 1}], ids=str)
def test_what_it_cannot_be_combined_with(settings: dict) -> None:
    with pytest.raises(UserError, match="contrastive"):
        Recipe(method="contrastive", **settings)
