"""The history of runs as a table in which runs can be ticked, and what is said of those that are.

``assets/runs_list.js`` keeps the ticks while the table is drawn anew; nothing is decided there.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

import gradio as gr

from trainer.runs.view import RunView
from trainer.shelf import MOST_COMPARED, Scores
from trainer.ui import markup, words

_SCRIPT = Path(__file__).resolve().parents[2] / "assets" / "runs_list.js"


def live_list(*, elem_id: str) -> gr.HTML:
    """A list whose value is ``of_runs``; its ``select`` event carries ``runs``, the ids that are ticked, in the list's order."""
    return gr.HTML(
        of_runs([], {}), html_template='<div class="em-runs"></div>', js_on_load=_SCRIPT.read_text(encoding="utf-8"), elem_id=elem_id
    )


def of_runs(views: Sequence[RunView], scores: Mapping[str, Scores]) -> str:
    """All runs, newest first; ``scores`` has those that have a model, by id."""
    if not views:
        return markup.empty(
            "No runs yet", "Every training is kept here with its curves, its scores and its model. Begin in tab 1, Data, and press Start."
        )
    head = (
        '<tr role="row"><th role="columnheader"><span class="em-hidden">Choose</span></th>'
        '<th role="columnheader">Run</th><th role="columnheader">Status</th>'
        + "".join(f'<th role="columnheader" class="em-number">{name}</th>' for name in ("Accuracy", "Macro F1", "Time", "Made"))
        + "</tr>"
    )
    # The roles are written out, as a phone shows each row as a card, and a browser would then no longer take this for a table.
    return (
        f'<div class="em-runs-scroll"><table class="em-table" role="table"><caption class="em-hidden">All runs, newest first</caption>'
        f'<thead role="rowgroup">{head}</thead>'
        f'<tbody role="rowgroup">{"".join(_row(view, scores.get(view.id)) for view in views)}</tbody></table></div>'
    )


def in_words(chosen: Sequence[RunView]) -> str:
    """What is ticked, or what ticking is for."""
    if not chosen:
        said = f"Tick one run to open, rename or resume it, two to {MOST_COMPARED} to compare them, any number to delete them."
    elif len(chosen) == 1:
        said = f"<strong>{markup.text(chosen[0].name)}</strong> is ticked.{_damage(chosen[0])}"
    else:
        said = f"<strong>{len(chosen)} runs</strong> are ticked."
        if len(chosen) > MOST_COMPARED:
            said += f" At most {MOST_COMPARED} can be compared."
    return f'<p class="em-quiet" role="status">{said}</p>'


def _damage(view: RunView) -> str:
    return f" <strong>It is damaged.</strong> {markup.text(' '.join(view.damage), most=1200)}" if view.damage else ""


def version(views: Sequence[RunView]) -> str:
    """Changes with anything that the list shows, and with nothing else: it must not be drawn anew at each step of a training."""
    shown = "\n".join(f"{v.id} {v.name} {v.status} {len(v.evaluations)} {v.kept.step} {v.seconds} {v.code} {len(v.damage)}" for v in views)
    return sha256(shown.encode("utf-8", "replace")).hexdigest() if views else ""


def _row(view: RunView, scores: Scores | None) -> str:
    box = f"run-{view.id}"
    cells = (
        f'<td role="cell" class="em-tick"><input type="checkbox" id="{box}" data-run="{view.id}" aria-label="{markup.text(view.name)}"></td>'
        f'<td role="cell" class="em-run"><label for="{box}">{markup.text(view.name)}</label>'
        f"<small>{' · '.join(markup.text(part) for part in (view.source_name, view.encoder) if part)}</small></td>"
        f'<td role="cell" class="em-state em-{"damaged" if view.damage else view.status}">{words.state(view)}</td>'
    )
    accuracy, macro_f1 = _scores(view, scores)
    return (
        f'<tr role="row">{cells}{_number("Accuracy", accuracy)}{_number("Macro F1", macro_f1)}'
        f"{_number('Time', words.duration(view.seconds) or '–')}"
        f'<td role="cell" class="em-number em-made">{_moment(view.created)}</td></tr>'
    )


def _scores(view: RunView, scores: Scores | None) -> tuple[str, str]:
    """Accuracy and macro F1 of the kept model on the validation rows, by which runs are chosen, with those on the test rows beside them.

    Of a run without a model, those of its best so far on the validation rows, and so called.
    """
    if scores is not None:
        validation, test = scores.validation, scores.test
        return tuple(
            f"{words.percent(kept.value)}<small>validation</small><small>{words.percent(tested.value)} test</small>"
            for kept, tested in ((validation.accuracy, test.accuracy), (validation.macro_f1, test.macro_f1))
        )
    best = view.kept.evaluation
    if best is None:
        return "–", "–"
    return tuple(
        f"{words.percent(share)}<small>validation</small>" if share is not None else "–" for share in (best.accuracy, best.macro_f1)
    )


def _moment(seconds: float) -> str:
    """A Unix time, in UTC; ``assets/runs_list.js`` writes it in the reader's own time, which only the browser knows."""
    moment = datetime.fromtimestamp(seconds, UTC)
    return f'<time datetime="{moment.isoformat(timespec="seconds")}">{moment:%d %b %Y, %H:%M} UTC</time>'


def _number(name: str, value: str) -> str:
    return f'<td role="cell" class="em-number" data-label="{name}">{value}</td>'
