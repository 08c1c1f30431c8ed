"""Numbers, times and states as people say them."""

from trainer.runs.view import RunView
from trainer.text_format import percent as percent_of
from trainer.text_format import pluralize

STATES = {
    "queued": "waiting",
    "running": "training",
    "interrupted": "interrupted",
    "finished": "finished",
    "stopped": "stopped",
    "failed": "failed",
    "cancelled": "cancelled",
    "damaged": "damaged",
}


count = pluralize
"""12480, "row" -> "12,480 rows"."""


def percent(share: float | None, digits: int = 1) -> str:
    """0.9034 -> "90.3 %"; nothing for None."""
    return "" if share is None else percent_of(share, digits)


def duration(seconds: float | None) -> str:
    """200 -> "3 min 20 s"."""
    if seconds is None:
        return ""
    whole = round(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    if hours:
        return f"{hours} h {minutes} min"
    if minutes:
        return f"{minutes} min {left} s"
    return f"{left} s"


def about(seconds: float) -> str:
    """An estimate, no finer than it is: 37 -> "40 s", 130 -> "2 min", 5000 -> "1 h 25 min"."""
    if seconds < 95:
        return f"{max(10, 10 * round(seconds / 10))} s"
    minutes = max(1, round(seconds / 60))
    if minutes < 60:
        return f"{minutes} min"
    hours, left = divmod(5 * round(minutes / 5), 60)
    return f"{hours} h {left} min" if left else f"{hours} h"


def parameters(number: int) -> str:
    """22713216 -> "22.7 million"."""
    return f"{number / 1e6:.1f} million"


def room(size: int) -> str:
    """92400000 bytes -> "92.4 MB"."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6)):
        if size >= scale:
            return f"{size / scale:.1f} {unit}"
    return f"{max(size, 0) / 1e3:.0f} KB"


def ago(seconds: float) -> str:
    """40 -> "just now", 400 -> "6 minutes ago", 10000 -> "2 hours ago", 200000 -> "2 days ago"."""
    for unit, size in (("day", 86400), ("hour", 3600), ("minute", 60)):
        if seconds >= size:
            return f"{count(int(seconds // size), unit)} ago"
    return "just now"


def state(view: RunView) -> str:
    """What became of a run, and whether something of it is damaged."""
    return f"{STATES[view.status]}, damaged" if view.damage and view.status != "damaged" else STATES[view.status]


def epoch_words(view: RunView) -> str:
    """ "epoch 2 of 3" for a run under way."""
    done = sum(1 for step in view.epoch_steps if view.step >= step)
    return f"epoch {min(done + 1, view.epochs)} of {view.epochs}" if view.epochs else ""
