"""Mean pooling, as it is trained and as it is saved: a standard classifier whose one more layer pools.

The added layer has queries and keys of zero, so that it attends to all tokens alike; its values are the tokens, its output is 1,000 times
their mean, beside which the first token, which the layer's residual connection adds, hardly counts; its feed-forward part is zero. Its first
token is then the normalized mean, which BERT's pooler and classifier read like any first token. Training computes exactly that, without the
layer (``pool``), so that what is saved gives the same probabilities.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn
from transformers import BertConfig, ElectraConfig, PreTrainedConfig

from trainer.training.bert_weights import bert_settings, bert_weights, has_bert_architecture, layer_norm_eps
from trainer.training.config_check import POOLS_IN_LAST_LAYER

_MEAN_WEIGHT = 1000.0
"""Of the mean, relative to the first token: 16-bit numbers, whose largest is 65,504, still hold it."""


def normalized_mean(tokens: torch.Tensor, attention_mask: torch.Tensor, config: Any) -> torch.Tensor:
    """(n, tokens, hidden_size) -> (n, hidden_size) in float32: the mean of the tokens that are not padding, with mean 0 and variance 1."""
    tokens, mask = tokens.float(), attention_mask.unsqueeze(-1).float()
    mean = (tokens * mask).sum(1) / mask.sum(1).clamp(min=1)
    shape, eps = (tokens.shape[-1],), layer_norm_eps(config)
    # Normalized twice, as in the layer: the second time changes next to nothing.
    return nn.functional.layer_norm(nn.functional.layer_norm(_MEAN_WEIGHT * mean + tokens[:, 0], shape, eps=eps), shape, eps=eps)


def pooler_scale(hidden_size: int) -> float:
    """The pooler's dense layer is the identity times this: it makes a normalized mean a vector of length 1."""
    return hidden_size**-0.5


def standard_form(
    config: Any, encoder_state: Mapping[str, torch.Tensor], head_state: Mapping[str, torch.Tensor], *, head: str
) -> tuple[PreTrainedConfig, dict[str, torch.Tensor]] | None:
    """Config and weights of a classifier of transformers that pools like ``normalized_mean``; None if the encoder has another architecture.

    ``head`` is "pooler" (BERT's: the classifier reads the pooler's tanh) or "mlp" (ELECTRA's).
    """
    if not has_bert_architecture(config):
        return None
    weights = bert_weights(config, encoder_state)
    if head == "pooler" and any(name.startswith("embeddings_project.") for name in weights):
        return None
    settings = bert_settings(config, weights)
    weights |= _pooling_layer(settings)
    settings["num_hidden_layers"] += 1
    if head == "mlp":
        standard, prefix = ElectraConfig(**settings), "electra."
        named_head = {f"classifier.{name}": tensor for name, tensor in head_state.items()}
    else:
        settings.pop("embedding_size")
        standard, prefix = BertConfig(**settings), "bert."
        hidden_size = settings["hidden_size"]
        weights["pooler.dense.weight"] = pooler_scale(hidden_size) * torch.eye(hidden_size)
        weights["pooler.dense.bias"] = torch.zeros(hidden_size)
        named_head = {name.replace("out_proj.", "classifier."): tensor for name, tensor in head_state.items()}
    standard.architectures = ["ElectraForSequenceClassification" if head == "mlp" else "BertForSequenceClassification"]
    standard.dtype = "float32"
    setattr(standard, POOLS_IN_LAST_LAYER, True)
    for name in _settings_of_ours(config):
        setattr(standard, name, getattr(config, name))
    return standard, {**{f"{prefix}{name}": tensor for name, tensor in weights.items()}, **named_head}


def _pooling_layer(settings: Mapping[str, Any]) -> dict[str, torch.Tensor]:
    """The weights of the layer that pools, on top of the encoder's."""
    hidden, inner = settings["hidden_size"], settings["intermediate_size"]
    one, zero = torch.eye(hidden), torch.zeros
    layer = {
        "attention.self.query": (zero(hidden, hidden), zero(hidden)),
        "attention.self.key": (zero(hidden, hidden), zero(hidden)),
        "attention.self.value": (one, zero(hidden)),
        "attention.output.dense": (_MEAN_WEIGHT * one, zero(hidden)),
        "attention.output.LayerNorm": (torch.ones(hidden), zero(hidden)),
        "intermediate.dense": (zero(inner, hidden), zero(inner)),
        "output.dense": (zero(hidden, inner), zero(hidden)),
        "output.LayerNorm": (torch.ones(hidden), zero(hidden)),
    }
    prefix = f"encoder.layer.{settings['num_hidden_layers']}."
    return {f"{prefix}{name}.{kind}": tensor for name, pair in layer.items() for kind, tensor in zip(("weight", "bias"), pair, strict=True)}


def _settings_of_ours(config: Any) -> list[str]:
    """The names of settings that a model of this kind does not have by itself, such as the repairs of texts."""
    usual = type(config)().to_dict().keys() | {"_name_or_path", "architectures", "dtype", "transformers_version"}
    return [name for name in config.to_dict() if name not in usual]


def remove_pooling_layer(model: Any) -> None:
    """Make an encoder of a saved classifier that pools in its last layer the encoder that was trained; does nothing to others.

    A pooler and a head begin anew, as those that were saved read vectors of length 1. They draw from torch's generator.
    """
    config = model.config
    if getattr(config, POOLS_IN_LAST_LAYER, False):
        delattr(config, POOLS_IN_LAST_LAYER)
        layers = model.base_model.encoder.layer
        del layers[len(layers) - 1]
        config.num_hidden_layers = len(layers)
        pooler = getattr(model.base_model, "pooler", None)
        kept = {*model.base_model.modules()} - {*(pooler.modules() if pooler is not None else ())}
        for layer in model.modules():
            if isinstance(layer, nn.Linear) and layer not in kept:
                nn.init.normal_(layer.weight, std=config.initializer_range)
                nn.init.zeros_(layer.bias)
