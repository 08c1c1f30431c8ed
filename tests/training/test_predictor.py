"""The predictor and the one-liner of transformers say the same."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.tiny_encoders import tiny
from trainer.errors import UserError
from trainer.training.block_predictor import BlockPredictor
from trainer.training.encoder_loading import load_classifier, load_tokenizer
from trainer.training.encoders import Encoder, local_encoder
from trainer.training.exclusive_loading import load_pretrained
from trainer.training.hardware import Hardware
from trainer.training.predictor import Predictor

TEXTS = ["happy today", "", "we cry and cry " * 40, "unknown wörds 🫠", "rage", " \t ", "a" * 3000]


@pytest.fixture(scope="module")
def folder(tiny_encoder: Encoder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(1)
    folder = tmp_path_factory.mktemp("model") / "model"
    load_classifier(tiny_encoder, ("joy", "sadness", "anger")).save_pretrained(folder)
    load_tokenizer(tiny_encoder, max_length=20).save_pretrained(folder)
    return folder


def test_the_same_as_the_pipeline(folder: Path) -> None:
    from transformers import pipeline

    classify = pipeline("text-classification", model=str(folder), top_k=None)
    predictor = Predictor(folder)
    ours = predictor.probabilities(TEXTS, batch_size=3)
    for text, row in zip(TEXTS, ours, strict=True):
        (theirs,) = classify([text], truncation=True)
        scores = {result["label"]: result["score"] for result in theirs}
        assert set(scores) == {"joy", "sadness", "anger"}
        for name, p in zip(predictor.label_names, row, strict=True):
            assert p == pytest.approx(scores[name], abs=1e-5)


def test_rows_sum_to_one_and_keep_their_order(folder: Path) -> None:
    predictor = Predictor(folder)
    ours = predictor.probabilities(TEXTS)
    assert ours.dtype == np.float32
    assert ours.sum(axis=1) == pytest.approx(np.ones(len(TEXTS)), abs=1e-6)
    for i, text in enumerate(TEXTS):
        assert predictor.probabilities([text])[0] == pytest.approx(ours[i], abs=1e-6)
    assert predictor.probabilities([]).shape == (0, 3)


def test_a_lone_surrogate_is_survived(folder: Path) -> None:
    assert Predictor(folder).probabilities(["\ud800 happy"]).sum() == pytest.approx(1)


def test_loading_draws_nothing_from_the_generator_a_training_uses(folder: Path) -> None:
    torch.manual_seed(5)
    random_state = torch.get_rng_state()
    Predictor(folder).probabilities(["happy"])
    assert torch.equal(random_state, torch.get_rng_state())


def test_a_damaged_model_is_a_kind_sentence(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "model"
    shutil.copytree(folder, broken)
    content = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match=r"model\.safetensors is damaged: .* bytes"):
        Predictor(broken)
    with pytest.raises(UserError, match=r"nowhere is not used: config\.json is missing"):
        Predictor(tmp_path / "nowhere")


def test_an_empty_text_gets_no_probabilities_but_a_reason(folder: Path) -> None:
    for text in ("", "   ", "\n", "\u200b ", "\x00"):
        (prediction,) = Predictor(folder).predict([text])
        assert prediction.probabilities is None
        assert "empty" in prediction.problem
    between = Predictor(folder).predict(["happy", " ", "rage"])
    assert [p.probabilities is None for p in between] == [False, True, False]
    assert between[2].probabilities == pytest.approx(Predictor(folder).probabilities(["rage"])[0], abs=1e-6)


def test_a_text_that_is_cut_says_how_many_tokens_it_has(folder: Path) -> None:
    short, exact, long = Predictor(folder).predict(["happy today", "cry " * 18, "cry " * 19])
    assert (short.tokens, short.tokens_read, short.cut) == (4, 4, False)
    assert (exact.tokens, exact.tokens_read, exact.cut) == (20, 20, False)
    assert (long.tokens, long.tokens_read, long.cut) == (21, 20, True)


def test_a_text_is_repaired_before_it_is_cut_as_in_training(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = Predictor(folder)
    monkeypatch.setattr(predictor, "repairs", ("html_in_texts",))
    markup = '<span class="very long"> happy </span>'
    raw, plain, long = predictor.predict([markup, "happy", "<b>" * 2 + "cry " * 40], max_chars=12)
    assert (raw.text, raw.repaired, raw.cut) == ("happy", True, False)
    assert (raw.probabilities == plain.probabilities).all()
    assert (long.text, long.cut) == ("cry cry cry", True)
    block = BlockPredictor(predictor, Hardware("cpu", "fp32", 1, "1 CPU core")).label([markup, "cry " * 40], max_chars=12)
    assert block.probabilities[0] == pytest.approx(plain.probabilities, abs=1e-6)
    assert block.cut.tolist() == [False, True]
    assert predictor.attribute(markup, "joy", max_chars=12).text == "happy"


def test_a_text_is_read_without_the_blanks_around_it_as_in_training(folder: Path) -> None:
    plain, padded = Predictor(folder).predict(["happy today", "\ufeff happy today \n"])
    assert plain.tokens == padded.tokens
    assert (plain.probabilities == padded.probabilities).all()


def test_repairs_of_texts_travel_with_the_model(tiny_encoder: Encoder, tmp_path: Path) -> None:
    from trainer.recipe import Recipe
    from trainer.training.classifier import build_classifier, save_classifier

    for name, pooling in (("standard", "cls"), ("ours", "mean")):
        recipe = Recipe(repairs=("label_variants", "html_in_texts", "links_in_texts"), pooling=pooling, max_length=32)
        recipe = recipe.resolved(train_rows=100, learning_rate=1e-3)
        model = build_classifier(tiny_encoder, ("joy", "sadness"), recipe)
        save_classifier(model, tmp_path / name)
        load_tokenizer(tiny_encoder, max_length=32).save_pretrained(tmp_path / name)
        predictor = Predictor(tmp_path / name)
        assert predictor.repairs == ("html_in_texts", "links_in_texts")
        raw, repaired = predictor.predict(["cry <br> rage happy", "cry rage happy"])
        assert raw.tokens == repaired.tokens
        assert (raw.probabilities == repaired.probabilities).all()


@pytest.mark.parametrize(
    ("auto_class", "options", "what"),
    [
        ("AutoModel", {}, "without a trained head"),
        ("AutoModelForMaskedLM", {}, "for another task"),
        ("AutoModelForTokenClassification", {"num_labels": 3}, "for another task"),
        ("AutoModelForQuestionAnswering", {}, "for another task"),
        ("AutoModelForSequenceClassification", {"num_labels": 1}, "a single number"),
        ("AutoModelForSequenceClassification", {"num_labels": 3, "problem_type": "regression"}, "a single number"),
    ],
)
def test_a_folder_that_is_no_classifier_is_refused_as_what_it_is(
    auto_class: str, options: dict, what: str, tiny_encoder: Encoder, tmp_path: Path
) -> None:
    import transformers

    load_pretrained(getattr(transformers, auto_class), tiny_encoder.source, **options)[0].save_pretrained(tmp_path)
    load_tokenizer(tiny_encoder, max_length=20).save_pretrained(tmp_path)
    with pytest.raises(UserError, match=what) as refused:
        Predictor(tmp_path)
    assert refused.value.code == "not_a_classifier"


@pytest.mark.parametrize(
    "auto_class", ["AutoModel", "AutoModelForMaskedLM", "AutoModelForTokenClassification", "AutoModelForQuestionAnswering"]
)
def test_missing_weights_are_seen_where_the_config_does_not_say_what_it_is(auto_class: str, tiny_encoder: Encoder, tmp_path: Path) -> None:
    import transformers

    load_pretrained(getattr(transformers, auto_class), tiny_encoder.source)[0].save_pretrained(tmp_path)
    load_tokenizer(tiny_encoder, max_length=20).save_pretrained(tmp_path)
    config = json.loads((tmp_path / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({name: value for name, value in config.items() if name != "architectures"}))
    with pytest.raises(UserError, match="lacks the weights") as refused:
        Predictor(tmp_path)
    assert refused.value.code == "not_a_classifier"


def test_an_encoder_beside_our_head_that_lacks_weights_is_not_answered_at_random(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    from trainer.recipe import Recipe
    from trainer.training.classifier import build_classifier, save_classifier

    recipe, encoder = Recipe(pooling="mean").resolved(train_rows=100, learning_rate=1e-3), tiny("electra", tmp_path)
    save_classifier(build_classifier(encoder, ("joy", "sadness"), recipe), tmp_path)
    load_tokenizer(encoder, max_length=20).save_pretrained(tmp_path)
    weights = tmp_path / "encoder" / "model.safetensors"
    left = {name: tensor for name, tensor in load_file(weights).items() if "layer.0" not in name}
    save_file(left, weights, metadata={"format": "pt"})
    with pytest.raises(UserError, match="lacks the weights"):
        Predictor(tmp_path)


def test_signs_alone_that_the_encoder_cannot_read_get_a_reason(folder: Path) -> None:
    signs, mixed = Predictor(folder).predict(["🫠 🎉", "happy 🫠"])
    assert signs.probabilities is None
    assert "cannot read" in signs.problem
    assert mixed.probabilities is not None


def test_a_file_of_weights_that_is_cut_or_overwritten_changes_no_loaded_model(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    predictor = Predictor(tmp_path / "model")
    probabilities = predictor.probabilities(["happy today"])
    weights = tmp_path / "model" / "model.safetensors"
    with open(weights, "r+b") as file:
        file.seek(-2000, 2)
        file.write(bytes(2000))
    assert (predictor.probabilities(["happy today"]) == probabilities).all()
    # A mapped file that is cut would end the whole process here.
    os.truncate(weights, 100)
    assert (predictor.probabilities(["happy today"]) == probabilities).all()


def test_a_folder_without_a_tokenizer_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (tmp_path / "model" / name).unlink()
    with pytest.raises(UserError, match="no tokenizer"):
        Predictor(tmp_path / "model")


def test_a_text_is_cut_at_what_the_model_has_positions_for(tiny_encoder: Encoder, tmp_path: Path) -> None:
    load_classifier(tiny_encoder, ("joy", "sadness")).save_pretrained(tmp_path)
    tokenizer = load_tokenizer(tiny_encoder, max_length=20)
    tokenizer.model_max_length = 10**30
    tokenizer.save_pretrained(tmp_path)
    (prediction,) = Predictor(tmp_path).predict(["happy " * 200])
    assert (prediction.tokens, prediction.tokens_read, prediction.cut) == (202, 64, True)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"id2label": {"0": "joy", "1": "sadness", "5": "anger"}}, "id2label"),
        ({"id2label": {"0": "joy", "1": "sadness", "2": "joy"}}, "same name"),
        ({"text_repairs": 7}, "text_repairs"),
        ({"text_repairs": "html_in_texts"}, "text_repairs"),
        ({"text_repairs": ["label_variants"]}, "text_repairs"),
        ({"num_hidden_layers": 1}, "does not fit"),
        ({"architectures": "BertModel"}, "without a trained head"),
    ],
)
def test_a_config_that_does_not_fit_is_a_sentence(folder: Path, tmp_path: Path, change: dict, why: str) -> None:
    shutil.copytree(folder, tmp_path / "model")
    config = tmp_path / "model" / "config.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | change))
    with pytest.raises(UserError, match=why):
        Predictor(tmp_path / "model")


def test_a_tokenizer_of_another_model_is_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder, tmp_path / "model")
    tokenizer = load_tokenizer(local_encoder(folder), max_length=20)
    tokenizer.add_tokens(["another", "word"])
    tokenizer.save_pretrained(tmp_path / "model")
    with pytest.raises(UserError, match="more tokens than its model"):
        Predictor(tmp_path / "model")


def test_weights_that_are_no_numbers_are_refused(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(folder, tmp_path / "model")
    weights = load_file(folder / "model.safetensors")
    weights["classifier.bias"][0] = float("nan")
    save_file(weights, tmp_path / "model" / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match="not numbers"):
        Predictor(tmp_path / "model")
