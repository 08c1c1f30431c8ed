"""Packs a changed file as the one it was packed in: gzip, bzip2, xz, or one file of a zip, whose other files keep their bytes."""

import bz2
import gzip
import io
import lzma
import struct
import zipfile

from trainer.data.files.archives import open_zip, zip_entries
from trainer.data.files.formats import FileFormat

_GZIP_NAME = 0x08


def repack(data: bytes, file_format: FileFormat, content: bytes, entry: zipfile.ZipInfo | None) -> bytes:
    """``content`` packed like ``data``; ``entry``: the file of a zip that it replaces, None for the only one."""
    if file_format == "gzip":
        return _as_gzip(data, content)
    if file_format == "bzip2":
        return bz2.compress(content)
    if file_format == "xz":
        return lzma.compress(content)
    buffer = io.BytesIO()
    with open_zip(data) as archive, zipfile.ZipFile(buffer, "w") as packed:
        packed.comment = archive.comment
        # Two files may have the same name; where they stand tells them apart.
        chosen = (entry or zip_entries(archive)[0]).header_offset
        for other in archive.infolist():
            other_content = content if other.header_offset == chosen else archive.read(other)
            packed.writestr(other, other_content, compress_type=other.compress_type)
    return buffer.getvalue()


def _as_gzip(data: bytes, content: bytes) -> bytes:
    """With the time and the name of the file that the first stream states."""
    name = ""
    (mtime,) = struct.unpack("<I", data[4:8])
    if data[3] == _GZIP_NAME and (end := data.find(b"\0", 10)) > 0:
        name = data[10:end].decode("latin-1")
    buffer = io.BytesIO()
    with gzip.GzipFile(filename=name, mode="wb", fileobj=buffer, mtime=mtime) as file:
        file.write(content)
    return buffer.getvalue()
