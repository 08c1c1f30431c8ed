"""Parameter groups: every weight that learns in one of them, at the rate that the recipe gives its layer."""

from pathlib import Path

import pytest

from tests.training.tiny_encoders import TINY, tiny
from trainer.recipe import Recipe
from trainer.training.classifier import build_classifier
from trainer.training.optimizer import EncoderFreezer, parameter_groups

RECIPE = Recipe(epochs=2, batch_size=8, learning_rate=1e-3, layer_decay=1.0, weight_decay=0.1)


def rates(model: object, recipe: Recipe) -> dict[str, tuple[float, float]]:
    """Each weight's learning rate and decay, by its name."""
    decaying = {n for n, p in model.named_parameters() if p.ndim > 1}
    names = {id(p): n for n, p in model.named_parameters()}
    groups = parameter_groups(model, recipe, decaying=decaying)
    named_rates = [(names[id(p)], (group["lr"], group["weight_decay"])) for group in groups for p in group["params"]]
    assert len(named_rates) == len(dict(named_rates))
    return dict(named_rates)


@pytest.mark.parametrize("family", TINY)
def test_every_weight_that_learns_is_in_one_group(family: str, tmp_path: Path) -> None:
    for settings in ({}, {"head": "mlp"}, {"pooling": "mean"}, {"lora_rank": 2}, {"frozen_epochs": 2}):
        recipe = Recipe(**{**RECIPE.to_dict(), **settings})
        model = build_classifier(tiny(family, tmp_path), ("a", "b"), recipe)
        rate_of = rates(model, recipe)
        assert set(rate_of) == {n for n, p in model.named_parameters() if p.requires_grad}
        assert {rate for rate, _ in rate_of.values()} == {1e-3}
        assert {decay for _, decay in rate_of.values()} == {0.1, 0.0}


@pytest.mark.parametrize("family", ["bert", "distilbert", "roberta", "electra"])
@pytest.mark.parametrize("settings", [{}, {"head": "mlp"}, {"pooling": "mean"}], ids=str)
def test_lower_layers_learn_slower_and_the_head_as_it_is_told(family: str, settings: dict, tmp_path: Path) -> None:
    recipe = Recipe(**{**RECIPE.to_dict(), "layer_decay": 0.5, "head_learning_rate": 4e-3, **settings})
    model = build_classifier(tiny(family, tmp_path), ("a", "b"), recipe)
    for name, (rate, _) in rates(model, recipe).items():
        if "classifier" in name or "pooler" in name or name.startswith("head."):
            assert rate == 4e-3, name
        elif ".layer.1." in name:
            assert rate == 1e-3, name
        elif ".layer.0." in name:
            assert rate == 5e-4, name
        elif "embeddings_project" not in name:
            assert "embeddings" in name
            assert rate == 2.5e-4, name
    groups = parameter_groups(model, recipe, decaying=())
    # The rate that the charts show is the encoder's.
    assert groups[0]["lr"] == 1e-3


def test_freezing_follows_the_step(tmp_path: Path) -> None:
    model = build_classifier(tiny("bert", tmp_path), ("a", "b"), RECIPE)
    freezing = EncoderFreezer(model, 10)
    layer = model.bert.encoder.layer[0].output.dense.weight
    for done, learns in ((0, False), (9, False), (10, True), (11, True), (3, False)):
        freezing.apply(done)
        assert layer.requires_grad == learns
        assert model.classifier.weight.requires_grad
        assert model.bert.pooler.dense.weight.requires_grad
    EncoderFreezer(model, 0).apply(0)
    assert not layer.requires_grad
