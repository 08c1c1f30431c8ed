"""``evaluate``: the scores of a run on another file, kept beside it."""

from collections import Counter
from pathlib import Path

import pytest

from tests.cli.commands import CommandResult, InProcessCommand, quick
from tests.conftest import small_rows, write_rows
from tests.several_labels import labels_from, write_scores
from trainer.data.rows import load_rows
from trainer.evaluation.predictions import load_predictions
from trainer.runs.evaluations import Evaluations
from trainer.runs.run import Run
from trainer.training.encoders import Encoder


@pytest.fixture
def other_file(tmp_path: Path, trained_run: CommandResult) -> Path:
    rows = [(text, label.upper()) for text, label in small_rows(60, seed=7)]
    learnt, splits = load_rows(Run(Path(trained_run.last["path"])).rows)
    seen = [(learnt.texts[row], learnt.labels[row]) for row in (*splits.train[:2], *splits.validation[:1])]
    tested = [(learnt.texts[row], learnt.labels[row]) for row in splits.test[:1]]
    return write_rows(tmp_path / "march.csv", [*rows, *seen, *tested, ("so happy", "hope"), ("", "joy")], ("comment", "rated"))


def test_a_run_is_judged_on_another_file_and_keeps_it(run_command: InProcessCommand, trained_run: CommandResult, other_file: Path) -> None:
    run = Run(Path(trained_run.last["path"]))
    before = sorted(path.relative_to(run.path) for path in run.path.rglob("*"))
    result = run_command("evaluate", trained_run.last["run"], "--file", other_file, "--json")
    assert result.status == 0, result.err
    found = result.last
    assert (found["rows"], found["label_column"], found["text_columns"]) == (61, "rated", ["comment"])
    assert found["left_out"] == {"unusable": 1, "unknown": {"hope": 1}, "learnt": 3, "unreadable": 0}
    assert found["report"]["rows"] == 61
    assert found["report"]["accuracy"] > 0.8
    assert "61 rows of march.csv, not the test rows. Accuracy" in result.out
    assert "that this model does not know: “hope”" in result.out
    stored = Evaluations(run)
    assert [about["name"] for about in stored.list()] == ["march.csv"]
    predictions = load_predictions(stored.folder(found["id"]) / "predictions.parquet")
    assert float((predictions.labels == predictions.predicted).mean()) == found["report"]["accuracy"]
    again = run_command("evaluate", trained_run.last["run"], "--file", other_file, "--label", "rated", "--text", "comment", "--json")
    assert again.last["name"] == "march.csv (2)"
    assert again.last["report"] == found["report"]
    for about in stored.list():
        stored.remove(about["id"])
    assert run.damaged_files(has_model=True) == ()
    assert [path for path in sorted(p.relative_to(run.path) for p in run.path.rglob("*")) if path != Path("evaluations")] == before


def test_it_is_said_from_which_score_on_a_text_has_a_label(
    run_command: InProcessCommand, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_encoder: Encoder
) -> None:
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "runs"))
    learnt, other = write_scores(tmp_path / "learnt.csv"), write_scores(tmp_path / "other.csv", seed=9)
    run = run_command("train", learnt, "--cut", "0.3", *quick(tiny_encoder)).last["run"]
    # Its own file's cut, unless told otherwise.
    for arguments, cut in (((), 0.3), (("--cut", "0,6"), 0.6)):
        result = run_command("evaluate", run, "--file", other, *arguments, "--json")
        assert result.status == 0, result.err
        support = Counter(name for labels in labels_from(cut) for name in labels)
        assert {name: scores["support"] for name, scores in result.last["report"]["per_class"].items()} == support
        assert result.last["labels_cut"] == cut
        assert f"a text has the labels from {cut} on." in result.out


def test_what_cannot_be_judged_is_a_sentence(
    run_command: InProcessCommand, trained_run: CommandResult, tmp_path: Path, other_file: Path
) -> None:
    run = trained_run.last["run"]
    no_labels = write_rows(tmp_path / "plain.csv", [("so happy today", "web"), ("we cry", "mail")], ("text", "source"))
    for arguments, said in (
        ((run, "--file", no_labels), "No column of this file holds the labels of the model (“anger”, “joy”, “sadness”)"),
        ((run, "--file", other_file, "--label", "mood"), "mood"),
        ((run, "--file", other_file, "--label", "comment", "--text", "comment"), "cannot be the same column"),
        ((run, "--file", other_file, "--cut", "0.3"), "A cut is for columns with a score for each label"),
        (("0" * 32, "--file", other_file), "neither a run with a model"),
        ((run, "--file", tmp_path / "none.csv"), "There is no file"),
    ):
        result = run_command("evaluate", *arguments)
        assert (result.status, result.out) == (2, "")
        assert said in result.err
