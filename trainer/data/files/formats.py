"""Detects the format of a file from its bytes, never from its name, and refuses files that are not tables."""

import io
import re
import zipfile
from typing import Literal

from trainer.errors import FileError

FileFormat = Literal["text", "spreadsheet", "parquet", "arrow", "gzip", "bzip2", "xz", "zip"]

_MAX_ENTRIES = 10_000
_SAVE_AS_CSV = "Open it in the program it comes from, save it as CSV (UTF-8), and upload that."
_COMPRESSED_MAGIC: tuple[tuple[bytes, FileFormat], ...] = ((b"\x1f\x8b", "gzip"), (b"\xfd7zXZ\x00", "xz"))
_UNSUPPORTED_ARCHIVES = ((b"\x28\xb5\x2f\xfd", "zstandard"), (b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"Rar!\x1a\x07", "RAR"))
_OTHER_FILES = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF87a", "a picture"),
    (b"GIF89a", "a picture"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"{\\rtf", "a word-processor document (RTF)"),
    (b"$FL2@(#)", "a data file of SPSS"),
    (b"$FL3@(#)", "a data file of SPSS"),
    (b"<stata_dta>", "a data file of Stata"),
    (b"RDX2\n", "a data file of R"),
    (b"RDX3\n", "a data file of R"),
    (b"X\n\x00\x00\x00", "a data file of R"),
    (b"\x89HDF\r\n", "an HDF5 file"),
    (b"\x93NUMPY", "an array of NumPy"),
    (b"Obj\x01", "an Avro file"),
    (b"ORC", "an ORC file"),
)
_PICKLE = re.compile(rb"\x80[\x02-\x05](?:\x95.{8}|[\]}(cq\x8c])", re.DOTALL)


def detect_format(data: bytes) -> FileFormat:
    """The format of a file; raises UserError ``compressed_file``, ``spreadsheet_file`` or ``not_a_table`` for unsupported formats."""
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _format_of_zip(data)
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return "spreadsheet"
    for magic, file_format in _COMPRESSED_MAGIC:
        if data.startswith(magic):
            return file_format
    if data.startswith(b"BZh") and data[4:10] in (b"1AY&SY", b"\x17\x72\x45\x38\x50\x90"):  # a block, or the end of an empty file
        return "bzip2"
    if data.startswith(b"PAR1") and data.endswith((b"PAR1", b"PARE")) and len(data) >= 12:
        return "parquet"
    if data.startswith((b"ARROW1\x00\x00", b"\xff\xff\xff\xff")) and len(data) >= 12:  # the file, or the stream as datasets saves it
        return "arrow"
    for magic, name in _UNSUPPORTED_ARCHIVES:
        if data.startswith(magic):
            raise compressed_file_error(name)
    if data[257:262] == b"ustar":
        raise compressed_file_error("tar")
    for magic, name in _OTHER_FILES:
        if data.startswith(magic):
            raise not_a_table_error(name)
    if _PICKLE.match(data[:20]):
        raise FileError(
            "This is a pickle, Python's own format, which could run a program when it is opened, so it is not read. "
            "Save the table as CSV or Parquet (df.to_csv, df.to_parquet), and upload that.",
            code="not_a_table",
        )
    return "text"


def _format_of_zip(data: bytes) -> FileFormat:
    # Each entry of the zip directory begins with these bytes; the number of entries stated in the file may be false.
    if data.count(b"PK\x01\x02") > _MAX_ENTRIES:
        raise FileError(
            f"This zip file holds more than {_MAX_ENTRIES:,} files, and one is expected. Unpack it and upload the one with the texts and the labels.",
            code="compressed_file",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()[:1_000]
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise FileError(
            "This zip file is damaged: its list of contents cannot be read. Copy or download it again, or upload the CSV file inside.",
            code="compressed_file",
        ) from error
    if any(name.startswith("xl/") for name in names):
        return "spreadsheet"
    if "mimetype" in names and "content.xml" in names:
        if b"opendocument.spreadsheet" not in data[:4_000]:
            raise not_a_table_error("an OpenDocument text or drawing")
        return "spreadsheet"
    if any(name.endswith(".iwa") for name in names):
        raise not_a_table_error("a document of Apple's Numbers, Pages or Keynote")
    if any(name.startswith(("word/", "ppt/")) for name in names):
        raise not_a_table_error("a Word or PowerPoint document")
    return "zip"


def compressed_file_error(name: str) -> FileError:
    """The error for an archive format that is not supported."""
    return FileError(f"This is a compressed file ({name}). Unpack it and upload the CSV file inside.", code="compressed_file")


def not_a_table_error(name: str) -> FileError:
    """The error for a file that is not a table; ``name`` includes the article ("a picture")."""
    return FileError(f"This is {name}, not a table of texts and labels. {_SAVE_AS_CSV}", code="not_a_table")
