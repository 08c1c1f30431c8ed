"""Which files were uploaded to this server. A caller may write any path or URL into its request; nothing else is read or fetched.

How much may be uploaded: ``trainer/security/upload_limit.py`` limits that.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

from trainer.errors import FileError

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


def contains_only_uploads(value: Any, is_upload: Callable[[Any], bool]) -> bool:
    """Whether every file named anywhere in a value was uploaded: ``is_upload`` of its path."""
    pending = [value]
    while pending:
        item = pending.pop()
        if isinstance(item, list):
            pending += item
        elif isinstance(item, dict):
            if "path" in item and not is_upload(item["path"]):
                return False
            pending += item.values()
    return True


def text_columns_of(text: str | None) -> tuple[str, ...]:
    """The text columns that a call names: one, or none."""
    return () if text is None else (text,)


def column_of(choice: str) -> int | str:
    """The column of a choice in the page's lists of columns: "#3" is the position 3; anything else was typed and is a name."""
    return int(choice[1:]) if choice[:1] == "#" and choice[1:].isdecimal() else choice


def uploaded_path(file: Any) -> Path:
    """The path of a file that was uploaded to this server. A caller may write any path into its request; no other path is read."""
    path = resolve_upload(file.get("path") if isinstance(file, dict) else getattr(file, "path", None))
    if path is None:
        raise FileError(NO_UPLOAD, code="not_uploaded")
    return path
