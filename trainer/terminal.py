"""Text from users as the terminal shows it: without control characters, which could colour, move or forge lines, or change their direction.

Not for JSON, which escapes them itself, nor for the page.
"""

import os
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
    """Strip control characters from whatever is printed while the block runs, on either stream.

    What is printed after the reader has gone (``| head``) is lost, and the command goes on: a training is not ended by its last reader.
    """
    output, errors = _PlainStream(sys.stdout), _PlainStream(sys.stderr)
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            yield
        finally:
            # Otherwise the interpreter would do it at its end, and complain about a reader that has gone.
            output.flush()
            errors.flush()


class _PlainStream:
    """A stream that writes to another one without control characters; everything else is the other stream's."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> int:
        with self._without_reader():
            self._stream.write(_CONTROL.sub(_REPLACEMENT, text))
        return len(text)

    def flush(self) -> None:
        with self._without_reader():
            self._stream.flush()

    @contextmanager
    def _without_reader(self) -> Iterator[None]:
        """Send what is written to nowhere from the moment at which the pipe's reader has gone, as Python's documentation advises."""
        try:
            yield
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)

    def writelines(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.write(line)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
