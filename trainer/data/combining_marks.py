"""Shortens endless rows of accents: normalization puts the accents of a letter in order, which takes quadratic time."""

import re
import unicodedata
from functools import cache

_MAX_MARKS = 30  # on a letter, as in Unicode's stream-safe text format; no language has more than a few
_MIN_CHARS = 500  # shorter texts take no time
_ALL_MARKS = range(0x300, 0x1E950)


def limit_marks(text: str) -> str:
    """A long text with at most 30 combining marks in a row; any other text unchanged."""
    return text if len(text) < _MIN_CHARS or text.isascii() else _long_rows().sub(r"\1", text)


@cache
def _long_rows() -> re.Pattern[str]:
    marks = "".join(chr(code) for code in _ALL_MARKS if unicodedata.combining(chr(code)))
    return re.compile(f"([{marks}]{{{_MAX_MARKS}}})[{marks}]+")
