"""Responses that are the same for everybody, the page and gradio's scripts and styles, kept as they were first sent, compressed.

Gradio writes its page anew for each request, and compresses each of its eighty scripts anew: half of what opening a page costs the server, before
anything can be painted. Decides nothing about who may ask: that comes before.
"""

from collections.abc import Hashable
from dataclasses import dataclass

from cachetools import LRUCache
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_MAX_BYTES = 16 << 20
_ASSETS = "/assets/"
_ADDRESS_HEADERS = ("host", "x-forwarded-host", "x-forwarded-proto", "x-gradio-server")
"""Headers that a response depends on: the page contains its own address, as gradio finds it."""
_OTHER_HEADERS = ("range", "if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range")
"""Headers that ask for something else than the whole response."""


@dataclass(frozen=True)
class _Kept:
    start: Message
    body: bytes


class KeptResponsesMiddleware:
    """``app``: gradio's, whose page at "/" does not depend on who asks, and what it serves below "/assets/" never changes.

    At most 16 MB are kept; the least recently used response is dropped first.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._kept: LRUCache[Hashable, _Kept] = LRUCache(_MAX_BYTES, getsizeof=lambda kept: len(kept.body))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if key is None:
            return await self._app(scope, receive, send)
        kept = self._kept.get(key)
        if kept is None:
            recorder = _Recorder(send)
            await self._app(scope, receive, recorder)
            if (response := recorder.response()) is not None and len(response.body) <= _MAX_BYTES:
                self._kept[key] = response
            return None
        await send({**kept.start, "headers": list(kept.start["headers"])})
        await send({"type": "http.response.body", "body": kept.body})
        return None


def _key(scope: Scope) -> Hashable | None:
    """What the response depends on; None if it is not to be kept."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return None
    path = scope["path"]
    headers = Headers(scope=scope)
    if (path != "/" and not path.startswith(_ASSETS)) or any(name in headers for name in _OTHER_HEADERS):
        return None
    encodings = headers.get("accept-encoding", "")
    # The page is compressed by gzip or not at all, whatever else a browser takes.
    encoding = f"{'gzip' in encodings}" if path == "/" else encodings
    return (path, scope["scheme"], scope.get("root_path", ""), encoding, *(tuple(headers.getlist(name)) for name in _ADDRESS_HEADERS))


class _Recorder:
    """Sends messages on, and remembers them."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._start: Message | None = None
        self._parts: list[bytes] = []
        self._complete = False

    async def __call__(self, message: Message) -> None:
        kind = message["type"]
        if kind == "http.response.start":
            # Middleware adds headers to the message that is sent on.
            self._start = {**message, "headers": list(message.get("headers", ()))}
        elif kind == "http.response.body":
            self._parts.append(bytes(message.get("body", b"")))
            self._complete = not message.get("more_body", False)
        await self._send(message)

    def response(self) -> _Kept | None:
        """The whole response; None if it is not one for everybody."""
        if not self._complete or self._start is None or self._start["status"] != 200 or "set-cookie" in Headers(raw=self._start["headers"]):
            return None
        return _Kept(self._start, b"".join(self._parts))
