"""Encoders with BERT's architecture as ELECTRA, whose standard head is Linear, GELU, Dropout, Linear: so an MLP head loads without our code.

ELECTRA's discriminator (Clark et al. 2020) is BERT's encoder without its pooler; with embeddings of the hidden size the weights are the
same under the same names. DistilBERT has no token types, and RoBERTa counts positions from its padding id.
"""

import re

import torch
from transformers import ElectraConfig, ElectraForSequenceClassification, PreTrainedModel

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


def as_electra(model: PreTrainedModel) -> ElectraForSequenceClassification | None:
    """A classifier with the model's weights and a fresh head; None if the model has another architecture.

    Expects right-padded batches, as the tokenizers of these encoders make them.
    """
    config = model.config
    if config.model_type not in _SUPPORTED or getattr(config, "is_decoder", False) or getattr(config, "sinusoidal_pos_embds", False):
        return None
    weights = _electra_weights(model)
    electra = ElectraForSequenceClassification(_electra_config(config, weights))
    electra.electra.load_state_dict(weights)
    return electra


def _electra_weights(model: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The model's weights under ELECTRA's names."""
    config, weights = model.config, {}
    for name, tensor in model.state_dict().items():
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


def _electra_config(config: object, weights: dict[str, torch.Tensor]) -> ElectraConfig:
    distilbert = config.model_type == "distilbert"
    return ElectraConfig(
        vocab_size=config.vocab_size,
        embedding_size=weights[_POSITIONS].shape[1],
        hidden_size=config.hidden_size,
        num_hidden_layers=config.num_hidden_layers,
        num_attention_heads=config.num_attention_heads,
        intermediate_size=config.hidden_dim if distilbert else config.intermediate_size,
        hidden_act=config.activation if distilbert else config.hidden_act,
        hidden_dropout_prob=config.dropout if distilbert else config.hidden_dropout_prob,
        attention_probs_dropout_prob=config.attention_dropout if distilbert else config.attention_probs_dropout_prob,
        layer_norm_eps=1e-12 if distilbert else config.layer_norm_eps,
        max_position_embeddings=weights[_POSITIONS].shape[0],
        type_vocab_size=weights[_TOKEN_TYPES].shape[0],
        initializer_range=config.initializer_range,
        pad_token_id=config.pad_token_id,
        id2label=config.id2label,
        label2id=config.label2id,
        problem_type=config.problem_type,
    )
