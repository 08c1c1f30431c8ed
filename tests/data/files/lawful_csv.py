"""Lawful CSV files of many dialects, with lists, links, HTML codes and objects in their cells, and what is in them."""

import csv
import io
import json
import random
from dataclasses import dataclass

_WORDS = (
    "the a my our old new red blue quiet broken lamp chair train garden ticket kettle arrived works failed again today slowly when they for with "
    "and but not very really never price door street"
).split()
_GERMAN = "der die das unser alte neue Lampe Stuhl Zug Garten kaputt heute schön wäre größer über für nicht sehr wieder Straße Tür".split()
_CHINESE = "今天天气很好我们去公园玩了那本书非常好看电池坏服务太慢颜色还可以朋友推荐"
_LABELS = (
    ["joy", "anger", "fear"],
    ["pos", "neg"],
    ["1", "2", "3", "4", "5"],
    ["very good", "bad", "so so"],
    ["billing", "shipping", "other", "login"],
)
_NAMES = {
    "text": ["text", "comment", "Review Text", "tweet", "message", "Kommentar", "评论"],
    "label": ["label", "sentiment", "class", "category", "intent", "Stimmung"],
    "id": ["id", "ID", "nr", "row_id"],
    "list": ["scores", "annotators", "tags", "votes", "who"],
    "object": ["meta", "details"],
    "link": ["url", "source"],
    "date": ["date", "created_at"],
    "amount": ["price", "lead_time"],
    "empty": ["notes", "remarks"],
}


@dataclass(frozen=True)
class LawfulFile:
    """A file and what a reader should find in it."""

    data: bytes
    delimiter: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    header: bool
    described: str


def make_lawful_file(seed: int) -> LawfulFile:
    """The file of a seed: the same one each time."""
    rng = random.Random(seed)
    delimiter = rng.choice([",", ",", ",", ";", ";", "\t", "\t", "|"])
    kinds = ["text", "label", *rng.sample(["id", "list", "object", "link", "date", "amount", "empty"], rng.randint(0, 4))]
    if "list" not in kinds and rng.random() < 0.6:
        kinds.append("list")
    rng.shuffle(kinds)
    columns = tuple(rng.choice(_NAMES[kind]) for kind in kinds)
    makers = [_maker(kind, delimiter, rng) for kind in kinds]
    rows = [tuple(make(number) for make in makers) for number in range(rng.choice([12, 20, 20, 40, 80, 200]))]
    quoting = rng.choice([csv.QUOTE_MINIMAL, csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC])
    style = rng.choice(["plain"] * 8 + ["single", "escaped"])
    options = {"plain": {}, "single": {"quotechar": "'"}, "escaped": {"doublequote": False, "escapechar": "\\"}}[style]
    if style == "single":
        quoting = csv.QUOTE_ALL
    header = rng.random() < 0.9
    file = io.StringIO()
    line_end = rng.choice(["\n", "\n", "\r\n"])
    writer = csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator=line_end, **options)
    if header:
        writer.writerow(columns)
    writer.writerows(rows)
    text = file.getvalue() if rng.random() < 0.8 else file.getvalue().removesuffix(line_end)
    encoding = rng.choice(["utf-8", "utf-8", "utf-8-sig"])
    described = f"seed {seed}: {delimiter!r} {style} quoting {quoting} {kinds} header {header}"
    return LawfulFile(
        text.encode(encoding), delimiter, columns if header else tuple(map(str, range(len(columns)))), rows, header, described
    )


def _maker(kind: str, delimiter: str, rng: random.Random):
    """What makes a cell of a column of this kind for a row number."""
    if kind == "text":
        return _text_maker(delimiter, rng)
    if kind == "label":
        labels = rng.choice(_LABELS)
        return lambda number: labels[number % len(labels)] if number < len(labels) else rng.choice(labels)
    if kind == "list":
        return _list_maker(rng)
    if kind == "object":
        return lambda number: json.dumps(
            {"id": number, "tags": ["a", "b"], "ok": number % 2 == 0}, separators=rng.choice([(",", ":"), None])
        )
    if kind == "link":
        mark = rng.choice([";", "&", "|", ","])
        return lambda number: f"https://x.example/p?a={number}{mark}b={number % 7}{mark}c=3"
    if kind == "date":
        form = rng.choice(["2024-01-{:02}", "{:02}.03.2024 10:30", "{:02}/05/2024"])
        return lambda number: form.format(number % 28 + 1)
    if kind == "amount":
        form = rng.choice(["{}.{}", "{},{}", "{}"])
        return lambda number: form.format(number * 7 % 90, number % 10)
    if kind == "empty":
        return lambda number: rng.choice(["", "", "", "see below"])
    return str


def _list_maker(rng: random.Random):
    separator = rng.choice([";", "|", ",", ";", "|", "/", "; ", ", "])
    length, variable = rng.choice([2, 3, 4, 8]), rng.random() < 0.3
    values = rng.choice([["0", "1"], ["ann", "bob", "eve", "joe", "sam"], ["0.1", "0.25", "1.0"], ["action", "drama", "sci-fi"]])
    if rng.random() < 0.2:
        return lambda number: json.dumps([rng.choice(values) for _ in range(length)])
    return lambda number: separator.join(rng.choice(values) for _ in range(rng.randint(2, length) if variable else length))


def _text_maker(delimiter: str, rng: random.Random):
    style = rng.choice(["english", "english", "english", "german", "chinese"])
    habits = rng.sample(["comma", "delimiter", "quotes", "newline", "entity", "link", "hash", "apostrophe"], rng.randint(0, 4))

    def make(number: int) -> str:
        if style == "chinese":
            text = "".join(rng.choice(_CHINESE) for _ in range(rng.randint(8, 20)))
        else:
            text = " ".join(rng.choice(_WORDS if style == "english" else _GERMAN) for _ in range(rng.randint(5, 14)))
        text += f" no {number}"
        for habit in habits:
            if rng.random() < 0.4:
                text = _vary(text, habit, delimiter, rng)
        return text

    return make


def _vary(text: str, habit: str, delimiter: str, rng: random.Random) -> str:
    if habit == "comma":
        return text.replace(" ", ", ", 1)
    if habit == "delimiter" and delimiter != "\t":
        return text.replace(" ", f"{delimiter} ", 2)
    if habit == "quotes":
        return f'she said "{text}" to me'
    if habit == "newline":
        return text.replace(" ", "\n", 1)
    if habit == "entity":
        return f"{text} &amp; it&#39;s &lt;b&gt;fine&lt;/b&gt;"
    if habit == "link":
        return f"{text} http://x.example/?q={rng.randint(1, 99)};p=2"
    if habit == "hash":
        return f"#{text}"
    return f"it's {text}, isn't it" if habit == "apostrophe" else text
