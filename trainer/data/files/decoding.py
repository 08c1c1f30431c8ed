"""Decodes bytes to text: detects the encoding and refuses files that are not text.

Knows no rows or columns. A guessed encoding is always marked as guessed.
"""

import codecs
import re
import unicodedata
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

from trainer.data.files.text_formats import refuse_ebcdic
from trainer.errors import FileError


@dataclass(frozen=True)
class Decoded:
    """The text of a file, with ``\\n`` as the only newline and without control characters, byte order marks and lone surrogates.

    ``null_characters``: how many null characters were removed; only damaged files have them.
    """

    text: str
    encoding: str
    guessed: bool
    null_characters: int = 0


_BOMS = (  # utf-32-le before utf-16: its mark begins with the one of utf-16-le
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# Encodings in ASCII bytes only, with marks where other characters begin.
_ESCAPED = ((b"\x1b$)C", "iso2022_kr"), (b"\x1b$", "iso2022_jp"), (b"\x1b$", "iso2022_jp_2"), (b"~{", "hz"))
_PADDING_SAMPLE_BYTES = 1_000
_SAMPLE_BYTES = 200_000  # chardet looks at no more

# Control characters that are whitespace (vertical tab: a soft line break of Word and Excel) become blanks; the others are removed.
_CONTROL_BLANKS = re.compile("[\x0b\x0c\x1c-\x1f]")
_CONTROL_BYTES = bytes([*range(9), 11, 12, *range(14, 27), *range(28, 32), 127])  # without Escape, which iso2022_jp uses
_SUSPICIOUS_BYTES = bytes(byte for byte in _CONTROL_BYTES if not (byte in (11, 12) or 28 <= byte < 32))  # whitespace is text
_CONTROL_DELIMITERS = ("\x01", "\x1f")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]")
_NULL_MARK = re.compile('\0"([\t,;|\n]|$)?')
_SURROGATES = re.compile("[\ud800-\udfff]")
_WORDS = re.compile(r"[^\x00-\x40\x5b-\x60\x7b-\x7f]+")
_DASHES = re.compile("[–—…]")
_WORD_EDGE_SIGNS = "“”„‚‘’«»‹›–—…€£¥¢§©®™°·•¡¿†‡¨´¸¯`ªº¹²³¼½¾±×÷¬¦¶µ\xa0\xad"


def decode(data: bytes, *, encoding: str | None = None) -> Decoded:
    """The text of a file in the given or in the detected encoding.

    Raises UserError ``empty_file``, ``not_a_table``, ``wrong_encoding`` (``encoding`` does not fit).
    """
    if not data.strip(b" \t\r\n\x00"):
        raise FileError("The file is empty. Choose a file with a column of texts and a column of labels.", code="empty_file")
    null_characters = _padding_length(data)
    if null_characters:
        data = data[:-null_characters]
    text, name, guessed = _detect_and_decode(data) if encoding is None else _decode_as(data, encoding)
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Searching the bytes is five times as fast; UTF-8 keeps control bytes as they are and has no surrogates.
    if name not in ("utf-8", "utf-8-sig") or len(data.translate(None, _CONTROL_BYTES + b"\x1b")) < len(data):
        null_characters += text.count("\0")
        text = _control_delimiters_to_tabs(text)
        text = clean(_without_nulls(text) if null_characters else text)
    text = text.lstrip("\ufeff")
    if "\n\ufeff" in text:
        text = text.replace("\n\ufeff", "\n")  # files that were put together, each with its mark
    if not text or text.isspace():
        raise FileError("The file contains only blanks. Choose a file with texts and labels.", code="empty_file")
    return Decoded(text, name, guessed, null_characters)


def _control_delimiters_to_tabs(text: str) -> str:
    """The text with tabs in place of a control character that delimits the cells, as some databases write it."""
    for mark in _CONTROL_DELIMITERS:
        if text.count(mark) >= max(2, text.rstrip("\n").count("\n")) and "\t" not in text:
            return text.replace(mark, "\t")
    return text


def _padding_length(data: bytes) -> int:
    """How many null bytes a disk or a database added after the text; those of UTF-16 belong to it."""
    length = len(data) - len(data.rstrip(b"\0"))
    return length if length > 3 and b"\0" not in data[:_PADDING_SAMPLE_BYTES].rstrip(b"\0") else 0


def _without_nulls(text: str) -> str:
    """The text without null characters, of which some programs write one before a quotation mark in a quoted text."""
    marks = _NULL_MARK.findall(text)
    at_ends = sum(map(bool, marks))  # a null character at the end of a cell, before the mark that closes it
    return text.replace("\0", "") if 2 * at_ends >= len(marks) else text.replace('\0"', '""').replace("\0", "")


def _decode_as(data: bytes, encoding: str) -> tuple[str, str, bool]:
    try:
        return data.decode(encoding), encoding, False
    except (LookupError, UnicodeError) as error:
        raise FileError(
            f"The file cannot be read as {encoding}. Choose another encoding, or let Emotune detect it.", code="wrong_encoding"
        ) from error


def clean(text: str) -> str:
    """The text without control characters (except tab and newline) and lone surrogates, which no tokenizer or file accepts."""
    # A search is far faster than a substitution, and nearly every file is clean.
    if _CONTROL_BLANKS.search(text):
        text = _CONTROL_BLANKS.sub(" ", text)
    return _CONTROLS.sub("", text) if _CONTROLS.search(text) else text


def refuse_lone_surrogates(*values: object) -> None:
    """Raise UserError ``not_text`` if one of the strings, also inside lists and dictionaries, holds a lone surrogate.

    JSON can contain one ("\\ud83d" alone), and undecodable bytes of a terminal become one; files and responses cannot hold it.
    """
    for value in values:
        if isinstance(value, str) and _SURROGATES.search(value):
            shown = _SURROGATES.sub("\ufffd", value)[:60]
            raise FileError(f"“{shown}” holds half a character, which is no text. Type it again, or send it as UTF-8.", code="not_text")
        if isinstance(value, Mapping):
            refuse_lone_surrogates(*value.keys(), *value.values())
        elif isinstance(value, list | tuple):
            refuse_lone_surrogates(*value)


def _detect_and_decode(data: bytes) -> tuple[str, str, bool]:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return data.decode(encoding), encoding, False
            except UnicodeDecodeError:
                return data.decode(encoding, "replace"), encoding, True
    wide_encoding = _detect_wide_encoding(data)
    if wide_encoding:
        return data.decode(wide_encoding), wide_encoding, True
    # Searching for one byte takes a twentieth of the time of two.
    for mark, encoding in _ESCAPED if b"\x1b" in data or b"~" in data else ():
        if mark in data and data.isascii() and _can_decode(data, encoding) and not (text := data.decode(encoding)).isascii():
            return text, encoding, True
    refuse_ebcdic(data)
    _refuse_control_dense(data)
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8"), "utf-8", False
    mostly_utf8 = _decode_mostly_utf8(data)
    if mostly_utf8 is not None:
        return mostly_utf8, "utf-8", True
    encoding = _guess_encoding(data)
    return data.decode(encoding, "replace"), encoding, True


def _detect_wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark: nearly all zero bytes are at odd, or at even, offsets."""
    if b"\0" not in data:
        return None
    for encoding, high in (("utf-32-le", (3, 2)), ("utf-32-be", (0, 1))):
        quarter = len(data) // 4
        if quarter and not len(data) % 4 and data[high[0] :: 4].count(0) == quarter and data[high[1] :: 4].count(0) > 0.9 * quarter:
            return encoding if _can_decode(data, encoding) else None
    zeros_at_even, zeros_at_odd = data[0::2].count(0), data[1::2].count(0)
    fewer, most_zeros = sorted((zeros_at_even, zeros_at_odd))
    if len(data) % 2 or most_zeros < 4 or most_zeros < 0.005 * len(data) or fewer * 20 > most_zeros:
        return None
    encoding = "utf-16-le" if zeros_at_odd > zeros_at_even else "utf-16-be"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        return None
    return encoding if len(_CONTROLS.findall(text[:100_000])) * 100 <= min(len(text), 100_000) else None


def _decode_mostly_utf8(data: bytes) -> str | None:
    """UTF-8 with a few invalid bytes (pasted lines, a file cut inside a character), which are read as cp1252; else None."""
    replaced = data.decode("utf-8", "replace")
    n_invalid = replaced.count("\ufffd")
    n_valid = len(replaced) - len(replaced.encode("ascii", "ignore")) - n_invalid
    if n_valid < 10 * n_invalid:
        return None
    return data.decode("utf-8", "emotune-cp1252")


def _bad_bytes_as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("emotune-cp1252", _bad_bytes_as_cp1252)


def _guess_encoding(data: bytes) -> str:
    """The most plausible encoding of text that is not UTF-8; cp1252 unless another one is clearly more plausible.

    chardet sees only the lines with non-ASCII bytes, wherever they are, so that plain English does not outweigh them.
    Its proposals are ranked by the fraction of plausible words, because on its own it confuses Swedish with Cyrillic.
    """
    lines, size = [], 0
    for line in data.replace(b"\r", b"\n").split(b"\n"):
        if not line.isascii():
            lines.append(line[: _SAMPLE_BYTES - size])
            size += len(lines[-1]) + 1
            if size >= _SAMPLE_BYTES:
                break
    sample = b"\n".join(lines)
    best, best_score = "cp1252", _plausibility(sample, "cp1252")
    for name, margin in _candidate_encodings(sample):
        if name != best:
            score = _plausibility(sample, name)
            if score > best_score + margin and _can_decode(data, name):
                best, best_score = name, score
    # chardet often misses DOS encodings or says cp437; Western Europe used cp850, which has the same common letters and more rare ones.
    needed = best_score if best == "cp437" else 0.9
    if (best == "cp437" or (best == "cp1252" and best_score < 0.6)) and _plausibility(sample, "cp850") >= needed:
        return "cp850"
    return best


def _candidate_encodings(sample: bytes) -> Iterator[tuple[str, float]]:
    """Encodings that chardet proposes, each with the margin by which it must be more plausible than cp1252."""
    import chardet

    for era in (chardet.EncodingEra.MODERN_WEB, chardet.EncodingEra.ALL):
        detection = chardet.detect(sample, prefer_superset=True, encoding_era=era)
        name = _usable_codec(detection["encoding"])
        if name is None:
            continue
        # Turkish differs from cp1252 in six letters only, so a tie goes to chardet.
        trusted = name == "cp1254" or (era is chardet.EncodingEra.MODERN_WEB and detection["confidence"] >= 0.1)
        yield name, -0.02 if trusted else 0.03
        if name == "cp1250":
            yield "iso8859-2", 0.03


def _usable_codec(encoding: str | None) -> str | None:
    """Python's name of an encoding; None if it is unknown or ruled out already."""
    try:
        name = codecs.lookup(encoding or "").name
    except LookupError:
        return None
    return None if name in ("ascii", "utf-8", "utf-8-sig", "iso8859-1", "utf-7") or name.startswith(("utf-16", "utf-32")) else name


def _can_decode(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _plausibility(sample: bytes, encoding: str) -> float:
    """Fraction of plausible words among those with non-ASCII characters: letters of one alphabet, no capital after a small letter."""
    text = sample.decode(encoding, "replace")
    n_plausible = n_seen = 0
    for match in _WORDS.finditer(text):
        word = match.group()
        if word.isascii():
            continue
        n_seen += 1
        n_plausible += all(_is_word(part.strip(_WORD_EDGE_SIGNS)) for part in _DASHES.split(word))
        if n_seen >= 5_000:
            break
    return n_plausible / n_seen if n_seen else 0.0


def _is_word(word: str) -> bool:
    if len(word) > 1 and any(a.islower() and b.isupper() for a, b in pairwise(word)):
        return False
    alphabets = set()
    for character in word[:40]:
        if character in "’'":
            continue
        category = unicodedata.category(character)
        if category[0] not in "LM":
            # Full-width punctuation belongs to Chinese, Japanese and Korean words.
            if not "\u3000" <= character <= "\uffee" or character == "\ufffd":
                return False
            continue
        alphabets.add("latin" if character < "\u0250" else "other")
    return len(alphabets) <= 1


# --- files that are not text tables ---------------------------------------------------------------------------------


def _refuse_control_dense(data: bytes) -> None:
    """Raise UserError ``not_a_table`` for many control bytes: text has almost none; images, audio and programs have many."""
    sample = data[:500_000] + data[-100_000:] if len(data) > 600_000 else data
    nulls = sample.count(b"\0")  # a database writes one in each cell, a picture far more
    controls = len(sample) - len(sample.translate(None, _SUSPICIOUS_BYTES)) - sample.count(b"\x01") - nulls
    if controls + nulls > 8 and (controls > 0.02 * len(sample) or nulls > 0.1 * len(sample)):
        raise FileError(
            f"This does not look like a text file: {(controls + nulls) / len(sample):.0%} of it is control characters. "
            "Export the table as CSV (UTF-8) and upload that.",
            code="not_a_table",
        )
