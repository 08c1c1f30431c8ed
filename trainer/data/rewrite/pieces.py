"""A file that is written piece by piece and never read: what formats with a writer of their own write into. Knows no tables."""

import io
import zipfile
from collections.abc import Iterator
from typing import Any

_PIECE_BYTES = 1 << 20


class Pieces(io.RawIOBase):
    """A file of which what was written is taken away again and again."""

    def __init__(self) -> None:
        super().__init__()
        self._waiting: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._waiting.append(bytes(data))
        self._written += len(self._waiting[-1])
        return len(self._waiting[-1])

    def tell(self) -> int:
        return self._written

    def take(self) -> bytes:
        """What was written since the last time."""
        taken, self._waiting = b"".join(self._waiting), []
        return taken


def unpacked_pieces(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    """The content of a file of a zip."""
    with archive.open(entry) as part:
        while piece := part.read(_PIECE_BYTES):
            yield piece
