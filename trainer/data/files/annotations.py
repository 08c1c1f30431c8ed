"""Flattens the nested JSON of annotation tools (doccano, Prodigy, Label Studio, spaCy) and drops rejected rows.

Reads no file and leaves any other structure unchanged.
"""

from typing import Any

from trainer.data.files.nested import annotators_warning, majority
from trainer.data.files.table import DroppedRow, ReaderWarning

_Row = dict[str, Any]
_SAMPLE_ROWS = 100  # rows that show whether such a tool wrote the file
_WRAPPERS = ("data", "row", "_source", "fields")  # Label Studio's task, a row of the Hugging Face rows API, Elasticsearch, Argilla
_PRODIGY = ("_input_hash", "_task_hash", "_session_id", "accept")
_ANSWERS = ("accept", "reject", "ignore")
_DROP_REASONS = {
    "reject": "it was rejected by the annotator (answer: reject)",
    "ignore": "it was ignored by the annotator (answer: ignore)",
}


def flatten_annotations(
    numbers: list[int], rows: list[_Row], dropped: list[DroppedRow]
) -> tuple[list[int], list[_Row], tuple[ReaderWarning, ...]]:
    """The rows with their labels as plain cells, and a warning if annotators disagree; rejected rows are added to ``dropped``."""
    for key in _WRAPPERS:
        if _is_mostly(rows, key, dict):
            rows = [_unwrap(row, key) for row in rows]
    rows, n_annotations = _flatten_choices(rows, "annotations")
    rows, n_completions = _flatten_choices(rows, "completions")
    rows = _flatten_cats(rows)
    return *_drop_rejected(numbers, rows, dropped), annotators_warning(n_annotations + n_completions)


def unwrap_single(value: Any) -> Any:
    """The scalar in a list of one, None for an empty list, any other value unchanged."""
    if isinstance(value, list) and (not value or (len(value) == 1 and not isinstance(value[0], list | dict))):
        return value[0] if value else None
    return value


def _is_mostly(rows: list[_Row], key: str, expected_type: type) -> bool:
    if not any(key in row for row in rows[:_SAMPLE_ROWS]):
        return False
    n_matching = sum(isinstance(row.get(key), expected_type) for row in rows)
    return 0 < n_matching >= 0.9 * sum(row.get(key) is not None for row in rows)


def _unwrap(row: _Row, key: str) -> _Row:
    """``{"data": {"text": "..."}}`` as ``{"text": "..."}``, in the same position; a key that exists already becomes "data.text"."""
    inner = row.get(key)
    if not isinstance(inner, dict):
        return row
    flat: _Row = {}
    for name, value in row.items():
        if name == key:
            flat.update({f"{key}.{part}" if part in row and part != key else part: cell for part, cell in inner.items()})
        else:
            flat[name] = value
    return flat


# --- Label Studio: [{"result": [{"from_name": ..., "value": {"choices": ["joy"]}}]}] --------------------------------------


def _flatten_choices(rows: list[_Row], key: str) -> tuple[list[_Row], int]:
    """The choice of most annotators as the column "choice", or as one column per question; and how many rows they disagree on."""
    if not _is_mostly(rows, key, list):
        return rows, 0
    answers_of_rows = [_answers(row.get(key)) for row in rows]
    if not any(answers_of_rows):
        return rows, 0
    has_several_questions = len({name for answers in answers_of_rows for name in answers}) > 1
    flattened, n_disagreeing = [], 0
    for row, answers in zip(rows, answers_of_rows, strict=True):
        other_cells = {name: value for name, value in row.items() if name not in (key, "predictions", "drafts")}
        agreed = True
        for name, labels in answers.items():
            column = name if has_several_questions and name else "choice"
            other_cells[f"{column} ({key})" if column in row else column], same = majority(labels)
            agreed = agreed and same
        n_disagreeing += not agreed
        flattened.append(other_cells)
    return flattened, n_disagreeing


def _answers(annotations: Any) -> dict[str, list[list[Any]]]:
    """The labels that each annotation gives to each question."""
    answers: dict[str, list[list[Any]]] = {}
    for annotation in annotations if isinstance(annotations, list) else []:
        if not isinstance(annotation, dict) or annotation.get("was_cancelled") is True:
            continue
        results = annotation.get("result")
        given: dict[str, list[Any]] = {}
        for result in results if isinstance(results, list) else []:
            value = result.get("value") if isinstance(result, dict) else None
            labels = _labels_in(value) if isinstance(value, dict) else []
            if labels:
                given.setdefault(str(result.get("from_name") or ""), []).extend(labels)
        for name, labels in given.items():
            answers.setdefault(name, []).append(labels)
    return answers


def _labels_in(value: _Row) -> list[Any]:
    """The choices, the paths in a taxonomy, or the rating that an annotation holds."""
    choices, paths, rating = value.get("choices"), value.get("taxonomy"), value.get("rating")
    if isinstance(choices, list):
        return choices
    if isinstance(paths, list):
        return [" > ".join(map(str, path)) if isinstance(path, list) else path for path in paths]
    return [] if rating is None or isinstance(rating, dict | list) else [rating]


# --- spaCy: {"cats": {"joy": 1, "anger": 0}} ------------------------------------------------------------------------------


def _flatten_cats(rows: list[_Row]) -> list[_Row]:
    """The names of yes in objects of yes and no: spaCy's "cats", or "labels" of other tools."""
    keys = {key for row in rows[:_SAMPLE_ROWS] for key, value in row.items() if isinstance(value, dict)}
    given: dict[str, list[Any]] = {}
    for row in rows if keys else ():
        for key in keys & row.keys():
            if row[key] is not None:
                given.setdefault(key, []).append(row[key])
    marked = set()
    for key, cells in given.items():
        objects = [cell for cell in cells if isinstance(cell, dict)]
        if len(objects) < 0.9 * len(cells):
            continue
        values = {str(value).lower() for cats in objects for value in cats.values()}
        if not values or not values <= {"0", "1", "0.0", "1.0", "true", "false"}:
            continue  # probabilities or amounts: no single one is the label
        if key == "cats" or all(len(cats) > 1 and cats.keys() == objects[0].keys() for cats in objects):
            marked.add(key)
    if not marked:
        return rows
    return [row | {key: _positive_cats(row[key]) for key in marked & row.keys() if isinstance(row[key], dict)} for row in rows]


def _positive_cats(cats: dict[str, Any]) -> list[str]:
    return [label for label, value in cats.items() if str(value).lower() in ("1", "1.0", "true")]


# --- Prodigy: {"text": ..., "accept": ["joy"], "answer": "reject"} --------------------------------------------------------


def _drop_rejected(numbers: list[int], rows: list[_Row], dropped: list[DroppedRow]) -> tuple[list[int], list[_Row]]:
    if not any(key in row for row in rows[:_SAMPLE_ROWS] for key in _PRODIGY):
        return numbers, rows
    decisions = [row.get("answer") for row in rows]
    if not all(decision is None or (isinstance(decision, str) and decision in _ANSWERS) for decision in decisions):
        return numbers, rows
    reasons = dict(_DROP_REASONS)
    labels = {str(unwrap_single(row.get("accept", row.get("label")))) for row in rows}
    if len(labels) < 2 and "accept" not in rows[0]:
        del reasons["reject"]  # a yes/no question about one label: the answer is the class
    kept: list[tuple[int, _Row]] = []
    for number, row, decision in zip(numbers, rows, decisions, strict=True):
        if decision in reasons:
            dropped.append(DroppedRow(number, reasons[decision]))
        else:
            kept.append((number, row))
    return [number for number, _ in kept], [row for _, row in kept]
