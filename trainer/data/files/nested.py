"""Flattens the objects inside JSON rows: {"label": {"name": "joy"}} becomes a column "label.name", a list of such objects a list of names.

Decides nothing about columns, except that of several annotators' labels of a row the majority counts.
"""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from trainer.data.files.table import ReaderWarning

_Row = dict[str, Any]
_SAMPLE_ROWS = 200
_MAX_DEPTH = 4
_MIN_VOTES = 3
_MIN_UNANIMOUS = 0.05  # of the lists, for each answer
_YES_OR_NO = frozenset(("0", "1", "0.0", "1.0", "False", "True"))
_MAX_KEYS = 60  # with more different keys an object is a dictionary, not a record
_NAME_KEYS = (
    "name",
    "label",
    "labels",
    "displayname",
    "classname",
    "class",
    "value",
    "values",
    "title",
    "choice",
    "choices",
    "text",
    "tag",
    "rating",
)
_ANNOTATOR_KEYS = (
    "annotator",
    "annotator_id",
    "annotators",
    "user",
    "user_id",
    "username",
    "completed_by",
    "worker",
    "worker_id",
    "rater",
    "coder",
)


def flatten_rows(rows: list[_Row]) -> tuple[list[_Row], tuple[ReaderWarning, ...]]:
    """The rows with the objects inside them as columns of their own, and a warning if annotators disagree."""
    rows, n_voted = _count_votes(_join_tokens(rows))
    keys = {key for row in rows for key, value in row.items() if isinstance(value, dict) or _is_list_of_objects(value)}
    keys -= {key for key in keys if _is_dictionary(rows, key)}
    if not keys:
        return rows, annotators_warning(n_voted)
    # Some tools write one answer as it is and several as an object.
    mixed = {key for key in keys if any(isinstance(row.get(key), str | int | float) for row in rows)}
    disagreeing: list[int] = []
    flattened = []
    for number, row in enumerate(rows):
        flat: _Row = {}
        for key, value in row.items():
            if key in keys and value in ([], {}, None):
                continue
            cells = _flat_cells(value, disagreeing, number) if key in keys else None
            if cells is None:
                flat[key] = value
            elif len(cells) == 1 and key in mixed:
                flat[key] = next(iter(cells.values()))
            else:
                flat.update({key if not name else f"{key}.{name}": cell for name, cell in cells.items()})
        flattened.append(flat or row)
    return flattened, annotators_warning(len(set(disagreeing)) + n_voted)


def _join_tokens(rows: list[_Row]) -> list[_Row]:
    """The rows with the words of a text, listed one by one, joined by blanks."""
    keys = {
        key
        for row in rows[:_SAMPLE_ROWS]
        for key, value in row.items()
        if isinstance(value, list) and key.casefold().endswith(("tokens", "words"))
    }
    for key in keys:
        lists = [value for row in rows if isinstance(value := row.get(key), list)]
        if all(isinstance(word, str) and " " not in word for words in lists for word in words) and sum(map(len, lists)) >= 3 * len(lists):
            rows = [row | {key: " ".join(row[key])} if isinstance(row.get(key), list) else row for row in rows]
    return rows


def _count_votes(rows: list[_Row]) -> tuple[list[_Row], int]:
    """The rows with the most frequent of equally many labels in a list, which name a label more than once: one of each annotator."""
    n_voted = 0
    for key in dict.fromkeys(key for row in rows[:_SAMPLE_ROWS] for key, value in row.items() if isinstance(value, list)):
        lists = [value for row in rows if isinstance(value := row.get(key), list) and value]
        if not lists or any(isinstance(item, dict | list) for value in lists for item in value):
            continue
        (length, n_lists), *_ = Counter(map(len, lists)).most_common(1)
        repeated = sum(len(set(map(str, value))) < len(value) for value in lists)
        distinct = {str(item) for value in lists for item in value}
        if length < _MIN_VOTES or n_lists < 0.9 * len(lists) or repeated < 0.5 * len(lists) or len(distinct) > max(2, len(lists) // 3):
            continue
        if _are_shares(lists) or _mark_classes(lists, distinct):
            continue
        n_voted += sum(len(set(map(str, value))) > 1 for value in lists)
        rows = [
            row | {key: Counter(map(str, row[key])).most_common(1)[0][0]} if isinstance(row.get(key), list) and row[key] else row
            for row in rows
        ]
    return rows, n_voted


def _are_shares(lists: list[list[Any]]) -> bool:
    """Whether the numbers of each list add up to 1: one-hot lists, or the probabilities of the classes."""
    try:
        return all(abs(sum(map(float, value)) - 1.0) < 0.02 for value in lists)
    except (TypeError, ValueError):
        return False


def _mark_classes(lists: list[list[Any]], distinct: set[str]) -> bool:
    """Whether lists of yes and no mark the classes of a text: annotators who answer yes or no agree on either now and then."""
    if not distinct <= _YES_OR_NO:
        return False
    unanimous = Counter(str(value[0]) for value in lists if len(set(map(str, value))) == 1)
    return len(unanimous) < 2 or min(unanimous.values()) < _MIN_UNANIMOUS * len(lists)


def annotators_warning(n_rows: int) -> tuple[ReaderWarning, ...]:
    """The warning that annotators gave different labels to ``n_rows`` texts."""
    if not n_rows:
        return ()
    texts = "1 text has" if n_rows == 1 else f"{n_rows:,} texts have"
    message = (
        f"{texts} different labels of several annotators; the label of the majority was taken, and of equally many the first one. "
        "Look at these texts in the annotation tool if the labels matter."
    )
    return (ReaderWarning("annotators_disagree", "warning", n_rows, message),)


def _is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, dict) for item in value)


def _is_dictionary(rows: list[_Row], key: str) -> bool:
    """Whether the objects under a key have no keys in common: a dictionary rather than a record."""
    inner = Counter(name for row in rows[:_SAMPLE_ROWS] for item in _objects(row.get(key)) for name in item)
    return len(inner) > _MAX_KEYS


def _objects(value: Any) -> Iterable[_Row]:
    return [value] if isinstance(value, dict) else value if _is_list_of_objects(value) else ()


def _flat_cells(value: Any, disagreeing: list[int], number: int) -> _Row | None:
    """The cells of an object or of a list of objects by their dotted names; None for any other value."""
    if isinstance(value, dict):
        return dict(_leaves(value, ""))
    if not _is_list_of_objects(value):
        return None
    items = [dict(_leaves(item, "")) for item in value]
    names = [name for name in dict.fromkeys(name for item in items for name in item) if not isinstance(items[0].get(name), dict)]
    named = [name for name in names if name.rsplit(".", 1)[-1].casefold() in _NAME_KEYS]
    annotators = [next((str(item[key]) for key in _ANNOTATOR_KEYS if item.get(key) is not None), None) for item in items]
    cells = {}
    for name in named or names:
        given = [item.get(name) for item in items]
        cells[name] = _collect(given, annotators, disagreeing, number)
    return {"": cells[named[0]]} if len(cells) == 1 and named and named[0] in ("name", "value") else cells


def _leaves(value: _Row, prefix: str, depth: int = 0) -> Iterable[tuple[str, Any]]:
    """The values in an object and in the objects inside it, with dotted names."""
    for key, item in value.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(item, dict) and item and depth < _MAX_DEPTH:
            yield from _leaves(item, name, depth + 1)
        elif _is_list_of_objects(item) and depth < _MAX_DEPTH:
            cells = _flat_cells(item, [], 0) or {}
            yield from ((f"{name}.{part}" if part else name, cell) for part, cell in cells.items())
        else:
            yield name, item


def _collect(given: list[Any], annotators: list[str | None], disagreeing: list[int], number: int) -> Any:
    """The values of a list of objects: those of each annotator count as one vote, else all of them are the cell's."""
    values = [value for item in given for value in (item if isinstance(item, list) else [item]) if value is not None]
    if len({annotator for annotator in annotators if annotator}) < 2 or any(isinstance(value, dict | list) for value in values):
        return values
    chosen, agreed = majority([item if isinstance(item, list) else [item] for item in given if item is not None])
    if not agreed:
        disagreeing.append(number)
    return chosen


def majority(answers: list[list[Any]]) -> tuple[list[Any], bool]:
    """The answer that most annotators gave, the first of equally many, and whether all gave the same."""
    counts = Counter(tuple(sorted(map(str, answer))) for answer in answers)
    if not counts:
        return [], True
    most, _ = counts.most_common(1)[0]
    return next(answer for answer in answers if tuple(sorted(map(str, answer))) == most), len(counts) == 1
