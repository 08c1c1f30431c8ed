"""The named endpoints over HTTP, called like by another program: what they return, and the download of a model."""

import threading
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path

import httpx
import pytest
from gradio_client import handle_file
from gradio_client.exceptions import AppError

from tests.cli.commands import InProcessCommand
from tests.conftest import FILLERS
from tests.docs.endpoints import ALL_OF_PROGRESS, endpoints
from tests.docs.pages import ROOT, code_blocks
from tests.exports import convert_in_this_process
from tests.several_labels import several_labels_corpus, write_scores, write_several_labels
from tests.ui.conftest import RECIPE, TIMEOUT_SECONDS, Server
from trainer import workspace
from trainer.drafts.inspection import Inspection
from trainer.recipe import Recipe
from trainer.runs.event_schema import Event
from trainer.runs.event_types import Logged
from trainer.runs.events import EventLog
from trainer.runs.run import Run
from trainer.runs.view import Evaluation, LogPoint, RunView
from trainer.settings import LOCAL_OWNER
from trainer.ui.endpoints import _progress

JOBS = (
    "/audit",
    "/audit_result",
    "/audit_stop",
    "/predict_file",
    "/predict_file_result",
    "/predict_file_stop",
    "/evaluate_file",
    "/evaluate_file_result",
    "/export",
    "/export_result",
)
TEXTS = ["happy laugh today", "a", "so unfair 🫠", "a much longer text of tears " * 400]


# What there is


def test_eighteen_endpoints_and_nothing_else(server: Server) -> None:
    endpoints = server.client.view_api(return_format="dict", print_info=False)
    assert set(endpoints["named_endpoints"]) == {
        "/inspect",
        "/start",
        "/progress",
        "/stop",
        "/resume",
        "/report",
        "/predict",
        "/explain",
        *JOBS,
    }
    assert endpoints["unnamed_endpoints"] == {}
    parameters = {name: [p["parameter_name"] for p in e["parameters"]] for name, e in endpoints["named_endpoints"].items()}
    assert parameters == {
        "/inspect": ["file", "text", "label", "part", "task", "cut"],
        "/start": ["file", "text", "label", "recipe", "part", "task", "cut"],
        "/progress": ["run"],
        "/stop": ["run"],
        "/report": ["run"],
        "/resume": ["run", "more_epochs"],
        "/predict": ["run", "texts", "engine"],
        "/explain": ["run", "text", "label"],
        "/audit": ["file", "text", "label", "part", "task", "cut"],
        "/audit_result": ["job", "all_rows"],
        "/audit_stop": ["job"],
        "/predict_file": ["file", "run", "text", "part", "probabilities"],
        "/predict_file_result": ["job"],
        "/predict_file_stop": ["job"],
        "/evaluate_file": ["file", "run", "text", "label", "part", "cut"],
        "/evaluate_file_result": ["job"],
        "/export": ["run"],
        "/export_result": ["run"],
    }


def test_results_have_the_documented_keys_and_no_others(server: Server, run: str, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    convert_in_this_process(monkeypatch)
    keys = {endpoint.name: set(endpoint.returns) for endpoint in endpoints(server.studio)}
    keys = {
        name: keys["/audit" if name in JOBS else "/progress"] | own - {ALL_OF_PROGRESS} if ALL_OF_PROGRESS in own else own
        for name, own in keys.items()
    }
    started = server.client.predict(handle_file(small_csv), None, None, RECIPE, api_name="/start")
    results = {
        "/start": started,
        "/stop": server.client.predict(started["run"], api_name="/stop"),
        "/inspect": server.client.predict(handle_file(small_csv), api_name="/inspect"),
        "/progress": server.client.predict(run, api_name="/progress"),
        "/report": server.client.predict(run, api_name="/report"),
        "/resume": server.client.predict(run, 1, api_name="/resume"),
        "/predict": server.client.predict(run, TEXTS, api_name="/predict"),
        "/explain": server.client.predict(run, "happy laugh", api_name="/explain"),
        "/audit": server.client.predict(handle_file(small_csv), api_name="/audit"),
        "/predict_file": server.client.predict(handle_file(small_csv), run, api_name="/predict_file"),
        "/evaluate_file": server.client.predict(handle_file(small_csv), run, api_name="/evaluate_file"),
        "/export": server.client.predict(run, api_name="/export"),
    }
    server.client.predict(results["/resume"]["run"], api_name="/stop")
    for name in ("/audit", "/predict_file", "/evaluate_file"):
        job = results[name]["job"]
        server.studio.for_owner(LOCAL_OWNER).jobs.wait(job, TIMEOUT_SECONDS)
        results[f"{name}_result"] = server.client.predict(job, api_name=f"{name}_result")
        if name != "/evaluate_file":
            results[f"{name}_stop"] = server.client.predict(job, api_name=f"{name}_stop")
    # The trainings too: what goes on longer would draw from the same generators as those of other tests.
    for job in (results["/export"]["job"], started["run"], results["/resume"]["run"]):
        server.studio.for_owner(LOCAL_OWNER).jobs.wait(job, TIMEOUT_SECONDS)
    results["/export_result"] = exported = server.client.predict(run, api_name="/export_result")
    with urllib.request.urlopen(f"{server.address}{exported['files']['onnx-int8']}", timeout=TIMEOUT_SECONDS) as response:
        assert "-onnx-int8.zip" in response.headers["content-disposition"]
    answered = server.client.predict(run, TEXTS, "onnx-int8", api_name="/predict")
    assert (answered["engine"], exported["recommended"]) == ("onnx-int8", "onnx-int8")
    assert {name: set(result) for name, result in results.items()} == keys


def test_the_documented_example_runs(server: Server, small_csv: Path) -> None:
    (example,) = [block.code for block in code_blocks((ROOT / "docs" / "http.md").read_text("utf-8")) if block.language == "python"]
    here = {"http://127.0.0.1:7860": server.address, "moods.csv": str(small_csv), '{"epochs": 3}': str(RECIPE | {"epochs": 3})}
    for written, used in here.items():
        assert written in example
        example = example.replace(written, used)
    names: dict = {}
    exec(compile(example, "docs/http.md", "exec"), names)
    names["emotune"].close()
    workspace = server.studio.for_owner("local")
    assert workspace.library.view(names["run"]).status == "finished"
    assert workspace.wait(names["longer"], TIMEOUT_SECONDS).parent == names["run"]


# The happy path


def test_a_file_that_aborts_its_parser_is_a_sentence_and_the_server_lives(server: Server, shared: Path, small_csv: Path) -> None:
    file = shared / "faults" / "files" / "abort.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not part of the project")
    inspection = server.client.predict(handle_file(file), api_name="/inspect")
    assert (inspection["ok"], inspection["code"]) == (False, "file_damaged")
    with pytest.raises(AppError, match="the process that read"):
        server.client.predict(handle_file(file), None, None, RECIPE, api_name="/start")
    assert httpx.get(server.address).status_code == 200
    assert server.client.predict(handle_file(small_csv), api_name="/inspect")["ok"]


def test_whether_a_text_may_have_several_labels_can_be_said(server: Server, small_csv: Path) -> None:
    assert server.client.predict(handle_file(small_csv), api_name="/inspect")["task"]["key"] == "single_label_classification"
    several = server.client.predict(handle_file(small_csv), None, None, None, "several", api_name="/inspect")
    assert several["task"]["key"] == "multi_label_classification"
    with pytest.raises(AppError, match=r"one label \(single\) or may have several"):
        server.client.predict(handle_file(small_csv), None, None, None, "many", api_name="/inspect")


def test_from_which_score_on_a_text_has_a_label_can_be_said(server: Server, tmp_path: Path) -> None:
    file = handle_file(write_scores(tmp_path / "scores.csv"))
    assert server.client.predict(file, cut=0.3, api_name="/inspect")["task"]["cut"] == 0.3
    for endpoint in ("/inspect", "/start", "/audit"):
        with pytest.raises(AppError, match=r"a number such as 0\.5, not “many”"):
            server.client.predict(file, cut="many", api_name=endpoint)


def test_a_saved_promise_of_several_labels_is_kept_over_http_and_in_the_terminal(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    mine, path = server.studio.for_owner(LOCAL_OWNER), write_several_labels(tmp_path / "several.csv", n_rows=400)
    recipe = Recipe.from_dict(RECIPE | {"epochs": 24, "validation_share": 0.3})
    run = mine.wait(mine.train_files({"main": (path.name, path)}, recipe).id, TIMEOUT_SECONDS).id
    promises = [promise for promise in mine.library.reports(run).confidence.promises if promise.threshold]
    strictest = max(promises, key=lambda promise: promise.threshold)
    # Of the moods, and of words that say little beside one that says something.
    texts = [*several_labels_corpus(40).texts, *(" ".join([*FILLERS[n:], "happy"]) for n in range(16))]

    def over_http() -> list[dict]:
        return server.client.predict(run, texts, api_name="/predict")["results"]

    plain = over_http()
    mine.models.keep_promise(run, strictest)
    kept = over_http()
    for before, after in zip(plain, kept, strict=True):
        sure = [name for name in before["labels"] if before["probabilities"][name] >= strictest.threshold]
        unsure = max(before["probabilities"].values()) < strictest.threshold
        assert (after["probabilities"], after.get("unsure", False)) == (before["probabilities"], unsure)
        assert after["label"] is None if unsure else after["labels"] == sure
    assert [after["label"] for after in kept] != [before["label"] for before in plain]
    monkeypatch.setenv("EMOTUNE_RUNS", str(server.studio.settings.runs_dir))
    told = InProcessCommand(capsys)("predict", run, *texts, "--json").last["results"]
    assert [(answer["label"], answer.get("unsure")) for answer in told] == [(answer["label"], answer.get("unsure")) for answer in kept]


def test_a_small_file_is_inspected_beside_a_big_one(server: Server, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even beside three big ones that never finish."""
    finish, started = threading.Event(), threading.Semaphore(0)
    real = workspace.inspect_file

    def slowly(path: Path, *how: object, **limits: object) -> Inspection:
        if path.name == "big.csv":
            started.release()
            finish.wait(TIMEOUT_SECONDS)
        return real(path, *how, **limits)

    monkeypatch.setattr(workspace, "inspect_file", slowly)
    big = small_csv.with_name("big.csv")
    big.write_bytes(small_csv.read_bytes())
    waiting = [server.client.submit(handle_file(big), api_name="/inspect") for _ in range(3)]
    try:
        for _ in waiting:
            assert started.acquire(timeout=TIMEOUT_SECONDS)
        assert server.client.predict(handle_file(small_csv), api_name="/inspect")["ok"]
        assert not any(job.done() for job in waiting)
    finally:
        finish.set()
    assert all(job.result()["ok"] for job in waiting)


def test_inspect(server: Server, small_csv: Path) -> None:
    inspection = server.client.predict(handle_file(small_csv), api_name="/inspect")
    assert inspection["ok"] is True
    assert inspection["file"] == "moods.csv"
    assert set(inspection["labels"]) == {"anger", "joy", "sadness"}
    assert inspection["text"] == {"name": "text", "index": 0}
    swapped = server.client.predict(handle_file(small_csv), "mood", "mood", api_name="/inspect")
    assert (swapped["ok"], swapped["code"]) == (False, "same_column")


def test_inspect_answers_a_bad_file_with_its_sentence(server: Server, tmp_path: Path) -> None:
    (tmp_path / "empty.csv").touch()
    inspection = server.client.predict(handle_file(tmp_path / "empty.csv"), api_name="/inspect")
    assert (inspection["ok"], inspection["code"]) == (False, "empty_file")


def test_start_and_progress(server: Server, run: str) -> None:
    now = server.client.predict(run, api_name="/progress")
    assert set(now) == {
        *("run", "name", "status", "phase", "step", "total_steps", "loss", "accuracy", "validation_accuracy"),
        *("validation_macro_f1", "samples_per_second", "seconds_left", "message", "damage"),
        *("train_loss", "train_accuracy", "best_step", "latest_validation_accuracy", "latest_validation_macro_f1"),
    }
    assert now["step"] == now["total_steps"] == 11 * 12
    assert 0 <= now["validation_accuracy"] <= 1
    assert now["loss"] < 1
    assert server.studio.for_owner("local").library.view(run).name == now["name"]


def test_report(server: Server, run: str) -> None:
    report = server.client.predict(run, api_name="/report")
    assert report["labels"] == ["anger", "joy", "sadness"]
    assert {"accuracy", "macro_f1", "weighted_f1", "per_class", "rows"} <= set(report["test"])
    assert sum(map(sum, report["confusion"])) == report["test"]["rows"] == 48
    right = sum(report["confusion"][i][i] for i in range(3))
    assert report["test"]["accuracy"] == pytest.approx(right / 48)
    assert set(report["baseline"]) == {"accuracy", "macro_f1", "rows"}
    assert report["baseline"]["rows"] > 0
    assert report["validation"]["rows"] == 24


def test_explain(server: Server, run: str) -> None:
    explained = server.client.predict(run, "happy laugh", api_name="/explain")
    assert (explained["class"], [word["word"] for word in explained["words"]]) == ("joy", ["happy", "laugh"])
    other = server.client.predict(run, "happy laugh", "anger", api_name="/explain")
    assert (other["class"], other["label"]) == ("anger", "joy")
    assert other["words"] != explained["words"]
    assert server.client.predict(run, "", api_name="/explain")["words"] is None


def test_predict(server: Server, run: str) -> None:
    results = server.client.predict(run, TEXTS, api_name="/predict")["results"]
    assert [r["text"] for r in results] == [text[:200] for text in TEXTS]
    for result in results:
        assert set(result["probabilities"]) == {"anger", "joy", "sadness"}
        assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        assert result["label"] == max(result["probabilities"], key=result["probabilities"].get)
    assert results[0]["label"] == "joy"
    assert server.client.predict(run, [], api_name="/predict")["results"] == []


def test_predict_gives_a_reason_for_an_empty_text_and_marks_a_cut_one(server: Server, run: str) -> None:
    empty, long = server.client.predict(run, [" ", "happy laugh " * 40], api_name="/predict")["results"]
    assert (empty["label"], empty["probabilities"]) == (None, None)
    assert "empty" in empty["reason"]
    assert (long["cut"], long["tokens"], long["tokens_read"]) == (True, 82, 32)


def test_audit_gives_suspects_with_their_reasons_and_all_rows_if_asked(server: Server, small_csv: Path) -> None:
    job = server.client.predict(handle_file(small_csv), api_name="/audit")["job"]
    server.studio.for_owner(LOCAL_OWNER).jobs.wait(job, TIMEOUT_SECONDS)
    result = server.client.predict(job, True, api_name="/audit_result")
    assert (result["job"], result["status"]) == (job, "finished")
    assert len(result["suspects"]) == result["rows"] > 0
    assert set(result["suspects"][0]) == {"row", "text", "label", "suggested", "score", "why"}
    scores = [suspect["score"] for suspect in result["suspects"]]
    assert scores == sorted(scores, reverse=True)
    with pytest.raises(AppError, match="There is no such job"):
        server.client.predict("0" * 32, api_name="/audit_result")


def test_a_file_is_labelled_and_downloaded(server: Server, run: str, small_csv: Path) -> None:
    job = server.client.predict(handle_file(small_csv), run, None, None, True, api_name="/predict_file")["job"]
    server.studio.for_owner(LOCAL_OWNER).jobs.wait(job, TIMEOUT_SECONDS)
    result = server.client.predict(job, api_name="/predict_file_result")
    assert (result["status"], result["empty"], result["written_as"]) == ("finished", 0, "itself")
    assert sum(result["classes"].values()) == result["rows"]
    assert result["added"][:3] == ["label", "confidence", "cut"]
    response = httpx.get(f"{server.address}{result['file']}")
    assert response.headers["content-disposition"].startswith("attachment")
    assert ",label,confidence,cut,probability of " in response.text.split("\n")[0]
    with pytest.raises(AppError, match="There is no such job"):
        server.client.predict("0" * 32, api_name="/predict_file_result")
    with pytest.raises(AppError, match="no text column"):
        server.client.predict(handle_file(small_csv), run, "body", api_name="/predict_file")


def test_stop_ends_a_run_and_keeps_a_model(server: Server, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    append = EventLog.append

    def append_and_wait_for_a_stop(log: EventLog, event: Event, **options: bool) -> None:
        append(log, event, **options)
        is_far = isinstance(event, Logged) and event.step >= 3 and threading.current_thread().name == "training"
        while is_far and not Run(log.path.parent).is_stop_requested():
            time.sleep(0.01)

    # Otherwise it might be over before it is stopped.
    monkeypatch.setattr(EventLog, "append", append_and_wait_for_a_stop)
    begun = server.client.predict(handle_file(small_csv), "0", "1", RECIPE | {"epochs": 50, "batch_size": 1}, api_name="/start")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while server.client.predict(begun["run"], api_name="/progress")["step"] < 3:
        assert time.monotonic() < deadline
    server.client.predict(begun["run"], api_name="/stop")
    assert server.studio.for_owner("local").wait(begun["run"], TIMEOUT_SECONDS).status == "stopped"
    assert server.client.predict(begun["run"], api_name="/report")["test"]["rows"] == 48
    assert server.client.predict(begun["run"], api_name="/stop")["status"] == "stopped"
    resumed = server.client.predict(begun["run"], api_name="/resume")
    assert resumed["status"] in ("queued", "running")
    # The server outlives this module: a training that goes on would draw from the same generators as those of other tests.
    server.client.predict(resumed["run"], api_name="/stop")
    server.studio.for_owner("local").wait(resumed["run"], TIMEOUT_SECONDS)
    server.client.predict(begun["run"], api_name="/stop")


def test_progress_names_whose_scores_it_gives() -> None:
    """The validation scores are the kept model's; those of the texts it learned from have names that say so."""
    evaluations = (Evaluation(40, 0.3, 0.91, 0.9), Evaluation(80, 0.5, 0.62, 0.6))
    now = _progress(RunView("x", status="running", points=(LogPoint(80, 0.2, 0.99),), evaluations=evaluations, best_step=40))
    assert (now["train_loss"], now["train_accuracy"]) == (now["loss"], now["accuracy"]) == (0.2, 0.99)
    assert (now["best_step"], now["validation_accuracy"], now["validation_macro_f1"]) == (40, 0.91, 0.9)
    assert (now["latest_validation_accuracy"], now["latest_validation_macro_f1"]) == (0.62, 0.6)
    empty = _progress(RunView("x"))
    assert {empty[name] for name in now if name.endswith(("loss", "accuracy", "macro_f1", "best_step"))} == {None}


# The download of a model


def test_the_download_is_the_model_that_answers(server: Server, run: str, tmp_path: Path) -> None:
    from transformers import pipeline

    with urllib.request.urlopen(f"{server.address}download/{run}", timeout=TIMEOUT_SECONDS) as response:
        assert response.headers["content-type"] == "application/zip"
        name = server.studio.for_owner("local").library.view(run).name.replace(" ", "-")
        assert f'filename="{name}.zip"' in response.headers["content-disposition"]
        (tmp_path / "model.zip").write_bytes(response.read())
    with zipfile.ZipFile(tmp_path / "model.zip") as archive:
        archive.extractall(tmp_path)
    classify = pipeline("text-classification", model=str(tmp_path / name), top_k=None)
    theirs = classify(TEXTS, truncation=True)
    ours = server.client.predict(run, TEXTS, api_name="/predict")["results"]
    for answers, result in zip(theirs, ours, strict=True):
        assert {a["label"]: a["score"] for a in answers} == pytest.approx(result["probabilities"], abs=1e-5)


@pytest.mark.parametrize("wanted", ["5eed" * 8, "x", "..%2f..%2fetc%2fpasswd"])
def test_the_download_of_an_unknown_run_is_404_in_words(server: Server, wanted: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{server.address}download/{wanted}", timeout=TIMEOUT_SECONDS)
    assert refused.value.code == 404
    if "%" not in wanted:
        assert refused.value.read().decode() == "There is no such run. Choose one from the list."
