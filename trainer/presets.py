"""Ready recipes: those of the tutorials people follow, by name, and the one dial that sets everything from the data and the hardware.

Trains nothing and looks at no file but its own; what a recipe means is recipe.py's business.
"""

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from trainer.errors import UserError
from trainer.recipe import Recipe, load_recipe

_FOLDER = Path(__file__).resolve().parent.parent / "assets" / "recipes"


@dataclass(frozen=True)
class Preset:
    """A named recipe: its settings stand in a recipe file of their own, which anybody can download and change."""

    name: str
    description: str
    file: Path


PRESETS = (
    Preset(
        "Tutorial",
        "The classic of the Trainer tutorials: 70 % to learn from, 2 epochs, batches of 64, one evaluation an epoch. "
        "Its learning rate is made for encoders of base size.",
        _FOLDER / "tutorial.json",
    ),
    Preset(
        "Frozen encoder",
        "The encoder stays as it is and only new layers learn, rare classes counting for more; quick, and good where there are few rows.",
        _FOLDER / "frozen-encoder.json",
    ),
    Preset(
        "DistilBERT tutorial",
        "First the head alone, then everything: 3 epochs, the best model by F1, ending early where nothing improves.",
        _FOLDER / "distilbert-tutorial.json",
    ),
    Preset(
        "AG News, small",
        "For about a thousand rows: small batches, one epoch, a point in the charts every 10 steps.",
        _FOLDER / "ag-news-small.json",
    ),
    Preset(
        "Custom head",
        "Two new layers on the first token that learn five times as fast as the encoder. Its learning rates are made for encoders of base size.",
        _FOLDER / "custom-head.json",
    ),
)


def load_preset(name: str, base: Recipe | None = None) -> Recipe:
    """The recipe of a preset; encoder, seed and repairs are those of ``base``. Raises UserError where there is none of this name."""
    base = base or Recipe()
    for found in PRESETS:
        if found.name.lower() == name.strip().lower():
            return load_recipe(found.file, encoder=base.encoder, seed=base.seed, repairs=base.repairs)
    names = ", ".join(p.name for p in PRESETS)
    raise UserError(f"There is no recipe called “{name[:60]}”. Recipes: {names}.", code="unknown_preset")


Level = Literal["Quick look", "Balanced", "Best"]
LEVELS: tuple[Level, ...] = ("Quick look", "Balanced", "Best")

_QUICK_TEXTS = {"cpu": 3_000, "cuda": 100_000, "mps": 10_000}
"""Texts that may be read in all, each epoch counted, for a first answer in well under a minute."""
_QUICK_EPOCHS = 4
_QUICK_LENGTH = {"cpu": 64, "cuda": 128, "mps": 64}
_FEW_PER_CLASS = 50
"""Below so many rows of a class its first epochs teach little."""
_MORE_EPOCHS = 1.5
_MOST_EPOCHS = 12
_PATIENCE = 12
"""Evaluations, four an epoch: ending any sooner stops before the learning rate has come down, which is when scores still rise."""


def recipe_for_level(
    level: str, *, train_rows: int, class_count: int, mean_tokens: float, device: str = "cpu", base: Recipe | None = None
) -> tuple[Recipe, str]:
    """The recipe of one level for this data and this device, and in a sentence or two what was chosen and why.

    ``mean_tokens`` is the mean length of the texts as the encoder reads them, ``device`` "cpu", "cuda" or "mps". Encoder, seed, shares
    and repairs are those of ``base``. Raises UserError for an unknown level.
    """
    kept = {name: getattr(base or Recipe(), name) for name in ("encoder", "seed", "validation_share", "test_share", "repairs")}
    plain = Recipe(**kept)
    # The learning rate plays no part in what is said.
    settled = plain.resolved(train_rows=train_rows, learning_rate=1e-5)
    if level == "Balanced":
        return plain, (
            f"Reads the {train_rows:,} training rows {_times(settled.epochs)} in batches of {settled.batch_size}, "
            "which is what gave good scores for the time on files of this size."
        )
    if level == "Quick look":
        return _quick(plain, min(_QUICK_EPOCHS, settled.epochs), train_rows, class_count, mean_tokens, device)
    if level == "Best":
        return _best(plain, settled, train_rows, mean_tokens)
    raise UserError(f"There is no level called “{level[:40]}”. Levels: {', '.join(LEVELS)}.", code="unknown_level")


def _quick(plain: Recipe, most: int, train_rows: int, class_count: int, mean_tokens: float, device: str) -> tuple[Recipe, str]:
    epochs = max(1, min(most, _QUICK_TEXTS.get(device, _QUICK_TEXTS["cpu"]) // max(1, train_rows)))
    if epochs < most and train_rows < _FEW_PER_CLASS * class_count:
        epochs += 1
    length = _QUICK_LENGTH.get(device, _QUICK_LENGTH["cpu"])
    recipe = dataclasses.replace(plain, epochs=epochs, max_length=length, evaluations_per_epoch=2 if epochs == 1 else 1)
    cut = f" and no more than the first {length} tokens of each text" if mean_tokens > length / 2 else ""
    why = "for a first answer soon" if epochs > 1 else "as so many rows teach most of what there is to learn at the first reading"
    return recipe, f"Reads the {train_rows:,} training rows {_times(epochs)}{cut}, {why}. A longer training may score a little higher."


def _best(plain: Recipe, settled: Recipe, train_rows: int, mean_tokens: float) -> tuple[Recipe, str]:
    epochs = min(_MOST_EPOCHS, math.ceil(_MORE_EPOCHS * settled.epochs))
    # Lengths have a long tail: three times the mean holds nearly all texts whole.
    length = min(512, max(plain.max_length, 32 * math.ceil(3 * mean_tokens / 32)))
    recipe = dataclasses.replace(plain, epochs=epochs, max_length=length, evaluations_per_epoch=4, early_stopping=_PATIENCE)
    return recipe, (
        f"Reads the {train_rows:,} training rows up to {_times(epochs)}, up to {length} tokens of each text, and ends earlier where "
        f"{_PATIENCE} evaluations in a row bring nothing better; "
        "it takes about one and a half times as long as Balanced."
    )


def _times(count: int) -> str:
    return {1: "once", 2: "twice"}.get(count, f"{count} times")
