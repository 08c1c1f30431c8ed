"""Limits the size and duration of request bodies; a body beyond them is refused while it is still coming in.

connections.py limits the time for headers and the number of connections.
"""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.security.refusals import Refusal, call_unless_refused, refuse

_MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class BodyTimeouts:
    """For a body: at most ``max_pause`` seconds without a byte, and in total ``base_seconds`` plus one second per ``bytes_per_second`` received bytes."""

    max_pause: float = 20.0
    base_seconds: float = 20.0
    bytes_per_second: float = 1024.0


class BodyLimitMiddleware:
    """Limits every body in bytes: for the paths in ``limits`` to their limit, for all others to ``limit``."""

    def __init__(self, app: ASGIApp, *, limit: int, limits: Mapping[str, int], timeouts: BodyTimeouts) -> None:
        self._app, self._limit, self._limits, self._timeouts = app, limit, limits, timeouts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers()
        if not ("content-length" in headers or "transfer-encoding" in headers):
            await self._app(scope, receive, send)
            return
        limit = self._limits.get(scope["path"].rstrip("/"), self._limit)
        reader = _Reader(receive, limit, self._timeouts)
        content_length = headers.get("content-length", "0")
        if not content_length.isdecimal() or int(content_length) > limit:
            await reader.drain()
            await refuse(scope, receive, send, _too_large(limit), close=True)
            return
        await call_unless_refused(self._app, scope, reader.receive, send, lambda: reader.refused)


class _Reader:
    """Passes a body on, message by message, until it is too large or too slow. Only the time spent waiting for the sender counts."""

    def __init__(self, receive: Receive, limit: int, timeouts: BodyTimeouts) -> None:
        self._receive, self._limit, self._timeouts = receive, limit, timeouts
        self._waited, self._bytes, self._is_complete = 0.0, 0, False
        self.refused: Refusal | None = None

    async def receive(self) -> Message:
        if self.refused is not None:
            return {"type": "http.disconnect"}
        # After the complete body, the next message is the disconnect of its sender.
        if self._is_complete:
            return await self._receive()
        start = time.monotonic()
        try:
            left = self._timeouts.base_seconds + self._bytes / self._timeouts.bytes_per_second - self._waited
            message = await asyncio.wait_for(self._receive(), min(self._timeouts.max_pause, left))
        except TimeoutError:
            self.refused = Refusal("The request came in too slowly and was given up. Send it again.", "too_slow")
            return {"type": "http.disconnect"}
        self._waited += time.monotonic() - start
        if message["type"] == "http.request":
            self._bytes += len(message.get("body", b""))
            self._is_complete = not message.get("more_body", False)
            if self._bytes > self._limit:
                self.refused = _too_large(self._limit)
                return {"type": "http.disconnect"}
        return message

    async def drain(self) -> None:
        """Read a little more, so that a sender that is still sending receives the response."""

        async def read() -> None:
            n_bytes = 0
            while n_bytes < 4 * self._limit:
                message = await self._receive()
                n_bytes += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return

        try:
            await asyncio.wait_for(read(), 5)
        except TimeoutError:
            return


def _too_large(limit: int) -> Refusal:
    size = f"{limit // _MEGABYTE} MB" if limit >= _MEGABYTE else f"{limit:,} bytes"
    return Refusal(f"This is more than one request may bring ({size}). Send a smaller file, or fewer texts at once.", "too_large")
