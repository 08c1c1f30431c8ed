"""Foreign pages: what a page of another site makes a browser ask of this server is refused before anything else looks at it.

Not a protection from programs: they send what they like, and on loopback they are the person's own.
"""

from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from trainer.security.hosts import AllowedHosts
from trainer.security.refusals import Refusal, refuse

_PAGES = ("/", "/login")
"""What a link on another site may lead to."""


class CrossSiteMiddleware:
    """Checks Host (a name bound to our address by somebody else), Origin (a page that calls us) and Sec-Fetch-Site (a page that embeds us).

    ``framed`` where a page of another site may show ours in a frame, as the Hub does with a Space.
    """

    def __init__(self, app: ASGIApp, hosts: AllowedHosts, *, framed: bool) -> None:
        self._app, self._hosts, self._framed = app, hosts, framed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            refused = self._why_not(scope)
            if refused is None:
                await self._app(scope, receive, send)
            else:
                await refuse(scope, receive, send, refused, close=True)

    def _why_not(self, scope: Scope) -> Refusal | None:
        headers = Headers(scope=scope)
        hosts = headers.getlist("host")
        host = hosts[0] if len(hosts) == 1 else ""
        if not self._hosts.allows(host):
            return Refusal(
                421,
                "This server is not served under that name. Name it in the environment variable EMOTUNE_HOSTS if it is yours.",
                "unknown_host",
            )
        origins = headers.getlist("origin")
        if not origins and "sec-fetch-site" not in headers:
            return None  # a program
        if self._is_own(headers, host, origins) or self._is_visit(scope, headers, origins):
            return None
        return Refusal(403, "A page of another site asked for this. Open Emotune itself and do it there.", "foreign_page")

    def _is_own(self, headers: Headers, host: str, origins: list[str]) -> bool:
        site = headers.get("sec-fetch-site")
        if site not in (None, "same-origin", "none"):
            return False
        if not origins:
            return True
        # Without a referrer a browser keeps its origin back, also from ourselves; that it is us says the other header.
        return len(origins) == 1 and (site == "same-origin" if origins[0] == "null" else self._hosts.is_own_origin(origins[0], host))

    def _is_visit(self, scope: Scope, headers: Headers, origins: list[str]) -> bool:
        """Whether a link on another site leads to the page itself; what is on the page then asks as our own."""
        shown = ("document", "iframe") if self._framed else ("document",)
        return (
            not origins
            and scope["method"] in ("GET", "HEAD")
            and urlsplit(scope["path"]).path in _PAGES
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest") in shown
        )
