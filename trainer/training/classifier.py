"""A recipe's classifier: an encoder with its head, made, saved and loaded again; and which of its weights are the head's.

Training it is the loop's business.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PreTrainedModel

from trainer.data.checks.repairs import text_repairs
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training.encoder_loading import detach_from_file, encoder_prefix, load_classifier, load_encoder
from trainer.training.encoders import Encoder
from trainer.training.heads import PooledClassifier, build_head
from trainer.training.libraries import load_pretrained
from trainer.training.lora import add_lora, merged_state

Classifier = PreTrainedModel | PooledClassifier

_HEAD_SETTINGS = "head.json"
_HEAD_WEIGHTS = "head.safetensors"
_ENCODER = "encoder"


def build_classifier(encoder: Encoder, label_names: Sequence[str], recipe: Recipe) -> Classifier:
    """The encoder with a fresh head as the recipe wants it, in float32; its config carries the label names and the repairs of texts.

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
    if repairs := text_repairs(recipe.repairs):
        # With the model, so that whoever loads it can change texts as those of the training were.
        model.config.text_repairs = list(repairs)
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
    # Whoever only uses a model has no need of it, and its import costs half a second.
    from trainer.training.electra import as_electra

    model = as_electra(body) if recipe.pooling == "cls" else None
    if model is None:
        return PooledClassifier(body, head=recipe.head, pooling=recipe.pooling, dropout=recipe.dropout)
    model.classifier = build_head("mlp", model.config, recipe.dropout)
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
    prefix = "encoder." if isinstance(model, PooledClassifier) else encoder_prefix(model)
    return not name.startswith(prefix) or name.startswith(f"{prefix}pooler.")


def count_parameters(model: nn.Module, *, trainable: bool = False) -> int:
    """How many parameters the model has, or how many of them are trained."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)


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


def load_saved_classifier(folder: Path) -> Classifier:
    """The classifier of a folder: what ``save_classifier`` wrote, or what transformers' own ``save_pretrained`` did, in float32.

    Raises UserError ``not_a_classifier`` for a folder of another kind: one without a trained head, with the head of another task, for
    several labels a text, or with a single output; and ``model_damaged`` where its parts do not fit each other. Raises what transformers
    and safetensors raise where a file is missing or damaged.
    """
    model = _load_with_our_head(folder) if (folder / _HEAD_SETTINGS).exists() else _load_standard(folder)
    detach_from_file(model)
    return model


def _load_standard(folder: Path) -> PreTrainedModel:
    _refuse_other_kinds(folder)
    return _load_whole(AutoModelForSequenceClassification, folder)


def _load_with_our_head(folder: Path) -> PooledClassifier:
    settings = json.loads((folder / _HEAD_SETTINGS).read_text(encoding="utf-8"))
    encoder = _load_whole(AutoModel, folder / _ENCODER)
    # Without memory nothing is drawn: the generator of a training beside us must not notice.
    with torch.device("meta"):
        model = PooledClassifier(encoder, head=settings["head"], pooling=settings["pooling"])
    model.head.load_state_dict(load_file(folder / _HEAD_WEIGHTS), assign=True)
    return model


def _load_whole(kind: type, folder: Path) -> PreTrainedModel:
    """A model with all its weights: transformers would draw at random what the folder lacks, and only warn."""
    model, loaded = load_pretrained(kind, str(folder), local_files_only=True)
    if missing := sorted(loaded["missing_keys"]):
        raise UserError(
            f"The folder {folder.name} holds no trained classifier: it lacks the weights {', '.join(missing[:3])}"
            f"{f' and {len(missing) - 3:,} more' if len(missing) > 3 else ''}. With random ones every answer would be chance. "
            "Name the folder of a classifier, or train this model on labelled texts first.",
            code="not_a_classifier",
        )
    prefix = encoder_prefix(model)
    beyond = sorted(name for name in loaded["unexpected_keys"] if name.startswith(prefix) and not name.endswith("position_ids"))
    if beyond:
        raise UserError(
            f"The config of the folder {folder.name} does not fit its weights: it leaves out {len(beyond):,} of them, such as {beyond[0]}. "
            "Use the config.json that was saved with them.",
            code="model_damaged",
        )
    return model


def _refuse_other_kinds(folder: Path) -> None:
    """Refuse, by its config, a model that was made for something else than one label of several for each text."""
    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    named = getattr(config, "architectures", None) or ()
    architectures = [named] if isinstance(named, str) else [str(name) for name in named]
    what = ""
    if architectures and not any(name.endswith("ForSequenceClassification") for name in architectures):
        kind = "an encoder without a trained head" if architectures[0].endswith("Model") else "a model for another task"
        what = f"{kind} ({architectures[0]})"
    elif config.problem_type == "multi_label_classification":
        what = "a model that gives a text several labels at once"
    elif config.problem_type == "regression" or config.num_labels < 2:
        what = "a model with a single number as its answer"
    if what:
        raise UserError(
            f"The folder {folder.name} holds {what}. Emotune can use classifiers that give each text one of several labels.",
            code="not_a_classifier",
        )
