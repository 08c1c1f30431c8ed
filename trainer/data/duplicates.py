"""Near-duplicates: texts that say the same in nearly the same letters, found without comparing every pair.

Nothing here deletes a row or looks at labels; the numbers serve to keep a group on one side of a split, and to show it.
"""

import hashlib
import re
import unicodedata
import zlib
from collections.abc import Sequence
from functools import cache

import numpy as np

from trainer.data.corpus import normal_form
from trainer.data.markup_codes import replace_links

SIMILAR = 92.0  # per cent of the letters of both texts that stand in both, in order (rapidfuzz's ratio)
SHORTEST = 20  # letters of a folded text; in shorter ones a typo is as large as another word
LARGEST_GROUP = (20, 0.01)  # rows, and share of all rows, that links may bring to a group, whichever is more

_LONG = 1_000  # letters; of a longer folded text its two ends are compared, as the cost of a comparison grows with the square
_LETTERS = 4_000_000  # of all texts; where there are more, the texts to compare are chosen by shorter ends
_CLOSEST = 100_000  # pairs chosen by shorter ends that are then compared
_GRAM = 5  # letters: two texts that are 92 % alike always have a common run of five
_SKETCH = 128  # grams kept of a text
_RARE = 12  # grams of a sketch by which a text is looked up
_NEIGHBOURS = 12  # texts with the same rare gram that a text is compared with, on each side
_PAIRS = 1_000_000  # beyond which no farther neighbours are compared

_RETWEET = re.compile(r"\brt\s+(?=@\w)")
# Patterns begin with a plain set of characters, by which the engine leaps; what stands before is looked at in _emoji_of.
_EMOTICON = re.compile(r"[:;=](?:'?-?[()\[\]](?![^\W_])|-?[/\\](?![\w/])|-?[dpo](?!\w)|(?<=[()].)(?!\S))")
_MOUTHS = {")": "🙂", "]": "🙂", "(": "🙁", "[": "🙁", "/": "😕", "\\": "😕", "d": "😀", "p": "😛", "o": "😮"}
_APOSTROPHES = "'’‘`ʼʹ"
_INVISIBLE = re.compile("[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufe00-\ufe0f\ufeff]")
_DIGITS = re.compile(r"\d+")
_RARE_SCRIPTS = re.compile("[\U00010100-\U0001efff]")  # from where punctuation beyond the first plane begins to where emoji do
_ASCII = str.maketrans(dict.fromkeys('!"#%&()*,-./:;?@[\\]_{}', " ") | dict.fromkeys("'`"))


def _words(text: str) -> str:
    """The case-folded text with blanks for links, user names and the mark of a retweet ("RT @user"), and with emoji for emoticons."""
    if "@" in text:
        text = _RETWEET.sub(" ", text)
    return _emoji(replace_links(text, " ", " "))


def fold_text(text: str) -> str:
    """What two near-duplicates have in common: the text without regard to case, blanks, punctuation, URLs and user names.

    Letters of all scripts with their marks, digits and symbols stay, for an emoji may decide a label; so an emoticon made of
    punctuation becomes an emoji. An apostrophe vanishes ("don't" is "dont"), other punctuation parts words. Where nothing is left
    ("???", a bare link) it is the normal form, so that different texts stay different. Folding twice is folding once.
    """
    if text.isascii():
        folded = " ".join(_words(text.casefold()).translate(_ASCII).split())
        return folded or normal_form(text)
    folded = _fold_unicode(_level(text.replace("´", "'")))  # as an apostrophe; NFKC would make a blank and an accent of it
    # What stood apart may have met over a vanished mark and now be one letter.
    while not unicodedata.is_normalized("NFKC", folded):
        folded = _fold_unicode(_level(folded))
    return folded or normal_form(text)


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


# --- groups -----------------------------------------------------------------------------------------------------------


def near_groups(texts: Sequence[str], *, fuzzy_rows: int = 20_000) -> np.ndarray:
    """Group numbers of n texts, (n,) int64, counted from 0 in the order of first occurrence; near-duplicates share a number.

    Texts with equal folds are always one group. Where there are at most ``fuzzy_rows`` different folds, two of at least
    ``SHORTEST`` letters that are ``SIMILAR`` per cent alike (a typo, a word more or less) and have the same digits are linked,
    and what is linked is one group. As chains of links can swallow a file of templated texts, the closest links come first and one is
    ignored that would bring a group more rows beyond its largest set of equal ones than ``LARGEST_GROUP`` allows.
    The groups do not depend on the order of rows.

    The time is bounded by the letters too. Of a text longer than 1,000 letters its first and last 500 are looked at. Where all these
    are more than 4 million, equal shares of 4 million are (of 20,000 texts 200 letters each), and of the pairs whose shares are similar
    the 100,000 closest are compared by their 1,000 letters; so some pairs that differ near their ends are missed, and none is made up.
    """
    numbers: dict[str | bytes, int] = {}
    equal = np.empty(len(texts), np.int64)
    ends: list[str] = []
    lengths: list[int] = []
    for row, text in enumerate(texts):
        fold = fold_text(text)
        equal[row] = number = numbers.setdefault(_key(fold), len(numbers))
        if number == len(ends) < fuzzy_rows:  # seen first, and kept as a text may be long and folding it again slow
            ends.append(_ends(fold, _LONG))
            lengths.append(len(fold))
    if not 1 < len(numbers) <= fuzzy_rows:
        return equal
    keys = list(numbers)
    by_content = sorted((n for n, length in enumerate(lengths) if length >= SHORTEST), key=lambda n: (ends[n], lengths[n], keys[n]))
    links = _links([ends[number] for number in by_content], np.array([lengths[number] for number in by_content], dtype=np.int64))
    return _join(np.bincount(equal).tolist(), [(by_content[one], by_content[other]) for one, other in links])[equal]


def _ends(fold: str, most: int) -> str:
    return fold if len(fold) <= most else fold[: most // 2] + fold[-(most // 2) :]


def _key(fold: str) -> str | bytes:
    """The fold, or of a long one its digest, so that a million long texts are not kept twice."""
    return fold if len(fold) <= 100 else hashlib.blake2b(fold.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _join(rows: list[int], links: list[tuple[int, int]]) -> np.ndarray:
    """Group numbers of the folds after the links, taken in order; ``rows`` counts the rows of each fold."""
    parents, sizes, largest = list(range(len(rows))), list(rows), list(rows)
    allowed = max(LARGEST_GROUP[0], int(LARGEST_GROUP[1] * sum(rows)))

    def root(number: int) -> int:
        while parents[number] != number:
            parents[number] = number = parents[parents[number]]
        return number

    for one, other in links:
        one, other = sorted((root(one), root(other)))
        most = max(largest[one], largest[other])
        if one != other and sizes[one] + sizes[other] - most < allowed:
            parents[other] = one
            sizes[one] += sizes[other]
            largest[one] = most
    groups: dict[int, int] = {}
    return np.array([groups.setdefault(root(number), len(groups)) for number in range(len(rows))], dtype=np.int64)


def _links(ends: list[str], lengths: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of positions of similar texts, the most similar first; of folds in the order of their content, ``lengths`` in letters."""
    crowded = sum(map(len, ends)) > _LETTERS
    shares = [_ends(end, max(SHORTEST, _LETTERS // len(ends))) for end in ends] if crowded else ends
    one, other = _candidates(shares)
    shorter, longer = np.minimum(lengths[one], lengths[other]), np.maximum(lengths[one], lengths[other])
    possible = 200 * shorter >= SIMILAR * (shorter + longer)
    one, other = _similar(shares, one[possible], other[possible])
    if crowded:
        one, other = _similar(ends, one[:_CLOSEST], other[:_CLOSEST])
    return list(zip(one.tolist(), other.tolist(), strict=True))


def _similar(texts: list[str], one: np.ndarray, other: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Those of the pairs of positions whose texts are ``SIMILAR``, the most similar first."""
    from rapidfuzz import fuzz, process

    scores = process.cpdist([texts[at] for at in one], [texts[at] for at in other], scorer=fuzz.ratio, score_cutoff=SIMILAR)
    order = np.lexsort((other, one, -scores))[: np.count_nonzero(scores)]
    return one[order], other[order]


def _candidates(folds: list[str]) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the pairs worth comparing, each pair once: they share a gram that is among the rarest of both.

    That is the prefix filter (Bayardo, Ma & Srikant 2007, Scaling up all pairs similarity search) over the grams of a sketch (Broder
    1997, On the resemblance and containment of documents). A gram that no other text has is not counted, so that a typo hides nothing.
    Many texts with the same gram are compared with their neighbours in the order of content only (Hernández & Stolfo 1995, The
    merge/purge problem), the nearest first: the pairs are at most a fixed number for each text, and some ``_PAIRS`` in all.
    """
    sketches = [_sketch(fold) for fold in folds]
    owners = np.repeat(np.arange(len(folds)), [len(sketch) for sketch in sketches])
    grams = np.concatenate([*sketches, np.empty(0, np.uint64)])
    _, kinds, counts = np.unique(grams, return_inverse=True, return_counts=True)
    shared = counts[kinds] > 1
    owners, kinds = owners[shared], kinds[shared]
    order = np.lexsort((kinds, counts[kinds], owners))
    owners, kinds = owners[order], kinds[order]
    place = np.arange(len(owners)) - np.searchsorted(owners, owners)
    owners, kinds = owners[place < _RARE], kinds[place < _RARE]
    order = np.lexsort((owners, kinds))
    owners, kinds = owners[order], kinds[order]
    pairs = [np.empty(0, np.int64)]
    for step in range(1, _NEIGHBOURS + 1):
        same = kinds[:-step] == kinds[step:]
        pairs.append(owners[:-step][same] * len(folds) + owners[step:][same])
        if sum(map(len, pairs)) > _PAIRS:
            break
    codes = _distinct(np.concatenate(pairs))
    return codes // max(1, len(folds)), codes % max(1, len(folds))


def _sketch(fold: str) -> np.ndarray:
    """The smallest hashes of the text's grams, uint64; texts with different digits share none."""
    codes = np.frombuffer(fold.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.uint64)
    digits = "".join(_DIGITS.findall(fold))
    hashes = np.full(len(codes) - _GRAM + 1, zlib.crc32(digits.encode()), dtype=np.uint64)
    for place in range(_GRAM):  # an odd multiplier of 64 bits mixes, modulo 2 ** 64
        hashes = (hashes ^ codes[place : len(codes) - _GRAM + 1 + place]) * np.uint64(0x9E3779B97F4A7C15)
        hashes ^= hashes >> np.uint64(29)
    return _distinct(hashes)[:_SKETCH]


def _distinct(numbers: np.ndarray) -> np.ndarray:
    """As np.unique, which takes ten times as long."""
    numbers.sort()
    return numbers[np.append(True, numbers[1:] != numbers[:-1])] if len(numbers) else numbers
