"""``runs`` and ``drafts``."""

import json
from pathlib import Path

import pytest

from tests.cli.commands import CommandResult, InProcessCommand
from trainer.cli.progress import postfix
from trainer.data.reader.file_reader import FileReader
from trainer.recipe import Recipe
from trainer.runs.event_types import BestSaved, Created, Evaluated, Finished, Started
from trainer.runs.store import RunStore
from trainer.settings import Settings
from trainer.studio import Studio


def test_runs_lists_them_newest_first(run_command: InProcessCommand, trained_run: CommandResult, home: Path) -> None:
    result = run_command("runs", "--json")
    assert result.status == 0
    runs = json.loads(result.out.splitlines()[-1])
    listed = next(r for r in runs if r["run"] == trained_run.last["run"])
    assert (listed["status"], listed["source_name"], listed["path"]) == ("finished", "moods.csv", trained_run.last["path"])
    assert [r["created"] for r in runs] == sorted((r["created"] for r in runs), reverse=True)
    assert trained_run.last["run"] in run_command("runs").out


def test_runs_prints_the_scores_of_the_kept_model_and_not_the_last_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path))
    run = RunStore(tmp_path).create(
        recipe=Recipe(),
        resolved=Recipe(),
        fill=lambda folder: None,
        created=Created(name="brisk otter", owner="local", source_name="a.csv"),
    )
    run.log.append(Started(epochs=2, total_steps=80, epoch_steps=[40, 80]))
    for step, accuracy, macro_f1 in ((40, 0.91, 0.9), (80, 0.62, 0.6)):
        run.log.append(Evaluated(step=step, loss=0.5, accuracy=accuracy, macro_f1=macro_f1))
    run.log.append(BestSaved(step=40))
    view = RunStore(tmp_path).list("local")[0]
    assert postfix(view) == "validation accuracy 62.0 %, of the kept step 40 91.0 %"
    run.log.append(Finished(best_step=40))
    run_command = InProcessCommand(capsys)
    (listed_run,) = json.loads(run_command("runs", "--json").out)
    assert (listed_run["best_step"], listed_run["validation_accuracy"], listed_run["validation_macro_f1"]) == (40, 0.91, 0.9)
    listed = run_command("runs").out
    assert "validation accuracy 91.0 % (step 40)" in listed
    assert "62.0" not in listed


def test_runs_of_a_missing_folder(run_command: InProcessCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "none"))
    assert run_command("runs", "--json") == CommandResult(0, "[]\n", "")
    assert not (tmp_path / "none").exists()


def test_drafts_lists_earlier_files_and_removes_one(
    run_command: InProcessCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_csv: Path, reader: FileReader
) -> None:
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "runs"))
    assert run_command("drafts") == CommandResult(0, "", "")
    studio = Studio(Settings.from_environment(), reader=reader)
    first, second = (studio.for_owner("local").drafts.open_files({"main": (name, small_csv)}).draft.id for name in ("a.csv", "b.csv"))
    drafts = json.loads(run_command("drafts", "--json").out)
    assert [(draft["id"], draft["name"], draft["open"]) for draft in drafts] == [(second, "b.csv", True), (first, "a.csv", False)]
    listed = run_command("drafts").out.splitlines()
    assert [line.split()[0] for line in listed] == [second, first]
    assert listed[0].endswith("KB  b.csv, open")
    result = run_command("drafts", "--remove", second)
    assert (result.status, result.out.split()[0]) == (0, first)
    assert [draft.id for draft in studio.for_owner("local").drafts.summaries()] == [first]
    for unknown in (second, "../runs", "x"):
        result = run_command("drafts", "--remove", unknown)
        assert result.status == 2
        assert f"There is no draft {unknown} in {tmp_path / 'runs'}. See: python -m trainer drafts" in result.err
