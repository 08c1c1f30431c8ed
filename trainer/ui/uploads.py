"""Which files were uploaded to this server. A caller may write any path or URL into its request; nothing else is read or fetched.

How much may be uploaded: ``trainer/security/upload_limit.py`` limits that.
"""

from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

NO_UPLOAD = "There is no such upload. Send the file itself, with handle_file(...) of gradio_client."


def resolve_upload(path: Any) -> Path | None:
    """The resolved path, or None if it is not a file that was uploaded."""
    folder = Path(get_upload_folder()).resolve()
    if isinstance(path, str) and "\0" not in path:
        try:
            resolved = Path(path).resolve()
            if resolved.is_relative_to(folder) and resolved.is_file():
                return resolved
        except OSError:
            return None
    return None


def contains_only_uploads(value: Any) -> bool:
    """Whether every file named anywhere in a value was uploaded."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            if isinstance(item.get("meta"), dict) and "path" in item and resolve_upload(item["path"]) is None:
                return False
            pending += item.values()
    return True
