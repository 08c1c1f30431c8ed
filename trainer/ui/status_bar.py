"""The status bar above the tabs: the run that is training, has just ended or was interrupted."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from trainer.evaluation.report import Scores
from trainer.jobs.queue import Delay
from trainer.runs.resume_rules import is_worth_resuming
from trainer.runs.view import RunView
from trainer.text_format import duration
from trainer.ui import html_pieces, score_format
from trainer.ui.buttons import Button

_RECENT_SECONDS = 3600
"""How long the bar shows a run after its end, unless the user hides it."""


@dataclass(frozen=True)
class _Line:
    state: str
    icon: str
    message: str
    button: Button


def find_subject(views: Sequence[RunView], *, now: float) -> RunView | None:
    """The run that the status bar shows: the running one, else the first in the queue, else the last one that ended or was interrupted.

    ``now`` is Unix time; ``views`` are sorted newest first.
    """
    running = next((v for v in views if v.status == "running"), None)
    waiting = [v for v in views if v.status == "queued"]
    if running or waiting:
        return running or waiting[-1]
    last = max(views, key=lambda v: max(v.queued, v.ended_at or 0.0), default=None)
    if last is None or last.status in ("cancelled", "damaged"):
        return None
    if last.status == "interrupted":
        return last
    return last if last.ended_at is not None and now - last.ended_at < _RECENT_SECONDS else None


def status_bar_html(
    views: Sequence[RunView], titles: Mapping[str, str], scores: Scores | None, *, now: float, delay: Delay | None = None
) -> str:
    """The status bar as HTML, empty if there is nothing to show.

    ``titles`` are by run id, ``scores`` are those of ``find_subject`` if it has a model, and ``delay`` is why it could not start.
    """
    view = find_subject(views, now=now)
    if view is None:
        return ""
    title = titles[view.id]
    if view.live:
        return _live_html(view, title, sum(v.status == "queued" for v in views), delay)
    line = _ended_line(view, title, scores)
    hide = '<button type="button" class="em-link" data-action="dismiss" aria-label="Hide this line">✕</button>'
    return (
        f'<div class="em-status-bar" data-state="{line.state}" data-key="{view.id}:{view.status}:{view.ended_at or view.queued}" role="status">'
        f'<span class="em-mark" aria-hidden="true">{line.icon}</span><span class="em-status-bar-message" dir="auto">{html_pieces.text(line.message, max_length=400)}</span>'
        f'<span class="em-grow"></span>{line.button.html}{hide}</div>'
    )


def _live_html(view: RunView, title: str, queued: int, delay: Delay | None) -> str:
    progress = view.progress
    state = f"{duration(view.seconds_left)} left" if view.seconds_left is not None else view.phase or "starting"
    if view.status == "queued":
        state = "waiting in the queue" if delay is None else f"waiting: {delay.reason}"
    if view.stop_requested:
        state = "stopping"
    others = queued - (view.status == "queued")
    others_html = f' <span class="em-quiet">· {others} waiting</span>' if others else ""
    stop = (
        f'<button type="button" class="em-button" data-action="stop" data-code="{view.id}" id="stop"{" disabled" if view.stop_requested else ""}>'
        'Stop<span class="em-wide">, keep the best</span></button>'
    )
    return (
        f'<div class="em-status-bar" data-state="running"><span class="em-status-bar-message" dir="auto">'
        f'<button type="button" class="em-link" data-action="watch" data-code="{view.id}">Training <strong>{html_pieces.text(title)}</strong></button>{others_html}</span>'
        f'<div class="em-progress" role="progressbar" aria-label="Progress" aria-valuenow="{100 * progress:.0f}" aria-valuemin="0" aria-valuemax="100">'
        f'<div style="width:{100 * progress:.1f}%"></div></div><span class="em-status-bar-time">{html_pieces.text(state)}</span>{stop}</div>'
    )


def _ended_line(view: RunView, title: str, scores: Scores | None) -> _Line:
    details = Button("watch", "See what happened", code=view.id)
    if view.status == "interrupted":
        step = f" at step {view.last_logged_step:,} of {view.total_steps:,}" if view.total_steps else " before its first step"
        resume = Button("resume", "Resume", code=view.id) if is_worth_resuming(view) else details
        return _Line("warning", "!", f"{title} was interrupted{step}.", resume)
    if view.status == "failed":
        return _Line("error", "✕", f"{title} failed. {view.message}", details)
    score = "" if scores is None else f": {score_format.words_of(view.task).short_test_sentence(scores.test, view.baseline, view.folds)}"
    outcome = "Trained" if view.status == "finished" else "Stopped, the best model is kept"
    return _Line("ok", "✓", f"{outcome}{score or f': {title}'}", Button("results", "See the results", code=view.id))
