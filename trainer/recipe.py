"""Recipe: every choice of one training run, frozen and validated. A setting is one field here (recipe_fields.py).

A recipe says nothing about the data (which file, which columns) nor about the machine (device, precision, threads).
"""

import dataclasses
from dataclasses import dataclass
from typing import Any

from trainer.errors import RecipeError
from trainer.recipe_fields import EVALUATION, OVERFITTING, PACE, TRAINED, fields_of, recipe_field
from trainer.regimes import STEP_SETTINGS, check_method, choose_regime


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """The requested settings. ``None`` means "choose for me": ``resolved`` fills it in from the number of rows and the encoder."""

    encoder: str = recipe_field(
        str, "all-MiniLM-L6-v2", "Encoder", "The pretrained model that already knows the language; training adapts it to your labels."
    )
    method: str = recipe_field(
        str,
        "auto",
        "Method",
        "“full” trains everything, and where the head reads the average of all tokens it starts from a linear model on the unchanged encoder; "
        "“contrastive” brings texts of the same class together, and puts a linear model on top; “frozen” is a linear model alone, in seconds. "
        "Automatic: full; with fewer than 12 rows a class frozen, if the encoder was trained for the average of all tokens, the head is linear, a text "
        "has one label, and no setting of the training steps was changed.",
        choices=("auto", "full", "contrastive", "frozen"),
        group=TRAINED,
        place=0,
    )
    epochs: int | None = recipe_field(
        int,
        None,
        "Epochs",
        "How many times the model reads all training rows. Automatic: 6 below 3,000 rows, 4 below 10,000, 3 below 40,000, else 2; contrastive "
        "learning takes about 40 steps, and no more than 20 epochs.",
        minimum=1,
        maximum=50,
        optional=True,
        group=PACE,
        place=1,
    )
    batch_size: int | None = recipe_field(
        int,
        None,
        "Batch size",
        "Texts per training step. Larger batches are faster and need more memory. Automatic: 16 below 400 rows, 32 below 5,000 "
        "(10,000 if it starts from a linear model), else 64.",
        minimum=1,
        maximum=512,
        optional=True,
        group=PACE,
        place=2,
    )
    learning_rate: float | None = recipe_field(
        float,
        None,
        "Learning rate",
        "How far each step moves the weights. Automatic: the encoder's default, less where few rows start from a linear model and for contrastive "
        "learning, 1.4 times as much where the layer-wise decay is 0.85 automatically, four times as much with LoRA.",
        minimum=1e-7,
        maximum=1e-2,
        optional=True,
        group=PACE,
        place=3,
    )
    warmup: float = recipe_field(
        float,
        0.1,
        "Warmup",
        "Share of the steps over which the learning rate rises from zero.",
        minimum=0.0,
        maximum=0.5,
        group=PACE,
        place=5,
    )
    weight_decay: float = recipe_field(
        float,
        0.01,
        "Weight decay",
        "Pulls weights gently towards zero, against overfitting.",
        minimum=0.0,
        maximum=1.0,
        group=OVERFITTING,
        place=1,
    )
    max_grad_norm: float = recipe_field(
        float,
        1.0,
        "Gradient clipping",
        "Largest norm of the gradient of one step; 0 turns clipping off.",
        minimum=0.0,
        maximum=100.0,
        group=OVERFITTING,
        place=6,
    )
    gradient_accumulation: int = recipe_field(
        int,
        1,
        "Gradient accumulation",
        "Batches read before each step; this allows a large effective batch with little memory.",
        minimum=1,
        maximum=64,
        group=PACE,
        place=6,
    )
    label_smoothing: float = recipe_field(
        float,
        0.1,
        "Label smoothing",
        "Share of each label that is spread over all classes, against overconfidence and wrong labels.",
        minimum=0.0,
        maximum=0.5,
        group=OVERFITTING,
        place=3,
    )
    distillation: float | None = recipe_field(
        float,
        None,
        "Distillation",
        "Share of each target that is not the label, but what a linear model that never saw this label says of the text: against learning wrong "
        "labels by heart. Automatic: 0.3 below 3,000 rows with few classes, for most encoders of sentences; else 0.",
        minimum=0.0,
        maximum=0.9,
        optional=True,
        group=OVERFITTING,
        place=7,
    )
    class_weights: str = recipe_field(
        str,
        "off",
        "Class weights",
        "With “balanced”, a mistake on a rare class counts for more, so that the frequent classes do not dominate the training.",
        choices=("off", "balanced"),
        group=OVERFITTING,
        place=4,
    )
    head: str = recipe_field(
        str,
        "linear",
        "Head",
        "The new layers on top: “linear” is the encoder's own standard head (for RoBERTa that is Linear, tanh, Linear already), "
        "“mlp” is Linear, GELU, Dropout, Linear.",
        choices=("linear", "mlp"),
        group=TRAINED,
        place=2,
    )
    pooling: str = recipe_field(
        str,
        "auto",
        "Pooling",
        "What the head reads: “cls” is the first token, “mean” is the average of all tokens. If the encoder was trained for the average, “auto” "
        "takes it for several labels a text, with 20 classes or more and below 20 rows a class; otherwise it takes the first token.",
        choices=("auto", "cls", "mean"),
        group=TRAINED,
        place=3,
    )
    dropout: float | None = recipe_field(
        float,
        None,
        "Dropout of the head",
        "Share of the head's inputs left out at random while training, against overfitting.",
        minimum=0.0,
        maximum=0.9,
        optional=True,
        none_label="the encoder's own",
        group=OVERFITTING,
        place=2,
    )
    head_learning_rate: float | None = recipe_field(
        float,
        None,
        "Learning rate of the head",
        "The new layers may learn faster than the encoder. Automatic: the encoder's rate; ten times that on the average of all tokens, which the "
        "linear head reads as vectors of length 1.",
        minimum=1e-7,
        maximum=1e-1,
        optional=True,
        group=TRAINED,
        place=4,
    )
    layer_decay: float | None = recipe_field(
        float,
        None,
        "Layer-wise decay",
        "The learning rate of each layer is this factor times that of the layer above it, as lower layers are more general; 1 treats all layers "
        "alike. Automatic: 0.85 where the distillation is 0.3 automatically and the learning rate is automatic too, else 1.",
        minimum=0.1,
        maximum=1.0,
        optional=True,
        group=TRAINED,
        place=5,
    )
    frozen_epochs: int = recipe_field(
        int,
        0,
        "Epochs with a frozen encoder",
        "For this many epochs only the head learns, then everything. If it is at least the number of epochs, the encoder never changes.",
        minimum=0,
        maximum=50,
        group=TRAINED,
        place=1,
    )
    lora_rank: int = recipe_field(
        int,
        0,
        "LoRA rank",
        "Trains small additional matrices of this rank instead of the encoder's weights, which saves memory with big encoders; 0 trains the weights.",
        minimum=0,
        maximum=256,
        group=TRAINED,
        place=6,
    )
    added_tokens: str = recipe_field(
        str,
        "automatic",
        "Emoji and symbols",
        "With “automatic”, those that the encoder cannot read and several training texts hold become tokens, which start from the meaning of "
        "their names; with “off”, all look the same to it.",
        choices=("automatic", "off"),
        group=TRAINED,
        place=7,
    )
    class_names: str = recipe_field(
        str,
        "automatic",
        "Names of the classes",
        "With “automatic” and fewer than 100 rows a class, the name of each class counts as four more texts of it in the linear model, if training "
        "rows that are set aside say that this helps; with “off” only texts count.",
        choices=("automatic", "off"),
        group=TRAINED,
        place=8,
    )
    early_stopping: int | None = recipe_field(
        int,
        None,
        "Early stopping",
        "Ends the training after this many evaluations in a row without a new best score.",
        minimum=1,
        maximum=50,
        optional=True,
        none_label="off",
        group=OVERFITTING,
        place=5,
    )
    best_metric: str = recipe_field(
        str,
        "macro_f1",
        "Best model by",
        "The score on the validation rows that decides which model is kept. Test rows play no part.",
        choices=("macro_f1", "accuracy", "loss"),
        group=EVALUATION,
        place=1,
    )
    best_tolerance: float = recipe_field(
        float,
        1.0,
        "Tolerance for a later model",
        "The highest of many scores is partly luck, so the latest model that scores nearly as high is kept. The tolerance is in standard "
        "errors of the score: 1 allows about as much difference as chance makes. With 0, or if the best model is chosen by loss, the best score is kept.",
        minimum=0.0,
        maximum=5.0,
        group=EVALUATION,
        place=2,
    )
    evaluations_per_epoch: int | None = recipe_field(
        int,
        None,
        "Evaluations per epoch",
        "How often the validation rows are scored. Automatic: up to four times, as long as it stays cheap; once with contrastive learning, which "
        "fits its head each time.",
        minimum=1,
        maximum=50,
        optional=True,
        group=EVALUATION,
        place=3,
    )
    log_every: int | None = recipe_field(
        int,
        None,
        "Log every",
        "Steps from one point of the charts to the next. Automatic: about 200 points in all.",
        minimum=1,
        maximum=10_000,
        optional=True,
        group=EVALUATION,
        place=4,
    )
    precision: str = recipe_field(
        str,
        "auto",
        "Precision",
        "Number format of the arithmetic. “auto” uses the fastest one that the device supports without loss; 16 bits need hardware support.",
        choices=("auto", "fp32", "bf16", "fp16"),
        group=EVALUATION,
        place=5,
    )
    max_length: int = recipe_field(
        int,
        128,
        "Maximum length",
        "Tokens read from each text; longer texts are cut at the end.",
        minimum=8,
        maximum=512,
        group=PACE,
        place=4,
    )
    validation_share: float = recipe_field(
        float, 0.1, "Validation share", "Share of the rows used to monitor the training.", minimum=0.01, maximum=0.5
    )
    test_share: float = recipe_field(
        float, 0.2, "Test share", "Share of the rows kept aside for the final score.", minimum=0.01, maximum=0.5
    )
    folds: int | None = recipe_field(
        int,
        None,
        "Folds",
        "For a file of a few hundred rows: this many models are each tested on a part of the rows that it has not seen, and one more learns from all.",
        minimum=2,
        maximum=20,
        optional=True,
        none_label="off",
    )
    repairs: tuple[str, ...] = recipe_field(
        tuple, (), "Repairs", "What is repaired in the file before the training: the codes of the findings, separated by commas."
    )
    seed: int = recipe_field(
        int, 42, "Seed", "Same seed, same file, same machine: same result.", minimum=0, maximum=2**31 - 1, group=EVALUATION, place=6
    )

    def __post_init__(self) -> None:
        for name, field in fields_of(type(self)).items():
            object.__setattr__(self, name, field.check(getattr(self, name)))
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
        check_method(self.method, pooling=self.pooling, head=self.head, lora=self.lora_rank > 0, frozen_first=self.frozen_epochs > 0)

    @property
    def starts_from_linear_model(self) -> bool:
        """Whether a linear model on the unchanged encoder is the head's first weights. The recipe must be resolved."""
        return self.pooling == "mean" and self.head == "linear"

    @property
    def never_trains_encoder(self) -> bool:
        """Whether the encoder stays as it is from the first step to the last. The recipe must be resolved."""
        return self.method == "frozen" or self.frozen_epochs >= self.epochs

    @property
    def never_trains_head(self) -> bool:
        """Whether no gradient reaches the head: it is fitted before each evaluation."""
        return self.method == "contrastive"

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "Recipe":
        """A recipe from plain values. Raises UserError for an unknown name or an invalid value."""
        if not isinstance(values, dict):
            raise RecipeError('The settings must be an object with a value for each name, such as {"epochs": 3}.', code="unknown_setting")
        known = fields_of(cls)
        for name in values:
            if name not in known:
                raise RecipeError(f"There is no setting called “{str(name)[:60]}”. Settings: {', '.join(known)}.", code="unknown_setting")
        return cls(**values)

    def to_dict(self) -> dict[str, Any]:
        return dataclasses.asdict(self)

    def resolved(
        self, *, train_rows: int, learning_rate: float, pooling: str = "cls", classes: int = 2, linear_start: bool = False
    ) -> "Recipe":
        """The recipe with every automatic value filled in. ``learning_rate`` and ``pooling`` are the encoder's own, ``linear_start`` is the task's."""
        regime = choose_regime(
            method=self.method,
            pooling=self.pooling,
            head=self.head,
            train_rows=train_rows,
            classes=classes,
            encoder_pooling=pooling,
            linear_start=linear_start,
            trains_all=not self.lora_rank and not self.frozen_epochs,
            sets_steps=any(getattr(self, name) != getattr(_DEFAULT, name) for name in STEP_SETTINGS),
        )
        if regime.layer_decay < 1 and (self.learning_rate is not None or self.layer_decay is not None):
            # A rate and its decay belong together: who chooses one gets the other as it is without a decay.
            regime = dataclasses.replace(regime, rate_factor=1.0, layer_decay=1.0)
        rate = self.learning_rate or learning_rate * regime.rate_factor * (_LORA_LEARNING_RATE_FACTOR if self.lora_rank else 1)
        return dataclasses.replace(
            self,
            method=regime.method,
            epochs=self.epochs or regime.epochs,
            batch_size=self.batch_size or regime.batch_size,
            evaluations_per_epoch=self.evaluations_per_epoch or regime.evaluations_per_epoch,
            learning_rate=rate,
            layer_decay=self.layer_decay or regime.layer_decay,
            distillation=regime.distillation if self.distillation is None or regime.method != "full" else self.distillation,
            pooling=regime.pooling,
            head_learning_rate=self.head_learning_rate or (regime.head_rate_factor and min(regime.head_rate_factor * rate, 0.1)),
        )


_DEFAULT = Recipe()
_LORA_LEARNING_RATE_FACTOR = 4
"""LoRA weights start at zero and have to learn faster than pretrained ones (Biderman et al. 2024); four times was best on the
sample's validation rows."""
