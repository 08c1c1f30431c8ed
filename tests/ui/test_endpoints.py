"""The named endpoints over HTTP, driven as another program would: answers, refusals in words, and nothing else within reach."""

import json
import threading
import time
import urllib.error
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from gradio.utils import get_upload_folder
from gradio_client import Client, handle_file
from gradio_client.exceptions import AppError

from tests.addresses import free_port
from tests.conftest import small_rows, write_rows
from trainer import workspace
from trainer.data.reader.file_reader import FileReader
from trainer.drafts.inspection import Inspection
from trainer.models import Models
from trainer.runs.ids import is_id
from trainer.runs.view import Evaluation, LogPoint, RunView
from trainer.settings import Settings
from trainer.studio import Studio
from trainer.training.encoders import Encoder
from trainer.ui import serving
from trainer.ui.endpoints import _progress

RECIPE = {"encoder": "tiny-bert", "epochs": 12, "batch_size": 16, "learning_rate": 5e-3, "max_length": 32}
TIMEOUT_SECONDS = 120.0
TEXTS = ["happy laugh today", "a", "so unfair 🫠", "a much longer text of tears " * 400]


@dataclass(frozen=True)
class Server:
    studio: Studio
    address: str
    client: Client

    def upload(self, path: Path) -> str:
        """Where an uploaded file lies on the server."""
        response = httpx.post(f"{self.address}gradio_api/upload", files={"files": (path.name, path.read_bytes())})
        return response.json()[0]

    def post(self, endpoint: str, body: str) -> str:
        """What a program that minds no client library gets: the event stream of one call."""
        url = f"{self.address}gradio_api/call/{endpoint}"
        request = urllib.request.Request(url, data=body.encode(), headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=30) as response:
            event = json.load(response)["event_id"]
        with urllib.request.urlopen(f"{url}/{event}", timeout=60) as response:
            return response.read().decode()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, tiny_encoder: Encoder, reader: FileReader) -> Iterator[Server]:
    """The real ``serve`` in this process, over a studio whose only encoder is the tiny one."""
    studio = Studio(Settings(runs_dir=tmp_path_factory.mktemp("served") / "runs"), encoders=[tiny_encoder], reader=reader)
    port = free_port()
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(serving, "Studio", lambda settings: studio)
        patched.setenv("GRADIO_SERVER_PORT", str(port))
        patched.setenv("CI", "1")
        blocks = serving.serve(studio.settings, block=False)
    client = Client(blocks.local_url, verbose=False)
    yield Server(studio, blocks.local_url, client)
    client.close()
    blocks.close()
    studio.close()


@pytest.fixture(scope="module")
def run(server: Server, small_csv: Path) -> str:
    """The id of a run that /start began and /progress saw finish."""
    begun = server.client.predict(handle_file(small_csv), None, None, RECIPE, api_name="/start")
    assert is_id(begun["run"])
    assert begun["status"] in ("queued", "running")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while (now := server.client.predict(begun["run"], api_name="/progress"))["status"] in ("queued", "running"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert now["status"] == "finished", now
    return begun["run"]


def refusal(call: Callable[[], object]) -> str:
    """The sentence with which a call is refused."""
    with pytest.raises(AppError) as refused:
        call()
    sentence = str(refused.value)
    assert "Traceback" not in sentence
    assert "verbose error reporting" not in sentence
    assert sentence.endswith(".")
    return sentence


# What there is


def test_seven_endpoints_and_nothing_else(server: Server) -> None:
    endpoints = server.client.view_api(return_format="dict", print_info=False)
    assert set(endpoints["named_endpoints"]) == {"/inspect", "/start", "/progress", "/stop", "/resume", "/report", "/predict"}
    assert endpoints["unnamed_endpoints"] == {}
    parameters = {name: [p["parameter_name"] for p in e["parameters"]] for name, e in endpoints["named_endpoints"].items()}
    assert parameters == {
        "/inspect": ["file", "text", "label"],
        "/start": ["file", "text", "label", "recipe"],
        "/progress": ["run"],
        "/stop": ["run"],
        "/report": ["run"],
        "/resume": ["run", "more_epochs"],
        "/predict": ["run", "texts"],
    }


# The happy path


def test_a_file_that_aborts_its_parser_is_a_sentence_and_the_server_lives(server: Server, shared: Path, small_csv: Path) -> None:
    file = shared / "faults" / "files" / "abort.parquet"
    if not file.is_file():
        pytest.skip(f"needs {file}, which is not part of the project")
    inspection = server.client.predict(handle_file(file), api_name="/inspect")
    assert (inspection["ok"], inspection["code"]) == (False, "file_damaged")
    with pytest.raises(AppError, match="the process that read it ended suddenly"):
        server.client.predict(handle_file(file), None, None, RECIPE, api_name="/start")
    assert httpx.get(server.address).status_code == 200
    assert server.client.predict(handle_file(small_csv), api_name="/inspect")["ok"]


def test_a_small_file_is_inspected_beside_a_big_one(server: Server, small_csv: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many as three big ones that take for ever."""
    over, begun = threading.Event(), threading.Semaphore(0)
    real = workspace.inspect_file

    def slowly(path: Path, *how: object, **limits: object) -> Inspection:
        if path.name == "big.csv":
            begun.release()
            over.wait(TIMEOUT_SECONDS)
        return real(path, *how, **limits)

    monkeypatch.setattr(workspace, "inspect_file", slowly)
    big = small_csv.with_name("big.csv")
    big.write_bytes(small_csv.read_bytes())
    waiting = [server.client.submit(handle_file(big), api_name="/inspect") for _ in range(3)]
    try:
        for _ in waiting:
            assert begun.acquire(timeout=TIMEOUT_SECONDS)
        assert server.client.predict(handle_file(small_csv), api_name="/inspect")["ok"]
        assert not any(job.done() for job in waiting)
    finally:
        over.set()
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


def test_predict(server: Server, run: str) -> None:
    results = server.client.predict(run, TEXTS, api_name="/predict")["results"]
    assert [r["text"] for r in results] == [text[:200] for text in TEXTS]
    for result in results:
        assert set(result["probabilities"]) == {"anger", "joy", "sadness"}
        assert sum(result["probabilities"].values()) == pytest.approx(1, abs=1e-6)
        assert result["label"] == max(result["probabilities"], key=result["probabilities"].get)
    assert results[0]["label"] == "joy"
    assert server.client.predict(run, [], api_name="/predict") == {"results": []}


def test_predict_gives_a_reason_for_an_empty_text_and_marks_a_cut_one(server: Server, run: str) -> None:
    empty, long = server.client.predict(run, [" ", "happy laugh " * 40], api_name="/predict")["results"]
    assert (empty["label"], empty["probabilities"]) == (None, None)
    assert "empty" in empty["reason"]
    assert (long["cut"], long["tokens"], long["tokens_read"]) == (True, 82, 32)


def test_stop_ends_a_run_and_keeps_a_model(server: Server, tmp_path: Path, small_csv: Path) -> None:
    begun = server.client.predict(handle_file(small_csv), "0", "1", RECIPE | {"epochs": 50, "batch_size": 1}, api_name="/start")
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while server.client.predict(begun["run"], api_name="/progress")["step"] < 3:
        assert time.monotonic() < deadline
    server.client.predict(begun["run"], api_name="/stop")
    assert server.studio.for_owner("local").wait(begun["run"], TIMEOUT_SECONDS).status == "stopped"
    assert server.client.predict(begun["run"], api_name="/report")["test"]["rows"] == 48
    assert server.client.predict(begun["run"], api_name="/stop")["status"] == "stopped"
    assert server.client.predict(begun["run"], api_name="/resume")["status"] in ("queued", "running")
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


# Refusals


@pytest.mark.parametrize("endpoint", ["/progress", "/stop", "/resume", "/report", "/predict"])
@pytest.mark.parametrize("wanted", ["5eed" * 8, "../../etc", ""])
def test_an_unknown_run_is_a_sentence(server: Server, endpoint: str, wanted: str) -> None:
    other_inputs = [["x"]] if endpoint == "/predict" else []
    assert (
        refusal(lambda: server.client.predict(wanted, *other_inputs, api_name=endpoint))
        == "There is no such run. Choose one from the list."
    )


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        ({"epochs": "nan"}, "Epochs must be a whole number from 1 to 50"),
        ({"epochs": 0}, "Epochs"),
        ({"epochs": 2.5}, "Epochs"),
        ({"epochs": True}, "Epochs"),
        ({"max_length": ""}, "Maximum length"),
        ({"max_length": [32]}, "Maximum length"),
        ({"learning_rate": "1e999"}, "Learning rate"),
        ({"learning_rate": -1}, "Learning rate"),
        ({"max_length": 10**400}, "Maximum length"),
        ({"test_share": 0.5, "validation_share": 0.5}, "80 %"),
        ({"shoe_size": 43}, "no setting called “shoe_size”"),
        ({"encoder": "no-such-encoder"}, "no encoder called “no-such-encoder”"),
        ({"encoder": "../../etc"}, "no encoder called"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_settings_out_of_range_are_a_sentence(server: Server, small_csv: Path, recipe: dict, expected: str) -> None:
    workspace = server.studio.for_owner("local")
    before = len(workspace.library.runs())
    recipe = {"encoder": "tiny-bert", **recipe}
    assert expected in refusal(lambda: server.client.predict(handle_file(small_csv), None, None, recipe, api_name="/start"))
    assert len(workspace.library.runs()) == before


@pytest.mark.parametrize("recipe", ["epochs=3", [1, 2], 7], ids=repr)
def test_settings_that_are_no_object_are_a_sentence(server: Server, small_csv: Path, recipe: object) -> None:
    workspace = server.studio.for_owner("local")
    before = len(workspace.library.runs())
    refusal(lambda: server.client.predict(handle_file(small_csv), None, None, recipe, api_name="/start"))
    assert len(workspace.library.runs()) == before


@pytest.mark.parametrize("texts", ["one text", None, [1, 2], {"a": "b"}, [["x"]]], ids=repr)
def test_texts_that_are_no_list_of_texts_are_a_sentence(server: Server, run: str, texts: object) -> None:
    assert refusal(lambda: server.client.predict(run, texts, api_name="/predict")) == "texts must be a list of strings."


def test_too_many_characters_are_a_sentence_and_little_of_a_text_comes_back(server: Server, run: str) -> None:
    texts = ["happy laugh " * 800] * 21
    assert "201,600 characters" in refusal(lambda: server.client.predict(run, texts, api_name="/predict"))
    (result,) = server.client.predict(run, ["happy " * 10_000], api_name="/predict")["results"]
    assert len(result["text"]) == 200


def test_a_long_prediction_does_not_keep_the_others_waiting(server: Server, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go_on, predict = threading.Event(), threading.Event(), Models.predict

    def slowly(self: Models, run_id: str, texts: list[str]) -> object:
        if texts == ["long"]:
            begun.set()
            assert go_on.wait(TIMEOUT_SECONDS)
        return predict(self, run_id, texts)

    monkeypatch.setattr(Models, "predict", slowly)
    long = server.client.submit(run, ["long"], api_name="/predict")
    assert begun.wait(TIMEOUT_SECONDS)
    assert server.client.predict(run, ["happy laugh"], api_name="/predict")["results"][0]["label"] == "joy"
    go_on.set()
    assert long.result(TIMEOUT_SECONDS)["results"][0]["text"] == "long"


def test_too_many_texts_are_a_sentence(server: Server, run: str) -> None:
    assert "257" in refusal(lambda: server.client.predict(run, ["x"] * 257, api_name="/predict"))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ("", "empty"),
        ("text\nhello there\nhow are you\nvery well\n", "only one column"),
        ("text,label\n" + "".join(f"this is text number {n},same\n" for n in range(30)), "same label"),
        ("text,label\nhello there you,a\nhow are you,b\n", "three different texts"),
    ],
    ids=["empty", "one column", "one class", "two rows"],
)
def test_a_file_that_cannot_be_trained_on_is_a_sentence(server: Server, tmp_path: Path, content: str, expected: str) -> None:
    workspace = server.studio.for_owner("local")
    before = len(workspace.library.runs())
    (tmp_path / "bad.csv").write_text(content)
    assert expected in refusal(lambda: server.client.predict(handle_file(tmp_path / "bad.csv"), None, None, RECIPE, api_name="/start"))
    assert len(workspace.library.runs()) == before


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "null"])
def test_a_number_that_json_does_not_know_starts_nothing(server: Server, small_csv: Path, value: str) -> None:
    workspace = server.studio.for_owner("local")
    before = len(workspace.library.runs())
    uploaded = json.dumps({"path": server.upload(small_csv), "meta": {"_type": "gradio.FileData"}})
    response = server.post("start", f'{{"data": [{uploaded}, null, null, {{"encoder": "tiny-bert", "max_length": {value}}}]}}')
    assert "event: error" in response, response
    assert "Maximum length" in response
    assert len(workspace.library.runs()) == before


@pytest.mark.parametrize(("endpoint", "where"), [("inspect", 0), ("inspect", 1), ("start", 0), ("start", 1), ("start", 2)])
def test_half_a_character_in_a_name_is_a_sentence(server: Server, small_csv: Path, endpoint: str, where: int) -> None:
    workspace = server.studio.for_owner("local")
    before = len(workspace.library.runs())
    values = ["null", "null", '{"encoder": "tiny-bert"}']
    values[where] = ['"text \\ud800"', '"mood \\ud83d"', '{"encoder": "tiny \\udc00"}'][where]
    if endpoint == "inspect":
        values = values[:2]
    uploaded = json.dumps({"path": server.upload(small_csv), "meta": {"_type": "gradio.FileData"}})
    response = server.post(endpoint, f'{{"data": [{uploaded}, {", ".join(values)}]}}')
    assert "event: error" in response, response
    assert "half a character" in response
    assert len(workspace.library.runs()) == before


def test_what_the_page_refuses_the_api_refuses_with_a_code(server: Server, tmp_path: Path) -> None:
    workspace = server.studio.for_owner("local")
    rows = small_rows(60)
    path = write_rows(tmp_path / "messy.csv", [*rows[:-1], (rows[-1][0], rows[-1][1].upper())])
    before = len(workspace.library.runs())
    with pytest.raises(AppError, match="only in case") as refused:
        server.client.predict(handle_file(path), None, None, RECIPE, api_name="/start")
    assert refused.value.title == "must_fix"
    assert "as_it_is" in str(refused.value)
    assert len(workspace.library.runs()) == before
    begun = server.client.predict(handle_file(path), None, None, RECIPE | {"as_it_is": True}, api_name="/start")
    server.client.predict(begun["run"], api_name="/stop")
    assert "label_variants" in {f["code"] for f in begun["findings"]}


def test_half_a_character_is_answered(server: Server, run: str) -> None:
    response = server.post("predict", f'{{"data": ["{run}", ["\\ud800 happy"]]}}')
    assert "event: complete" in response, response


@pytest.mark.parametrize("meta", [True, False], ids=["as a file", "as a plain object"])
@pytest.mark.parametrize("endpoint", ["inspect", "start"])
def test_no_file_of_the_server_can_be_named(server: Server, tmp_path: Path, endpoint: str, meta: bool) -> None:
    workspace = server.studio.for_owner("local")
    secret = write_rows(tmp_path / "secret.csv", [(f"a secret number {n}", "ab"[n % 2]) for n in range(40)])
    before = len(workspace.library.runs())
    file = {"path": str(secret)} | ({"meta": {"_type": "gradio.FileData"}} if meta else {})
    response = server.post(endpoint, json.dumps({"data": [file, None, None] + ([RECIPE] if endpoint == "start" else [])}))
    assert "event: complete" not in response, response
    assert "rows_seen" not in response
    assert len(workspace.library.runs()) == before


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.test"}, 421),
        ({"Origin": "http://evil.test"}, 403),
        ({"Origin": "http://localhost:9999"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["gradio_api/upload", "gradio_api/call/stop", "gradio_api/run/predict", "gradio_api/queue/join", "config"])
def test_foreign_names_and_pages_get_nothing(server: Server, path: str, headers: dict, status: int) -> None:
    for method in ("POST", "GET", "OPTIONS"):
        response = httpx.request(method, server.address + path, headers=headers)
        assert response.status_code == status
        assert not [name for name in response.headers if name.startswith("access-control")]
        assert "frame-ancestors 'none'" in response.headers["content-security-policy"]
        assert "server" not in response.headers


def test_one_request_brings_one_file_and_leaves_nothing_where_it_brings_more(server: Server) -> None:
    folder = Path(get_upload_folder())
    before = sorted(folder.rglob("*"))
    response = httpx.post(f"{server.address}gradio_api/upload", files=[("files", (f"{n}.csv", b"a,b\n" * n)) for n in range(1000)])
    assert (response.status_code, response.text) == (413, "These are too many files at once; send at most 1.")
    response = httpx.post(f"{server.address}gradio_api/upload", files={"another": ("x.csv", b"a,b\n")})
    assert response.status_code == 200
    assert sorted(folder.rglob("*")) == before


@pytest.mark.parametrize(
    "path", ["monitoring", "gradio_api/component_server", "gradio_api/proxy=http://127.0.0.1", "gradio_api/startup-events"]
)
def test_what_the_page_does_not_use_is_closed(server: Server, path: str) -> None:
    assert httpx.get(server.address + path).json()["code"] == "not_here"


# The model to take away


def test_the_download_is_the_model_that_answers(server: Server, run: str, tmp_path: Path) -> None:
    from transformers import pipeline

    with urllib.request.urlopen(f"{server.address}download/{run}", timeout=60) as response:
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
        urllib.request.urlopen(f"{server.address}download/{wanted}", timeout=30)
    assert refused.value.code == 404
    if "%" not in wanted:
        assert refused.value.read().decode() == "There is no such run. Choose one from the list."
