"""Events for tests."""


def event(event_type: str, **fields: object) -> dict:
    """An event as it is read from a log."""
    return {"type": event_type, "time": 100.0, **fields}
