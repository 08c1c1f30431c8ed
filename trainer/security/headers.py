"""What every answer tells the browser: nobody frames this page, nothing is fetched from elsewhere, no type is guessed, no address is passed on.

Not a wall against requests: ``cross_site.py`` is.
"""

from collections.abc import Iterable

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HUB_ORIGINS = ("https://huggingface.co", "https://*.hf.space")

_POLICY = {
    "default-src": "'self'",
    # Gradio writes its settings into the page as a script, and makes functions of what components bring along.
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    # Pictures of charts are made in the page.
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "frame-src": "'none'",
    "object-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}


_PARTS = ("text/css", "text/javascript", "application/javascript", "font/", "image/png", "image/x-icon", "image/vnd.microsoft.icon")
"""Of a page: a browser asks for no policy with them, and a page has eighty, which would weigh a tenth more."""


class SecurityHeadersMiddleware:
    """Adds them to each answer. ``framed_by`` are the sites that may show the page in a frame."""

    def __init__(self, app: ASGIApp, *, framed_by: Iterable[str] = ()) -> None:
        self._app = app
        ancestors = " ".join(framed_by)
        policy = {**_POLICY, "frame-ancestors": ancestors or "'none'"}
        self._of_pages = {"Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items())}
        self._headers = {
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
        }
        if not ancestors:
            self._of_pages["X-Frame-Options"] = "DENY"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                part = headers.get("content-type", "").startswith(_PARTS)
                for name, value in (self._headers if part else self._headers | self._of_pages).items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, send_with_headers)
