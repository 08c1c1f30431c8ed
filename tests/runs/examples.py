"""Events for tests."""

from collections.abc import Iterable, Mapping
from typing import Any

from trainer.runs.event_schema import Event
from trainer.runs.event_types import load_event
from trainer.runs.events import LogContent


def event(event_type: str, time: float = 100.0, **fields: object) -> Event:
    """An event as it is read from a log."""
    loaded = load_event({"type": event_type, "time": time, **fields})
    if loaded is None:
        raise ValueError(f"no event: {event_type} {fields}")
    return loaded


def content_of(objects: Iterable[Mapping[Any, Any]]) -> LogContent:
    """What is read from a log whose lines have these objects."""
    events: list[Event] = []
    damaged = []
    for values in objects:
        loaded = load_event(dict(values)) if "time" in values else None
        if loaded is None:
            damaged.append(len(events))
        else:
            events.append(loaded)
    return LogContent(tuple(events), tuple(damaged))
