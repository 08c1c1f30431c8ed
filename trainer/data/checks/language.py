"""The scripts and the language of texts, guessed from a sample of them.

Whether an encoder knows that language is checked in encoder.py.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType

from trainer.data.checks.language_model import load_language_model
from trainer.data.html_and_links import replace_links

LANGUAGE_NAMES: Mapping[str, str] = MappingProxyType(
    dict(
        pair.split(":")
        for pair in (
            "af:Afrikaans am:Amharic an:Aragonese ar:Arabic as:Assamese az:Azerbaijani ba:Bashkir be:Belarusian bg:Bulgarian bn:Bengali "
            "br:Breton bs:Bosnian ca:Catalan cs:Czech cy:Welsh da:Danish de:German dz:Dzongkha el:Greek en:English eo:Esperanto es:Spanish "
            "et:Estonian eu:Basque fa:Persian fi:Finnish fo:Faroese fr:French fy:Frisian ga:Irish gd:Gaelic gl:Galician gu:Gujarati "
            "ha:Hausa he:Hebrew hi:Hindi hr:Croatian ht:Haitian hu:Hungarian hy:Armenian id:Indonesian ig:Igbo is:Icelandic it:Italian "
            "ja:Japanese jv:Javanese ka:Georgian kk:Kazakh km:Khmer kn:Kannada ko:Korean ku:Kurdish ky:Kyrgyz la:Latin lb:Luxembourgish "
            "lg:Ganda ln:Lingala lo:Lao lt:Lithuanian lv:Latvian mg:Malagasy mk:Macedonian ml:Malayalam mn:Mongolian mr:Marathi ms:Malay "
            "mt:Maltese my:Burmese ne:Nepali nl:Dutch nn:Nynorsk no:Norwegian oc:Occitan om:Oromo or:Odia pa:Punjabi pl:Polish ps:Pashto "
            "pt:Portuguese qu:Quechua ro:Romanian ru:Russian rw:Kinyarwanda sa:Sanskrit se:Sami si:Sinhala sk:Slovak sl:Slovenian sn:Shona "
            "so:Somali sq:Albanian sr:Serbian st:Sotho sv:Swedish sw:Swahili ta:Tamil te:Telugu tg:Tajik th:Thai tk:Turkmen tl:Tagalog "
            "tr:Turkish tt:Tatar ug:Uyghur uk:Ukrainian ur:Urdu uz:Uzbek vi:Vietnamese vo:Volapük wa:Walloon xh:Xhosa yo:Yoruba zh:Chinese "
            "zu:Zulu"
        ).split()
    )
)

_SAMPLE_TEXTS = 300
_MAX_SCRIPT_CHARS = 60_000  # of all texts together, to find the scripts
_MAX_CHARS = 1_000  # of one text
_CHUNK_LETTERS = 200  # shorter texts are classified together
_MIN_LETTERS = 20  # with fewer, no language is guessed
_CJK_WEIGHT = 3  # a Chinese, Japanese or Korean character carries about as much as three letters
_MIN_PROBABILITY = 0.5
_NO_LANGUAGE = "zxx"
_SCRIPT_NAMES = {"HIRAGANA": "Japanese", "KATAKANA": "Japanese", "KATAKANA-HIRAGANA": "Japanese", "CJK": "Han"}
_SCRIPTS = frozenset(
    "Latin Cyrillic Greek Arabic Hebrew Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala Thai Lao "
    "Tibetan Myanmar Khmer Georgian Armenian Ethiopic Mongolian Hangul Syriac Thaana Cherokee".split()
)
_LETTER = re.compile(r"[^\W\d_]")


def scripts(texts: Sequence[str]) -> dict[str, float]:
    """The ratio of the letters in each script, the largest first; empty without letters.

    Scripts have their Unicode names ("Latin", "Devanagari", "Han"); Hiragana and Katakana are "Japanese", rare ones "other".
    Uses at most 300 evenly spaced texts.
    """
    sample = _sample(texts)
    max_chars = max(1, _MAX_SCRIPT_CHARS // max(1, len(sample)))
    counts: Counter[str] = Counter()
    for text in sample:
        counts += _script_counts(text[:max_chars])
    return {script: n_letters / counts.total() for script, n_letters in counts.most_common()}


def guess_language(texts: Sequence[str]) -> tuple[str, float] | None:
    """The ISO 639-1 code of the language of most texts, and the ratio of the classified texts that are in it.

    Classifies at most 300 evenly spaced texts with py3langid (Lui & Baldwin 2012, langid.py: An off-the-shelf language identification
    tool), short ones of the same script together. None if there is too little text, or none that looks like a language.
    The first call loads the model: half a second, and about 100 MB that stay in memory.
    """
    votes: Counter[str] = Counter()
    n_classified = 0
    for chunk, n_texts in _chunks(_sample(texts)):
        n_classified += n_texts
        code, probability = _model().classify(chunk)
        if probability >= _MIN_PROBABILITY and code != _NO_LANGUAGE:
            votes[code] += n_texts
    if not votes:
        return None
    code, n_votes = max(votes.items(), key=lambda vote: (vote[1], vote[0]))
    return code, n_votes / n_classified


def language_ratios(texts: Sequence[str]) -> dict[str, float]:
    """The ratio of the texts in each language, the most frequent first, each text classified alone; texts too short for it are left out.

    Less certain than ``guess_language``, but it finds languages that are mixed row by row.
    """
    votes: Counter[str] = Counter()
    for text in _sample(texts):
        if _weight([text]) >= _MIN_LETTERS:
            code, probability = _model().classify(text)
            votes[code if probability >= _MIN_PROBABILITY else _NO_LANGUAGE] += 1
    return {code: n_texts / votes.total() for code, n_texts in votes.most_common() if code != _NO_LANGUAGE}


def _sample(texts: Sequence[str]) -> list[str]:
    size = min(_SAMPLE_TEXTS, len(texts))
    return [replace_links(texts[number * len(texts) // size][:_MAX_CHARS], " ", " ") for number in range(size)]


def _chunks(sample: list[str]) -> Iterator[tuple[str, int]]:
    """Texts, short ones of one script joined, each with its number of texts; without those too short to classify."""
    short_texts: dict[str, list[str]] = defaultdict(list)
    for text in sample:
        counts = _script_counts(text)
        if not counts:
            continue
        group = short_texts[counts.most_common(1)[0][0]]
        group.append(text)
        if _weight(group) >= _CHUNK_LETTERS:
            yield " ".join(group), len(group)
            group.clear()
    for group in short_texts.values():
        if _weight(group) >= _MIN_LETTERS:
            yield " ".join(group), len(group)


def _weight(texts: list[str]) -> int:
    """Letters of the texts, in letters of an alphabet."""
    return sum(_CJK_WEIGHT if letter >= "\u2e80" else 1 for text in texts for letter in _LETTER.findall(text))


def _script_counts(text: str) -> Counter[str]:
    return Counter(_script(letter) for letter in _LETTER.findall(text))


@cache
def _script(letter: str) -> str:
    """The script by the first word of the letter's Unicode name; the standard library knows no scripts."""
    word = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "").split(" ")[0]
    name = _SCRIPT_NAMES.get(word, word.capitalize())
    return name if name in _SCRIPTS or word in _SCRIPT_NAMES else "other"


@cache
def _model():
    return load_language_model([*LANGUAGE_NAMES, _NO_LANGUAGE])
