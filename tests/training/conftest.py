"""What the tests of training share: a small corpus with its split, and a training of it in one call."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.several_labels import several_labels_corpus
from trainer.data.corpus import Corpus, build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.rows import save_rows
from trainer.data.splits import Splits, split
from trainer.jobs.train.run_training import RunHistory, train_run
from trainer.recipe import Recipe
from trainer.runs.event_types import Created
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.training.attempt import TrainResult
from trainer.training.encoders import Encoder


@pytest.fixture(scope="session")
def material(tmp_path_factory: pytest.TempPathFactory) -> tuple[Corpus, Splits]:
    table = read_table(write_rows(tmp_path_factory.mktemp("data") / "moods.csv", small_rows()).read_bytes())
    corpus = build_corpus(table, text=0, label=1)
    return corpus, split(corpus, validation_share=0.1, test_share=0.2, seed=42)


@pytest.fixture(scope="session")
def several_material() -> tuple[Corpus, Splits]:
    """Texts with several labels or none."""
    corpus = several_labels_corpus()
    return corpus, split(corpus, validation_share=0.1, test_share=0.2, seed=42)


def run_with(root: Path, material: tuple[Corpus, Splits], recipe: Recipe) -> Run:
    store = RunStore(root)
    return store.create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=len(material[1].train), learning_rate=2e-5),
        fill=lambda f: save_rows(f / "data.parquet", *material),
        created=Created(name="n", owner="local"),
    )


def fit(run: Run, encoder: Encoder, corpus: Corpus, splits: Splits, *, save_seconds: float = 30.0) -> TrainResult:
    """Train a run from its last state, or from the start."""
    return train_run(run, RunHistory.read(run), encoder, corpus, splits, save_seconds=save_seconds)


@pytest.fixture
def trained_with(tmp_path: Path, material: tuple[Corpus, Splits], tiny_encoder: Encoder) -> Callable[..., tuple[Run, TrainResult]]:
    """Train the small corpus for two epochs with these settings; returns the run and what the training did."""

    def train(encoder: Encoder = tiny_encoder, **settings: object) -> tuple[Run, TrainResult]:
        asked = {"encoder": encoder.name, "epochs": 2, "batch_size": 8, "learning_rate": 3e-3, "max_length": 32, **settings}
        run = run_with(tmp_path, material, Recipe(**asked))
        return run, fit(run, encoder, *material)

    return train
