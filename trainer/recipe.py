"""Recipe: every choice of one training run, frozen and validated; its field metadata draws the form.

A recipe says nothing about the data (which file, which columns) nor about the machine (device, precision, threads).
"""

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from trainer.errors import UserError

AUTOMATIC = "automatic"

_LARGEST_FILE = 100_000
"""Bytes of a recipe file; a full one has about 800."""


def _choice(
    kind: type,
    default: Any,
    label: str,
    about: str,
    *,
    least: float = -math.inf,
    most: float = math.inf,
    automatic: bool = False,
    nothing: str = AUTOMATIC,
    choices: tuple[str, ...] = (),
) -> Any:
    """A field with what the form and the checks need.

    ``automatic`` lets it be None and ``nothing`` is the word for that; ``choices`` are all the values there are.
    """
    return field(
        default=default,
        metadata={
            "kind": kind,
            "label": label,
            "about": about,
            "least": least,
            "most": most,
            "automatic": automatic,
            "nothing": nothing,
            "choices": choices,
        },
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
        "How far each step moves the weights. Automatic takes what is proven for the encoder, four times that with LoRA.",
        least=1e-7,
        most=1e-2,
        automatic=True,
    )
    warmup: float = _choice(float, 0.1, "Warmup", "Share of the steps during which the learning rate rises from zero.", least=0.0, most=0.5)
    weight_decay: float = _choice(
        float, 0.01, "Weight decay", "Pulls weights gently towards zero, against overfitting.", least=0.0, most=1.0
    )
    max_grad_norm: float = _choice(
        float,
        1.0,
        "Gradient clipping",
        "Longest step that one batch may ask for (norm of the gradient); 0 clips nothing.",
        least=0.0,
        most=100.0,
    )
    gradient_accumulation: int = _choice(
        int,
        1,
        "Gradient accumulation",
        "Batches read before each step, so that a large batch is possible with little memory.",
        least=1,
        most=64,
    )
    label_smoothing: float = _choice(
        float,
        0.1,
        "Label smoothing",
        "Share of each answer that is spread over all classes, against overconfidence and single wrong labels.",
        least=0.0,
        most=0.5,
    )
    class_weights: str = _choice(
        str,
        "off",
        "Class weights",
        "“balanced” lets a mistake on a rare class count for more, so that rare classes are not drowned.",
        choices=("off", "balanced"),
    )
    head: str = _choice(
        str,
        "linear",
        "Head",
        "The new layers on top: “linear” is the encoder's own standard head (for RoBERTa that is Linear, tanh, Linear already), "
        "“mlp” is Linear, GELU, Dropout, Linear.",
        choices=("linear", "mlp"),
    )
    pooling: str = _choice(
        str,
        "cls",
        "Pooling",
        "What the head looks at: “cls” is the first token, as is standard; “mean” is the average of all tokens, "
        "and the model is then not one for the one-line pipeline.",
        choices=("cls", "mean"),
    )
    dropout: float | None = _choice(
        float,
        None,
        "Dropout of the head",
        "Share of the head's inputs left out at random while training, against overfitting.",
        least=0.0,
        most=0.9,
        automatic=True,
        nothing="the encoder's own",
    )
    head_learning_rate: float | None = _choice(
        float,
        None,
        "Learning rate of the head",
        "The new layers know nothing yet and may learn faster than the encoder.",
        least=1e-7,
        most=1e-1,
        automatic=True,
        nothing="as the encoder",
    )
    layer_decay: float = _choice(
        float,
        1.0,
        "Layer-wise decay",
        "Each layer further down learns this much slower than the one above it, as lower layers know more general things; 1 treats all alike.",
        least=0.1,
        most=1.0,
    )
    frozen_epochs: int = _choice(
        int,
        0,
        "Epochs with a frozen encoder",
        "For so many epochs only the head learns, then everything; as many as there are epochs, or more, keep the encoder as it is.",
        least=0,
        most=50,
    )
    lora_rank: int = _choice(
        int,
        0,
        "LoRA rank",
        "Trains small additions of this rank instead of the encoder's weights, which saves memory with big encoders; 0 trains the weights.",
        least=0,
        most=256,
    )
    early_stopping: int | None = _choice(
        int,
        None,
        "Early stopping",
        "Ends the training after so many evaluations in a row that bring no new best score.",
        least=1,
        most=50,
        automatic=True,
        nothing="off",
    )
    best_metric: str = _choice(
        str,
        "macro_f1",
        "Best model by",
        "Which score on the validation rows decides what model is kept; the test rows play no part.",
        choices=("macro_f1", "accuracy", "loss"),
    )
    best_margin: float = _choice(
        float,
        1.0,
        "Leeway for a later model",
        "The highest of many scores is partly luck. So the latest model is kept that scores nearly as high: 1 allows for about as much "
        "difference as chance makes (one standard error), 2 for twice that; 0, and a choice by loss, always keep the best score.",
        least=0.0,
        most=5.0,
    )
    evaluations_per_epoch: int | None = _choice(
        int,
        None,
        "Evaluations per epoch",
        "How often the validation rows are scored. Automatic: up to four times, as long as it stays cheap.",
        least=1,
        most=50,
        automatic=True,
    )
    log_every: int | None = _choice(
        int,
        None,
        "Log every",
        "Steps from one point of the charts to the next. Automatic: about 200 points in all.",
        least=1,
        most=10_000,
        automatic=True,
    )
    precision: str = _choice(
        str,
        "auto",
        "Precision",
        "Number format of the arithmetic. “auto” takes what is fastest on the device without loss; 16 bits need hardware that has them.",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    max_length: int = _choice(int, 128, "Maximum length", "Tokens read of each text; what is longer is cut at the end.", least=8, most=512)
    validation_share: float = _choice(float, 0.1, "Validation share", "Share of the rows used to watch the training.", least=0.01, most=0.5)
    test_share: float = _choice(float, 0.2, "Test share", "Share of the rows kept aside for the final score.", least=0.01, most=0.5)
    repairs: tuple[str, ...] = _choice(
        tuple, (), "Repairs", "What is put right in the file before the training, by the codes of the findings; named with commas between."
    )
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
        if self.lora_rank and self.frozen_epochs:
            raise UserError(
                f"LoRA trains additions to the encoder (rank {self.lora_rank}), and a frozen encoder is not trained "
                f"({self.frozen_epochs} frozen epochs). Set one of the two to 0.",
                code="settings_disagree",
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
            learning_rate=self.learning_rate or learning_rate * (_LORA_RATE if self.lora_rank else 1),
        )


_LORA_RATE = 4
"""Additions that start at zero have to learn faster than weights that are nearly right (Biderman et al. 2024); validation rows of
the sample said four times."""


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


def _names(label: str, value: Any, setting: str) -> tuple[str, ...]:
    """Names from a list, or from a text with commas between them."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise UserError(f"{label} must be a list of names.", code="setting_out_of_range", setting=setting)
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _word(label: str, value: Any, choices: tuple[str, ...], setting: str) -> str:
    """A name; where there are ``choices``, one of them, in whatever case it was written."""
    word = value.strip() if isinstance(value, str) else ""
    if not word:
        raise UserError(f"{label} must be a name.", code="setting_out_of_range", setting=setting)
    if not choices:
        return word
    if word.lower() not in choices:
        raise UserError(f"{label} must be one of {', '.join(choices)}; found “{word[:40]}”.", code="setting_out_of_range", setting=setting)
    return word.lower()


def _checked(f: dataclasses.Field, value: Any) -> Any:
    """The value as its field's type; text is accepted where it says a number, as forms and terminals send text."""
    about, kind = f.metadata, f.metadata["kind"]
    if about["automatic"] and (
        value is None or (isinstance(value, str) and value.strip().lower() in ("", "auto", AUTOMATIC, about["nothing"].lower()))
    ):
        return None
    if kind is tuple:
        return _names(about["label"], value, f.name)
    if kind is str:
        return _word(about["label"], value, about["choices"], f.name)
    number = math.nan
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
    whole = kind is int
    wrong = not math.isfinite(number) or not about["least"] <= number <= about["most"] or (whole and number != int(number))
    if wrong:
        otherwise = f", or {about['nothing']}" if about["automatic"] else ""
        raise UserError(
            f"{about['label']} must be a {'whole ' if whole else ''}number from {about['least']:g} to {about['most']:g}"
            f"{otherwise}; found “{str(value)[:40]}”.",
            code="setting_out_of_range",
            setting=f.name,
        )
    return kind(number)


def dump_recipe(recipe: Recipe) -> bytes:
    """The recipe as a file: JSON, one setting a line, readable by ``load_recipe`` and by people."""
    return (json.dumps(recipe.to_dict(), indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def load_recipe(source: Path | bytes, **settings: Any) -> Recipe:
    """The recipe of a file; what it does not name keeps its default, and ``settings`` win over the file.

    Raises UserError: ``not_a_recipe`` for a file that is none, ``unknown_setting`` and ``setting_out_of_range`` for what stands in it,
    ``file_unreadable`` where it cannot be read.
    """
    return Recipe.from_dict({**_settings_of(source), **settings})


def _settings_of(source: Path | bytes) -> Mapping[str, Any]:
    wanted = 'A recipe is a JSON file with a value for each setting, such as {"epochs": 3}.'
    try:
        if isinstance(source, bytes):
            content = source[: _LARGEST_FILE + 1]
        else:
            with open(source, "rb") as file:
                content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise UserError(
            f"The recipe file {str(source)[-80:]} could not be read ({error.strerror or error}). Check its name and its rights.",
            code="file_unreadable",
        ) from error
    if len(content) > _LARGEST_FILE:
        raise UserError(f"This is no recipe: it has more than {_LARGEST_FILE:,} bytes. {wanted}", code="not_a_recipe")
    try:
        values = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise UserError(f"This is no recipe: it cannot be read as JSON. {wanted}", code="not_a_recipe") from error
    if not isinstance(values, dict):
        raise UserError(f"This is no recipe: it holds no settings by name. {wanted}", code="not_a_recipe")
    # A run's own recipe.json may be handed in as well.
    return values["asked"] if isinstance(values.get("asked"), dict) else values
