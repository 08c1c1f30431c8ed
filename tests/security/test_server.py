"""Connections that send headers slowly or never read their response are closed, and others are served meanwhile."""

import logging
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress

import httpx
import pytest
from starlette.formparsers import MultiPartException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from tests.addresses import TIMEOUT_SECONDS
from tests.security.client import echo
from trainer.security.connections import LimitedH11Protocol
from trainer.security.server import WebServer, bind_port

GIVEN_UP = threading.Event()
"""The long answer has come to an end, as nobody took it off."""


class FewConnections(LimitedH11Protocol):
    header_seconds, response_seconds, max_connections = TIMEOUT_SECONDS, 0.3, 8


@pytest.fixture(scope="module")
def address() -> Iterator[tuple[str, int]]:
    async def app(scope, receive, send) -> None:
        if scope["type"] == "http" and scope["path"] == "/much":
            # More than all buffers on the way hold.
            await StreamingResponse(b"x" * 1_000_000 for _ in range(100))(scope, receive, send)
            GIVEN_UP.set()
        elif scope["type"] == "http" and scope["path"] == "/form":
            with suppress(MultiPartException):
                await Request(scope, receive).form()
            await Response()(scope, receive, send)
        elif scope["type"] == "http":
            await echo(scope, receive, send)
        else:
            while (await receive())["type"] != "lifespan.shutdown":
                await send({"type": "lifespan.startup.complete"})
            await send({"type": "lifespan.shutdown.complete"})

    listener = bind_port("127.0.0.1", 0)
    server = WebServer(app, listener, connection=FewConnections)
    server.start()
    yield listener.getsockname()
    server.close()


@pytest.fixture
def connect(address: tuple[str, int]) -> Iterator[Callable[[], socket.socket]]:
    opened: list[socket.socket] = []

    def open_one() -> socket.socket:
        opened.append(socket.create_connection(address, timeout=TIMEOUT_SECONDS))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


@pytest.fixture
def short_of_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on, headers have a moment to come. Before, a request that has to be answered has all the time that a busy machine needs."""
    return lambda: monkeypatch.setattr(FewConnections, "header_seconds", 0.3)


def is_closed(connection: socket.socket) -> bool:
    """Waits until the other side has ended it."""
    try:
        return connection.recv(1) == b""
    except ConnectionResetError:
        return True


def test_the_answer_does_not_say_what_serves_it(address: tuple[str, int]) -> None:
    response = httpx.get("http://{}:{}/".format(*address))
    assert "server" not in response.headers
    assert "date" in response.headers


def test_a_connection_that_says_nothing_is_put_out(connect: Callable[[], socket.socket], short_of_time: Callable[[], None]) -> None:
    short_of_time()
    assert is_closed(connect())


def test_headers_that_trickle_are_put_out_though_bytes_keep_coming(
    connect: Callable[[], socket.socket], short_of_time: Callable[[], None]
) -> None:
    short_of_time()
    slow = connect()
    slow.settimeout(0.05)
    with suppress(OSError):  # put out already, before this process had its turn
        slow.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n")

    def trickle() -> bool:
        """Whether it has been put out."""
        try:
            slow.sendall(b"x: y\r\n")
            return is_closed(slow)
        except TimeoutError:
            return False
        except OSError:
            return True

    assert any(trickle() for _ in range(round(TIMEOUT_SECONDS / 0.05)))


def test_bytes_after_an_answer_that_are_no_request_are_put_out(
    connect: Callable[[], socket.socket], short_of_time: Callable[[], None]
) -> None:
    kept = connect()
    kept.sendall(b"GET / HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    response = b""
    while not response.endswith(b"}"):
        received = kept.recv(65_536)
        assert received, response
        response += received
    short_of_time()
    kept.sendall(b"GET / HT")
    assert is_closed(kept)


def test_whoever_does_not_take_its_answer_off_is_put_out(connect: Callable[[], socket.socket]) -> None:
    GIVEN_UP.clear()
    lazy = connect()
    lazy.sendall(b"GET /much HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n")
    assert GIVEN_UP.wait(TIMEOUT_SECONDS)


def test_of_too_many_connections_the_one_that_has_waited_longest_goes(
    connect: Callable[[], socket.socket], address: tuple[str, int]
) -> None:
    first = connect()
    others = [connect() for _ in range(FewConnections.max_connections + 2)]
    assert is_closed(first)
    assert httpx.get("http://{}:{}/".format(*address)).status_code == 200
    assert len(others) > FewConnections.max_connections


def test_a_form_that_is_none_leaves_nothing_of_it_in_the_log(address: tuple[str, int], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        url, headers = f"http://{address[0]}:{address[1]}/form", {"content-type": "multipart/form-data; boundary=b"}
        assert httpx.post(url, content=b"z of somebody's text", headers=headers).status_code == 200
    # Other tests of this process may have left threads that write.
    assert [record for record in caplog.records if record.threadName == "web-server"] == []
