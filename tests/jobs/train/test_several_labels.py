"""A whole run of texts with several labels: its scores, its cuts, its folder, and what cannot be had."""

import json
import secrets
from pathlib import Path

import numpy as np
import pytest

from tests.several_labels import several_labels_corpus
from trainer.data.files.read_table import read_table
from trainer.data.rows import load_rows, save_rows
from trainer.data.splits import split
from trainer.data.task import SEVERAL_LABELS
from trainer.errors import RecipeError
from trainer.evaluation.predictions import load_predictions
from trainer.evaluation.report import split_report
from trainer.jobs.evaluate.evaluate_file import evaluate, find_rows
from trainer.jobs.train import pipeline
from trainer.jobs.train.task_check import require_possible
from trainer.recipe import Recipe
from trainer.runs.evaluations import PREDICTIONS, Evaluations
from trainer.runs.event_types import Created
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.runs.view_builder import build_view
from trainer.training.encoder_catalogue import EncoderCatalogue
from trainer.training.encoders import Encoder
from trainer.training.hardware import Hardware
from trainer.training.predictor import Predictor

TEXTS = ["we cry and laugh today", "so furious at home", "the work of my", "happy tears of rage then", "at 😂 home"]


def done(root: Path, encoder: Encoder, *, emoji: bool = False, **settings: object) -> tuple[Run, RunView]:
    corpus = several_labels_corpus(emoji=emoji)
    splits = split(corpus, validation_share=0.25, test_share=0.25, seed=42)
    recipe = Recipe(**{"encoder": encoder.name, "epochs": 24, "batch_size": 8, "learning_rate": 1e-2, "max_length": 32, **settings})
    of_task = {"classes": len(corpus.label_names), "linear_start": corpus.task.linear_start}
    recipe = recipe.resolved(train_rows=len(splits.train), learning_rate=1e-3, pooling="mean", **of_task)
    run = RunStore(root).create(
        recipe=recipe,
        resolved=recipe,
        fill=lambda f: save_rows(f / "data.parquet", corpus, splits),
        created=Created(
            name="brisk otter",
            owner="local",
            source_name="moods.csv",
            rows={"train": len(splits.train)},
            task=corpus.task.key,
            labels_cut=0.3,
        ),
    )
    assert pipeline.run_job(run, EncoderCatalogue([encoder]))
    return run, build_view(run.id, run.log.read())


@pytest.mark.parametrize(
    "settings",
    [{"pooling": "cls"}, {"pooling": "mean"}, {"pooling": "cls", "head": "mlp"}, {"method": "frozen"}, {"pooling": "cls", "emoji": True}],
    ids=["cls", "mean", "mlp", "frozen", "added tokens"],
)
def test_the_folder_says_in_one_line_what_the_report_was_made_of(settings: dict, tmp_path: Path, tiny_encoder: Encoder) -> None:
    from transformers import pipeline as transformers_pipeline

    run, view = done(tmp_path, tiny_encoder, **settings)
    assert view.status == "finished", view.message
    config = json.loads((run.model / "config.json").read_text(encoding="utf-8"))
    predictions, test = load_predictions(run.predictions), pipeline.load_report(run, "test")
    assert config["problem_type"] == predictions.task.key == SEVERAL_LABELS.key
    assert tuple(config["label_cuts"]) == predictions.task.cuts == tuple(score.threshold for score in test.per_class)
    assert test.macro_f1.value > (0.5 if settings.get("method") == "frozen" else 0.6)
    assert bool(view.added_tokens) is ("emoji" in settings)
    classify = transformers_pipeline("text-classification", model=str(run.model), top_k=None)
    predictor = Predictor(run.model)
    for text, prediction in zip(TEXTS, predictor.predict(TEXTS), strict=True):
        scores = {found["label"]: found["score"] for found in classify([text], truncation=True)[0]}
        assert [scores[name] for name in predictor.label_names] == pytest.approx(prediction.probabilities.tolist(), abs=1e-5)
        said = [name for name, cut in zip(predictor.label_names, config["label_cuts"], strict=True) if scores[name] >= cut]
        values = prediction.to_dict(predictor.label_names)
        assert values["labels"] == said
        assert values["label"] == ", ".join(said)
        assert values["cuts"] == dict(zip(predictor.label_names, config["label_cuts"], strict=True))


def test_what_is_said_beside_the_score(tmp_path: Path, tiny_encoder: Encoder) -> None:
    run, view = done(tmp_path, tiny_encoder)
    predictions = load_predictions(run.predictions)
    test, report = predictions.for_split("test"), pipeline.load_report(run, "test")
    right = (test.predicted == test.labels).all(axis=1).mean()
    assert report.accuracy.value == pytest.approx(right)
    assert 0 < view.baseline.test.macro_f1 <= 1
    assert view.majority.test_accuracy <= right
    values = report.to_dict()
    assert list(values)[:5] == ["macro_f1", "micro_f1", "samples_f1", "exact_match", "hamming_loss"]
    assert {"threshold", "average_precision", "support", "precision"} <= values["per_class"]["joy"].keys()
    card = (run.model / "README.md").read_text(encoding="utf-8")
    assert "| joy |" in card
    assert "Hamming loss" in card
    assert ("a scale and a shift for each label (Platt 2000)" in card) is (view.calibration is not None and view.calibration.kept)
    assert np.array_equal(np.sort(test.rows), pipeline.load_run_rows(run)[1].test)


def test_what_cannot_be_had_is_said() -> None:
    with pytest.raises(RecipeError, match="several labels a text") as refused:
        require_possible(Recipe(method="contrastive"), SEVERAL_LABELS)
    assert refused.value.code == "not_for_this_task"
    require_possible(Recipe(method="full", folds=5), SEVERAL_LABELS)


def test_the_linear_model_is_scored_with_cuts_that_its_validation_rows_have_chosen(tmp_path: Path, tiny_encoder: Encoder) -> None:
    # Nothing is trained after it here, so both scores are of the same model.
    run, view = done(tmp_path, tiny_encoder, method="frozen")
    assert view.linear.test.macro_f1 == pytest.approx(pipeline.load_report(run, "test").macro_f1.value, abs=1e-6)


def test_it_is_judged_on_another_file_in_whatever_form_that_has(tmp_path: Path, tiny_encoder: Encoder) -> None:
    run, _ = done(tmp_path, tiny_encoder, method="frozen")
    learnt, splits = load_rows(run.rows)
    # Its test rows alone, which no model has learned: as columns of marks, as cells, and as scores with the cut of its own file.
    tested = [(learnt.texts[row], learnt.label_ids[row].tolist(), learnt.label_sets[row]) for row in splits.test.tolist()]
    seen = [(learnt.texts[row], learnt.label_ids[row].tolist(), learnt.label_sets[row]) for row in splits.train[:3].tolist()]
    marks = ["text,anger,joy,sadness", *(f"{text},{','.join(map(str, ids))}" for text, ids, _ in [*tested, *seen])]
    cells = ["text,moods", *(f"{text},{'; '.join(names) or '[]'}" for text, _, names in [*tested, *seen]), "an odd text,JOY; zeal"]
    scores = [
        "text,anger,joy,sadness",
        *(f"{text},{','.join('0.35' if has else '0.1' for has in ids)}" for text, ids, _ in [*tested, *seen]),
    ]
    with pytest.raises(RecipeError, match=r"No label reaches a cut of 0\.9"):
        find_rows(run, read_table("\n".join(scores).encode()), "other.csv", cut=0.9)
    expected = pipeline.load_report(run, "test")
    for lines, columns in ((marks, "anger, joy, sadness"), (scores, "anger, joy, sadness"), (cells, "moods")):
        judged = find_rows(run, read_table("\n".join(lines).encode()), "other.csv")
        assert (judged.label_column, judged.left_out.learnt, judged.corpus.task) == (columns, 3, SEVERAL_LABELS)
        about = evaluate(
            run,
            judged,
            secrets.token_hex(16),
            Hardware("cpu", "fp32", 1, "1 CPU core"),
            max_chars=10_000,
            report=lambda *_: None,
            stop_if_asked=lambda *_: None,
        )
        report = split_report(load_predictions(Evaluations(run).folder(about.id) / PREDICTIONS), "test")
        assert report.rows == expected.rows
        assert report.macro_f1.value == pytest.approx(expected.macro_f1.value, abs=1e-6)
    assert judged.left_out.unknown == {"zeal": 1}
