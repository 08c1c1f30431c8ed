"""The tab Check labels as HTML and, for its table, as JSON. Computes nothing."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainer.audit.apply_decisions import DecisionCounts
from trainer.audit.decisions import Decisions, RowKey
from trainer.audit.reasons import standing_out
from trainer.audit.suspects import AuditResult, Suspect
from trainer.charts.colours import class_colours
from trainer.data.task import SEVERAL_LABELS, SINGLE_LABEL, Task
from trainer.drafts.label_editor import LabelState
from trainer.evaluation.label_effect import describe_effect, describe_mended_test
from trainer.jobs.job import Job
from trainer.label_proof import ProofState
from trainer.runs.view import RunView
from trainer.text_format import approximate_duration, percent, pluralize
from trainer.ui import html_pieces, page_frame
from trainer.ui.buttons import Button

_MAX_TEXT_CHARS = 2_000
"""Of a text in the table; a longer one ends in an ellipsis there."""
_MAX_REASON_CHARS = 400
_MAX_COLUMN_CHARS = 60

_QUESTIONS = (
    ("How many are wrong?", "An estimate for the whole file with its uncertainty, and which labels are given for each other."),
    ("Which ones?", "The rows that look wrong, most suspicious first, each with a suggestion and the reason in words."),
    (
        "Does it help to mend them?",
        "Keep, change or drop rows, then train again: the test rows that nobody touched show whether it helped.",
    ),
)


@dataclass(frozen=True)
class AuditWords:
    """The words of a check of one task."""

    labels: str
    """Its name in ``label_tasks.js``."""
    worst: Callable[[str, str], str]
    """(suggested, given) of the most frequent change, as words."""


_AUDIT_WORDS: Mapping[str, AuditWords] = {
    SINGLE_LABEL.key: AuditWords("one", lambda suggested, given: f"{suggested} given as {given}"),
    SEVERAL_LABELS.key: AuditWords("several", lambda suggested, given: f"{suggested} missing" if suggested else f"{given} given too often"),
}


def audit_words(task: Task) -> AuditWords:
    """Those of a task."""
    return _AUDIT_WORDS[task.key]


# Above the table


def no_file_html() -> str:
    """What this tab shows once a file is open."""
    return _teaching("Which labels look wrong?", "Open a file in tab 1, Data; it needs no training.")


def ready_html(source_name: str, rows: int) -> str:
    """What a check does, before the first one."""
    return _teaching(
        "Which labels look wrong?",
        f"A check reads each of the {pluralize(rows, 'row')} of {html_pieces.isolated(source_name)} with models that have not seen its label. Your file stays as it is.",
    )


def _teaching(title: str, description: str) -> str:
    cards = "".join(f"<li><strong>{question}</strong><span>{answer}</span></li>" for question, answer in _QUESTIONS)
    return page_frame.heading(title, description) + f'<ul class="em-questions">{cards}</ul>'


def running_html(job: Job, source_name: str, *, waiting: str = "") -> str:
    """The progress of a check, and a button that stops it."""
    what = waiting if job.status == "queued" else "stopping" if job.stop_requested else job.progress.what if job.progress else "starting"
    done = (job.progress.done if job.progress else None) or 0.0
    stop = Button("stop", "Stop", code=job.id, disabled=job.stop_requested).html
    return (
        f'<div class="em-check-running"><h2 tabindex="-1">Checking the labels of {html_pieces.isolated(source_name)}</h2>{stop}</div>'
        f'<p class="em-quiet" role="status">{html_pieces.text(what)}</p>'
        f'<div class="em-label-bar" role="progressbar" aria-label="Progress of the check" aria-valuemin="0" aria-valuemax="100" '
        f'aria-valuenow="{100 * done:.0f}"><div style="width:{100 * done:.1f}%"></div></div>'
    )


def ended_html(job: Job) -> str:
    """Why a check has no result."""
    reason = job.message or "The check was interrupted when the server ended. Start it again."
    return html_pieces.notice(reason, "info" if job.status in ("stopped", "cancelled") else "warning")


def notes_html(result: AuditResult, decisions: Decisions, *, is_current: bool) -> str:
    """What could not be judged, and whether the file was changed since the check or decisions were lost."""
    again = "" if is_current else _changed_html()
    notes = [html_pieces.notice(note, "info") for note in result.notes]
    if decisions.damaged:
        notes.append(
            html_pieces.notice(
                f"{pluralize(decisions.damaged, 'line')} of the file with your decisions cannot be read: decisions may be missing. Look through the list again.",
                "warning",
            )
        )
    return again + "".join(notes)


def _changed_html() -> str:
    button = Button("check", "Check again").html
    return f'<div class="em-notice em-warning"><span class="em-sign" aria-hidden="true">!</span><span>Columns, repairs or names of the file were changed since this check.</span>{button}</div>'


def proof_html(proof: ProofState, titles: Mapping[str, str]) -> str:
    """The training with the decisions: its progress, or whether it helped."""
    after, before = proof.after, proof.before
    if after.live or (before is not None and before.live and after.has_model):
        waiting = before is not None and before.live and after.status == "queued"
        what = (
            "First a model is trained with the labels as they were, to compare with." if waiting else "The line above shows how far it is."
        )
        watch = Button("watch", "See it", code=before.id if waiting else after.id).html
        return _card("Training with your labels …", html_pieces.text(f"{what} The comparison will stand here."), watch)
    if proof.effect is None:
        return _card("There is no comparison yet", html_pieces.text(_why_no_effect(proof), max_length=600), "")
    headline, sentence = describe_effect(proof.effect)
    second = (
        ""
        if proof.effect.mended is None
        else f'<p class="em-quiet em-small">{html_pieces.text(describe_mended_test(proof.effect.mended), max_length=600)}</p>'
    )
    names = f'<p class="em-quiet em-small">With your labels: {html_pieces.isolated(titles.get(after.id, after.name))}. Before: {html_pieces.isolated(titles.get(before.id, before.name))}.</p>'
    buttons = (
        Button("compare", "Compare in detail", code=f"{before.id} {after.id}").html
        + Button("results", "See the results", code=after.id).html
    )
    verdict = {"better": "ok", "worse": "error"}.get(proof.effect.verdict, "info")
    return _card(headline, html_pieces.text(sentence, max_length=600), buttons, more=second + names, css_class=f"em-proof-{verdict}")


def _why_no_effect(proof: ProofState) -> str:
    if proof.problem:
        return proof.problem
    for view, what in ((proof.before, "The run without your labels"), (proof.after, "The training with your labels")):
        if view is None:
            return "The run without your labels has been deleted. Train again and compare."
        if not view.has_model:
            return f"{what} has no model: {view.message or view.status} Train again, or resume it on the Train tab."
    return "Train again and compare."


def _card(title: str, sentence: str, buttons: str, *, more: str = "", css_class: str = "") -> str:
    return f'<div class="em-card em-proof {css_class}" role="status"><div><h3>{html_pieces.text(title)}</h3><p>{sentence}</p>{more}</div><div class="em-proof-buttons">{buttons}</div></div>'


# The table


def title_and_sentence(result: AuditResult, state: LabelState) -> tuple[str, str]:
    """The headline of a result, and what stands below it."""
    noise = result.noise
    interval = f"{_percent(noise.low)} to {_percent(noise.high)} %"
    if result.verdict == "random":
        return "Labels and texts have nothing to do with each other", " ".join(result.sentences[1:] or result.sentences)
    if result.verdict == "few":
        return "Too few rows to tell how many labels are wrong", "The rows below are those that fit their text least."
    if result.verdict == "unsure":
        return (
            standing_out(result.n_suspects),
            f"How many are wrong can hardly be told on this file: {interval}. Models that have not seen a row often miss its label here, "
            "which wrong labels alone do not explain.",
        )
    pair = ""
    if result.pairs:
        worst = result.pairs[0]
        words = audit_words(result.task).worst(*(name and state.decisions.present_name(name) for name in (worst.suggested, worst.given)))
        pair = f"; most often {words} ({pluralize(max(1, round(worst.rows)), 'row')})"
    if result.verdict == "clean":
        return "Nearly all labels look right", f"Wrong are {interval} of them. The rows below are the ones to look at if you have a minute."
    return (
        f"About {_percent(noise.estimate)} % of the {result.task.judged}",
        f"{interval}{pair}. The rows below are more probably wrong than right.",
    )


def table_json(
    result: AuditResult, state: LabelState, audit_id: str, parts: Mapping[RowKey, str], rows: Sequence[tuple[RowKey, Suspect]]
) -> str:
    """The value of the table for ``check_labels.js``: the suspects with the parts ("learn", "test") that they are in, the classes, the decisions, and
    the columns that may say what labels mean."""
    title, sentence = title_and_sentence(result, state)
    sentence += _test_rows_sentence([parts.get(key, "learn") for key, _ in rows])
    listed = [
        {
            "key": key_text(key),
            "text": _cut(suspect.text, _MAX_TEXT_CHARS),
            "given": suspect.label,
            "suggested": suspect.suggested,
            "why": _cut(suspect.why, _MAX_REASON_CHARS),
            "part": parts.get(key, "learn"),
        }
        for key, suspect in rows
    ]
    draft = state.prepared.draft
    labels = audit_words(result.task).labels
    values = {
        "audit": audit_id,
        "draft": draft.id,
        "version": draft.version,
        "title": title,
        "sentence": sentence,
        "labels": labels,
        "rows": listed,
        "columns": [[str(n), state.prepared.table.columns[n][:_MAX_COLUMN_CHARS]] for n in state.prepared.definitions_by_column],
    }
    return _json(values | classes_values(state) | {"decisions": decisions_values(state.decisions)})


def _test_rows_sentence(parts: Sequence[str]) -> str:
    """Says that test rows are counted too, which the table does not list at first; ``parts`` are those of all rows that stand out."""
    n_test = parts.count("test")
    if n_test in (0, len(parts)):
        return ""
    return f" {'One is a test row' if n_test == 1 else f'{n_test:,} are test rows'}, which the filter lists."


def saved_json(state: LabelState | None, draft_id: str, *, number: int = 0, rows: Sequence[RowKey] | None = None, error: str = "") -> str:
    """The answer to an event: what counts now of ``rows``, or of all rows if None, and the classes."""
    values: dict[str, Any] = {"number": number, "draft": draft_id, "error": error, "all": rows is None}
    if state is not None:
        decided = decisions_values(state.decisions)
        if rows is not None:
            keys = [key_text(key) for key in rows]
            values["undecided"] = [key for key in keys if key not in decided]
            decided = {key: decided[key] for key in keys if key in decided}
        values |= {"decisions": decided, **classes_values(state)}
    return _json(values)


def key_text(key: RowKey) -> str:
    """A row as the table names it: "main:12"."""
    return f"{key[0]}:{key[1]}"


def decisions_values(decisions: Decisions) -> dict[str, tuple[str, str]]:
    """The action and the label of each decided row."""
    return {key_text(key): (decision.action, decision.after) for key, decision in decisions.rows.items()}


def classes_values(state: LabelState) -> dict[str, Any]:
    """The classes with their colours, definitions and the labels of the file that they were, and the present names of renamed ones."""
    decisions, names = state.decisions, state.class_names
    originals: dict[str, list[str]] = {}
    for original, present in decisions.renamed.items():
        originals.setdefault(present, []).append(original)
    unchanged = set(state.prepared.require_corpus().label_names) - decisions.renamed.keys()
    classes = [
        {
            "name": name,
            "colour": colour,
            "definition": decisions.definitions.get(name, ""),
            "merged": originals.get(name, []),
            "renamed": name not in unchanged,
        }
        for name, colour in zip(names, class_colours(names), strict=True)
    ]
    return {"classes": classes, "names": dict(decisions.renamed)}


# Below the table


def footer_html(counts: DecisionCounts, decisions: Decisions, *, first_training: bool, running: str) -> str:
    """What was decided, and the button that trains with it. ``first_training``: no model to compare with is there yet; ``running`` is the id of a
    training with decisions that is not done yet."""
    if running:
        return page_frame.footer_html(decided_sentence(counts, decisions), Button("watch", "See the training", code=running, primary=True))
    changes = decisions.changes_rows
    message = decided_sentence(counts, decisions)
    if changes and first_training:
        message += " Trains two models: before and after."
    train = Button(
        "train-again",
        "Train again and compare",
        primary=True,
        elem_id="train-again-and-compare",
        busy_message="Starting …",
        disabled=not changes,
    )
    return page_frame.footer_html(message, train)


def decided_sentence(counts: DecisionCounts, decisions: Decisions) -> str:
    """ "34 labels changed, 3 rows dropped. Test rows untouched." """
    parts = [f"{pluralize(counts.changed, 'label')} changed"] if counts.changed else []
    parts += [f"{pluralize(counts.dropped, 'row')} dropped"] if counts.dropped else []
    parts += [f"{pluralize(len(decisions.renamed), 'class', 'classes')} renamed or merged"] if decisions.renamed else []
    parts += [f"{pluralize(counts.added, 'text')} added in Try it (near-copies of kept-aside rows are not learnt)"] if counts.added else []
    parts += [f"{counts.kept:,} kept"] if counts.kept and not parts else []
    if counts.test_changed or counts.test_dropped:
        n_changed = counts.test_changed + counts.test_dropped
        test = f"{pluralize(n_changed, 'test row')} changed too: that gives a second figure, never the score."
    else:
        test = "Test rows untouched."
    return f"{', '.join(parts)}. {test}" if parts else "Nothing is changed yet: decide on the rows above."


def take_away_html(draft_id: str, decisions: Decisions) -> str:
    """Links to the corrected file and to the list of changes; empty before the first decision."""
    if not (decisions.rows or decisions.renamed or decisions.texts):
        return ""
    forms = [("corrected", "the corrected file"), ("changes", "the list of changes (CSV)")]
    forms += [("texts", "the texts added in Try it (CSV)")] if decisions.texts else []
    links = "".join(f'<a href="labels/{draft_id}/{form}" download>{title}</a>' for form, title in forms)
    return f'<p class="em-quiet em-small em-take-away">Take away: {links}</p>'


def deeper_html(*, deep: bool, seconds: float | None) -> str:
    """What a deeper check, or another one, takes; ``seconds`` if they are known."""
    time = "" if seconds is None else f" It takes about {approximate_duration(seconds)}."
    if deep:
        return f'<p class="em-quiet em-small em-take-away">{Button("deep", "Check again", link=True).html}</p>'
    words = f"A deeper check trains five models, and each judges the rows that it has not seen.{time}"
    return f'<p class="em-quiet em-small em-take-away">{html_pieces.text(words)} {Button("deep", "Check deeper", link=True).html}</p>'


def check_footer(rows: int, seconds: float | None, *, ready: bool, problem: str = "") -> str:
    """The footer before a check."""
    if not ready:
        return page_frame.footer_html(problem, Button("to-data", "See what to fix", primary=True))
    time = "" if seconds is None else f" Takes about {approximate_duration(seconds)}."
    check = Button("check", "Check labels", primary=True, elem_id="check-labels", busy_message="Starting the check …")
    return page_frame.footer_html(f"Reads {pluralize(rows, 'row')}, trains no model of yours.{time}", check)


def no_file_footer() -> str:
    return page_frame.footer_html("Open a file first.", Button("to-data", "Open a file", primary=True))


def _percent(fraction: float) -> str:
    """A share of labels without more digits than it deserves: "7", "0.4"."""
    return percent(fraction, 0 if fraction >= 0.0095 or fraction == 0 else 1).removesuffix(" %")


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"


def _json(values: Mapping[str, Any]) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def running_training(proof: ProofState | None) -> str:
    """The id of the training with decisions that is not done yet, or of the one that it is compared with; empty if none is."""
    views: list[RunView | None] = [] if proof is None else [proof.before, proof.after]
    return next((view.id for view in views if view is not None and view.live), "")
