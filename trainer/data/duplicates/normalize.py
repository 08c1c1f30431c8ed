"""Folding: what is left of a text without regard to case, punctuation, links and user names. Compares no texts."""

import re
import unicodedata
from functools import cache

from trainer.data.corpus import duplicate_key
from trainer.data.html_and_links import replace_links

_RETWEET = re.compile(r"\brt\s+(?=@\w)")
# Patterns begin with a plain set of characters, by which the engine leaps; what stands before is looked at in _emoji_of.
_EMOTICON = re.compile(r"[:;=](?:'?-?[()\[\]](?![^\W_])|-?[/\\](?![\w/])|-?[dpo](?!\w)|(?<=[()].)(?!\S))")
_MOUTHS = {")": "🙂", "]": "🙂", "(": "🙁", "[": "🙁", "/": "😕", "\\": "😕", "d": "😀", "p": "😛", "o": "😮"}
_APOSTROPHES = "'’‘`ʼʹ"
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_RARE_SCRIPTS = re.compile("[\U00010100-\U0001efff]")  # from where punctuation beyond the first plane begins to where emoji do
_ASCII = str.maketrans(dict.fromkeys('!"#%&()*,-./:;?@[\\]_{}', " ") | dict.fromkeys("'`"))


def _words(text: str) -> str:
    """The case-folded text with blanks for links, user names and the mark of a retweet ("RT @user"), and with emoji for emoticons."""
    if "@" in text:
        text = _RETWEET.sub(" ", text)
    return _emoji(replace_links(text, " ", " "))


def normalize_text(text: str) -> str:
    """What two near-duplicates have in common: the text without regard to case, blanks, punctuation, URLs and user names.

    Letters of all scripts with their marks, digits and symbols stay, for an emoji may decide a label; so an emoticon made of
    punctuation becomes an emoji. An apostrophe vanishes ("don't" is "dont"), other punctuation parts words. Where nothing is left
    ("???", a bare link) it is the normal form, so that different texts stay different. Folding twice is folding once.
    """
    if text.isascii():
        folded = " ".join(_words(text.casefold()).translate(_ASCII).split())
        return folded or duplicate_key(text)
    folded = _fold_unicode(_level(text.replace("´", "'")))  # as an apostrophe; NFKC would make a blank and an accent of it
    # What stood apart may have met over a vanished mark and now be one letter.
    while not unicodedata.is_normalized("NFKC", folded):
        folded = _fold_unicode(_level(folded))
    return folded or duplicate_key(text)


def _level(text: str) -> str:
    """NFKC and case folding until neither changes anything."""
    while (folded := unicodedata.normalize("NFKC", text.casefold())) != text:
        text = folded
    return text


def _fold_unicode(text: str) -> str:
    text = _words(_INVISIBLE.sub("", text))
    for mark in _APOSTROPHES:
        text = text.replace(mark, "")
    common, rare = _punctuation()
    text = common.sub(" ", text)
    if _RARE_SCRIPTS.search(text):
        text = rare.sub(" ", text)
    return " ".join(text.split())


@cache
def _punctuation() -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Unicode's punctuation (categories P*) in the first plane and beyond; one set of both is ten times slower to look through."""
    marks = [chr(code) for code in range(0x20000) if unicodedata.category(chr(code)).startswith("P")]
    planes = ("".join(mark for mark in marks if (mark > "\uffff") == beyond) for beyond in (False, True))
    return tuple(re.compile(f"[{re.escape(plane)}]") for plane in planes)


def _emoji(text: str) -> str:
    """Emoticons as emoji, which outlast the removal of punctuation; the text is case-folded."""
    return _EMOTICON.sub(_emoji_of, text) if ":" in text or ";" in text or "=" in text else text


def _emoji_of(found: re.Match[str]) -> str:
    face, text, start = found[0], found.string, found.start()
    if len(face) == 1:  # drawn from right to left: "(:"
        alone = start < 2 or text[start - 2].isspace()
        return f" {_MOUTHS['(' if text[start - 1] == ')' else ')']} " if alone else face
    if face[-1] in "dpo" and text[start - 1 : start].isalnum():
        return face
    return " 😉 " if face[0] == ";" and face[-1] in ")]" else f" {_MOUTHS[face[-1]]} "
