"""Made-up events for tests."""


def event(event_type: str, **fields: object) -> dict:
    """As it comes out of a log."""
    return {"type": event_type, "time": 100.0, **fields}
