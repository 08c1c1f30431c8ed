"""Refusals of the walls: one sentence for people and programs, and the end of the connection where the rest of the request is not wanted.

Not an error of what is served: that has its own words.
"""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


@dataclass(frozen=True)
class Refusal:
    """Why a request is not answered: an HTTP status, a sentence, and a code for programs."""

    status: int
    sentence: str
    code: str

    def to_response(self, headers: dict[str, str] | None = None) -> Response:
        """The page and gradio's client show ``detail``, which is the sentence too."""
        said = {"error": self.sentence, "detail": self.sentence, "code": self.code}
        return JSONResponse(said, status_code=self.status, headers=headers)


async def refuse(scope: Scope, receive: Receive, send: Send, why: Refusal, *, close: bool = False) -> None:
    """Answer with a refusal; of an upload the page shows the whole answer, so that is the sentence alone."""
    headers = {"connection": "close"} if close else None
    if scope["path"].rstrip("/").endswith("/upload"):
        answer: Response = PlainTextResponse(why.sentence, status_code=why.status, headers=headers)
    else:
        answer = why.to_response(headers)
    await answer(scope, receive, send)


async def call_unless_refused(app: ASGIApp, scope: Scope, receive: Receive, send: Send, refused: Callable[[], Refusal | None]) -> None:
    """Let an app answer, unless ``refused`` says that a request is refused whose body is still coming in: then that is the answer, whatever the app
    makes of the broken request. An answer that has begun goes on."""
    begun = False

    async def watched(message: Message) -> None:
        nonlocal begun
        if begun or refused() is None:
            begun = begun or message["type"] == "http.response.start"
            await send(message)

    try:
        await app(scope, receive, watched)
    except Exception:
        if refused() is None:
            raise
    why = refused()
    if why is not None and not begun:
        await refuse(scope, receive, send, why, close=True)
