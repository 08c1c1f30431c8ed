"""Our own classification heads, and the classifier of an encoder, a pooling and one of them.

For combinations that no architecture of transformers has; classifier.py uses transformers' own where there is one.
"""

from typing import Any

import torch
from torch import nn
from transformers import PreTrainedModel
from transformers.modeling_outputs import SequenceClassifierOutput

from trainer.data.task import find_task
from trainer.training.losses import TRAINING_TASKS
from trainer.training.mean_pooling import normalized_mean, pooler_scale


class LinearHead(nn.Module):
    """Dropout, Linear, on the first of the given vectors."""

    def __init__(self, hidden_size: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(hidden_size, classes)

    def forward(self, features: torch.Tensor, **_: Any) -> torch.Tensor:
        """(n, tokens, hidden_size) -> logits (n, classes)."""
        return self.out_proj(self.dropout(features[:, 0]))


class MlpHead(nn.Module):
    """Linear, GELU, Dropout, Linear, on the first of the given vectors.

    Its weights have the names of Electra's head, so that it can be saved as one; Electra's has another dropout before its first layer,
    which does nothing once the model is trained.
    """

    def __init__(self, hidden_size: int, classes: int, dropout: float) -> None:
        super().__init__()
        self.dense = nn.Linear(hidden_size, hidden_size)
        self.dropout = nn.Dropout(dropout)
        self.out_proj = nn.Linear(hidden_size, classes)

    def forward(self, features: torch.Tensor, **_: Any) -> torch.Tensor:
        """(n, tokens, hidden_size) -> logits (n, classes)."""
        return self.out_proj(self.dropout(nn.functional.gelu(self.dense(features[:, 0]))))


class PoolerHead(LinearHead):
    """Tanh, Dropout, Linear: what BERT's pooler and classifier make of a normalized mean (see mean_pooling.py)."""

    def read(self, features: torch.Tensor) -> torch.Tensor:
        """(n, tokens, hidden_size) -> what the last layer reads, (n, hidden_size), of length about 1."""
        return torch.tanh(pooler_scale(features.shape[-1]) * features[:, 0])

    def forward(self, features: torch.Tensor, **_: Any) -> torch.Tensor:
        """(n, tokens, hidden_size) -> logits (n, classes)."""
        # With vectors of length 1 the last layer's weights are large: 16 bits would round the logits by some hundredths.
        with torch.autocast(features.device.type, enabled=False):
            return self.out_proj(self.dropout(self.read(features)))


HEADS: dict[str, type[LinearHead] | type[MlpHead]] = {"linear": LinearHead, "pooler": PoolerHead, "mlp": MlpHead}


def build_head(head_type: str, config: Any, dropout: float | None) -> LinearHead | MlpHead:
    """A fresh head for an encoder of this config, initialized as the encoder's own would be: normal weights, zero bias."""
    head = HEADS[head_type](config.hidden_size, config.num_labels, default_dropout(config) if dropout is None else dropout)
    for layer in head.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=getattr(config, "initializer_range", 0.02))
            nn.init.zeros_(layer.bias)
    return head


def default_dropout(config: Any) -> float:
    """The dropout of the encoder's own head."""
    for name in ("classifier_dropout", "seq_classif_dropout", "hidden_dropout_prob"):
        value = getattr(config, name, None)
        if value is not None:
            return float(value)
    return 0.1


def pool(tokens: torch.Tensor, attention_mask: torch.Tensor, pooling: str, config: Any) -> torch.Tensor:
    """(n, tokens, hidden_size) -> (n, hidden_size): the first token, the normalized mean of the tokens that are not padding, or their plain mean."""
    if pooling == "cls":
        return tokens[:, 0]
    if pooling == "normalized_mean":
        return normalized_mean(tokens, attention_mask, config)
    mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
    return (tokens * mask).sum(1) / mask.sum(1).clamp(min=1)


class PooledClassifier(nn.Module):
    """An encoder, a pooling and a head of ours, called like a classifier of transformers."""

    def __init__(self, encoder: PreTrainedModel, *, head: str, pooling: str, dropout: float | None = None) -> None:
        super().__init__()
        self.encoder = encoder
        self.head_type = head
        self.pooling = pooling
        self.config = encoder.config
        self.head = build_head(head, self.config, dropout)
        pooler = getattr(encoder, "pooler", None)
        if isinstance(pooler, nn.Module):
            # Unused, but saved, so that the folder holds a complete encoder.
            pooler.requires_grad_(False)

    def pooled(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, token_type_ids: torch.Tensor | None = None) -> torch.Tensor:
        """Token ids (n, tokens) -> what the head reads, (n, hidden_size)."""
        types = {} if token_type_ids is None else {"token_type_ids": token_type_ids}
        tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask, **types).last_hidden_state
        return pool(tokens, attention_mask, self.pooling, self.config)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor | None = None,
        labels: torch.Tensor | None = None,
    ) -> SequenceClassifierOutput:
        """Token ids (n, tokens) -> logits (n, classes), the mean of the task's plain loss if labels are given, and in training what the head reads."""
        pooled = self.pooled(input_ids, attention_mask, token_type_ids)
        logits = self.head(pooled.unsqueeze(1))
        task = TRAINING_TASKS[find_task(self.config.problem_type).key]
        loss = None if labels is None else task.loss(logits, labels, reduction="mean")
        # Not in evaluations, which would gather it.
        return SequenceClassifierOutput(loss=loss, logits=logits, hidden_states=(pooled,) if self.training else None)
