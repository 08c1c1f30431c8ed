"""Which files were uploaded to this server. A caller may write any path, or an address, into its request; no other is read or fetched.

Not how much may be uploaded: ``trainer/security/uploads.py`` bounds that.
"""

from pathlib import Path
from typing import Any

from gradio.utils import get_upload_folder

NO_UPLOAD = "There is no such upload. Send the file itself, with handle_file(...) of gradio_client."


def resolve_upload(named: Any) -> Path | None:
    """The path of an upload that a call names; None where it is none."""
    folder = Path(get_upload_folder()).resolve()
    if isinstance(named, str) and "\0" not in named:
        try:
            path = Path(named).resolve()
            if path.is_relative_to(folder) and path.is_file():
                return path
        except OSError:
            return None
    return None


def contains_only_uploads(value: Any) -> bool:
    """Whether each file that is named somewhere in a value was uploaded."""
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, list):
            left += one
        elif isinstance(one, dict):
            if isinstance(one.get("meta"), dict) and "path" in one and resolve_upload(one["path"]) is None:
                return False
            left += one.values()
    return True
