"""The temperature of a model: part of its weights, so that transformers' pipeline gives the page's probabilities; the same after a resume."""

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addresses import TIMEOUT_SECONDS
from trainer.evaluation.predictions import load_predictions
from trainer.recipe import Recipe
from trainer.runs.run import Run
from trainer.studio import Studio
from trainer.training.predictor import Predictor
from trainer.training.temperature import config_file, config_with, fold_temperature

TEXTS = ["happy glad today", "we cry at home", "furious again", "it was so"]


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory, tiny_encoder) -> dict[str, Path]:
    """A saved classifier of each form, with random weights, by its name."""
    import torch

    from trainer.training.classifier import build_classifier, save_classifier
    from trainer.training.encoder_loading import load_encoder, load_tokenizer
    from trainer.training.heads import PooledClassifier

    def save(model: Any, folder: Path) -> Path:
        save_classifier(model, folder)
        load_tokenizer(tiny_encoder, max_length=32).save_pretrained(folder)
        return folder

    folders = {}
    for name, settings in {
        "standard": {"pooling": "cls", "head": "linear"},
        "electra": {"pooling": "cls", "head": "mlp"},
        "mean pooling": {"pooling": "mean", "head": "mlp"},
    }.items():
        torch.manual_seed(1)
        folder = tmp_path_factory.mktemp("models") / "run" / name.replace(" ", "-")
        recipe = Recipe(encoder="tiny-bert", **settings).resolved(train_rows=100, learning_rate=1e-3)
        model = build_classifier(tiny_encoder, ("a", "b", "c"), recipe)
        for parameter in model.parameters():
            parameter.data *= 4
        folders[name] = save(model, folder)
    # transformers has no architecture for the plain mean of the tokens.
    own = PooledClassifier(load_encoder(tiny_encoder, ("a", "b", "c")), head="mlp", pooling="mean")
    folders["own head"] = save(own, tmp_path_factory.mktemp("models") / "run" / "own-head")
    return folders


@pytest.mark.parametrize("name", ["standard", "electra", "mean pooling", "own head"])
def test_folding_divides_the_logits_and_leaves_linked_files_alone(saved: dict[str, Path], tmp_path: Path, name: str) -> None:
    folder = shutil.copytree(saved[name], tmp_path / "run" / "model")
    before = Predictor(folder).logits(TEXTS)
    files = {file: file.read_bytes() for file in folder.rglob("*.safetensors")}
    linked = tmp_path / "linked"
    linked.mkdir()
    for i, file in enumerate(files):
        (linked / str(i)).hardlink_to(file)
    assert fold_temperature(folder, 0.8)
    assert np.allclose(Predictor(folder).logits(TEXTS), before / 0.8, atol=1e-5)
    assert json.loads(config_file(folder).read_text())["calibration_temperature"] == 0.8
    assert [(linked / str(i)).read_bytes() for i in range(len(files))] == list(files.values())


def test_pipeline_gives_the_probabilities_of_the_page_with_a_temperature(saved: dict[str, Path], tmp_path: Path) -> None:
    from transformers import pipeline

    folder = shutil.copytree(saved["standard"], tmp_path / "run" / "model")
    fold_temperature(folder, 1.7)
    predictor = Predictor(folder)
    classify = pipeline("text-classification", model=str(folder), top_k=None)
    for text, ours in zip(TEXTS, predictor.predict(TEXTS), strict=True):
        theirs = {scored["label"]: scored["score"] for scored in classify([text], truncation=True)[0]}
        assert np.abs(ours.probabilities - [theirs[label] for label in predictor.label_names]).max() < 1e-5


def test_a_run_records_its_temperature_and_predicts_with_it(studio: Studio, small_csv: Path) -> None:
    workspace = studio.for_owner("local")
    recipe = Recipe(encoder="tiny-bert", epochs=6, batch_size=16, learning_rate=5e-3, max_length=32, test_share=0.2, validation_share=0.2)
    view = workspace.train_files({"main": ("moods.csv", small_csv)}, recipe)
    view = workspace.wait(view.id, TIMEOUT_SECONDS)
    assert view.status == "finished"
    fitted = view.calibration
    assert fitted.rows == view.rows["validation"]
    assert fitted.kept == (fitted.nll_after < fitted.nll_before)
    run = Run(workspace.library.folder(view.id))
    config = json.loads(config_file(run.model).read_text())
    assert config.get("calibration_temperature") == view.temperature
    predictions = load_predictions(run.predictions)
    rows = workspace.library.predicted_rows(view.id, "test")
    _, ours = workspace.models.predict(view.id, rows.texts[:20])
    saved = predictions.for_split("test").probabilities[:20]
    assert np.abs(np.array([one.probabilities for one in ours]) - saved).max() < 1e-5


def test_a_model_that_answers_from_a_probability_on_is_unsure_below(saved: dict[str, Path], tmp_path: Path) -> None:
    folder = shutil.copytree(saved["standard"], tmp_path / "run" / "model")
    surest = sorted(float(p.probabilities[p.task.decide(p.probabilities)]) for p in Predictor(folder).predict(TEXTS))
    config_file(folder).write_bytes(config_with(folder, {"abstain_below": (surest[1] + surest[2]) / 2}))
    predictor = Predictor(folder)
    predictions = predictor.predict([*TEXTS, ""])
    assert sorted(p.unsure for p in predictions) == [False, False, False, True, True]
    for prediction in predictions[:-1]:
        values = prediction.to_dict(predictor.label_names)
        assert (values["label"] is None) == values.get("unsure", False) == prediction.unsure
    config_file(folder).write_bytes(config_with(folder, {"abstain_below": None}))
    assert not any(p.unsure for p in Predictor(folder).predict(TEXTS))
