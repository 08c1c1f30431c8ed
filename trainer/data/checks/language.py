"""Which scripts and which language the texts are in, from a sample of them.

Whether an encoder knows that language is said in encoder_checks.py; nothing here reads a text as a whole.
"""

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import MappingProxyType

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

_SAMPLE = 300  # texts
_LETTERS = 60_000  # letters looked at for the scripts, at most
_HEAD = 1_000  # letters of a text
_CHUNK = 200  # letters: shorter texts are judged together
_ENOUGH = 20  # letters, below which no language is guessed
_WIDE = 3  # a character of Chinese, Japanese or Korean says about as much as three letters
_SURE = 0.5  # probability from which a judgement counts
_NO_LANGUAGE = "zxx"
_NAMED = {"HIRAGANA": "Japanese", "KATAKANA": "Japanese", "KATAKANA-HIRAGANA": "Japanese", "CJK": "Han"}
_SCRIPTS = frozenset(
    "Latin Cyrillic Greek Arabic Hebrew Devanagari Bengali Gurmukhi Gujarati Oriya Tamil Telugu Kannada Malayalam Sinhala Thai Lao "
    "Tibetan Myanmar Khmer Georgian Armenian Ethiopic Mongolian Hangul Syriac Thaana Cherokee".split()
)
_LETTER_RUN = re.compile(r"[^\W\d_]")


def scripts(texts: Sequence[str]) -> dict[str, float]:
    """The share of the letters that each script has, the largest first; the shares of some letters add up to 1.

    Scripts have their Unicode names ("Latin", "Devanagari", "Han"), Hiragana and Katakana are "Japanese", rare_label_mask ones "other".
    At most 300 texts, evenly spaced, are looked at. No letters, no shares.
    """
    sample = _sample(texts)
    each = max(1, _LETTERS // max(1, len(sample)))
    counts: Counter[str] = Counter()
    for text in sample:
        counts += _script_counts(text[:each])
    return {script: count / counts.total() for script, count in counts.most_common()}


def guess_language(texts: Sequence[str]) -> tuple[str, float] | None:
    """The ISO 639-1 code of the language that most of the texts are in, and the share of the texts judged to be in it.

    At most 300 texts, evenly spaced, are judged by py3langid (Lui & Baldwin 2012, langid.py: An off-the-shelf language identification
    tool); short ones of the same script together. None where there is too little text, or none that looks like a language.
    The first call loads the model: half a second, and some 100 MB that stay.
    """
    votes: Counter[str] = Counter()
    judged = 0
    for chunk, count in _chunks(_sample(texts)):
        judged += count
        code, probability = _model().classify(chunk)
        if probability >= _SURE and code != _NO_LANGUAGE:
            votes[code] += count
    if not votes:
        return None
    code, count = max(votes.items(), key=lambda vote: (vote[1], vote[0]))
    return code, count / judged


def _sample(texts: Sequence[str]) -> list[str]:
    count = min(_SAMPLE, len(texts))
    return [replace_links(texts[place * len(texts) // count][:_HEAD], " ", " ") for place in range(count)]


def _chunks(sample: list[str]) -> Iterator[tuple[str, int]]:
    """Texts, or several short ones of one script joined, and of how many texts each is; what is too short to judge is left out."""
    waiting: dict[str, list[str]] = defaultdict(list)
    for text in sample:
        counts = _script_counts(text)
        if not counts:
            continue
        group = waiting[counts.most_common(1)[0][0]]
        group.append(text)
        if _weight(group) >= _CHUNK:
            yield " ".join(group), len(group)
            group.clear()
    for group in waiting.values():
        if _weight(group) >= _ENOUGH:
            yield " ".join(group), len(group)


def _weight(texts: list[str]) -> int:
    """How many letters of an alphabet the texts are worth."""
    return sum(_WIDE if letter >= "\u2e80" else 1 for text in texts for letter in _LETTER_RUN.findall(text))


def _script_counts(text: str) -> Counter[str]:
    return Counter(_script(letter) for letter in _LETTER_RUN.findall(text))


@cache
def _script(letter: str) -> str:
    """By the first word of its Unicode name; the standard library knows no scripts."""
    word = unicodedata.name(unicodedata.normalize("NFKC", letter)[0], "").split(" ")[0]
    name = _NAMED.get(word, word.capitalize())
    return name if name in _SCRIPTS or word in _NAMED else "other"


@cache
def _model():
    """py3langid's model, for the languages that have a code of two letters."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    model.set_languages([*(LANGUAGE_NAMES.keys() & set(model.labels)), _NO_LANGUAGE])
    return model
