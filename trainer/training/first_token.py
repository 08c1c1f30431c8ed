"""Computes of a classifier's last layer only the first token, which is all that its head reads: the same answers with a seventh less to compute.

For inference alone. The layers before it need every token, and their keys and values are those of every token in the last layer too.
"""

import copy
from typing import Any

import torch
from torch import nn

_READ_FIRST_TOKEN = (
    "BertForSequenceClassification",
    "ElectraForSequenceClassification",
    "RobertaForSequenceClassification",
    "XLMRobertaForSequenceClassification",
)
"""Classifiers of transformers with BERT's layers, the head of which reads the first token and nothing else."""


def compute_first_token_alone(model: nn.Module) -> bool:
    """Change a classifier, in place, so that its last layer computes the first token alone; returns whether it is of a kind for which that is right."""
    if type(model).__name__ not in _READ_FIRST_TOKEN:
        return False
    layers = model.base_model.encoder.layer
    layers[-1] = _FirstTokenLayer(layers[-1])
    return True


def with_first_token_alone(model: nn.Module) -> nn.Module:
    """A copy for inference that shares its weights with the classifier, and computes the first token alone where that is right."""
    shared = copy.deepcopy(model, {id(weight): weight for weight in model.parameters()})
    compute_first_token_alone(shared)
    return shared.eval()


class _FirstTokenLayer(nn.Module):
    """A layer of BERT: hidden states (n, tokens, size) -> (n, 1, size)."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self._layer = layer

    def forward(self, hidden_states: torch.Tensor, attention_mask: torch.Tensor | None = None, *_: Any, **__: Any) -> torch.Tensor:
        layer, first = self._layer, hidden_states[:, :1]
        attention = layer.attention.self
        shape = (hidden_states.shape[0], -1, attention.num_attention_heads, attention.attention_head_size)
        query, key, value = (
            project(tokens).view(shape).transpose(1, 2)
            for project, tokens in ((attention.query, first), (attention.key, hidden_states), (attention.value, hidden_states))
        )
        mask = None if attention_mask is None else attention_mask[..., :1, :]
        context = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, scale=attention.scaling)
        return layer.feed_forward_chunk(layer.attention.output(context.transpose(1, 2).reshape(first.shape[0], 1, -1), first))
