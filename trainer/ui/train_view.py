"""What the Train tab says of a run: one sentence over its charts, the facts under them, what comes next in the foot."""

from collections.abc import Sequence

from trainer.evaluation.diagnostics import Diagnosis
from trainer.jobs.queue import Delay
from trainer.library import Scores
from trainer.runs.resume import can_resume, resume_label
from trainer.runs.view import Evaluation, KeptModel, RunView
from trainer.text_format import duration, millions, percent, pluralize
from trainer.ui import markup, run_status, score_format, shell
from trainer.ui.buttons import Button


def head(view: RunView, title: str, found: Scores | None = None) -> str:
    """The sentence over the charts; ``found`` are the scores of a run that has a model."""
    strong, rest = _sentence(view, title, found)
    # Its place is kept while there is nothing to say.
    rest = f' <span class="em-quiet em-small">{markup.text(rest, max_length=600)}</span>'
    return f'<h2 tabindex="-1" dir="auto" class="em-course"><strong>{markup.text(strong, max_length=600)}</strong>{rest}</h2>'


def details(view: RunView, diagnoses: Sequence[Diagnosis], came: str = "") -> str:
    """What stands under the charts: a line of chips, the facts on demand, what is to be said of the training last, so that nothing jumps.

    ``came`` says which run's training it goes on with.
    """
    kept = view.kept
    speed = f"{kept.samples_per_second:.0f} texts/s" if kept.samples_per_second else "– texts/s"
    level = view.level or "own settings"
    epochs = f"{level}, {pluralize(kept.epochs, 'epoch')}" if kept.epochs else level
    # What changes while it trains stands last.
    chips = "".join(
        f'<span class="em-badge" dir="auto">{markup.text(fact)}</span>' for fact in (view.source_name, view.encoder, epochs, speed) if fact
    )
    facts = markup.facts(
        [
            ("Name", view.name),
            ("Training", came),
            ("Time", duration(view.seconds)),
            ("Device", f"{kept.device}, {kept.processes} processes" if kept.processes > 1 else kept.device),
            ("Step", f"{view.step:,} of {view.total_steps:,}" if view.total_steps else ""),
            ("Epoch", run_status.epoch_progress(view)),
            ("Batch size", str(kept.batch_size or "")),
            ("Learning rate", f"{kept.learning_rate:g}" if kept.learning_rate else ""),
            ("Parameters", _parameters(kept)),
            *_validation_scores(view),
        ]
    )
    said = "".join(
        [
            *(markup.notice(sentence, "error") for sentence in view.damage),
            *(markup.notice(d.message, d.severity) for d in diagnoses),
            *(markup.notice(n, "info") for n in view.remarks),
        ]
    )
    return (
        f'<div class="em-badges">{chips}{_others(view)}</div><details class="em-folded"><summary>Details</summary>{facts}</details>{said}'
    )


def _others(view: RunView) -> str:
    """What else one may want to do, beside what the foot names."""
    another = Button("prepare", "Prepare another training", link=True)
    again = Button("again", "Train again with changes", code=view.id, link=True)
    return another.html if view.live else again.html + another.html


def footer(view: RunView, title: str, waiting: int | None, found: Scores | None, delay: Delay | None = None) -> str:
    """What comes next, and the button for it; ``waiting`` runs come before one that waits, ``delay`` is why it could not begin."""
    results = Button("results", "See the results", code=view.id, primary=True, elem_id="to-results")
    resume = Button("resume", resume_label(view), code=view.id, elem_id="resume", busy_message="Resuming …")
    if view.status == "queued":
        ahead = f"It waits in the queue: {pluralize(waiting, 'run')} before it." if waiting else "It begins in a moment."
        if delay is not None:
            ahead = f"Waits: {delay.reason}. It is tried again in about {max(1, round(delay.seconds))} s."
        return shell.footer_html(ahead, Button("stop", "Take it out of the queue", code=view.id, elem_id="cancel"))
    if view.status == "running":
        said = "Stopping: the best model so far is kept, and the report follows." if view.stop_asked else ""
        return shell.footer_html(said or "Training. You may close this page: it goes on.")
    resumable = can_resume(view) and view.status != "cancelled"
    if view.has_model:
        score = "" if found is None else f": {score_format.whole_sentence(found.test.accuracy, found.test.rows, view.baseline)}"
        did = "Trained" if view.status == "finished" else "Its best model is kept"
        return shell.footer_html(f"{did}{score}.", *([resume] if resumable else []), results)
    if resumable:
        first = Button("resume", resume_label(view), code=view.id, primary=True, elem_id="resume", busy_message="Resuming …")
        return shell.footer_html(_why_not(view), first, is_error=view.status == "failed")
    return shell.footer_html(_why_not(view), is_error=view.status == "failed")


def _sentence(view: RunView, title: str, found: Scores | None) -> tuple[str, str]:
    """What the run is doing or how it ended: the part that matters, and the rest."""
    if view.status == "damaged":
        return f"{title} is damaged.", " ".join(view.damage)
    if view.status == "queued":
        return f"{title} waits for its turn.", "Its charts begin when it does."
    latest = view.evaluations[-1] if view.evaluations else None
    if view.status == "running":
        if latest is None or latest.accuracy is None:
            phase = view.phase or "starting"
            return f"{phase[0].upper()}{phase[1:]}.", yardsticks(view)
        return f"Right on {_share(latest, view)} of the rows it is not learning from.", yardsticks(view)
    if view.status == "interrupted" and view.lacks_end:
        return f"{title} was interrupted.", view.message
    if view.status == "interrupted":
        why = "The program that trained it ended before the training did."
        return f"{title} was interrupted {_at_step(view)}.", f"{why} {_way_on(view)}"
    if view.status == "finished":
        kept = view.kept.evaluation
        right = "" if kept is None or kept.accuracy is None else f"Of the validation rows {_share(kept, view)}. "
        score = "" if found is None else f" {score_format.in_a_sentence(found.test.accuracy, found.test.rows)}."
        return f"It is trained.{score}", right + yardsticks(view)
    if view.status == "stopped":
        return f"{title} was stopped {_at_step(view)}.", "Its best model so far is kept. Resume trains the rest, in a run of its own."
    if view.status == "cancelled":
        return f"{title} never began.", view.message
    oom_advice = _way_on(view) if view.saved_step and can_resume(view) else ""
    return f"{title} failed.", f"{view.message} {oom_advice}".strip()


def yardsticks(view: RunView) -> str:
    """What the model has to beat, scored on the same validation rows."""
    known = []
    if view.baseline is not None:
        known.append(f"counting words gets {percent(view.baseline.validation.accuracy, 0)}")
    if view.majority is not None:
        known.append(f"always “{_shortened(view.majority.name)}” {percent(view.majority.validation_accuracy, 0)}")
    said = ", ".join(known)
    return f"{said[0].upper()}{said[1:]}." if said else ""


def _shortened(name: str, most: int = 20) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"


def _share(latest: Evaluation, view: RunView) -> str:
    """Of the validation rows: in counts where there are few."""
    rows = view.rows.get("validation", 0)
    return score_format.of_rows(latest.accuracy, rows, 0) if rows else percent(latest.accuracy, 0)


def _why_not(view: RunView) -> str:
    if view.status == "failed":
        return view.message
    if view.status == "interrupted":
        return view.message if view.lacks_end else f"Interrupted {_at_step(view)}. {_way_on(view)}"
    return view.message or " ".join(view.damage)


def _validation_scores(view: RunView) -> list[tuple[str, str]]:
    """Those of the model that is kept and, while a training goes on, the latest ones: then always both, so that nothing jumps.

    ``came`` says which run's training it goes on with.
    """
    kept = view.kept.evaluation
    if view.status == "running":
        return [*_scores_of("best so far", kept), *_scores_of("latest", view.evaluations[-1] if view.evaluations else None)]
    return [] if kept is None else _scores_of("kept model", kept)


def _scores_of(which: str, found: Evaluation | None) -> list[tuple[str, str]]:
    """Dashes where nothing was scored yet."""
    place = f"({which})" if found is None else f"({which}, step {found.step:,})"
    accuracy, macro_f1 = ("–", "–") if found is None else (percent(found.accuracy), percent(found.macro_f1))
    return [(f"Validation accuracy {place}", accuracy), (f"Validation macro F1 {place}", macro_f1)]


def _parameters(model: KeptModel) -> str:
    if not model.parameters:
        return ""
    trained = "all" if model.trainable_parameters == model.parameters else millions(model.trainable_parameters)
    return f"{millions(model.parameters)}, {trained} trained"


def _at_step(view: RunView) -> str:
    return f"at step {view.step:,} of {view.total_steps:,}" if view.total_steps else "before its first step"


def _way_on(view: RunView) -> str:
    """Where a press on Resume would begin."""
    if not view.saved_step:
        return "It had saved nothing yet, so it begins again."
    return f"It was saved after step {view.saved_step:,} and goes on from there to the same result."
