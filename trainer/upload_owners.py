"""UploadOwners: who has sent which upload, so that a path which one owner knows of another's leads to nothing.

Kept in memory. The requests are handled in ``security/upload_access.py``; what is uploaded is opened as a draft, which has a copy of its own.
"""

import threading
from collections.abc import Collection
from pathlib import Path

from cachetools import TTLCache

_SECONDS = 24 * 3600.0
_MAX_UPLOADS = 10_000


class UploadOwners:
    """The uploads of each owner, by the folder that gradio makes for the content of one: two who send the same share it. A restart forgets them."""

    def __init__(self) -> None:
        self._sent: TTLCache = TTLCache(_MAX_UPLOADS, ttl=_SECONDS)
        self._lock = threading.Lock()

    def add(self, owner: str, paths: Collection[str]) -> None:
        """The owner has sent these files."""
        with self._lock:
            for path in paths:
                self._sent[owner, Path(path).parent.name] = Path(path).parent

    def owns(self, owner: str, path: str | Path) -> bool:
        """Whether the owner has sent this file."""
        with self._lock:
            return (owner, Path(path).parent.name) in self._sent

    def release(self, owner: str, path: Path) -> bool:
        """The owner does not need a file any more. Returns whether nobody else has sent it, so that it can be removed."""
        with self._lock:
            self._sent.pop((owner, path.parent.name), None)
            return all(folder != path.parent.name for _, folder in self._sent)

    def release_all(self, owner: str) -> list[Path]:
        """The owner does not need any file any more. Returns the folders of those that nobody else has sent, so that they can be removed."""
        with self._lock:
            folders = [folder for (sender, _), folder in self._sent.items() if sender == owner]
            for folder in folders:
                self._sent.pop((owner, folder.name), None)
            others = {name for _, name in self._sent}
        return [folder for folder in folders if folder.name not in others]
