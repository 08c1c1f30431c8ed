"""The named endpoints over HTTP: what they refuse, with which message, and that nothing else is reachable."""

import json
import threading
import time
from pathlib import Path

import httpx
import pytest
from gradio.utils import get_upload_folder
from gradio_client import handle_file
from gradio_client.exceptions import AppError

from tests.conftest import small_rows, write_rows
from tests.ui.conftest import RECIPE, TIMEOUT_SECONDS, Server, refusal
from trainer.trained_models import TrainedModels


@pytest.mark.parametrize("endpoint", ["/progress", "/stop", "/resume", "/report", "/predict", "/explain"])
@pytest.mark.parametrize("wanted", ["5eed" * 8, "../../etc", ""])
def test_an_unknown_run_is_a_sentence(server: Server, endpoint: str, wanted: str) -> None:
    other_inputs = {"/predict": [["x"]], "/explain": ["x"]}.get(endpoint, [])
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
    n_runs = len(workspace.library.runs())
    recipe = {"encoder": "tiny-bert", **recipe}
    assert expected in refusal(lambda: server.client.predict(handle_file(small_csv), None, None, recipe, api_name="/start"))
    assert len(workspace.library.runs()) == n_runs


@pytest.mark.parametrize("recipe", ["epochs=3", [1, 2], 7], ids=repr)
def test_settings_that_are_no_object_are_a_sentence(server: Server, small_csv: Path, recipe: object) -> None:
    workspace = server.studio.for_owner("local")
    n_runs = len(workspace.library.runs())
    refusal(lambda: server.client.predict(handle_file(small_csv), None, None, recipe, api_name="/start"))
    assert len(workspace.library.runs()) == n_runs


@pytest.mark.parametrize("texts", ["one text", None, [1, 2], {"a": "b"}, [["x"]]], ids=repr)
def test_texts_that_are_no_list_of_texts_are_a_sentence(server: Server, run: str, texts: object) -> None:
    assert refusal(lambda: server.client.predict(run, texts, api_name="/predict")) == "texts must be a list of strings."


def test_too_many_characters_are_a_sentence_and_little_of_a_text_comes_back(server: Server, run: str) -> None:
    texts = ["happy laugh " * 800] * 21
    assert "201,600 characters" in refusal(lambda: server.client.predict(run, texts, api_name="/predict"))
    (result,) = server.client.predict(run, ["happy " * 10_000], api_name="/predict")["results"]
    assert len(result["text"]) == 200


def test_a_long_prediction_does_not_keep_the_others_waiting(server: Server, run: str, monkeypatch: pytest.MonkeyPatch) -> None:
    started, released, predict = threading.Event(), threading.Event(), TrainedModels.predict

    def slowly(self: TrainedModels, run_id: str, texts: list[str], **options: str) -> object:
        if texts == ["long"]:
            started.set()
            assert released.wait(TIMEOUT_SECONDS)
        return predict(self, run_id, texts, **options)

    monkeypatch.setattr(TrainedModels, "predict", slowly)
    long = server.client.submit(run, ["long"], api_name="/predict")
    assert started.wait(TIMEOUT_SECONDS)
    assert server.client.predict(run, ["happy laugh"], api_name="/predict")["results"][0]["label"] == "joy"
    released.set()
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
    n_runs = len(workspace.library.runs())
    (tmp_path / "bad.csv").write_text(content)
    assert expected in refusal(lambda: server.client.predict(handle_file(tmp_path / "bad.csv"), None, None, RECIPE, api_name="/start"))
    assert len(workspace.library.runs()) == n_runs


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-1", "null"])
def test_a_number_that_json_does_not_know_starts_nothing(server: Server, small_csv: Path, value: str) -> None:
    workspace = server.studio.for_owner("local")
    n_runs = len(workspace.library.runs())
    uploaded = json.dumps({"path": server.upload(small_csv), "meta": {"_type": "gradio.FileData"}})
    response = server.post("start", f'{{"data": [{uploaded}, null, null, {{"encoder": "tiny-bert", "max_length": {value}}}, null]}}')
    assert "event: error" in response, response
    assert "Maximum length" in response
    assert len(workspace.library.runs()) == n_runs


@pytest.mark.parametrize(("endpoint", "where"), [("inspect", 0), ("inspect", 1), ("start", 0), ("start", 1), ("start", 2)])
def test_half_a_character_in_a_name_is_a_sentence(server: Server, small_csv: Path, endpoint: str, where: int) -> None:
    workspace = server.studio.for_owner("local")
    n_runs = len(workspace.library.runs())
    values = ["null", "null", '{"encoder": "tiny-bert"}']
    values[where] = ['"text \\ud800"', '"mood \\ud83d"', '{"encoder": "tiny \\udc00"}'][where]
    if endpoint == "inspect":
        values = values[:2]
    uploaded = json.dumps({"path": server.upload(small_csv), "meta": {"_type": "gradio.FileData"}})
    response = server.post(endpoint, f'{{"data": [{uploaded}, {", ".join(values)}, null]}}')
    assert "event: error" in response, response
    assert "half a character" in response
    assert len(workspace.library.runs()) == n_runs


def test_what_the_page_refuses_the_api_refuses_with_a_code(server: Server, tmp_path: Path) -> None:
    workspace = server.studio.for_owner("local")
    rows = small_rows(60)
    path = write_rows(tmp_path / "messy.csv", [*rows[:-1], (rows[-1][0], rows[-1][1].upper())])
    n_runs = len(workspace.library.runs())
    with pytest.raises(AppError, match="only in how they are written") as refused:
        server.client.predict(handle_file(path), None, None, RECIPE, api_name="/start")
    assert refused.value.title == "must_fix"
    assert "as_it_is" in str(refused.value)
    assert len(workspace.library.runs()) == n_runs
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
    n_runs = len(workspace.library.runs())
    file = {"path": str(secret)} | ({"meta": {"_type": "gradio.FileData"}} if meta else {})
    response = server.post(endpoint, json.dumps({"data": [file, None, None, *([RECIPE] if endpoint == "start" else []), None]}))
    assert "event: complete" not in response, response
    assert "rows_seen" not in response
    assert len(workspace.library.runs()) == n_runs


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


@pytest.mark.parametrize(
    ("endpoint", "data", "code", "status"),
    [
        ("progress", ["5eed" * 8], "unknown_run", 404),
        ("predict", ["5eed" * 8, "one text"], "not_texts", 422),
        ("progress", [], "wrong_values", 422),
        ("progress", [["many"]], "unknown_run", 404),
    ],
)
def test_a_direct_call_that_is_refused_has_the_status_of_its_error(
    server: Server, endpoint: str, data: list, code: str, status: int
) -> None:
    response = httpx.post(f"{server.address}gradio_api/run/{endpoint}", json={"data": data})
    assert (response.status_code, response.json()["title"]) == (status, code)


def test_one_request_brings_one_file_and_leaves_nothing_where_it_brings_more(server: Server) -> None:
    folder = Path(get_upload_folder())
    files = sorted(folder.rglob("*"))
    response = httpx.post(f"{server.address}gradio_api/upload", files=[("files", (f"{n}.csv", b"a,b\n" * n)) for n in range(1000)])
    assert (response.status_code, response.text) == (413, "These are too many files at once; send at most 1.")
    response = httpx.post(f"{server.address}gradio_api/upload", files={"another": ("x.csv", b"a,b\n")})
    assert response.status_code == 200
    # A refused request is answered before its last temporary file is removed.
    for _ in range(2_000):
        if sorted(folder.rglob("*")) == files:
            break
        time.sleep(0.05)
    assert sorted(folder.rglob("*")) == files


@pytest.mark.parametrize(
    "path", ["monitoring", "gradio_api/component_server", "gradio_api/proxy=http://127.0.0.1", "gradio_api/startup-events"]
)
def test_what_the_page_does_not_use_is_closed(server: Server, path: str) -> None:
    assert httpx.get(server.address + path).json()["code"] == "not_here"
