"""What a recipe can ask of a training, each choice seen in a small real one."""

import dataclasses
import itertools
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.training.conftest import fit, run_with
from tests.training.tiny_encoders import tiny
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.runs.run import Run
from trainer.training import hardware as machine
from trainer.training.callback import TrainingCallback
from trainer.training.classifier import in_head, load_saved_classifier
from trainer.training.encoder_loading import load_encoder
from trainer.training.encoders import Encoder
from trainer.training.predictor import Predictor
from trainer.training.trainer import ClassificationTrainer

Train = Callable[..., tuple]


def events(run: Run, event_type: str) -> list[Any]:
    return [e for e in run.log.read() if e.type == event_type]


@pytest.fixture
def watched(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, bytes]]:
    """The weights after each step, by name."""
    seen: list[dict[str, bytes]] = []
    end = TrainingCallback.on_step_end

    def watching(self: TrainingCallback, *args: object, model: object, **kwargs: object) -> None:
        head = {n: in_head(model, n) for n, _ in model.named_parameters()}
        seen.append({("head " if head[n] else "body ") + n: p.detach().numpy().tobytes() for n, p in model.named_parameters()})
        end(self, *args, model=model, **kwargs)

    monkeypatch.setattr(TrainingCallback, "on_step_end", watching)
    return seen


def moved(old_weights: dict[str, bytes], new_weights: dict[str, bytes], part: str) -> bool:
    return any(old_weights[name] != new_weights[name] for name in old_weights if name.startswith(part))


def test_two_stages_first_the_head_then_everything(trained_with: Train, watched: list) -> None:
    run, _ = trained_with(frozen_epochs=1, epochs=3)
    steps = events(run, "started")[0].epoch_steps[0]
    for step in range(1, len(watched)):
        assert moved(watched[step - 1], watched[step], "head") or step == len(watched) - 1
        # The step after the last frozen one is the first to move the encoder.
        assert moved(watched[step - 1], watched[step], "body") == (step >= steps)


def test_a_frozen_encoder_is_saved_as_it_came(trained_with: Train, tiny_encoder: Encoder, watched: list) -> None:
    run, _ = trained_with(frozen_epochs=50, head_learning_rate=1e-2)
    came, saved = load_encoder(tiny_encoder, ("a", "b")), load_saved_classifier(run.model).bert
    for name, weight in came.state_dict().items():
        if not name.startswith("pooler"):
            assert torch.equal(weight, saved.state_dict()[name])
    started = events(run, "started")[0]
    assert started.trainable_parameters == 32 * 32 + 32 + 3 * 32 + 3
    assert moved(watched[0], watched[-1], "head")
    assert not moved(watched[0], watched[-1], "body")


def test_lora_moves_only_its_additions_and_the_head(trained_with: Train, watched: list) -> None:
    run, _ = trained_with(lora_rank=4)
    first, last = watched[0], watched[-1]
    assert moved(first, last, "head")
    assert {name for name in first if first[name] != last[name] and name.startswith("body")} == {n for n in first if "lora_" in n}
    saved = load_saved_classifier(run.model)
    assert not [n for n in saved.state_dict() if "lora" in n or "base_layer" in n]
    assert not list(run.model.glob("adapter*"))


CHANCE = 0.5
"""A third of the rows would be right by guessing. The tiny model often learns one of three classes apart and then takes its time."""


def test_with_lora_it_learns(trained_with: Train) -> None:
    run, _ = trained_with(lora_rank=16, pooling="mean", head="mlp", learning_rate=3e-3, epochs=8)
    losses = [e.loss for e in events(run, "log")]
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_with_an_mlp_head_it_learns_and_loads_in_one_line(trained_with: Train, material: tuple[Corpus, Splits]) -> None:
    from transformers import pipeline

    run, _ = trained_with(head="mlp", dropout=0.3, learning_rate=1e-2, epochs=4)
    assert max(e.accuracy for e in events(run, "eval")) > CHANCE
    texts = [material[0].texts[i] for i in material[1].test[:10]]
    classify, predictor = pipeline("text-classification", model=str(run.model), top_k=None), Predictor(run.model)
    for text, row in zip(texts, predictor.probabilities(texts), strict=True):
        scores = {result["label"]: result["score"] for result in classify([text], truncation=True)[0]}
        assert [scores[name] for name in predictor.label_names] == pytest.approx(row.tolist(), abs=1e-5)


@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_with_mean_pooling_it_learns_and_the_predictor_knows(head: str, trained_with: Train, material: tuple[Corpus, Splits]) -> None:
    run, fitted = trained_with(pooling="mean", head=head, head_learning_rate=1e-2, epochs=4)
    corpus, splits = material
    predicted = Predictor(run.model).probabilities([corpus.texts[i] for i in splits.validation]).argmax(1)
    best = next(e for e in events(run, "eval") if e.step == fitted.best_step)
    assert best.accuracy > CHANCE
    assert (predicted == corpus.label_ids[splits.validation]).mean() == pytest.approx(best.accuracy, abs=0.06)


EVERYTHING = {
    "head": "mlp",
    "dropout": 0.3,
    "head_learning_rate": 1e-2,
    "layer_decay": 0.9,
    "distillation": 0.2,
    "label_smoothing": 0.1,
    "class_weights": "balanced",
    "gradient_accumulation": 2,
    "frozen_epochs": 1,
    "best_metric": "loss",
    "evaluations_per_epoch": 2,
    "log_every": 3,
    "max_grad_norm": 0.5,
}


@pytest.mark.parametrize(
    "settings",
    [EVERYTHING, {"pooling": "mean", "label_smoothing": 0.1}, {"lora_rank": 2}],
    ids=["everything", "mean", "lora"],
)
def test_the_same_choices_give_the_same_weights(settings: dict, trained_with: Train) -> None:
    def weights(run: Run) -> dict[str, bytes]:
        return {str(f.relative_to(run.model)): f.read_bytes() for f in run.model.rglob("*.safetensors")}

    first = weights(trained_with(**settings)[0])
    torch.manual_seed(99)
    assert weights(trained_with(**settings)[0]) == first


def test_how_often_it_logs_and_evaluates(trained_with: Train) -> None:
    run, _ = trained_with(log_every=5, evaluations_per_epoch=3)
    total = events(run, "started")[0].total_steps
    assert [e.step for e in events(run, "log")] == sorted({1, *range(5, total + 1, 5), total})
    assert len(events(run, "eval")) == 6


@pytest.mark.parametrize("kind", ["material", "several_material"])
def test_accumulated_batches_are_one_step_over_all_their_texts(
    tmp_path: Path, kind: str, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """17 texts at once, or in batches of 8, 8 and 1: the same loss and the same gradient."""
    encoder = tiny("bert", tmp_path)
    config = json.loads((Path(encoder.source) / "config.json").read_text())
    config |= {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0}
    (Path(encoder.source) / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr("trainer.training.fit.detect_hardware", lambda: machine.Hardware("cpu", "fp32", 1, "a core"))
    corpus, splits = request.getfixturevalue(kind)
    few = dataclasses.replace(splits, train=splits.train[:17])
    seen = []
    for batch, accumulation in ((17, 1), (8, 3)):
        recipe = Recipe(encoder=encoder.name, epochs=1, batch_size=batch, gradient_accumulation=accumulation, learning_rate=1e-3)
        run = run_with(tmp_path / str(batch), (corpus, splits), recipe)
        fit(run, encoder, corpus, few)
        assert events(run, "started")[0].total_steps == 1
        seen.append(events(run, "log")[0])
    assert seen[1].loss == pytest.approx(seen[0].loss, rel=1e-4)
    # With little smoothing and a fresh head the minimized loss is nearly the plain one.
    assert seen[1].train_objective == pytest.approx(seen[0].loss, rel=0.05)
    assert seen[1].grad_norm == pytest.approx(seen[0].grad_norm, rel=1e-3)
    assert seen[1].accuracy == pytest.approx(seen[0].accuracy)


def test_validation_is_scored_by_the_plain_loss(trained_with: Train, material: tuple[Corpus, Splits]) -> None:
    run, fitted = trained_with(label_smoothing=0.3, class_weights="balanced", epochs=4, best_metric="loss")
    corpus, splits = material
    probabilities = Predictor(run.model).probabilities([corpus.texts[i] for i in splits.validation])
    plain = -np.log(probabilities[np.arange(len(splits.validation)), corpus.label_ids[splits.validation]]).mean()
    best = next(e for e in events(run, "eval") if e.step == fitted.best_step)
    assert best.loss == pytest.approx(plain, rel=0.05)
    # Smoothing bounds the training loss from below; the plain one knows no such bound.
    assert min(e.loss for e in events(run, "log")) > 0.4


@pytest.mark.parametrize(("metric", "best"), [("loss", min), ("accuracy", max), ("macro_f1", max)])
def test_the_best_model_is_chosen_by_the_asked_metric(metric: str, best: Callable, trained_with: Train) -> None:
    run, fitted = trained_with(best_metric=metric, best_tolerance=0, epochs=4)
    values = {e.step: getattr(e, metric) for e in events(run, "eval")}
    assert values[fitted.best_step] == best(values.values())
    assert events(run, "checkpoint")[-1].step == fitted.best_step


@pytest.mark.parametrize(("margin", "kept"), [(0, 3), (1, 6), (2.5, 7)])
def test_the_latest_model_that_scores_nearly_as_high_is_kept(
    margin: float, kept: int, trained_with: Train, monkeypatch: pytest.MonkeyPatch
) -> None:
    scores = iter((0.2, 0.5, 0.9, 0.7, 0.75, 0.85, 0.7, 0.3))

    def measured(*_: Any) -> dict[str, float]:
        score = next(scores)
        return {"macro_f1": score, "macro_f1_error": 0.1, "accuracy": score, "classes": 3}

    monkeypatch.setattr("trainer.training.trainer._compute_metrics", measured)
    run, fitted = trained_with(best_tolerance=margin, epochs=4, evaluations_per_epoch=2)
    assert fitted.best_step == events(run, "eval")[kept - 1].step
    assert events(run, "checkpoint")[-1].step == fitted.best_step


def test_where_every_row_is_right_there_is_leeway_all_the_same(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    scores = iter((0.5, 1.0, 0.99, 0.8))

    def measured(*_: Any) -> dict[str, float]:
        return {"macro_f1": next(scores), "macro_f1_error": 0.0, "accuracy": 1.0, "classes": 3}

    monkeypatch.setattr("trainer.training.trainer._compute_metrics", measured)
    run, fitted = trained_with(epochs=4, evaluations_per_epoch=1)
    assert fitted.best_step == events(run, "eval")[2].step


def test_weights_that_are_no_numbers_are_not_kept(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    score, evaluations = TrainingCallback._score, itertools.count()
    monkeypatch.setattr(
        TrainingCallback, "_score", lambda self, m: score(self, {**m, "eval_loss": math.nan if next(evaluations) else m["eval_loss"]})
    )
    run, fitted = trained_with(epochs=2, best_tolerance=5)
    assert len(events(run, "eval")) > 1
    assert fitted.best_step == events(run, "eval")[0].step


@pytest.mark.parametrize(("margin", "kept"), [(0, ", whose model is kept."), (5, "which scored nearly as well and was trained longer.")])
def test_early_stopping_ends_in_words(margin: float, kept: str, trained_with: Train) -> None:
    run, fitted = trained_with(learning_rate=1e-7, early_stopping=3, best_tolerance=margin, epochs=5)
    evaluations, started = events(run, "eval"), events(run, "started")[0]
    (notice,) = events(run, "notice")
    assert evaluations[-1].step < started.total_steps
    best_step = next(e.step for e in evaluations if e.macro_f1 == max(e.macro_f1 for e in evaluations))
    assert len([e for e in evaluations if e.step > best_step]) == 3
    assert fitted.best_step == (evaluations[-1].step if margin else best_step)
    assert f"after step {evaluations[-1].step}" in notice.message
    assert f"3 evaluations in a row brought no better macro F1 than that of step {best_step}" in notice.message
    assert notice.message.endswith(kept)
    assert not fitted.stopped
    assert (run.model / "model.safetensors").exists()


def test_early_stopping_waits_for_the_encoder_to_learn(trained_with: Train) -> None:
    run, _ = trained_with(learning_rate=1e-7, early_stopping=1, frozen_epochs=2, epochs=4)
    frozen = events(run, "started")[0].epoch_steps[1]
    assert events(run, "eval")[-1].step > frozen


def test_no_early_stop_while_it_gets_better(trained_with: Train) -> None:
    run, _ = trained_with(early_stopping=50)
    assert not events(run, "notice")
    assert events(run, "eval")[-1].step == events(run, "started")[0].total_steps


def test_the_gradient_is_clipped(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    from accelerate import Accelerator

    asked, clip = [], Accelerator.clip_grad_norm_

    def clipping(self: Accelerator, parameters: object, max_norm: float, *args: object) -> object:
        asked.append(max_norm)
        return clip(self, parameters, max_norm, *args)

    monkeypatch.setattr(Accelerator, "clip_grad_norm_", clipping)
    trained_with(max_grad_norm=0.25, epochs=1)
    assert set(asked) == {0.25}
    asked.clear()
    trained_with(max_grad_norm=0, epochs=1)
    assert set(asked) == {math.inf}


def test_precision_that_is_not_there_is_refused_before_the_training(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.fit.detect_hardware", lambda: machine.Hardware("cpu", "fp32", 2, "2 CPU cores"))
    monkeypatch.setattr(ClassificationTrainer, "training_step", lambda *_, **__: pytest.fail("it trained"))
    with pytest.raises(UserError, match="has no bf16 arithmetic") as refused:
        trained_with(precision="bf16")
    assert refused.value.code == "precision_unavailable"


def test_fp32_is_fp32_where_more_is_on_offer(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trainer.training.fit.detect_hardware", lambda: machine.Hardware("cpu", "bf16", 2, "2 CPU cores"))
    run, fitted = trained_with(precision="fp32", epochs=1)
    assert fitted.hardware.precision == "fp32"
    assert events(run, "started")[0].device == "2 CPU cores, fp32"


def test_a_batch_that_cannot_fit_is_refused_before_the_training(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    from trainer.training import memory

    monkeypatch.setattr(memory, "free_megabytes", lambda _: 1.0)
    monkeypatch.setattr(ClassificationTrainer, "training_step", lambda *_, **__: pytest.fail("it trained"))
    with pytest.raises(UserError, match="needs at least") as refused:
        trained_with(batch_size=512)
    assert refused.value.code == "batch_too_large"


def test_a_loss_that_is_no_number_never_is_the_best(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    score = TrainingCallback._score
    monkeypatch.setattr(TrainingCallback, "_score", lambda self, m: score(self, {**m, "eval_loss": math.nan}))
    _, fitted = trained_with(best_metric="loss", epochs=1)
    assert fitted.best_step > 0
