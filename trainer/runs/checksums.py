"""JSON objects with a checksum: the last key, "crc", is the CRC-32 of all bytes before its value.

For the lines of a log and for small files. It detects damage, not forgery: a deliberate change can include a new checksum.
"""

import json
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from trainer.atomic import write_file

_DECODER = json.JSONDecoder()
_KEY = b'"crc": "'
_DIGITS = 8
CHECKSUM_OF_LINE = slice(-_DIGITS - 2, -2)
"""The position of the checksum in an object on one line."""

_ENDS = (b'"}', b'"\n}')
"""What follows the checksum, on one line and on several lines."""


def dump(value: Mapping[str, Any], *, indent: int | None = None) -> bytes:
    """The object as JSON in UTF-8. A lone surrogate becomes a question mark. Raises ValueError for a number that is not finite."""
    text = json.dumps({**value, "crc": ""}, ensure_ascii=False, allow_nan=False, indent=indent)
    content = text.encode("utf-8", "replace")
    body, end = content[: content.rindex(b'"')], content[content.rindex(b'"') :]
    return body + _checksum(body) + end


def load(content: bytes) -> dict[str, Any]:
    """What ``dump`` wrote, without its checksum. Raises ValueError if a byte has changed or is missing."""
    at = content.rfind(_KEY) + len(_KEY)
    if at < len(_KEY) or content[at : at + _DIGITS] != _checksum(content[:at]) or content[at + _DIGITS :] not in _ENDS:
        raise ValueError("the checksum is missing or another one")
    text = content.decode("utf-8")
    try:
        # Faster than ``loads``, which skips blanks first.
        value, end = _DECODER.raw_decode(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
    if end != len(text) or not isinstance(value, dict):
        raise ValueError("it is no JSON object")
    value.pop("crc", None)
    return value


def has_checksum(content: bytes) -> bool:
    """Whether it contains a complete checksum, right or wrong: then it was not torn while it was written."""
    at = content.rfind(_KEY) + len(_KEY)
    return at >= len(_KEY) and len(content) > at + _DIGITS + 1


def stated_checksum(content: bytes) -> str:
    """The checksum in it, right or wrong; "" if there is none or an incomplete one."""
    at = content.rfind(_KEY) + len(_KEY)
    # Damaged digits may be any bytes; each becomes one character.
    return content[at : at + _DIGITS].decode("latin-1") if has_checksum(content) else ""


def right_checksum(content: bytes) -> str:
    """The right checksum of content that contains one."""
    return _checksum(content[: content.rfind(_KEY) + len(_KEY)]).decode("ascii")


def write_json_with_checksum(path: Path, value: Mapping[str, Any]) -> None:
    """Write or replace a small file atomically. Raises OSError."""
    write_file(path, dump(value, indent=1))


def read_json_with_checksum(path: Path) -> dict[str, Any]:
    """What ``write_json_with_checksum`` wrote. Raises OSError if it cannot be read, ValueError if it is damaged."""
    return load(path.read_bytes())


def _checksum(content: bytes) -> bytes:
    return b"%08x" % zlib.crc32(content)
