"""The history of runs as a table, file by file, in which runs can be opened and ticked.

``assets/runs_list.js`` keeps the ticks while the table is drawn anew; nothing is decided there.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256

import gradio as gr

from trainer.library import Scores, SplitScores
from trainer.runs.view import RunView
from trainer.text_format import duration, percent, percent_range, pluralize
from trainer.ui import assets, markup, run_names, run_status, score_format

_SIGNS = {
    "queued": "…",
    "running": "▶",
    "interrupted": "!",
    "finished": "✓",
    "stopped": "■",
    "failed": "✕",
    "cancelled": "–",
    "damaged": "✕",
}
_LEAVING = "Its checkpoints go when the next training ends, to make room. To train it further, do so before."
_HEAD = ("Run", "Status", "Right on test rows", "Right on validation rows", "Made")


def build(*, elem_id: str) -> gr.HTML:
    """A list whose value is ``of_runs``.

    Its ``select`` event tells that other runs are ticked; its ``click`` event carries ``action`` "open" and ``code``, the run whose title
    was pressed.
    """
    return gr.HTML(
        table_html([], {}, {}),
        html_template='<div class="em-runs"></div>',
        js_on_load=assets.inline_script("runs_list.js"),
        elem_id=elem_id,
    )


def table_html(views: Sequence[RunView], titles: Mapping[str, str], found: Mapping[str, Scores], leaving: Collection[str] = ()) -> str:
    """All runs by their files, the newest first; ``titles`` by id, ``found`` has the scores of those that have a model, by id.

    ``leaving`` are the ids of those whose checkpoints go when the next training ends.
    """
    if not views:
        return markup.empty_state(
            "No runs yet",
            "Every training will stand here with its score, its curves and its model: to be opened again, compared with others, "
            "trained further or deleted. The first one begins with a table of texts and labels.",
        )
    names = "".join(f'<th role="columnheader"{" class=em-number" if at > 1 else ""}>{name}</th>' for at, name in enumerate(_HEAD))
    groups = "".join(_group(file, runs, titles, found, leaving) for file, runs in run_names.by_file(views))
    # The roles are written out, as a phone shows each row as a card, and a browser would then no longer take this for a table.
    return (
        '<table class="em-table" role="table"><caption class="em-hidden">All runs by file, newest first</caption>'
        '<thead role="rowgroup"><tr role="row"><th role="columnheader" class="em-run-tick"><span class="em-hidden">Choose</span></th>'
        f"{names}</tr></thead>{groups}</table>"
    )


def version(views: Sequence[RunView]) -> str:
    """Changes with anything that the list shows, and with nothing else: it must not be drawn anew at each step of a training."""
    shown = "\n".join(
        f"{v.id} {v.name} {v.renamed} {v.status} {len(v.evaluations)} {v.kept.step} {v.seconds} {v.code} {len(v.damage)}" for v in views
    )
    return sha256(shown.encode("utf-8", "replace")).hexdigest() if views else ""


def _group(file: str, views: Sequence[RunView], titles: Mapping[str, str], found: Mapping[str, Scores], leaving: Collection[str]) -> str:
    rows = "".join(_row(view, titles, found.get(view.id), leaves=view.id in leaving) for view in views)
    return (
        f'<tbody role="rowgroup"><tr role="row" class="em-run-file"><td role="cell" colspan="{1 + len(_HEAD)}"><h3>'
        f'<span dir="auto">{markup.text(file) or "File unknown"}</span> <small>{pluralize(len(views), "run")}</small></h3></td></tr>{rows}</tbody>'
    )


def _row(view: RunView, titles: Mapping[str, str], found: Scores | None, *, leaves: bool) -> str:
    title = titles[view.id]
    box = f"run-{view.id}"
    level = (view.level.lower() or "own settings") if view.renamed else ""
    name = "" if title == view.name or title.endswith(f"({view.name})") else view.name
    came = run_names.came_from(view, titles)
    about = " · ".join(markup.text(part) for part in (name, level, view.encoder, came) if part)
    leaving = f'<small class="em-leaving">{_LEAVING}</small>' if leaves else ""
    damage = f'<small class="em-wrong" dir="auto">{markup.text(" ".join(view.damage), max_length=1200)}</small>' if view.damage else ""
    state = "damaged" if view.damage else view.status
    test, validation = _test(found), _validation(view, found)
    return (
        f'<tr role="row" class="em-one-run"><td role="cell" class="em-run-tick"><label class="em-tickbox">'
        f'<input type="checkbox" id="{box}" data-run="{view.id}" aria-label="{markup.text(f"Choose {title}")}"></label></td>'
        f'<td role="cell" class="em-run"><button type="button" class="em-open" data-action="open" data-code="{view.id}" dir="auto">'
        f'{markup.text(title)}</button><small dir="auto">{about}</small>{leaving}{damage}</td>'
        f'<td role="cell" class="em-state em-{state}"><span aria-hidden="true">{_SIGNS[state]}</span> {run_status.status_name(view)}</td>'
        f'<td role="cell" class="em-number em-run-score" data-label="Test rows">{test}</td>'
        f'<td role="cell" class="em-number" data-label="Validation rows">{validation}</td>'
        f'<td role="cell" class="em-number em-made">{_made(view)}</td></tr>'
    )


def _test(found: Scores | None) -> str:
    """What is told of the kept model's worth: never what runs are chosen by."""
    return _with_small(found.test) if found is not None else "–"


def _with_small(split: SplitScores) -> str:
    """The share that was right, with its range and rows; in counts where few rows carry it."""
    said = f"<strong>{score_format.in_short(split.accuracy, split.rows)}</strong>"
    if split.rows < score_format.FEW_ROWS:
        return f"{said}<small>too few rows to say</small>"
    return f"{said}<small>({percent_range(split.accuracy.low, split.accuracy.high, 0)}, {pluralize(split.rows, 'row')})</small>"


def _validation(view: RunView, found: Scores | None) -> str:
    """The kept model's scores on the validation rows, by which runs are chosen; without a model, those of its best so far."""
    if found is not None:
        rows, accuracy, macro_f1 = found.validation.rows, found.validation.accuracy.value, found.validation.macro_f1.value
    else:
        best = view.kept.evaluation
        rows, accuracy, macro_f1 = view.rows.get("validation", 0), best and best.accuracy, best and best.macro_f1
    if accuracy is None:
        return "–"
    if 0 < rows < score_format.FEW_ROWS:
        return f"{score_format.of_rows(accuracy, rows)} right"
    small = f"<small>macro F1 {percent(macro_f1)}</small>" if macro_f1 is not None else ""
    return f"{percent(accuracy)}{small}"


def _made(view: RunView) -> str:
    took = f"<small>took {duration(view.seconds)}</small>" if view.seconds is not None else ""
    return f"{_moment(view.created)}{took}"


def _moment(seconds: float) -> str:
    """A Unix time, in UTC; ``assets/runs_list.js`` writes it in the reader's own time, which only the browser knows."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f'<time datetime="{moment.isoformat(timespec="seconds")}">{moment:%d %b %Y, %H:%M} UTC</time>'
