"""Compressed files and foreign formats: detected by their first bytes, unpacked up to a limit, or refused with a message."""

import bz2
import gzip
import io
import lzma
import stat
import zipfile

import pytest

from tests.cpu_time import cpu_time
from tests.data.files.samples import make_workbook, make_zip
from trainer.data.files.archives import unpacked_zip_size
from trainer.data.files.formats import detect_format
from trainer.data.files.read_table import read_table
from trainer.errors import UserError

CSV = b"text,label\nhello there you,joy\nbye bye now,sad\n"


@pytest.mark.parametrize(
    "data",
    [
        gzip.compress(CSV, mtime=0),
        gzip.compress(CSV[:20], mtime=0) + gzip.compress(CSV[20:], mtime=0) + b"\0" * 8,
        bz2.compress(CSV),
        bz2.compress(CSV[:20]) + bz2.compress(CSV[20:]),
        lzma.compress(CSV),
        lzma.compress(CSV[:20]) + lzma.compress(CSV[20:]),
        make_zip({"a/b/../data.exe": CSV, "__MACOSX/._data": b"\0\1", "a/": b""}),
        gzip.compress(make_workbook({"S": [["text", "label"], ["hello there you", "joy"], ["bye bye now", "sad"]]}), mtime=0),
    ],
    ids=["gz", "gz twice", "bz2", "bz2 twice", "xz", "xz twice", "zip", "workbook in gz"],
)
def test_the_one_file_inside_is_read(data):
    table = read_table(data)
    assert (table.columns, table.rows) == (("text", "label"), [("hello there you", "joy"), ("bye bye now", "sad")])


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, lambda data: make_zip({"a": data})])
def test_a_bomb_is_refused_and_kept_out_of_memory(pack):
    data = pack(b"text,label\n" * 3_000_000)
    with cpu_time() as spent:
        with pytest.raises(UserError) as refusal:
            read_table(data, max_bytes=5_000_000)
        assert refusal.value.code == "file_too_large"
        assert "5 MB when unpacked" in refusal.value.message
    assert spent.seconds < 1


def _locked() -> bytes:
    data = bytearray(make_zip({"a.csv": CSV}))
    data[6] |= 1  # the flag of encryption, in both places
    data[data.index(b"PK\x01\x02") + 8] |= 1
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (make_zip({}), "compressed_file"),
        (make_zip({"a.zip": make_zip({"b.csv": CSV})}), "compressed_file"),
        (gzip.compress(gzip.compress(CSV, mtime=0), mtime=0), "compressed_file"),
        (_locked(), "compressed_file"),
        (make_zip({"a.csv": CSV})[:-10], "compressed_file"),
        (gzip.compress(CSV, mtime=0)[:-12], "file_damaged"),
        (gzip.compress(CSV, mtime=0)[:11], "file_damaged"),
        (bz2.compress(CSV)[:-5], "file_damaged"),
        (lzma.compress(CSV)[:-20], "file_damaged"),
        (gzip.compress(b"", mtime=0), "empty_file"),
        (bz2.compress(b""), "empty_file"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "compressed_file"),
        (b"7z\xbc\xaf\x27\x1c\x00\x04", "compressed_file"),
        (b"a.csv".ljust(257, b"\0") + b"ustar".ljust(255, b"\0"), "compressed_file"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not_a_table"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not_a_table"),
        (b"SQLite format 3\x00", "not_a_table"),
    ],
)
def test_what_is_not_unpacked_is_refused_kindly(data, code):
    with pytest.raises(UserError) as refusal:
        read_table(data)
    assert refusal.value.code == code
    assert refusal.value.message.endswith(".")


def test_a_zip_that_lies_about_sizes_is_refused():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.csv", b"text,label\n" * 1_000_000)
    data = bytearray(file.getvalue())
    data[data.index(b"PK\x01\x02") + 24 :][:4] = (100).to_bytes(4, "little")
    start = data.index(b"PK\x01\x02") + 24
    data[start : start + 4] = (100).to_bytes(4, "little")
    with pytest.raises(UserError):
        read_table(bytes(data), max_bytes=1_000)


def test_a_text_that_begins_like_a_magic_number_is_text():
    for data in (b"PAR1,label\nx,y\n", b"BZh is a name,label\n", b"PK,label\nx,y\n"):
        assert detect_format(data) == "text"


def test_a_small_gzip_of_millions_of_lines_is_refused_before_they_are_cut():
    data = gzip.compress(b"a,b\n" * 8_000_000, compresslevel=1, mtime=0)
    assert len(data) < 200_000
    with cpu_time() as spent:
        with pytest.raises(UserError) as refusal:
            read_table(data)
        assert refusal.value.code == "too_many_rows"
    assert spent.seconds < 2


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
def test_a_hundred_thousand_empty_streams_are_refused_in_linear_time(pack):
    with cpu_time() as spent:
        with pytest.raises(UserError) as refusal:
            read_table(pack(b"") * 100_000)
        assert refusal.value.code == "compressed_file"
    assert spent.seconds < 1


def test_a_file_of_many_streams_and_padding_is_read():
    rows = b"".join(b"this is text number %d,joy\n" % n for n in range(3_000))
    streams = [
        gzip.compress(b"text,label\n", mtime=0),
        *(gzip.compress(rows[start : start + 20], mtime=0) for start in range(0, len(rows), 20)),
    ]
    table = read_table(b"".join(stream + bytes(3) for stream in streams) + bytes(1_000_000))
    assert (len(streams) > 3_000, len(table.rows)) == (True, 3_000)


def test_a_link_in_a_zip_is_refused_and_not_read_as_a_text():
    file, entry = io.BytesIO(), zipfile.ZipInfo("texts.csv")
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry, "/etc/passwd")
    with pytest.raises(UserError, match="only a link") as refusal:
        read_table(file.getvalue())
    assert refusal.value.code == "compressed_file"


def test_a_zip_of_too_many_entries_is_refused_before_its_list_is_parsed():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(20_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.csv"), b"")
    lying = file.getvalue()[:-14] + b"\1\0\1\0" + file.getvalue()[-10:]  # claims to have one entry
    for data in (file.getvalue(), lying):
        with pytest.raises(UserError, match="more than 10,000 files") as refusal:
            read_table(data)
        assert refusal.value.code == "compressed_file"


def test_a_zip_whose_entry_has_no_name_is_damaged():
    data = bytearray(make_zip({"x": CSV}))
    central = data.rindex(b"PK\x01\x02")
    data[central + 28 : central + 30] = b"\0\0"  # the length of its name
    data[central + 30 : central + 32] = b"\1\0"  # of which it becomes an extra field
    with pytest.raises(UserError) as refusal:
        read_table(bytes(data))
    assert refusal.value.code == "file_damaged"


def test_a_zip_of_a_few_bytes_is_not_taken_for_the_megabytes_it_states():
    data = bytearray(make_zip({"a.csv": CSV, "x.bin": b"abc"}))
    assert unpacked_zip_size(bytes(data)) == len(CSV) + 3
    entry = data.rindex(b"PK\x01\x02")
    data[entry + 20 : entry + 28] = b"\xf0\xff\xff\xff" * 2  # the sizes, packed and unpacked
    assert unpacked_zip_size(bytes(data)) < 1_100 * len(data)
