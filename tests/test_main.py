"""The command line: ``python -m trainer train | resume | predict | inspect | runs | drafts``, with its JSON, exit statuses and messages.

One run is trained by a real process and shared; tests that need no process of their own call ``main`` directly.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.attack.hostile_folders import corruptions, make_hostile_folder
from tests.conftest import small_rows, write_rows
from tests.readers import SharedReader
from tests.warm import Warm
from trainer.__main__ import main
from trainer.cli.progress import postfix
from trainer.data.reader.file_reader import FileReader
from trainer.recipe import Recipe
from trainer.runs.ids import is_id
from trainer.runs.store import RunStore
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {"epochs": 12, "batch_size": 16, "learning_rate": 5e-3, "max_length": 32, "seed": 7}
SCORES = {"accuracy", "macro_f1", "weighted_f1", "per_class", "rows"}


@dataclass(frozen=True)
class CommandResult:
    status: int
    out: str
    err: str

    @property
    def last(self) -> dict:
        """The JSON object of the last line."""
        return json.loads(self.out.splitlines()[-1])


def run_process(*arguments: str, cwd: Path, warm: Warm | None = None, **environment: str) -> CommandResult:
    """Run the command as a user does, from any folder; in a new interpreter if there is no ``warm`` one."""
    variables = {k: v for k, v in os.environ.items() if k != "EMOTUNE_RUNS"} | {"PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-m", "trainer", *arguments]
    if warm is None:
        done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=240)
    else:
        done = warm.run(command, cwd=cwd, env=variables)
    return CommandResult(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("terminal")


@pytest.fixture(scope="module")
def trained_run(home: Path, tiny_encoder: Encoder, small_csv: Path) -> CommandResult:
    """A run trained by a real process in an empty folder, without EMOTUNE_RUNS."""
    (home / "here").mkdir()
    settings = [f"--set={name}={value}" for name, value in SETTINGS.items() if name != "epochs"]
    command = ["train", str(small_csv), "--encoder", tiny_encoder.source, "--epochs", "12", *settings, "--json"]
    return run_process(*command, cwd=home / "here", XDG_DATA_HOME=str(home / "data"), HOME=str(home))


@pytest.fixture
def run_command(
    trained_run: CommandResult, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reader: FileReader
) -> "InProcessCommand":
    monkeypatch.setattr("trainer.data.reader.file_reader.FileReader", lambda **_: SharedReader(reader))
    monkeypatch.setenv("EMOTUNE_RUNS", str(Path(trained_run.last["path"]).parent))
    return InProcessCommand(capsys)


@dataclass(frozen=True)
class InProcessCommand:
    """Runs the command in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> CommandResult:
        self.capsys.readouterr()
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as error:
            status = int(error.code or 0)
        captured = self.capsys.readouterr()
        return CommandResult(status, captured.out, captured.err)


def quick(tiny_encoder: Encoder) -> list[str]:
    return ["--encoder", tiny_encoder.source, "--epochs", "1", "--set", "max_length=32", "--json"]


# train


def test_train_prints_the_documented_object(trained_run: CommandResult) -> None:
    assert trained_run.status == 0, trained_run.err
    report = trained_run.last
    assert set(report) == {
        *("run", "path", "test", "validation", "seconds", "train_seconds"),
        *("samples_per_second", "epochs", "batch_size", "seed", "findings", "repairs", "baseline"),
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
    assert "48 test rows, never trained on" in trained_run.out
    assert re.search("precision +recall +F1 +rows", trained_run.out)
    assert "A simple word-count model, having learned from the same 168 training rows, reaches" in trained_run.out
    assert "Traceback" not in trained_run.err


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
    view = studio.for_owner("local").wait(studio.for_owner("local").start(draft, Recipe(encoder=tiny_encoder.name, **SETTINGS)).id, 120)
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
    assert "1 label differs from another only in case" in result.err
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


def test_a_process_refuses_without_a_traceback(warm: Warm, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,label\n" + "".join(f"this is text number {n},same\n" for n in range(30)))
    result = run_process("train", str(tmp_path / "one.csv"), "--json", cwd=tmp_path, warm=warm, EMOTUNE_RUNS=str(tmp_path / "runs"))
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
    assert result.status == 2
    assert "EMOTUNE_RUNS" in result.err
    assert len(result.err.splitlines()) == 1


def test_no_command_and_help(run_command: InProcessCommand) -> None:
    assert run_command().status == 2
    assert run_command("train").status == 2
    assert run_command("--help").status == 0


# predict


@pytest.mark.parametrize("way", ["id", "run folder", "model folder"])
def test_predict_by_id_by_run_and_by_model_folder(run_command: InProcessCommand, trained_run: CommandResult, way: str) -> None:
    model = {"id": trained_run.last["run"], "run folder": trained_run.last["path"], "model folder": trained_run.last["path"] + "/model"}[
        way
    ]
    texts = ["happy laugh today", "", "so unfair 🫠"]
    result = run_command("predict", model, *texts, "--json")
    assert result.status == 0, result.err
    assert set(result.last) == {"results"}
    assert [r["text"] for r in result.last["results"]] == texts
    first, empty, last = result.last["results"]
    assert (empty["label"], empty["probabilities"]) == (None, None)
    assert "empty" in empty["reason"]
    for prediction in (first, last):
        assert set(prediction) == {"text", "label", "probabilities", "tokens", "tokens_read", "cut"}
        assert set(prediction["probabilities"]) == {"joy", "sadness", "anger"}
        assert sum(prediction["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        assert prediction["label"] == max(prediction["probabilities"], key=prediction["probabilities"].get)
    assert result.last["results"][0]["label"] == "joy"


def test_predict_in_a_process_from_another_folder(trained_run: CommandResult, warm: Warm, tmp_path: Path) -> None:
    runs = str(Path(trained_run.last["path"]).parent)
    result = run_process(
        "predict", trained_run.last["run"], "so unfair, full of rage", "--json", cwd=tmp_path, warm=warm, EMOTUNE_RUNS=runs
    )
    assert result.status == 0, result.err
    assert result.last["results"][0]["label"] == "anger"
    assert len(result.out.splitlines()) == 1


def test_predict_for_people(run_command: InProcessCommand, trained_run: CommandResult) -> None:
    result = run_command("predict", trained_run.last["run"], "happy laugh today")
    assert result.status == 0
    lines = result.out.splitlines()
    assert lines[0] == "happy laugh today"
    assert lines[1].endswith("joy")
    assert len(lines) == 4


def test_predict_marks_what_was_cut(run_command: InProcessCommand, trained_run: CommandResult) -> None:
    result = run_command("predict", trained_run.last["run"], "happy laugh " * 40, "happy", "--json")
    assert [(r["cut"], r["tokens"], r["tokens_read"]) for r in result.last["results"]] == [(True, 82, 32), (False, 3, 3)]
    assert "read 32 of 82 tokens" in run_command("predict", trained_run.last["run"], "happy laugh " * 40).out


def test_predict_takes_texts_from_a_file_and_from_the_standard_input(
    run_command: InProcessCommand, trained_run: CommandResult, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "happy laugh today\r\n\r\nso unfair, full of rage\r\n"
    (tmp_path / "texts.txt").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    for arguments in (["--file", tmp_path / "texts.txt"], ["--file", "-"], []):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        result = run_command("predict", trained_run.last["run"], *arguments, "--json")
        assert result.status == 0, result.err
        assert [r["text"] for r in result.last["results"]] == ["happy laugh today", "", "so unfair, full of rage"]
        assert [r["label"] for r in result.last["results"]] == ["joy", None, "anger"]


def test_predict_says_how_a_text_that_begins_with_a_dash_is_passed(run_command: InProcessCommand, trained_run: CommandResult) -> None:
    result = run_command("predict", trained_run.last["run"], "-happy")
    assert result.status == 2
    assert "predict RUN -- -TEXT" in result.err
    assert "predict RUN -- -TEXT" in run_command("predict", trained_run.last["run"], "-useless").err
    for arguments in (["--json", "--", "-happy", "glad"], ["--", "-happy", "glad"], ["--json", "glad", "--", "-happy"], ["glad", "--json"]):
        result = run_command("predict", trained_run.last["run"], *arguments)
        assert result.status == 0, result.err
        texts = [argument for argument in arguments if "--" not in argument]
        if "--json" in arguments:
            assert [r["text"] for r in result.last["results"]] == texts
        else:
            assert result.out.splitlines()[0] == "-happy"


@pytest.mark.parametrize(
    ("arguments", "expected_error"),
    [
        (["x", "--file", "texts.txt"], "not both"),
        (["--file", "none.txt"], "none.txt"),
        (["--file", "table.csv"], "is a table"),
        (["--file", "empty.txt"], "no text"),
        ([], "no text"),
    ],
)
def test_predict_without_a_text_gives_a_message(
    run_command: InProcessCommand,
    trained_run: CommandResult,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    expected_error: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").touch()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    result = run_command("predict", trained_run.last["run"], *arguments)
    assert result.status == 2
    assert expected_error in result.err
    assert "Traceback" not in result.err


def test_a_text_that_the_terminal_cannot_encode_is_printed_escaped(trained_run: CommandResult, warm: Warm, tmp_path: Path) -> None:
    runs = str(Path(trained_run.last["path"]).parent)
    result = run_process(
        "predict", trained_run.last["run"], "happy \udcff", "🫠", cwd=tmp_path, warm=warm, EMOTUNE_RUNS=runs, PYTHONIOENCODING="ascii"
    )
    assert result.status == 0, result.err
    assert "happy \\udcff" in result.out


@pytest.mark.parametrize("model_type", ["encoder", "of another task"])
def test_predict_refuses_a_folder_that_is_no_classifier(
    run_command: InProcessCommand, tiny_encoder: Encoder, tmp_path: Path, model_type: str
) -> None:
    from transformers import AutoModelForTokenClassification

    folder = Path(tiny_encoder.source)
    if model_type != "encoder":
        shutil.copytree(folder, tmp_path / "tagger")
        folder = tmp_path / "tagger"
        AutoModelForTokenClassification.from_pretrained(tiny_encoder.source, num_labels=3).save_pretrained(folder)
    result = run_command("predict", folder, "happy", "--json")
    assert (result.status, result.out) == (2, "")
    assert "Emotune can use classifiers" in result.err


@pytest.mark.parametrize("model", ["5eed" * 8, "no-such-folder", "../..", ""])
def test_predict_without_a_model_gives_a_message(
    run_command: InProcessCommand, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.chdir(tmp_path)
    result = run_command("predict", model, "x", "--json")
    assert result.status == 2
    assert result.out == ""
    assert len(result.err.splitlines()) == 1


# inspect and runs


def test_inspect_prints_one_object_per_file(run_command: InProcessCommand, small_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    result = run_command("inspect", small_csv, tmp_path / "empty.csv", tmp_path / "none.csv", "--json")
    reports = [json.loads(line) for line in result.out.splitlines()]
    assert result.status == 2
    assert [a["ok"] for a in reports] == [True, False, False]
    assert [a["file"] for a in reports] == [str(small_csv), str(tmp_path / "empty.csv"), str(tmp_path / "none.csv")]
    assert set(reports[0]["labels"]) == {"anger", "joy", "sadness"}
    assert sum(reports[0]["labels"].values()) == reports[0]["rows_kept"] == 240
    assert reports[0]["text"] == {"name": "text", "index": 0}
    assert reports[0]["label"] == {"name": "mood", "index": 1}
    assert [a["code"] for a in reports[1:]] == ["empty_file", "file_not_found"]

    result = run_command("inspect", small_csv)
    assert result.status == 0
    assert "240 rows" in result.out
    assert "label: mood" in result.out


def test_a_file_that_crashes_its_parser_gives_a_message(run_command: InProcessCommand, shared: Path, small_csv: Path) -> None:
    file = shared / "faults" / "files" / "abort.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not part of the project")
    result = run_command("inspect", file, small_csv, "--json")
    crashing, sound = map(json.loads, result.out.splitlines())
    assert (result.status, crashing["code"], sound["ok"]) == (2, "file_damaged", True)
    assert crashing["message"].startswith(
        "This file is damaged, or made to do harm: the process that read it ended suddenly. Nothing else was touched."
    )
    result = run_command("train", file, "--json")
    assert (result.status, crashing["message"] in result.err) == (2, True)


def test_inspect_takes_columns_and_trains_nothing(run_command: InProcessCommand, small_csv: Path) -> None:
    files_before = sorted(os.listdir(os.environ["EMOTUNE_RUNS"]))
    result = run_command("inspect", small_csv, "--text", "mood", "--label", "mood", "--json")
    assert (result.status, result.last["code"]) == (2, "same_column")
    assert sorted(os.listdir(os.environ["EMOTUNE_RUNS"])) == files_before


def test_inspect_repairs_into_another_file(run_command: InProcessCommand, tmp_path: Path) -> None:
    rows = [*small_rows(60), *small_rows(2), ("happy &amp; glad", "joy")]
    messy = write_rows(tmp_path / "messy.csv", rows)
    clean = tmp_path / "clean.csv"
    result = run_command("inspect", messy, "--repair", "all", "--out", clean, "--json")
    assert result.status == 0
    report = json.loads(result.out)
    assert report["repaired"] == {
        "file": str(clean),
        "changes": str(tmp_path / "clean.changes.csv"),
        "rows": 61,
        "repairs": {"html_in_texts": 1, "duplicate_texts": 2},
    }
    second_report = json.loads(run_command("inspect", clean, "--json").out)
    assert second_report["rows_kept"] == 61
    assert not {f["code"] for f in second_report["findings"]} & {"html_in_texts", "duplicate_texts"}


@pytest.mark.parametrize(
    "arguments", [["--repair", "all"], ["--out", "x.csv"], ["--repair", "polish", "--out", "x.csv"], ["--repair", "all", "--out", "SAME"]]
)
def test_inspect_refuses_incomplete_repair_options_and_never_overwrites_the_file(
    run_command: InProcessCommand, tmp_path: Path, arguments: list[str]
) -> None:
    path = write_rows(tmp_path / "messy.csv", small_rows(60))
    content = path.read_bytes()
    result = run_command("inspect", path, *[str(path) if a == "SAME" else a for a in arguments])
    assert result.status == 2
    assert "Traceback" not in result.err
    assert path.read_bytes() == content


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
        recipe=Recipe(), resolved=Recipe(), fill=lambda folder: None, name="brisk otter", owner="local", source_name="a.csv"
    )
    run.log.append("started", epochs=2, total_steps=80, epoch_steps=[40, 80])
    for step, accuracy, macro_f1 in ((40, 0.91, 0.9), (80, 0.62, 0.6)):
        run.log.append("eval", step=step, loss=0.5, accuracy=accuracy, macro_f1=macro_f1)
    run.log.append("checkpoint", step=40)
    view = RunStore(tmp_path).list("local")[0]
    assert postfix(view) == "validation accuracy 62.0 %, of the kept step 40 91.0 %"
    run.log.append("finished", best_step=40)
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
