"""The strip above the tabs: what runs now, what has just ended, what was interrupted; nothing else is worth a line on every tab."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainer.jobs.queue import Delay
from trainer.library import Scores
from trainer.runs.resume import can_resume
from trainer.runs.view import RunView
from trainer.text_format import duration
from trainer.ui import markup, score_format
from trainer.ui.buttons import Button

_RECENT_SECONDS = 3600
"""So long after its end a run stands in the strip, unless it was sent away."""


@dataclass(frozen=True)
class _Line:
    state: str
    mark: str
    said: str
    press: Button


def subject(views: Sequence[RunView], *, now: float) -> RunView | None:
    """The run that the strip tells of: the one that trains, else the first that waits, else the one that ended or broke off last; ``now``
    is Unix time. ``views`` are in the order of the list, the newest first."""
    running = next((v for v in views if v.status == "running"), None)
    waiting = [v for v in views if v.status == "queued"]
    if running or waiting:
        return running or waiting[-1]
    over = max(views, key=lambda v: max(v.queued, v.ended or 0.0), default=None)
    if over is None or over.status in ("cancelled", "damaged"):
        return None
    if over.status == "interrupted":
        return over
    return over if over.ended is not None and now - over.ended < _RECENT_SECONDS else None


def status_bar_html(
    views: Sequence[RunView], titles: Mapping[str, str], found: Scores | None, *, now: float, delay: Delay | None = None
) -> str:
    """The strip as HTML, nothing where there is nothing to tell; ``titles`` by id, ``found`` are the scores of ``subject`` where it has a model,
    and ``delay`` is why it could not begin."""
    view = subject(views, now=now)
    if view is None:
        return ""
    title = titles[view.id]
    if view.live:
        return _live(view, title, sum(v.status == "queued" for v in views), delay)
    line = _over(view, title, found)
    away = '<button type="button" class="em-link" data-action="dismiss" aria-label="Hide this line">✕</button>'
    return (
        f'<div class="em-status-bar" data-state="{line.state}" data-key="{view.id}:{view.status}:{view.ended or view.queued}" role="status">'
        f'<span class="em-mark" aria-hidden="true">{line.mark}</span><span class="em-status-bar-words" dir="auto">{markup.text(line.said, max_length=400)}</span>'
        f'<span class="em-grow"></span>{line.press.html}{away}</div>'
    )


def _live(view: RunView, title: str, waiting: int, delay: Delay | None) -> str:
    share = view.step / view.total_steps if view.total_steps else 0.0
    left = f"{duration(view.seconds_left)} left" if view.seconds_left is not None else view.phase or "starting"
    if view.status == "queued":
        left = "waits for its turn" if delay is None else f"waits: {delay.reason}"
    if view.stop_asked:
        left = "stopping"
    others = waiting - (view.status == "queued")
    more = f' <span class="em-quiet">· {others} waiting</span>' if others else ""
    stop = (
        f'<button type="button" class="em-button" data-action="stop" data-code="{view.id}" id="stop"{" disabled" if view.stop_asked else ""}>'
        'Stop<span class="em-wide">, keep the best</span></button>'
    )
    return (
        f'<div class="em-status-bar" data-state="running"><span class="em-status-bar-words" dir="auto">'
        f'<button type="button" class="em-link" data-action="watch" data-code="{view.id}">Training <strong>{markup.text(title)}</strong></button>{more}</span>'
        f'<div class="em-progress" role="progressbar" aria-label="Progress" aria-valuenow="{100 * share:.0f}" aria-valuemin="0" aria-valuemax="100">'
        f'<div style="width:{100 * share:.1f}%"></div></div><span class="em-status-bar-left">{markup.text(left)}</span>{stop}</div>'
    )


def _over(view: RunView, title: str, found: Scores | None) -> _Line:
    see = Button("watch", "See what happened", code=view.id)
    if view.status == "interrupted":
        at = f" at step {view.step:,} of {view.total_steps:,}" if view.total_steps else " before its first step"
        resume = Button("resume", "Resume", code=view.id) if can_resume(view) else see
        return _Line("warning", "!", f"{title} was interrupted{at}.", resume)
    if view.status == "failed":
        return _Line("error", "✕", f"{title} failed. {view.message}", see)
    score = "" if found is None else f": {score_format.short_sentence(found.test.accuracy, found.test.rows, view.baseline)}"
    begin = "Trained" if view.status == "finished" else "Stopped, the best model is kept"
    return _Line("ok", "✓", f"{begin}{score or f': {title}'}", Button("results", "See the results", code=view.id))
