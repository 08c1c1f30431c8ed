"""The sessions of gradio belong to their owners: the hash that one visitor names never leads to what another has under the same hash."""

import json
from urllib.parse import parse_qs

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from tests.security.client import ask
from trainer.security.sessions import SessionMiddleware
from trainer.security.visitors import name_owner

API = "/gradio_api"


async def gradio(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with what gradio would read."""
    request = Request(scope, receive)
    body = await request.body()
    read = {"path": scope["path"], "query": parse_qs(scope["query_string"].decode()), "body": body.decode("latin-1"), "size": len(body)}
    read["length"] = request.headers.get("content-length")
    await JSONResponse(read)(scope, receive, send)


@pytest.fixture
def app() -> SessionMiddleware:
    return sessions()


def sessions() -> SessionMiddleware:
    return SessionMiddleware(gradio, path=API, upload_path=f"{API}/upload", owns_call=lambda owner, event: event == f"of-{owner}")


def ask_as(owner: str, app: SessionMiddleware, method: str, path: str, **options: object) -> dict:
    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        name_owner(scope, owner)
        await app(scope, receive, send)

    response: httpx.Response = ask(named, method, path, **options)
    return response.json()


def session_of(owner: str, app: SessionMiddleware, how: str, name: str) -> str:
    """Under which name gradio keeps the session that a request names."""
    if how == "heartbeat":
        return ask_as(owner, app, "GET", f"{API}/heartbeat/{name}")["path"].rsplit("/", 1)[1]
    if how in ("session_hash", "upload_id"):
        path = f"{API}/queue/data" if how == "session_hash" else f"{API}/upload_progress"
        return ask_as(owner, app, "GET", path, params={how: name, "other": "kept"})["query"][how][0]
    body = json.dumps({"data": ["x", 1.5, None], "session_hash": name}).encode()
    return json.loads(ask_as(owner, app, "POST", f"{API}/{how}", content=body)["body"])["session_hash"]


HOW = ("heartbeat", "session_hash", "queue/join", "run/predict", "api/predict", "call/start", "cancel", "reset")


@pytest.mark.parametrize("name", ["abc123", "", "half a \ud83d", "x" * 10_000, "a b&c=d"])
def test_the_same_hash_is_one_session_for_its_owner_and_another_for_everybody_else(app: SessionMiddleware, name: str) -> None:
    ways = [how for how in HOW if how == "queue/join" or ("\ud83d" not in name and name)]
    assert len({session_of("ada", app, how, name) for how in ways}) == 1
    own, others = session_of("ada", app, "queue/join", name), session_of("bob", app, "queue/join", name)
    assert own != others
    assert name not in (own, others)
    # Nor does the name under which gradio keeps it lead there, whoever knows it.
    assert own not in (session_of(owner, app, how, own) for owner in ("ada", "bob") for how in ("heartbeat", "session_hash", "cancel"))


def test_nobody_can_compute_the_name_of_a_session(app: SessionMiddleware) -> None:
    other_server = sessions()
    assert session_of("ada", app, "cancel", "abc") != session_of("ada", other_server, "cancel", "abc")


def test_a_call_is_read_and_cancelled_by_its_owner_only(app: SessionMiddleware) -> None:
    for path in ("call/start", "call/v2/start"):
        assert ask_as("ada", app, "GET", f"{API}/{path}/of-ada")["path"] == f"{API}/{path}/of-ada"
        foreign, unknown = (ask_as("bob", app, "GET", f"{API}/{path}/{event}") for event in ("of-ada", "nothing"))
        assert foreign == unknown
        assert "of-ada" not in str(foreign)
    for path in ("cancel", "reset", "queue/join"):
        own, foreign = (
            json.loads(ask_as(owner, app, "POST", f"{API}/{path}", content=b'{"event_id": "of-ada"}')["body"]) for owner in ("ada", "bob")
        )
        assert own == {"event_id": "of-ada"}
        assert foreign == {"event_id": "0" * 32}


def test_the_progress_of_an_upload_is_told_to_its_sender_only(app: SessionMiddleware) -> None:
    sent = ask_as("ada", app, "POST", f"{API}/upload?upload_id=u1", files={"files": ("a.csv", b'{"session_hash": "kept"}')})
    assert "kept" in sent["body"]
    assert sent["query"]["upload_id"][0] == session_of("ada", app, "upload_id", "u1") != session_of("bob", app, "upload_id", "u1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[1, 2]",
        b'{"data": []}',
        b'{"session_hash": null, "data": []}',
        b'{"session_hash": 7}',
        b"{",
        b"\xff\xfe",
        b"[" * 200_000,
        b"NaN",
    ],
)
def test_what_names_no_session_is_left_as_it_is(app: SessionMiddleware, body: bytes) -> None:
    read = ask_as("ada", app, "POST", f"{API}/run/predict", content=body)
    assert read["body"].encode("latin-1") == body


@pytest.mark.parametrize(
    "body",
    [
        b'{"session\\u005fhash": "abc"}',
        b'{"session_hash": "x", "session_hash": "abc"}',
        '{"session_hash": "abc"}'.encode("utf-16"),
        b'\n {"data": [NaN], "session_hash": "abc"} ',
    ],
)
def test_no_spelling_gets_around_it(app: SessionMiddleware, body: bytes) -> None:
    read = ask_as("ada", app, "POST", f"{API}/queue/join", content=body, headers={"content-type": "application/json"})
    assert json.loads(read["body"])["session_hash"] == session_of("ada", app, "queue/join", "abc")
    assert read["length"] == str(read["size"])


def test_other_values_arrive_as_they_were_sent(app: SessionMiddleware) -> None:
    data = {"data": ["Grüße \ud83d", 0.1, 10**30, {"a": [True, None]}], "session_hash": "abc", "fn_index": 3}
    read = json.loads(ask_as("ada", app, "POST", f"{API}/run/predict", content=json.dumps(data).encode())["body"])
    assert read | {"session_hash": "abc"} == data
    assert ask_as("ada", app, "GET", f"{API}/queue/data", params={"session_hash": "abc", "other": "kept"})["query"]["other"] == ["kept"]


def test_paths_of_the_page_itself_are_not_touched(app: SessionMiddleware) -> None:
    assert ask_as("ada", app, "GET", "/shared/x", params={"session_hash": "abc"})["query"]["session_hash"] == ["abc"]
    assert ask_as("ada", app, "POST", "/shared/x", json={"session_hash": "abc"})["body"] == '{"session_hash":"abc"}'
