"""Vectors of texts: what the last layer of a fine-tuned classifier reads of them. Texts that are alike to the model have vectors that point the same way.

Works for any architecture: a hook sees the input of the layer whose output is the logits.
"""

import threading
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from trainer.errors import ModelError
from trainer.training.classifier import Classifier
from trainer.training.temperature import output_layer


def vector_size(model: Classifier) -> int:
    """The length of the vectors. Raises UserError ``no_vectors`` for a model whose last layer is not linear."""
    return _last_layer(model).in_features


def pooled_vectors(model: Classifier, batch: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """The vectors of a tokenized batch, (n, size), each of length 1. The model is in evaluation mode; other threads may use it meanwhile.

    Raises UserError ``no_vectors``.
    """
    thread, seen = threading.get_ident(), []

    def see(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        if threading.get_ident() == thread:
            seen.append(arguments[0])

    handle = _last_layer(model).register_forward_pre_hook(see)
    try:
        model(**batch)
    finally:
        handle.remove()
    if not seen or seen[-1].dim() != 2:
        raise _no_vectors()
    return nn.functional.normalize(seen[-1].float(), dim=-1)


def _last_layer(model: Classifier) -> nn.Linear:
    name = output_layer(model)
    if not name:
        raise _no_vectors()
    return model.get_submodule(name)


def _no_vectors() -> ModelError:
    return ModelError(
        "This model has no last linear layer that reads one vector a text, so texts cannot be compared with it.", code="no_vectors"
    )
