"""Flattens the objects inside JSON rows: {"label": {"name": "joy"}} becomes a column "label.name", a list of such objects a list of names.

Decides nothing about columns, except that of several annotators' labels of a row the majority counts.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Set
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
    keys -= _dictionaries(rows, keys)
    if not keys:
        return rows, annotators_warning(n_voted)
    # Some tools write one answer as it is and several as an object.
    mixed = {key for row in rows for key in keys & row.keys() if isinstance(row[key], str | int | float)}
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
    tokens = {
        key
        for key, lists in _lists_by_key(rows, keys).items()
        if all(isinstance(word, str) and " " not in word for words in lists for word in words) and sum(map(len, lists)) >= 3 * len(lists)
    }
    return _with_cells(rows, tokens, " ".join)


def _lists_by_key(rows: list[_Row], keys: Set[str]) -> dict[str, list[list[Any]]]:
    """The lists that the rows hold under each of the keys, found in one pass: there may be many keys, each in few rows."""
    lists: dict[str, list[list[Any]]] = {}
    for row in rows if keys else ():
        for key in keys & row.keys():
            if isinstance(row[key], list):
                lists.setdefault(key, []).append(row[key])
    return lists


def _with_cells(rows: list[_Row], keys: Set[str], cell_of: Callable[[list[Any]], Any]) -> list[_Row]:
    """The rows with what ``cell_of`` gives for the lists under the keys."""
    if not keys:
        return rows
    return [row | {key: cell_of(row[key]) for key in keys & row.keys() if isinstance(row[key], list)} for row in rows]


def _count_votes(rows: list[_Row]) -> tuple[list[_Row], int]:
    """The rows with the most frequent of equally many labels in a list, which name a label more than once: one of each annotator."""
    n_voted, voted = 0, set()
    keys = {key for row in rows[:_SAMPLE_ROWS] for key, value in row.items() if isinstance(value, list)}
    for key, all_lists in _lists_by_key(rows, keys).items():
        lists = [value for value in all_lists if value]
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
        voted.add(key)
    return _with_cells(rows, voted, lambda labels: Counter(map(str, labels)).most_common(1)[0][0] if labels else labels), n_voted


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


def _dictionaries(rows: list[_Row], keys: Set[str]) -> set[str]:
    """The keys of objects that have no keys in common: dictionaries rather than records."""
    inner: dict[str, set[str]] = {}
    for row in rows[:_SAMPLE_ROWS]:
        for key in keys & row.keys():
            inner.setdefault(key, set()).update(name for item in _objects(row[key]) for name in item)
    return {key for key, names in inner.items() if len(names) > _MAX_KEYS}


def _objects(value: Any) -> Iterable[_Row]:
    return [value] if isinstance(value, dict) else value if _is_list_of_objects(value) else ()


def _flat_cells(value: Any, disagreeing: list[int], number: int, depth: int = 0) -> _Row | None:
    """The cells of an object or of a list of objects by their dotted names; None for any other value."""
    if isinstance(value, dict):
        return dict(_leaves(value, "", depth))
    if not _is_list_of_objects(value):
        return None
    items = [dict(_leaves(item, "", depth)) for item in value]
    given: dict[str, list[Any]] = {}
    for item in items:
        for name, cell in item.items():
            given.setdefault(name, []).append(cell)
    names = [name for name in given if not isinstance(items[0].get(name), dict)]
    named = [name for name in names if name.rsplit(".", 1)[-1].casefold() in _NAME_KEYS]
    annotators = {next((str(item[key]) for key in _ANNOTATOR_KEYS if item.get(key) is not None), "") for item in items}
    has_annotators = len(annotators - {""}) > 1
    cells = {name: _collect(given[name], disagreeing, number, has_annotators=has_annotators) for name in named or names}
    return {"": cells[named[0]]} if len(cells) == 1 and named and named[0] in ("name", "value") else cells


def _leaves(value: _Row, prefix: str, depth: int) -> Iterable[tuple[str, Any]]:
    """The values in an object and in the objects inside it, with dotted names."""
    for key, item in value.items():
        name = f"{prefix}.{key}" if prefix else key
        if isinstance(item, dict) and item and depth < _MAX_DEPTH:
            yield from _leaves(item, name, depth + 1)
        elif _is_list_of_objects(item) and depth < _MAX_DEPTH:
            cells = _flat_cells(item, [], 0, depth + 1) or {}
            yield from ((f"{name}.{part}" if part else name, cell) for part, cell in cells.items())
        else:
            yield name, item


def _collect(given: list[Any], disagreeing: list[int], number: int, *, has_annotators: bool) -> Any:
    """The values of a list of objects: those of each annotator count as one vote, else all of them are the cell's."""
    values = [value for item in given for value in (item if isinstance(item, list) else [item]) if value is not None]
    if not has_annotators or any(isinstance(value, dict | list) for value in values):
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
