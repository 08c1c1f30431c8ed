"""Regimes: which way of training suits so many rows and classes, and the automatic settings that go with it.

Knows no recipe: recipe.py asks for what a person left open.
"""

from dataclasses import dataclass, replace

from trainer.errors import RecipeError
from trainer.text_format import pluralize

MANY_CLASSES = 20
"""From here on a linear model on the average of all tokens is a good start: with 77 classes it gained 1.7 points over the first token, with the
six of the sample it lost 5. What is between was not measured."""

FEW_ROWS_A_CLASS = 20
"""Below, a new head on the first token hardly gets started: in six draws with 8 or 16 rows a class it lost 7.5 points on the average against a linear
model on the unchanged encoder; with 32 rows a class, in one draw, it gained 4."""

FROZEN_ROWS_A_CLASS = 12
"""Below, fine-tuning from the linear model is no better and takes longer: with 8 rows a class it lost 1.3 points on TweetEval's test file and 1.0 on
Banking77's, and gained 0.5 on other rows of three training files; with 16 it gained up to 4."""

_FEW_ROWS_RATE_FACTOR = 0.12
"""As few steps as few rows give should not lead far away from a good linear model: in four draws it lost 0.3 points against it,
and 1.5 with 0.4 of the rate."""

_DISTILLED_ROWS = 3_000
"""Below, a linear model on the unchanged encoder knows enough to be a teacher, and the labels are few enough to be learned by heart."""
_DISTILLATION = 0.3
_LAYER_DECAY, _LAYER_DECAY_RATE_FACTOR = 0.85, 1.4
"""The lower layers learn less than with one rate for all, the upper ones more."""

STEP_SETTINGS = (
    "epochs",
    "batch_size",
    "learning_rate",
    "warmup",
    "weight_decay",
    "max_grad_norm",
    "gradient_accumulation",
    "label_smoothing",
    "distillation",
    "dropout",
    "head_learning_rate",
    "layer_decay",
    "frozen_epochs",
    "lora_rank",
    "early_stopping",
    "evaluations_per_epoch",
    "log_every",
    "best_metric",
    "best_tolerance",
)
"""The settings that a linear model alone does not have: whoever changes one of them wants a training in steps."""

_UNIT_VECTOR_RATE_FACTOR = 10
"""The weights that read vectors of length 1 are some ten times as large as usual, and have to move as much faster."""


@dataclass(frozen=True)
class Regime:
    """One way of training, with its automatic settings."""

    method: str
    """"full", "contrastive" or "frozen"."""
    pooling: str
    """"cls" or "mean"."""
    epochs: int
    batch_size: int
    evaluations_per_epoch: int | None = None
    """None leaves it to the schedule."""
    rate_factor: float = 1.0
    """The learning rate relative to the encoder's usual one."""
    head_rate_factor: float | None = None
    """The learning rate of the head relative to the rate of the rest; None if the head has none of its own."""
    layer_decay: float = 1.0
    """The learning rate of a layer relative to that of the one above it. It belongs to ``rate_factor``."""
    distillation: float = 0.0
    """The share of each target that is what a linear model says."""


def check_method(method: str, *, pooling: str, head: str, lora: bool, frozen_first: bool) -> None:
    """Raises RecipeError ``settings_disagree`` if a method was asked for with a pooling or a head that it does not have, with LoRA or with an encoder
    that is frozen at first."""
    if method == "frozen" and (pooling == "cls" or head != "linear" or lora):
        raise RecipeError(
            "The method frozen is a linear model on the average of all tokens. It needs the head linear, the pooling auto or mean, and no LoRA.",
            code="settings_disagree",
        )
    if method == "contrastive" and (pooling == "cls" or head != "linear" or frozen_first):
        raise RecipeError(
            "The method contrastive trains the encoder and puts a linear model on the average of all tokens. It needs the head linear, the "
            "pooling auto or mean, and no epochs with a frozen encoder.",
            code="settings_disagree",
        )


def choose_regime(
    *,
    method: str,
    pooling: str,
    head: str,
    train_rows: int,
    classes: int,
    encoder_pooling: str,
    linear_start: bool = False,
    trains_all: bool = True,
    sets_steps: bool = False,
) -> Regime:
    """The regime for so many training rows and classes, with the method, pooling and head that were asked for ("auto" leaves them open).

    ``encoder_pooling`` is the encoder's own: "mean" if it was trained to stand for a text by the average of its tokens. ``linear_start``: whether the
    task asks for a linear model as the start whatever these numbers are, as that of several labels a text does (``Task.linear_start``). Binary cross
    entropy first learns how rare each label is, and a new head on the first token little else: see tests/bench/README.md. ``trains_all``: whether
    all weights of the encoder learn from the first step on. ``sets_steps``: whether a person chose how the training steps are taken, and so that
    there are some.
    """
    few_rows = train_rows < FEW_ROWS_A_CLASS * classes
    wants_linear_model = classes >= MANY_CLASSES or few_rows or (linear_start and head == "linear")
    if method == "auto":
        # With several labels a text it was not measured.
        fits_linear_model = encoder_pooling == "mean" and pooling != "cls" and head == "linear" and not linear_start
        few = train_rows < FROZEN_ROWS_A_CLASS * classes
        method = "frozen" if few and fits_linear_model and not sets_steps else "full"
    if method != "full":
        pooling = "mean"
    elif pooling == "auto":
        pooling = encoder_pooling if wants_linear_model else "cls"
    if method == "contrastive":
        epochs = _contrastive_epochs_for(train_rows)
        return Regime(method, pooling, epochs, _CONTRASTIVE_BATCH, evaluations_per_epoch=1, rate_factor=_CONTRASTIVE_RATE_FACTOR)
    from_linear_model = pooling == "mean" and head == "linear"
    regime = Regime(
        method,
        pooling,
        _epochs_for(train_rows),
        _batch_size_for(train_rows, from_linear_model=from_linear_model),
        rate_factor=_FEW_ROWS_RATE_FACTOR if from_linear_model and few_rows else 1.0,
        head_rate_factor=_UNIT_VECTOR_RATE_FACTOR if from_linear_model else None,
    )
    on_first_token = method == "full" and pooling == "cls" and head == "linear" and trains_all
    if on_first_token and not wants_linear_model and encoder_pooling == "mean" and train_rows < _DISTILLED_ROWS:
        return replace(regime, rate_factor=_LAYER_DECAY_RATE_FACTOR, layer_decay=_LAYER_DECAY, distillation=_DISTILLATION)
    return regime


def describe_reason(*, train_rows: int, classes: int, linear_start: bool = False) -> str:
    """Why the average of all tokens is the automatic choice, as the beginning of a sentence; "" if there is no reason."""
    if train_rows < FEW_ROWS_A_CLASS * classes:
        return f"With {pluralize(max(1, train_rows // classes), 'training row')} a class"
    if classes >= MANY_CLASSES:
        return f"With {classes:,} classes"
    return "With several labels a text" if linear_start else ""


_CONTRASTIVE_BATCH = 32
_CONTRASTIVE_STEPS = 40
"""About as many: further ones made it worse."""
_CONTRASTIVE_MAX_EPOCHS = 20
_CONTRASTIVE_RATE_FACTOR = 0.12
"""With 0.4 it fell below the linear model that it starts from on one of two sets."""


def _contrastive_epochs_for(train_rows: int) -> int:
    return max(1, min(_CONTRASTIVE_MAX_EPOCHS, round(_CONTRASTIVE_STEPS * _CONTRASTIVE_BATCH / max(1, train_rows))))


def _epochs_for(train_rows: int) -> int:
    """With few rows, a new head needs more passes over them."""
    if train_rows < 3_000:
        return 6
    if train_rows < 10_000:
        return 4
    return 3 if train_rows < 40_000 else 2


def _batch_size_for(train_rows: int, *, from_linear_model: bool) -> int:
    """With few rows, large batches leave too few steps; with many rows, they save optimizer steps."""
    if train_rows < 400:
        return 16
    # Banking77, with 8,592 rows of 77 classes, was measured with 32.
    return 32 if train_rows < (10_000 if from_linear_model else 5_000) else 64
