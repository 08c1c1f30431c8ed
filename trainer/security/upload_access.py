"""Records who sends an upload, where owners are apart, and serves it to nobody else.

How much may be uploaded: upload_limit.py.
"""

import json
import os
from pathlib import Path

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from trainer.security.refusals import Refusal, refuse
from trainer.security.visitors import owner_of
from trainer.upload_owners import UploadOwners


class UploadAccessMiddleware:
    """Records who posts to ``upload_path``, and hides the files in ``folder``, served behind ``file_path``, from everybody else."""

    def __init__(self, app: ASGIApp, owners: UploadOwners, *, upload_path: str, file_path: str, folder: Path) -> None:
        self._app, self._owners = app, owners
        self._upload_path, self._file_path, self._folder = upload_path, file_path, folder.resolve()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"].rstrip("/") == self._upload_path and scope["method"] == "POST":
            await self._record(scope, receive, send)
        elif scope["path"].startswith(self._file_path) and not self._may_see(scope):
            await refuse(scope, receive, send, Refusal("There is nothing here.", "not_here"), close=True)
        else:
            await self._app(scope, receive, send)

    async def _record(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""

        async def send_and_record(message: Message) -> None:
            nonlocal body
            if message["type"] == "http.response.body":
                body += message.get("body", b"")
                if not message.get("more_body", False):
                    self._owners.add(owner_of(scope), _paths(body))
            await send(message)

        await self._app(scope, receive, send_and_record)

    def _may_see(self, scope: Scope) -> bool:
        try:
            # As gradio reads it: decoded once, by the server, and ".." taken out before links are followed.
            path = Path(os.path.abspath(scope["path"].removeprefix(self._file_path))).resolve()
        except (OSError, ValueError):
            return False
        return not path.is_relative_to(self._folder) or self._owners.owns(owner_of(scope), path)


def _paths(body: bytes) -> list[str]:
    """The paths in gradio's answer to an upload; none if it was refused."""
    try:
        value = json.loads(body)
    except ValueError:
        return []
    return [path for path in value if isinstance(path, str)] if isinstance(value, list) else []
