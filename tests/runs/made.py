"""Made-up events for tests."""


def event(kind: str, **fields: object) -> dict:
    """As it comes out of a log."""
    return {"type": kind, "time": 100.0, **fields}
