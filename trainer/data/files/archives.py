"""Compressed files: the one file inside, never more of it than may be read.

Writes nothing to disk, looks at no name, and unpacks no archive within an archive.
"""

import bz2
import io
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator

from trainer.data.files.formats import FileFormat, compressed
from trainer.data.files.table import Limits
from trainer.errors import UserError

_CHUNK_BYTES = 1 << 20
_PIECE_BYTES = 1 << 16
_MAX_STREAMS = 10_000
_XZ_MEMORY_BYTES = 100 << 20
_MAGIC = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ"}
_PADDING = re.compile(rb"\0*")
_ERRORS = (OSError, EOFError, ValueError, IndexError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def unpack(data: bytes, kind: FileFormat, limits: Limits) -> bytes:
    """The single file in ``data``, of at most ``limits.max_bytes``.

    Raises UserError ``compressed_file`` (several files, a password, an unknown method), ``file_damaged`` or ``file_too_large``.
    """
    try:
        if kind == "zip":
            return _unpack_zip(data, limits)
        return _read_limited(_iter_chunks(data, kind), limits)
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


def _iter_chunks(data: bytes, kind: FileFormat) -> Iterator[bytes]:
    """The content in pieces of at most ``_CHUNK_BYTES`` bytes, whatever the compressed data say; several streams in a row are one file."""
    view, at = memoryview(data), 0
    for _ in range(_MAX_STREAMS):
        if kind == "gzip":
            at = yield from _gzip_stream(view, at)
        else:
            at = yield from _stream(
                bz2.BZ2Decompressor() if kind == "bzip2" else lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES), view, at
            )
        # Padding with zeros is allowed after a stream; anything else that is no stream is not ours to read.
        at = _PADDING.match(data, at).end()
        if not data.startswith(_MAGIC[kind], at):
            return
    raise UserError(
        f"This file is compressed in more than {_MAX_STREAMS:,} parts, the most that are read here. Unpack it and upload the file inside.",
        code="compressed_file",
    )


def _gzip_stream(data: memoryview, at: int) -> Generator[bytes, None, int]:
    """What the stream at a place unpacks to; returns where it ends."""
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    while not stream.eof:
        # Piece by piece: what is left over of one is copied.
        piece = data[at : at + _PIECE_BYTES]
        chunk = stream.decompress(piece, _CHUNK_BYTES)
        if not chunk and not piece:
            raise EOFError
        at += len(piece) - len(stream.unused_data if stream.eof else stream.unconsumed_tail)
        yield chunk
    return at


def _stream(stream: bz2.BZ2Decompressor | lzma.LZMADecompressor, data: memoryview, at: int) -> Generator[bytes, None, int]:
    """The same of a decompressor that keeps what it has not used yet."""
    while not stream.eof:
        piece = data[at : at + _PIECE_BYTES] if stream.needs_input else b""
        if stream.needs_input and not piece:
            raise EOFError
        at += len(piece)
        yield stream.decompress(piece, _CHUNK_BYTES)
    return at - len(stream.unused_data)


def _unpack_zip(data: bytes, limits: Limits) -> bytes:
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
        if stat.S_ISLNK(files[0].external_attr >> 16):
            raise UserError(
                "This zip file holds only a link to a file of the computer where it was packed, not the file. Pack the file itself, or upload it.",
                code="compressed_file",
            )
        if files[0].flag_bits & 1:
            raise UserError("This zip file is locked with a password. Unpack it and upload the CSV file inside.", code="compressed_file")
        with archive.open(files[0]) as file:
            return _read_limited(iter(lambda: file.read(_CHUNK_BYTES), b""), limits)


def _read_limited(chunks: Iterator[bytes], limits: Limits) -> bytes:
    kept = io.BytesIO()
    for chunk in chunks:
        if kept.tell() + len(chunk) > limits.max_bytes:
            raise _too_large(limits)
        kept.write(chunk)
    return kept.getvalue()


def refuse_nested(kind: FileFormat) -> None:
    """Raises UserError ``compressed_file`` where the file inside an archive is an archive again."""
    if kind in ("gzip", "bzip2", "xz", "zip"):
        raise compressed(f"{kind}, inside another compressed file")
