"""Finds the rows in a JSON document: pandas' orientations, an object per class, id or split, pages, dialogues, wrappers.

Knows the shapes of documents; ``nested.py`` flattens what is inside a row. Every list that belongs to the table is read, none is left out.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from itertools import chain, islice
from typing import Any

from trainer.data.column_name_words import HEADER_WORDS, SPLIT_NAMES, TEXT_WORDS
from trainer.data.files.decoding import clean

_COLUMN_NAMES = HEADER_WORDS | TEXT_WORDS
_SAMPLE = 200
_MAX_DEPTH = 4
_MAX_WRAPPER_KEYS = 100  # an object of more keys is a table itself
_MIN_TEXT_WORDS = 2.5  # on average; labels have fewer
_EXAMPLES = ("patterns", "examples", "utterances", "texts", "sentences", "questions", "phrases", "samples", "inputs")
_NAMES_OF_COLUMNS = ("columns", "header", "headers", "fields", "names")
_LISTS_OF_CELLS = ("data", "rows", "values", "records")
_ROLES = {"user": "user", "human": "user", "assistant": "assistant", "gpt": "assistant", "model": "assistant", "bot": "assistant"}

_ID_KEY = re.compile(r"(?:^|[_ .-])(?:id|uuid|guid|lang|language|split)$|(?-i:[a-z]I[dD]$)", re.IGNORECASE)

_Row = dict[str, Any]


def find_rows(document: Any, *, depth: int = 0) -> list[Any] | None:
    """The rows of a document, as objects or as lists of cells; None if it holds no table."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(document, list):
        return _rows_of_list(document) if document else None
    if not isinstance(document, dict) or not document:
        return None
    shapes: tuple[Callable[[_Row, int], list[Any] | None], ...] = (
        _split_orient,
        _splits,
        _lists_of_rows,
        _objects,
        _lists_of_cells,
        _texts_as_keys,
        _wrapped,
    )
    return next((rows for shape in shapes if (rows := shape(document, depth))), None)


# --- lists ----------------------------------------------------------------------------------------------------------------


def _rows_of_list(rows: list[Any]) -> list[Any]:
    """Rows with what holds several of them expanded: dialogues, pages, a class with its examples; chats become text and label."""
    sample = rows[:_SAMPLE]
    if all(isinstance(row, list) for row in rows):
        if _mostly(sample, lambda row: len(row) == 2 and isinstance(row[0], str) and isinstance(row[1], dict)):
            return [{"text": row[0]} | row[1] if len(row) == 2 and isinstance(row[1], dict) else row for row in rows]  # spaCy's pairs
        if _mostly(sample, lambda row: {"user", "assistant"} <= set(map(_role, row))):
            return [_flatten_chat({"messages": row}, "messages") for row in rows]
        if _mostly(sample, lambda row: bool(row) and all(isinstance(turn, dict) for turn in row)):
            return [turn | {"dialogue": number} for number, turns in enumerate(rows, 1) for turn in turns if isinstance(turn, dict)]
        if _mostly(
            sample, lambda row: bool(row) and all(isinstance(item, list) and item and not isinstance(item[0], list) for item in row)
        ):
            return [item for row in rows for item in row]  # lists of rows in a list
        return rows
    if not _mostly(sample, lambda row: isinstance(row, dict)):
        return rows
    chat = _chat_key(sample)
    if chat is not None:
        return [_flatten_chat(row, chat) if isinstance(row, dict) else row for row in rows]
    if _mostly(sample, lambda row: len(row) == 1) and all(isinstance(row, dict) and len(row) == 1 for row in rows):
        pairs = [next(iter(row.items())) for row in rows]  # {text: class} on each line
        if (
            are_texts([text for text, _ in pairs])
            and len({text for text, _ in pairs}) > 1
            and all(isinstance(cell, str) for _, cell in pairs)
        ):
            return [{"text": text, "label": cell} for text, cell in pairs]
    for _ in range(_MAX_DEPTH):
        key = _repeating_key([row for row in rows[:_SAMPLE] if isinstance(row, dict)])
        if key is None:
            break
        rows = list(chain.from_iterable(_expand(row, key) for row in rows))
    return rows


def _mostly(sample: list[Any], is_so: Callable[[Any], bool]) -> bool:
    return bool(sample) and sum(map(is_so, sample)) >= 0.9 * len(sample)


def _chat_key(sample: list[_Row]) -> str | None:
    """The key under which each row has messages of a user and of an assistant."""
    n_chats = Counter(
        key
        for row in sample
        if isinstance(row, dict)
        for key, value in row.items()
        if {"user", "assistant"} <= {_role(turn) for turn in _list(value)}
    )
    return next((key for key, n_rows in n_chats.items() if n_rows >= 0.9 * len(sample)), None)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _role(turn: Any) -> str | None:
    role = (turn.get("role") or turn.get("from")) if isinstance(turn, dict) else None
    return _ROLES.get(role, role) if isinstance(role, str) else None


def _flatten_chat(row: _Row, key: str) -> _Row:
    """The last message of the user as "text" and the answer to it as "label"."""
    said: dict[str, Any] = {}
    for turn in _list(row.get(key)):
        role = _role(turn)
        if role in ("user", "assistant"):
            said[role] = _said(turn)
    others = {name: value for name, value in row.items() if name != key}
    return {"text": said.get("user"), "label": said.get("assistant")} | others


def _said(turn: _Row) -> Any:
    """What a turn says, of which OpenAI, ShareGPT and Gemini write a text, or a list of parts."""
    said = next((turn[key] for key in ("content", "value", "parts", "text") if key in turn), None)
    if isinstance(said, list):
        return "\n".join(str(part.get("text", "")) if isinstance(part, dict) else str(part) for part in said)
    return said


def _repeating_key(sample: list[_Row]) -> str | None:
    """The key whose lists hold the texts, if the rows themselves have none: pages of an API, dialogues, a class with its examples."""
    if not sample or any(_has_text(row) or _has_named_text(row) for row in sample):
        return None
    items_by_key: dict[str, list[Any]] = {}
    for row in sample:
        for key, value in row.items():
            items_by_key.setdefault(key, []).extend(_list(value))
    for key, inner in items_by_key.items():
        if len(inner) > len(sample) and all(isinstance(item, dict) for item in inner) and any(map(_leads_to_text, inner[:_SAMPLE])):
            return key
    texts = {key: items for key, items in items_by_key.items() if len(items) > len(sample) and all(isinstance(item, str) for item in items)}
    named = next((key for key in _EXAMPLES if key in texts), None)
    if named or _mostly(sample, lambda row: len(_described_by(row)) > 1):
        return named  # a thing with its name, its class and some phrases is one row
    return next((key for key, items in texts.items() if are_texts(items)), None)


def _described_by(row: _Row) -> list[str]:
    """The keys of the words in a row: of a class or a name, but no numbers, links and ids."""
    return [
        key
        for key, value in row.items()
        if isinstance(value, str) and any(map(str.isalpha, value[:100])) and "://" not in value and not _ID_KEY.search(key)
    ]


def _has_text(row: _Row, depth: int = 0) -> bool:
    """Whether a row, or an object in it, holds a text of a few words."""
    return any(
        (isinstance(value, str) and _words(value) >= 3 and "://" not in value)
        or (isinstance(value, dict) and depth < 2 and _has_text(value, depth + 1))
        for value in row.values()
    )


def _has_named_text(row: _Row) -> bool:
    """Whether a value is a text by the name of its key, however short it is."""
    return any(key.strip().casefold() in TEXT_WORDS and isinstance(value, str) for key, value in row.items())


def _leads_to_text(row: _Row) -> bool:
    """Whether a row has a text, or a list of objects with one."""
    parts = (part for value in row.values() for part in _list(value)[:20] if isinstance(part, dict))
    return _has_text(row) or any(map(_has_text, parts))


def _expand(row: Any, key: str) -> Iterable[Any]:
    items = row.get(key) if isinstance(row, dict) else None
    if not isinstance(items, list):
        return [row]
    plain = {name: value for name, value in row.items() if name != key and not isinstance(value, list | dict)}
    if not items:
        return [plain] if _described_by(plain) else []  # a last page may be empty
    return [
        item | {name if name not in item else f"outer.{name}": value for name, value in plain.items()}
        if isinstance(item, dict)
        else {key: item} | plain
        for item in items
    ]


# --- objects --------------------------------------------------------------------------------------------------------------


def _split_orient(document: _Row, _: int) -> list[Any] | None:
    """pandas' ``orient="split"``: {"columns": ["text", "label"], "index": [0, 1], "data": [["...", "joy"], ...]}, and the same in other words."""
    columns, data = (next((document[key] for key in keys if key in document), None) for keys in (_NAMES_OF_COLUMNS, _LISTS_OF_CELLS))
    if not (
        isinstance(columns, list)
        and all(isinstance(name, str | int) for name in columns)
        and isinstance(data, list)
        and data
        and all(isinstance(row, list) for row in data)
    ):
        return None
    return [dict(zip(map(str, columns), row, strict=False)) for row in data]


def _splits(document: _Row, depth: int) -> list[Any] | None:
    """{"train": ..., "test": ...}: the rows of all, each with its split."""
    if not all(map(_split_name, document)) or not all(isinstance(value, dict | list) for value in document.values()):
        return None
    return _joined([(_split_name(key) or key, find_rows(value, depth=depth + 1) or []) for key, value in document.items()], "split")


def _split_name(key: str) -> str | None:
    """The name of a split in a key such as "train" or "oos_test"."""
    splits = [word for word in re.split(r"[-_ .]", key.strip().casefold()) if word in SPLIT_NAMES]
    return splits[0] if len(splits) == 1 else None


def _lists_of_rows(document: _Row, _: int) -> list[Any] | None:
    """{"data": [{...}, ...]}, or {"joy": [{...}], "anger": [{...}]}; of unlike lists the longest with texts in it."""
    lists = {key: value for key, value in document.items() if isinstance(value, list) and value and isinstance(value[0], dict | list)}
    if not lists:
        return None
    splits = [(split, _rows_of_list(value)) for key, value in lists.items() if (split := _split_name(key))]
    if len(splits) > 1:
        return _joined(splits, "split")
    if 1 < len(lists) == len(document) and _are_alike(lists):
        return _joined([(key, _rows_of_list(value)) for key, value in lists.items()], "label")
    with_texts = [rows for rows in lists.values() if any(_has_text(row) for row in rows[:20] if isinstance(row, dict))]
    if not with_texts and (_has_text(document) or _has_named_text(document)):
        return None  # a single row, with a list inside it
    return _rows_of_list(max(with_texts or lists.values(), key=lambda rows: (_count_names(rows[0]) > 1, len(rows))))


def _count_names(row: Any) -> int:
    """How many keys of a row say text, label or the like."""
    return sum(key.strip().casefold() in _COLUMN_NAMES for key in row) if isinstance(row, dict) else 0


def _are_alike(lists: Mapping[str, list[Any]]) -> bool:
    """Whether all lists hold objects with the same keys."""
    keys = [frozenset(rows[0]) if isinstance(rows[0], dict) else None for rows in lists.values()]
    return None not in keys and len(set(keys)) == 1


def _joined(parts: list[tuple[str, list[Any]]], column: str) -> list[Any]:
    """The rows of all parts with the part's name as one more cell."""
    rows: list[Any] = []
    for name, part in parts:
        for row in part:
            if isinstance(row, dict):
                rows.append(row | {column if column not in row else "group": name})
            elif isinstance(row, list):
                rows.append([*row, name])
            else:
                rows.append({"text": row, column: name})
    return rows


def _objects(document: _Row, _: int) -> list[Any] | None:
    """{id: {"text": ..., "label": ...}}, or pandas' columns: {"text": {"0": ..., "1": ...}, "label": {...}}."""
    values = list(document.values())
    if len(values) < 2 or not all(isinstance(value, dict) and value for value in values):
        return None
    same_keys = all(value.keys() == values[0].keys() for value in values)
    inner_keys = dict.fromkeys(chain.from_iterable(islice(values, _SAMPLE)))
    if same_keys and not _are_names(inner_keys) and (_are_names(document) or len(values) < len(values[0])):
        return [dict(zip(document, cells, strict=True)) for cells in zip(*(value.values() for value in values), strict=True)]
    shared = sum(map(len, values[:_SAMPLE]))
    if shared < 0.5 * len(inner_keys) * min(len(values), _SAMPLE):
        return None
    # The key of an object with several texts is their class.
    name = "label" if _repeating_key(values[:_SAMPLE]) else _key_column(list(document))
    if name is None:
        return values
    return _rows_of_list([{name if name not in row else f"{name} (key)": key} | row for key, row in document.items()])


def _are_names(keys: Iterable[str]) -> bool:
    return any(key.strip().casefold() in _COLUMN_NAMES for key in keys)


def _key_column(keys: list[str]) -> str | None:
    """The name of the column of the keys: none if they only count."""
    if are_texts(keys):
        return "text"
    return None if all(key.isdecimal() for key in keys) else "id"


def _lists_of_cells(document: _Row, _: int) -> list[Any] | None:
    """{"joy": ["...", "..."], "anger": [...]} (the texts of each class) or {"text": [...], "label": [...]} (pandas' columns)."""
    if sum(isinstance(value, list) for value in document.values()) < 2:
        return None
    # A version or a name beside the lists is none of the table.
    beside = {key: value for key, value in document.items() if not isinstance(value, list | dict)}
    if _has_text(beside) or _has_named_text(beside):
        return None
    document = {key: value for key, value in document.items() if key not in beside}
    values = list(document.values())
    if len(values) < 2 or not all(isinstance(value, list) and value for value in values):
        return None
    strings = all(isinstance(cell, str) for value in values for cell in value[:_SAMPLE])
    lengths = {len(value) for value in values}
    if strings and (len(lengths) > 1 or not _are_names(document)) and all(are_texts(value) for value in values):
        return [{"text": text, "label": name} for name, texts in document.items() for text in texts]
    if are_texts(list(document)) and not any(are_texts(value) for value in values):
        return [{"text": text, "label": labels} for text, labels in document.items()]
    if len(lengths) == 1:
        return [dict(zip(document, cells, strict=True)) for cells in zip(*values, strict=True)]
    return None


def _texts_as_keys(document: _Row, _: int) -> list[Any] | None:
    """{"a text": "its class"}."""
    if len(document) < 3 or any(isinstance(value, dict | list) or value is None for value in document.values()):
        return None
    return [{"text": text, "label": label} for text, label in document.items()] if are_texts(list(document)) else None


def _wrapped(document: _Row, depth: int) -> list[Any] | None:
    """The longest table in an object around it: {"rasa_nlu_data": {"common_examples": [...]}}."""
    inner = [rows for value in document.values() if isinstance(value, dict) and (rows := find_rows(value, depth=depth + 1))]
    return max(inner, key=len, default=None)


def named_lists(document: Any, *, prefix: str = "", depth: int = 0) -> dict[str, list[Any]]:
    """The lists of objects with texts in a document, by their keys: "reviews", or "data.reviews" one level down."""
    if not isinstance(document, dict) or len(document) > _MAX_WRAPPER_KEYS or depth > _MAX_DEPTH:
        return {}
    lists: dict[str, list[Any]] = {}
    for key, value in document.items():
        name = f"{prefix}{clean(key) or '(no name)'}"
        if isinstance(value, dict):
            lists |= named_lists(value, prefix=f"{name}.", depth=depth + 1)
        elif isinstance(value, list) and any(isinstance(item, dict) and _has_text(item) for item in value[:_SAMPLE]):
            lists[name] = value
    return lists


def find_read_list(lists: Mapping[str, list[Any]], rows: list[Any]) -> str | None:
    """The name of the one list that the ``rows`` are; None if they come from several, or were made from what is in them."""
    read = set(map(id, rows))
    names = [name for name, items in lists.items() if any(id(item) in read for item in items[:_SAMPLE])]
    return names[0] if len(names) == 1 else None


# --- words ----------------------------------------------------------------------------------------------------------------


def are_texts(values: list[str]) -> bool:
    """Whether strings are texts rather than labels: a few words in each, on average of a sample."""
    sample = values[:: max(1, len(values) // _SAMPLE)]
    return bool(sample) and sum(map(_words, sample)) >= _MIN_TEXT_WORDS * len(sample)


def _words(value: Any) -> float:
    """Words between blanks; of a script without blanks, two characters are one."""
    text = str(value)[:1_000]
    return max(len(text.split()), sum("\u0e00" <= c <= "\u0eff" or "\u3040" <= c <= "\u9fff" for c in text) / 2)
