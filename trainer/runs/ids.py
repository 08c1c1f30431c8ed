"""Random ids of runs and drafts."""

import re
import secrets

_ID = re.compile(r"[0-9a-f]{32}")


def random_id() -> str:
    """128 random bits, which nobody can guess."""
    return secrets.token_hex(16)


def is_id(text: object) -> bool:
    """Whether this is an id and may name a folder; no other text from a user becomes a path."""
    return isinstance(text, str) and _ID.fullmatch(text) is not None
