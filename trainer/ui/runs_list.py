"""The list of runs as a table, grouped by file, in which runs can be opened and selected.

``assets/runs_list.js`` keeps the selection while the table is updated.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import gradio as gr

from trainer.evaluation.report import Scores
from trainer.runs.view import RunView
from trainer.text_format import duration, percent, percent_range, pluralize
from trainer.ui import assets, html_pieces, run_names, run_status, score_format

_ICONS = {
    "queued": "…",
    "running": "▶",
    "interrupted": "!",
    "finished": "✓",
    "stopped": "■",
    "failed": "✕",
    "cancelled": "–",
    "damaged": "✕",
}
_CHECKPOINTS_EXPIRE = "Its checkpoints are deleted when the next training ends, to free disk space. To continue its training, do so before."
_COLUMNS = 5


def build(*, elem_id: str) -> gr.HTML:
    """A list whose value comes from ``table_html``.

    Its ``select`` event is triggered when the selection changes; its ``click`` event carries ``action`` "open" and ``code``, the run whose title
    was pressed.
    """
    return gr.HTML(
        table_html([], {}, {}),
        html_template='<div class="em-runs"></div>',
        js_on_load=assets.inline_script("runs_list.js"),
        elem_id=elem_id,
    )


def table_html(views: Sequence[RunView], titles: Mapping[str, str], scores: Mapping[str, Scores], expiring: Collection[str] = ()) -> str:
    """All runs grouped by file, newest first; ``titles`` and ``scores`` (of the runs with a model) are by id.

    ``expiring`` are the ids of the runs whose checkpoints are deleted when the next training ends.
    """
    if not views:
        return html_pieces.empty_state(
            "No runs yet",
            "Every training will be listed here with its scores, curves and model. You can open it again, compare it with others, continue it "
            "or delete it. Open a table of texts and labels to start the first one.",
        )
    scores_shown = {score_format.words_of(view.task).short_name for view in views}
    score = scores_shown.pop() if len(scores_shown) == 1 else "score"
    head = ("Run", "Status", f"Test {score}", f"Validation {score}", "Created")
    names = "".join(f'<th role="columnheader"{" class=em-number" if i > 1 else ""}>{name}</th>' for i, name in enumerate(head))
    groups = "".join(_group(file, runs, titles, scores, expiring) for file, runs in run_names.by_file(views))
    # The roles are explicit: a phone shows each row as a card, and the browser would then no longer treat this as a table.
    return (
        '<table class="em-table" role="table"><caption class="em-hidden">All runs by file, newest first</caption>'
        '<thead role="rowgroup"><tr role="row"><th role="columnheader" class="em-run-tick"><span class="em-hidden">Select</span></th>'
        f"{names}</tr></thead>{groups}</table>"
    )


def version(views: Sequence[RunView]) -> str:
    """A hash of everything that the list shows, and of nothing else: the list must not be updated at each step of a training."""
    state = "\n".join(
        f"{v.id} {v.name} {v.renamed} {v.status} {len(v.evaluations)} {v.kept.step} {v.duration_seconds} {v.code} {len(v.damage)}"
        for v in views
    )
    return sha256(state.encode("utf-8", "replace")).hexdigest() if views else ""


def _group(file: str, views: Sequence[RunView], titles: Mapping[str, str], scores: Mapping[str, Scores], expiring: Collection[str]) -> str:
    rows = "".join(_row(view, titles, scores.get(view.id), expires=view.id in expiring) for view in views)
    return (
        f'<tbody role="rowgroup"><tr role="row" class="em-run-file"><td role="cell" colspan="{1 + _COLUMNS}"><h3>'
        f'<span dir="auto">{html_pieces.text(file) or "File unknown"}</span> <small>{pluralize(len(views), "run")}</small></h3></td></tr>{rows}</tbody>'
    )


def _row(view: RunView, titles: Mapping[str, str], scores: Scores | None, *, expires: bool) -> str:
    title = titles[view.id]
    checkbox_id = f"run-{view.id}"
    level = (view.level.lower() or "own settings") if view.renamed else ""
    name = "" if title == view.name or title.endswith(f"({view.name})") else view.name
    parent = run_names.parent_sentence(view, titles)
    details = " · ".join(html_pieces.text(part) for part in (name, level, view.encoder, parent) if part)
    expiry = f'<small class="em-expiring">{_CHECKPOINTS_EXPIRE}</small>' if expires else ""
    damage = f'<small class="em-wrong" dir="auto">{html_pieces.text(" ".join(view.damage), max_length=1200)}</small>' if view.damage else ""
    state = "damaged" if view.damage else view.status
    test, validation = _test_score(view, scores), _validation_score(view, scores)
    return (
        f'<tr role="row" class="em-one-run"><td role="cell" class="em-run-tick"><label class="em-tickbox">'
        f'<input type="checkbox" id="{checkbox_id}" data-run="{view.id}" aria-label="{html_pieces.text(f"Select {title}")}"></label></td>'
        f'<td role="cell" class="em-run"><button type="button" class="em-open" data-action="open" data-code="{view.id}" dir="auto">'
        f'{html_pieces.text(title)}</button><small dir="auto">{details}</small>{expiry}{damage}</td>'
        f'<td role="cell" class="em-state em-{state}"><span aria-hidden="true">{_ICONS[state]}</span> {run_status.status_name(view)}</td>'
        f'<td role="cell" class="em-number em-run-score" data-label="Test rows">{test}</td>'
        f'<td role="cell" class="em-number" data-label="Validation rows">{validation}</td>'
        f'<td role="cell" class="em-number em-created">{_created(view)}</td></tr>'
    )


def _test_score(view: RunView, scores: Scores | None) -> str:
    """The kept model's main score on the test rows, which choose nothing, with its interval and rows; as a count if there are few rows."""
    if scores is None:
        return "–"
    words, split = score_format.words_of(view.task), scores.test
    value = f"<strong>{words.short(split)}</strong>"
    if split.rows < score_format.FEW_ROWS:
        return f"{value}<small>too few rows to say</small>"
    score = words.value(split)
    return f"{value}<small>({percent_range(score.low, score.high, 0)}, {pluralize(split.rows, 'row')})</small>"


def _validation_score(view: RunView, scores: Scores | None) -> str:
    """The kept model's scores on the validation rows, which choose among runs; without a model, the best scores so far."""
    words, best = score_format.words_of(view.task), view.kept.evaluation
    if scores is not None:
        rows, main, other = scores.validation.rows, words.value(scores.validation).value, words.other_value(scores.validation).value
    else:
        rows, main, other = view.rows.get("validation", 0), best and words.value(best), best and words.other_value(best)
    if main is None:
        return "–"
    if 0 < rows < score_format.FEW_ROWS and words.is_share_of_rows:
        return f"{score_format.format_fraction(main, rows)} right"
    small_print = f"<small>{words.other.format(percent(other))}</small>" if other is not None else ""
    return f"{percent(main)}{small_print}"


def _created(view: RunView) -> str:
    time = f"<small>took {duration(view.duration_seconds)}</small>" if view.duration_seconds is not None else ""
    return f"{_timestamp(view.created)}{time}"


def _timestamp(seconds: float) -> str:
    """A Unix time as HTML in UTC; ``assets/runs_list.js`` converts it to the time zone of the browser."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f'<time datetime="{moment.isoformat(timespec="seconds")}">{moment:%d %b %Y, %H:%M} UTC</time>'
