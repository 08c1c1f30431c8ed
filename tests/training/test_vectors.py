"""Vectors of texts: held against what the last layer really reads, for each architecture."""

from pathlib import Path

import numpy as np
import pytest
from torch import nn

from tests.training.test_attributions import COMBINATIONS, model_of
from tests.training.tiny_encoders import tiny
from trainer.errors import UserError
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.vectors import pooled_vectors, vector_size

TEXTS = ["they laugh and dance today, but cry alone", "so unfair", "happy happy happy"]


@pytest.mark.parametrize(("family", "settings"), COMBINATIONS)
def test_the_last_layer_makes_the_logits_of_them(family: str, settings: dict[str, object], tmp_path: Path) -> None:
    encoder = tiny(family, tmp_path)
    model, tokenizer = model_of(encoder, **settings), load_tokenizer(encoder, max_length=32)
    batch = tokenizer(TEXTS, padding=True, return_tensors="pt")
    vectors, logits = pooled_vectors(model, batch), model(**batch).logits
    assert vectors.shape == (3, vector_size(model))
    np.testing.assert_allclose(vectors.norm(dim=-1), 1, atol=1e-5)
    # Logits are a length times the vector through the layer: the length that fits best leaves nothing over.
    layer = next(m for m in reversed(list(model.modules())) if isinstance(m, nn.Linear) and m.out_features == 3)
    directions, target = vectors @ layer.weight.T, logits - layer.bias
    length = (directions * target).sum(-1, keepdim=True) / (directions**2).sum(-1, keepdim=True)
    np.testing.assert_allclose(length * directions, target, atol=1e-4)
    assert (length > 0).all()
    assert not layer._forward_pre_hooks


def test_a_model_without_such_a_layer_says_so(tmp_path: Path) -> None:
    model = model_of(tiny("bert", tmp_path))
    model.classifier = nn.Sequential(nn.Dropout(0.1))
    with pytest.raises(UserError) as refused:
        vector_size(model)
    assert refused.value.code == "no_vectors"
