"""``train``: its JSON, exit statuses and messages, and those of the command line as a whole."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.attack.hostile_folders import corruptions, make_hostile_folder
from tests.cli.commands import SCORES, SETTINGS, CommandResult, InProcessCommand, quick, run_process
from tests.conftest import small_rows, write_rows
from tests.warm_interpreter import WarmInterpreter
from trainer.data.reader.file_reader import FileReader
from trainer.recipe import Recipe
from trainer.runs.ids import is_id
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder


def test_train_prints_the_documented_object(trained_run: CommandResult) -> None:
    assert trained_run.status == 0, trained_run.err
    report = trained_run.last
    assert set(report) == {
        *("run", "path", "test", "validation", "seconds", "train_seconds"),
        *(
            "samples_per_second",
            "epochs",
            "batch_size",
            "seed",
            "findings",
            "checks",
            "repairs",
            "baseline",
            "linear_model",
            "calibration",
            "promises",
            "ordered",
            "subgroups",
            "suggestions",
        ),
    }
    assert is_id(report["run"])
    assert (report["epochs"], report["batch_size"], report["seed"]) == (12, 16, 7)
    assert report["seconds"] > report["train_seconds"] > 0
    assert report["samples_per_second"] == pytest.approx(168 * 12 / report["train_seconds"], rel=0.02)
    for split, rows in (("test", 48), ("validation", 24)):
        assert set(report[split]) >= SCORES
        assert report[split]["rows"] == rows
        assert set(report[split]["per_class"]) == {"joy", "sadness", "anger"}
        for scores in report[split]["per_class"].values():
            assert set(scores) == {"precision", "recall", "f1", "support", "intervals"}
        assert sum(c["support"] for c in report[split]["per_class"].values()) == rows
    assert report["test"]["accuracy"] > 0.6
    assert report["baseline"]["rows"] == 168
    assert 0 < report["baseline"]["macro_f1"] <= 1
    assert 0 < report["baseline"]["accuracy"] <= 1


def test_train_prints_the_report_before_it(trained_run: CommandResult) -> None:
    assert "On 48 test rows that were never trained on" in trained_run.out
    assert re.search("precision +recall +F1 +rows", trained_run.out)
    assert "A simple word-count model, having learned from the same 168 training rows, reaches" in trained_run.out
    assert "Traceback" not in trained_run.err


def test_the_report_of_a_run_is_printed_again_and_written_as_one_file(
    trained_run: CommandResult, run_command: InProcessCommand, tmp_path: Path
) -> None:
    result = run_command("report", trained_run.last["run"], "--html", tmp_path / "report.html", "--json")
    assert result.status == 0, result.err
    assert result.last["test"] == trained_run.last["test"]
    html = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert html.startswith("<!doctype html>")
    assert f"{result.last['test']['macro_f1']:.3f}" in html


def test_by_default_runs_are_in_the_users_data_folder(trained_run: CommandResult, home: Path) -> None:
    folder = Path(trained_run.last["path"])
    assert folder == home / "data" / "emotune" / "runs" / trained_run.last["run"]
    assert (folder / "model" / "model.safetensors").is_file()
    assert list((home / "here").iterdir()) == []


def test_the_page_trains_the_same_model(
    trained_run: CommandResult, tmp_path: Path, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> None:
    studio = Studio(Settings(runs_dir=tmp_path), encoders=[tiny_encoder], reader=reader)
    draft = studio.for_owner("local").drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    view = studio.for_owner("local").wait(
        studio.for_owner("local").start(draft, Recipe(encoder=tiny_encoder.name, **SETTINGS)).id, TIMEOUT_SECONDS
    )
    ours = studio.for_owner("local").library.folder(view.id) / "model" / "model.safetensors"
    assert ours.read_bytes() == (Path(trained_run.last["path"]) / "model" / "model.safetensors").read_bytes()
    assert studio.for_owner("local").library.reports(view.id).test.to_dict() == trained_run.last["test"]
    studio.close()


def test_test_and_validation_files_by_position_without_a_header(
    run_command: InProcessCommand, tiny_encoder: Encoder, tmp_path: Path
) -> None:
    rows = small_rows(180, seed=5)
    parts = {"learn": rows[:120], "watch": rows[120:150], "score": rows[150:]}
    for name, part in parts.items():
        # No header, and the mood first: position 1 is the text.
        (tmp_path / f"{name}.txt").write_text("".join(f"{mood};{text}\n" for text, mood in part), encoding="utf-8")
    columns = ["--text", "1", "--label", "0"]
    split_files = ["--test", tmp_path / "score.txt", "--validation", tmp_path / "watch.txt"]
    result = run_command("train", tmp_path / "learn.txt", *columns, *split_files, *quick(tiny_encoder))
    assert result.status == 0, result.err
    assert (result.last["test"]["rows"], result.last["validation"]["rows"]) == (30, 30)

    # Without --validation, a tenth of FILE is used for validation and the rest for training.
    result = run_command("train", tmp_path / "learn.txt", *columns, "--test", tmp_path / "score.txt", *quick(tiny_encoder))
    assert result.status == 0, result.err
    assert (result.last["test"]["rows"], result.last["validation"]["rows"]) == (30, 12)


def test_columns_by_name_settings_by_set_and_the_same_seed(run_command: InProcessCommand, tiny_encoder: Encoder, tmp_path: Path) -> None:
    rows = [(str(n), mood, text, text[::-1]) for n, (text, mood) in enumerate(small_rows(90))]
    path = write_rows(tmp_path / "wide.csv", rows, header=("id", "feeling", "said", "backwards"))
    command = ["train", path, "--text", "said", "--label", "Feeling", *quick(tiny_encoder)]
    result = run_command(*command, "--set", "batch_size=8", "--set", "test_share=0.3", "--set", "seed=3")
    assert result.status == 0, result.err
    assert (result.last["batch_size"], result.last["seed"], result.last["test"]["rows"]) == (8, 3, 27)
    assert set(result.last["test"]["per_class"]) == {"joy", "sadness", "anger"}


def messy(n_rows: int = 120) -> list[tuple[str, str]]:
    """Rows with one label in capital letters, and an HTML entity in one text."""
    rows = small_rows(n_rows)
    return [*rows[:-2], (rows[-2][0], rows[-2][1].upper()), (f"{rows[-1][0]} &amp; so", rows[-1][1])]


def test_the_terminal_refuses_what_the_page_refuses(run_command: InProcessCommand, tiny_encoder: Encoder, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "messy.csv", messy())
    files_before = sorted(os.listdir(os.environ["EMOTUNE_RUNS"]))
    result = run_command("train", path, *quick(tiny_encoder))
    assert (result.status, result.out) == (2, "")
    assert "1 label differs from another only in how" in result.err
    assert "--repair label_variants" in result.err
    assert "--as-it-is" in result.err
    assert sorted(os.listdir(os.environ["EMOTUNE_RUNS"])) == files_before


def test_findings_are_in_stderr_and_in_the_object(run_command: InProcessCommand, tiny_encoder: Encoder, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "messy.csv", messy())
    result = run_command("train", path, "--as-it-is", *quick(tiny_encoder))
    assert result.status == 0, result.err
    findings = {f["code"]: f for f in result.last["findings"]}
    assert set(findings) >= {"label_variants", "html_in_texts"}
    assert (findings["label_variants"]["severity"], findings["label_variants"]["count"]) == ("error", 1)
    for finding in findings.values():
        assert f"{finding['severity']}: {finding['message']}" in result.err
    result = run_command("train", path, "--repair", "all", *quick(tiny_encoder))
    assert result.status == 0, result.err
    assert not {"label_variants", "html_in_texts"} & {f["code"] for f in result.last["findings"]}
    assert result.last["repairs"] == {"html_in_texts": 1, "label_variants": 1}
    assert "repaired: 1 row: label written as most rows write it" in result.err
    assert json.loads((Path(result.last["path"]) / "model" / "config.json").read_text())["text_repairs"] == [
        "html_in_texts",
        "stand_ins_in_texts",
        "personal_data_in_texts",
        "links_in_texts",
    ]


def test_a_test_file_that_is_the_training_file_says_so(run_command: InProcessCommand, tiny_encoder: Encoder, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "moods.csv", small_rows(60))
    result = run_command("train", path, "--test", path, *quick(tiny_encoder))
    assert (result.status, result.out) == (2, "")
    assert "All 60 texts of the test file are also in moods.csv" in result.err
    # No option is suggested, as none would help.
    assert "--" not in result.err
    for way in (["--as-it-is"], ["--repair", "all"]):
        result = run_command("train", path, "--test", path, *way, *quick(tiny_encoder))
        assert (result.status, result.out) == (2, "")
        assert "All 60 texts of the test file are also in moods.csv" in result.err


def test_no_repair_is_suggested_if_none_would_help(run_command: InProcessCommand, tiny_encoder: Encoder, tmp_path: Path) -> None:
    rows = "".join(f"{text},{label}\n" for text, label in small_rows(60)) + "a cell alone\n" * 12
    (tmp_path / "torn.csv").write_text(f"text,label\n{rows}")
    result = run_command("train", tmp_path / "torn.csv", "--repair", "all", *quick(tiny_encoder))
    assert (result.status, result.out) == (2, "")
    assert "could not be read" in result.err
    assert "--repair" not in result.err
    assert "--as-it-is" in result.err


def test_a_recipe_file_and_a_preset(run_command: InProcessCommand, tiny_encoder: Encoder, small_csv: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"epochs": 2, "batch_size": 32, "head": "mlp", "max_length": 32}))
    result = run_command("train", small_csv, "--recipe", recipe, *quick(tiny_encoder))
    assert (result.status, result.last["epochs"], result.last["batch_size"]) == (0, 1, 32)
    assert json.loads((Path(result.last["path"]) / "recipe.json").read_text())["asked"]["head"] == "mlp"
    result = run_command(
        "train", small_csv, "--preset", "ag news, SMALL", "--encoder", tiny_encoder.source, "--set", "max_length=32", "--json"
    )
    assert (result.status, result.last["epochs"], result.last["batch_size"]) == (0, 1, 8)


@pytest.mark.parametrize(
    ("arguments", "expected_error"),
    [
        (["--preset", "Dream"], "no recipe called “Dream”"),
        (["--recipe", "RECIPE", "--preset", "Tutorial"], "not both"),
        (["--recipe", "RECIPE"], "This is no recipe"),
        (["--set", "lora_rank=4", "--set", "frozen_epochs=1"], "frozen encoder is not trained"),
        (["--set", "precision=fp16"], "no fp16 arithmetic"),
    ],
)
def test_invalid_recipes_are_refused(
    run_command: InProcessCommand, tmp_path: Path, small_csv: Path, arguments: list[str], expected_error: str
) -> None:
    (tmp_path / "broken.json").write_text("{")
    result = run_command("train", small_csv, *[str(tmp_path / "broken.json") if a == "RECIPE" else a for a in arguments])
    assert result.status in (1, 2)
    assert expected_error in result.err
    assert "Traceback" not in result.err


def test_a_failed_training_gives_status_1_and_a_message(
    run_command: InProcessCommand, tiny_encoder: Encoder, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainer.training.fit.fit", fails)
    result = run_command("train", small_csv, "--encoder", tiny_encoder.source, "--epochs", "1", "--json")
    assert result.status == 1
    assert result.out == ""
    assert "Traceback" not in result.err
    assert result.err.splitlines()[-1].startswith("The disk is full, so the training could not be saved.")


def test_a_damaged_encoder_is_refused_before_a_run_is_made(
    run_command: InProcessCommand, tiny_encoder: Encoder, small_csv: Path, tmp_path: Path
) -> None:
    broken = make_hostile_folder(
        Path(tiny_encoder.source), tmp_path / "broken-bert", corruptions()["weights cut in the middle"], tmp_path / "marker"
    )
    runs_before = run_command("runs", "--json").out
    result = run_command("train", small_csv, "--encoder", broken, "--epochs", "1", "--json")
    assert (result.status, result.out) == (2, "")
    assert "broken-bert is not used: model.safetensors is damaged" in result.err
    assert run_command("runs", "--json").out == runs_before


@pytest.mark.parametrize(
    ("arguments", "expected_error"),
    [
        (["--epochs", "999"], "from 1 to 50"),
        (["--epochs", "nan"], "from 1 to 50"),
        (["--set", "max_length="], "Maximum length"),
        (["--set", "learning_rate=inf"], "Learning rate"),
        (["--set", "shoe_size=43"], "shoe_size"),
        (["--set", "seed"], "name=value"),
        (["--encoder", "no-such-encoder"], "no-such-encoder"),
        (["--text", "nothing"], "nothing"),
        (["--label", "9"], "9"),
        (["--label", "0", "--text", "0"], "text"),
    ],
)
def test_invalid_arguments_give_status_2(run_command: InProcessCommand, small_csv: Path, arguments: list[str], expected_error: str) -> None:
    files_before = sorted(os.listdir(os.environ["EMOTUNE_RUNS"]))
    result = run_command("train", small_csv, *arguments, "--json")
    assert result.status == 2
    assert result.out == ""
    assert expected_error in result.err
    assert len(result.err.splitlines()) == 1
    assert sorted(os.listdir(os.environ["EMOTUNE_RUNS"])) == files_before


@pytest.mark.parametrize("name", ["nothing-here.csv", "a-folder", "empty.csv"])
def test_an_unreadable_file_gives_a_message(run_command: InProcessCommand, tmp_path: Path, name: str) -> None:
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "empty.csv").touch()
    result = run_command("train", tmp_path / name, "--json")
    assert result.status == 2
    assert result.out == ""
    assert name in result.err
    assert len(result.err.splitlines()) == 1


def test_a_process_refuses_without_a_traceback(warm_interpreter: WarmInterpreter, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,label\n" + "".join(f"this is text number {n},same\n" for n in range(30)))
    result = run_process(
        "train", str(tmp_path / "one.csv"), "--json", cwd=tmp_path, warm_interpreter=warm_interpreter, EMOTUNE_RUNS=str(tmp_path / "runs")
    )
    assert result.status == 2
    assert result.out == ""
    assert "Traceback" not in result.err
    assert "same label" in result.err
    assert len(result.err.splitlines()) == 1


def test_a_runs_folder_that_cannot_be_written(
    run_command: InProcessCommand, small_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "file" / "runs"))
    result = run_command("train", small_csv, "--json")
    assert result.status == 1
    assert "EMOTUNE_RUNS" in result.err
    assert len(result.err.splitlines()) == 1


def test_no_command_and_help(run_command: InProcessCommand) -> None:
    assert run_command().status == 2
    assert run_command("train").status == 2
    assert run_command("--help").status == 0
