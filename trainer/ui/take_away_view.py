"""Taking a model away as HTML: its forms with what was measured of each, or the button that exports it, or the export at work."""

from trainer.jobs.job import Job
from trainer.text_format import percent
from trainer.training.export.exported import Exported, Measured
from trainer.ui import html_pieces
from trainer.ui.buttons import Button

_FORMS = {
    "": ("Model folder", "For Python with transformers: weights, tokenizer and model card."),
    "/onnx": ("ONNX", "For ONNX Runtime in any language, with a program of a few lines; no PyTorch."),
    "/onnx-int8": ("ONNX in 8 bits", "The same, a quarter of the size."),
    "/web": ("Web page", "A page for any web server. It classifies in the visitor's browser; the texts go nowhere."),
}
FORGETS = "This server forgets everything when it sleeps: take your model along."
_DAMAGED = "A file of the export is missing or damaged, so the other forms cannot be taken. Export the model again."


def take_away_html(
    run_id: str, exported: Exported | None, job: Job | None, before: int | None, *, is_damaged: bool = False, forgets: bool = False
) -> str:
    """The section of one run; ``job`` is its newest export, ``before`` how many jobs are done first if it waits. Of exports of which a file is
    damaged nothing is offered but to make them again. ``forgets``: whether the server may lose the run."""
    if is_damaged:
        exported = None
    head = "<h3>Take the model away</h3>" + (f"<p>{FORGETS}</p>" if forgets else "")
    if job is not None and job.live:
        return head + _rows(run_id, exported) + _progress(job, before)
    if exported is not None:
        return head + _rows(run_id, exported) + _differences(exported)
    damaged = html_pieces.notice(_DAMAGED, "warning") if is_damaged else ""
    failed = "" if job is None or job.status == "finished" or not job.message else html_pieces.notice(job.message, "warning")
    explanation = (
        "It also fits a phone, a small server or a web page: exported to ONNX it is faster and, in 8 bits, a quarter of the size. What that changes "
        "of its answers is measured on validation rows before you take it."
    )
    return f'{head}{_rows(run_id, None)}<p class="em-quiet">{explanation}</p>{damaged}{failed}{Button("export", "Export the model", code=run_id).html}'


def _rows(run_id: str, exported: Exported | None) -> str:
    """A row for each form that there is."""
    measured: dict[str, Measured | None] = {"": None}
    if exported is not None:
        measured = {"": exported.saved, "/onnx": exported.onnx, "/onnx-int8": exported.int8, "/web": exported.int8}
    best = "" if exported is None else f"/{exported.recommended}"
    return f'<ul class="em-forms">{"".join(_row(run_id, form, values, is_best=form == best) for form, values in measured.items())}</ul>'


def _row(run_id: str, form: str, measured: Measured | None, *, is_best: bool) -> str:
    title, use = _FORMS[form]
    best = " <small>recommended</small>" if is_best and form else ""
    figures = "<span></span>" if measured is None else _figures(form, measured)
    return (
        f'<li><div><span><strong>{title}</strong>{best}</span><span class="em-quiet em-small">{html_pieces.text(use)}</span></div>{figures}'
        f'<a class="em-button" href="download/{run_id}{form}" download aria-label="Download: {title}">Download</a></li>'
    )


def _figures(form: str, measured: Measured) -> str:
    if form == "/web":
        return '<span class="em-form-figures em-small">answers as in 8 bits</span>'
    figures = [
        f"{measured.size / 1e6:.0f} MB" if measured.size >= 1e6 else f"{measured.size / 1e3:.0f} kB",
        f"{measured.ms_per_text:.1f} ms a text",
    ]
    if form:
        figures.append(f"{percent(measured.agreement)} same label")
    return f'<span class="em-form-figures em-small">{" · ".join(figures)}</span>'


def _differences(exported: Exported) -> str:
    severity = "info" if exported.recommended == "onnx-int8" else "warning"
    return html_pieces.notice(f"8 bits: {exported.difference('onnx-int8')}", severity)


def _progress(job: Job, before: int | None) -> str:
    done = job.progress.done or 0.0 if job.progress else 0.0
    if job.status == "queued":
        what = "waiting for its turn" if not before else f"waiting: {before:,} before it"
    else:
        what = "stopping" if job.stop_requested else job.progress.what if job.progress else "starting"
    stop = Button("stop-export", "Stop", code=job.id, disabled=job.stop_requested)
    return (
        f'<div class="em-file-progress"><div class="em-progress" role="progressbar" aria-label="Exporting the model" aria-valuenow="{100 * done:.0f}" '
        f'aria-valuemin="0" aria-valuemax="100"><div style="width:{100 * done:.1f}%"></div></div><span class="em-share">{percent(done, 0)}</span>{stop.html}</div>'
        f'<p class="em-quiet em-small">{html_pieces.text(what[:1].upper() + what[1:])}. You may leave this page: it goes on.</p>'
    )
