"""The linear model from which fine-tuning starts."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.test_recipe_settings import Train, events
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL
from trainer.errors import UserError
from trainer.jobs.train.run_training import RunReporter
from trainer.recipe import Recipe
from trainer.runs.view_builder import build_view
from trainer.training import linear_fits, linear_model
from trainer.training.attempt import TrainingCancelled
from trainer.training.classifier import build_classifier, load_saved_classifier, save_classifier
from trainer.training.encoder_loading import load_encoder, load_tokenizer
from trainer.training.encoders import Encoder
from trainer.training.heads import PooledClassifier
from trainer.training.linear_fits import fit_linear_model
from trainer.training.predictor import Predictor


def vectors(rows: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Vectors of length 1 around a middle for each class."""
    generator = np.random.default_rng(3)
    labels = np.arange(rows) % classes
    features = generator.normal(size=(classes, 16))[labels] + 0.5 * generator.normal(size=(rows, 16))
    return (features / np.linalg.norm(features, axis=1, keepdims=True)).astype(np.float32), labels


@pytest.mark.parametrize("classes", [2, 3, 5])
def test_it_says_what_scikit_learn_says(classes: int) -> None:
    from sklearn.linear_model import LogisticRegression

    features, labels = vectors(120, classes)
    linear = fit_linear_model(features, labels, classes)
    c = linear_fits._choose_c(features, labels, balanced=False).c
    expected = LogisticRegression(C=c, max_iter=300).fit(features, labels).predict_proba(features)
    logits = linear.logits(features)
    probabilities = np.exp(logits - logits.max(1, keepdims=True))
    assert probabilities / probabilities.sum(1, keepdims=True) == pytest.approx(expected, abs=1e-4)
    assert (linear.logits(features).argmax(1) == labels).mean() > 0.9


def test_for_several_labels_it_says_what_scikit_learn_says_of_each() -> None:
    from sklearn.linear_model import LogisticRegression

    features, classes = vectors(200, 4)
    labels = np.stack([classes == 0, classes >= 2, (classes + np.arange(200) // 50) % 4 == 1, np.zeros(200)], axis=1).astype(np.float32)
    linear = linear_fits.fit_one_vs_rest(features, labels, 4)
    tried = [LogisticRegression(C=c, max_iter=2000, tol=1e-8) for c in linear_fits._CS]
    said = linear.logits(features)
    for label_id in range(3):
        differences = [
            np.abs(one.fit(features, labels[:, label_id]).decision_function(features) - said[:, label_id]).max() for one in tried
        ]
        assert min(differences) < 0.05
    # Nothing speaks for a label that no row has.
    assert said[:, 3].max() < -5
    assert linear_fits.fit_one_vs_rest(features, labels, 4, is_stop_requested=lambda: True) is None


def test_a_sample_has_a_row_of_each_of_several_labels() -> None:
    labels = np.zeros((1000, 3), dtype=np.int64)
    labels[:500, 0], labels[7, 1], labels[[3, 900], 2] = 1, 1, 1
    rows = linear_fits.sample_rows(labels, 100, SEVERAL_LABELS)
    assert 98 <= len(rows) <= 100
    assert labels[rows].any(axis=0).all()


def test_a_class_without_training_rows_is_never_said() -> None:
    features, labels = vectors(60, 3)
    linear = fit_linear_model(features, np.array([0, 2, 3])[labels], 5)
    assert linear.weight.shape == (5, 16)
    assert set(linear.logits(features).argmax(1)) == {0, 2, 3}


def test_rows_of_a_single_class_say_that_one() -> None:
    features, _ = vectors(20, 2)
    linear = fit_linear_model(features, np.full(20, 1), 3)
    assert (linear.weight.shape, linear.rows) == ((3, 16), 20)
    assert set(linear.logits(features).argmax(1)) == {1}


def test_weights_of_classes_count() -> None:
    generator = np.random.default_rng(5)
    labels = np.arange(200) % 20 // 19  # one of twenty rows is of class 1
    features = (generator.normal(size=(200, 4)) + labels[:, None]).astype(np.float32)
    said = [(fit_linear_model(features, labels, 2, balanced=balanced).logits(features).argmax(1) == 1).sum() for balanced in (False, True)]
    assert said[1] > 2 * said[0]


def test_noisy_labels_get_a_stronger_regularisation() -> None:
    features, labels = vectors(300, 3)
    noisy = np.random.default_rng(7).permuted(labels.reshape(-1, 6), axis=1).reshape(-1)
    assert linear_fits._choose_c(features, noisy, balanced=False).c < linear_fits._choose_c(features, labels, balanced=False).c


def test_classes_of_one_row_choose_nothing() -> None:
    features, labels = vectors(40, 20)
    assert linear_fits._choose_c(features[:20], labels[:20], balanced=False).c == linear_fits._CS[0]
    once = np.where(np.arange(40) == 3, 20, labels)
    assert fit_linear_model(features, once, 21).weight.shape == (21, 16)


def test_a_sample_has_each_class() -> None:
    labels = np.array([0] * 500 + [1] * 499 + [2])
    rows = linear_fits.sample_rows(labels, 100, SINGLE_LABEL)
    assert len(rows) in (100, 99, 98)
    assert set(labels[rows]) == {0, 1, 2}
    assert (linear_fits.sample_rows(labels, 1_000, SINGLE_LABEL) == np.arange(1_000)).all()


def test_fine_tuning_starts_from_it_and_what_is_kept_is_never_worse(trained_with: Train, material: tuple[Corpus, Splits]) -> None:
    run, fitted = trained_with(pooling="mean", epochs=2)
    (linear,) = events(run, "linear")
    scores = {e.step: e for e in events(run, "eval")}
    assert linear.rows == len(material[1].train)
    assert scores[0].accuracy == pytest.approx(linear.validation_accuracy, abs=0.04)
    assert scores[fitted.best_step].macro_f1 >= scores[0].macro_f1
    view = build_view(run.id, run.log.read())
    assert view.linear.test.accuracy == linear.accuracy
    assert view.evaluations[0].step == 0


def test_a_training_that_only_gets_worse_keeps_the_linear_model(trained_with: Train, material: tuple[Corpus, Splits]) -> None:
    corpus, splits = material
    run, fitted = trained_with(pooling="mean", learning_rate=1e-2, head_learning_rate=1e-1, max_grad_norm=0.0, epochs=1)
    scores = {e.step: e.macro_f1 for e in events(run, "eval")}
    assert scores[fitted.best_step] >= scores[0]
    (linear,) = events(run, "linear")
    if fitted.best_step == 0:
        predicted = Predictor(run.model).probabilities([corpus.texts[i] for i in splits.test]).argmax(1)
        assert (predicted == corpus.label_ids[splits.test]).mean() == pytest.approx(linear.accuracy, abs=0.02)


def test_a_stop_meanwhile_ends_the_training_before_its_first_step(
    trained_with: Train, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    embed = linear_model.embed

    def stopping(*args: object, **options: object) -> object:
        monkeypatch.setattr(RunReporter, "is_stop_requested", lambda self: True)
        return embed(*args, **options)

    monkeypatch.setattr(linear_model, "embed", stopping)
    with pytest.raises(TrainingCancelled):
        trained_with(pooling="mean")


def test_an_encoder_that_overflows_is_said_in_words(trained_with: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PooledClassifier, "pooled", lambda self, input_ids, **_: torch.full((len(input_ids), 32), float("nan")))
    with pytest.raises(UserError, match="is not a number for some of them") as refused:
        trained_with(method="frozen")
    assert refused.value.code == "encoder_damaged"


def test_the_method_frozen_is_the_linear_model_alone(trained_with: Train, material: tuple[Corpus, Splits], tiny_encoder: Encoder) -> None:
    from transformers import pipeline

    run, fitted = trained_with(method="frozen")
    assert events(run, "log") == []
    (started,), (linear,), (evaluated,) = (events(run, name) for name in ("started", "linear", "eval"))
    assert (started.total_steps, started.epochs, fitted.best_step, evaluated.step) == (0, None, 0, 0)
    assert started.trainable_parameters == 3 * 32 + 3
    texts = [material[0].texts[i] for i in material[1].test]
    ours = Predictor(run.model).probabilities(texts)
    assert (ours.argmax(1) == material[0].label_ids[material[1].test]).mean() == pytest.approx(linear.accuracy, abs=0.02)
    classify = pipeline("text-classification", model=str(run.model), top_k=None)
    for text, row in zip(texts[:5], ours, strict=False):
        scores = {result["label"]: result["score"] for result in classify([text], truncation=True)[0]}
        assert [scores[name] for name in material[0].label_names] == pytest.approx(row.tolist(), abs=1e-5)
    came, saved = load_encoder(tiny_encoder, material[0].label_names), load_saved_classifier(run.model).bert.state_dict()
    assert all(torch.equal(weight, saved[name]) for name, weight in came.state_dict().items() if not name.startswith("pooler."))


@pytest.mark.parametrize("settings", [{"pooling": "cls"}, {"pooling": "mean", "head": "mlp"}], ids=str)
def test_a_training_that_does_not_start_from_it_is_the_same_with_its_scores_beside_it(
    trained_with: Train, tiny_encoder: Encoder, settings: dict[str, object]
) -> None:
    without, _ = trained_with(epochs=1, **settings)
    compared, _ = trained_with(dataclasses.replace(tiny_encoder, pooling="mean"), epochs=1, **settings)
    assert events(without, "linear") == []
    (linear,) = events(compared, "linear")
    assert linear.rows > 100
    assert next(e.step for e in events(compared, "eval")) > 0
    weights = [next(run.model.rglob("model.safetensors")).read_bytes() for run in (without, compared)]
    assert weights[0] == weights[1]


@pytest.mark.parametrize("settings", [{"pooling": "cls"}, {"head": "mlp"}, {"lora_rank": 2}], ids=str)
def test_what_the_method_frozen_cannot_be_combined_with(settings: dict) -> None:
    with pytest.raises(UserError, match="frozen"):
        Recipe(method="frozen", **settings)


def test_added_tokens_are_in_what_is_saved(tiny_encoder: Encoder, tmp_path: Path) -> None:
    from transformers import pipeline

    encoder = dataclasses.replace(tiny_encoder, added_tokens=("😂", "❤"))
    recipe = Recipe(pooling="mean", method="frozen").resolved(train_rows=9, learning_rate=1e-3)
    model = build_classifier(encoder, ("a", "b"), recipe)
    with torch.no_grad():
        model.head.out_proj.weight.copy_(torch.randn(2, 32) * 5)
    save_classifier(model, tmp_path)
    load_tokenizer(encoder, max_length=20).save_pretrained(tmp_path)
    texts = ["happy 😂", "happy ❤", "happy"]
    ours = Predictor(tmp_path).probabilities(texts)
    assert len({round(float(row[0]), 6) for row in ours}) == 3
    classify = pipeline("text-classification", model=str(tmp_path), top_k=None)
    for text, row in zip(texts, ours, strict=True):
        scores = {result["label"]: result["score"] for result in classify([text], truncation=True)[0]}
        assert [scores[name] for name in ("a", "b")] == pytest.approx(row.tolist(), abs=1e-5)


def test_a_stop_is_noticed_between_two_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    features, labels = vectors(120, 3)
    fits = []
    regression = linear_fits._regression

    def counted(*args: object, **options: object) -> object:
        fits.append(args[0])
        return regression(*args, **options)

    monkeypatch.setattr(linear_fits, "_regression", counted)
    assert fit_linear_model(features, labels, 3, is_stop_requested=lambda: len(fits) >= 3) is None
    assert len(fits) == 3


def few_around_names(rows_a_class: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """A few vectors and 300 others, all far around the middles of four classes, with their labels; and the middles, which the names stand for."""
    generator = np.random.default_rng(11)
    middles = generator.normal(size=(4, 24))
    labels = np.arange(4 * rows_a_class + 300) % 4
    features = middles[labels] + 2.0 * generator.normal(size=(len(labels), 24))
    features, middles = (vectors / np.linalg.norm(vectors, axis=1, keepdims=True) for vectors in (features, middles))
    few = 4 * rows_a_class
    return features[:few], labels[:few], features[few:], labels[few:], middles


def test_names_of_classes_count_where_rows_are_few_and_the_names_say_what_they_are() -> None:
    features, labels, others, other_labels, names = few_around_names(3)
    linear, with_names = (fit_linear_model(features, labels, 4, names=given) for given in (None, names))
    assert (linear.learned_names, with_names.learned_names) == (False, True)
    right = [(model.logits(others).argmax(1) == other_labels).mean() for model in (linear, with_names)]
    assert right[1] > right[0] + 0.08
    # A class that no row has is not said because of its name.
    absent = fit_linear_model(features, labels, 5, names=np.concatenate([names, names[:1]]))
    assert absent.learned_names
    assert 4 not in absent.logits(others).argmax(1)


def test_names_that_say_something_else_do_not_count() -> None:
    features, labels, others, _, names = few_around_names(3)
    linear, misnamed = fit_linear_model(features, labels, 4), fit_linear_model(features, labels, 4, names=np.roll(names, 1, axis=0))
    assert not misnamed.learned_names
    assert (linear.logits(others) == misnamed.logits(others)).all()


@pytest.mark.parametrize(("settings", "limit", "read"), [({}, 100, 1), ({"class_names": "off"}, 100, 0), ({}, 1, 0)], ids=str)
def test_the_names_are_read_once_if_the_recipe_and_the_number_of_rows_allow_it(
    trained_with: Train, monkeypatch: pytest.MonkeyPatch, settings: dict[str, object], limit: int, read: int
) -> None:
    tokenize, seen = linear_model._tokenize_names, []
    monkeypatch.setattr(linear_model, "MAX_ROWS_A_CLASS_WITH_NAMES", limit)
    monkeypatch.setattr(linear_model, "_tokenize_names", lambda *args: seen.append(tokenize(*args)) or seen[-1])
    run, _ = trained_with(method="frozen", **settings)
    assert [names.labels.tolist() for names in seen] == [[0, 1, 2]] * read
    (linear,) = events(run, "linear")
    assert linear.class_names in ((True, None) if read else (None,))
    assert build_view(run.id, run.log.read()).linear_learned_names is (linear.class_names is True)


def test_names_are_read_as_words(tiny_encoder: Encoder) -> None:
    recipe = Recipe(pooling="mean", method="frozen").resolved(train_rows=9, learning_rate=1e-3)
    model = build_classifier(tiny_encoder, ("happy_sad", "happy"), recipe)
    tokenizer = load_tokenizer(tiny_encoder, max_length=20)
    names = linear_model._tokenize_names(model, tokenizer)
    assert names[0]["input_ids"].tolist() == tokenizer("happy sad")["input_ids"]
