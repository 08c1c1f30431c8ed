"""The layers on top of an encoder that are ours, and the classifier made of an encoder, a pooling and one of them.

For what no architecture of transformers has; what it has, it builds (see classifier.py).
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput


class LinearHead(nn.Module):
    """Dropout, Linear, on the first of the vectors it is given."""

    def __init__(self, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(width, classes)

    def forward(self, features: torch.Tensor, **_: Any) -> torch.Tensor:
        """(n, tokens, width) -> logits (n, classes)."""
        return self.out_proj(self.dropout(features[:, 0]))


class MlpHead(nn.Module):
    """Linear, GELU, Dropout, Linear, on the first of the vectors it is given.

    The names of the weights are those of Electra's head, so that it can be saved as one; that has another dropout before its first
    layer, which plays no part once the model is trained.
    """

    def __init__(self, width: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(width, width)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(width, classes)

    def forward(self, features: torch.Tensor, **_: Any) -> torch.Tensor:
        """(n, tokens, width) -> logits (n, classes)."""
        return self.out_proj(self.dropout(nn.functional.gelu(self.dense(features[:, 0]))))


HEADS: dict[str, type[LinearHead] | type[MlpHead]] = {"linear": LinearHead, "mlp": MlpHead}


def build_head(kind: str, config: Any, dropout: float | None) -> LinearHead | MlpHead:
    """A fresh head for an encoder of this config, drawn as the encoder's own would be: normal weights, no bias."""
    made = HEADS[kind](config.hidden_size, config.num_labels, default_dropout(config) if dropout is None else dropout)
    for layer in made.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=getattr(config, "initializer_range", 0.02))
            nn.init.zeros_(layer.bias)
    return made


def default_dropout(config: Any) -> float:
    """The dropout that the encoder's own head would have."""
    for name in ("classifier_dropout", "seq_classif_dropout", "hidden_dropout_prob"):
        value = getattr(config, name, None)
        if value is not None:
            return float(value)
    return 0.1


def pool(tokens: torch.Tensor, attention_mask: torch.Tensor, pooling: str) -> torch.Tensor:
    """(n, tokens, width) -> (n, width): the first token, or the mean of those that are text and not padding."""
    if pooling == "cls":
        return tokens[:, 0]
    mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
    return (tokens * mask).sum(1) / mask.sum(1).clamp(min=1)


class PooledClassifier(nn.Module):
    """An encoder, a pooling and a head of ours; called as a classifier of transformers is."""

    def __init__(self, encoder: PreTrainedModel, *, head: str, pooling: str, dropout: float | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.head_kind = head
        self.pooling = pooling
        self.config = encoder.config
        self.head = build_head(head, self.config, dropout)
        pooler = getattr(encoder, "pooler", None)
        if isinstance(pooler, nn.Module):
            # Not used here; it stays in the folder, which is then a whole encoder.
            pooler.requires_grad_(False)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Token ids (n, tokens) -> logits (n, classes), and the mean cross-entropy where there are labels (n,)."""
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **types).last_hidden_state
        logits = self.head(pool(tokens, attention_mask, self.pooling).unsqueeze(1))
        loss = None if labels is None else nn.functional.cross_entropy(logits, labels)
        return SequenceClassifierOutput(loss=loss, logits=logits)
