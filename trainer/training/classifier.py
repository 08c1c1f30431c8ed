"""A recipe's classifier, an encoder with a head: building, saving and loading it; and which of its weights belong to the head.

trainer.py trains it.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import nn
from transformers import AutoConfig, AutoModel, AutoModelForSequenceClassification, PreTrainedModel

from trainer.data.checks.repairs import text_repairs
from trainer.data.task import SINGLE_LABEL, TASKS, Task
from trainer.errors import ModelError, RecipeError
from trainer.recipe import Recipe
from trainer.training.encoder_loading import detach_from_file, encoder_prefix, load_classifier, load_encoder
from trainer.training.encoders import Encoder
from trainer.training.exclusive_loading import load_pretrained
from trainer.training.folder_check import WEIGHTS
from trainer.training.heads import PooledClassifier, build_head
from trainer.training.lora import add_lora, merged_state
from trainer.training.mean_pooling import standard_form

Classifier = PreTrainedModel | PooledClassifier

_HEAD_SETTINGS = "head.json"
_HEAD_WEIGHTS = "head.safetensors"
_ENCODER = "encoder"

_MEAN_POOLED = {"linear": ("pooler", "normalized_mean"), "mlp": ("mlp", "normalized_mean")}
"""The head and the pooling that are trained with the recipe's pooling "mean", by the recipe's head."""

_REGRESSION = "a model that predicts a single number"
"""What other programs train and Emotune does not."""


def build_classifier(encoder: Encoder, label_names: Sequence[str], recipe: Recipe, task: Task = SINGLE_LABEL) -> Classifier:
    """The encoder with a fresh head as the recipe says, in float32; its config carries label names, task and the repairs of texts.

    The recipe must be resolved. The model is one of transformers' own architectures if one has such a head. Weights that stay frozen
    require no gradient. New weights come from torch's generator: seed it before.
    Raises UserError if the encoder cannot be loaded or has no such head.
    """
    if recipe.pooling != "mean" and recipe.head == "linear":
        model = load_classifier(encoder, label_names, task)
        if recipe.dropout is not None:
            _set_dropout(model, recipe.dropout, encoder)
    else:
        model = _build_with_other_head(encoder, label_names, recipe, task)
    if repairs := text_repairs(recipe.repairs):
        # Saved with the model, so that texts to predict can be repaired like those of the training.
        model.config.text_repairs = list(repairs)
    if recipe.lora_rank:
        add_lora(encoder_of(model), recipe.lora_rank)
        if isinstance(model, PreTrainedModel):
            for name, parameter in model.named_parameters():
                if in_head(model, name):
                    parameter.requires_grad_(True)
    for name, parameter in model.named_parameters():
        if recipe.never_trains_head if in_head(model, name) else recipe.never_trains_encoder:
            parameter.requires_grad_(False)
    return model


def _build_with_other_head(encoder: Encoder, label_names: Sequence[str], recipe: Recipe, task: Task) -> Classifier:
    encoder_model = load_encoder(encoder, label_names, task)
    # Imported late: a prediction does not need it, and it takes half a second.
    from trainer.training.electra import as_electra

    model = None if recipe.pooling == "mean" else as_electra(encoder_model)
    if model is None:
        head, pooling = _MEAN_POOLED[recipe.head] if recipe.pooling == "mean" else (recipe.head, "cls")
        return PooledClassifier(encoder_model, head=head, pooling=pooling, dropout=recipe.dropout)
    model.classifier = build_head("mlp", model.config, recipe.dropout)
    model.config.classifier_dropout = recipe.dropout
    return model


def _set_dropout(model: PreTrainedModel, dropout: float, encoder: Encoder) -> None:
    """Set the dropout of the head's layers, and of the config if it has a name for it."""
    encoder_modules = set(encoder_of(model).modules())
    layers = [layer for layer in model.modules() if isinstance(layer, nn.Dropout) and layer not in encoder_modules]
    if not layers:
        raise RecipeError(
            f"The standard head of {encoder.name} has no dropout that can be set. Leave the dropout to the encoder, or choose the head mlp.",
            code="setting_not_possible",
        )
    for layer in layers:
        layer.p = dropout
    for name in ("classifier_dropout", "seq_classif_dropout"):
        if hasattr(model.config, name):
            setattr(model.config, name, dropout)


def encoder_of(model: Classifier) -> nn.Module:
    """The pretrained part of a classifier."""
    return model.encoder if isinstance(model, PooledClassifier) else model.base_model


def in_head(model: Classifier, name: str) -> bool:
    """Whether a weight of this name belongs to the head. BERT's pooler counts as head: it lies between the encoder and the last layer."""
    prefix = "encoder." if isinstance(model, PooledClassifier) else encoder_prefix(model)
    return not name.startswith(prefix) or name.startswith(f"{prefix}pooler.")


def count_parameters(model: nn.Module, *, trainable: bool = False) -> int:
    """How many parameters the model has, or how many of them are trained."""
    return sum(p.numel() for p in model.parameters() if p.requires_grad or not trainable)


def save_classifier(model: Classifier, folder: Path) -> None:
    """Write the weights and settings into a folder: a standard one if transformers has the architecture (see mean_pooling.py).

    Otherwise the encoder is in ``encoder/``, itself a standard folder, and the head beside it in ``head.safetensors`` and ``head.json``;
    without a config.json at the top nothing can mistake the folder for a classifier with a random head.
    """
    if not isinstance(model, PooledClassifier):
        model.save_pretrained(folder, state_dict=merged_state(model))
        return
    encoder_state = merged_state(model.encoder)
    if model.pooling == "normalized_mean":
        state = model.encoder.state_dict() if encoder_state is None else encoder_state
        standard = standard_form(model.config, _on_cpu(state), _on_cpu(model.head.state_dict()), head=model.head_type)
        if standard is not None:
            config, weights = standard
            folder.mkdir(parents=True, exist_ok=True)
            config.save_pretrained(folder)
            save_file(weights, folder / WEIGHTS, metadata={"format": "pt"})
            return
    model.encoder.save_pretrained(folder / _ENCODER, state_dict=encoder_state)
    save_file(model.head.state_dict(), folder / _HEAD_WEIGHTS)
    (folder / _HEAD_SETTINGS).write_text(json.dumps({"head": model.head_type, "pooling": model.pooling}), encoding="utf-8")


def pools_otherwise(model: Classifier, folder: Path) -> bool:
    """Whether the weights saved in ``folder`` are those of another pooling or head of ours: the model would load them, and say something else."""
    try:
        saved = json.loads((folder / _HEAD_SETTINGS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(model, PooledClassifier) and saved != {"head": model.head_type, "pooling": model.pooling}


def _on_cpu(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}


def load_saved_classifier(folder: Path) -> Classifier:
    """The classifier of a folder, written by ``save_classifier`` or by transformers' own ``save_pretrained``, in float32.

    Raises UserError ``not_a_classifier`` for a model without a trained head, with the head of another task than Emotune's (task.py),
    or with a single output; and ``model_damaged`` if its parts do not fit each other. Raises what transformers and safetensors raise if
    a file is missing or damaged.
    """
    model = _load_pooled(folder) if (folder / _HEAD_SETTINGS).exists() else _load_standard(folder)
    detach_from_file(model)
    return model


def _load_standard(folder: Path) -> PreTrainedModel:
    _refuse_other_tasks(folder)
    return _load_all_weights(AutoModelForSequenceClassification, folder)


def _load_pooled(folder: Path) -> PooledClassifier:
    settings = json.loads((folder / _HEAD_SETTINGS).read_text(encoding="utf-8"))
    encoder = _load_all_weights(AutoModel, folder / _ENCODER)
    # On "meta" nothing is drawn at random: the generator of a concurrent training must not change.
    with torch.device("meta"):
        model = PooledClassifier(encoder, head=settings["head"], pooling=settings["pooling"])
    model.head.load_state_dict(load_file(folder / _HEAD_WEIGHTS), assign=True)
    return model


def _load_all_weights(model_class: type, folder: Path) -> PreTrainedModel:
    """A model with all its weights: transformers would initialize missing ones at random, and only warn."""
    model, loaded = load_pretrained(model_class, str(folder), local_files_only=True)
    if missing := sorted(loaded["missing_keys"]):
        raise ModelError(
            f"The folder {folder.name} holds no trained classifier: it lacks the weights {', '.join(missing[:3])}"
            f"{f' and {len(missing) - 3:,} more' if len(missing) > 3 else ''}. With random ones every prediction would be chance. "
            "Name the folder of a classifier, or train this model on labelled texts first.",
            code="not_a_classifier",
        )
    prefix = encoder_prefix(model)
    unused = sorted(name for name in loaded["unexpected_keys"] if name.startswith(prefix) and not name.endswith("position_ids"))
    if unused:
        raise ModelError(
            f"The config of the folder {folder.name} does not fit its weights: it leaves out {len(unused):,} of them, such as {unused[0]}. "
            "Use the config.json that was saved with them.",
            code="model_damaged",
        )
    return model


def _refuse_other_tasks(folder: Path) -> None:
    """Refuse, by its config, a model for anything other than the tasks of task.py."""
    config = AutoConfig.from_pretrained(str(folder), trust_remote_code=False, local_files_only=True)
    value = getattr(config, "architectures", None) or ()
    architectures = [value] if isinstance(value, str) else [str(name) for name in value]
    contents = ""
    if architectures and not any(name.endswith("ForSequenceClassification") for name in architectures):
        model = "an encoder without a trained head" if architectures[0].endswith("Model") else "a model for another task"
        contents = f"{model} ({architectures[0]})"
    elif config.num_labels < 2 or (config.problem_type is not None and config.problem_type not in TASKS):
        contents = _REGRESSION
    if contents:
        known = " or ".join(task.models_do for task in TASKS.values())
        raise ModelError(
            f"The folder {folder.name} holds {contents}. Emotune can use classifiers that {known}.",
            code="not_a_classifier",
        )
