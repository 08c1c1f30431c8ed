"""A last layer that computes the first token alone gives the answers of the whole one."""

from pathlib import Path

import pytest
import torch

from tests.training.tiny_encoders import tiny
from trainer.recipe import Recipe
from trainer.training.classifier import build_classifier, load_saved_classifier, save_classifier
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.first_token import compute_first_token_alone, with_first_token_alone


@pytest.mark.parametrize("attention", ["eager", "sdpa"])
@pytest.mark.parametrize(
    ("family", "options"),
    [
        ("bert", {}),
        ("bert", {"pooling": "mean"}),
        ("bert", {"pooling": "mean", "head": "mlp"}),
        ("roberta", {}),
        ("electra", {"head": "mlp"}),
    ],
    ids=str,
)
def test_the_first_token_alone_gives_the_same_logits(tmp_path: Path, family: str, options: dict, attention: str) -> None:
    encoder, folder = tiny(family, tmp_path), tmp_path / "model"
    recipe = Recipe(**options).resolved(train_rows=100, learning_rate=1e-3, classes=3, pooling=options.get("pooling", "cls"))
    save_classifier(build_classifier(encoder, ("joy", "sadness", "anger"), recipe), folder)
    model = load_saved_classifier(folder).eval()
    model.base_model.set_attn_implementation(attention)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in model.classifier.parameters():
            parameter.add_(torch.randn_like(parameter))
    batch = load_tokenizer(encoder, max_length=24)(["so happy", "we cry and cry at home", "rage"], padding=True, return_tensors="pt")
    sizes: list[torch.Size] = []
    with torch.inference_mode():
        expected = model(**batch).logits
        assert compute_first_token_alone(model)
        model.base_model.encoder.layer[-1].register_forward_hook(lambda *made: sizes.append(made[2].shape))
        assert model(**batch).logits == pytest.approx(expected.numpy(), abs=1e-5)
    assert [size[1] for size in sizes] == [1]
    assert expected.std(dim=0).max() > 1e-2


@pytest.mark.parametrize(("family", "pooling"), [("distilbert", "cls"), ("roberta", "mean"), ("albert", "cls")])
def test_other_models_stay_as_they_are(tmp_path: Path, family: str, pooling: str) -> None:
    encoder = tiny(family, tmp_path)
    recipe = Recipe(pooling=pooling).resolved(train_rows=100, learning_rate=1e-3, classes=2, pooling=pooling)
    model = build_classifier(encoder, ("joy", "sadness"), recipe)
    before = str(model)
    assert not compute_first_token_alone(model)
    assert str(model) == before


def test_a_copy_shares_the_weights_and_leaves_the_classifier_as_it_is(tmp_path: Path) -> None:
    recipe = Recipe().resolved(train_rows=100, learning_rate=1e-3, classes=2, pooling="cls")
    model = build_classifier(tiny("bert", tmp_path), ("joy", "sadness"), recipe)
    before = str(model)
    copied = with_first_token_alone(model)
    assert str(model) == before != str(copied)
    assert {id(weight) for weight in copied.parameters()} == {id(weight) for weight in model.parameters()}
