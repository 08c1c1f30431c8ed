"""Labels that probably say that a text has no label: "-1", "99", "?", "todo", "unlabeled", "NULL"; and cells that are no value at all.

Works on strings and how often each occurs. A word that may be a class as well ("none", "NA") counts as one if it is written like the others.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

_WORDS = frozenset(
    (
        "null",
        "nan",
        "<na>",
        "nil",
        "undefined",
        "missing",
        "todo",
        "to do",
        "tbd",
        "tba",
        "tbc",
        "fixme",
        "xxx",
        "unsup",
        "unsupervised",
        "no answer",
        "not answered",
        "unanswered",
        "pending",
        "blank",
        "(blank)",
        "empty",
        "(empty)",
        "(none)",
        "(null)",
        "<none>",
        "<null>",
        "(leer)",
        "(vide)",
        "ohne label",
        "nicht gelabelt",
        "keine angabe",
        "k.a.",
        "k. a.",
        "non étiqueté",
        "sans réponse",
        "sin etiqueta",
        "sin etiquetar",
        "sin respuesta",
        "senza etichetta",
        "sem rótulo",
        "без метки",
        "не размечено",
        "нет ответа",
        "未标注",
        "未标记",
        "無標籤",
        "ラベルなし",
        "未分類",
        "라벨없음",
        "skipped",
        "none selected",
        "no selection",
        "no response",
        "no data",
        "undefiniert",
        "nicht definiert",
        "nicht zugeordnet",
        "nicht klassifiziert",
        "ohne zuordnung",
        "ohne angabe",
        "non défini",
        "non classé",
        "non renseigné",
        "sin clasificar",
        "sin definir",
        "no definido",
        "sin datos",
        "non definito",
        "non classificato",
        "não classificado",
        "não definido",
        "sem classificação",
        "sem resposta",
        "brak danych",
        "brak odpowiedzi",
        "nieokreślone",
        "nezařazeno",
        "neoznačeno",
        "neurčeno",
        "nincs címke",
        "nincs adat",
        "inte märkt",
        "ej angivet",
        "niet gelabeld",
        "niet ingevuld",
        "belirtilmemiş",
        "etiketsiz",
        "tanımsız",
        "не указано",
        "не указан",
        "не определено",
        "нет данных",
        "не вказано",
        "未定义",
        "未分类",
        "未指定",
        "未設定",
        "分類なし",
        "미분류",
    )
)
_NONE_WORDS = frozenset(
    "none brak keine keiner ninguno ninguna aucun aucune nessuno nessuna nenhum nenhuma ingen inga geen yok žádný žádná".split()
)
_DOUBTFUL_WORDS = _NONE_WORDS | frozenset(("na", "n/a", "n.a.", "n.a", "not applicable"))
_NOT_DONE = re.compile(
    r"(?:not|never|no|without|un|to be|to|needs?|awaiting)[\s_-]?(?:yet[\s_-])?(?:label(?:l?ed|s|l?ing)?|annotat(?:ed?|ions?|ing)|cod(?:ed|ing)|assigned|assignment"
    r"|classif(?:y|ied|ication)|categori[sz](?:ed?|ation)|tag(?:ged)?|rated|rating|scored)(?:[\s_-]yet)?"
)
"""A label is not given yet: "not assigned", "needs label", "to be coded"."""
_SKIPS = frozenset(("skip", "skip it", "skip this"))
_BESIDE_SKIP = frozenset(
    "play pause stop next previous prev back resume rewind forward repeat replay shuffle mute volume seek like dislike".split()
)
"""Among what people tell a player, or do with a song, to skip is a class."""
_ANSWERS = frozenset("yes no true false agree disagree".split())
_SIGNS = frozenset("? ?? ??? - -- --- – — . .. ... … / // _ __ * ** ¿?".split())
_NEGATIVE_CODES = frozenset((-1, -8, -9, -88, -98, -99, -888, -998, -999, -9999))
_HIGH_CODES = frozenset((77, 88, 97, 98, 99, 777, 888, 997, 998, 999, 8888, 9998, 9999))
_WORDLIKE_CODES = _NEGATIVE_CODES | {99, 999, 9999}  # among labels that are words
_MIN_GAP = 4  # times as high as the highest class number

_ERRORS = frozenset(
    (
        "#N/A #REF! #NAME? #VALUE! #DIV/0! #NULL! #NUM! #SPILL! #CALC! #FIELD! #BLOCKED! #CONNECT! #UNKNOWN! #ERROR! #GETTING_DATA "
        "#NV #WERT! #BEZUG! #ZAHL! #ÜBERLAUF! #NOM? #VALEUR! #NOMBRE! #N/D #¡REF! #¿NOMBRE? #¡VALOR! #¡DIV/0! #¡NUM! #VALOR! #NOME? "
        "#RIF! #VALORE! #ADR! #ARG! #NAZWA? #LICZBA! #Н/Д #ИМЯ? #ССЫЛКА! #ЗНАЧ! #ЧИСЛО! #ДЕЛ/0! #ПУСТО!"
    ).split()
)
_DATABASE_NULL = r"\N"
MAX_NO_VALUE_CHARS = max(map(len, _ERRORS))
"""The length of the longest cell that is no value."""


@dataclass(frozen=True)
class MissingLabels:
    """``marks``: labels that probably mean no label. ``classes``: labels that look like such a mark but are written like the other classes."""

    marks: tuple[str, ...]
    classes: tuple[str, ...]


def find_missing_labels(counts: Mapping[str, int]) -> MissingLabels:
    """The labels among ``counts`` that say that there is none, unless fewer than two others would be left."""
    marks, classes = [], []
    for name in counts:
        word = name.strip().casefold()
        if (
            word in _WORDS
            or _NOT_DONE.fullmatch(word)
            or (word in _SIGNS and _are_words(counts, name))
            or (word in _SKIPS and not _are_commands(counts))
        ):
            marks.append(name)
        elif word in _DOUBTFUL_WORDS:
            is_class = (is_written_like(name, counts) and (word in _NONE_WORDS or name.isupper())) or _are_answers(counts)
            (classes if is_class else marks).append(name)
    number_marks, number_classes = _missing_numbers(counts)
    marks += number_marks
    if len(counts) - len(marks) < 2:
        return MissingLabels((), ())
    return MissingLabels(tuple(marks), (*classes, *number_classes))


def is_written_like(name: str, others: Collection[str]) -> bool:
    """Whether all other labels are in capitals, in small letters or begin with a capital, as this one does: "NA" beside "EU", not beside "good"."""
    styles = {_style(other) for other in others if other.strip().casefold() != name.strip().casefold()} - {""}
    return styles == {_style(name)}


def _are_answers(counts: Collection[str]) -> bool:
    """Whether the labels answer a question to which "n/a" is an answer too."""
    return any(name.strip().casefold() in _ANSWERS for name in counts)


def _are_commands(counts: Collection[str]) -> bool:
    """Whether the labels are commands to a player, or what somebody did with a song."""
    return any(not _BESIDE_SKIP.isdisjoint(re.split(r"[\W_]+", name.casefold())) for name in counts)


def explain_no_value(cell: str) -> str | None:
    """What a cell is that holds no value, for the end of a sentence: a spreadsheet's error or a database's mark; None for any other cell."""
    if cell[:1] == "#" and cell.upper() in _ERRORS:
        return f"it is the spreadsheet error “{cell}”"
    return f"it is “{_DATABASE_NULL}”, which databases write for no value" if cell == _DATABASE_NULL else None


def _style(name: str) -> str:
    letters = "".join(filter(str.isalpha, name))
    if not letters or letters.upper() == letters.lower():
        return ""
    return "capitals" if letters.isupper() else "small" if letters.islower() else "capital first" if letters[0].isupper() else "mixed"


def _are_words(counts: Mapping[str, int], sign: str) -> bool:
    """Whether the labels beside a sign have letters or digits: among "+", "-" and "?" a sign is a class."""
    others = [name for name in counts if name != sign and name.strip().casefold() not in _SIGNS]
    return len(others) >= 2 and all(any(map(str.isalnum, name)) for name in others)


def _missing_numbers(counts: Mapping[str, int]) -> tuple[list[str], list[str]]:
    """Numbers that stand for no answer, and a -1 that is a class: the lower end of a scale from -1 to 1."""
    numbers = {name: number for name in counts if (number := _whole_number(name)) is not None}
    n_words = sum(_whole_number(name) is None and name.strip().casefold() not in _SIGNS for name in counts)
    if n_words:
        return (
            ([name for name, number in numbers.items() if number in _WORDLIKE_CODES], [])
            if n_words >= 2 and len(numbers) <= 2
            else ([], [])
        )
    codes = _NEGATIVE_CODES | _HIGH_CODES
    others = [number for number in numbers.values() if number not in codes]
    if len(others) < 2 or min(others) < 0:
        return [], []
    if max(others) < 2 and -1 in numbers.values():
        return [], [name for name, number in numbers.items() if number == -1]
    return [
        name for name, number in numbers.items() if number in _NEGATIVE_CODES or (number in _HIGH_CODES and number > _MIN_GAP * max(others))
    ], []


def _whole_number(name: str) -> int | None:
    text = name.strip().replace("−", "-")
    digits = text[1:] if text[:1] in "+-" else text
    return int(text) if digits.isascii() and digits.isdigit() and len(digits) <= 9 else None
