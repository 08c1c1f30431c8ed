"""Attributions: held against the definition of integrated gradients with many small steps, and against its axioms."""

import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.addresses import TIMEOUT_SECONDS
from tests.training.conftest import fit, run_with
from tests.training.tiny_encoders import TINY, tiny
from trainer.data.corpus import Corpus
from trainer.data.splits import Splits
from trainer.errors import UserError
from trainer.recipe import Recipe
from trainer.training.attributions import attribute_words, integrated_gradients, tokenize_with_places
from trainer.training.classifier import Classifier, build_classifier, encoder_of
from trainer.training.encoder_loading import load_tokenizer
from trainer.training.encoders import Encoder
from trainer.training.predictor import Predictor

TEXT = "they laugh and dance today, but cry alone"
COMBINATIONS = [(family, {}) for family in TINY] + [
    ("bert", {"pooling": "mean"}),
    ("bert", {"head": "mlp"}),
    ("distilbert", {"head": "mlp", "pooling": "mean"}),
    ("roberta", {"pooling": "mean"}),
    ("bert", {"lora_rank": 2}),
]


def model_of(encoder: Encoder, **settings: object) -> Classifier:
    torch.manual_seed(1)
    recipe = Recipe(encoder=encoder.name, epochs=1, batch_size=8, learning_rate=1e-3, **settings)
    model = build_classifier(encoder, ("joy", "sadness", "anger"), recipe).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.1 * torch.randn_like(parameter))
    return model.requires_grad_(False)


def riemann(
    model: Classifier, encoded: dict[str, torch.Tensor], special: torch.Tensor, label_id: int, padding_id: int, steps: int
) -> np.ndarray:
    """The definition: the mean gradient of the log probability at many points of the path, times the way from the baseline."""
    layer = encoder_of(model).get_input_embeddings()
    actual = layer.weight[encoded["input_ids"][0]]
    start = torch.where(special[:, None], actual, layer.weight[padding_id])
    places = (torch.arange(steps) + 0.5) / steps
    points = (start + places[:, None, None] * (actual - start)).requires_grad_(True)
    handle = layer.register_forward_hook(lambda *_: points)
    scores = model(**{name: tensor.expand(steps, -1) for name, tensor in encoded.items()}).logits.log_softmax(-1)[:, label_id]
    handle.remove()
    gradients = torch.autograd.grad(scores.sum(), points)[0].mean(0)
    return (gradients * (actual - start)).sum(-1).double().numpy()


@pytest.mark.parametrize(("family", "settings"), COMBINATIONS)
def test_eight_steps_come_close_to_three_hundred_and_add_up(family: str, settings: dict[str, object], tmp_path: Path) -> None:
    encoder = tiny(family, tmp_path)
    model, tokenizer = model_of(encoder, **settings), load_tokenizer(encoder, max_length=64)
    encoded = dict(tokenize_with_places(tokenizer, TEXT))
    encoded.pop("offset_mapping")
    special = encoded.pop("special_tokens_mask")[0].bool()
    for label_id in (0, 2):
        values, score, baseline = integrated_gradients(model, encoded, special, label_id, padding_id=tokenizer.pad_token_id, steps=8)
        assert score == pytest.approx(float(model(**encoded).logits.log_softmax(-1)[0, label_id]), abs=1e-5)
        exact = riemann(model, encoded, special, label_id, tokenizer.pad_token_id, 300)
        scale = np.abs(exact).max()
        assert np.abs(values - exact).max() < 0.05 * scale
        assert values.sum() == pytest.approx(score - baseline, abs=0.05 * scale)
        assert not values[special.numpy()].any()


def test_words_have_the_sum_of_their_tokens_and_their_places(tmp_path: Path) -> None:
    # RoBERTa's tiny tokenizer has a token for each byte.
    encoder = tiny("roberta", tmp_path)
    model, tokenizer = model_of(encoder), load_tokenizer(encoder, max_length=24)
    text = "  so happy, they cry 😂 and laugh"
    encoded = tokenize_with_places(tokenizer, text)
    attribution = attribute_words(model, text, encoded, 1, padding_id=tokenizer.pad_token_id)
    words = {text[word.start : word.end]: word for word in attribution.words}
    assert list(words) == ["so", "happy", ",", "they", "cry", "😂", "and", "laugh"]
    assert words["cry"].read
    assert (words["laugh"].read, words["laugh"].value) == (False, 0.0)
    assert all(word.value != 0 for word in attribution.words if word.read)
    assert abs(attribution.error) < 0.05 * max(abs(word.value) for word in attribution.words)


def test_a_long_text_is_read_in_parts_to_the_same_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoder = tiny("bert", tmp_path)
    model, tokenizer = model_of(encoder), load_tokenizer(encoder, max_length=64)
    encoded = tokenize_with_places(tokenizer, TEXT)
    at_once = attribute_words(model, TEXT, encoded, 1, padding_id=0)
    monkeypatch.setattr("trainer.training.attributions._MAX_BATCH_TOKENS", 40)
    in_parts = attribute_words(model, TEXT, encoded, 1, padding_id=0)
    assert [word.value for word in in_parts.words] == pytest.approx([word.value for word in at_once.words], abs=1e-7)
    assert in_parts.score == pytest.approx(at_once.score, abs=1e-6)


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory, material: tuple[Corpus, Splits], tiny_encoder: Encoder) -> Predictor:
    recipe = Recipe(encoder="tiny-bert", epochs=4, batch_size=8, learning_rate=5e-3, max_length=32, seed=1)
    run = run_with(tmp_path_factory.mktemp("runs"), material, recipe)
    fit(run, tiny_encoder, *material)
    return Predictor(run.model)


def test_the_words_of_a_mood_speak_for_it_and_against_another(predictor: Predictor) -> None:
    values = {}
    for label in ("joy", "sadness"):
        attribution = predictor.attribute("happy sunny at home", label)
        values[label] = {attribution.text[word.start : word.end]: word.value for word in attribution.words}
    joy_rather_than_sadness = {word: value - values["sadness"][word] for word, value in values["joy"].items()}
    mood = joy_rather_than_sadness["happy"] + joy_rather_than_sadness["sunny"]
    assert mood > 10 * abs(joy_rather_than_sadness["at"] + joy_rather_than_sadness["home"])


def test_raw_texts_are_cleaned_and_an_empty_one_has_no_words(predictor: Predictor) -> None:
    assert predictor.attribute("\x07 cry \ud800", "joy").text == "cry"
    assert predictor.attribute("", "joy").words == ()


def test_an_unknown_label_is_named(predictor: Predictor) -> None:
    with pytest.raises(UserError, match="has no label “bliss”"):
        predictor.attribute("cry", "bliss")


def test_predictions_of_other_threads_are_not_disturbed(predictor: Predictor) -> None:
    texts = ["they cry alone at home", "happy and sunny", "shout in rage"] * 8
    quiet = predictor.probabilities(texts)
    seen, begun, done = [], threading.Event(), threading.Event()

    def predict() -> None:
        while not done.is_set():
            seen.append(predictor.probabilities(texts))
            begun.set()

    thread = threading.Thread(target=predict)
    thread.start()
    assert begun.wait(TIMEOUT_SECONDS)
    for _ in range(20):
        predictor.attribute(texts[0], "joy")
    done.set()
    thread.join()
    assert seen
    assert all(np.array_equal(probabilities, quiet) for probabilities in seen)
