"""The terminal: ``python -m trainer train | resume | predict | inspect | runs | drafts`` with the answers, the exit statuses and the sentences promised.

One run is trained by a real process and used by all; what needs no process of its own calls ``main``, which is what that process calls.
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
from trainer.runs.run import RunStore, is_run_id
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = {"epochs": 12, "batch_size": 16, "learning_rate": 5e-3, "max_length": 32, "seed": 7}
SCORES = {"accuracy", "macro_f1", "weighted_f1", "per_class", "rows"}


@dataclass(frozen=True)
class Said:
    status: int
    out: str
    err: str

    @property
    def last(self) -> dict:
        """The JSON object of the last line."""
        return json.loads(self.out.splitlines()[-1])


def process(*arguments: str, cwd: Path, warm: Warm | None = None, **environment: str) -> Said:
    """The command as a person runs it, from any folder; a fresh interpreter where there is no ``warm`` one."""
    variables = {k: v for k, v in os.environ.items() if k != "EMOTUNE_RUNS"} | {"PYTHONPATH": str(ROOT)} | environment
    command = [sys.executable, "-m", "trainer", *arguments]
    if warm is None:
        done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, timeout=240)
    else:
        done = warm.run(command, cwd=cwd, env=variables)
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("terminal")


@pytest.fixture(scope="module")
def trained(place: Path, tiny_encoder: Encoder, small_csv: Path) -> Said:
    """One run by a real process in an empty folder, without EMOTUNE_RUNS."""
    (place / "here").mkdir()
    settings = [f"--set={name}={value}" for name, value in SETTINGS.items() if name != "epochs"]
    command = ["train", str(small_csv), "--encoder", tiny_encoder.source, "--epochs", "12", *settings, "--json"]
    return process(*command, cwd=place / "here", XDG_DATA_HOME=str(place / "data"), HOME=str(place))


@pytest.fixture
def here(trained: Said, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], reader: FileReader) -> "Here":
    monkeypatch.setattr("trainer.data.reader.file_reader.FileReader", lambda **_: SharedReader(reader))
    monkeypatch.setenv("EMOTUNE_RUNS", str(Path(trained.last["path"]).parent))
    return Here(capsys)


@dataclass(frozen=True)
class Here:
    """The same command in this process."""

    capsys: pytest.CaptureFixture[str]

    def __call__(self, *arguments: object) -> Said:
        self.capsys.readouterr()
        try:
            status = main([str(a) for a in arguments])
        except SystemExit as error:
            status = int(error.code or 0)
        captured = self.capsys.readouterr()
        return Said(status, captured.out, captured.err)


def quick(tiny_encoder: Encoder) -> list[str]:
    return ["--encoder", tiny_encoder.source, "--epochs", "1", "--set", "max_length=32", "--json"]


# train


def test_train_answers_with_the_promised_object(trained: Said) -> None:
    assert trained.status == 0, trained.err
    answer = trained.last
    assert set(answer) == {
        *("run", "path", "test", "validation", "seconds", "train_seconds"),
        *("samples_per_second", "epochs", "batch_size", "seed", "findings", "repairs", "baseline"),
    }
    assert is_run_id(answer["run"])
    assert (answer["epochs"], answer["batch_size"], answer["seed"]) == (12, 16, 7)
    assert answer["seconds"] > answer["train_seconds"] > 0
    assert answer["samples_per_second"] == pytest.approx(168 * 12 / answer["train_seconds"], rel=0.02)
    for split, rows in (("test", 48), ("validation", 24)):
        assert set(answer[split]) >= SCORES
        assert answer[split]["rows"] == rows
        assert set(answer[split]["per_class"]) == {"joy", "sadness", "anger"}
        for scores in answer[split]["per_class"].values():
            assert set(scores) == {"precision", "recall", "f1", "support", "intervals"}
        assert sum(c["support"] for c in answer[split]["per_class"].values()) == rows
    assert answer["test"]["accuracy"] > 0.6
    assert answer["baseline"]["rows"] == 168
    assert 0 < answer["baseline"]["macro_f1"] <= 1
    assert 0 < answer["baseline"]["accuracy"] <= 1


def test_train_prints_the_report_before_it(trained: Said) -> None:
    assert "48 test rows, never trained on" in trained.out
    assert re.search("precision +recall +F1 +rows", trained.out)
    assert "A simple word-count model, having learned from the same 168 training rows, reaches" in trained.out
    assert "Traceback" not in trained.err


def test_by_default_runs_live_in_the_users_data_folder_and_never_here(trained: Said, place: Path) -> None:
    folder = Path(trained.last["path"])
    assert folder == place / "data" / "emotune" / "runs" / trained.last["run"]
    assert (folder / "model" / "model.safetensors").is_file()
    assert list((place / "here").iterdir()) == []


def test_the_page_would_have_trained_the_very_same_model(
    trained: Said, tmp_path: Path, tiny_encoder: Encoder, small_csv: Path, reader: FileReader
) -> None:
    studio = Studio(Settings(runs_dir=tmp_path), encoders=[tiny_encoder], reader=reader)
    draft = studio.for_owner("local").drafts.open_files({"main": ("moods.csv", small_csv)}).draft.id
    view = studio.for_owner("local").wait(studio.for_owner("local").start(draft, Recipe(encoder=tiny_encoder.name, **SETTINGS)).id, 120)
    ours = studio.for_owner("local").library.folder(view.id) / "model" / "model.safetensors"
    assert ours.read_bytes() == (Path(trained.last["path"]) / "model" / "model.safetensors").read_bytes()
    assert studio.for_owner("local").library.reports(view.id).test.to_dict() == trained.last["test"]
    studio.close()


def test_test_and_validation_files_by_position_without_a_header(here: Here, tiny_encoder: Encoder, tmp_path: Path) -> None:
    rows = small_rows(180, seed=5)
    parts = {"learn": rows[:120], "watch": rows[120:150], "score": rows[150:]}
    for name, part in parts.items():
        # The mood first and no header: position 1 is the text.
        (tmp_path / f"{name}.txt").write_text("".join(f"{mood};{text}\n" for text, mood in part), encoding="utf-8")
    columns = ["--text", "1", "--label", "0"]
    given = ["--test", tmp_path / "score.txt", "--validation", tmp_path / "watch.txt"]
    said = here("train", tmp_path / "learn.txt", *columns, *given, *quick(tiny_encoder))
    assert said.status == 0, said.err
    assert (said.last["test"]["rows"], said.last["validation"]["rows"]) == (30, 30)

    # Without --validation, a tenth of FILE watches, and the rest learns.
    said = here("train", tmp_path / "learn.txt", *columns, "--test", tmp_path / "score.txt", *quick(tiny_encoder))
    assert said.status == 0, said.err
    assert (said.last["test"]["rows"], said.last["validation"]["rows"]) == (30, 12)


def test_columns_by_name_settings_by_set_and_the_same_seed(here: Here, tiny_encoder: Encoder, tmp_path: Path) -> None:
    rows = [(str(n), mood, text, text[::-1]) for n, (text, mood) in enumerate(small_rows(90))]
    path = write_rows(tmp_path / "wide.csv", rows, header=("id", "feeling", "said", "backwards"))
    command = ["train", path, "--text", "said", "--label", "Feeling", *quick(tiny_encoder)]
    said = here(*command, "--set", "batch_size=8", "--set", "test_share=0.3", "--set", "seed=3")
    assert said.status == 0, said.err
    assert (said.last["batch_size"], said.last["seed"], said.last["test"]["rows"]) == (8, 3, 27)
    assert set(said.last["test"]["per_class"]) == {"joy", "sadness", "anger"}


def messy(count: int = 120) -> list[tuple[str, str]]:
    """Rows with one label in capital letters, and an HTML code in one text."""
    rows = small_rows(count)
    return [*rows[:-2], (rows[-2][0], rows[-2][1].upper()), (f"{rows[-1][0]} &amp; so", rows[-1][1])]


def test_what_the_page_refuses_the_terminal_refuses_too(here: Here, tiny_encoder: Encoder, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "messy.csv", messy())
    before = sorted(os.listdir(os.environ["EMOTUNE_RUNS"]))
    said = here("train", path, *quick(tiny_encoder))
    assert (said.status, said.out) == (2, "")
    assert "1 label differs from another only in case" in said.err
    assert "--repair label_variants" in said.err
    assert "--as-it-is" in said.err
    assert sorted(os.listdir(os.environ["EMOTUNE_RUNS"])) == before


def test_every_finding_goes_to_the_errors_and_into_the_object(here: Here, tiny_encoder: Encoder, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "messy.csv", messy())
    said = here("train", path, "--as-it-is", *quick(tiny_encoder))
    assert said.status == 0, said.err
    found = {f["code"]: f for f in said.last["findings"]}
    assert set(found) >= {"label_variants", "html_in_texts"}
    assert (found["label_variants"]["severity"], found["label_variants"]["count"]) == ("error", 1)
    for finding in found.values():
        assert f"{finding['severity']}: {finding['message']}" in said.err
    said = here("train", path, "--repair", "all", *quick(tiny_encoder))
    assert said.status == 0, said.err
    assert not {"label_variants", "html_in_texts"} & {f["code"] for f in said.last["findings"]}
    assert said.last["repairs"] == {"html_in_texts": 1, "label_variants": 1}
    assert "repaired: 1 row: label written as most rows write it" in said.err
    assert json.loads((Path(said.last["path"]) / "model" / "config.json").read_text())["text_repairs"] == [
        "html_in_texts",
        "links_in_texts",
    ]


def test_a_test_file_that_is_the_training_file_says_so(here: Here, tiny_encoder: Encoder, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "moods.csv", small_rows(60))
    said = here("train", path, "--test", path, *quick(tiny_encoder))
    assert (said.status, said.out) == (2, "")
    assert "All 60 texts of the test file also stand in moods.csv" in said.err
    # No way out is named that is none.
    assert "--" not in said.err
    for way in (["--as-it-is"], ["--repair", "all"]):
        said = here("train", path, "--test", path, *way, *quick(tiny_encoder))
        assert (said.status, said.out) == (2, "")
        assert "All 60 texts of the test file also stand in moods.csv" in said.err


def test_no_repair_is_advised_where_none_would_help(here: Here, tiny_encoder: Encoder, tmp_path: Path) -> None:
    rows = "".join(f"{text},{label}\n" for text, label in small_rows(60)) + "a cell alone\n" * 12
    (tmp_path / "torn.csv").write_text(f"text,label\n{rows}")
    said = here("train", tmp_path / "torn.csv", "--repair", "all", *quick(tiny_encoder))
    assert (said.status, said.out) == (2, "")
    assert "could not be read" in said.err
    assert "--repair" not in said.err
    assert "--as-it-is" in said.err


def test_a_recipe_file_and_a_preset(here: Here, tiny_encoder: Encoder, small_csv: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text(json.dumps({"epochs": 2, "batch_size": 32, "head": "mlp", "max_length": 32}))
    said = here("train", small_csv, "--recipe", recipe, *quick(tiny_encoder))
    assert (said.status, said.last["epochs"], said.last["batch_size"]) == (0, 1, 32)
    assert json.loads((Path(said.last["path"]) / "recipe.json").read_text())["asked"]["head"] == "mlp"
    said = here("train", small_csv, "--preset", "ag news, SMALL", "--encoder", tiny_encoder.source, "--set", "max_length=32", "--json")
    assert (said.status, said.last["epochs"], said.last["batch_size"]) == (0, 1, 8)


@pytest.mark.parametrize(
    ("arguments", "said_in"),
    [
        (["--preset", "Dream"], "no recipe called “Dream”"),
        (["--recipe", "RECIPE", "--preset", "Tutorial"], "not both"),
        (["--recipe", "RECIPE"], "This is no recipe"),
        (["--set", "lora_rank=4", "--set", "frozen_epochs=1"], "frozen encoder is not trained"),
        (["--set", "precision=fp16"], "no fp16 arithmetic"),
    ],
)
def test_recipes_that_cannot_be_are_refused(here: Here, tmp_path: Path, small_csv: Path, arguments: list[str], said_in: str) -> None:
    (tmp_path / "broken.json").write_text("{")
    said = here("train", small_csv, *[str(tmp_path / "broken.json") if a == "RECIPE" else a for a in arguments])
    assert said.status in (1, 2)
    assert said_in in said.err
    assert "Traceback" not in said.err


def test_a_training_that_fails_is_status_1_and_a_sentence(
    here: Here, tiny_encoder: Encoder, small_csv: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("trainer.training.fit.fit", fails)
    said = here("train", small_csv, "--encoder", tiny_encoder.source, "--epochs", "1", "--json")
    assert said.status == 1
    assert said.out == ""
    assert "Traceback" not in said.err
    assert said.err.splitlines()[-1].startswith("The disk is full, so the training could not be saved.")


def test_a_damaged_encoder_is_refused_before_a_run_is_made(here: Here, tiny_encoder: Encoder, small_csv: Path, tmp_path: Path) -> None:
    broken = make_hostile_folder(
        Path(tiny_encoder.source), tmp_path / "broken-bert", corruptions()["weights cut in the middle"], tmp_path / "marker"
    )
    before = here("runs", "--json").out
    said = here("train", small_csv, "--encoder", broken, "--epochs", "1", "--json")
    assert (said.status, said.out) == (2, "")
    assert "broken-bert is not used: model.safetensors is damaged" in said.err
    assert here("runs", "--json").out == before


@pytest.mark.parametrize(
    ("arguments", "said_in"),
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
def test_what_cannot_be_is_refused_with_status_2(here: Here, small_csv: Path, arguments: list[str], said_in: str) -> None:
    before = sorted(os.listdir(os.environ["EMOTUNE_RUNS"]))
    said = here("train", small_csv, *arguments, "--json")
    assert said.status == 2
    assert said.out == ""
    assert said_in in said.err
    assert len(said.err.splitlines()) == 1
    assert sorted(os.listdir(os.environ["EMOTUNE_RUNS"])) == before


@pytest.mark.parametrize("name", ["nothing-here.csv", "a-folder", "empty.csv"])
def test_a_file_that_cannot_be_read_is_a_sentence(here: Here, tmp_path: Path, name: str) -> None:
    (tmp_path / "a-folder").mkdir()
    (tmp_path / "empty.csv").touch()
    said = here("train", tmp_path / name, "--json")
    assert said.status == 2
    assert said.out == ""
    assert name in said.err
    assert len(said.err.splitlines()) == 1


def test_a_process_refuses_without_a_traceback(warm: Warm, tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text("text,label\n" + "".join(f"this is text number {n},same\n" for n in range(30)))
    said = process("train", str(tmp_path / "one.csv"), "--json", cwd=tmp_path, warm=warm, EMOTUNE_RUNS=str(tmp_path / "runs"))
    assert said.status == 2
    assert said.out == ""
    assert "Traceback" not in said.err
    assert "same label" in said.err
    assert len(said.err.splitlines()) == 1


def test_a_runs_folder_that_cannot_be_written(here: Here, small_csv: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "file" / "runs"))
    said = here("train", small_csv, "--json")
    assert said.status == 2
    assert "EMOTUNE_RUNS" in said.err
    assert len(said.err.splitlines()) == 1


def test_no_command_and_help(here: Here) -> None:
    assert here().status == 2
    assert here("train").status == 2
    assert here("--help").status == 0


# predict


@pytest.mark.parametrize("way", ["id", "run folder", "model folder"])
def test_predict_by_id_by_run_and_by_model_folder(here: Here, trained: Said, way: str) -> None:
    named = {"id": trained.last["run"], "run folder": trained.last["path"], "model folder": trained.last["path"] + "/model"}[way]
    texts = ["happy laugh today", "", "so unfair 🫠"]
    said = here("predict", named, *texts, "--json")
    assert said.status == 0, said.err
    assert set(said.last) == {"results"}
    assert [r["text"] for r in said.last["results"]] == texts
    first, empty, last = said.last["results"]
    assert (empty["label"], empty["probabilities"]) == (None, None)
    assert "empty" in empty["reason"]
    for result in (first, last):
        assert set(result) == {"text", "label", "probabilities", "tokens", "tokens_read", "cut"}
        assert set(result["probabilities"]) == {"joy", "sadness", "anger"}
        assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        assert result["label"] == max(result["probabilities"], key=result["probabilities"].get)
    assert said.last["results"][0]["label"] == "joy"


def test_predict_in_a_process_from_another_folder(trained: Said, warm: Warm, tmp_path: Path) -> None:
    runs = str(Path(trained.last["path"]).parent)
    said = process("predict", trained.last["run"], "so unfair, full of rage", "--json", cwd=tmp_path, warm=warm, EMOTUNE_RUNS=runs)
    assert said.status == 0, said.err
    assert said.last["results"][0]["label"] == "anger"
    assert len(said.out.splitlines()) == 1


def test_predict_for_people(here: Here, trained: Said) -> None:
    said = here("predict", trained.last["run"], "happy laugh today")
    assert said.status == 0
    lines = said.out.splitlines()
    assert lines[0] == "happy laugh today"
    assert lines[1].endswith("joy")
    assert len(lines) == 4


def test_predict_marks_what_was_cut(here: Here, trained: Said) -> None:
    said = here("predict", trained.last["run"], "happy laugh " * 40, "happy", "--json")
    assert [(r["cut"], r["tokens"], r["tokens_read"]) for r in said.last["results"]] == [(True, 82, 32), (False, 3, 3)]
    assert "read 32 of 82 tokens" in here("predict", trained.last["run"], "happy laugh " * 40).out


def test_predict_takes_texts_from_a_file_and_from_the_standard_input(
    here: Here, trained: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "happy laugh today\r\n\r\nso unfair, full of rage\r\n"
    (tmp_path / "texts.txt").write_bytes(b"\xef\xbb\xbf" + lines.encode())
    for arguments in (["--file", tmp_path / "texts.txt"], ["--file", "-"], []):
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(lines.encode())))
        said = here("predict", trained.last["run"], *arguments, "--json")
        assert said.status == 0, said.err
        assert [r["text"] for r in said.last["results"]] == ["happy laugh today", "", "so unfair, full of rage"]
        assert [r["label"] for r in said.last["results"]] == ["joy", None, "anger"]


def test_predict_says_how_a_text_that_begins_with_a_dash_is_passed(here: Here, trained: Said) -> None:
    said = here("predict", trained.last["run"], "-happy")
    assert said.status == 2
    assert "predict RUN -- -TEXT" in said.err
    assert "predict RUN -- -TEXT" in here("predict", trained.last["run"], "-useless").err
    for arguments in (["--json", "--", "-happy", "glad"], ["--", "-happy", "glad"], ["--json", "glad", "--", "-happy"], ["glad", "--json"]):
        said = here("predict", trained.last["run"], *arguments)
        assert said.status == 0, said.err
        texts = [argument for argument in arguments if "--" not in argument]
        if "--json" in arguments:
            assert [r["text"] for r in said.last["results"]] == texts
        else:
            assert said.out.splitlines()[0] == "-happy"


@pytest.mark.parametrize(
    ("arguments", "said_in"),
    [
        (["x", "--file", "texts.txt"], "not both"),
        (["--file", "none.txt"], "none.txt"),
        (["--file", "table.csv"], "is a table"),
        (["--file", "empty.txt"], "no text"),
        ([], "no text"),
    ],
)
def test_predict_without_a_text_is_a_sentence(
    here: Here, trained: Said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str], said_in: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.txt").touch()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    said = here("predict", trained.last["run"], *arguments)
    assert said.status == 2
    assert said_in in said.err
    assert "Traceback" not in said.err


def test_a_text_that_the_terminal_cannot_show_is_printed_all_the_same(trained: Said, warm: Warm, tmp_path: Path) -> None:
    runs = str(Path(trained.last["path"]).parent)
    said = process(
        "predict", trained.last["run"], "happy \udcff", "🫠", cwd=tmp_path, warm=warm, EMOTUNE_RUNS=runs, PYTHONIOENCODING="ascii"
    )
    assert said.status == 0, said.err
    assert "happy \\udcff" in said.out


@pytest.mark.parametrize("kind", ["encoder", "of another task"])
def test_predict_with_a_folder_that_is_no_classifier_is_refused(here: Here, tiny_encoder: Encoder, tmp_path: Path, kind: str) -> None:
    from transformers import AutoModelForTokenClassification

    folder = Path(tiny_encoder.source)
    if kind != "encoder":
        shutil.copytree(folder, tmp_path / "tagger")
        folder = tmp_path / "tagger"
        AutoModelForTokenClassification.from_pretrained(tiny_encoder.source, num_labels=3).save_pretrained(folder)
    said = here("predict", folder, "happy", "--json")
    assert (said.status, said.out) == (2, "")
    assert "Emotune can use classifiers" in said.err


@pytest.mark.parametrize("named", ["5eed" * 8, "no-such-folder", "../..", ""])
def test_predict_with_no_model_is_a_sentence(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: str) -> None:
    monkeypatch.chdir(tmp_path)
    said = here("predict", named, "x", "--json")
    assert said.status == 2
    assert said.out == ""
    assert len(said.err.splitlines()) == 1


# inspect and runs


def test_inspect_is_one_object_a_file(here: Here, small_csv: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    said = here("inspect", small_csv, tmp_path / "empty.csv", tmp_path / "none.csv", "--json")
    answers = [json.loads(line) for line in said.out.splitlines()]
    assert said.status == 2
    assert [a["ok"] for a in answers] == [True, False, False]
    assert [a["file"] for a in answers] == [str(small_csv), str(tmp_path / "empty.csv"), str(tmp_path / "none.csv")]
    assert set(answers[0]["labels"]) == {"anger", "joy", "sadness"}
    assert sum(answers[0]["labels"].values()) == answers[0]["rows_kept"] == 240
    assert answers[0]["text"] == {"name": "text", "index": 0}
    assert answers[0]["label"] == {"name": "mood", "index": 1}
    assert [a["code"] for a in answers[1:]] == ["empty_file", "file_not_found"]

    said = here("inspect", small_csv)
    assert said.status == 0
    assert "240 rows" in said.out
    assert "label: mood" in said.out


def test_a_file_that_aborts_its_parser_is_a_sentence_on_the_terminal_too(here: Here, shared: Path, small_csv: Path) -> None:
    file = shared / "faults" / "files" / "abort.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not part of the project")
    said = here("inspect", file, small_csv, "--json")
    deadly, sound = map(json.loads, said.out.splitlines())
    assert (said.status, deadly["code"], sound["ok"]) == (2, "file_damaged", True)
    assert deadly["message"].startswith(
        "This file is damaged, or made to do harm: the process that read it ended suddenly. Nothing else was touched."
    )
    said = here("train", file, "--json")
    assert (said.status, deadly["message"] in said.err) == (2, True)


def test_inspect_takes_columns_and_trains_nothing(here: Here, small_csv: Path) -> None:
    before = sorted(os.listdir(os.environ["EMOTUNE_RUNS"]))
    said = here("inspect", small_csv, "--text", "mood", "--label", "mood", "--json")
    assert (said.status, said.last["code"]) == (2, "same_column")
    assert sorted(os.listdir(os.environ["EMOTUNE_RUNS"])) == before


def test_inspect_repairs_into_another_file(here: Here, tmp_path: Path) -> None:
    rows = [*small_rows(60), *small_rows(2), ("happy &amp; glad", "joy")]
    messy = write_rows(tmp_path / "messy.csv", rows)
    clean = tmp_path / "clean.csv"
    said = here("inspect", messy, "--repair", "all", "--out", clean, "--json")
    assert said.status == 0
    answer = json.loads(said.out)
    assert answer["repaired"] == {
        "file": str(clean),
        "changes": str(tmp_path / "clean.changes.csv"),
        "rows": 61,
        "repairs": {"html_in_texts": 1, "duplicate_texts": 2},
    }
    again = json.loads(here("inspect", clean, "--json").out)
    assert again["rows_kept"] == 61
    assert not {f["code"] for f in again["findings"]} & {"html_in_texts", "duplicate_texts"}


@pytest.mark.parametrize(
    "arguments", [["--repair", "all"], ["--out", "x.csv"], ["--repair", "polish", "--out", "x.csv"], ["--repair", "all", "--out", "SAME"]]
)
def test_inspect_refuses_half_a_repair_and_never_overwrites_the_file(here: Here, tmp_path: Path, arguments: list[str]) -> None:
    path = write_rows(tmp_path / "messy.csv", small_rows(60))
    before = path.read_bytes()
    said = here("inspect", path, *[str(path) if a == "SAME" else a for a in arguments])
    assert said.status == 2
    assert "Traceback" not in said.err
    assert path.read_bytes() == before


def test_runs_lists_them_newest_first(here: Here, trained: Said, place: Path) -> None:
    said = here("runs", "--json")
    assert said.status == 0
    runs = json.loads(said.out.splitlines()[-1])
    mine = next(r for r in runs if r["run"] == trained.last["run"])
    assert (mine["status"], mine["source_name"], mine["path"]) == ("finished", "moods.csv", trained.last["path"])
    assert [r["created"] for r in runs] == sorted((r["created"] for r in runs), reverse=True)
    assert trained.last["run"] in here("runs").out


def test_runs_tells_the_scores_of_the_model_that_is_kept_and_not_the_last_ones(
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
    here = Here(capsys)
    (told,) = json.loads(here("runs", "--json").out)
    assert (told["best_step"], told["validation_accuracy"], told["validation_macro_f1"]) == (40, 0.91, 0.9)
    listed = here("runs").out
    assert "validation accuracy 91.0 % (step 40)" in listed
    assert "62.0" not in listed


def test_runs_of_a_folder_that_is_not_there_yet(here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "none"))
    assert here("runs", "--json") == Said(0, "[]\n", "")
    assert not (tmp_path / "none").exists()


def test_drafts_lists_the_files_opened_before_and_removes_one(
    here: Here, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small_csv: Path, reader: FileReader
) -> None:
    monkeypatch.setenv("EMOTUNE_RUNS", str(tmp_path / "runs"))
    assert here("drafts") == Said(0, "", "")
    studio = Studio(Settings.from_environment(), reader=reader)
    first, second = (studio.for_owner("local").drafts.open_files({"main": (name, small_csv)}).draft.id for name in ("a.csv", "b.csv"))
    told = json.loads(here("drafts", "--json").out)
    assert [(draft["id"], draft["name"], draft["open"]) for draft in told] == [(second, "b.csv", True), (first, "a.csv", False)]
    listed = here("drafts").out.splitlines()
    assert [line.split()[0] for line in listed] == [second, first]
    assert listed[0].endswith("KB  b.csv, open")
    said = here("drafts", "--remove", second)
    assert (said.status, said.out.split()[0]) == (0, first)
    assert [draft.id for draft in studio.for_owner("local").drafts.summaries()] == [first]
    for unknown in (second, "../runs", "x"):
        said = here("drafts", "--remove", unknown)
        assert said.status == 2
        assert f"There is no draft {unknown} in {tmp_path / 'runs'}. See: python -m trainer drafts" in said.err
