"""``/healthz``: a sign of life for whatever watches the server, for every host name and without a password. It tells nothing else."""

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

PATH = "/healthz"


class HealthMiddleware:
    """Answers ``PATH``, and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["path"] == PATH and scope["method"] in ("GET", "HEAD"):
            await PlainTextResponse("ok")(scope, receive, send)
        else:
            await self._app(scope, receive, send)
