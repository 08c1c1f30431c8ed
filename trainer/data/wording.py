"""Numbers and names in sentences for people."""

from collections.abc import Iterable


def counted(count: int, one: str, many: str | None = None) -> str:
    """12480, "row" -> "12,480 rows"."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def quoted(names: Iterable[str], *, most: int = 10) -> str:
    """Names in a sentence, cut where they are long or many."""
    names = list(names)
    shown = ", ".join(f"“{name[:40]}”" for name in names[:most])
    return shown if len(names) <= most else f"{shown} and {len(names) - most:,} more"
