"""Slow senders: silent connections, headers and bodies that trickle in. All must be disconnected, and others served meanwhile."""

import selectors
import socket
import time
from dataclasses import dataclass

import httpx

from tests.attack.outcomes import AttackOptions, Outcome
from tests.attack.target_server import TIMEOUT_SECONDS, TargetServer, running_server

CONNECTIONS = 200
_TICK_SECONDS = 0.25


@dataclass(frozen=True)
class _Sender:
    """``first`` is sent at once, ``then`` again and again."""

    name: str
    first: bytes
    then: bytes


_HOST = b"Host: 127.0.0.1\r\n"
_JSON = b"Content-Type: application/json\r\n"
_FORM = b"Content-Type: multipart/form-data; boundary=B\r\n"
_PART = b'--B\r\nContent-Disposition: form-data; name="files"; filename="x.csv"\r\n\r\n'
SENDERS = (
    _Sender("nothing", b"", b""),
    _Sender("half a line", b"GET / HT", b""),
    _Sender("headers that trickle", b"GET / HTTP/1.1\r\n" + _HOST, b"X: y\r\n"),
    _Sender("one header that never ends", b"GET / HTTP/1.1\r\n" + _HOST + b"X: ", b"y"),
    _Sender(
        "a body that is never sent", b"POST /gradio_api/run/predict HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: 1000\r\n\r\n", b""
    ),
    _Sender(
        "a body that trickles", b"POST /gradio_api/run/predict HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: 1000000\r\n\r\n", b" "
    ),
    _Sender(
        "chunks that trickle",
        b"POST /gradio_api/queue/join HTTP/1.1\r\n" + _HOST + _JSON + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1\r\n \r\n",
    ),
    _Sender(
        "an upload that trickles",
        b"POST /gradio_api/upload HTTP/1.1\r\n" + _HOST + _FORM + b"Content-Length: 1000000\r\n\r\n" + _PART,
        b"x",
    ),
    _Sender("a body that nobody reads", b"GET /theme.css HTTP/1.1\r\n" + _HOST + b"Content-Length: 1000000\r\n\r\n", b"x"),
)


def attack(options: AttackOptions) -> Outcome:
    with running_server() as server:
        return attack_server(options, server)


def attack_server(options: AttackOptions, server: TargetServer) -> Outcome:
    """Many connections at once, of all senders in turn."""
    outcome, selector = Outcome(), selectors.DefaultSelector()
    started = time.monotonic()
    for number in range(options.scaled(CONNECTIONS)):
        sender = SENDERS[number % len(SENDERS)]
        connection = socket.create_connection(("127.0.0.1", server.port), timeout=TIMEOUT_SECONDS)
        connection.sendall(sender.first)
        connection.setblocking(False)
        selector.register(connection, selectors.EVENT_READ, sender)
        outcome.tries += 1
    all_closed_after, page_times = 0.0, []
    while selector.get_map() and time.monotonic() - started < TIMEOUT_SECONDS:
        for key in [key for key in selector.get_map().values() if not _is_open(key.fileobj, key.data)]:
            selector.unregister(key.fileobj)
            key.fileobj.close()
            all_closed_after = time.monotonic() - started
        page_times.append(_page_seconds(server, outcome))
        time.sleep(_TICK_SECONDS)
    for key in list(selector.get_map().values()):
        outcome.effects.append(f"still open after {TIMEOUT_SECONDS:.0f} s: {key.data.name}")
        key.fileobj.close()
    # A connection is closed before the last file of its upload is removed.
    while (partial_uploads := _partial_uploads(server)) and time.monotonic() - started < 2 * TIMEOUT_SECONDS:
        time.sleep(_TICK_SECONDS)
    outcome.effects += [f"a partial upload was left behind: {name}" for name in partial_uploads]
    outcome.effects += server.problems()
    outcome.figures = {
        "all closed after s": round(all_closed_after, 1),
        "p95 of the page in ms": round(1000 * sorted(page_times)[int(0.95 * (len(page_times) - 1))]),
    }
    return outcome


def _partial_uploads(server: TargetServer) -> list[str]:
    return [path.name for path in server.uploads if path.parent.name == "uploads"]


def _is_open(connection: socket.socket, sender: _Sender) -> bool:
    """Send another piece; whether the connection is still open."""
    try:
        if sender.then:
            connection.send(sender.then)
        while received := connection.recv(65_536):
            if b"connection: close" in received.lower():
                return False
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def _page_seconds(server: TargetServer, outcome: Outcome) -> float:
    started = time.monotonic()
    try:
        if httpx.get(f"{server.address}/theme.css", timeout=TIMEOUT_SECONDS).status_code != 200:
            outcome.effects.append("the page was refused to another client")
    except httpx.TransportError as error:
        outcome.effects.append(f"the page did not answer another client: {error!r}")
    return time.monotonic() - started
