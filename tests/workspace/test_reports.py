"""Studio: what is said of a run beyond its scores, and the report to share: groups, ordered labels, what would help."""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.workspace.steps import ME
from trainer.data.corpus import Corpus
from trainer.data.rows import save_rows
from trainer.data.splits import Splits
from trainer.evaluation.predictions import Predictions, save_predictions
from trainer.recipe import Recipe
from trainer.report_html import report_html
from trainer.runs.event_types import Created, Finished, RecordedFinding
from trainer.runs.store import RunStore
from trainer.runs.view import BaselineScores, Metrics
from trainer.settings import Settings
from trainer.studio import Studio

STARS = ("1 star", "2 stars", "3 stars", "4 stars", "5 stars")
NUMBERS = ("1", "2", "3", "4", "5")
SECRET = "an <b>unrepeatable</b> sentence"
FINDINGS = (
    RecordedFinding(
        "conflicting_labels", "warning", 1, f"1 text has different labels. Example: “a ” of {SECRET}” is “1 star” and “2 stars”."
    ),
    RecordedFinding("rare_classes", "warning", 1, "1 label is rare: “5 stars” (3 rows)."),
)
"""The first as runs of older versions have it."""


def make_run(studio: Studio, names: tuple[str, ...] = STARS, *, other_test: bool = False) -> str:
    """A finished run of made-up rows and predictions: texts from the phone are often wrong, and so are 4 and 5 stars. ``other_test``: with other texts
    and predictions in the test rows."""
    rng = np.random.default_rng(0)
    n = 900
    labels = rng.integers(0, 5, n)
    source = np.where(rng.random(n) < 0.3, "phone", "web")
    longer = rng.integers(0, 12, n)
    wrong = rng.random(n) < np.where(source == "phone", 0.5, 0.05) + 0.02 * longer
    predicted = np.where(wrong, np.where(labels == 4, 3, labels + 1), labels)
    words = [f"w{label}" for label in labels]
    texts = tuple(f"{SECRET if i == 0 else 'text'} {i} {words[i]} {'very ' * int(longer[i])}long" for i in range(n))
    if other_test:
        predicted, texts = np.where(np.arange(n) >= 600, 0, predicted), (*texts[:600], *(f"other {i}" for i in range(600, n)))
    probabilities = np.full((n, 5), 0.025)
    probabilities[np.arange(n), predicted] = 0.9
    corpus = Corpus(texts, labels, names, np.arange(n), np.arange(n) + 2, None, ())
    parts = np.split(np.arange(n), [400, 600])
    splits = Splits(*parts, np.array([], dtype=np.int64), ())
    held = np.concatenate(parts[1:])
    split = np.array(["validation"] * len(parts[1]) + ["test"] * len(parts[2]))

    def fill(folder: Path) -> None:
        save_rows(folder / "data.parquet", corpus, splits, {"source": tuple(source.tolist())})
        save_predictions(folder / "predictions.parquet", Predictions(held, split, labels[held], probabilities[held], names))
        (folder / "model").mkdir()
        (folder / "model" / "README.md").write_text("a card")

    recipe = Recipe(encoder="tiny-bert", max_length=8)
    created = Created(
        name="calm heron", owner=ME, rows={"train": 400, "validation": 200, "test": 300}, source_name="stars.csv", findings=FINDINGS
    )
    run = RunStore(studio.settings.runs_dir).create(
        recipe=recipe, resolved=recipe.resolved(train_rows=400, learning_rate=1e-3), fill=fill, created=created
    )
    run.seal_results_and_log(Finished(best_step=4))
    run.log.append(Finished(best_step=4), durable=True)
    return run.id


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, tiny_encoder, reader):
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("reports") / "runs"), encoders=[tiny_encoder], reader=reader)
    yield studio, make_run(studio)
    studio.close()


def test_numbers_are_steps_only_if_somebody_says_so(studio: Studio) -> None:
    reports, run_id = studio.for_owner(ME).reports, make_run(studio, NUMBERS)
    assert reports.can_be_ordered(run_id)
    assert reports.ordered(run_id) is None
    reports.say_whether_ordered(run_id, True)
    assert reports.ordered(run_id).order == NUMBERS
    assert studio.for_owner(ME).library.damage(run_id) == ()
    reports.say_whether_ordered(run_id, False)
    assert reports.ordered(run_id) is None
    moods = make_run(studio, ("joy", "love", "fear", "anger", "awe"))
    assert not reports.can_be_ordered(moods)


def test_what_would_help_comes_from_training_and_validation_rows_alone(served: tuple[Studio, str], studio: Studio) -> None:
    original, run_id = served
    found = original.for_owner(ME).reports.suggestions(run_id).found
    assert (
        {"check_pair", "raise_length"}
        <= {suggestion.code for suggestion in found}
        <= {"check_pair", "raise_length", "enough", "label_more", "merge_classes"}
    )
    assert [suggestion.mistakes for suggestion in found] == sorted((suggestion.mistakes for suggestion in found), reverse=True)
    # The same with other test rows.
    assert studio.for_owner(ME).reports.suggestions(make_run(studio, other_test=True)).found == found


def test_the_report_to_share_has_the_facts_of_its_json_and_no_text(served: tuple[Studio, str]) -> None:
    studio, run_id = served
    reports = studio.for_owner(ME).reports
    facts = reports.report(run_id).to_dict()
    assert json.loads(json.dumps(facts, allow_nan=False)) == facts
    name, content = reports.html(run_id)
    html = content.decode()
    assert name == "calm heron report.html"
    assert SECRET not in html
    assert "unrepeatable" not in html
    assert not re.search(r"(?i)<script|<link|src=|url\(|@import|https?://", html)
    assert f"{100 * facts['test']['accuracy']:.1f} %" in html
    for score in ("macro_f1", "weighted_f1"):
        assert f"{facts['test'][score]:.3f}" in html
    for label, scores in facts["test"]["per_class"].items():
        assert label in html
        assert f"{scores['f1']:.3f}" in html
    assert f"{facts['ordered']['quadratic_kappa']:.3f}" in html
    assert "1 text has different labels. Example: “…”." in html
    assert "“5 stars” (3 rows)" in html
    assert "phone" not in html
    assert "By group" in html
    for suggestion in facts["suggestions"]:
        assert suggestion["title"] in html
    mistakes = reports.html(run_id, with_texts=True)[1].decode()
    assert "<b>" not in mistakes
    assert mistakes.count("<tr>") > html.count("<tr>")
    assert "phone" in mistakes
    assert "is “1 star” and “2 stars”" in mistakes


def test_the_report_says_from_which_score_on_a_text_has_a_label(served: tuple[Studio, str]) -> None:
    studio, run_id = served
    report = studio.for_owner(ME).reports.report(run_id)
    of_scores = replace(report, view=replace(report.view, labels_cut=0.3))
    for said, cut, words in ((report, None, False), (of_scores, 0.3, True)):
        assert said.to_dict()["labels_cut"] == cut
        assert ("a text has the labels from 0.3 on." in report_html(said)) is words


def test_a_linear_model_that_was_kept_is_not_compared_with_itself(served: tuple[Studio, str]) -> None:
    studio, run_id = served
    report = studio.for_owner(ME).reports.report(run_id)
    linear = BaselineScores(100, Metrics(0.5, 0.5), Metrics(0.5, 0.5))
    for step, compared in ((9, True), (0, False)):
        kept = replace(report.view.kept, step=step)
        html = report_html(replace(report, view=replace(report.view, linear=linear, model=kept)))
        assert ("without fine-tuning 50.0 %" in html) is compared
