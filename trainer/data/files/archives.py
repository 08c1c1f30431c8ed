"""Compressed files: the one file inside, never more of it than may be read.

Writes nothing to disk, looks at no name, and unpacks no archive within an archive.
"""

import bz2
import io
import lzma
import zipfile
import zlib
from collections.abc import Callable, Iterator
from typing import BinaryIO

from trainer.data.files.formats import Kind, compressed
from trainer.data.files.table import Limits
from trainer.errors import UserError

_CHUNK = 1 << 20
_XZ_MEMORY = 100 << 20
_ERRORS = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def unpack(data: bytes, kind: Kind, limits: Limits) -> bytes:
    """The single file in ``data``, of at most ``limits.max_bytes``.

    Raises UserError ``compressed_file`` (several files, a password, an unknown method), ``file_damaged`` or ``file_too_large``.
    """
    try:
        if kind == "zip":
            return _from_zip(data, limits)
        # Counted first and kept in a second pass: a bomb then costs time, but no memory.
        size = 0
        for chunk in _chunks(data, kind):
            size += len(chunk)
            if size > limits.max_bytes:
                raise _too_large(limits)
        return b"".join(_chunks(data, kind))
    except _ERRORS as error:
        raise UserError(
            "This compressed file is damaged or cut short. Copy or download it again, or upload the CSV file inside.", code="file_damaged"
        ) from error


def _too_large(limits: Limits) -> UserError:
    return UserError(
        f"The file is larger than {limits.max_bytes / 1024 / 1024:,.0f} MB when unpacked, the most that is read here. "
        "Keep only the columns with the texts and the labels, or fewer rows.",
        code="file_too_large",
    )


def _chunks(data: bytes, kind: Kind) -> Iterator[bytes]:
    """The content in pieces of at most ``_CHUNK`` bytes, whatever the compressed data say; several streams in a row are one file."""
    rest = data
    while rest:
        inflate, done = _decoder(kind)
        while not done():
            chunk, rest = inflate(rest)
            if not chunk and not rest and not done():
                raise EOFError
            yield chunk
        # Padding with zeros is allowed after a stream; anything else that is no stream is not ours to read.
        rest = rest.lstrip(b"\0")
        if not rest.startswith({"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ"}[kind]):
            return


def _decoder(kind: Kind) -> tuple[Callable[[bytes], tuple[bytes, bytes]], Callable[[], bool]]:
    if kind == "gzip":
        gzip = zlib.decompressobj(16 + zlib.MAX_WBITS)

        def inflate(rest: bytes) -> tuple[bytes, bytes]:
            chunk = gzip.decompress(rest, _CHUNK)
            return chunk, gzip.unused_data if gzip.eof else gzip.unconsumed_tail

        return inflate, lambda: gzip.eof
    stream = bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor(memlimit=_XZ_MEMORY)

    def more(rest: bytes) -> tuple[bytes, bytes]:
        # These keep what they have not used yet; they take no more while they hold some.
        chunk = stream.decompress(rest, _CHUNK)
        if stream.eof:
            return chunk, stream.unused_data
        if stream.needs_input and not chunk:
            raise EOFError
        return chunk, b""

    return more, lambda: stream.eof


def _from_zip(data: bytes, limits: Limits) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        files = [
            entry
            for entry in archive.infolist()
            if not entry.is_dir() and not entry.filename.startswith("__MACOSX/") and not entry.filename.endswith(".DS_Store")
        ]
        if len(files) != 1:
            raise UserError(
                f"This zip file holds {len(files):,} files, and one is expected. Unpack it and upload the one with the texts and the labels.",
                code="compressed_file",
            )
        if files[0].flag_bits & 1:
            raise UserError("This zip file is locked with a password. Unpack it and upload the CSV file inside.", code="compressed_file")
        with archive.open(files[0]) as file:
            return _read(file, limits)


def _read(file: BinaryIO, limits: Limits) -> bytes:
    kept = io.BytesIO()
    while chunk := file.read(_CHUNK):
        if kept.tell() + len(chunk) > limits.max_bytes:
            raise _too_large(limits)
        kept.write(chunk)
    return kept.getvalue()


def refuse_nested(kind: Kind) -> None:
    """Raises UserError ``compressed_file`` where the file inside an archive is an archive again."""
    if kind in ("gzip", "bzip2", "xz", "zip"):
        raise compressed(f"{kind}, inside another compressed file")
