"""Gradio's sessions belong to whoever uses them: two visitors who choose the same session hash have two sessions.

Gradio keeps the state of a page, its queue and its results under a hash that the page draws itself, and hands them to whoever names it. Here each
hash is replaced, before gradio sees it, by one that only this server can compute, from the hash and its owner: that of somebody else leads where one
leads that nobody has used. So is the id of a call, which leads to its result, and with which it is cancelled, unless it is one's own.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl, quote, urlencode

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.security.visitors import owner_of

_FIELD, _EVENT_FIELD = "session_hash", "event_id"
_NO_EVENT = "0" * 32
"""The id of no call."""
_QUERY_FIELDS = (_FIELD, "upload_id")
"""An upload's id, which the page draws too, leads to the name of the file that is being sent."""


class SessionMiddleware:
    """Replaces the session hashes in requests below ``path``: in the query, in the JSON of the body, and in the path of a page's heartbeat; and the ids
    of calls, in the JSON and in the path of a result, of which ``owns_call`` says that the owner has made none with this id.

    Needs no memory for them. What is no JSON is left to gradio, which reads the same bytes in the same way and refuses them.
    """

    def __init__(self, app: ASGIApp, *, path: str, upload_path: str, owns_call: Callable[[str, str], bool]) -> None:
        self._app, self._path, self._upload_path, self._owns_call = app, f"{path}/", upload_path, owns_call
        self._heartbeat, self._calls = f"{path}/heartbeat/", f"{path}/call/"
        self._key = secrets.token_bytes(32)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(self._path):
            await self._app(scope, receive, send)
            return
        scope = {**scope, **self._replaced_address(scope)}
        if scope["method"] == "POST" and scope["path"].rstrip("/") != self._upload_path:
            scope, receive = await self._replaced_body(scope, receive)
        await self._app(scope, receive, send)

    def _own(self, scope: Scope, name: str) -> str:
        """The session's name in gradio."""
        message = f"{owner_of(scope)} {name}".encode("utf-8", "surrogatepass")
        return hmac.digest(self._key, message, hashlib.sha256).hex()

    def _replaced_address(self, scope: Scope) -> Mapping[str, object]:
        """What changes in the scope of a request whose path or query names a session."""
        changes: dict[str, object] = {}
        name = scope["path"].removeprefix(self._heartbeat)
        if name != scope["path"]:
            path = self._heartbeat + self._own(scope, name)
            changes |= {"path": path, "raw_path": quote(path).encode()}
        call, _, event_id = scope["path"].rpartition("/")
        if scope["method"] != "POST" and call.startswith(self._calls) and not self._owns_call(owner_of(scope), event_id):
            path = f"{call}/{_NO_EVENT}"
            changes |= {"path": path, "raw_path": quote(path).encode()}
        # As starlette reads it.
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        if any(field in _QUERY_FIELDS for field, _ in query):
            pairs = [(field, self._own(scope, value) if field in _QUERY_FIELDS else value) for field, value in query]
            changes["query_string"] = urlencode(pairs).encode()
        return changes

    async def _replaced_body(self, scope: Scope, receive: Receive) -> tuple[Scope, Receive]:
        """The request with the JSON that gradio is to read; the body's size has been limited before."""
        messages, chunks = [await receive()], []
        while messages[-1]["type"] == "http.request":
            chunks.append(messages[-1].get("body", b""))
            if not messages[-1].get("more_body", False):
                break
            messages.append(await receive())
        else:
            return scope, _replay(messages, receive)  # the sender has gone
        body = b"".join(chunks)
        try:
            value = json.loads(body)
        except (ValueError, RecursionError):
            return scope, _replay(messages, receive)
        replaced = self._replaced_names(scope, value) if isinstance(value, dict) else {}
        if not replaced:
            return scope, _replay(messages, receive)
        body = json.dumps({**value, **replaced}).encode()
        scope = {**scope, "headers": list(scope["headers"])}
        MutableHeaders(scope=scope)["content-length"] = str(len(body))
        return scope, _replay([{"type": "http.request", "body": body, "more_body": False}], receive)

    def _replaced_names(self, scope: Scope, value: Mapping[str, object]) -> Mapping[str, str]:
        """What changes in the JSON of a request that names a session or a call of somebody else."""
        replaced: dict[str, str] = {}
        if isinstance(session := value.get(_FIELD), str):
            replaced[_FIELD] = self._own(scope, session)
        if isinstance(event_id := value.get(_EVENT_FIELD), str) and not self._owns_call(owner_of(scope), event_id):
            replaced[_EVENT_FIELD] = _NO_EVENT
        return replaced


def _replay(messages: list[Message], receive: Receive) -> Receive:
    """These messages once more, and then what comes after them."""
    remaining = iter(messages)

    async def receive_again() -> Message:
        message = next(remaining, None)
        return await receive() if message is None else message

    return receive_again
