"""Bytes to text: which files are no text at all, and which encoding the others have.

Knows nothing of rows and columns; a guess is always declared as one.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from trainer.errors import UserError


@dataclass(frozen=True)
class Decoded:
    """The text of a file: newlines are all ``\\n``; control characters, byte order marks and lone surrogates are gone."""

    text: str
    encoding: str
    guessed: bool


_BOMS = (  # utf-32-le before utf-16: its mark begins with that of utf-16-le
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE = 200_000  # bytes shown to chardet: all that it looks at

# Blanks among the control characters (vertical tab: a soft line break of Word and Excel) stay blanks, the others vanish.
_CONTROL_BLANKS = re.compile("[\x0b\x0c\x1c-\x1f]")
_CONTROL_BYTES = bytes([*range(9), 11, 12, *range(14, 27), *range(28, 32), 127])  # without Escape, which Japanese mail uses
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]")
_WORDS = re.compile(r"[^\x00-\x40\x5b-\x60\x7b-\x7f]+")
_DASHES = re.compile("[–—…]")
_AROUND_WORDS = "“”„‚‘’«»‹›–—…€£¥¢§©®™°·•¡¿†‡¨´¸¯`ªº¹²³¼½¾±×÷¬¦¶µ\xa0\xad"


def decode(data: bytes) -> Decoded:
    """The text of a file; raises UserError ``empty_file``, ``compressed_file``, ``spreadsheet_file`` or ``not_a_table``."""
    if not data.strip(b" \t\r\n\x00"):
        raise UserError("The file is empty. Choose a file with a column of texts and a column of labels.", code="empty_file")
    _refuse_other_formats(data)
    text, encoding, guessed = _to_text(data)
    text = clean(text.replace("\r\n", "\n").replace("\r", "\n")).lstrip("\ufeff")
    if not text or text.isspace():
        raise UserError("The file holds nothing but blanks. Choose a file with texts and labels.", code="empty_file")
    _refuse_other_texts(text)
    return Decoded(text, encoding, guessed)


def clean(text: str) -> str:
    """The text without control characters (tab and newline stay) and without lone surrogates, which no tokenizer or file takes."""
    # A search costs a fraction of a substitution, and nearly every file is clean.
    if _CONTROL_BLANKS.search(text):
        text = _CONTROL_BLANKS.sub(" ", text)
    return _CONTROLS.sub("", text) if _CONTROLS.search(text) else text


def _to_text(data: bytes) -> tuple[str, str, bool]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(encoding), encoding, False
            except UnicodeDecodeError:
                return data.decode(encoding, "replace"), encoding, True
    wide = _wide_encoding(data)
    if wide:
        return data.decode(wide), wide, True
    _refuse_control_dense(data)
    if b"\x1b$" in data and _decodes(data, "iso2022_jp"):
        return data.decode("iso2022_jp"), "iso2022_jp", True
    if _decodes(data, "utf-8"):
        return data.decode("utf-8"), "utf-8", False
    mostly = _mostly_utf8(data)
    if mostly is not None:
        return mostly, "utf-8", True
    encoding = _guess_encoding(data)
    return data.decode(encoding, "replace"), encoding, True


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without its mark: the zero bytes of its ASCII characters all stand on odd, or all on even, places."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    few, many = sorted((even, odd))
    if len(data) % 2 or many < 4 or many < 0.005 * len(data) or few * 20 > many:
        return None
    encoding = "utf-16-le" if odd > even else "utf-16-be"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return encoding if len(_CONTROLS.findall(text[:100_000])) * 100 <= min(len(text), 100_000) else None


def _mostly_utf8(data: bytes) -> str | None:
    """UTF-8 with a few foreign bytes (lines pasted from elsewhere, a file cut in a character), those read as cp1252; else None."""
    replaced = data.decode("utf-8", "replace")
    bad = replaced.count("\ufffd")
    good = len(replaced) - len(replaced.encode("ascii", "ignore")) - bad
    if good < 10 * bad:
        return None
    return data.decode("utf-8", "emotune-cp1252")


def _bad_bytes_as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("emotune-cp1252", _bad_bytes_as_cp1252)


def _guess_encoding(data: bytes) -> str:
    """The most plausible encoding of text that is not UTF-8; cp1252 unless another clearly reads better.

    chardet is shown only the lines that hold odd bytes, from anywhere in the file: pages of plain English before them would drown them.
    Its answers are then judged by how many words come out as words, since alone it takes Swedish for Cyrillic.
    """
    lines, size = [], 0
    for line in data.replace(b"\r", b"\n").split(b"\n"):
        if not line.isascii():
            lines.append(line[: _SAMPLE - size])
            size += len(lines[-1]) + 1
            if size >= _SAMPLE:
                break
    sample = b"\n".join(lines)
    best, best_score = "cp1252", _plausibility(sample, "cp1252")
    for name, margin in _candidates(sample):
        if name != best:
            score = _plausibility(sample, name)
            if score > best_score + margin and _decodes(data, name):
                best, best_score = name, score
    return best


def _candidates(sample: bytes) -> Iterator[tuple[str, float]]:
    """Encodings that chardet names, each with how much more plausible than cp1252 it must be."""
    import chardet

    for era in (chardet.EncodingEra.MODERN_WEB, chardet.EncodingEra.ALL):
        found = chardet.detect(sample, prefer_superset=True, encoding_era=era)
        name = _codec_name(found["encoding"])
        if name is None:
            continue
        # Turkish differs from Western text in six letters that are letters in both, so a tie goes to chardet.
        sure = name == "cp1254" or (era is chardet.EncodingEra.MODERN_WEB and found["confidence"] >= 0.1)
        yield name, -0.02 if sure else 0.03
        if name == "cp1250":
            yield "iso8859-2", 0.03


def _codec_name(encoding: str | None) -> str | None:
    """Python's name of an encoding; None where there is none, or where it is one that was already ruled out."""
    try:
        name = codecs.lookup(encoding or "").name
    except LookupError:
        return None
    return None if name in ("ascii", "utf-8", "utf-8-sig", "iso8859-1", "utf-7") or name.startswith(("utf-16", "utf-32")) else name


def _decodes(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _plausibility(sample: bytes, encoding: str) -> float:
    """Share of the words with odd characters that look like words: letters of one alphabet, no capital after a small letter."""
    text = sample.decode(encoding, "replace")
    good = seen = 0
    for match in _WORDS.finditer(text):
        word = match.group()
        if word.isascii():
            continue
        seen += 1
        good += all(_is_word(part.strip(_AROUND_WORDS)) for part in _DASHES.split(word))
        if seen >= 5_000:
            break
    return good / seen if seen else 0.0


def _is_word(word: str) -> bool:
    if len(word) > 1 and any(a.islower() and b.isupper() for a, b in pairwise(word)):
        return False
    alphabets = set()
    for character in word[:40]:
        if character in "’'":
            continue
        kind = unicodedata.category(character)
        if kind[0] not in "LM":
            # Full-width punctuation is as good as a letter in Chinese, Japanese and Korean.
            if not "\u3000" <= character <= "\uffee" or character == "\ufffd":
                return False
            continue
        alphabets.add("latin" if character < "\u0250" else "other")
    return len(alphabets) <= 1


# --- files that are no text table ---------------------------------------------------------------------------------

_COMPRESSED = (
    (b"\x1f\x8b", "gzip"),
    (b"\xfd7zXZ\x00", "xz"),
    (b"\x28\xb5\x2f\xfd", "zstandard"),
    (b"7z\xbc\xaf\x27\x1c", "7-Zip"),
    (b"Rar!\x1a\x07", "RAR"),
)
_OTHER = (
    (b"%PDF-", "a PDF document"),
    (b"\x89PNG\r\n", "a picture"),
    (b"\xff\xd8\xff", "a picture"),
    (b"GIF87a", "a picture"),
    (b"GIF89a", "a picture"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x7fELF", "a program"),
    (b"ARROW1\x00\x00", "an Arrow file"),
    (b"{\\rtf", "a word-processor document"),
)
_SAVE_AS_CSV = "Open it in the program it comes from, save it as CSV (UTF-8), and upload that."


def _refuse_other_formats(data: bytes) -> None:
    if data.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        if any(mark in data[:4_000] + data[-4_000:] for mark in (b"xl/", b"opendocument.spreadsheet")):
            raise UserError(f"This is a spreadsheet (Excel or OpenDocument), not a text file. {_SAVE_AS_CSV}", code="spreadsheet_file")
        raise _compressed("zip")
    if data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        raise UserError(f"This is an old Office file (such as .xls), not a text file. {_SAVE_AS_CSV}", code="spreadsheet_file")
    for magic, name in _COMPRESSED:
        if data.startswith(magic):
            raise _compressed(name)
    if data.startswith(b"BZh") and data[4:10] == b"1AY&SY":
        raise _compressed("bzip2")
    if data[257:262] == b"ustar":
        raise _compressed("tar")
    for magic, name in _OTHER:
        if data.startswith(magic):
            raise _no_table(name)
    if data.startswith(b"PAR1") and data.endswith(b"PAR1"):
        raise _no_table("a Parquet file")


def _compressed(name: str) -> UserError:
    return UserError(f"This is a compressed file ({name}). Unpack it and upload the CSV file inside.", code="compressed_file")


def _no_table(name: str) -> UserError:
    return UserError(f"This is {name}, not a table of texts and labels. {_SAVE_AS_CSV}", code="not_a_table")


def _refuse_control_dense(data: bytes) -> None:
    """Text has next to no control bytes; pictures, sound and programs are full of them."""
    sample = data[:500_000] + data[-100_000:] if len(data) > 600_000 else data
    controls = len(sample) - len(sample.translate(None, _CONTROL_BYTES))
    if controls > 8 and controls > 0.02 * len(sample):
        raise UserError(
            f"This does not look like a text file: {controls / len(sample):.0%} of it are control characters. "
            "Export the table as CSV (UTF-8) and upload that.",
            code="not_a_table",
        )


def _refuse_other_texts(text: str) -> None:
    start = text[:2_000].lstrip()
    if start[:15].lower().startswith(("<!doctype html", "<html")):
        raise UserError(
            "This is a web page, not a table. Probably a link was saved instead of the file behind it: "
            "use the page's own download button, then upload the CSV file.",
            code="not_a_table",
        )
    is_object = start.startswith("{") and '":' in start.replace(" ", "")
    if is_object or (start.startswith("[") and start[1:].lstrip().startswith("{")):
        raise _no_table("a JSON file")
