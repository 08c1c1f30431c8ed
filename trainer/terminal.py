"""What a terminal is shown of somebody's words: no control characters, which could colour, move or forge lines, and nothing that turns their direction.

Not for JSON, which escapes them itself, nor for the page.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from typing import Any, TextIO

_MARKS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_CONTROL = re.compile(f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029{_MARKS}]")
"""All but tab, line feed and carriage return, which a progress bar needs."""

_INSTEAD = "\N{REPLACEMENT CHARACTER}"


def one_line(words: str) -> str:
    """Somebody's words within a line of ours."""
    return _CONTROL.sub(_INSTEAD, " ".join(words.split()))


@contextmanager
def plain_output() -> Iterator[None]:
    """What is printed while the block runs, on either stream, is shown without what steers a terminal."""
    with redirect_stdout(_Plain(sys.stdout)), redirect_stderr(_Plain(sys.stderr)):
        yield


class _Plain:
    """A stream that passes on what it is given, without control characters; in all else it is the stream behind it."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, words: str) -> int:
        self._stream.write(_CONTROL.sub(_INSTEAD, words))
        return len(words)

    def writelines(self, lines: Any) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
