"""Normal forms of texts: the key that exact duplicates share, and the normalized text that near-duplicates nearly share.

Compares no texts.
"""

import re
import unicodedata
from functools import cache

from trainer.data.combining_marks import limit_marks
from trainer.data.html_and_links import replace_links

_RETWEET = re.compile(r"\brt\s+(?=@\w)")
# Patterns begin with a plain set of characters, which the regex engine finds fast; _emoji_for checks what comes before the match.
_EMOTICON = re.compile(r"[:;=](?:'?-?[()\[\]](?![^\W_])|-?[/\\](?![\w/])|-?[dpo](?!\w)|(?<=[()].)(?!\S))")
_MOUTHS = {")": "🙂", "]": "🙂", "(": "🙁", "[": "🙁", "/": "😕", "\\": "😕", "d": "😀", "p": "😛", "o": "😮"}
_APOSTROPHES = "'’‘`ʼʹ"
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_RARE_SCRIPTS = re.compile("[\U00010100-\U0001efff]")  # from the first punctuation beyond the first plane to the first emoji
_ASCII = str.maketrans(dict.fromkeys('!"#%&()*,-./:;?@[\\]_{}', " ") | dict.fromkeys("'`"))


def duplicate_key(text: str) -> str:
    """The text without regard to case and to the number of blanks; texts with the same key are duplicates."""
    return " ".join(text.casefold().split())


def normalize_text(text: str) -> str:
    """What two near-duplicates have in common: the text without case, extra blanks, punctuation, URLs and user names.

    Letters of all scripts with their marks, digits and symbols stay, since an emoji may decide a label; an emoticon made of
    punctuation becomes an emoji. An apostrophe is removed ("don't" is "dont"), other punctuation becomes a blank. If nothing is left
    ("???", a bare link), the result is the ``duplicate_key``, so that different texts stay different. Idempotent.
    """
    if text.isascii():
        normalized = " ".join(_replace_web_parts(text.casefold()).translate(_ASCII).split())
        return normalized or duplicate_key(text)
    normalized = _normalize_unicode(
        _nfkc_casefold(text.replace("´", "'"))
    )  # as an apostrophe; NFKC would turn it into a blank and an accent
    # Letters that a removed mark had separated may now compose into one letter.
    while not unicodedata.is_normalized("NFKC", normalized):
        normalized = _normalize_unicode(_nfkc_casefold(normalized))
    return normalized or duplicate_key(text)


def _nfkc_casefold(text: str) -> str:
    """NFKC and case folding until neither changes anything."""
    text = limit_marks(text)
    while (folded := unicodedata.normalize("NFKC", text.casefold())) != text:
        text = folded
    return text


def _normalize_unicode(text: str) -> str:
    text = _replace_web_parts(_INVISIBLE.sub("", text))
    for mark in _APOSTROPHES:
        text = text.replace(mark, "")
    first_plane, other_planes = _punctuation()
    text = first_plane.sub(" ", text)
    if _RARE_SCRIPTS.search(text):
        text = other_planes.sub(" ", text)
    return " ".join(text.split())


def _replace_web_parts(text: str) -> str:
    """The case-folded text with blanks for links, user names and retweet marks ("RT @user"), and with emoji for emoticons."""
    if "@" in text:
        text = _RETWEET.sub(" ", text)
    return _replace_emoticons(replace_links(text, " ", " "))


@cache
def _punctuation() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Unicode's punctuation (categories P*) in the first plane and beyond; one set of both would be ten times slower to search."""
    marks = [chr(code) for code in range(0x20000) if unicodedata.category(chr(code)).startswith("P")]
    planes = ("".join(mark for mark in marks if (mark > "\uffff") == beyond) for beyond in (False, True))
    return tuple(re.compile(f"[{re.escape(plane)}]") for plane in planes)


def _replace_emoticons(text: str) -> str:
    """The case-folded text with emoji for emoticons, since emoji survive the removal of punctuation."""
    return _EMOTICON.sub(_emoji_for, text) if ":" in text or ";" in text or "=" in text else text


def _emoji_for(match: re.Match[str]) -> str:
    face, text, start = match[0], match.string, match.start()
    if len(face) == 1:  # drawn from right to left: "(:"
        is_separate = start < 2 or text[start - 2].isspace()
        return f" {_MOUTHS['(' if text[start - 1] == ')' else ')']} " if is_separate else face
    if face[-1] in "dpo" and text[start - 1 : start].isalnum():
        return face
    return " 😉 " if face[0] == ";" and face[-1] in ")]" else f" {_MOUTHS[face[-1]]} "
