"""What makes a training quicker must not change what the model is."""

import pytest
import torch
from torch import nn

from trainer.recipe import Recipe
from trainer.training.acceleration import optimize_for_device
from trainer.training.classifier import build_classifier
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware

CPU = Hardware("cpu", "fp32", 2, "2 CPU cores")
IDS = torch.tensor([[2, 5, 6, 7, 3], [2, 8, 9, 3, 0]])
MASK = (IDS > 0).long()


@pytest.mark.parametrize("settings", [{}, {"head": "mlp"}, {"pooling": "mean"}, {"lora_rank": 4}], ids=["linear", "mlp", "mean", "lora"])
def test_in_evaluation_nothing_changes(tiny_encoder: Encoder, settings: dict) -> None:
    recipe = Recipe(encoder="tiny-bert", epochs=1, batch_size=8, learning_rate=1e-3, **settings)
    torch.manual_seed(1)
    model = build_classifier(tiny_encoder, ("a", "b", "c"), recipe).eval()
    logits = model(input_ids=IDS, attention_mask=MASK)["logits"]
    source = optimize_for_device(model, CPU, seed=1)
    assert torch.allclose(model.eval()(input_ids=IDS, attention_mask=MASK)["logits"], logits, atol=1e-6)
    model.train()
    source.begin(3)
    first = model(input_ids=IDS, attention_mask=MASK)["logits"]
    assert not torch.allclose(first, logits, atol=1e-4)
    source.begin(3)
    torch.manual_seed(99)
    assert torch.equal(model(input_ids=IDS, attention_mask=MASK)["logits"], first)


def test_attention_is_not_dropped_and_the_saved_config_is_the_encoder_s_own(tiny_encoder: Encoder) -> None:
    model = build_classifier(tiny_encoder, ("a", "b"), Recipe(encoder="tiny-bert", epochs=1, batch_size=8, learning_rate=1e-3))
    optimize_for_device(model, CPU, seed=1)
    rates = {name: module.p for name, module in model.named_modules() if isinstance(module, nn.Dropout)}
    assert {rate for name, rate in rates.items() if name.endswith("self.dropout")} == {0.0}
    assert 0.1 in rates.values()
    assert model.config.attention_probs_dropout_prob == 0.1
    assert "attn_implementation" not in str(model.config.to_dict())


def test_a_gpu_draws_its_own_masks(tiny_encoder: Encoder) -> None:
    model = build_classifier(tiny_encoder, ("a", "b"), Recipe(encoder="tiny-bert", epochs=1, batch_size=8, learning_rate=1e-3))
    assert optimize_for_device(model, Hardware("cuda", "bf16", 2, "a GPU"), seed=1) is None
    assert all(type(m) is nn.Dropout for m in model.modules() if isinstance(m, nn.Dropout))
