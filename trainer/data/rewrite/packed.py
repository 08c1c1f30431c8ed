"""Packs a changed file as the one it was packed in: gzip, bzip2, xz, or one file of a zip, whose other files keep their bytes."""

import bz2
import copy
import gzip
import lzma
import struct
import zipfile
from collections.abc import Iterable, Iterator

from trainer.data.files.archives import open_zip, zip_entries
from trainer.data.files.formats import FileFormat
from trainer.data.rewrite.pieces import Pieces, unpacked_pieces

_GZIP_NAME = 0x08


def repack(data: bytes, file_format: FileFormat, content: Iterable[bytes], entry: zipfile.ZipInfo | None = None) -> Iterator[bytes]:
    """The pieces of ``content`` packed like ``data``; ``entry``: the file of a zip that they replace, None for the only one."""
    if file_format == "zip":
        return _as_zip(data, content, entry)
    if file_format == "gzip":
        return _as_gzip(data, content)
    return _compressed(content, bz2.BZ2Compressor() if file_format == "bzip2" else lzma.LZMACompressor())


def _compressed(content: Iterable[bytes], compressor: bz2.BZ2Compressor | lzma.LZMACompressor) -> Iterator[bytes]:
    for piece in content:
        yield compressor.compress(piece)
    yield compressor.flush()


def _as_zip(data: bytes, content: Iterable[bytes], entry: zipfile.ZipInfo | None) -> Iterator[bytes]:
    sink = Pieces()
    with open_zip(data) as archive, zipfile.ZipFile(sink, "w") as packed:
        packed.comment = archive.comment
        # Two files may have the same name; where they stand tells them apart.
        chosen = (entry or zip_entries(archive)[0]).header_offset
        for other in archive.infolist():
            pieces = content if other.header_offset == chosen else unpacked_pieces(archive, other)
            with packed.open(copy.copy(other), "w") as part:
                for piece in pieces:
                    part.write(piece)
                    yield sink.take()
    yield sink.take()


def _as_gzip(data: bytes, content: Iterable[bytes]) -> Iterator[bytes]:
    """With the time and the name of the file that the first stream states."""
    name = ""
    (mtime,) = struct.unpack("<I", data[4:8])
    if data[3] == _GZIP_NAME and (end := data.find(b"\0", 10)) > 0:
        name = data[10:end].decode("latin-1")
    sink = Pieces()
    with gzip.GzipFile(filename=name, mode="wb", fileobj=sink, mtime=mtime) as file:
        for piece in content:
            file.write(piece)
            yield sink.take()
    yield sink.take()
