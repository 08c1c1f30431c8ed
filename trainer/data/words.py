"""Words of a text with their places, after Unicode's word boundaries (UAX 29): for languages without blanks too.

A hashtag or a mention is one word with its sign, and so is a run of the same punctuation mark ("!!!").
"""

from itertools import pairwise

import regex

_SEGMENT = regex.compile(r"\b", regex.VERSION1 | regex.WORD)
_WORD = regex.compile(r"\w")


def find_words(text: str) -> list[tuple[int, int]]:
    """Start and end of each word, in order; blanks belong to none. ``text[start:end]`` is the word."""
    cuts = sorted({0, len(text), *(match.start() for match in _SEGMENT.finditer(text))})
    words: list[tuple[int, int]] = []
    for start, end in pairwise(cuts):
        if text[start:end].isspace():
            continue
        last = text[words[-1][0] : words[-1][1]] if words and words[-1][1] == start else ""
        repeats = last and set(last) == {text[start]} == set(text[start:end]) and not _WORD.match(last)
        if repeats or (last in ("#", "@") and _WORD.match(text, start)):
            words[-1] = (words[-1][0], end)
        else:
            words.append((start, end))
    return words
