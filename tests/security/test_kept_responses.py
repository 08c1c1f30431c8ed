"""The page and its assets are asked of gradio once for each address and encoding; whatever else is asked for goes to gradio each time."""

import pytest
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.security.client import ask
from trainer.security import kept_responses
from trainer.security.kept_responses import KeptResponsesMiddleware


class Counting:
    """Responds with the host and the number of the request; ``headers`` and ``status`` are those of its responses."""

    def __init__(self, status: int = 200, headers: dict[str, str] | None = None, *, size: int = 0) -> None:
        self.n, self._status, self._headers, self._size = 0, status, headers or {}, size

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.n += 1
        text = f"{Request(scope).headers['host']} {self.n}{' ' * self._size}"
        pieces = (piece async for piece in _letters(text))
        response = StreamingResponse(pieces, self._status, {"x-own": "1", **self._headers}, media_type="text/plain")
        await response(scope, receive, send)


async def _letters(text: str):
    for start in range(0, len(text), 5):
        yield text[start : start + 5]


def adds_a_header(app: ASGIApp) -> ASGIApp:
    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def add(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("x-outer", "1")
            await send(message)

        await app(scope, receive, add)

    return wrapped


@pytest.mark.parametrize("path", ["/", "/assets/index-1.js"])
def test_a_second_request_gets_the_same_without_asking(path: str) -> None:
    app = Counting()
    kept = adds_a_header(KeptResponsesMiddleware(app))
    answers = [ask(kept, path=path) for _ in range(3)]
    assert [answer.text for answer in answers] == ["127.0.0.1:7860 1"] * 3
    assert {(answer.status_code, answer.headers["x-own"], answer.headers["x-outer"]) for answer in answers} == {(200, "1", "1")}
    assert app.n == 1


@pytest.mark.parametrize(
    "other",
    [
        {"host": "localhost:7860"},
        {"headers": {"accept-encoding": "br"}},
        {"path": "/assets/index-1.js", "headers": {"accept-encoding": "br"}},
        {"headers": {"x-forwarded-host": "example.org"}},
        {"headers": {"x-forwarded-proto": "https"}},
        {"headers": {"x-gradio-server": "https://example.org"}},
        {"path": "/assets/index-1.js"},
    ],
    ids=str,
)
def test_each_address_and_encoding_has_its_own(other: dict) -> None:
    app = Counting()
    kept = KeptResponsesMiddleware(app)
    first, second = ask(kept), ask(kept, **other)
    assert first.text != second.text
    assert (ask(kept).text, ask(kept, **other).text) == (first.text, second.text)
    assert app.n == 2


def test_browsers_that_take_gzip_get_one_page() -> None:
    app = Counting()
    kept = KeptResponsesMiddleware(app)
    answers = [ask(kept, headers={"accept-encoding": encodings}).text for encodings in ("gzip", "gzip, deflate", "gzip, deflate, br, zstd")]
    assert (len(set(answers)), app.n) == (1, 1)


@pytest.mark.parametrize(
    "asked",
    [
        {"method": "HEAD"},
        {"method": "POST"},
        {"path": "/?deep_link=1"},
        {"path": "/gradio_api/info"},
        {"path": "/theme.css"},
        {"headers": {"range": "bytes=0-1"}},
        {"headers": {"if-none-match": '"1"'}},
    ],
    ids=str,
)
def test_anything_else_is_asked_for_each_time(asked: dict) -> None:
    app = Counting()
    kept = KeptResponsesMiddleware(app)
    for _ in range(2):
        ask(kept, **asked)
    assert app.n == 2


@pytest.mark.parametrize(
    "app", [Counting(404), Counting(206), Counting(headers={"set-cookie": "a=b"})], ids=["missing", "a part", "with a cookie"]
)
def test_what_is_not_for_everybody_is_not_kept(app: Counting) -> None:
    kept = KeptResponsesMiddleware(app)
    assert ask(kept).text != ask(kept).text


def test_what_breaks_off_is_not_kept() -> None:
    asked: list[str] = []

    async def breaks_off(scope: Scope, receive: Receive, send: Send) -> None:
        asked.append(scope["path"])
        if len(asked) == 1:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"hal", "more_body": True})
            raise ConnectionAbortedError
        await PlainTextResponse("whole")(scope, receive, send)

    kept = KeptResponsesMiddleware(breaks_off)
    with pytest.raises(ConnectionAbortedError):
        ask(kept)
    assert [ask(kept).text for _ in range(2)] == ["whole", "whole"]
    assert len(asked) == 2


def test_no_more_than_some_bytes_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_responses, "_MAX_BYTES", 1_000)
    app = Counting(size=400)
    kept = KeptResponsesMiddleware(app)
    for name in "abca":
        ask(kept, path=f"/assets/{name}.js")
    assert app.n == 4  # the first was dropped for the third
    big = Counting(size=2_000)
    kept = KeptResponsesMiddleware(big)
    assert ask(kept).text != ask(kept).text
