"""The predictor and the one-liner of transformers say the same."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from trainer.errors import UserError
from trainer.training.encoders import Encoder, load_classifier, load_tokenizer
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
        said = {answer["label"]: answer["score"] for answer in theirs}
        assert set(said) == {"joy", "sadness", "anger"}
        for name, p in zip(predictor.label_names, row, strict=True):
            assert p == pytest.approx(said[name], abs=1e-5)


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
    before = torch.get_rng_state()
    Predictor(folder).probabilities(["happy"])
    assert torch.equal(before, torch.get_rng_state())


def test_a_damaged_model_is_a_kind_sentence(folder: Path, tmp_path: Path) -> None:
    broken = tmp_path / "model"
    shutil.copytree(folder, broken)
    content = (broken / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(content[: len(content) // 2])
    with pytest.raises(UserError, match="missing or damaged"):
        Predictor(broken)
    with pytest.raises(UserError, match="missing or damaged"):
        Predictor(tmp_path / "nowhere")
