"""Limits connections: the time for headers, the time for reading a response, and the number of connections.

request_body_limit.py limits the time for a body, which depends on its size.
"""

import asyncio
import time
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_TIMEOUT = 10.0
"""Seconds from the opening of a connection, or the first byte after a response, until the headers are complete."""

RESPONSE_TIMEOUT = 120.0
"""Seconds in which the client reads no byte of a response."""

MAX_CONNECTIONS = 400
"""An open page holds two or three; a process may have 1,024 files open on most systems."""


class LimitedH11Protocol(H11Protocol):
    """A connection of uvicorn with timeouts, and a limit for the number of connections."""

    header_seconds, response_seconds, max_connections = HEADER_TIMEOUT, RESPONSE_TIMEOUT, MAX_CONNECTIONS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._header_timer: asyncio.TimerHandle | None = None
        self._response_timer: asyncio.TimerHandle | None = None
        self._idle_since = time.monotonic()

    @property
    def _idle(self) -> bool:
        """Whether no request is in progress."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._update_header_timer()
        if len(self.connections) > self.max_connections:
            self._close_idle()

    def _close_idle(self) -> None:
        """Close the connection that has been idle for longest, possibly this one."""
        idle = [
            connection
            for connection in self.connections
            if isinstance(connection, LimitedH11Protocol) and connection._idle and not connection.transport.is_closing()
        ]
        min(idle, key=lambda connection: connection._idle_since, default=self).transport.abort()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._update_header_timer()

    def on_response_complete(self) -> None:
        self._idle_since = time.monotonic()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in (self._header_timer, self._response_timer):
            if timer is not None:
                timer.cancel()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        super().pause_writing()
        self._response_timer = self.loop.call_later(self.response_seconds, self._abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._response_timer is not None:
            self._response_timer.cancel()
            self._response_timer = None

    def _update_header_timer(self) -> None:
        """Start the timer for headers if no request is in progress; further bytes do not restart it."""
        if not self._idle:
            if self._header_timer is not None:
                self._header_timer.cancel()
                self._header_timer = None
        elif self._header_timer is None:
            self._header_timer = self.loop.call_later(self.header_seconds, self._abort_if_idle)

    def _abort_if_idle(self) -> None:
        self._header_timer = None
        if self._idle:
            self._abort()

    def _abort(self) -> None:
        if not self.transport.is_closing():
            self.transport.abort()
