"""Bodies that are too large or too slow are refused while they come in, and nothing of them stays."""

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from tests.security.client import RESPONSE, ask, ask_async, echo, failing_app, run
from trainer.security.middleware import ClosedPathsMiddleware
from trainer.security.request_body_limit import BodyLimitMiddleware, BodyTimeouts
from trainer.security.server_errors import ErrorMiddleware
from trainer.security.upload_limit import UploadLimitMiddleware

SHORT_TIMEOUTS = BodyTimeouts(max_pause=0.05, base_seconds=0.2, bytes_per_second=1e6)


def limited_app(limit: int = 100, timeouts: BodyTimeouts | None = None) -> BodyLimitMiddleware:
    return BodyLimitMiddleware(echo, limit=limit, limits={"/upload": 1000}, timeouts=timeouts or BodyTimeouts())


def test_a_body_that_says_it_is_too_large_is_not_read() -> None:
    response = ask(limited_app(), "POST", "/run", content=b"x" * 101)
    assert response.status_code == 413
    assert response.json()["code"] == "too_large"
    assert response.headers["connection"] == "close"
    assert ask(limited_app(), "POST", "/run", content=b"x" * 100).json()["bytes"] == 100
    assert ask(limited_app(), "POST", "/upload", content=b"x" * 1000).json()["bytes"] == 1000
    assert ask(limited_app(), "POST", "/upload", content=b"x" * 1001).text.startswith("This is more than one request may bring")


@pytest.mark.parametrize("length", ["-1", "1e3", "100000000000000000000", "0x10", "12 12"])
def test_a_length_that_is_none_is_refused(length: str) -> None:
    assert ask(limited_app(), "POST", "/run", content=b"x", headers={"content-length": length}).status_code == 413


async def _pieces(n: int, size: int, pause: float = 0.0) -> AsyncIterator[bytes]:
    for _ in range(n):
        await asyncio.sleep(pause)
        yield b"x" * size


def test_an_endless_body_is_refused_where_it_is_too_large() -> None:
    response = run(ask_async(limited_app(), "POST", "/run", content=_pieces(1_000_000, 30)))
    assert (response.status_code, response.json()["code"]) == (413, "too_large")


def test_a_body_that_stops_coming_is_given_up() -> None:
    response = run(ask_async(limited_app(timeouts=SHORT_TIMEOUTS), "POST", "/run", content=_pieces(2, 1, pause=30.0)))
    assert (response.status_code, response.json()["code"]) == (408, "too_slow")


def test_a_body_that_trickles_is_given_up() -> None:
    response = run(
        ask_async(
            limited_app(timeouts=BodyTimeouts(max_pause=30.0, base_seconds=0.2, bytes_per_second=1e6)),
            "POST",
            "/run",
            content=_pieces(1_000_000, 1, pause=0.01),
        )
    )
    assert (response.status_code, response.json()["code"]) == (408, "too_slow")


def test_an_answer_that_takes_its_time_is_waited_for() -> None:
    async def thoughtful(scope, receive, send) -> None:
        while (await receive())["more_body"]:
            pass
        gone = asyncio.ensure_future(receive())
        await asyncio.sleep(0.5)
        assert not gone.done()
        gone.cancel()
        await RESPONSE(scope, receive, send)

    app = BodyLimitMiddleware(thoughtful, limit=100, limits={}, timeouts=BodyTimeouts(max_pause=0.2))
    assert ask(app, "POST", "/run", content=b"x").text == "here"


def test_what_nobody_caught_is_a_sentence_and_the_log_has_the_place_without_the_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        response = ask(ErrorMiddleware(failing_app), "POST", "/run", content="my secret text")
    assert response.status_code == 500
    assert response.json()["code"] == "unexpected"
    assert "ValueError in client.py" in caplog.text
    assert "secret" not in caplog.text + response.text
    assert "Traceback" not in caplog.text


def test_a_stream_that_refuses_its_caller_after_its_beginning_ends_and_nothing_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    async def stream(request: Request) -> Response:
        async def pieces() -> AsyncIterator[str]:
            yield "no such session"
            raise HTTPException(404)

        return StreamingResponse(pieces())

    response = ask(ErrorMiddleware(Starlette(routes=[Route("/data", stream)])), path="/data")
    assert response.text == "no such session"
    assert caplog.text == ""


def test_closed_paths_have_nothing() -> None:
    app = ClosedPathsMiddleware(echo, ("/monitoring", "/gradio_api/proxy="))
    for path in ("/monitoring", "/monitoring/summary", "/gradio_api/proxy=http://127.0.0.1"):
        assert ask(app, path=path).status_code == 404
    assert ask(app, path="/gradio_api/upload").status_code == 200


# Uploads


def uploads(folder: Path, *, max_bytes: int = 10_000, app=echo) -> UploadLimitMiddleware:
    return UploadLimitMiddleware(app, path="/upload", folder=folder, max_files=2, max_bytes=max_bytes, max_request_bytes=5_000)


def form(n_files: int, size: int = 10) -> dict:
    return {"files": [("files", (f"{n_files}.csv", b"x" * size)) for n_files in range(n_files)]}


def test_more_files_than_allowed_in_one_upload_are_refused(tmp_path: Path) -> None:
    assert ask(uploads(tmp_path), "POST", "/upload", **form(2)).status_code == 200
    response = ask(uploads(tmp_path), "POST", "/upload", **form(3))
    assert (response.status_code, response.text) == (413, "These are too many files at once; send at most 2.")
    assert ask(uploads(tmp_path, max_bytes=10**9), "POST", "/upload", **form(1000)).status_code == 413
    assert ask(uploads(tmp_path), "POST", "/elsewhere", **form(3)).status_code == 200


@pytest.mark.parametrize("size", [1, 2, 3, 7])
def test_files_are_counted_however_the_bytes_are_cut(tmp_path: Path, size: int) -> None:
    part = b'--B\r\ncontent-disposition: form-data; name="files"; filename="a"\r\n\r\n-----B\r\n'
    whole = part * 2 + b"--B--\r\n"

    async def cut() -> AsyncIterator[bytes]:
        for at in range(0, len(whole), size):
            yield whole[at : at + size]

    headers = {"content-type": "multipart/form-data; boundary=B"}
    # A mark in the content counts too: whoever writes one into a file may bring fewer of them.
    response = run(ask_async(uploads(tmp_path), "POST", "/upload", content=cut(), headers=headers))
    assert response.status_code == 413


def test_the_oldest_uploads_go_first_and_what_has_just_come_stays(tmp_path: Path) -> None:
    import os
    import time

    now = time.time()
    for name, age in (("a/old.csv", 5000), ("b/older.csv", 9000), ("c/new.csv", 10)):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(b"x" * 3000)
        os.utime(tmp_path / name, (now - age, now - age))
    assert ask(uploads(tmp_path), "POST", "/upload", **form(1, 2500)).status_code == 200
    assert sorted(p.name for p in tmp_path.rglob("*.csv")) == ["new.csv", "old.csv"]
    response = ask(uploads(tmp_path, max_bytes=3500), "POST", "/upload", **form(1, 2500))
    assert (response.status_code, "Try again in ten minutes" in response.text) == (507, True)
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["c", "new.csv"]


def test_what_was_broken_off_leaves_nothing(tmp_path: Path) -> None:
    async def half(scope, receive, send) -> None:
        (tmp_path / "tmpabc").write_bytes(b"half of a file")
        raise ConnectionError

    with pytest.raises(ConnectionError):
        ask(uploads(tmp_path, app=half), "POST", "/upload", **form(1))
    assert list(tmp_path.iterdir()) == []


def test_one_visitor_s_uploads_leave_room_for_those_of_others(tmp_path: Path) -> None:
    limited = UploadLimitMiddleware(
        echo,
        path="/upload",
        folder=tmp_path,
        max_files=1,
        max_bytes=10_000,
        max_request_bytes=5_000,
        owner=lambda scope: scope["query_string"],
    )

    def upload(owner: str, size: int) -> httpx.Response:
        return ask(limited, "POST", "/upload", params=owner, **form(1, size))

    assert [upload(owner, 1_000).status_code for owner in ("ada", "ada", "bob")] == [200, 200, 200]
    refused = upload("ada", 1_000)
    assert refused.status_code == 507
    assert refused.text.startswith("You have sent so much in the last minutes")
    assert upload("bob", 1_000).status_code == 200
    # One file may be larger than that share.
    assert upload("cleo", 4_000).status_code == 200
