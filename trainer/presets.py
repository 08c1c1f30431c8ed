"""Ready recipes: the presets, taken from well-known tutorials, and the levels, which choose a recipe from the data and the hardware.

Trains nothing and reads no file but the presets.
"""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainer.errors import RecipeError
from trainer.recipe import Recipe
from trainer.recipe_file import load_recipe
from trainer.regimes import describe_reason
from trainer.text_format import percent

_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "presets"


@dataclass(frozen=True)
class Preset:
    """A named recipe in a recipe file of its own, which the user can download and change."""

    name: str
    description: str
    file: Path


PRESETS = (
    Preset(
        "Tutorial",
        "The classic recipe of the Trainer tutorials: 70 % training rows, 2 epochs, batches of 64, one evaluation per epoch. "
        "Its learning rate is meant for encoders of base size.",
        _FOLDER / "tutorial.json",
    ),
    Preset(
        "Frozen encoder",
        "Only the new layers learn, with higher weights for rare classes; the encoder does not change. Fast, and good for few rows.",
        _FOLDER / "frozen-encoder.json",
    ),
    Preset(
        "DistilBERT tutorial",
        "First only the head learns, then everything: 3 epochs, best model by F1, early stopping.",
        _FOLDER / "distilbert-tutorial.json",
    ),
    Preset(
        "AG News, small",
        "For about a thousand rows: small batches, one epoch, a point in the charts every 10 steps.",
        _FOLDER / "ag-news-small.json",
    ),
    Preset(
        "Custom head",
        "Two new layers on the first token that learn five times as fast as the encoder. Its learning rates are meant for encoders of base size.",
        _FOLDER / "custom-head.json",
    ),
)


def load_preset(name: str, base: Recipe | None = None) -> Recipe:
    """The recipe of a preset, with encoder, seed and repairs of ``base``. Raises UserError ``unknown_preset``."""
    base = base or Recipe()
    for preset in PRESETS:
        if preset.name.lower() == name.strip().lower():
            return load_recipe(preset.file, encoder=base.encoder, seed=base.seed, repairs=base.repairs)
    names = ", ".join(p.name for p in PRESETS)
    raise RecipeError(f"There is no recipe called “{name[:60]}”. Recipes: {names}.", code="unknown_preset")


Level = Literal["Quick look", "Balanced", "Best"]
LEVELS: tuple[Level, ...] = ("Quick look", "Balanced", "Best")

_QUICK_TEXTS = {"cpu": 3_000, "cuda": 100_000, "mps": 10_000}
"""Texts read in all epochs together, for a result in well under a minute."""
_QUICK_EPOCHS = 4
_QUICK_LENGTH = {"cpu": 64, "cuda": 128, "mps": 64}
_FEW_PER_CLASS = 50
"""With fewer rows per class, the first epochs teach little."""
_MORE_EPOCHS = 1.5
_MAX_EPOCHS = 12
_PATIENCE = 12
"""Evaluations, four per epoch. Fewer would stop before the learning rate has come down, while scores still rise."""


def recipe_for_level(
    level: str,
    *,
    train_rows: int,
    class_count: int,
    mean_tokens: float,
    device: str = "cpu",
    base: Recipe | None = None,
    pooling: str = "cls",
    linear_start: bool = False,
) -> tuple[Recipe, str]:
    """The recipe of a level for this data and this device, and a sentence or two that explain it.

    ``mean_tokens`` is the mean length of the texts in tokens, ``device`` is "cpu", "cuda" or "mps", ``pooling`` the encoder's own,
    ``linear_start`` the task's. Encoder, seed, split and repairs are those of ``base``. Raises UserError ``unknown_level``.
    """
    unchanged = {
        name: getattr(base or Recipe(), name) for name in ("encoder", "seed", "validation_share", "test_share", "folds", "repairs")
    }
    base_recipe = Recipe(**unchanged)
    # The explanation does not depend on the learning rate.
    resolved = base_recipe.resolved(
        train_rows=train_rows, learning_rate=1e-5, pooling=pooling, classes=class_count, linear_start=linear_start
    )
    reason, start = describe_reason(train_rows=train_rows, classes=class_count, linear_start=linear_start), "Reads"
    if resolved.method == "frozen" and level in LEVELS[:2]:
        recipe, explanation = _linear_model_alone(base_recipe, level, reason, train_rows, mean_tokens, device)
    elif level == "Balanced":
        if resolved.starts_from_linear_model:
            start = f"{reason}, it starts from a linear model on the unchanged encoder, and reads"
        recipe = base_recipe
        explanation = (
            f"{start} the {train_rows:,} training rows {_times(resolved.epochs)} in batches of {resolved.batch_size}, "
            "which gave good scores for the time on files of this size."
        )
    elif level == "Quick look":
        recipe, explanation = _quick_look(base_recipe, min(_QUICK_EPOCHS, resolved.epochs), train_rows, class_count, mean_tokens, device)
    elif level == "Best":
        recipe, explanation = _best(base_recipe, resolved, train_rows, mean_tokens)
    else:
        raise RecipeError(f"There is no level called “{level[:40]}”. Levels: {', '.join(LEVELS)}.", code="unknown_level")
    return recipe, explanation + _describe_distillation(resolved)


def _linear_model_alone(
    base_recipe: Recipe, level: str, reason: str, train_rows: int, mean_tokens: float, device: str
) -> tuple[Recipe, str]:
    length = _quick_length(device) if level == "Quick look" else base_recipe.max_length
    cut = _cut(length, mean_tokens) if level == "Quick look" else ""
    return dataclasses.replace(base_recipe, max_length=length), (
        f"{reason}, it fits a linear model to what the unchanged encoder makes of the {train_rows:,} training rows{cut}, in seconds and without "
        "epochs. Fine-tuning was no better on files this small; “Best” or the method “full” does it all the same."
    )


def _describe_distillation(resolved: Recipe) -> str:
    """A sentence, with a space before it; "" without distillation."""
    if not resolved.distillation:
        return ""
    return (
        f" {percent(resolved.distillation, 0)} of what it learns about a text is not its label, but what a simpler model that never saw this label "
        "says: so a wrong label does less harm."
    )


def _quick_look(
    base_recipe: Recipe, max_epochs: int, train_rows: int, class_count: int, mean_tokens: float, device: str
) -> tuple[Recipe, str]:
    epochs = max(1, min(max_epochs, _QUICK_TEXTS.get(device, _QUICK_TEXTS["cpu"]) // max(1, train_rows)))
    if epochs < max_epochs and train_rows < _FEW_PER_CLASS * class_count:
        epochs += 1
    length = _quick_length(device)
    recipe = dataclasses.replace(base_recipe, epochs=epochs, max_length=length, evaluations_per_epoch=2 if epochs == 1 else 1)
    why = "for a quick first result" if epochs > 1 else "as this many rows teach most of what there is to learn in one epoch"
    cut = _cut(length, mean_tokens)
    return recipe, f"Reads the {train_rows:,} training rows {_times(epochs)}{cut}, {why}. A longer training may score a little higher."


def _quick_length(device: str) -> int:
    return _QUICK_LENGTH.get(device, _QUICK_LENGTH["cpu"])


def _cut(length: int, mean_tokens: float) -> str:
    """That texts are cut, with a space before it; "" if few of them are as long."""
    return f" and no more than the first {length} tokens of each text" if mean_tokens > length / 2 else ""


def _best(base_recipe: Recipe, resolved: Recipe, train_rows: int, mean_tokens: float) -> tuple[Recipe, str]:
    epochs = min(_MAX_EPOCHS, math.ceil(_MORE_EPOCHS * resolved.epochs))
    # Lengths have a long tail: nearly all texts are shorter than three times the mean.
    length = min(512, max(base_recipe.max_length, 32 * math.ceil(3 * mean_tokens / 32)))
    recipe = dataclasses.replace(base_recipe, epochs=epochs, max_length=length, evaluations_per_epoch=4, early_stopping=_PATIENCE)
    duration = "longer than Balanced" if resolved.method == "frozen" else "about one and a half times as long as Balanced"
    return recipe, (
        f"Reads the {train_rows:,} training rows up to {_times(epochs)}, up to {length} tokens of each text, and ends earlier if "
        f"{_PATIENCE} evaluations in a row bring no better score; it takes {duration}."
    )


def _times(n: int) -> str:
    return {1: "once", 2: "twice"}.get(n, f"{n} times")
