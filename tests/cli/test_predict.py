"""``predict``: texts from arguments, files and the standard input; its JSON, exit statuses and messages."""

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.cli.commands import CommandResult, InProcessCommand, run_process
from tests.warm_interpreter import WarmInterpreter
from trainer.training.encoders import Encoder

ROOT = Path(__file__).resolve().parents[2]


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


def test_predict_in_a_process_from_another_folder(trained_run: CommandResult, warm_interpreter: WarmInterpreter, tmp_path: Path) -> None:
    runs = str(Path(trained_run.last["path"]).parent)
    result = run_process(
        "predict",
        trained_run.last["run"],
        "so unfair, full of rage",
        "--json",
        cwd=tmp_path,
        warm_interpreter=warm_interpreter,
        EMOTUNE_RUNS=runs,
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


def test_a_text_that_the_terminal_cannot_encode_is_printed_escaped(
    trained_run: CommandResult, warm_interpreter: WarmInterpreter, tmp_path: Path
) -> None:
    runs = str(Path(trained_run.last["path"]).parent)
    result = run_process(
        "predict",
        trained_run.last["run"],
        "happy \udcff",
        "🫠",
        cwd=tmp_path,
        warm_interpreter=warm_interpreter,
        EMOTUNE_RUNS=runs,
        PYTHONIOENCODING="ascii",
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


def test_a_whole_file_is_labelled(run_command: InProcessCommand, trained_run: CommandResult, tmp_path: Path) -> None:
    source, out = tmp_path / "in.csv", tmp_path / "out.csv"
    source.write_bytes("number;what was said\r\n1;happy laugh today\r\n2;\r\n3;so unfair, full of rage\r\n".encode("utf-8-sig"))
    result = run_command("predict", trained_run.last["run"], "--file", source, "--out", out, "--json")
    assert result.status == 0, result.err
    lines = out.read_bytes().decode("utf-8-sig").split("\r\n")
    assert lines[0] == "number;what was said;label;confidence;cut"
    assert lines[1].startswith("1;happy laugh today;joy;0.")
    assert lines[2] == "2;;;;"
    assert lines[3].startswith("3;so unfair, full of rage;anger;0.")
    assert (result.last["rows"], result.last["empty"], result.last["text_columns"]) == (3, 1, ["what was said"])
    assert result.last["classes"] == {"anger": 1, "joy": 1, "sadness": 0}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.csv"]
    as_text = run_command("predict", trained_run.last["run"], "--file", source, "--out", out, "--text", "1", "--probabilities")
    assert "new columns: label, confidence, cut, probability of anger" in as_text.out


def test_what_does_not_go_with_a_whole_file(run_command: InProcessCommand, trained_run: CommandResult, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text,n\nhappy today and here,1\nrage and more rage,2\n")
    run = trained_run.last["run"]
    assert "never overwritten" in run_command("predict", run, "--file", source, "--out", source).err
    assert "give --file FILE" in run_command("predict", run, "a text", "--out", tmp_path / "out.csv").err
    assert "name --out FILE too" in run_command("predict", run, "--file", source, "--probabilities").err
    assert "say where the result goes: --out FILE" in run_command("predict", run, "--file", source).err
    assert "no text column “body”" in run_command("predict", run, "--file", source, "--out", tmp_path / "out.csv", "--text", "body").err


def test_torchrun_shares_a_file_out_with_the_bytes_of_one_process(
    run_command: InProcessCommand, trained_run: CommandResult, tmp_path: Path
) -> None:
    source = tmp_path / "in.csv"
    source.write_text("text\n" + "".join(f"{'so happy' if n % 3 else 'we cry'} today {n}\n" for n in range(5_000)))
    one, two = tmp_path / "one.csv", tmp_path / "two.csv"
    run = trained_run.last["run"]
    assert run_command("predict", run, "--file", source, "--out", one, "--engine", "torch").status == 0
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "trainer", "predict", run]
    command += ["--file", str(source), "--out", str(two), "--engine", "torch", "--json"]
    environment = os.environ | {"EMOTUNE_RUNS": str(Path(trained_run.last["path"]).parent)}
    finished = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    assert finished.returncode == 0, finished.stderr
    assert two.read_bytes() == one.read_bytes()
    assert finished.stdout.count('"rows": 5000') == 1
    assert sorted(tmp_path.iterdir()) == [source, one, two]
