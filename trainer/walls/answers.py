"""A refusal of the walls: one sentence for people and programs, and the end of the connection where the rest of the request is not wanted.

Not an error of what is served: that has its own words.
"""

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import Receive, Scope, Send


async def refuse(scope: Scope, receive: Receive, send: Send, status: int, sentence: str, code: str, *, close: bool = False) -> None:
    """Answer with ``{"error": sentence, "code": code}``; the page and gradio's client show ``detail``, which is the sentence too, and of an upload
    the whole answer."""
    headers = {"connection": "close"} if close else None
    if scope["path"].rstrip("/").endswith("/upload"):
        answer = PlainTextResponse(sentence, status_code=status, headers=headers)
    else:
        answer = JSONResponse({"error": sentence, "detail": sentence, "code": code}, status_code=status, headers=headers)
    await answer(scope, receive, send)
