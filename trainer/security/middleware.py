"""Adds all middleware to an app, in order: first who sends a request, then what it asks for, then its body.

The caller passes the app, its upload path and its closed paths.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from trainer.security.cross_site import CrossSiteMiddleware
from trainer.security.headers import HUB_ORIGINS, SecurityHeadersMiddleware
from trainer.security.health import HealthMiddleware
from trainer.security.hosts import AllowedHosts
from trainer.security.kept_responses import KeptResponsesMiddleware
from trainer.security.password import PasswordMiddleware, SharedPassword
from trainer.security.refusals import Refusal, refuse
from trainer.security.request_body_limit import BodyLimitMiddleware, BodyTimeouts
from trainer.security.server_errors import ErrorMiddleware
from trainer.security.sessions import SessionMiddleware
from trainer.security.upload_access import UploadAccessMiddleware
from trainer.security.upload_limit import UploadLimitMiddleware
from trainer.security.visitors import VisitorMiddleware, owner_of
from trainer.settings import Settings
from trainer.switches import Switches
from trainer.upload_owners import UploadOwners
from trainer.users import Users

BODY_TIMEOUTS = BodyTimeouts()
_FORM_BYTES = 64 * 1024
"""Bytes of a form besides its file."""


@dataclass(frozen=True)
class Owners:
    """What the server knows of the owners of requests."""

    uploads: UploadOwners
    seen: Callable[[str], None]
    """Called with the owner of each visit."""
    have_work: Callable[[str], bool]
    """Whether one has something to take along."""
    own_call: Callable[[str, str], bool]
    """Whether one has made the call with an id."""


def add_middleware(
    app: ASGIApp,
    hosts: AllowedHosts,
    settings: Settings,
    *,
    uploads: Path,
    api_path: str,
    closed: Sequence[str],
    owners: Owners,
) -> ASGIApp:
    """The app with all middleware. Gradio's calls are below ``api_path``; files posted there to ``/upload`` are in the folder ``uploads`` and served
    behind ``/file=``; paths that begin with one of ``closed`` do not exist. ``owners`` is asked where visitors have work of their own."""
    max_upload_request = settings.max_file_bytes + _FORM_BYTES
    upload_path, file_path = f"{api_path}/upload", f"{api_path}/file="
    wrapped: ASGIApp = KeptResponsesMiddleware(PageGZipMiddleware(app))
    if settings.mode.separate_visitors:
        wrapped = SessionMiddleware(wrapped, path=api_path, upload_path=upload_path, owns_call=owners.own_call)
    wrapped = UploadLimitMiddleware(
        wrapped,
        path=upload_path,
        folder=uploads,
        max_files=settings.max_files_per_upload,
        max_bytes=settings.max_uploads_bytes,
        max_request_bytes=max_upload_request,
        is_allowed=Switches(settings.runs_dir).uploads_allowed,
        owner=owner_of if settings.mode.separate_visitors else None,
    )
    wrapped = BodyLimitMiddleware(
        ClosedPathsMiddleware(wrapped, closed),
        limit=settings.max_json_bytes,
        limits={upload_path: max_upload_request},
        timeouts=BODY_TIMEOUTS,
    )
    blocks = Switches(settings.runs_dir).blocks
    if settings.mode.separate_visitors:
        wrapped = UploadAccessMiddleware(wrapped, owners.uploads, upload_path=upload_path, file_path=file_path, folder=uploads)
    if settings.mode.anonymous:
        wrapped = VisitorMiddleware(
            wrapped, runs_dir=settings.runs_dir, framed=settings.space, seen=owners.seen, is_blocked=blocks, has_work=owners.have_work
        )
    if settings.mode.named:
        wrapped = PasswordMiddleware(wrapped, Users(settings.users_file), embedded=settings.space, seen=owners.seen, is_blocked=blocks)
    elif settings.password:
        wrapped = PasswordMiddleware(wrapped, SharedPassword(settings.password), embedded=settings.space)
    wrapped = CrossSiteMiddleware(wrapped, hosts, framed=settings.space)
    return ErrorMiddleware(HealthMiddleware(SecurityHeadersMiddleware(wrapped, framed_by=HUB_ORIGINS if settings.space else ())))


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
