"""The events of a run's log and their fields, from the classes that write and read them."""

import inspect

from tests.docs.markdown import code, sentence, table
from trainer.runs.event_types import EVENT_TYPES, describe_events


def event_table() -> str:
    """Each event with what it says and a table of its fields."""
    return "\n\n".join(_describe(name) for name in EVENT_TYPES)


def _describe(event: str) -> str:
    rows = [(code(f.field), "yes" if f.required else "", sentence(f.values)) for f in describe_events() if f.event == event]
    said = " ".join((inspect.getdoc(EVENT_TYPES[event]) or "").replace("``", "`").split())
    return "\n\n".join([f"### {event}", said, table(["field", "always there", "values"], rows)])
