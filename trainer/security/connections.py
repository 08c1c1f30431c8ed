"""Connections: a request's headers come within seconds, an answer is taken off within minutes, and there are not too many connections at once.

Not the time for a body, which depends on its size: ``body_limit.py`` has that.
"""

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIMEOUT = 10.0
"""From the first byte, or from the opening of a connection, until the headers are whole; as long may what nobody asked for keep coming in."""

RESPONSE_TIMEOUT = 120.0
"""Without a byte of an answer being taken off."""

MAX_CONNECTIONS = 400
"""An open page holds two or three; a process may have 1,024 files open on most systems."""


class LimitedH11Protocol(H11Protocol):
    """One connection of uvicorn's, with an end to its patience."""

    header_seconds, response_seconds, max_connections = HEADER_TIMEOUT, RESPONSE_TIMEOUT, MAX_CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._waits_for_headers: asyncio.TimerHandle | None = None
        self._waits_for_reader: asyncio.TimerHandle | None = None
        self._idle_since = time.monotonic()

    @property
    def _idle(self) -> bool:
        """Whether it has no request under way."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._look_at_headers()
        if len(self.connections) > self.max_connections:
            self._make_room()

    def _make_room(self) -> None:
        """End the connection that has been without a request for longest: be it this one."""
        idle = [one for one in self.connections if isinstance(one, LimitedH11Protocol) and one._idle and not one.transport.is_closing()]
        min(idle, key=lambda one: one._idle_since, default=self).transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._look_at_headers()

    def on_response_complete(self) -> None:
        self._idle_since = time.monotonic()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._waits_for_headers, self._waits_for_reader):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._waits_for_reader = self.loop.call_later(self.response_seconds, self._give_up)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._waits_for_reader is not None:
            self._waits_for_reader.cancel()
            self._waits_for_reader = None

    def _look_at_headers(self) -> None:
        """With bytes on their way and no request under way, the clock runs; more bytes do not set it back."""
        if not self._idle:
            if self._waits_for_headers is not None:
                self._waits_for_headers.cancel()
                self._waits_for_headers = None
        elif self._waits_for_headers is None:
            self._waits_for_headers = self.loop.call_later(self.header_seconds, self._give_up_headers)

    def _give_up_headers(self) -> None:
        self._waits_for_headers = None
        if self._idle:
            self._give_up()

    def _give_up(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()
