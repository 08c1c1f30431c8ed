"""The weights and settings of encoders with BERT's architecture, under BERT's names.

BERT's, ELECTRA's and RoBERTa's layers have the same weights under the same names; DistilBERT has other names and no token types, RoBERTa
counts positions from its padding id, and ELECTRA may have embeddings of a smaller size, projected by a layer that BERT lacks.
"""

import re
from collections.abc import Mapping
from typing import Any

import torch

_DISTILBERT_NAMES = (
    (r"^transformer\.", "encoder."),
    (r"\.attention\.q_lin\.", ".attention.self.query."),
    (r"\.attention\.k_lin\.", ".attention.self.key."),
    (r"\.attention\.v_lin\.", ".attention.self.value."),
    (r"\.attention\.out_lin\.", ".attention.output.dense."),
    (r"\.sa_layer_norm\.", ".attention.output.LayerNorm."),
    (r"\.ffn\.lin1\.", ".intermediate.dense."),
    (r"\.ffn\.lin2\.", ".output.dense."),
    (r"\.output_layer_norm\.", ".output.LayerNorm."),
)
_POSITIONS = "embeddings.position_embeddings.weight"
_TOKEN_TYPES = "embeddings.token_type_embeddings.weight"
_WITH_POSITION_OFFSET = frozenset({"roberta", "xlm-roberta", "camembert"})
_SUPPORTED = frozenset({"bert", "electra", "distilbert"}) | _WITH_POSITION_OFFSET


def has_bert_architecture(config: Any) -> bool:
    """Whether an encoder of this config computes what BERT, or ELECTRA, computes with the same weights."""
    unusual = getattr(config, "is_decoder", False) or getattr(config, "sinusoidal_pos_embds", False)
    return config.model_type in _SUPPORTED and not unusual


def bert_weights(config: Any, state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights ``state`` of an encoder of this config under BERT's names, without a pooler; for right-padded batches."""
    weights = {}
    for name, tensor in state.items():
        if name.startswith("pooler."):
            continue
        if config.model_type == "distilbert":
            for pattern, replacement in _DISTILBERT_NAMES:
                name = re.sub(pattern, replacement, name)
        weights[name] = tensor
    if config.model_type in _WITH_POSITION_OFFSET:
        weights[_POSITIONS] = weights[_POSITIONS][config.pad_token_id + 1 :].clone()
    if _TOKEN_TYPES not in weights:
        weights[_TOKEN_TYPES] = torch.zeros(1, weights[_POSITIONS].shape[1])
    return weights


def bert_settings(config: Any, weights: Mapping[str, torch.Tensor]) -> dict[str, Any]:
    """The settings of a BERT or an ELECTRA with these weights, by the names of their configs."""
    distilbert = config.model_type == "distilbert"
    return {
        "vocab_size": config.vocab_size,
        "embedding_size": weights[_POSITIONS].shape[1],
        "hidden_size": config.hidden_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "intermediate_size": config.hidden_dim if distilbert else config.intermediate_size,
        "hidden_act": config.activation if distilbert else config.hidden_act,
        "hidden_dropout_prob": config.dropout if distilbert else config.hidden_dropout_prob,
        "attention_probs_dropout_prob": config.attention_dropout if distilbert else config.attention_probs_dropout_prob,
        "layer_norm_eps": layer_norm_eps(config),
        "max_position_embeddings": weights[_POSITIONS].shape[0],
        "type_vocab_size": weights[_TOKEN_TYPES].shape[0],
        "initializer_range": config.initializer_range,
        "pad_token_id": config.pad_token_id,
        "id2label": config.id2label,
        "label2id": config.label2id,
        "problem_type": config.problem_type,
    }


def layer_norm_eps(config: Any) -> float:
    """The epsilon of an encoder's layer normalisations; DistilBERT's is fixed."""
    return getattr(config, "layer_norm_eps", 1e-12)
