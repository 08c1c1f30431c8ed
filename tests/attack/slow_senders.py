"""Slow senders: connections that say nothing, headers and bodies that trickle. All are put out, and others are served meanwhile."""

import selectors
import socket
import time
from dataclasses import dataclass

import httpx

from tests.attack.outcomes import Bounds, Outcome
from tests.attack.served import PATIENCE, Served, serving

CONNECTIONS = 200
_TICK_SECONDS = 0.25


@dataclass(frozen=True)
class _Kind:
    """What is sent at once, and what then comes piece by piece."""

    name: str
    first: bytes
    then: bytes


_HOST = b"Host: 127.0.0.1\r\n"
_JSON = b"Content-Type: application/json\r\n"
_FORM = b"Content-Type: multipart/form-data; boundary=B\r\n"
_PART = b'--B\r\nContent-Disposition: form-data; name="files"; filename="x.csv"\r\n\r\n'
KINDS = (
    _Kind("nothing", b"", b""),
    _Kind("half a line", b"GET / HT", b""),
    _Kind("headers that trickle", b"GET / HTTP/1.1\r\n" + _HOST, b"X: y\r\n"),
    _Kind("one header that never ends", b"GET / HTTP/1.1\r\n" + _HOST + b"X: ", b"y"),
    _Kind("a body that does not come", b"POST /gradio_api/run/predict HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: 1000\r\n\r\n", b""),
    _Kind("a body that trickles", b"POST /gradio_api/run/predict HTTP/1.1\r\n" + _HOST + _JSON + b"Content-Length: 1000000\r\n\r\n", b" "),
    _Kind(
        "chunks that trickle",
        b"POST /gradio_api/queue/join HTTP/1.1\r\n" + _HOST + _JSON + b"Transfer-Encoding: chunked\r\n\r\n",
        b"1\r\n \r\n",
    ),
    _Kind(
        "an upload that trickles",
        b"POST /gradio_api/upload HTTP/1.1\r\n" + _HOST + _FORM + b"Content-Length: 1000000\r\n\r\n" + _PART,
        b"x",
    ),
    _Kind("a body that nobody reads", b"GET /theme.css HTTP/1.1\r\n" + _HOST + b"Content-Length: 1000000\r\n\r\n", b"x"),
)


def attack(bounds: Bounds) -> Outcome:
    with serving() as served:
        return attacked(bounds, served)


def attacked(bounds: Bounds, served: Served) -> Outcome:
    """So many connections at once, of each kind alike."""
    found, watch = Outcome(), selectors.DefaultSelector()
    begun = time.monotonic()
    for number in range(bounds.of(CONNECTIONS)):
        kind = KINDS[number % len(KINDS)]
        connection = socket.create_connection(("127.0.0.1", served.port), timeout=PATIENCE)
        connection.sendall(kind.first)
        connection.setblocking(False)
        watch.register(connection, selectors.EVENT_READ, kind)
        found.tries += 1
    longest, times = 0.0, []
    while watch.get_map() and time.monotonic() - begun < PATIENCE:
        for key in [key for key in watch.get_map().values() if not _goes_on(key.fileobj, key.data)]:
            watch.unregister(key.fileobj)
            key.fileobj.close()
            longest = time.monotonic() - begun
        times.append(_page_seconds(served, found))
        time.sleep(_TICK_SECONDS)
    for key in list(watch.get_map().values()):
        found.effects.append(f"still open after {PATIENCE:.0f} s: {key.data.name}")
        key.fileobj.close()
    strays = [path.name for path in served.uploads if path.parent.name == "uploads"]
    found.effects += [f"half an upload stayed: {name}" for name in strays]
    found.effects += served.complaints()
    found.figures = {
        "all closed after s": round(longest, 1),
        "p95 of the page in ms": round(1000 * sorted(times)[int(0.95 * (len(times) - 1))]),
    }
    return found


def _goes_on(connection: socket.socket, kind: _Kind) -> bool:
    """Send another piece; whether the connection is still open."""
    try:
        if kind.then:
            connection.send(kind.then)
        while piece := connection.recv(65_536):
            if b"connection: close" in piece.lower():
                return False
        return False
    except BlockingIOError:
        return True
    except OSError:
        return False


def _page_seconds(served: Served, found: Outcome) -> float:
    begun = time.monotonic()
    try:
        if httpx.get(f"{served.address}/theme.css", timeout=PATIENCE).status_code != 200:
            found.effects.append("the page was refused to somebody else")
    except httpx.TransportError as error:
        found.effects.append(f"the page did not answer somebody else: {error!r}")
    return time.monotonic() - begun
