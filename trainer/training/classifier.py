"""A recipe's classifier: an encoder with its head, made, saved and loaded again; and which of its weights are the head's.

Training it is the loop's business.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoModel, AutoModelForSequenceClassification, PreTrainedModel

from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training.electra import as_electra
from trainer.training.encoders import Encoder, load_classifier, load_encoder
from trainer.training.heads import PooledClassifier, make_head
from trainer.training.lora import add_lora, merged_state

Classifier = PreTrainedModel | PooledClassifier

_HEAD_SETTINGS = "head.json"
_HEAD_WEIGHTS = "head.safetensors"
_ENCODER = "encoder"


def make_classifier(encoder: Encoder, label_names: Sequence[str], recipe: Recipe) -> Classifier:
    """The encoder with a fresh head as the recipe wants it, in float32, its config carrying the label names.

    The recipe must be settled. One of transformers' own architectures where one has such a head. What never learns asks for no gradient.
    New weights come from torch's generator: seed it before.
    Raises UserError where the encoder cannot be had or has no such head.
    """
    if recipe.pooling == "cls" and recipe.head == "linear":
        model = load_classifier(encoder, label_names)
        if recipe.dropout is not None:
            _set_dropout(model, recipe.dropout, encoder)
    else:
        model = _made(encoder, label_names, recipe)
    if recipe.lora_rank:
        add_lora(encoder_of(model), recipe.lora_rank)
        if isinstance(model, PreTrainedModel):
            for name, parameter in model.named_parameters():
                if in_head(model, name):
                    parameter.requires_grad_(True)
    if recipe.frozen_epochs >= recipe.epochs:
        for name, parameter in model.named_parameters():
            if not in_head(model, name):
                parameter.requires_grad_(False)
    return model


def _made(encoder: Encoder, label_names: Sequence[str], recipe: Recipe) -> Classifier:
    body = load_encoder(encoder, label_names)
    model = as_electra(body) if recipe.pooling == "cls" else None
    if model is None:
        return PooledClassifier(body, head=recipe.head, pooling=recipe.pooling, dropout=recipe.dropout)
    model.classifier = make_head("mlp", model.config, recipe.dropout)
    model.config.classifier_dropout = recipe.dropout
    return model


def _set_dropout(model: PreTrainedModel, share: float, encoder: Encoder) -> None:
    """Set it in every dropout that is not the encoder's, and where the config has a name for it."""
    body = set(encoder_of(model).modules())
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Dropout) and layer not in body]
    if not layers:
        raise UserError(
            f"The standard head of {encoder.name} has no dropout that could be set. Leave the dropout to the encoder, or choose the head mlp.",
            code="setting_not_possible",
        )
    for layer in layers:
        layer.p = share
    for name in ("classifier_dropout", "seq_classif_dropout"):
        if hasattr(model.config, name):
            setattr(model.config, name, share)


def encoder_of(model: Classifier) -> nn.Module:
    """The pretrained part."""
    return model.encoder if isinstance(model, PooledClassifier) else model.base_model


def in_head(model: Classifier, name: str) -> bool:
    """Whether a weight of this name belongs to the head. BERT's pooler does: it lies between the encoder and the last layer."""
    prefix = "encoder." if isinstance(model, PooledClassifier) else f"{model.base_model_prefix}."
    return not name.startswith(prefix) or name.startswith(f"{prefix}pooler.")


def count_parameters(model: nn.Module, *, learning: bool = False) -> int:
    """How many numbers the model has, or those of them that learn."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not learning)


def save_classifier(model: Classifier, folder: Path) -> None:
    """Write the weights and settings into a folder: a standard one where transformers has the architecture.

    Else the encoder stands in ``encoder/``, itself a standard folder, and the head beside it in ``head.safetensors`` and ``head.json``;
    without a config.json at the top nothing can take the folder for a classifier with a random head.
    """
    if not isinstance(model, PooledClassifier):
        model.save_pretrained(folder, state_dict=merged_state(model))
        return
    model.encoder.save_pretrained(folder / _ENCODER, state_dict=merged_state(model.encoder))
    save_file(model.head.state_dict(), folder / _HEAD_WEIGHTS)
    (folder / _HEAD_SETTINGS).write_text(json.dumps({"head": model.head_kind, "pooling": model.pooling}), encoding="utf-8")


def load_saved(folder: Path) -> Classifier:
    """What ``save_classifier`` wrote, in float32. Raises what transformers and safetensors raise where a file is missing or damaged."""
    if not (folder / _HEAD_SETTINGS).exists():
        return AutoModelForSequenceClassification.from_pretrained(
            str(folder), dtype=torch.float32, use_safetensors=True, trust_remote_code=False, local_files_only=True
        )
    settings = json.loads((folder / _HEAD_SETTINGS).read_text(encoding="utf-8"))
    encoder = AutoModel.from_pretrained(
        str(folder / _ENCODER), dtype=torch.float32, use_safetensors=True, trust_remote_code=False, local_files_only=True
    )
    # Without memory nothing is drawn: the generator of a training beside us must not notice.
    with torch.device("meta"):
        model = PooledClassifier(encoder, head=settings["head"], pooling=settings["pooling"])
    model.head.load_state_dict(load_file(folder / _HEAD_WEIGHTS), assign=True)
    return model
