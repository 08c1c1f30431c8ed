"""Adds all middleware to an app, in order: first who sends a request, then what it asks for, then its body.

The caller passes the app, its upload path and its closed paths.
"""

from collections.abc import Sequence
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from trainer.security.cross_site import CrossSiteMiddleware
from trainer.security.headers import HUB_ORIGINS, SecurityHeadersMiddleware
from trainer.security.hosts import AllowedHosts
from trainer.security.password import PasswordMiddleware
from trainer.security.refusals import Refusal, refuse
from trainer.security.request_body_limit import BodyLimitMiddleware, BodyTimeouts
from trainer.security.server_errors import ErrorMiddleware
from trainer.security.upload_limit import UploadLimitMiddleware
from trainer.settings import Settings

BODY_TIMEOUTS = BodyTimeouts()
_FORM_BYTES = 64 * 1024
"""Bytes of a form besides its file."""


def add_middleware(
    app: ASGIApp, hosts: AllowedHosts, settings: Settings, *, uploads: Path, upload_path: str, closed: Sequence[str]
) -> ASGIApp:
    """The app with all middleware. Files posted to ``upload_path`` are in the folder ``uploads``; paths that begin with one of ``closed`` do not exist."""
    max_upload_request = settings.max_file_bytes + _FORM_BYTES
    wrapped: ASGIApp = UploadLimitMiddleware(
        PageGZipMiddleware(app),
        path=upload_path,
        folder=uploads,
        max_files=settings.max_files_per_upload,
        max_bytes=settings.max_uploads_bytes,
        max_request_bytes=max_upload_request,
    )
    wrapped = BodyLimitMiddleware(
        ClosedPathsMiddleware(wrapped, closed),
        limit=settings.max_json_bytes,
        limits={upload_path: max_upload_request},
        timeouts=BODY_TIMEOUTS,
    )
    if settings.password:
        wrapped = PasswordMiddleware(wrapped, settings.password, embedded=settings.space)
    wrapped = CrossSiteMiddleware(wrapped, hosts, framed=settings.space)
    return ErrorMiddleware(SecurityHeadersMiddleware(wrapped, framed_by=HUB_ORIGINS if settings.space else ()))


class PageGZipMiddleware:
    """Compresses the page itself, the largest response, to an eighth. Gradio compresses other responses, but not the page."""

    def __init__(self, app: ASGIApp) -> None:
        self._app, self._compressed = app, GZipMiddleware(app, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._compressed if scope["type"] == "http" and scope["path"] == "/" else self._app
        await app(scope, receive, send)


class ClosedPathsMiddleware:
    """Hides paths of the app that are not needed here."""

    def __init__(self, app: ASGIApp, closed: Sequence[str]) -> None:
        self._app, self._closed = app, tuple(closed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"].startswith(self._closed):
            await refuse(scope, receive, send, Refusal("There is nothing here.", "not_here"), close=True)
        else:
            await self._app(scope, receive, send)
