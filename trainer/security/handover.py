"""Take my work along: a link with which the same visitor goes on in another browser. It works once, within a quarter of an hour.

Used by ``visitors.py``, which knows what the token of a visitor opens, and that there is something. A restart of the server forgets the links.
"""

import math
import secrets
import threading
from html import escape

from cachetools import TTLCache
from starlette.responses import HTMLResponse, Response

from trainer.html_page import html_page
from trainer.security.refusals import Refusal

PATH = "/along"
SECONDS = 15 * 60.0
_GONE = Refusal("This link leads nowhere, or not any more: it works once, for a quarter of an hour. Make another one.", "unknown_share")


class Handovers:
    """The tokens of visitors by the code in a link.

    One link for each visitor, and none is pushed out by those of others: as many as there are visitors with work, whose files take far more room.
    """

    def __init__(self) -> None:
        self._tokens: TTLCache[str, str] = TTLCache(math.inf, ttl=SECONDS)
        self._codes: TTLCache[str, str] = TTLCache(math.inf, ttl=SECONDS)
        """The code of each token's link."""
        self._lock = threading.Lock()

    def offer(self, token: str) -> str:
        """The code of a new link to the work of a visitor, whose other links end."""
        code = secrets.token_urlsafe(16)
        with self._lock:
            self._tokens.pop(self._codes.get(token, ""), None)
            self._tokens[code], self._codes[token] = token, code
        return code

    def is_offered(self, code: str) -> bool:
        """Whether a link works."""
        with self._lock:
            return code in self._tokens

    def take(self, code: str) -> str | None:
        """The token behind a link, which works no more; None if it does not."""
        with self._lock:
            return self._tokens.pop(code, None)


def offer_page(code: str) -> Response:
    """The link, for the visitor whose work it opens."""
    return _page(
        f"<p>Open this link in the other browser within {SECONDS / 60:.0f} minutes. It works once, for you alone: do not show it to others.</p>"
        f'<p><a id="link" href="along/{code}">along/{code}</a></p>'
        '<p class="quiet">Both browsers then have the same files, runs and models. <a href="./">Back to Emotune</a></p>'
        "<script>link.textContent = link.href</script>"
    )


def nothing_page(*, known: bool) -> Response:
    """For a visitor without any work, or a browser that sends no cookie: what its page has belongs to a token that only the page itself knows."""
    why = "You have no files and no runs on this server yet" if known else "This browser keeps no cookie of this server"
    return _page(f'<p role="alert">{why}, so there is nothing to take along from here.</p><p><a href="./">Back to Emotune</a></p>')


def question_page() -> Response:
    """Asked before the work is opened: a program that looks at links in a chat must not use them up."""
    return _page(
        "<p>Somebody's work on Emotune is to be opened in this browser. If you have made this link yourself, go on. What this browser has had on this server so far "
        'is not found any more.</p><form method="post"><button>Open it here</button></form><p><a href="../">No, leave everything as it is</a></p>'
    )


def gone() -> Response:
    """The answer to a link that does not work, whatever the reason."""
    return _page(f'<p role="alert">{escape(_GONE.message)}</p><p><a href="../">To Emotune</a></p>', status=_GONE.status)


def _page(content: str, status: int = 200) -> Response:
    headers = {"Referrer-Policy": "same-origin", "Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
    page = html_page("Emotune: take my work along", f"<h1>Take my work along</h1>{content}", style=_STYLE)
    return HTMLResponse(page, status_code=status, headers=headers)


_STYLE = "#link { overflow-wrap: anywhere; }"
