"""All walls around one app, in their order: who asks is looked at before what is asked, and that before it is read.

The app itself is handed in; so is which of its paths take uploads, and which are closed.
"""

from collections.abc import Sequence
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from trainer.security.body_limit import BodyLimitMiddleware, BodyTimeouts
from trainer.security.cross_site import CrossSiteMiddleware
from trainer.security.headers import HUB_ORIGINS, SecurityHeadersMiddleware
from trainer.security.hosts import AllowedHosts
from trainer.security.password import PasswordMiddleware
from trainer.security.refusals import Refusal, refuse
from trainer.security.server_errors import ErrorMiddleware
from trainer.security.upload_limit import UploadLimitMiddleware
from trainer.settings import Settings

BODY_TIMEOUTS = BodyTimeouts()
_FORM_BYTES = 64 * 1024
"""What a form has beside the file in it."""


def add_middleware(
    app: ASGIApp, hosts: AllowedHosts, settings: Settings, *, uploads: Path, upload_path: str, closed: Sequence[str]
) -> ASGIApp:
    """The app with all walls. What is posted to ``upload_path`` comes to lie in ``uploads``; ``closed`` are beginnings of paths at which there is nothing for anybody."""
    largest = settings.max_file_bytes + _FORM_BYTES
    inner: ASGIApp = UploadLimitMiddleware(
        PageGZipMiddleware(app),
        path=upload_path,
        folder=uploads,
        max_files=settings.max_files_per_upload,
        max_bytes=settings.max_uploads_bytes,
        max_request_bytes=largest,
    )
    inner = BodyLimitMiddleware(
        ClosedPathsMiddleware(inner, closed), limit=settings.max_json_bytes, limits={upload_path: largest}, timeouts=BODY_TIMEOUTS
    )
    if settings.password:
        inner = PasswordMiddleware(inner, settings.password, embedded=settings.space)
    inner = CrossSiteMiddleware(inner, hosts, framed=settings.space)
    return ErrorMiddleware(SecurityHeadersMiddleware(inner, framed_by=HUB_ORIGINS if settings.space else ()))


class PageGZipMiddleware:
    """The page itself, with all its components the heaviest answer, an eighth of its size. Gradio compresses no page, and its other parts itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._compressing = app, GZipMiddleware(app, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._compressing if scope["type"] == "http" and scope["path"] == "/" else self._app
        await app(scope, receive, send)


class ClosedPathsMiddleware:
    """Answers for paths that the app would have served, though nobody here needs them."""

    def __init__(self, app: ASGIApp, closed: Sequence[str]) -> None:
        self._app, self._closed = app, tuple(closed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(self._closed):
            await refuse(scope, receive, send, Refusal(404, "There is nothing here.", "not_here"), close=True)
        else:
            await self._app(scope, receive, send)
