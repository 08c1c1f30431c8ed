"""Encodings, and files that are no text."""

import bz2
import gzip
import io
import lzma
import os
import zipfile

import pytest

from trainer.data.decoding import clean, decode
from trainer.errors import UserError

ENGLISH = "text,label\nThis is a plain line,fine\n" * 40


@pytest.mark.parametrize(
    ("encoding", "named"),
    [("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("utf-16", "utf-16"), ("utf-32", "utf-32")],
)
def test_what_says_its_encoding_is_not_guessed(encoding, named):
    found = decode("text,label\nça va bien 日本 😀,joie\n".encode(encoding))
    assert (found.text, found.encoding, found.guessed) == ("text,label\nça va bien 日本 😀,joie\n", named, False)


@pytest.mark.parametrize("bom", [b"\xfe\xff", b"\x00\x00\xfe\xff"])
def test_big_endian_marks(bom):
    encoding = "utf-16-be" if len(bom) == 2 else "utf-32-be"
    assert decode(bom + "text,label\nça,joie\n".encode(encoding)).text == "text,label\nça,joie\n"


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf16_without_its_mark_is_a_declared_guess(encoding):
    text = "text,label\nПривет как дела,радость\n"
    found = decode(text.encode(encoding))
    assert (found.text, found.encoding, found.guessed) == (text, encoding, True)


@pytest.mark.parametrize(
    ("sentence", "encoding"),
    [
        ("Je suis très déçu, ça ne marche pas, l’été à Genève, où êtes-vous ?", "cp1252"),
        ("Größe überprüfen, schöne Grüße, „gut“ für mich €5", "cp1252"),
        ("Jag är så glad över att få åka på sjön", "cp1252"),
        ("that’s “fine” – and £5 off", "cp1252"),
        ("Zażółć gęślą jaźń, jest mi smutno", "cp1250"),
        ("Zażółć gęślą jaźń, jest mi smutno", "iso8859-2"),
        ("Příliš žluťoučký kůň úpěl ďábelské ódy", "cp1250"),
        ("Nagyon boldog vagyok, őrült jó hétvége", "cp1250"),
        ("Bugün çok mutluyum, şimdi güneş doğdu", "cp1254"),
        ("Привет, как дела? мне грустно сегодня", "cp1251"),
        ("Привет, как дела? мне грустно сегодня", "koi8-r"),
        ("Είμαι πολύ χαρούμενος σήμερα", "cp1253"),
        ("今日はとても嬉しいです。", "cp932"),
        ("今日はとても嬉しいです。", "euc_jp"),
        ("今日はとても嬉しいです。", "iso2022_jp"),
        ("今天我很高兴,因为天气很好", "gb18030"),
        ("오늘 정말 기분이 좋아요", "cp949"),
        ("אני שמח מאוד היום", "cp1255"),
    ],
)
def test_old_encodings_are_guessed_from_anywhere_in_the_file(sentence, encoding):
    text = ENGLISH * 50 + sentence + ",joy\n" + ENGLISH
    found = decode(text.encode(encoding))
    assert found.guessed
    assert found.text == text


def test_utf8_with_a_pasted_cp1252_line_stays_utf8():
    found = decode("le café est très bon,joie\n".encode() * 30 + "déjà vu,joie\n".encode("cp1252"))
    assert (found.encoding, found.guessed) == ("utf-8", True)
    assert found.text.endswith("bon,joie\ndéjà vu,joie\n")


def test_utf8_cut_inside_a_character():
    found = decode("le café est très bon,joie\n".encode() * 30 + "caf\u00e9".encode()[:-1])
    assert found.encoding == "utf-8"
    assert found.text.startswith("le café est très bon,joie\n")


def test_newlines_are_one_kind():
    assert decode(b"a,b\r\nc,d\re,f\ng,h").text == "a,b\nc,d\ne,f\ng,h"


def test_clean_keeps_tab_and_newline_only():
    assert clean("a\x00b\x07c\td\ne\x0bf\x1bg\ud800h\x7fi") == "abc\td\ne fghi"
    assert clean("untouched é 😀") == "untouched é 😀"


def _zip(name: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"text,label\nx,y\n")
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty_file"),
        (b" \r\n\t\n", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"\x00" * 1000, "empty_file"),
        (gzip.compress(b"text,label\n"), "compressed_file"),
        (bz2.compress(b"text,label\n"), "compressed_file"),
        (lzma.compress(b"text,label\n"), "compressed_file"),
        (b"\x28\xb5\x2f\xfd\x04\x00", "compressed_file"),
        (_zip("data.csv"), "compressed_file"),
        (_zip("xl/workbook.xml"), "spreadsheet_file"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, "spreadsheet_file"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "not_a_table"),
        (b"PAR1\x15\x04\x15\x10PAR1", "not_a_table"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not_a_table"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>", "not_a_table"),
        (b'[{"text": "a", "label": "b"}]', "not_a_table"),
        (b'{"text": "a", "label": "b"}\n', "not_a_table"),
        (os.urandom(20_000), "not_a_table"),
    ],
)
def test_what_is_no_text_table_is_refused_kindly(data, code):
    with pytest.raises(UserError) as refusal:
        decode(data)
    assert refusal.value.code == code
    assert refusal.value.message.endswith(".")


def test_a_text_that_begins_like_a_magic_number_is_text():
    assert decode(b"PAR1,label\nx,y\n").text == "PAR1,label\nx,y\n"
    assert decode(b"BZh is a name,label\n").text == "BZh is a name,label\n"
