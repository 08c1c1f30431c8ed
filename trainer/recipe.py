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

from trainer.errors import FileError, RecipeError

AUTOMATIC = "automatic"

_MAX_FILE_BYTES = 100_000
"""A complete recipe file has about 800 bytes."""


def _choice(
    value_type: type,
    default: Any,
    label: str,
    help: str,
    *,
    minimum: float = -math.inf,
    maximum: float = math.inf,
    optional: bool = False,
    none_label: str = AUTOMATIC,
    choices: tuple[str, ...] = (),
) -> Any:
    """A dataclass field with the metadata that the form and the checks need.

    An ``optional`` field may be None, which the form shows as ``none_label``. If ``choices`` are given, no other value is allowed.
    """
    return field(
        default=default,
        metadata={
            "type": value_type,
            "label": label,
            "help": help,
            "minimum": minimum,
            "maximum": maximum,
            "optional": optional,
            "none_label": none_label,
            "choices": choices,
        },
    )


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The requested settings. ``None`` means "choose for me": ``resolved`` fills it in from the number of rows and the encoder."""

    encoder: str = _choice(
        str, "all-MiniLM-L6-v2", "Encoder", "The pretrained model that already knows the language; training adapts it to your labels."
    )
    epochs: int | None = _choice(
        int,
        None,
        "Epochs",
        "How many times the model reads all training rows. Automatic: 6 below 3,000 rows, 4 below 10,000, 3 below 40,000, else 2.",
        minimum=1,
        maximum=50,
        optional=True,
    )
    batch_size: int | None = _choice(
        int,
        None,
        "Batch size",
        "Texts per training step. Larger batches are faster and need more memory. Automatic: 16 below 400 rows, 32 below 5,000, else 64.",
        minimum=1,
        maximum=512,
        optional=True,
    )
    learning_rate: float | None = _choice(
        float,
        None,
        "Learning rate",
        "How far each step moves the weights. Automatic: the encoder's default, four times that with LoRA.",
        minimum=1e-7,
        maximum=1e-2,
        optional=True,
    )
    warmup: float = _choice(
        float, 0.1, "Warmup", "Share of the steps over which the learning rate rises from zero.", minimum=0.0, maximum=0.5
    )
    weight_decay: float = _choice(
        float, 0.01, "Weight decay", "Pulls weights gently towards zero, against overfitting.", minimum=0.0, maximum=1.0
    )
    max_grad_norm: float = _choice(
        float,
        1.0,
        "Gradient clipping",
        "Largest norm of the gradient of one step; 0 turns clipping off.",
        minimum=0.0,
        maximum=100.0,
    )
    gradient_accumulation: int = _choice(
        int,
        1,
        "Gradient accumulation",
        "Batches read before each step; this allows a large effective batch with little memory.",
        minimum=1,
        maximum=64,
    )
    label_smoothing: float = _choice(
        float,
        0.1,
        "Label smoothing",
        "Share of each label that is spread over all classes, against overconfidence and wrong labels.",
        minimum=0.0,
        maximum=0.5,
    )
    class_weights: str = _choice(
        str,
        "off",
        "Class weights",
        "With “balanced”, a mistake on a rare class counts for more, so that the frequent classes do not dominate the training.",
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
        "What the head reads: “cls” is the first token, the standard; “mean” is the average of all tokens, "
        "and the model then does not load in the one-line pipeline.",
        choices=("cls", "mean"),
    )
    dropout: float | None = _choice(
        float,
        None,
        "Dropout of the head",
        "Share of the head's inputs left out at random while training, against overfitting.",
        minimum=0.0,
        maximum=0.9,
        optional=True,
        none_label="the encoder's own",
    )
    head_learning_rate: float | None = _choice(
        float,
        None,
        "Learning rate of the head",
        "The new layers start from random weights and may learn faster than the encoder.",
        minimum=1e-7,
        maximum=1e-1,
        optional=True,
        none_label="same as the encoder",
    )
    layer_decay: float = _choice(
        float,
        1.0,
        "Layer-wise decay",
        "The learning rate of each layer is this factor times that of the layer above it, as lower layers are more general; 1 treats all layers alike.",
        minimum=0.1,
        maximum=1.0,
    )
    frozen_epochs: int = _choice(
        int,
        0,
        "Epochs with a frozen encoder",
        "For this many epochs only the head learns, then everything. If it is at least the number of epochs, the encoder never changes.",
        minimum=0,
        maximum=50,
    )
    lora_rank: int = _choice(
        int,
        0,
        "LoRA rank",
        "Trains small additional matrices of this rank instead of the encoder's weights, which saves memory with big encoders; 0 trains the weights.",
        minimum=0,
        maximum=256,
    )
    early_stopping: int | None = _choice(
        int,
        None,
        "Early stopping",
        "Ends the training after this many evaluations in a row without a new best score.",
        minimum=1,
        maximum=50,
        optional=True,
        none_label="off",
    )
    best_metric: str = _choice(
        str,
        "macro_f1",
        "Best model by",
        "The score on the validation rows that decides which model is kept. Test rows play no part.",
        choices=("macro_f1", "accuracy", "loss"),
    )
    best_tolerance: float = _choice(
        float,
        1.0,
        "Tolerance for a later model",
        "The highest of many scores is partly luck, so the latest model that scores nearly as high is kept. The tolerance is in standard "
        "errors of the score: 1 allows about as much difference as chance makes. With 0, or if the best model is chosen by loss, the best score is kept.",
        minimum=0.0,
        maximum=5.0,
    )
    evaluations_per_epoch: int | None = _choice(
        int,
        None,
        "Evaluations per epoch",
        "How often the validation rows are scored. Automatic: up to four times, as long as it stays cheap.",
        minimum=1,
        maximum=50,
        optional=True,
    )
    log_every: int | None = _choice(
        int,
        None,
        "Log every",
        "Steps from one point of the charts to the next. Automatic: about 200 points in all.",
        minimum=1,
        maximum=10_000,
        optional=True,
    )
    precision: str = _choice(
        str,
        "auto",
        "Precision",
        "Number format of the arithmetic. “auto” uses the fastest one that the device supports without loss; 16 bits need hardware support.",
        choices=("auto", "fp32", "bf16", "fp16"),
    )
    max_length: int = _choice(
        int, 128, "Maximum length", "Tokens read from each text; longer texts are cut at the end.", minimum=8, maximum=512
    )
    validation_share: float = _choice(
        float, 0.1, "Validation share", "Share of the rows used to monitor the training.", minimum=0.01, maximum=0.5
    )
    test_share: float = _choice(float, 0.2, "Test share", "Share of the rows kept aside for the final score.", minimum=0.01, maximum=0.5)
    repairs: tuple[str, ...] = _choice(
        tuple, (), "Repairs", "What is repaired in the file before the training: the codes of the findings, separated by commas."
    )
    seed: int = _choice(int, 42, "Seed", "Same seed, same file, same machine: same result.", minimum=0, maximum=2**31 - 1)

    def __post_init__(self) -> None:
        for f in dataclasses.fields(self):
            object.__setattr__(self, f.name, _check_value(f, getattr(self, f.name)))
        if self.validation_share + self.test_share > 0.8:
            raise RecipeError(
                f"Validation ({self.validation_share:.0%}) and test ({self.test_share:.0%}) leave too few rows for training. "
                "Choose shares that add up to at most 80 %.",
                code="setting_out_of_range",
            )
        if self.lora_rank and self.frozen_epochs:
            raise RecipeError(
                f"LoRA trains additions to the encoder (rank {self.lora_rank}), and a frozen encoder is not trained "
                f"({self.frozen_epochs} frozen epochs). Set one of the two to 0.",
                code="settings_disagree",
            )

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """A recipe from plain values. Raises UserError for an unknown name or an invalid value."""
        if not isinstance(values, dict):
            raise RecipeError('The settings must be an object with a value for each name, such as {"epochs": 3}.', code="unknown_setting")
        known = [f.name for f in dataclasses.fields(cls)]
        for name in values:
            if name not in known:
                raise RecipeError(f"There is no setting called “{str(name)[:60]}”. Settings: {', '.join(known)}.", code="unknown_setting")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def resolved(self, *, train_rows: int, learning_rate: float) -> "Recipe":
        """The recipe with every automatic value filled in. ``learning_rate`` is the encoder's default."""
        return dataclasses.replace(
            self,
            epochs=self.epochs or _epochs_for(train_rows),
            batch_size=self.batch_size or _batch_size_for(train_rows),
            learning_rate=self.learning_rate or learning_rate * (_LORA_LEARNING_RATE_FACTOR if self.lora_rank else 1),
        )


_LORA_LEARNING_RATE_FACTOR = 4
"""LoRA weights start at zero and have to learn faster than pretrained ones (Biderman et al. 2024); four times was best on the
sample's validation rows."""


def _epochs_for(train_rows: int) -> int:
    """With few rows, a new head needs more passes over them."""
    if train_rows < 3_000:
        return 6
    if train_rows < 10_000:
        return 4
    return 3 if train_rows < 40_000 else 2


def _batch_size_for(train_rows: int) -> int:
    """With few rows, large batches leave too few steps; with many rows, they save optimizer steps."""
    if train_rows < 400:
        return 16
    return 32 if train_rows < 5_000 else 64


def _check_names(label: str, value: Any, setting: str) -> tuple[str, ...]:
    """Names from a list or from a comma-separated text."""
    names = value.split(",") if isinstance(value, str) else value
    if not isinstance(names, (list, tuple)) or not all(isinstance(name, str) for name in names):
        raise RecipeError(f"{label} must be a list of names.", code="setting_out_of_range", setting=setting)
    return tuple(dict.fromkeys(name.strip() for name in names if name.strip()))


def _check_name(label: str, value: Any, choices: tuple[str, ...], setting: str) -> str:
    """A name; if there are ``choices``, one of them, in any case."""
    name = value.strip() if isinstance(value, str) else ""
    if not name:
        raise RecipeError(f"{label} must be a name.", code="setting_out_of_range", setting=setting)
    if not choices:
        return name
    if name.lower() not in choices:
        raise RecipeError(
            f"{label} must be one of {', '.join(choices)}; found “{name[:40]}”.", code="setting_out_of_range", setting=setting
        )
    return name.lower()


def _check_value(f: dataclasses.Field, value: Any) -> Any:
    """The value converted to its field's type. Numbers may be text, since forms and terminals send text. Raises UserError."""
    metadata, value_type = f.metadata, f.metadata["type"]
    if metadata["optional"] and (
        value is None or (isinstance(value, str) and value.strip().lower() in ("", "auto", AUTOMATIC, metadata["none_label"].lower()))
    ):
        return None
    if value_type is tuple:
        return _check_names(metadata["label"], value, f.name)
    if value_type is str:
        return _check_name(metadata["label"], value, metadata["choices"], f.name)
    number = math.nan
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            number = float(value)
        except (ValueError, OverflowError):
            number = math.nan
    whole = value_type is int
    wrong = not math.isfinite(number) or not metadata["minimum"] <= number <= metadata["maximum"] or (whole and number != int(number))
    if wrong:
        or_none = f", or {metadata['none_label']}" if metadata["optional"] else ""
        raise RecipeError(
            f"{metadata['label']} must be a {'whole ' if whole else ''}number from {metadata['minimum']:g} to {metadata['maximum']:g}"
            f"{or_none}; found “{str(value)[:40]}”.",
            code="setting_out_of_range",
            setting=f.name,
        )
    return value_type(number)


def dump_recipe(recipe: Recipe) -> bytes:
    """The content of a recipe file: JSON, one setting a line, for ``load_recipe``."""
    return (json.dumps(recipe.to_dict(), indent=2, ensure_ascii=False) + "\n").encode("utf-8")


def load_recipe(source: Path | bytes, **settings: Any) -> Recipe:
    """The recipe in a file. Missing settings have their defaults; ``settings`` override the file.

    Raises UserError: ``not_a_recipe`` if the file is no recipe, ``unknown_setting`` and ``setting_out_of_range`` for its content,
    ``file_unreadable`` if it cannot be read.
    """
    return Recipe.from_dict({**_read_settings(source), **settings})


def _read_settings(source: Path | bytes) -> Mapping[str, Any]:
    expected = 'A recipe is a JSON file with a value for each setting, such as {"epochs": 3}.'
    try:
        if isinstance(source, bytes):
            content = source[: _MAX_FILE_BYTES + 1]
        else:
            with open(source, "rb") as file:
                content = file.read(_MAX_FILE_BYTES + 1)
    except OSError as error:
        raise FileError(
            f"The recipe file {str(source)[-80:]} could not be read ({error.strerror or error}). Check its name and its rights.",
            code="file_unreadable",
        ) from error
    if len(content) > _MAX_FILE_BYTES:
        raise RecipeError(f"This is no recipe: it has more than {_MAX_FILE_BYTES:,} bytes. {expected}", code="not_a_recipe")
    try:
        values = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise RecipeError(f"This is no recipe: it cannot be read as JSON. {expected}", code="not_a_recipe") from error
    if not isinstance(values, dict):
        raise RecipeError(f"This is no recipe: it holds no settings by name. {expected}", code="not_a_recipe")
    # A run's recipe.json is accepted too.
    return values["asked"] if isinstance(values.get("asked"), dict) else values
