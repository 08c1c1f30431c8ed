"""Recipe: every choice of one training run, frozen and validated; its field metadata draws the form.

A recipe says nothing about the data (which file, which columns) nor about the machine (device, precision, threads).
"""

import dataclasses
import math
from dataclasses import dataclass, field
from typing import Any

from trainer.errors import UserError


def _choice(
    kind: type, default: Any, label: str, about: str, *, least: float = -math.inf, most: float = math.inf, automatic: bool = False
) -> Any:
    """A field with what the form and the checks need; ``automatic`` lets it be None."""
    return field(
        default=default,
        metadata={"kind": kind, "label": label, "about": about, "least": least, "most": most, "automatic": automatic},
    )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """What was asked for. ``None`` means "choose for me": ``settled`` fills it in from the row counts and the encoder."""

    encoder: str = _choice(
        str, "all-MiniLM-L6-v2", "Encoder", "The pretrained model that already knows the language; training adapts it to your labels."
    )
    epochs: int | None = _choice(
        int,
        None,
        "Epochs",
        "How many times the model reads all training rows. Automatic: 6 below 3,000 rows, 4 below 10,000, 3 below 40,000, else 2.",
        least=1,
        most=50,
        automatic=True,
    )
    batch_size: int | None = _choice(
        int,
        None,
        "Batch size",
        "Texts per training step. Larger is quicker and needs more memory. Automatic: 16 below 400 rows, 32 below 5,000, else 64.",
        least=1,
        most=512,
        automatic=True,
    )
    learning_rate: float | None = _choice(
        float,
        None,
        "Learning rate",
        "How far each step moves the weights. Automatic takes what is proven for the encoder.",
        least=1e-7,
        most=1e-2,
        automatic=True,
    )
    warmup: float = _choice(float, 0.1, "Warmup", "Share of the steps during which the learning rate rises from zero.", least=0.0, most=0.5)
    weight_decay: float = _choice(
        float, 0.01, "Weight decay", "Pulls weights gently towards zero, against overfitting.", least=0.0, most=1.0
    )
    max_length: int = _choice(int, 128, "Maximum length", "Tokens read of each text; what is longer is cut at the end.", least=8, most=512)
    validation_share: float = _choice(float, 0.1, "Validation share", "Share of the rows used to watch the training.", least=0.01, most=0.5)
    test_share: float = _choice(float, 0.2, "Test share", "Share of the rows kept aside for the final score.", least=0.01, most=0.5)
    seed: int = _choice(int, 42, "Seed", "Same seed, same file, same machine: same result.", least=0, most=2**31 - 1)

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            object.__setattr__(self, f.name, _checked(f, getattr(self, f.name)))
        if self.validation_share + self.test_share > 0.8:
            raise UserError(
                f"Validation ({self.validation_share:.0%}) and test ({self.test_share:.0%}) leave too few rows for training. "
                "Choose shares that add up to at most 80 %.",
                code="setting_out_of_range",
            )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """A recipe from plain values; raises UserError for an unknown name or a value that is out of range or no number."""
        if not isinstance(values, dict):
            raise UserError('The settings must be an object with a value for each name, such as {"epochs": 3}.', code="unknown_setting")
        known = [f.name for f in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise UserError(f"There is no setting called “{str(name)[:60]}”. Settings: {', '.join(known)}.", code="unknown_setting")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def settled(self, *, train_rows: int, learning_rate: float) -> "Recipe":
        """The recipe with every automatic choice made. ``learning_rate`` is the one proven for the encoder."""
        return dataclasses.replace(
            self,
            epochs=self.epochs or _epochs_for(train_rows),
            batch_size=self.batch_size or _batch_size_for(train_rows),
            learning_rate=self.learning_rate or learning_rate,
        )


def _epochs_for(train_rows: int) -> int:
    """Few rows have to be read more often before a fresh head has seen enough of them."""
    if train_rows < 3_000:
        return 6
    if train_rows < 10_000:
        return 4
    return 3 if train_rows < 40_000 else 2


def _batch_size_for(train_rows: int) -> int:
    """Few rows need small batches, or there are too few steps; with many, larger ones save the optimizer's work."""
    if train_rows < 400:
        return 16
    return 32 if train_rows < 5_000 else 64


def _checked(f: dataclasses.Field, value: Any) -> Any:
    """The value as its field's type; text is accepted where it says a number, as forms and terminals send text."""
    about, kind = f.metadata, f.metadata["kind"]
    if about["automatic"] and (value is None or (isinstance(value, str) and value.strip().lower() in ("", "auto", "automatic"))):
        return None
    if kind is str:
        if isinstance(value, str) and value.strip():
            return value.strip()
        raise UserError(f"{about['label']} must be a name.", code="setting_out_of_range")
    number = math.nan
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
    whole = kind is int
    wrong = not math.isfinite(number) or not about["least"] <= number <= about["most"] or (whole and number != int(number))
    if wrong:
        raise UserError(
            f"{about['label']} must be a {'whole ' if whole else ''}number from {about['least']:g} to {about['most']:g}"
            f"{', or automatic' if about['automatic'] else ''}; found “{str(value)[:40]}”.",
            code="setting_out_of_range",
        )
    return kind(number)
