"""Which way of training suits so many rows and classes."""

import dataclasses

import pytest

from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.recipe import Recipe
from trainer.regimes import Regime, choose_regime, describe_reason


def regime(*, rows: int = 716, classes: int = 6, encoder_pooling: str = "mean", **asked: object) -> Regime:
    return choose_regime(
        **{"method": "auto", "pooling": "auto", "head": "linear", **asked},
        train_rows=rows,
        classes=classes,
        encoder_pooling=encoder_pooling,
    )


@pytest.mark.parametrize("rows", [1, 8, 50, 716, 16_000])
def test_contrastive_learning_takes_about_as_many_steps_however_many_rows(rows: int) -> None:
    chosen = regime(rows=rows, method="contrastive", encoder_pooling="cls")
    assert (chosen.method, chosen.pooling, chosen.evaluations_per_epoch) == ("contrastive", "mean", 1)
    steps = chosen.epochs * -(-rows // chosen.batch_size)
    assert chosen.epochs == 1 or steps <= 100
    assert steps >= min(20, rows)


def test_what_was_asked_for_is_never_overruled() -> None:
    for method in ("full", "frozen", "contrastive"):
        assert regime(method=method).method == method
    for rows, classes in ((48, 6), (716, 6), (8_592, 77)):
        for pooling in ("cls", "mean"):
            assert regime(rows=rows, classes=classes, method="full", pooling=pooling).pooling == pooling
    asked = {"epochs": 3, "batch_size": 4, "evaluations_per_epoch": 2, "learning_rate": 1e-5}
    resolved = Recipe(method="contrastive", **asked).resolved(train_rows=48, learning_rate=1e-4, pooling="mean", classes=6)
    assert {name: value for name, value in dataclasses.asdict(resolved).items() if name in asked} == asked


@pytest.mark.parametrize(
    ("rows", "classes", "pooling", "reason"),
    [
        (716, 6, "cls", ""),
        (120, 6, "cls", ""),
        (119, 6, "mean", "With 19 training rows a class"),
        (6, 6, "mean", "With 1 training row a class"),
        (8_592, 77, "mean", "With 77 classes"),
        (616, 77, "mean", "With 8 training rows a class"),
        (16_000, 20, "mean", "With 20 classes"),
        (16_000, 19, "cls", ""),
    ],
)
def test_few_rows_a_class_or_many_classes_start_from_a_linear_model(rows: int, classes: int, pooling: str, reason: str) -> None:
    chosen = regime(rows=rows, classes=classes, method="full")
    assert (chosen.method, chosen.pooling, chosen.head_rate_factor is None) == ("full", pooling, pooling == "cls")
    assert describe_reason(train_rows=rows, classes=classes) == reason
    # From a good linear model as few steps as few rows give should not lead far away.
    assert (chosen.rate_factor < 1) == ("row" in reason)
    # An encoder that was not trained for the average of its tokens stands for a text by its first one.
    own = regime(rows=rows, classes=classes, method="full", encoder_pooling="cls")
    assert (own.method, own.pooling, own.rate_factor, own.head_rate_factor) == ("full", "cls", 1.0, None)


def test_very_few_rows_a_class_are_for_a_linear_model_alone() -> None:
    for rows, classes in ((6, 6), (48, 6), (71, 6), (616, 77)):
        assert (regime(rows=rows, classes=classes).method, regime(rows=rows, classes=classes).pooling) == ("frozen", "mean")
    # What has no linear model on the average of all tokens is trained, and so is what was not measured.
    for other in (
        regime(rows=72),
        regime(rows=48, encoder_pooling="cls"),
        regime(rows=48, pooling="cls"),
        regime(rows=48, head="mlp"),
        regime(rows=48, linear_start=True),
        regime(rows=48, sets_steps=True),
    ):
        assert other.method == "full"


@pytest.mark.parametrize(
    "asked",
    [
        {"log_every": 1},
        {"best_metric": "loss"},
        {"epochs": 3},
        {"batch_size": 8},
        {"learning_rate": 1e-4},
        {"label_smoothing": 0.0},
        {"frozen_epochs": 2},
        {"lora_rank": 4},
    ],
)
def test_who_chooses_how_steps_are_taken_gets_steps(asked: dict) -> None:
    few = {"train_rows": 48, "learning_rate": 1e-4, "pooling": "mean", "classes": 6}
    assert Recipe(**asked).resolved(**few).method == "full"
    assert Recipe(max_length=64, seed=3, class_weights="balanced").resolved(**few).method == "frozen"
    assert Recipe(method="frozen", **({} if "lora_rank" in asked else asked)).resolved(**few).method == "frozen"


@pytest.mark.parametrize("rows", [119, 716, 16_000, 100_000])
def test_several_labels_start_from_a_linear_model_however_many_there_are(rows: int) -> None:
    linear_start = SEVERAL_LABELS.linear_start
    chosen = regime(rows=rows, linear_start=linear_start)
    assert (chosen.pooling, chosen.head_rate_factor is None) == ("mean", False)
    assert chosen.rate_factor == (1.0 if rows > 119 else regime(rows=rows).rate_factor)
    assert describe_reason(train_rows=rows, classes=6, linear_start=linear_start) != ""
    assert regime(rows=rows, linear_start=linear_start, encoder_pooling="cls").pooling == "cls"
    assert regime(rows=rows, linear_start=linear_start, pooling="cls").pooling == "cls"
    assert regime(rows=rows, linear_start=linear_start, head="mlp").pooling == regime(rows=rows, head="mlp").pooling
    assert not SINGLE_LABEL.linear_start


def test_a_gentle_rate_belongs_to_a_linear_model() -> None:
    for asked in ({"pooling": "cls"}, {"head": "mlp"}):
        assert regime(rows=48, **asked).rate_factor == 1.0


def test_few_rows_on_the_first_token_are_distilled_from_a_linear_model() -> None:
    chosen = regime(rows=716)
    assert (chosen.method, chosen.pooling, chosen.distillation > 0, chosen.layer_decay < 1, chosen.rate_factor > 1) == (
        "full",
        "cls",
        True,
        True,
        True,
    )
    # A rate that is higher at the top belongs to layers that learn less below it.
    for other in (
        regime(rows=3_000),
        regime(rows=119),
        regime(encoder_pooling="cls"),
        regime(head="mlp"),
        regime(pooling="mean"),
        regime(method="frozen"),
        regime(method="contrastive"),
        regime(trains_all=False),
        regime(linear_start=True),
        regime(linear_start=True, pooling="cls"),
        regime(rows=119, pooling="cls"),
        regime(classes=20, pooling="cls"),
    ):
        assert (other.distillation, other.layer_decay) == (0.0, 1.0)
        assert other.rate_factor <= 1.0
