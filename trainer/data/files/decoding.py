"""Decodes bytes to text: detects the encoding and refuses files that are not text.

Knows no rows or columns. A guessed encoding is always marked as guessed.
"""

import codecs
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from trainer.data.files.encoding_guess import can_decode, guess_encoding, is_single_byte, plausibility
from trainer.data.files.table import ReaderWarning
from trainer.data.files.text_formats import refuse_ebcdic
from trainer.errors import FileError


@dataclass(frozen=True)
class Decoded:
    """The text of a file, with ``\\n`` as the only newline and without control characters, byte order marks and lone surrogates.

    ``null_characters``: how many null characters were removed; only damaged files have them. ``warnings``: what a guess depends on.
    """

    text: str
    encoding: str
    guessed: bool
    null_characters: int = 0
    warnings: tuple[ReaderWarning, ...] = ()


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
_PIECE_BYTES = 1 << 20
_SAMPLE_LINES = 5_000  # that say whether there are any lines in UTF-8
_MIN_PLAUSIBLE = 0.9  # of the words in each part of a file in two encodings

# Control characters that are whitespace (vertical tab: a soft line break of Word and Excel) become blanks; the others are removed.
_CONTROL_BLANKS = re.compile("[\x0b\x0c\x1c-\x1f]")
_CONTROL_BYTES = bytes([*range(9), 11, 12, *range(14, 27), *range(28, 32), 127])  # without Escape, which iso2022_jp uses
_SUSPICIOUS_BYTES = bytes(byte for byte in _CONTROL_BYTES if not (byte in (11, 12) or 28 <= byte < 32))  # whitespace is text
_CONTROL_DELIMITERS = ("\x01", "\x1f")
_CONTROLS = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]")
_NULL_MARK = re.compile('\0"([\t,;|\n]|$)?')
_SURROGATES = re.compile("[\ud800-\udfff]")


def decode(data: bytes, *, encoding: str | None = None) -> Decoded:
    """The text of a file in the given or in the detected encoding.

    Raises UserError ``empty_file``, ``not_a_table``, ``wrong_encoding`` (``encoding`` does not fit).
    """
    if not data.strip(b" \t\r\n\x00"):
        raise FileError("The file is empty. Choose a file with a column of texts and a column of labels.", code="empty_file")
    null_characters = _padding_length(data)
    if null_characters:
        data = data[:-null_characters]
    decoded = _detect_and_decode(data) if encoding is None else _decode_as(data, encoding)
    text, name = decoded.text, decoded.encoding
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
    return replace(decoded, text=text, null_characters=null_characters)


def find_encoding(data: bytes) -> str | None:
    """The encoding that ``decode`` finds, without the text of a big file in memory; None if only the whole text tells."""
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            return encoding
    if any(mark in data for mark in (b"\0", b"\x1b", b"~{")):
        return None
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    n_invalid = n_outside_ascii = 0
    for start in range(0, len(data), _PIECE_BYTES):
        text = decoder.decode(data[start : start + _PIECE_BYTES], final=start + _PIECE_BYTES >= len(data))
        if not text.isascii():
            n_invalid += text.count("\ufffd")
            n_outside_ascii += len(text) - len(text.encode("ascii", "ignore"))
    if not n_invalid:
        return "utf-8"
    return None if n_outside_ascii > n_invalid else guess_encoding(data).name


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


def _decode_as(data: bytes, encoding: str) -> Decoded:
    try:
        return Decoded(data.decode(encoding), encoding, guessed=False)
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


def _detect_and_decode(data: bytes) -> Decoded:
    for bom, encoding in _BOMS:
        if data.startswith(bom):
            try:
                return Decoded(data.decode(encoding), encoding, guessed=False)
            except UnicodeDecodeError:
                return Decoded(data.decode(encoding, "replace"), encoding, guessed=True)
    wide_encoding = _detect_wide_encoding(data)
    if wide_encoding:
        return Decoded(data.decode(wide_encoding), wide_encoding, guessed=True)
    # Searching for one byte takes a twentieth of the time of two.
    for mark, encoding in _ESCAPED if b"\x1b" in data or b"~" in data else ():
        if mark in data and data.isascii() and can_decode(data, encoding) and not (text := data.decode(encoding)).isascii():
            return Decoded(text, encoding, guessed=True)
    with suppress(UnicodeDecodeError):
        text = data.decode("utf-8")
        _refuse_control_dense(data)
        return Decoded(text, "utf-8", guessed=False)
    refuse_ebcdic(data)
    _refuse_control_dense(data)
    return _decode_partly_utf8(data) or _decode_as_guessed(data)


def _decode_as_guessed(data: bytes) -> Decoded:
    guess = guess_encoding(data)
    warnings: tuple[ReaderWarning, ...] = ()
    if guess.rival is not None:
        words = ", ".join(f"“{word}” would be “{other}”" for word, other in guess.changed)
        message = f"If it were {guess.rival}, {words}."
        warnings = (ReaderWarning("rival_encoding", "ok", len(guess.changed), message),)
    return Decoded(data.decode(guess.name, "replace"), guess.name, guessed=True, warnings=warnings)


def _decode_lines(data: bytes) -> Decoded | None:
    """Lines of UTF-8 and lines of another encoding, as files that were joined have them; None if one encoding explains all lines.

    Lines are UTF-8 by chance only if they have few letters outside ASCII, and then they are no words in it.
    """
    lines = data.splitlines(keepends=True)
    sample = lines[:: max(1, len(lines) // _SAMPLE_LINES)]
    if not any(not line.isascii() and can_decode(line, "utf-8") for line in sample):
        return None
    others = [number for number, line in enumerate(lines) if not line.isascii() and not can_decode(line, "utf-8")]
    as_utf8 = b"".join(line for line in lines if not line.isascii() and can_decode(line, "utf-8"))
    if not as_utf8 or not others:
        return None
    guess = guess_encoding(b"".join(lines[number] for number in others))
    if (
        not is_single_byte(guess.name)
        or guess.score < _MIN_PLAUSIBLE * _MIN_PLAUSIBLE
        or plausibility(as_utf8, "utf-8") < _MIN_PLAUSIBLE
        or plausibility(as_utf8, guess.name) > plausibility(as_utf8, "utf-8") / 2
    ):
        return None
    other_numbers = set(others)
    text = "".join(line.decode(guess.name if number in other_numbers else "utf-8", "replace") for number, line in enumerate(lines))
    message = (
        f"The file mixes two encodings: {len(others):,} of its lines are not UTF-8 like the others and were read as {guess.name}, "
        f"the first of them line {others[0] + 1:,}. Look at a few of them."
    )
    return Decoded(
        text, "utf-8", guessed=True, warnings=(ReaderWarning("mixed_encodings", "warning", len(others), message, others[0] + 1),)
    )


def _detect_wide_encoding(data: bytes) -> str | None:
    """UTF-16 or UTF-32 without a byte order mark: nearly all zero bytes are at odd, or at even, offsets."""
    if b"\0" not in data:
        return None
    for encoding, high in (("utf-32-le", (3, 2)), ("utf-32-be", (0, 1))):
        quarter = len(data) // 4
        if quarter and not len(data) % 4 and data[high[0] :: 4].count(0) == quarter and data[high[1] :: 4].count(0) > 0.9 * quarter:
            return encoding if can_decode(data, encoding) else None
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


def _decode_partly_utf8(data: bytes) -> Decoded | None:
    """UTF-8 with lines in another encoding, or with a few invalid bytes (pasted words, a file cut inside a character), which are read as cp1252; else None."""
    replaced = data.decode("utf-8", "replace")
    n_invalid = replaced.count("\ufffd")
    n_valid = len(replaced) - len(replaced.encode("ascii", "ignore")) - n_invalid
    if not n_valid:
        return None
    if by_line := _decode_lines(data):
        return by_line
    return None if n_valid < 10 * n_invalid else Decoded(data.decode("utf-8", "emotune-cp1252"), "utf-8", guessed=True)


def _bad_bytes_as_cp1252(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "replace"), error.end


codecs.register_error("emotune-cp1252", _bad_bytes_as_cp1252)


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
