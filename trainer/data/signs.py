"""Signs: the emoji and other symbols of texts, each as a reader sees it. A joined emoji, one with a skin tone, a flag or a keycap is one sign.

Letters and digits are no signs, whatever their script: they make words, and a language that an encoder does not know is told by another
check. Nor are the characters of ASCII, which every encoder reads.
"""

import unicodedata
from collections import Counter
from collections.abc import Iterable
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

_MODIFIERS = r"[\p{M}\U0001F3FB-\U0001F3FF\U000E0020-\U000E007F]{0,8}"
"""Variation selectors, the mark of a keycap, skin tones and the tags of a region's flag; no more, as nothing limits the marks on a character."""

_SIGN = rf"""
      [#*0-9]\ufe0f?\u20e3
    | \p{{RI}}{{2}}
    | [[\p{{S}}\p{{P}}\p{{No}}\p{{Nl}}\p{{Extended_Pictographic}}]--[\x00-\x7f]] {_MODIFIERS} (?: \u200d \p{{Extended_Pictographic}} {_MODIFIERS} ){{0,8}}
"""
"""After Unicode's grapheme clusters (UAX 29) and emoji sequences (UTS 51); unicodedata knows neither, and no emoji newer than Python."""

SKIN_TONES = tuple(map(chr, range(0x1F3FB, 0x1F400)))

_SHORT_NAMES = {
    "\U0001f3fb": "light skin", "\U0001f3fc": "light skin", "\U0001f3fd": "brown skin", "\U0001f3fe": "dark skin", "\U0001f3ff": "dark skin",
    "\u20e3": "", "❤": "heart",
}  # fmt: skip
"""Where Unicode's name says something else than the sign: "emoji modifier Fitzpatrick type-6", "heavy black heart" for the red one."""
_FILLERS = frozenset("sign symbol letter regional indicator with and of the for heavy emoji modifier combining mark".split())


def find_signs(text: str) -> list[str]:
    """The signs of a text, in order."""
    return [] if text.isascii() else _sign_pattern().findall(text)


def count_signs(texts: Iterable[str]) -> Counter[str]:
    """The number of texts that hold each sign."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(set(find_signs(text)))
    return counts


def parts_of(sign: str) -> tuple[str, ...]:
    """What a sign is made of: the emoji that it joins, without variation selectors, and their skin tones; the sign itself if it is simple."""
    return tuple(character for character in sign if unicodedata.category(character) not in ("Mn", "Cf"))


def takes_a_skin_tone(sign: str) -> bool:
    """Whether it shows something that may have a skin tone."""
    return _skin_tone_pattern().search(sign) is not None


def words_of(sign: str) -> str:
    """The words of the Unicode names of a sign's characters, in small letters; "symbol" if it has no name yet."""
    names = (_SHORT_NAMES.get(character, unicodedata.name(character, "")) for character in parts_of(sign))
    words = [word for name in names for word in name.lower().replace("-", " ").split() if word not in _FILLERS]
    return " ".join(words) or "symbol"


@cache
def _sign_pattern() -> "regex.Pattern[str]":
    import regex  # late, as texts in ASCII do not need it

    return regex.compile(_SIGN, regex.VERSION1 | regex.VERBOSE)


@cache
def _skin_tone_pattern() -> "regex.Pattern[str]":
    import regex

    return regex.compile(r"\p{Emoji_Modifier_Base}")
