"""fit: a small real training, watched through the run's log."""

import json
from functools import wraps
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.conftest import fit, run_with
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.event_schema import Event, dump_event
from trainer.runs.event_types import Logged
from trainer.runs.events import EventLog
from trainer.runs.run import Run
from trainer.training.attempt import TrainingCancelled, TrainResult
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.encoders import Encoder

RECIPE = Recipe(encoder="tiny-bert", epochs=4, batch_size=8, learning_rate=5e-3, max_length=32, seed=1)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, material: tuple[Corpus, Splits], tiny_encoder: Encoder) -> tuple[Run, TrainResult]:
    run = run_with(tmp_path_factory.mktemp("runs"), material, RECIPE)
    return run, fit(run, tiny_encoder, *material)


def weights(run: Run) -> bytes:
    return (run.model / "model.safetensors").read_bytes()


def test_it_learns(trained: tuple[Run, TrainResult]) -> None:
    run, result = trained
    events = list(run.log.read())
    losses = [e.loss for e in events if e.type == "log"]
    evaluations = [e for e in events if e.type == "eval"]
    assert np.mean(losses[-10:]) < 0.7 * losses[0]
    assert max(e.accuracy for e in evaluations) > 0.5  # guessing would give a third
    assert not result.stopped
    assert result.train_seconds > 0
    assert result.samples_per_second > 0


def test_the_log_has_every_step_once_and_plain_numbers(trained: tuple[Run, TrainResult]) -> None:
    run, _ = trained
    steps = [e.step for e in run.log.read() if e.type == "log"]
    started = next(e for e in run.log.read() if e.type == "started")
    assert steps == list(range(1, started.total_steps + 1))
    assert started.epoch_steps[-1] == started.total_steps
    assert len([e for e in run.log.read() if e.type == "eval"]) == 4 * RECIPE.epochs
    for event in run.log.read():
        json.dumps(dump_event(event), allow_nan=False)
        if event.type == "log":
            assert 0 <= event.accuracy <= 1


def test_the_evaluation_that_is_kept_is_what_is_saved(trained: tuple[Run, TrainResult], material: tuple[Corpus, Splits]) -> None:
    from sklearn.metrics import f1_score

    from trainer.training.predictor import Predictor

    run, result = trained
    corpus, splits = material
    evaluations = {e.step: e.macro_f1 for e in run.log.read() if e.type == "eval"}
    assert evaluations[result.best_step] > max(evaluations.values()) - 0.1
    predicted = Predictor(run.model).probabilities([corpus.texts[i] for i in splits.validation]).argmax(1)
    # The evaluation ran in bf16 where the hardware has it: a single row may fall on the other side.
    assert f1_score(corpus.label_ids[splits.validation], predicted, average="macro") == pytest.approx(
        evaluations[result.best_step], abs=0.06
    )


def test_the_model_folder_is_a_standard_one_without_pickles(trained: tuple[Run, TrainResult], material: tuple[Corpus, Splits]) -> None:
    from transformers import AutoTokenizer, pipeline

    run, _ = trained
    names = {f.name for f in run.model.iterdir()}
    assert {"config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"} <= names
    assert not {n for n in names if n.endswith((".bin", ".pt", ".pth", ".pkl"))}
    # The last state stays, for more epochs; its files are no pickles either.
    kept = {f.name for f in run.checkpoints.rglob("*") if f.is_file()}
    assert "optimizer.safetensors" in kept
    assert not {n for n in kept if n.endswith((".bin", ".pt", ".pth", ".pkl"))}
    assert AutoTokenizer.from_pretrained(run.model).model_max_length == RECIPE.max_length
    answers = pipeline("text-classification", model=str(run.model), top_k=None)("happy sunny today", truncation=True)[0]
    assert {a["label"] for a in answers} == set(material[0].label_names)


def test_the_same_recipe_gives_the_same_weights(
    trained: tuple[Run, TrainResult], material: tuple[Corpus, Splits], tiny_encoder: Encoder, tmp_path: Path
) -> None:
    torch.manual_seed(99)
    np.random.seed(99)
    again = run_with(tmp_path, material, RECIPE)
    fit(again, tiny_encoder, *material)
    assert weights(again) == weights(trained[0])


def test_each_epoch_is_read_in_our_order(
    material: tuple[Corpus, Splits], tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer.training.batching import LengthGroupedSampler
    from trainer.training.trainer import ClassificationTrainer

    corpus, splits = material
    texts, read = [corpus.texts[i] for i in splits.train], []
    iterate, step = LengthGroupedSampler.__iter__, ClassificationTrainer.training_step

    def planned(self: LengthGroupedSampler) -> object:
        read.append((self.epoch, list(iterate(self)), []))
        return iterate(self)

    def trained(self: ClassificationTrainer, model: object, inputs: dict, *args: object, **kwargs: object) -> object:
        read[-1][2].append(inputs["input_ids"].clone())
        return step(self, model, inputs, *args, **kwargs)

    monkeypatch.setattr(LengthGroupedSampler, "__iter__", planned)
    monkeypatch.setattr(ClassificationTrainer, "training_step", trained)
    fit(run_with(tmp_path, material, RECIPE), tiny_encoder, corpus, splits)
    assert [epoch for epoch, *_ in read] == list(range(RECIPE.epochs))
    tokenizer = load_tokenizer(tiny_encoder, max_length=RECIPE.max_length)
    for _, order, batches in read:
        wanted = [tokenizer(texts[i], truncation=True)["input_ids"] for i in order]
        seen = [[t for t in row if t != tokenizer.pad_token_id] for batch in batches for row in batch.tolist()]
        assert seen == wanted
    assert read[0][1] != read[1][1]


def test_a_stop_ends_after_the_next_step_and_keeps_the_best_model(
    material: tuple[Corpus, Splits], tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = run_with(tmp_path, material, RECIPE)
    append = EventLog.append

    def stopping(self: EventLog, event: Event, **options: bool) -> None:
        append(self, event, **options)
        if isinstance(event, Logged) and event.step == 9:
            run.request_stop()

    monkeypatch.setattr(EventLog, "append", stopping)
    result = fit(run, tiny_encoder, *material)
    steps = [e.step for e in run.log.read() if e.type == "log"]
    evaluations = {e.step: e.macro_f1 for e in run.log.read() if e.type == "eval"}
    assert result.stopped
    assert steps == list(range(1, 11))
    # None but the planned ones: there is a best model already, and a stop is waited for.
    assert max(evaluations) == 6
    assert evaluations[result.best_step] > max(evaluations.values()) - 0.1
    assert (run.model / "model.safetensors").exists()


def test_a_stop_before_the_first_step_leaves_no_model(material: tuple[Corpus, Splits], tiny_encoder: Encoder, tmp_path: Path) -> None:
    run = run_with(tmp_path, material, RECIPE)
    run.request_stop()
    with pytest.raises(TrainingCancelled):
        fit(run, tiny_encoder, *material)
    assert not run.model.exists()


def test_a_loss_that_is_no_number_ends_the_run_in_words(
    material: tuple[Corpus, Splits], tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers.models.bert.modeling_bert import BertForSequenceClassification

    forward = BertForSequenceClassification.forward

    @wraps(forward)
    def poisoned(self: object, *args: object, **kwargs: object) -> object:
        output = forward(self, *args, **kwargs)
        output.logits = output.logits * float("nan")
        return output

    monkeypatch.setattr(BertForSequenceClassification, "forward", poisoned)
    with pytest.raises(UserError, match="no longer a number at step 1:") as failed:
        fit(run_with(tmp_path, material, RECIPE), tiny_encoder, *material)
    assert failed.value.code == "loss_not_finite"


def test_out_of_memory_says_what_to_do(
    material: tuple[Corpus, Splits], tiny_encoder: Encoder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from trainer.training.trainer import ClassificationTrainer

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(ClassificationTrainer, "compute_loss", full)
    with pytest.raises(UserError, match="Train it again with"):
        fit(run_with(tmp_path, material, RECIPE), tiny_encoder, *material)
