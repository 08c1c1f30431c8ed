"""The presets are what the tutorials do, each trains, and a level explains what it chose."""

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.conftest import small_rows, write_rows
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.rows import save_rows
from trainer.data.splits import split
from trainer.errors import UserError
from trainer.jobs.train import pipeline
from trainer.presets import LEVELS, PRESETS, load_preset, recipe_for_level
from trainer.recipe import Recipe
from trainer.runs.event_types import Created
from trainer.runs.store import RunStore
from trainer.runs.view_builder import build_view
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder

EXPECTED = {
    "Tutorial": {
        "test_share": 0.2,
        "validation_share": 0.1,
        "epochs": 2,
        "learning_rate": 2e-5,
        "batch_size": 64,
        "weight_decay": 0.01,
        "evaluations_per_epoch": 1,
    },
    "Frozen encoder": {"class_weights": "balanced", "validation_share": 0.15, "test_share": 0.15, "frozen_epochs": 50},
    "DistilBERT tutorial": {
        "max_length": 128,
        "batch_size": 16,
        "epochs": 3,
        "warmup": 0.1,
        "best_metric": "macro_f1",
        "frozen_epochs": 1,
        "early_stopping": 2,
    },
    "AG News, small": {"batch_size": 8, "epochs": 1, "log_every": 10, "test_share": 0.2, "best_metric": "macro_f1"},
    "Custom head": {
        "head": "mlp",
        "pooling": "cls",
        "dropout": 0.3,
        "batch_size": 16,
        "epochs": 3,
        "learning_rate": 2e-5,
        "head_learning_rate": 1e-4,
        "max_grad_norm": 1.0,
        "warmup": 0.1,
    },
}


def test_there_is_a_preset_for_each_tutorial() -> None:
    assert [p.name for p in PRESETS] == list(EXPECTED)
    for preset in PRESETS:
        assert preset.description.endswith(".")
        # The encoder, the seed and the repairs are left to the caller.
        assert not {"encoder", "seed", "repairs"} & set(json.loads(preset.file.read_text()))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_preset_is_what_its_tutorial_does(name: str) -> None:
    recipe = load_preset(name)
    assert {setting: getattr(recipe, setting) for setting in EXPECTED[name]} == EXPECTED[name]
    assert recipe.encoder == Recipe().encoder
    merged = load_preset(name.upper(), Recipe(encoder="mine", seed=7, repairs=("rare_classes",)))
    assert (merged.encoder, merged.seed, merged.repairs) == ("mine", 7, ("rare_classes",))


@pytest.mark.parametrize("name", EXPECTED)
def test_a_preset_trains_to_its_report(name: str, tiny_encoder: Encoder, tmp_path: Path) -> None:
    recipe = load_preset(name, Recipe(encoder=tiny_encoder.name))
    corpus = build_corpus(read_table(write_rows(tmp_path / "m.csv", small_rows()).read_bytes()), text=0, label=1)
    splits = split(corpus, validation_share=recipe.validation_share, test_share=recipe.test_share, seed=recipe.seed)
    run = RunStore(tmp_path).create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=len(splits.train), learning_rate=tiny_encoder.learning_rate),
        fill=lambda f: save_rows(f / "data.parquet", corpus, splits),
        created=Created(name="n", owner="local", rows={"train": len(splits.train)}),
    )
    pipeline.run_job(run, EncoderCatalogue([tiny_encoder]))
    view = build_view(run.id, run.log.read())
    assert view.status == "finished", view.message
    assert view.baseline is not None
    assert pipeline.load_report(run, "test").rows == len(splits.test)


def test_an_unknown_preset_or_level() -> None:
    with pytest.raises(UserError, match="no recipe called “Nonsense”") as refused:
        load_preset("Nonsense")
    assert refused.value.code == "unknown_preset"
    with pytest.raises(UserError, match="no level called “Turbo”") as refused:
        recipe_for_level("Turbo", train_rows=10, class_count=2, mean_tokens=5)
    assert refused.value.code == "unknown_level"


levels = st.sampled_from(LEVELS)


@given(levels, st.integers(1, 2_000_000), st.integers(2, 500), st.floats(1, 5_000), st.sampled_from(["cpu", "cuda", "mps"]))
def test_each_level_gives_a_recipe_and_an_explanation(level: str, rows: int, classes: int, tokens: float, device: str) -> None:
    base = Recipe(encoder="mine", seed=7, validation_share=0.2, test_share=0.3, repairs=("rare_classes",), epochs=9)
    recipe, explanation = recipe_for_level(level, train_rows=rows, class_count=classes, mean_tokens=tokens, device=device, base=base)
    assert (recipe.encoder, recipe.seed, recipe.validation_share, recipe.test_share) == ("mine", 7, 0.2, 0.3)
    assert recipe.repairs == ("rare_classes",)
    assert explanation.endswith(".")
    assert f"{rows:,}" in explanation
    assert (recipe, explanation) == recipe_for_level(
        level, train_rows=rows, class_count=classes, mean_tokens=tokens, device=device, base=base
    )


def test_balanced_says_why_it_does_not_just_read_the_rows() -> None:
    def explain(rows: int, classes: int, **of_task: bool) -> str:
        return recipe_for_level("Balanced", train_rows=rows, class_count=classes, mean_tokens=20, pooling="mean", **of_task)[1]

    assert explain(90, 6).startswith(
        "With 15 training rows a class, it starts from a linear model on the unchanged encoder, and reads the 90 training rows"
    )
    assert explain(8_592, 77).startswith("With 77 classes, it starts from a linear model")
    assert explain(716, 6).startswith("Reads the 716 training rows 6 times")
    assert "30 % of what it learns about a text is not its label" in explain(716, 6)
    assert "not its label" not in explain(16_000, 6)
    assert explain(716, 6, linear_start=True).startswith(
        "With several labels a text, it starts from a linear model on the unchanged encoder"
    )


def test_very_few_rows_are_for_a_linear_model_alone_and_best_fine_tunes_all_the_same() -> None:
    few = {"train_rows": 48, "class_count": 6, "mean_tokens": 40, "pooling": "mean"}
    levels = {level: recipe_for_level(level, **few) for level in LEVELS}
    methods = {
        level: recipe.resolved(train_rows=48, learning_rate=1e-4, pooling="mean", classes=6).method for level, (recipe, _) in levels.items()
    }
    assert methods == {"Quick look": "frozen", "Balanced": "frozen", "Best": "full"}
    sentence = "With 8 training rows a class, it fits a linear model to what the unchanged encoder makes of the 48 training rows"
    assert levels["Quick look"][1].startswith(f"{sentence} and no more than the first 64 tokens of each text, in seconds")
    assert levels["Balanced"][1].startswith(f"{sentence}, in seconds")
    assert "longer than Balanced" in levels["Best"][1]


def test_balanced_is_the_default_recipe() -> None:
    recipe, explanation = recipe_for_level("Balanced", train_rows=716, class_count=6, mean_tokens=20)
    assert recipe == Recipe()
    assert "6 times in batches of 32" in explanation


@given(st.integers(10, 500_000), st.integers(2, 100), st.floats(3, 500), st.sampled_from(["cpu", "cuda"]), st.sampled_from(["cls", "mean"]))
def test_quick_is_less_work_than_balanced_and_that_less_than_best(
    rows: int, classes: int, tokens: float, device: str, pooling: str
) -> None:
    def work(level: str) -> float:
        recipe = recipe_for_level(level, train_rows=rows, class_count=classes, mean_tokens=tokens, device=device, pooling=pooling)[0]
        resolved = recipe.resolved(train_rows=rows, learning_rate=1e-4, pooling=pooling, classes=classes)
        return (0.1 if resolved.method == "frozen" else resolved.epochs) * min(tokens, recipe.max_length)

    assert work("Quick look") <= work("Balanced") <= work("Best")


def test_quick_reads_the_sample_four_times_and_a_large_file_once() -> None:
    recipe, explanation = recipe_for_level("Quick look", train_rows=716, class_count=6, mean_tokens=20)
    assert (recipe.epochs, recipe.max_length) == (4, 64)
    assert "4 times" in explanation
    recipe, explanation = recipe_for_level("Quick look", train_rows=16_000, class_count=6, mean_tokens=40)
    assert recipe.epochs == 1
    assert "once and no more than the first 64 tokens" in explanation


def test_best_trains_until_it_no_longer_improves() -> None:
    recipe, explanation = recipe_for_level("Best", train_rows=11_200, class_count=6, mean_tokens=70)
    assert (recipe.epochs, recipe.label_smoothing, recipe.evaluations_per_epoch, recipe.max_length) == (5, 0.1, 4, 224)
    assert recipe.early_stopping
    assert "up to 5 times" in explanation


def test_the_sample_is_what_the_quick_look_was_made_for() -> None:
    sample = Path(__file__).resolve().parents[1] / "assets" / "sample_emotions.csv"
    rows = len(list(csv.reader(sample.open(encoding="utf-8")))) - 1
    recipe, _ = recipe_for_level("Quick look", train_rows=round(0.7 * rows), class_count=6, mean_tokens=20)
    assert recipe.epochs * 0.7 * rows <= 3_000
