"""Numbers, durations, sizes, plurals and lists of names as people write them. Rounding never hides a difference: nothing is "100 %" if one row is wrong.

Knows no HTML.
"""

import re
from collections.abc import Iterable

_NEXT_SENTENCE = re.compile(r"(?<=[.!?])\s+(?=[“\"A-Z0-9])")

_EXTRA_DIGITS = 2
"""At most this many beyond the requested ones; a value still closer to 0 or 1 is written as "under" or "over" the last number."""


def percent(ratio: float | None, digits: int = 1) -> str:
    """A ratio in 0..1 as "90.3 %", None as "". Only 1 is "100.0 %" and only 0 is "0.0 %": 3,199 of 3,200 are "99.97 %"."""
    return "" if ratio is None else f"{_rounded(100 * ratio, digits, 100)} %"


def percent_range(low: float, high: float, digits: int = 1) -> str:
    """An interval of ratios in 0..1 as "89.1 to 91.4 %"; an end is 0 or 100 only if it is so exactly."""
    return f"{_rounded(100 * low, digits, 100)} to {percent(high, digits)}"


def decimal(ratio: float, digits: int = 2) -> str:
    """A ratio in 0..1 as "0.82"; only 1 is "1.00" and only 0 is "0.00"."""
    return _rounded(ratio, digits, 1)


def decimal_range(low: float, high: float, digits: int = 2) -> str:
    """An interval of ratios in 0..1 as "0.79–0.85"; an end is 0 or 1 only if it is so exactly."""
    return f"{decimal(low, digits)}–{decimal(high, digits)}"


def points(difference: float, digits: int = 1) -> str:
    """A difference of two ratios, in -1..1, in percentage points: "−4.6", with a real minus sign; only no difference is "0.0"."""
    sign = "−" if difference < 0 else ""
    return sign + _rounded(100 * abs(difference), digits, 100)


def pluralize(count: int, singular: str, plural: str | None = None) -> str:
    """12480, "row" -> "12,480 rows"."""
    return f"{count:,} {singular if count == 1 else plural or singular + 's'}"


def quote_names(names: Iterable[str], *, limit: int = 10) -> str:
    """Names in quotation marks for a sentence, cut where they are long or many."""
    names = list(names)
    shown = ", ".join(f"“{name[:40]}”" for name in names[:limit])
    return shown if len(names) <= limit else f"{shown} and {len(names) - limit:,} more"


def with_part(name: str, part: str | None) -> str:
    """A file with the part of it that was read: "survey.xlsx › answers"."""
    return f"{name} › {part}" if part else name


def split_first_sentence(message: str) -> tuple[str, str]:
    """The first sentence of a message, which says what happened, and the rest, which says what was found and what to do."""
    first, *rest = _NEXT_SENTENCE.split(message.strip(), maxsplit=1)
    return first, "".join(rest)


def duration(seconds: float | None) -> str:
    """200 -> "3 min 20 s", None -> ""."""
    if seconds is None:
        return ""
    hours, rest = divmod(round(seconds), 3600)
    minutes, whole_seconds = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {whole_seconds} s"
    return f"{whole_seconds} s"


def approximate_duration(seconds: float) -> str:
    """An estimate, with no more digits than it deserves: 37 -> "40 s", 130 -> "2 min", 5000 -> "1 h 25 min"."""
    if seconds < 95:
        return f"{max(10, 10 * round(seconds / 10))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, rest = divmod(5 * round(minutes / 5), 60)
    return f"{hours} h {rest} min" if rest else f"{hours} h"


def time_ago(seconds: float) -> str:
    """40 -> "just now", 400 -> "6 minutes ago", 10000 -> "2 hours ago", 200000 -> "2 days ago"."""
    for unit, length in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= length:
            return f"{pluralize(int(seconds // length), unit)} ago"
    return "just now"


def file_size(size: int) -> str:
    """92400000 bytes -> "92.4 MB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{max(size, 0) / 1e3:.0f} KB"


def millions(number: int) -> str:
    """22713216 -> "22.7 million"."""
    return f"{number / 1e6:.1f} million"


def _rounded(value: float, digits: int, maximum: int) -> str:
    """``value`` in 0..``maximum`` with as many digits as needed not to look like 0 or ``maximum`` if it is neither."""
    if value in (0, maximum):
        return f"{value:.{digits}f}"
    max_digits = digits + _EXTRA_DIGITS
    for places in range(digits, max_digits + 1):
        written = f"{value:.{places}f}"
        if 0 < float(written) < maximum:
            return written
    smallest = 10.0**-max_digits
    return f"under {smallest:.{max_digits}f}" if value < maximum / 2 else f"over {maximum - smallest:.{max_digits}f}"
