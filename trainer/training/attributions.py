"""Attributions: how much each word of a text speaks for a class, by integrated gradients on the embeddings of its tokens.

Sundararajan, Taly & Yan 2017, Axiomatic Attribution for Deep Networks. Words, not pieces: a word has the sum of its tokens. Explains a loaded
classifier of any architecture; predictor.py loads it.
"""

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from trainer.data.task import find_task
from trainer.data.words import find_words
from trainer.errors import ModelError
from trainer.training.classifier import Classifier, encoder_of
from trainer.training.losses import TRAINING_TASKS

if TYPE_CHECKING:
    from transformers import BatchEncoding

STEPS = 8
"""Points of the path from the baseline to the text, in one batch: 16 and 32 rank the words of tweets no better."""

_MAX_BATCH_TOKENS = 2_048
"""Longer texts are read in several batches: a large encoder keeps gigabytes for the gradients of ten texts of 512 tokens."""


@dataclass(frozen=True)
class WordAttribution:
    """One word, ``text[start:end]``, and what it adds to the logarithm of the class's probability; 0 if the model did not read it."""

    start: int
    end: int
    value: float
    read: bool
    """Whether it is within the maximum length."""


@dataclass(frozen=True)
class Attribution:
    """The words of one text for one class. ``text`` is as the model read it.

    ``score`` is the logarithm of the class's probability, ``baseline`` that of the same text with padding for each token. By the axiom of
    completeness the values of all words add up to their difference, up to ``error``, the part that the few steps miss.
    """

    text: str
    words: tuple[WordAttribution, ...]
    score: float
    baseline: float

    @property
    def error(self) -> float:
        """What the values of the words lack to the difference of the scores."""
        return self.score - self.baseline - sum(word.value for word in self.words)


def tokenize_with_places(tokenizer: Any, text: str) -> "BatchEncoding":
    """The tokens of one text, (1, tokens), with "offset_mapping" and "special_tokens_mask", for ``attribute_words``.

    Raises UserError ``no_attribution`` for a tokenizer that does not say where its tokens are.
    """
    if not tokenizer.is_fast:
        raise ModelError(
            "The tokenizer of this model does not tell where its tokens stand in a text, so words have no influence that could be shown.",
            code="no_attribution",
        )
    return tokenizer(text, truncation=True, return_offsets_mapping=True, return_special_tokens_mask=True, return_tensors="pt")


def attribute_words(
    model: Classifier, text: str, encoded: Mapping[str, torch.Tensor], label_id: int, *, padding_id: int, steps: int = STEPS
) -> Attribution:
    """The attribution of a text to one class of a model in evaluation mode; ``encoded`` comes from ``tokenize_with_places``."""
    inputs = dict(encoded)
    offsets, special = inputs.pop("offset_mapping")[0].tolist(), inputs.pop("special_tokens_mask")[0].bool()
    values, score, baseline = integrated_gradients(model, inputs, special, label_id, padding_id=padding_id, steps=steps)
    return Attribution(text, _sum_to_words(text, offsets, special.tolist(), values), score, baseline)


def integrated_gradients(
    model: Classifier, encoded: Mapping[str, torch.Tensor], special: torch.Tensor, label_id: int, *, padding_id: int, steps: int = STEPS
) -> tuple[np.ndarray, float, float]:
    """Attributions (tokens,) of one tokenized text, float64; and the log probability of the class for the text and for the baseline.

    ``encoded`` has the model's inputs (1, tokens). The baseline has the padding token's embedding in place of each token that is not
    ``special``, (tokens,) bool. The integral is taken by Gauss-Legendre quadrature; the text and the baseline themselves are in the batch too.
    """
    embeddings = encoder_of(model).get_input_embeddings()
    device = embeddings.weight.device
    ids = encoded["input_ids"].to(device)
    with torch.no_grad():
        actual = embeddings(ids)[0]
        padding = embeddings(torch.full_like(ids, padding_id))[0]
        start = torch.where(special.to(device).unsqueeze(-1), actual, padding)
    nodes, weights = np.polynomial.legendre.leggauss(steps)
    # From [-1, 1] to [0, 1], with both ends for the scores.
    places = torch.tensor([0.0, *((nodes + 1) / 2), 1.0], dtype=actual.dtype, device=device)
    path = start + places[:, None, None] * (actual - start)
    inputs = {name: tensor.to(device) for name, tensor in encoded.items()}
    parts = [
        _scores_and_gradients(model, embeddings, inputs, points, label_id)
        for points in path.split(max(1, _MAX_BATCH_TOKENS // ids.shape[1]))
    ]
    scores, gradients = (torch.cat(tensors) for tensors in zip(*parts, strict=True))
    weighted = torch.tensor(weights / 2, dtype=torch.float64, device=device) @ gradients[1:-1].double().flatten(1)
    values = (weighted.view_as(actual) * (actual - start).double()).sum(-1)
    return values.cpu().numpy(), float(scores[-1]), float(scores[0])


def _scores_and_gradients(
    model: Classifier, layer: nn.Module, inputs: Mapping[str, torch.Tensor], points: torch.Tensor, label_id: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Embeddings (n, tokens, size) -> the log probability of a class, (n,), and its gradients, of the shape of the embeddings."""
    points = points.detach().requires_grad_(True)
    batch = {name: tensor.expand(len(points), -1) for name, tensor in inputs.items()}
    with torch.enable_grad(), _embeddings_replaced(layer, points):
        scores = _log_probabilities(model, model(**batch).logits, label_id)
        (gradients,) = torch.autograd.grad(scores.sum(), points)
    return scores.detach(), gradients


def _log_probabilities(model: Classifier, logits: torch.Tensor, label_id: int) -> torch.Tensor:
    """Logits (n, classes) -> the log probability of one class in each, (n,)."""
    return TRAINING_TASKS[find_task(model.config.problem_type).key].log_probability(logits, label_id)


@contextmanager
def _embeddings_replaced(layer: nn.Module, embeddings: torch.Tensor) -> Iterator[None]:
    """Within this block, and in this thread alone, the layer returns these embeddings."""
    thread = threading.get_ident()

    def replace(module: nn.Module, arguments: Sequence[Any], output: torch.Tensor) -> torch.Tensor:
        return embeddings if threading.get_ident() == thread else output

    handle = layer.register_forward_hook(replace)
    try:
        yield
    finally:
        handle.remove()


def _sum_to_words(text: str, offsets: Sequence[Sequence[int]], special: Sequence[bool], values: np.ndarray) -> tuple[WordAttribution, ...]:
    """Each token's value goes to the word in which it begins; a blank before a word belongs to it here, as in many tokenizers."""
    words = find_words(text)
    word_at = np.full(len(text) + 1, len(words) - 1, dtype=np.int64)
    previous_end = 0
    for number, (_, end) in enumerate(words):
        word_at[previous_end:end] = number
        previous_end = end
    sums, read = np.zeros(len(words)), np.zeros(len(words), dtype=bool)
    for (start, _), is_special, value in zip(offsets, special, values, strict=True):
        if words and not is_special:
            sums[word_at[start]] += value
            read[word_at[start]] = True
    return tuple(
        WordAttribution(start, end, float(value), bool(is_read)) for (start, end), value, is_read in zip(words, sums, read, strict=True)
    )
