"""Uploads: how many files one request may bring, and how much all that was uploaded may take; the oldest go first.

Not the size of one upload: ``body_limit.py`` bounds that. The page's copies are only there to be opened: a file that was opened has copies of its own.
"""

import asyncio
import time
from pathlib import Path

from starlette.datastructures import Headers
from starlette.formparsers import parse_options_header
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.runs.storage import make_room, remove_files_in
from trainer.security.refusals import Refusal, call_unless_refused, refuse

RECENT_SECONDS = 600.0
"""An upload is opened soon after it has come in; a call that names it may have to wait for its turn."""


class UploadLimitMiddleware:
    """Guards one path, to which files are posted as multipart forms and come to lie in ``folder``."""

    def __init__(self, app: ASGIApp, *, path: str, folder: Path, max_files: int, max_bytes: int, max_request_bytes: int) -> None:
        self._app, self._path, self._folder = app, path, folder
        self._max_files, self._max_bytes, self._max_request_bytes = max_files, max_bytes, max_request_bytes
        self._coming: dict[int, int] = {}
        """The bytes that each upload under way may bring."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].rstrip("/") != self._path or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        said = headers.get("content-length", "")
        self._coming[id(scope)] = int(said) if said.isdecimal() else self._max_request_bytes
        try:
            spared = time.time() - RECENT_SECONDS
            if not await asyncio.to_thread(make_room, self._folder, self._max_bytes, sum(self._coming.values()), spared):
                words = "So much has been uploaded within the last minutes that there is no room for more. Try again in ten minutes."
                await refuse(scope, receive, send, Refusal(507, words, "uploads_full"), close=True)
                return
            await self._counted(scope, receive, send, _boundary(headers))
        finally:
            del self._coming[id(scope)]
            if not self._coming:
                # What was broken off, or came in a field that nobody reads, has no name yet. At once: the next upload must not have begun.
                remove_files_in(self._folder)

    async def _counted(self, scope: Scope, receive: Receive, send: Send, boundary: bytes) -> None:
        """Pass the request on until there are more parts in it than there may be files."""
        counter, refused = _Counter(boundary), None

        async def counted() -> Message:
            nonlocal refused
            message = {"type": "http.disconnect"} if refused else await receive()
            # Another delimiter ends the last part.
            if message["type"] == "http.request" and counter.add(message.get("body", b"")) > self._max_files + 1:
                refused = Refusal(413, f"These are too many files at once; send at most {self._max_files}.", "too_many_files")
                return {"type": "http.disconnect"}
            return message

        await call_unless_refused(self._app, scope, counted, send, lambda: refused)


class _Counter:
    """Counts a delimiter in bytes that come in pieces."""

    def __init__(self, boundary: bytes) -> None:
        self._mark, self._tail, self._count = b"--" + boundary, b"", 0

    def add(self, data: bytes) -> int:
        """All that were found so far, with those in ``data``."""
        whole = self._tail + data
        self._count += whole.count(self._mark)
        # A delimiter that was counted is not counted again, half of one is kept.
        behind = whole.rfind(self._mark)
        rest = whole[behind + len(self._mark) :] if behind >= 0 else whole
        self._tail = rest[-(len(self._mark) - 1) :] if len(self._mark) > 1 else b""
        return self._count


def _boundary(headers: Headers) -> bytes:
    _, parameters = parse_options_header(headers.get("content-type", ""))
    return parameters.get(b"boundary", b"\0none")
