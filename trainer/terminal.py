"""Text from users as the terminal shows it: without control characters, which could colour, move or forge lines, or change their direction.

Not for JSON, which escapes them itself, nor for the page.
"""

import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

_BIDI_MARKS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROL = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029{_BIDI_MARKS}]")
"""All but tab, line feed and carriage return, which a progress bar needs."""

_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def terminal_line(text: str) -> str:
    """Text from a user, to be shown within one line."""
    return _CONTROL.sub(_REPLACEMENT, " ".join(text.split()))


@contextmanager
def without_control_characters() -> Iterator[None]:
    """Strip control characters from whatever is printed while the block runs, on either stream."""
    with redirect_stdout(_PlainStream(sys.stdout)), redirect_stderr(_PlainStream(sys.stderr)):
        yield


class _PlainStream:
    """A stream that writes to another one without control characters; everything else is the other stream's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        self._stream.write(_CONTROL.sub(_REPLACEMENT, text))
        return len(text)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
