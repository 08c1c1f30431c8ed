"""Limits the number of files per upload and the size of all uploads together; the oldest are deleted first.

request_body_limit.py limits the size of one upload. The page's copies are only there to be opened; an opened file has its own copy.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from starlette.datastructures import Headers
from starlette.formparsers import parse_options_header
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.runs.disk_space import make_room, remove_files_in
from trainer.security.refusals import Refusal, call_unless_refused, refuse

RECENT_SECONDS = 600.0
"""Seconds for which an upload is kept: it is opened soon, but a call with it may have to wait in the queue."""
SHARE_OF_OWNER = 4
"""One owner, where owners are apart, may fill the fourth part of the room in that time."""

_OFF = Refusal("Uploads are switched off on this server at the moment. Try again later.", "uploads_off")
_NO_ROOM = Refusal(
    "So much has been uploaded in the last minutes that there is no room for more. Try again in ten minutes.", "uploads_full"
)
_NO_ROOM_OF_OWNER = Refusal(
    "You have sent so much in the last minutes that the room left is for others. Open what you have sent, and send more in ten minutes.",
    "uploads_full",
)


class UploadLimitMiddleware:
    """Guards one path to which files are posted as multipart forms; the app saves them in ``folder``. ``is_allowed``: whether any may be now;
    ``owner``: whose a request is, where owners are apart."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        path: str,
        folder: Path,
        max_files: int,
        max_bytes: int,
        max_request_bytes: int,
        is_allowed: Callable[[], bool] = lambda: True,
        owner: Callable[[Scope], str] | None = None,
    ) -> None:
        self._app, self._path, self._folder, self._is_allowed, self._owner = app, path, folder, is_allowed, owner
        self._max_files, self._max_bytes, self._max_request_bytes = max_files, max_bytes, max_request_bytes
        self._expected_bytes: dict[int, int] = {}
        """The maximum bytes of each upload in progress."""
        self._sent: deque[tuple[float, str, int]] = deque()
        """When, by whom and how much was sent in the last minutes."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != self._path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        if not self._is_allowed():
            await refuse(scope, receive, send, _OFF, close=True)
            return
        headers = Headers(scope=scope)
        content_length = headers.get("content-length", "")
        expected = int(content_length) if content_length.isdecimal() else self._max_request_bytes
        if self._owner is not None and not self._leaves_room(self._owner(scope), expected):
            await refuse(scope, receive, send, _NO_ROOM_OF_OWNER, close=True)
            return
        self._expected_bytes[id(scope)] = expected
        try:
            recent = time.time() - RECENT_SECONDS
            if not await asyncio.to_thread(make_room, self._folder, self._max_bytes, sum(self._expected_bytes.values()), recent):
                await refuse(scope, receive, send, _NO_ROOM, close=True)
                return
            await self._limit_files(scope, receive, send, _boundary(headers))
        finally:
            del self._expected_bytes[id(scope)]
            if not self._expected_bytes:
                # Aborted uploads, or files in unknown fields, are directly in the folder. Removed at once, before the next upload starts.
                remove_files_in(self._folder)

    def _leaves_room(self, owner: str, n_bytes: int) -> bool:
        """Whether so many bytes more of an owner leave room for others; if so they count."""
        now = time.monotonic()
        while self._sent and self._sent[0][0] < now - RECENT_SECONDS:
            self._sent.popleft()
        sent = sum(size for _, sender, size in self._sent if sender == owner)
        # One file at least, however large it may be.
        if sent and sent + n_bytes > self._max_bytes // SHARE_OF_OWNER:
            return False
        self._sent.append((now, owner, n_bytes))
        return True

    async def _limit_files(self, scope: Scope, receive: Receive, send: Send, boundary: bytes) -> None:
        """Pass the request on until it has more parts than allowed files."""
        counter, refused = _Counter(boundary), None

        async def receive_counted() -> Message:
            nonlocal refused
            message = {"type": "http.disconnect"} if refused else await receive()
            # One more delimiter ends the last part.
            if message["type"] == "http.request" and counter.add(message.get("body", b"")) > self._max_files + 1:
                refused = Refusal(f"These are too many files at once; send at most {self._max_files}.", "too_many_files")
                return {"type": "http.disconnect"}
            return message

        await call_unless_refused(self._app, scope, receive_counted, send, lambda: refused)


class _Counter:
    """Counts a delimiter in bytes that arrive in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self._delimiter, self._tail, self._count = b"--" + boundary, b"", 0

    def add(self, data: bytes) -> int:
        """The number of delimiters so far, including ``data``."""
        content = self._tail + data
        self._count += content.count(self._delimiter)
        # Keep an incomplete delimiter, but no counted one.
        last = content.rfind(self._delimiter)
        remainder = content[last + len(self._delimiter) :] if last >= 0 else content
        self._tail = remainder[-(len(self._delimiter) - 1) :] if len(self._delimiter) > 1 else b""
        return self._count


def _boundary(headers: Headers) -> bytes:
    _, parameters = parse_options_header(headers.get("content-type", ""))
    return parameters.get(b"boundary", b"\0none")
