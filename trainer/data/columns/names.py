"""What a column's name says about its content, in a few dozen languages.

Sees no cell; text_column.py and label_column.py weigh names against content.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

from trainer.data.column_name_words import (
    FOREIGN_LABEL_WORDS,
    IDENTITY_WORDS,
    KNOWN_WORDS,
    LABEL_WORDS,
    MEASURE_WORDS,
    RATING_WORDS,
    REVIEW_WORDS,
    SECONDARY_TEXT_WORDS,
    SPLIT_WORDS,
    SURVEY_NAMES,
    TEXT_WORDS,
    TOPIC_WORDS,
    WEAK_TEXT_WORDS,
)

_LINK_WORDS = frozenset(("link", "links"))


@dataclass(frozen=True)
class ColumnNameScores:
    """``text`` and ``label``: how much the name suggests each, negative if it suggests something else, 0 if it says nothing.

    ``role``: "measure" (how many, when, how certain) or "identity" (who, where, which one), which are neither texts nor labels.
    ``is_secondary_text``: a text that belongs to the text, such as the answer to it. ``is_topic``: a class of what the text is about
    rather than of what it says.
    """

    text: float = 0.0
    label: float = 0.0
    role: Literal["measure", "identity"] | None = None
    is_rating: bool = False
    is_split: bool = False
    is_secondary_text: bool = False
    is_topic: bool = False
    is_review: bool = False


def score_column_names(names: Sequence[str]) -> list[ColumnNameScores]:
    """The scores of a table's column names; next to four names of a survey tool, "Status" and "Progress" are such names too."""
    simplified = ["".join(c for c in name[:60].casefold() if c.isalnum()) for name in names]
    is_survey = len(SURVEY_NAMES.intersection(simplified)) >= 4
    return [
        ColumnNameScores(label=-3.5, role="measure") if is_survey and short in SURVEY_NAMES else score_column_name(name)
        for name, short in zip(names, simplified, strict=True)
    ]


def score_column_name(name: str) -> ColumnNameScores:
    """The scores of one column name; "StartTime", "start_time" and "Start time" have the same."""
    words = name_words(name)
    known = set(words)
    if len(words) == 2 and "_".join(words) in KNOWN_WORDS:
        known.add("_".join(words))
    label = max((LABEL_WORDS[word] for word in known if word in LABEL_WORDS), default=0.0)
    role = "measure" if known & MEASURE_WORDS else "identity" if known & IDENTITY_WORDS else None
    if label and known & MEASURE_WORDS <= _LINK_WORDS and words[-1] not in _LINK_WORDS and not known & IDENTITY_WORDS:
        role = None  # the flair of a link
    if label:
        if role == "measure":
            label = -3.5
        elif known & FOREIGN_LABEL_WORDS:
            label -= 2.0 if role else 1.5
        elif "name" in known:
            label -= 0.75
        elif len(words) == 1:
            label += 0.25
    elif role:
        label = -3.5
    elif known & TEXT_WORDS:
        label = -1.0
    text = 1.5 if known & TEXT_WORDS else 0.3 if known & WEAK_TEXT_WORDS else 0.0
    if text and len(words) == 1:
        text += 0.25
    return ColumnNameScores(
        text=text,
        label=label,
        role=role,
        is_rating=bool(known & RATING_WORDS) and label > -1,
        is_split=bool(known & SPLIT_WORDS),
        is_secondary_text=bool(known & SECONDARY_TEXT_WORDS),
        is_topic=bool(known & TOPIC_WORDS),
        is_review=bool(known & REVIEW_WORDS),
    )


def name_words(name: str) -> tuple[str, ...]:
    """The words of a column name in lower case, without digits at their ends: "StartTime2" gives ("start", "time")."""
    name = unicodedata.normalize("NFKC", name[:200])
    with_spaces = "".join(f" {c}" if c.isupper() and previous.islower() else c for previous, c in zip(f" {name}", name, strict=False))
    letters = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in with_spaces.casefold())
    words: list[str] = []
    for word in letters.split():
        words.extend(_split_compound(word.rstrip("0123456789") or word))
    return tuple(words)


@cache
def _unspaced_words() -> tuple[str, ...]:
    """Known words of scripts without blanks between words, the longest first."""
    return tuple(sorted((word for word in KNOWN_WORDS if len(word) > 1 and "\u2e80" <= word[0] <= "\uffff"), key=len, reverse=True))


def _split_compound(word: str) -> list[str]:
    """The known words that a word consists of ("tweetid", "投稿本文"), or the word itself."""
    if word in KNOWN_WORDS or len(word) > 40:
        return [word]
    if not word.isascii() and any(c >= "\u2e80" for c in word):
        return [known for known in _unspaced_words() if known in word] or [word]
    for cut in range(3, len(word) - 1):
        if word[:cut] in KNOWN_WORDS and word[cut:] in KNOWN_WORDS:
            return [word[:cut], word[cut:]]
    return [word]
