"""Spellings of one label: "Good", "good ", "**Good**", "Good.", "Label: good"; "very_good" and "very good"; "1" and "1.0"; "01" and "1".

Works on label strings and how often each occurs; ``labels.normalize_label`` equates what is written with the same letters.
"""

import re
from collections import defaultdict
from collections.abc import Mapping

from trainer.data.labels import normalize_label

_WRAPPERS = (("**", "**"), ("__", "__"), ("*", "*"), ("_", "_"), ("`", "`"), ('"', '"'), ("'", "'"), ("(", ")"), ("[", "]"), ("<", ">"))
_END_SIGNS = ".,;:!。，；、"
_MAX_LAYERS = 10  # of decorations around one another
_BULLET = re.compile(r"[-•·*>]\s+(?=\w)")
_BACKTICK = re.compile(r"(?<=\w)`(?=\w)")  # for an apostrophe
_UNDERSCORE = re.compile(r"(?<=[^\W_])_(?=[^\W_])")
_WHOLE_DECIMAL = re.compile(r"([+-]?\d+)[.,]0+")
_PADDED = re.compile(r"([+-]?)0+(0|(?!0)\d+)")
# What a language model, or a form, writes before its answer.
_PREFIX = re.compile(
    r"\W{0,2}(?:(?:the|final|predicted|my)\s)?(label|class|category|answer|sentiment|emotion|topic|intent|tag|output|prediction|response|result"
    r"|kategorie|klasse|antwort|catégorie|réponse|etiqueta|categoría|respuesta|categoria|risposta|ответ|метка|класс|标签|类别|答案)"
    r"(?:(?:\sis)?\W{0,2}\s?[:=]\W{0,2}\s*|\sis\s|\s-\s)(?=\S)"
)


def find_variants(counts: Mapping[str, int]) -> dict[str, str]:
    """Labels that differ from another one only in their spelling, each with the variant that most rows have. ``counts``: rows of each label."""
    prefix = _only_prefix(counts)
    groups: dict[str, list[str]] = defaultdict(list)
    for name in counts:
        groups[_key(name, prefix)].append(name)
    variants = {}
    for names in groups.values():
        if len(names) > 1:
            common = min(names, key=lambda name: (-counts[name], _key(name, prefix) != normalize_label(name), name))
            variants |= {name: common for name in names if name != common}
    return variants


def _only_prefix(counts: Mapping[str, int]) -> str:
    """The word before the colon, as in "Label: good", if it is one word only: with two, the same label may be of two kinds."""
    words = {match[1] for name in counts if (match := _PREFIX.match(normalize_label(name)))}
    return words.pop() if len(words) == 1 else ""


def _key(name: str, prefix: str) -> str:
    """What is equal for all spellings of a label."""
    key = _UNDERSCORE.sub(" ", _BACKTICK.sub("'", normalize_label(name)))
    match = _PREFIX.match(key) if prefix else None
    key = _undecorated(key[match.end() :] if match else key)
    if whole := _WHOLE_DECIMAL.fullmatch(key):
        key = whole[1]
    if padded := _PADDED.fullmatch(key):
        key = padded[1] + padded[2]
    return key


def _undecorated(key: str) -> str:
    """Without quotation marks, brackets and asterisks around it, a bullet before it and a full stop after it; unchanged if nothing else is in it."""
    for _ in range(_MAX_LAYERS):
        inner = _BULLET.sub("", key, count=1) if _BULLET.match(key) else key
        inner = inner.rstrip(_END_SIGNS).rstrip()
        for start, end in _WRAPPERS:
            if len(inner) > len(start) + len(end) and inner.startswith(start) and inner.endswith(end):
                inner = inner[len(start) : -len(end)].strip()
        if not any(c.isalnum() for c in inner) or inner == key:
            return key
        key = inner
    return key
