"""Unpacks the single file in a compressed file, or one of the files in a zip, up to the size limit.

Writes nothing to disk, ignores file names, and unpacks no archive within an archive.
"""

import bz2
import io
import lzma
import re
import stat
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager

from trainer.data.files.formats import FileFormat, compressed_file_error
from trainer.data.files.table import Limits
from trainer.errors import FileError, UserError
from trainer.text_format import quote_names

_CHUNK_BYTES = 1 << 20
_MAX_RATIO = 1_032  # of deflate; what other methods pack tighter is no table of texts
_PIECE_BYTES = 1 << 16
_MAX_STREAMS = 10_000
_XZ_MEMORY_BYTES = 100 << 20
_MAGIC = {"gzip": b"\x1f\x8b", "bzip2": b"BZh", "xz": b"\xfd7zXZ"}
_PADDING = re.compile(rb"\0*")
_ERRORS = (OSError, EOFError, ValueError, IndexError, zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, RuntimeError)


def unpack(data: bytes, file_format: FileFormat, limits: Limits) -> bytes:
    """The single file in ``data``, of at most ``limits.max_bytes``.

    Raises UserError ``compressed_file`` (several files, a password, an unknown method), ``file_damaged`` or ``file_too_large``.
    """
    try:
        if file_format == "zip":
            return _unpack_zip(data, limits)
        return _read_limited(_iter_chunks(data, file_format), limits)
    except _ERRORS as error:
        raise damaged_error() from error


def damaged_error() -> FileError:
    """The error for a compressed file that cannot be unpacked."""
    return FileError(
        "This compressed file is damaged or cut short. Copy or download it again, or upload the CSV file inside.", code="file_damaged"
    )


def _damaged_entry_error(name: str) -> FileError:
    return FileError(
        f"{quote_names([name])} in this zip file is damaged or cut short. Copy or download the zip file again, or upload one of the files inside.",
        code="file_damaged",
    )


def _too_large(limits: Limits) -> FileError:
    return FileError(
        f"The file is larger than {limits.max_bytes / 1024 / 1024:,.0f} MB when unpacked, the maximum. "
        "Keep only the columns with the texts and the labels, or fewer rows.",
        code="file_too_large",
    )


def _iter_chunks(data: bytes, file_format: FileFormat) -> Iterator[bytes]:
    """The content in chunks of at most ``_CHUNK_BYTES``; several streams in a row are one file."""
    view, offset = memoryview(data), 0
    for _ in range(_MAX_STREAMS):
        if file_format == "gzip":
            offset = yield from _gzip_stream(view, offset)
        else:
            offset = yield from _stream(
                bz2.BZ2Decompressor() if file_format == "bzip2" else lzma.LZMADecompressor(memlimit=_XZ_MEMORY_BYTES), view, offset
            )
        # Zero padding is allowed after a stream; any other trailing data is ignored.
        offset = _PADDING.match(data, offset).end()
        if not data.startswith(_MAGIC[file_format], offset):
            return
    raise FileError(
        f"This file is compressed in more than {_MAX_STREAMS:,} parts, the maximum. Unpack it and upload the file inside.",
        code="compressed_file",
    )


def _gzip_stream(data: memoryview, offset: int) -> Generator[bytes, None, int]:
    """Yield the content of the stream at ``offset``; return the offset of its end."""
    stream = zlib.decompressobj(16 + zlib.MAX_WBITS)
    while not stream.eof:
        # In pieces, because zlib copies the unconsumed rest of each.
        piece = data[offset : offset + _PIECE_BYTES]
        chunk = stream.decompress(piece, _CHUNK_BYTES)
        if not chunk and not piece:
            raise EOFError
        offset += len(piece) - len(stream.unused_data if stream.eof else stream.unconsumed_tail)
        yield chunk
    return offset


def _stream(stream: bz2.BZ2Decompressor | lzma.LZMADecompressor, data: memoryview, offset: int) -> Generator[bytes, None, int]:
    """The same for a decompressor that keeps its unconsumed input."""
    while not stream.eof:
        piece = data[offset : offset + _PIECE_BYTES] if stream.needs_input else b""
        if stream.needs_input and not piece:
            raise EOFError
        offset += len(piece)
        yield stream.decompress(piece, _CHUNK_BYTES)
    return offset - len(stream.unused_data)


def _unpack_zip(data: bytes, limits: Limits) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = zip_entries(archive)
        if len(entries) != 1:
            raise FileError(
                f"This zip file holds {len(entries):,} files, and one is expected. Unpack it and upload the one with the texts and the labels.",
                code="compressed_file",
            )
        return read_entry(archive, entries[0], limits)


def zip_entries(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in a zip, without folders and what macOS adds."""
    return [
        entry
        for entry in archive.infolist()
        if not entry.is_dir()
        and not entry.filename.startswith("__MACOSX/")
        and not entry.filename.rsplit("/", 1)[-1].startswith("._")
        and not entry.filename.endswith(".DS_Store")
    ]


def read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, limits: Limits) -> bytes:
    """The content of one file in a zip. Raises UserError ``compressed_file``, ``file_damaged`` or ``file_too_large``."""
    if stat.S_ISLNK(entry.external_attr >> 16):
        raise FileError(
            "This zip file holds only a link to a file on the computer that packed it, not the file itself. Pack the file itself, or upload it.",
            code="compressed_file",
        )
    if entry.flag_bits & 1:
        raise FileError("This zip file is protected by a password. Unpack it and upload the CSV file inside.", code="compressed_file")
    try:
        with archive.open(entry) as file:
            return _read_limited(iter(lambda: file.read(_CHUNK_BYTES), b""), limits)
    except UserError:
        raise
    except _ERRORS as error:
        raise _damaged_entry_error(entry.filename) from error


def count_zip_entries(data: bytes) -> int:
    """How many files a zip holds. Raises UserError ``file_damaged``."""
    with open_zip(data) as archive:
        return len(zip_entries(archive))


def unpacked_zip_size(data: bytes) -> int:
    """The unpacked bytes of all files in a zip, as it states them but not more than can be packed in it. Raises UserError ``file_damaged``."""
    with open_zip(data) as archive:
        stated = sum(min(entry.file_size, _MAX_RATIO * entry.compress_size) for entry in zip_entries(archive))
    return min(stated, _MAX_RATIO * len(data))


@contextmanager
def open_zip(data: bytes) -> Iterator[zipfile.ZipFile]:
    """The zip in ``data``; zipfile's errors become UserError ``file_damaged``."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive
    except UserError:
        raise
    except _ERRORS as error:
        raise damaged_error() from error


def _read_limited(chunks: Iterator[bytes], limits: Limits) -> bytes:
    buffer = io.BytesIO()
    for chunk in chunks:
        if buffer.tell() + len(chunk) > limits.max_bytes:
            raise _too_large(limits)
        buffer.write(chunk)
    return buffer.getvalue()


def refuse_nested(file_format: FileFormat) -> None:
    """Raise UserError ``compressed_file`` if the file inside an archive is an archive itself."""
    if file_format in ("gzip", "bzip2", "xz", "zip"):
        raise compressed_file_error(f"{file_format}, inside another compressed file")
