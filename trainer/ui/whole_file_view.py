"""Labelling a whole file as HTML: the chosen file, the job at work, and what became of the file."""

from collections.abc import Mapping, Sequence
from typing import Any

from trainer.charts.colours import class_colours
from trainer.data.columns.label_form import describe_cut
from trainer.data.text_rows import TextRows
from trainer.evaluation.intervals import Interval
from trainer.evaluation.metrics import EVALUATIONS
from trainer.evaluation.report import SplitScores
from trainer.jobs.evaluate.evaluate_job import EVALUATE
from trainer.jobs.job import Job
from trainer.text_format import percent, pluralize
from trainer.ui import html_pieces, score_format
from trainer.ui.buttons import Button

_MAX_CLASSES = 12
_MAX_SHOWN_CHARS = 140
_MAX_OTHERS = 20


def heading() -> str:
    return (
        "<h3>Label a whole file</h3>"
        '<p class="em-quiet">Choose a table with one text per row (CSV, Excel, JSON, Parquet …). You get it back as it is, with the label of each text and '
        "how sure the model is of it in new columns. If it has labels of its own, the model can be scored on it.</p>"
    )


def chosen_file(name: str, rows: TextRows) -> str:
    """The file that was just chosen, before it is labelled."""
    dropped = f" {pluralize(rows.rows_dropped, 'further line')} of the file hold no row of the table." if rows.rows_dropped else ""
    return (
        f"<p><strong>{html_pieces.isolated(name, max_length=80)}</strong>: {pluralize(rows.rows, 'row')}, "
        f"{pluralize(len(rows.columns), 'column')}.{dropped}</p>"
    )


def job_html(job: Job | None, title: str, before: int | None) -> str:
    """The newest job, whatever its state; ``title`` names its model, ``before`` is how many jobs are done first if it waits."""
    if job is None:
        return ""
    name = html_pieces.isolated(job.name, max_length=80)
    if job.live:
        return _live_html(job, name, before)
    if job.status == "finished" and job.result is not None:
        return _judged_html(job, title) if job.type == EVALUATE.name else _result_html(job, name, title)
    message = {"stopped": "Stopped. ", "interrupted": "Interrupted. ", "cancelled": "", "failed": ""}.get(job.status, "") + job.message
    buttons = [Button("remove-file", "Remove it", code=job.id)]
    if job.status in ("stopped", "interrupted", "failed"):
        buttons.insert(0, Button("resume-file", "Go on", code=job.id, primary=True))
    severity = "error" if job.status in ("failed", "damaged") else "warning"
    return f"<h4>{name}</h4>{html_pieces.notice(message, severity)}{_row(*(button.html for button in buttons))}"


def _live_html(job: Job, name: str, before: int | None) -> str:
    done = job.progress.done or 0.0 if job.progress else 0.0
    if job.status == "queued":
        what = "waiting for its turn" if not before else f"waiting: {pluralize(before, 'job is', 'jobs are')} done before it"
    else:
        what = job.progress.what if job.progress else "starting"
    what = "stopping" if job.stop_requested else what
    stop = Button("stop-file", "Stop", code=job.id, disabled=job.stop_requested)
    return (
        f'<h4>{name}</h4><div class="em-file-progress"><div class="em-progress" role="progressbar" aria-label="Progress of the file" aria-valuenow="{100 * done:.0f}" '
        f'aria-valuemin="0" aria-valuemax="100"><div style="width:{100 * done:.1f}%"></div></div><span class="em-share">{percent(done, 0)}</span>{stop.html}</div>'
        f'<p class="em-quiet em-small">{html_pieces.text(what[:1].upper() + what[1:])}. You may leave this page: it goes on.</p>'
    )


def _result_html(job: Job, name: str, title: str) -> str:
    result = job.result or {}
    notes = "".join(html_pieces.notice(note, "info") for note in result["notes"])
    return (
        f"<h4>{name} is labelled: {pluralize(result['rows'], 'row')}</h4>{_downloads(job, result)}{notes}{_class_bars(result['classes'])}"
        f'<p class="em-quiet em-small">{_sentences(result, title)}</p>{difference(result.get("difference"))}{_least_sure(result["least_sure"])}'
        f"{_row(Button('remove-file', 'Remove this file and its labels', code=job.id, link=True).html)}"
    )


def _judged_html(job: Job, title: str) -> str:
    """A file that a model was judged on; the Results tab shows its rows."""
    result = job.result or {}
    report = result["report"]
    # Which scores there are tells the task.
    task, all_right = next((key, of_task.all_right) for key, of_task in EVALUATIONS.items() if of_task.all_right in report)
    accuracy, macro_f1 = (Interval(report[key], *report["intervals"][key]) for key in (all_right, "macro_f1"))
    score = score_format.words_of(task).said_with_interval(SplitScores(result["rows"], accuracy, macro_f1))
    notes = "".join(f"<li>{html_pieces.text(note, max_length=400)}</li>" for note in result["notes"])
    cut = "" if result.get("labels_cut") is None else f"{describe_cut(result['labels_cut'])} "
    return (
        f"<h4>{html_pieces.isolated(result['name'], max_length=80)}: {score}</h4>"
        f'<p class="em-quiet em-small">{html_pieces.text(title, max_length=200)}, compared with the labels in '
        f"“{html_pieces.text(result['label_column'], max_length=60)}”. {cut}These are not the test rows.</p>"
        f"{_row(Button('see-evaluation', 'See its rows on Results', code=result['id'], primary=True).html)}"
        f'<ul class="em-quiet em-small">{notes}</ul>{difference(result["difference"])}'
        f"{_row(Button('remove-file', 'Remove it from this list', code=job.id, link=True).html)}"
    )


def other_files(jobs: Sequence[Job]) -> str:
    """The other files of the same model, each to be shown."""
    if not jobs:
        return ""
    items = "".join(
        f"<li>{Button('show-file', 'Show', code=job.id, link=True).html} {html_pieces.isolated(job.name, max_length=80)} "
        f'<span class="em-quiet em-small">{_in_short(job)}</span></li>'
        for job in jobs[:_MAX_OTHERS]
    )
    more = f'<p class="em-quiet em-small">{len(jobs) - _MAX_OTHERS:,} older ones are not listed.</p>' if len(jobs) > _MAX_OTHERS else ""
    return f'<details class="em-other-files"><summary>{pluralize(len(jobs), "other file")} of this model</summary><ul>{items}</ul>{more}</details>'


def _in_short(job: Job) -> str:
    if job.result is None:
        return html_pieces.text(job.status)
    what = "compared with its labels" if job.type == EVALUATE.name else "labelled"
    return f"{pluralize(job.result['rows'], 'row')} {what}"


def _downloads(job: Job, result: Mapping[str, Any]) -> str:
    link, columns = f"labelled/{job.id}", ", ".join(f"“{html_pieces.text(name, max_length=40)}”" for name in result["added"][:3])
    form = "CSV (UTF-8)" if result["written_as"] == "csv" else "the form of your file"
    return _row(
        f'<a class="em-button em-primary" href="{link}/exact" download>Download the labelled file</a>',
        f'<span class="em-quiet em-small">in {form}, with {columns} · <a href="{link}/spreadsheet" download>for spreadsheets</a></span>',
    )


def _class_bars(classes: Mapping[str, int]) -> str:
    names, counts = list(classes), list(classes.values())
    total, most = sum(counts), max(counts, default=0)
    colours = dict(zip(names, class_colours(names), strict=True))
    order = sorted(names, key=lambda name: -classes[name])
    bars = "".join(
        html_pieces.class_bar(
            html_pieces.text(name, max_length=40),
            colours[name],
            classes[name] / max(most, 1),
            f"{classes[name]:,} <small>{percent(classes[name] / max(total, 1))}</small>",
        )
        for name in order[:_MAX_CLASSES]
    )
    others = order[_MAX_CLASSES:]
    more = (
        f'<p class="em-quiet em-small">{pluralize(len(others), "other class", "other classes")}: {sum(classes[n] for n in others):,} rows.</p>'
        if others
        else ""
    )
    return f'<ol class="em-class-bars" aria-label="Rows of each class">{bars}</ol>{more}'


def _sentences(result: Mapping[str, Any], title: str) -> str:
    columns = " and ".join(f"“{name}”" for name in result["text_columns"])
    sentences = [f"Labelled by {title}, from the column {columns}."]
    if result["empty"]:
        sentences.append(f"{pluralize(result['empty'], 'row has', 'rows have')} nothing to read and no label.")
    if result["unsure"] is not None:
        sentences.append(
            f"{pluralize(result['unsure'], 'row is', 'rows are')} below the confidence that this model promises to answer from: unsure."
        )
    if result["cut"]:
        sentences.append(f"Of {pluralize(result['cut'], 'long text')} the model read only the beginning.")
    return html_pieces.text(" ".join([*sentences, result["engine"]]), max_length=900)


def difference(found: Mapping[str, Any] | None) -> str:
    """How the texts of a file differ from the training rows: the verdict, and what it rests on behind it."""
    if not found:
        return ""
    verdict, *others = found["sentences"]
    severity = {"other": "warning", "different": "info"}.get(found["verdict"])
    first = html_pieces.notice(verdict, severity) if severity else f"<p>{html_pieces.text(verdict, max_length=400)}</p>"
    items = "".join(f"<li>{html_pieces.text(sentence, max_length=400)}</li>" for sentence in others)
    return f'<div class="em-difference">{first}<ul class="em-quiet em-small">{items}</ul></div>'


def _least_sure(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    body = ((f"{row['row'] + 1:,}", row["text"][:_MAX_SHOWN_CHARS], row["label"], percent(row["confidence"])) for row in rows)
    caption = "The rows that the model is least sure of"
    table = html_pieces.table(("Row", "Text", "Label", "Sure"), body, numbers=(0, 3), caption=caption)
    return f"<details><summary>The {pluralize(len(rows), 'row')} that the model is least sure of</summary>{table}</details>"


def _row(*pieces: str) -> str:
    return f'<div class="em-file-actions">{"".join(pieces)}</div>'
