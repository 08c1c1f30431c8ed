"""The schema of events: the type and the range of each field of each type of event. What does not match is damage.

A new field is one line in the table ``EVENT_TYPES``; a field that is not in it is damage.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainer.runs.events import MAX_TEXT_CHARS

Check = Callable[[Any], bool]

_NUMBERS = frozenset({int, float})
"""Exact types, since a bool is an int too."""

_MAX_ITEMS = 10_000
_MAX_INT = 2**53
"""Larger integers are not exact in a browser."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_MAX_FLOAT = 1e39
"""More than any float32, the type of losses and gradients."""

_LAST_TIME = 253_402_300_799.0
"""Unix time of the end of the year 9999, the last date that Python knows."""


def _integer(minimum: int = 0, maximum: int = _MAX_INT) -> Check:
    return lambda value: type(value) is int and minimum <= value <= maximum


def _number(minimum: float = 0.0, maximum: float = _MAX_FLOAT) -> Check:
    # False for NaN.
    return lambda value: type(value) in _NUMBERS and minimum <= value <= maximum


def _text(maximum: int = MAX_TEXT_CHARS) -> Check:
    return lambda value: type(value) is str and len(value) <= maximum and is_valid_utf8(value)


def _one_line(maximum: int) -> Check:
    """A name: a text without control characters, which could fake lines in a terminal or a log."""
    text = _text(maximum)
    return lambda value: text(value) and (value.isprintable() or _CONTROL.search(value) is None)


def _one_of(*names: str) -> Check:
    return lambda value: type(value) is str and value in names


def _list_of(check: Check) -> Check:
    return lambda value: type(value) is list and len(value) <= _MAX_ITEMS and all(map(check, value))


def _counts_by_name(name: Check) -> Check:
    """An object with an integer for each name."""
    return lambda value: type(value) is dict and len(value) <= _MAX_ITEMS and all(name(n) and _COUNT(c) for n, c in value.items())


def _record(**fields: Check) -> Check:
    """An object with exactly these fields."""
    return lambda value: type(value) is dict and value.keys() == fields.keys() and all(fields[n](v) for n, v in value.items())


def _is_true(value: Any) -> bool:
    """False is never written; the field is left out."""
    return value is True


def is_valid_utf8(text: str) -> bool:
    """Whether it can be encoded as UTF-8: a lone surrogate would break every response that contains it."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


_COUNT = _STEP = _integer()
_NUMBER, _RATE, _SECONDS, _FRACTION = _number(), _number(0.0, 1e12), _number(0.0, 1e10), _number(0.0, 1.000001)
_NAME, _TEXT = _one_line(500), _text()


@dataclass(frozen=True)
class EventType:
    """The fields that an event of one type may have, those that it must have, and the check of all other fields."""

    fields: Mapping[str, Check]
    required: frozenset[str] = frozenset()
    other_fields: Check | None = None


def _event_type(*required: str, other_fields: Check | None = None, **fields: Check) -> EventType:
    return EventType({"type": _NAME, "time": _number(0.0, _LAST_TIME), **fields}, frozenset({"time", *required}), other_fields)


_FINDING = _record(code=_NAME, severity=_one_of("ok", "warning", "error"), count=_COUNT, message=_TEXT)
_END = {
    "message": _TEXT,
    "code": _NAME,
    "seconds": _SECONDS,
    "train_seconds": _SECONDS,
    "samples_per_second": _RATE,
    "best_step": _STEP,
    "retry_texts_at_a_time": _integer(1),
}

EVENT_TYPES: Mapping[str, EventType] = {
    "created": _event_type(
        "name",
        "owner",
        run=_NAME,
        name=_NAME,
        owner=_NAME,
        source_name=_NAME,
        encoder=_NAME,
        encoder_folder=_TEXT,
        base_model=_NAME,
        draft=_NAME,
        parent=_NAME,
        parent_name=_NAME,
        parent_step=_STEP,
        more_epochs=_integer(1),
        rows=_counts_by_name(_one_of("train", "validation", "test")),
        split_notes=_list_of(_TEXT),
        repairs=_counts_by_name(_NAME),
        findings=_list_of(_FINDING),
        level=_NAME,
        task=_NAME,
        forecast_seconds=_SECONDS,
    ),
    "queued": _event_type(texts_at_a_time=_integer(1)),
    "renamed": _event_type("name", name=_NAME),
    "phase": _event_type("what", what=_TEXT, done=_FRACTION, stage=_one_of("saving", "scoring", "comparing")),
    "started": _event_type(
        device=_NAME,
        processes=_integer(1),
        epochs=_integer(1),
        batch_size=_integer(1),
        learning_rate=_RATE,
        total_steps=_STEP,
        epoch_steps=_list_of(_integer(1)),
        evaluations=_COUNT,
        parameters=_COUNT,
        trainable_parameters=_COUNT,
    ),
    "resumed": _event_type("step", step=_STEP, best_step=_STEP),
    "log": _event_type(
        "step",
        step=_STEP,
        epoch=_RATE,
        loss=_NUMBER,
        train_objective=_NUMBER,
        accuracy=_FRACTION,
        learning_rate=_RATE,
        grad_norm=_NUMBER,
        elapsed=_SECONDS,
        train_seconds=_SECONDS,
        samples_per_second=_RATE,
    ),
    "eval": _event_type(
        "step",
        step=_STEP,
        epoch=_RATE,
        loss=_NUMBER,
        accuracy=_FRACTION,
        macro_f1=_FRACTION,
        classes=_COUNT,
        seconds=_SECONDS,
        unplanned=_is_true,
    ),
    "checkpoint": _event_type("step", step=_STEP, macro_f1=_FRACTION),
    "saved": _event_type("step", step=_STEP),
    "notice": _event_type("message", step=_STEP, message=_TEXT),
    "majority": _event_type("name", "accuracy", "validation_accuracy", name=_TEXT, accuracy=_FRACTION, validation_accuracy=_FRACTION),
    "baseline": _event_type(
        other_fields=_number(-_MAX_FLOAT),
        accuracy=_FRACTION,
        macro_f1=_FRACTION,
        validation_accuracy=_FRACTION,
        validation_macro_f1=_FRACTION,
        rows=_COUNT,
        seconds=_SECONDS,
        problem=_TEXT,
    ),
    **{name: _event_type(**_END) for name in ("finished", "stopped", "failed", "cancelled")},
}


def is_valid_event(event: Mapping[Any, Any]) -> bool:
    """Whether this is an event of a known type with fields of the right types and ranges, and no others."""
    event_type = event.get("type")
    schema = EVENT_TYPES.get(event_type) if type(event_type) is str else None
    if schema is None:
        return False
    fields, other_fields = schema.fields, schema.other_fields
    for name, value in event.items():
        check = fields.get(name, other_fields)
        if check is None or not check(value):
            return False
    return schema.required <= event.keys()
