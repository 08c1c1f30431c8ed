"""Guesses the encoding of text that is not UTF-8: which encoding gives words of one alphabet, written as a language writes them.

Decodes samples only; ``decoding`` decodes the file.
"""

import codecs
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice, pairwise

_SAMPLE_BYTES = 200_000  # chardet looks at no more
_MAX_WORDS = 1_500
_SHOWN_WORDS = 3
_MIN_RIVAL_RATIO = 0.6  # a rival far less plausible than the best one is not worth a word

_RARE_LETTER_PENALTY = 0.3
_ODD_WORD = 0.3  # the plausibility of "¾ádná"
_OTHER_ALPHABET = 0.9  # of letters of alphabets without a list here

_WORDS = re.compile(r"[^\x00-\x40\x5b-\x60\x7b-\x7f]+")
_DASHES = re.compile("[–—…]")
_ODD_EDGE = re.compile(r"[¥¢£§¾½¼¹²³¤¦¶¬¨¯¸×÷±†‡]\w|\w[¾½¼¤¦¶¬¨¯¸×÷±µ†‡]|[^\W\d][¹²³]")
_SIGNS_LIKE_LETTERS = "µªº"  # of a unit, or after a number
_WORD_EDGE_SIGNS = "“”„‚‘’«»‹›–—…€£¥¢§©®™°·•¡¿†‡¨´¸¯`ªº¹²³¼½¾±×÷¬¦¶µ\xa0\xad"

# Letters outside ASCII of each language, the frequent ones first.
_ALPHABETS = (
    "éèàêçùâîôûëïœüæÿ",  # French
    "üäöß",
    "óíáéñúü",  # Spanish
    "ãáçéíóêâõúàôü",  # Portuguese
    "èàìòùéíîó",  # Italian
    "éèçàíóòúïü",  # Catalan
    "éëïèöóü",  # Dutch
    "åøæéöäóü",  # Danish, Norwegian
    "äåöé",  # Swedish, Finnish
    "áíðþéöóæúý",  # Icelandic
    "íáéěřžýčšůúóďňť",  # Czech
    "áíéčžýšľúťôňóďäĺŕ",  # Slovak
    "ąęłśżćńóź",  # Polish
    "áéőöíüóűú",  # Hungarian
    "ăîâșțşţ",  # Romanian
    "čšžćđ",  # Croatian, Slovene
    "ëç",  # Albanian
    "äõüöšž",  # Estonian
    "āīšēūļņģķčž",  # Latvian
    "ėąųšęįūžč",  # Lithuanian
    "ıüşçğöİâîû",  # Turkish
    "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",  # Russian
    "оаинвтерісклудпмзьягчбхйжїюєшщцґф",  # Ukrainian
    "аиоетнрсвлкпдмъузгбчяйжшхщюцфь",  # Bulgarian
    "аоиенрстјкувлмпдзгбљњчћцшжђхфџ",  # Serbian
    "αοιετσνηυρπκμλςωδγχθφβξζψάέήίόύώϊϋΐΰ",  # Greek
)
# Encodings of one byte in which tables are saved, with a bonus: the most frequent one wins a tie.
_SINGLE_BYTE = {
    "cp1252": 0.02,
    "cp1250": 0.0,
    "cp1251": 0.0,
    "cp1254": 0.0,
    "iso8859-2": -0.005,
    "cp1253": -0.005,
    "iso8859-15": -0.005,
    "koi8-u": -0.005,
    "cp850": -0.015,
    "mac-roman": -0.005,
    "cp866": -0.01,
    "iso8859-5": -0.01,
    "mac-cyrillic": -0.02,
    "cp852": -0.03,
    "cp857": -0.08,
    "cp1257": -0.04,
    "mac-latin2": -0.04,
}
_TRUSTED_BONUS, _UNTRUSTED_PENALTY = 0.02, 0.05  # of what chardet proposes of today's encodings, and of any others
_ASCII = "abcXYZ 019,;\"'"


@dataclass(frozen=True)
class EncodingGuess:
    """The most plausible encoding, and how plausible it is (0 to 1). ``rival``: the next one that changes words; ``changed``: such words, as each of the two reads them."""

    name: str
    score: float
    rival: str | None = None
    changed: tuple[tuple[str, str], ...] = ()


def guess_encoding(data: bytes) -> EncodingGuess:
    """The encoding of bytes that are not UTF-8; cp1252 unless another one is more plausible.

    Only lines with non-ASCII bytes are looked at, wherever they are, so that plain English does not outweigh them.
    """
    sample = _non_ascii_lines(data)
    scores = {name: _score(sample, name) + bonus for name, bonus in _SINGLE_BYTE.items()}
    for name, bonus in _proposals(sample):
        scores[name] = max(scores.get(name, 0.0), (scores[name] if name in scores else _score(sample, name)) + bonus)
    ranked = sorted(scores, key=lambda name: (-scores[name], name != "cp1252"))
    best = next(name for name in ranked if name == "cp1252" or can_decode(data, name))
    for rival in (name for name in ranked if name != best and can_decode(sample, name)):
        if scores[rival] < _MIN_RIVAL_RATIO * scores[best]:
            break
        changed = _changed_words(sample, best, rival)
        if changed:
            return EncodingGuess(best, scores[best], rival, changed)
    return EncodingGuess(best, scores[best])


def is_single_byte(name: str) -> bool:
    """Whether this is one of the encodings of one byte for each letter that are told apart by their letters."""
    return name in _SINGLE_BYTE


def can_decode(data: bytes, encoding: str) -> bool:
    """Whether all bytes are valid in this encoding."""
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def plausibility(sample: bytes, encoding: str) -> float:
    """Fraction of plausible words among those with non-ASCII characters: letters of one alphabet, no capital after a small letter or between a capital and a small one."""
    return _plausibility(_non_ascii_words(sample.decode(encoding, "replace")))


def _plausibility(words: Counter[str]) -> float:
    n_plausible = 0.0
    for word, times in words.items():
        if all(_is_word(part.strip(_WORD_EDGE_SIGNS)) for part in _DASHES.split(word)):
            n_plausible += times * (_ODD_WORD if _ODD_EDGE.search(word) else 1.0)
    return n_plausible / words.total() if words else 0.0


def _non_ascii_lines(data: bytes) -> bytes:
    lines, size = [], 0
    # One line at a time: all of them would take several times the memory of a big file.
    for line in (line for block in io.BytesIO(data) for line in block.replace(b"\r", b"\n").split(b"\n")):
        if not line.isascii():
            lines.append(line[: _SAMPLE_BYTES - size])
            size += len(lines[-1]) + 1
            if size >= _SAMPLE_BYTES:
                break
    return b"\n".join(lines)


def _non_ascii_words(text: str) -> Counter[str]:
    """The first words with a character outside ASCII, and how often each occurs."""
    return Counter(islice((word for match in _WORDS.finditer(text) if not (word := match.group()).isascii()), _MAX_WORDS))


def _score(sample: bytes, encoding: str) -> float:
    words = _non_ascii_words(sample.decode(encoding, "replace"))
    score = _plausibility(words)
    return score * _fit(words, trusts_single=encoding == "cp1252") if score else 0.0


def _fit(words: Counter[str], *, trusts_single: bool) -> float:
    """How well the non-ASCII letters suit one language, 0 to 1; frequent letters of the language count a little more than rare ones.

    ``trusts_single``: a single one, however often it occurs, may be rare: an English text has "œuvre" only, and a German one "ß".
    """
    letters: Counter[str] = Counter()
    for word, times in words.items():
        for c in word:
            if c > "\x7f" and c.isalpha() and c not in _SIGNS_LIKE_LETTERS:
                letters[c if c == "İ" else c.lower()] += times
    total = letters.total()
    if not total:
        return 1.0
    # Arabic to Thai; and Chinese, Japanese and Korean, which no other bytes become by chance.
    others = sum(n * (1.0 if c >= "\u2e80" else _OTHER_ALPHABET) for c, n in letters.items() if "\u0590" <= c <= "\u0eff" or c >= "\u2e80")
    penalty = 0.0 if trusts_single and len(letters) == 1 else _RARE_LETTER_PENALTY
    return max(others, *(sum(weights.get(c, 0.0) * n for c, n in letters.items()) for weights in _letter_weights(penalty))) / total


@cache
def _letter_weights(penalty: float) -> tuple[dict[str, float], ...]:
    return tuple({c: 1.0 - penalty * rank / len(letters) for rank, c in enumerate(letters)} for letters in _ALPHABETS)


def _proposals(sample: bytes) -> Iterator[tuple[str, float]]:
    """Encodings that chardet proposes, each with its bonus: those of today first, then any other."""
    import chardet

    for era in (chardet.EncodingEra.MODERN_WEB, chardet.EncodingEra.ALL):
        detection = chardet.detect(sample, prefer_superset=True, encoding_era=era)
        name = _usable_codec(detection["encoding"])
        if name is not None:
            trusted = era is chardet.EncodingEra.MODERN_WEB and detection["confidence"] >= 0.1
            # Turkish differs from cp1252 in six letters only, of which a file may have one.
            bonus = _TRUSTED_BONUS if trusted else 0.0
            yield name, bonus if name in _SINGLE_BYTE else bonus - _UNTRUSTED_PENALTY * (not trusted)


def _usable_codec(encoding: str | None) -> str | None:
    """Python's name of an encoding; None if it is unknown, ruled out already, or does not contain ASCII, as that of mainframes."""
    try:
        name = codecs.lookup(encoding or "").name
        contains_ascii = _ASCII.encode(name).decode("ascii") == _ASCII
    except (LookupError, UnicodeError):
        return None
    ruled_out = name in ("ascii", "utf-8", "utf-8-sig", "iso8859-1", "utf-7", "cp437") or name.startswith(("utf-16", "utf-32"))
    return None if ruled_out or not contains_ascii else name


def _changed_words(sample: bytes, best: str, rival: str) -> tuple[tuple[str, str], ...]:
    """The first words that the two encodings read differently."""
    changed: dict[tuple[str, str], None] = {}
    for line in sample.split(b"\n"):
        words, others = line.decode(best, "replace").split(), line.decode(rival, "replace").split()
        if len(words) == len(others):
            changed.update(dict.fromkeys((word[:30], other[:30]) for word, other in zip(words, others, strict=True) if word != other))
        if len(changed) >= _SHOWN_WORDS:
            break
    return tuple(changed)[:_SHOWN_WORDS]


def _is_word(word: str) -> bool:
    if len(word) > 1 and any(a.islower() and b.isupper() for a, b in pairwise(word)):
        return False
    if any(a.isupper() and b.isupper() and c.islower() for a, b, c in zip(word, word[1:], word[2:], strict=False)):
        return False  # "ZŸrich"
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
