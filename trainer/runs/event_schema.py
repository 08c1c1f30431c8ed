"""What an event is: an object like a frozen dataclass, whose annotations say which values its fields may have. What does not match is damage.

Writing, reading, checking and describing follow from the annotations; event_types.py has the events.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import FrozenInstanceError, dataclass, is_dataclass
from typing import Annotated, Any, ClassVar, Literal, Self, dataclass_transform, get_args, get_origin

MAX_TEXT_CHARS = 10_000
"""Characters of one text; longer texts are cut when written, and are damage when read."""

_MAX_NAME_CHARS = 500
_MAX_ITEMS = 10_000
_MAX_DEPTH = 20
"""Of lists and objects in each other."""

_MAX_INT = 2**53
"""Larger integers are not exact in a browser."""

_MAX_FLOAT = 1e39
"""More than any float32, the type of losses and gradients."""

_LAST_TIME = 253_402_300_799.0
"""Unix time of the end of the year 9999, the last date that Python knows."""

_NUMBERS = frozenset({int, float})
"""Exact types, since a bool is an int too."""

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")


def _same(value: Any) -> Any:
    return value


@dataclass(frozen=True)
class Values:
    """The values that a field may have."""

    allows: Callable[[Any], bool]
    """Whether a value, as JSON gives it, is one of them."""
    words: str
    """Which values, for people: "a whole number, at least 1"."""
    load: Callable[[Any], Any] = _same
    """From an allowed JSON value to that of the field."""
    dump: Callable[[Any], Any] = _same
    """From the value of the field to JSON."""


def _integer(minimum: int = 0) -> Values:
    words = f"a whole number, at least {minimum}"
    return Values(lambda value: type(value) is int and minimum <= value <= _MAX_INT, words)


def _number(words: str, maximum: float = _MAX_FLOAT) -> Values:
    # False for NaN. A float of numpy is a float of another type.
    return Values(
        lambda value: type(value) in _NUMBERS and 0.0 <= value <= maximum,
        words,
        dump=lambda value: float(value) if isinstance(value, float) else value,
    )


def _text() -> Values:
    return Values(
        lambda value: type(value) is str and len(value) <= MAX_TEXT_CHARS and is_valid_utf8(value),
        "a text",
        dump=lambda value: _encodable(value)[:MAX_TEXT_CHARS],
    )


def _name() -> Values:
    """A text without control characters, which could fake lines in a terminal or a log."""

    def allows(value: Any) -> bool:
        return type(value) is str and len(value) <= _MAX_NAME_CHARS and _is_one_line(value) and is_valid_utf8(value)

    return Values(allows, "a name in one line", dump=lambda value: _CONTROL.sub(" ", _encodable(value))[:_MAX_NAME_CHARS])


def _json() -> Values:
    """An object of any JSON values, for parameters and results of jobs."""
    return Values(lambda value: type(value) is dict and _is_json(value), "a JSON object", dump=_cut_texts)


def _is_json(value: Any, depth: int = 0) -> bool:
    if depth > _MAX_DEPTH:
        return False
    if type(value) is dict:
        return all(type(name) is str and is_valid_utf8(name) and _is_json(item, depth + 1) for name, item in value.items())
    if type(value) is list:
        return all(_is_json(item, depth + 1) for item in value)
    if type(value) is str:
        return len(value) <= MAX_TEXT_CHARS and is_valid_utf8(value)
    return value is None or type(value) in (bool, int) or (type(value) is float and math.isfinite(value))


def _cut_texts(value: Any) -> Any:
    if isinstance(value, str):
        return _encodable(value)[:MAX_TEXT_CHARS]
    if isinstance(value, Mapping):
        return {_encodable(name): _cut_texts(item) for name, item in value.items()}
    return [_cut_texts(item) for item in value] if isinstance(value, list | tuple) else value


Count = Annotated[int, _integer()]
Positive = Annotated[int, _integer(1)]
Step = Annotated[int, _integer()]
Number = Annotated[float, _number("a number, at least 0")]
Rate = Annotated[float, _number("a number, at least 0", 1e12)]
Seconds = Annotated[float, _number("seconds, at least 0", 1e10)]
Fraction = Annotated[float, _number("a number from 0 to 1", 1.000001)]
Time = Annotated[float, _number("seconds since 1970 (Unix time)", _LAST_TIME)]
Name = Annotated[str, _name()]
Text = Annotated[str, _text()]
Json = Annotated[Mapping[str, Any], _json()]


def values_of(annotation: Any) -> Values:
    """The values that an annotation stands for: a type of the list above, a Literal, a frozen dataclass of such fields, a tuple or a mapping of
    them, or one of these or None."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return annotation.__metadata__[0]
    if type(None) in arguments:
        return values_of(next(argument for argument in arguments if argument is not type(None)))
    if origin is Literal:
        return _one_of(arguments)
    if origin is tuple:
        return _tuple_of(values_of(arguments[0]))
    if origin is Mapping:
        return _mapping_of(values_of(arguments[0]), values_of(arguments[1]))
    if is_dataclass(annotation):
        return _record_of(annotation)
    raise TypeError(f"no field of an event can be {annotation}")


def _one_of(options: tuple[Any, ...]) -> Values:
    typed = frozenset((type(option), option) for option in options)
    types = frozenset(map(type, options))
    words = ", ".join("true" if option is True else f"“{option}”" for option in options)
    return Values(lambda value: type(value) in types and (type(value), value) in typed, words)


def _tuple_of(item: Values) -> Values:
    return Values(
        lambda value: type(value) is list and len(value) <= _MAX_ITEMS and all(map(item.allows, value)),
        f"a list of: {item.words}",
        load=lambda value: tuple(map(item.load, value)),
        dump=lambda value: list(map(item.dump, value)),
    )


def _mapping_of(key: Values, item: Values) -> Values:
    return Values(
        lambda value: type(value) is dict and len(value) <= _MAX_ITEMS and all(key.allows(k) and item.allows(v) for k, v in value.items()),
        f"for each of {key.words}: {item.words}",
        dump=lambda value: {key.dump(k): item.dump(v) for k, v in value.items()},
    )


def _record_of(record: Any) -> Values:
    fields = {name: values_of(annotation) for name, annotation in record.__annotations__.items()}
    return Values(
        lambda value: type(value) is dict and value.keys() == fields.keys() and all(fields[n].allows(v) for n, v in value.items()),
        ", ".join(f"{name} ({values.words})" for name, values in fields.items()),
        load=lambda value: record(**{name: fields[name].load(v) for name, v in value.items()}),
        dump=lambda value: {name: values.dump(getattr(value, name)) for name, values in fields.items()},
    )


@dataclass_transform(frozen_default=True, kw_only_default=True)
class Event:
    """Something that happened to a run. A field that is None is not written; one without a default is required.

    Like a frozen dataclass with keywords only; that would cost each start of the program ten milliseconds for its generated methods.
    """

    type: ClassVar[str] = ""
    """Its name in the log."""
    fields: ClassVar[Mapping[str, Values]] = {"time": values_of(Time)}
    required: ClassVar[frozenset[str]] = frozenset()
    types: ClassVar[dict[str, "type[Event]"]] = {}
    """Every event by its name in the log, in the order of their definitions."""
    _checks: ClassVar[Mapping[str, Callable[[Any], bool]]] = {}
    _loads: ClassVar[Mapping[str, Callable[[Any], Any]]] = {}
    """For the fields that are converted when read."""

    time: Time | None = None
    """Set when the event is written; every event that was read has it."""

    def __init_subclass__(cls, *, type: str = "") -> None:
        """``type`` is the name in the log; without one, the class only has fields in common with others."""
        own = {name: values_of(annotation) for name, annotation in cls.__annotations__.items()}
        cls.type, cls.fields = type, {**cls.fields, **own}
        cls.required = cls.required | {name for name in own if name not in vars(cls)}
        cls._checks = {name: values.allows for name, values in cls.fields.items()}
        cls._loads = {name: values.load for name, values in cls.fields.items() if values.load is not _same}
        if type:
            cls.types[type] = cls

    def __init__(self, **fields: Any) -> None:
        if not self.required <= fields.keys() <= self.fields.keys():
            wrong = sorted(self.required - fields.keys() | fields.keys() - self.fields.keys())
            raise TypeError(f"{type(self).__name__} lacks or does not know: {', '.join(wrong)}")
        vars(self).update(fields)

    def __setattr__(self, name: str, value: Any) -> None:
        raise FrozenInstanceError(f"cannot assign to field {name!r}")

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and all(getattr(self, name) == getattr(other, name) for name in self.fields)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in vars(self).items())})"

    def replace(self, **changes: Any) -> Self:
        """The event with these fields changed."""
        return type(self)(**{**vars(self), **changes})

    @classmethod
    def load(cls, values: dict[str, Any]) -> Self | None:
        """The event of this type with these JSON values; None if a field is unknown, or missing, or has a value that is not allowed."""
        checks = cls._checks
        for name, value in values.items():
            check = checks.get(name)
            if check is None or not check(value):
                return None
        if not cls.required <= values.keys():
            return None
        # Not by ``__init__``: a log of 100 MB has half a million events.
        event = object.__new__(cls)
        vars(event).update(values)
        for name, load in cls._loads.items():
            if name in values:
                vars(event)[name] = load(values[name])
        return event


def dump_event(event: Event) -> dict[str, Any]:
    """The event as a JSON object, as ``load`` takes it. Texts that are too long are cut, characters that cannot be written are replaced.

    Numbers that are not finite are left out, since JSON has none. Raises ValueError for any other value that would be damage when read.
    """
    dumped = {"type": event.type}
    for name, values in event.fields.items():
        value = getattr(event, name)
        if value is None or (isinstance(value, float) and not math.isfinite(value)):
            continue
        dumped[name] = values.dump(value)
        if not values.allows(dumped[name]):
            raise ValueError(f"{name} of an event “{event.type}” must be {values.words}; found {value!r:.60}")
    if not event.required <= dumped.keys():
        raise ValueError(f"an event “{event.type}” lacks {', '.join(sorted(event.required - dumped.keys()))}")
    return dumped


def is_valid_utf8(text: str) -> bool:
    """Whether it can be encoded as UTF-8: a lone surrogate would break every response that contains it."""
    if text.isascii():
        return True
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _encodable(text: str) -> str:
    """The text with a question mark for each lone surrogate."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def _is_one_line(text: str) -> bool:
    return text.isprintable() or _CONTROL.search(text) is None
