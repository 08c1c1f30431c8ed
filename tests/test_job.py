"""A whole run: its baseline, its words, and what a recipe asks that cannot be had."""

from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from trainer import job
from trainer.data.corpus import build_corpus
from trainer.data.files.reading import read_file
from trainer.data.rows import save_rows
from trainer.data.splitting import split
from trainer.evaluation import baseline
from trainer.recipe import Recipe
from trainer.runs.run import Run, RunStore
from trainer.runs.view import RunView, fold
from trainer.training import hardware
from trainer.training.encoders import Encoder


def done(root: Path, encoder: Encoder, **settings: object) -> tuple[Run, RunView]:
    corpus = build_corpus(read_file(write_rows(root / "moods.csv", small_rows(120))), text=0, label=1)
    splits = split(corpus, validation_share=0.1, test_share=0.2, seed=42)
    recipe = Recipe(**{"encoder": encoder.name, "epochs": 1, "batch_size": 8, "learning_rate": 1e-2, "max_length": 32, **settings})
    run = RunStore(root).create(
        recipe=recipe,
        fill=lambda f: save_rows(f / "data.parquet", corpus, splits),
        name="brisk otter",
        owner="local",
        source_name="moods.csv",
        rows={"train": len(splits.train)},
    )
    assert job.do(run, [encoder])
    return run, fold(run.id, run.log.read())


def test_a_baseline_stands_beside_the_score(tmp_path: Path, tiny_encoder: Encoder) -> None:
    run, view = done(tmp_path, tiny_encoder)
    assert view.status == "finished", view.message
    assert view.baseline.rows == view.rows["train"]
    assert 0 < view.baseline.macro_f1 <= 1
    (event,) = [e for e in run.log.read() if e["kind"] == "baseline"]
    assert (event["accuracy"], event["macro_f1"]) == (view.baseline.accuracy, view.baseline.macro_f1)
    assert event["seconds"] >= 0
    card = (run.model / "README.md").read_text(encoding="utf-8")
    assert f"that learned from the same {view.baseline.rows:,} training rows reaches accuracy {view.baseline.accuracy:.3f}" in card
    assert 'pipeline("text-classification"' in card


def test_a_stopped_run_has_a_baseline_too(tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    save = job._score

    def stop_while_scoring(run: Run, *args: object, **kwargs: object) -> None:
        run.ask_to_stop()
        save(run, *args, **kwargs)

    monkeypatch.setattr(job, "_score", stop_while_scoring)
    run, view = done(tmp_path, tiny_encoder)
    assert run.stop_asked()
    assert view.baseline.rows == view.rows["train"]


def test_a_baseline_that_fails_fails_no_run(tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise MemoryError("too many words")

    monkeypatch.setattr(baseline, "word_count_baseline", broken)
    run, view = done(tmp_path, tiny_encoder)
    assert (view.status, view.baseline) == ("finished", None)
    assert [e["problem"] for e in run.log.read() if e["kind"] == "baseline"] == ["MemoryError: too many words"]
    assert "word-count" not in (run.model / "README.md").read_text(encoding="utf-8")


def test_an_early_stop_is_a_finished_run_that_says_so(tmp_path: Path, tiny_encoder: Encoder) -> None:
    _, view = done(tmp_path, tiny_encoder, epochs=4, learning_rate=1e-7, early_stopping=1)
    assert view.status == "finished", view.message
    assert "ended early" in view.remarks[-1]
    assert view.step < view.total_steps


def test_a_head_of_ours_gets_a_card_that_says_how_to_load_it(tmp_path: Path, tiny_encoder: Encoder) -> None:
    run, view = done(tmp_path, tiny_encoder, pooling="mean", head="mlp")
    assert view.status == "finished", view.message
    card = (run.model / "README.md").read_text(encoding="utf-8")
    assert "transformers has no architecture with this head (the mean of all tokens and Linear, GELU, Dropout, Linear)" in card
    assert "classify = pipeline" not in card
    assert job.load_report(run, "test").rows > 0


def test_asking_for_bf16_without_the_hardware_fails_before_the_training(
    tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.training.fit.detect", lambda: hardware.Hardware("cpu", "fp32", 2, "2 CPU cores"))
    run, view = done(tmp_path, tiny_encoder, precision="bf16")
    assert view.status == "failed"
    assert view.message.startswith("This machine (2 CPU cores) has no bf16 arithmetic.")
    assert not [e for e in run.log.read() if e["kind"] == "started"]
