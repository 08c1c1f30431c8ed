"""Encoders of BERT's shape as ELECTRA, whose standard head is Linear, GELU, Dropout, Linear: so an MLP head needs no code of ours to load.

ELECTRA's discriminator (Clark et al. 2020) is BERT's encoder without its pooler; with embeddings as wide as the layers the weights are
the same ones under the same names. DistilBERT has no token types, and RoBERTa counts positions from its padding id on.
"""

import re

import torch
from transformers import ElectraConfig, ElectraForSequenceClassification, PreTrainedModel

_DISTILBERT = (
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
_TYPES = "embeddings.token_type_embeddings.weight"
_OFFSET = frozenset({"roberta", "xlm-roberta", "camembert"})
_SHAPED = frozenset({"bert", "electra", "distilbert"}) | _OFFSET


def as_electra(encoder: PreTrainedModel) -> ElectraForSequenceClassification | None:
    """A classifier with this encoder's weights and a fresh head; None where the encoder has another shape.

    Expects a right-padded batch, as the tokenizers of these encoders make it.
    """
    found = encoder.config
    if found.model_type not in _SHAPED or getattr(found, "is_decoder", False) or getattr(found, "sinusoidal_pos_embds", False):
        return None
    weights = _renamed(encoder)
    model = ElectraForSequenceClassification(_config(found, weights))
    model.electra.load_state_dict(weights)
    return model


def _renamed(encoder: PreTrainedModel) -> dict[str, torch.Tensor]:
    """The encoder's weights under ELECTRA's names."""
    config, weights = encoder.config, {}
    for name, tensor in encoder.state_dict().items():
        if name.startswith("pooler."):
            continue
        if config.model_type == "distilbert":
            for theirs, ours in _DISTILBERT:
                name = re.sub(theirs, ours, name)
        weights[name] = tensor
    if config.model_type in _OFFSET:
        weights[_POSITIONS] = weights[_POSITIONS][config.pad_token_id + 1 :].clone()
    if _TYPES not in weights:
        weights[_TYPES] = torch.zeros(1, weights[_POSITIONS].shape[1])
    return weights


def _config(found: object, weights: dict[str, torch.Tensor]) -> ElectraConfig:
    distilbert = found.model_type == "distilbert"
    return ElectraConfig(
        vocab_size=found.vocab_size,
        embedding_size=weights[_POSITIONS].shape[1],
        hidden_size=found.hidden_size,
        num_hidden_layers=found.num_hidden_layers,
        num_attention_heads=found.num_attention_heads,
        intermediate_size=found.hidden_dim if distilbert else found.intermediate_size,
        hidden_act=found.activation if distilbert else found.hidden_act,
        hidden_dropout_prob=found.dropout if distilbert else found.hidden_dropout_prob,
        attention_probs_dropout_prob=found.attention_dropout if distilbert else found.attention_probs_dropout_prob,
        layer_norm_eps=1e-12 if distilbert else found.layer_norm_eps,
        max_position_embeddings=weights[_POSITIONS].shape[0],
        type_vocab_size=weights[_TYPES].shape[0],
        initializer_range=found.initializer_range,
        pad_token_id=found.pad_token_id,
        id2label=found.id2label,
        label2id=found.label2id,
        problem_type=found.problem_type,
    )
