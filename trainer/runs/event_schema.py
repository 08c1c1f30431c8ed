"""What each kind of event may hold: the type and the range of each of its fields. Decides what is damage, not what it means.

A new field is one line in the table ``EVENT_TYPES``; a field that is not in it is damage.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from trainer.runs.events import LONGEST_TEXT

Check = Callable[[Any], bool]

_NUMBERS = frozenset({int, float})
"""By exact type: to Python a bool is an int too."""

_MOST_ITEMS = 10_000
_LARGEST_INT = 2**53
"""Beyond it a browser no longer counts by ones."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_LARGEST_FLOAT = 1e39
"""More than any float32, of which losses and gradients are made."""

_LAST_TIME = 253_402_300_799.0
"""Unix time of the end of the year 9999, which is where dates end."""


def _whole(least: int = 0, most: int = _LARGEST_INT) -> Check:
    return lambda value: type(value) is int and least <= value <= most


def _number(least: float = 0.0, most: float = _LARGEST_FLOAT) -> Check:
    # A NaN is neither above nor below anything.
    return lambda value: type(value) in _NUMBERS and least <= value <= most


def _text(most: int = LONGEST_TEXT) -> Check:
    return lambda value: type(value) is str and len(value) <= most and is_valid_utf8(value)


def _line(most: int) -> Check:
    """A name: a text without control characters, which would forge lines in a terminal or a log."""
    text = _text(most)
    return lambda value: text(value) and (value.isprintable() or _CONTROL.search(value) is None)


def _one_of(*names: str) -> Check:
    return lambda value: type(value) is str and value in names


def _list_of(check: Check) -> Check:
    return lambda value: type(value) is list and len(value) <= _MOST_ITEMS and all(map(check, value))


def _counts(name: Check) -> Check:
    """An object of whole numbers by name."""
    return lambda value: type(value) is dict and len(value) <= _MOST_ITEMS and all(name(n) and _COUNT(c) for n, c in value.items())


def _record(**fields: Check) -> Check:
    """An object with just these fields."""
    return lambda value: type(value) is dict and value.keys() == fields.keys() and all(fields[n](v) for n, v in value.items())


def _true(value: Any) -> bool:
    """No event says that something is not so: it leaves the field out."""
    return value is True


def is_valid_utf8(text: str) -> bool:
    """Whether UTF-8 can hold it: a lone surrogate would break every answer that it is part of."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


_COUNT = _STEP = _whole()
_NUMBER, _RATE, _SECONDS, _SHARE = _number(), _number(0.0, 1e12), _number(0.0, 1e10), _number(0.0, 1.000001)
_NAME, _TEXT = _line(500), _text()


@dataclass(frozen=True)
class EventType:
    """The fields that an event of one kind may have, those that it must have, and what any other field has to be."""

    fields: Mapping[str, Check]
    required: frozenset[str] = frozenset()
    others: Check | None = None


def _kind(*required: str, others: Check | None = None, **fields: Check) -> EventType:
    return EventType({"kind": _NAME, "time": _number(0.0, _LAST_TIME), **fields}, frozenset({"time", *required}), others)


_FINDING = _record(code=_NAME, severity=_one_of("ok", "warning", "error"), count=_COUNT, message=_TEXT)
_END = {
    "message": _TEXT,
    "code": _NAME,
    "seconds": _SECONDS,
    "train_seconds": _SECONDS,
    "samples_per_second": _RATE,
    "best_step": _STEP,
    "fewer_texts": _whole(1),
}

EVENT_TYPES: Mapping[str, EventType] = {
    "created": _kind(
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
        more_epochs=_whole(1),
        rows=_counts(_one_of("train", "validation", "test")),
        split_notes=_list_of(_TEXT),
        repairs=_counts(_NAME),
        findings=_list_of(_FINDING),
        level=_NAME,
        forecast_seconds=_SECONDS,
    ),
    "queued": _kind(texts_at_a_time=_whole(1)),
    "renamed": _kind("name", name=_NAME),
    "phase": _kind("what", what=_TEXT, done=_SHARE, stage=_one_of("saving", "scoring", "comparing")),
    "started": _kind(
        device=_NAME,
        processes=_whole(1),
        epochs=_whole(1),
        batch_size=_whole(1),
        learning_rate=_RATE,
        total_steps=_STEP,
        epoch_steps=_list_of(_whole(1)),
        evaluations=_COUNT,
        parameters=_COUNT,
        trainable_parameters=_COUNT,
    ),
    "resumed": _kind("step", step=_STEP, best_step=_STEP),
    "log": _kind(
        "step",
        step=_STEP,
        epoch=_RATE,
        loss=_NUMBER,
        train_objective=_NUMBER,
        accuracy=_SHARE,
        learning_rate=_RATE,
        grad_norm=_NUMBER,
        elapsed=_SECONDS,
        train_seconds=_SECONDS,
        samples_per_second=_RATE,
    ),
    "eval": _kind(
        "step", step=_STEP, epoch=_RATE, loss=_NUMBER, accuracy=_SHARE, macro_f1=_SHARE, classes=_COUNT, seconds=_SECONDS, unplanned=_true
    ),
    "checkpoint": _kind("step", step=_STEP, macro_f1=_SHARE),
    "saved": _kind("step", step=_STEP),
    "notice": _kind("message", step=_STEP, message=_TEXT),
    "majority": _kind("name", "accuracy", "validation_accuracy", name=_TEXT, accuracy=_SHARE, validation_accuracy=_SHARE),
    "baseline": _kind(
        others=_number(-_LARGEST_FLOAT),
        accuracy=_SHARE,
        macro_f1=_SHARE,
        validation_accuracy=_SHARE,
        validation_macro_f1=_SHARE,
        rows=_COUNT,
        seconds=_SECONDS,
        problem=_TEXT,
    ),
    **{kind: _kind(**_END) for kind in ("finished", "stopped", "failed", "cancelled")},
}


def is_valid_event(event: Mapping[Any, Any]) -> bool:
    """Whether this is an event of a known kind with fields of the right types and ranges, and no others."""
    kind = event.get("kind")
    known = EVENT_TYPES.get(kind) if type(kind) is str else None
    if known is None:
        return False
    fields, others = known.fields, known.others
    for name, value in event.items():
        check = fields.get(name, others)
        if check is None or not check(value):
            return False
    return known.required <= event.keys()
