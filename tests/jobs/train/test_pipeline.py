"""A whole run: its baseline, its words, and what a recipe asks that cannot be had."""

from pathlib import Path

import pytest

from tests.conftest import small_rows, write_rows
from tests.training.tiny_encoders import tiny
from trainer.data.corpus import build_corpus
from trainer.data.files.read_table import read_table
from trainer.data.rows import save_rows
from trainer.data.splits import split
from trainer.errors import NoMemoryError
from trainer.jobs.train import pipeline
from trainer.recipe import Recipe
from trainer.runs.event_types import Created, Queued
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.view_builder import build_view
from trainer.training import hardware
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder


def done(root: Path, encoder: Encoder, **settings: object) -> tuple[Run, RunView]:
    corpus = build_corpus(read_table(write_rows(root / "moods.csv", small_rows(120)).read_bytes()), text=0, label=1)
    splits = split(corpus, validation_share=0.1, test_share=0.2, seed=42)
    recipe = Recipe(**{"encoder": encoder.name, "epochs": 1, "batch_size": 8, "learning_rate": 1e-2, "max_length": 32, **settings})
    run = RunStore(root).create(
        recipe=recipe,
        resolved=recipe.resolved(train_rows=100, learning_rate=1e-3),
        fill=lambda f: save_rows(f / "data.parquet", corpus, splits),
        created=Created(name="brisk otter", owner="local", source_name="moods.csv", rows={"train": len(splits.train)}),
    )
    assert pipeline.run_job(run, EncoderCatalogue([encoder]))
    return run, build_view(run.id, run.log.read())


def test_a_baseline_stands_beside_the_score(tmp_path: Path, tiny_encoder: Encoder) -> None:
    run, view = done(tmp_path, tiny_encoder)
    assert view.status == "finished", view.message
    assert view.baseline.rows == view.rows["train"]
    (event,) = [e for e in run.log.read() if e.type == "baseline"]
    for scores, prefix in ((view.baseline.validation, "validation_"), (view.baseline.test, "")):
        assert (getattr(event, f"{prefix}accuracy"), getattr(event, f"{prefix}macro_f1")) == (scores.accuracy, scores.macro_f1)
        assert 0 < scores.macro_f1 <= 1
    assert event.seconds >= 0
    card = (run.model / "README.md").read_text(encoding="utf-8")
    assert f"that learned from the same {view.baseline.rows:,} training rows reaches accuracy {view.baseline.test.accuracy:.3f}" in card
    assert 'pipeline("text-classification"' in card


def kinds(run: Run) -> list[str]:
    return [e.type for e in run.log.read()]


def test_what_the_training_has_to_beat_is_known_before_its_first_step(tmp_path: Path, tiny_encoder: Encoder) -> None:
    run, view = done(tmp_path, tiny_encoder)
    assert kinds(run).index("majority") < kinds(run).index("baseline") < kinds(run).index("started")
    (phase,) = [e.what for e in run.log.read() if e.type == "phase" and "word-count" in e.what]
    assert phase == "scoring a simple word-count model for comparison"
    # Of the most frequent class of the rows that it learned from, in the validation and the test rows.
    corpus, splits = pipeline.load_run_rows(run)
    names = [corpus.label_names[i] for i in corpus.label_ids[splits.train]]
    assert names.count(view.majority.name) == max(map(names.count, set(names)))
    for rows, accuracy in ((splits.validation, view.majority.validation_accuracy), (splits.test, view.majority.test_accuracy)):
        assert accuracy == sum(corpus.label_names[i] == view.majority.name for i in corpus.label_ids[rows]) / len(rows)


def test_word_counts_that_take_more_than_a_moment_are_left_for_last(
    tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pipeline, "estimate_baseline_seconds", lambda *_, **__: 3.5)
    run, view = done(tmp_path, tiny_encoder)
    assert kinds(run).index("majority") < kinds(run).index("started") < kinds(run).index("eval") < kinds(run).index("baseline")
    assert view.baseline is not None
    stages = [e.stage for e in run.log.read() if e.type == "phase" and e.stage]
    assert (stages[0], stages[-1]) == ("saving", "comparing")
    assert set(stages) == {"saving", "scoring", "comparing"}


@pytest.mark.parametrize("seconds", [0.1, 3.5])
def test_a_run_that_goes_on_does_not_measure_again_what_it_knows(
    tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    monkeypatch.setattr(pipeline, "estimate_baseline_seconds", lambda *_, **__: seconds)
    run, view = done(tmp_path, tiny_encoder)
    # As if its process had died just before its results were sealed.
    (run.path / "results.seal.json").unlink()
    run.log.path.write_bytes(b"".join(run.log.content().splitlines(keepends=True)[:-1]))
    run.log.append(Queued())
    assert pipeline.run_job(run, EncoderCatalogue([tiny_encoder]))
    again = build_view(run.id, run.log.read())
    assert again.status == "finished"
    assert (kinds(run).count("majority"), kinds(run).count("baseline")) == (1, 1)
    assert (again.majority, again.baseline) == (view.majority, view.baseline)


def test_what_does_not_fit_is_told_with_the_texts_that_may(tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.memory.free_megabytes", lambda _: 0.0)
    run, view = done(tmp_path, tiny_encoder)
    assert (view.status, view.code, view.retry_texts_at_a_time) == ("failed", "batch_too_large", None)
    assert "Start a new run with a shorter maximum length" in view.message
    full = NoMemoryError("It ran out of memory. Train it again with 4 texts at a time.", code="out_of_memory", retry_texts_at_a_time=4)

    def out_of_memory(*_: object, **__: object) -> None:
        raise full

    monkeypatch.setattr("trainer.training.fit.fit", out_of_memory)
    run.log.append(Queued())
    assert pipeline.run_job(run, EncoderCatalogue([tiny_encoder]))
    view = build_view(run.id, run.log.read())
    assert (view.status, view.code, view.retry_texts_at_a_time) == ("failed", "out_of_memory", 4)


def test_a_stopped_run_has_a_baseline_too(tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    save = pipeline._save_predictions

    def stop_while_scoring(run: Run, *args: object, **kwargs: object) -> None:
        run.request_stop()
        save(run, *args, **kwargs)

    monkeypatch.setattr(pipeline, "_save_predictions", stop_while_scoring)
    monkeypatch.setattr(pipeline, "estimate_baseline_seconds", lambda *_, **__: 3.5)
    run, view = done(tmp_path, tiny_encoder)
    assert run.is_stop_requested()
    assert view.baseline.rows == view.rows["train"]


def test_a_baseline_that_fails_fails_no_run(tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise MemoryError("too many words")

    monkeypatch.setattr(pipeline, "word_count_baseline", broken)
    run, view = done(tmp_path, tiny_encoder)
    assert (view.status, view.baseline) == ("finished", None)
    assert [e.problem for e in run.log.read() if e.type == "baseline"] == ["MemoryError: too many words"]
    assert "word-count" not in (run.model / "README.md").read_text(encoding="utf-8")


def test_an_early_stop_is_a_finished_run_that_says_so(tmp_path: Path, tiny_encoder: Encoder) -> None:
    _, view = done(tmp_path, tiny_encoder, epochs=4, learning_rate=1e-7, early_stopping=1)
    assert view.status == "finished", view.message
    assert "ended early" in view.training_notes[-1]
    assert view.last_logged_step < view.total_steps


def test_a_head_of_ours_gets_a_card_that_says_how_to_load_it(tmp_path: Path) -> None:
    # ELECTRA's embeddings may be smaller than its layers: no BERT has such.
    run, view = done(tmp_path, tiny("electra", tmp_path), pooling="mean")
    assert view.status == "finished", view.message
    card = (run.model / "README.md").read_text(encoding="utf-8")
    assert "transformers has no architecture with this head (the normalized mean of all tokens and tanh and a linear layer)" in card
    assert "classify = pipeline" not in card
    assert pipeline.load_report(run, "test").rows > 0


def test_mean_pooling_gets_a_card_with_the_one_line(tmp_path: Path, tiny_encoder: Encoder) -> None:
    run, view = done(tmp_path, tiny_encoder, pooling="mean")
    assert view.status == "finished", view.message
    card = (run.model / "README.md").read_text(encoding="utf-8")
    assert "classify = pipeline" in card
    assert ("A linear model on the unchanged encoder, from which the fine-tuning started" in card) is (view.kept.step != 0)


def test_asking_for_bf16_without_the_hardware_fails_before_the_training(
    tmp_path: Path, tiny_encoder: Encoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trainer.training.fit.detect_hardware", lambda: hardware.Hardware("cpu", "fp32", 2, "2 CPU cores"))
    run, view = done(tmp_path, tiny_encoder, precision="bf16")
    assert view.status == "failed"
    assert view.message.startswith("This machine (2 CPU cores) has no bf16 arithmetic.")
    assert not [e for e in run.log.read() if e.type == "started"]
