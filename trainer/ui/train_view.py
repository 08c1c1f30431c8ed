"""What the Train tab says about a run: a sentence above its charts, details below them, the next step in the footer."""

from collections.abc import Sequence

from trainer.check import CheckResult
from trainer.evaluation.report import Scores
from trainer.jobs.queue import Delay
from trainer.runs.resume_rules import has_epochs, is_worth_resuming, resume_label
from trainer.runs.view import Evaluation, KeptModel, RunView
from trainer.text_format import duration, millions, percent, pluralize
from trainer.ui import checks_view, html_pieces, page_frame, run_status, score_format
from trainer.ui.buttons import Button


def head(view: RunView, title: str, scores: Scores | None = None) -> str:
    """The sentence above the charts; ``scores`` are those of a run that has a model."""
    strong, rest = _status_sentence(view, title, scores)
    # An empty span keeps its space, so that nothing moves.
    rest = f' <span class="em-quiet em-small">{html_pieces.text(rest, max_length=600)}</span>'
    return f'<h2 tabindex="-1" dir="auto" class="em-run-status"><strong>{html_pieces.text(strong, max_length=600)}</strong>{rest}</h2>'


def details(view: RunView, checks: Sequence[CheckResult], parent: str = "") -> str:
    """What is below the charts: a line of badges, folded details, and last the notices and the checks, so that nothing moves.

    ``parent`` says which run this one continues.
    """
    kept = view.kept
    speed = f"{kept.samples_per_second:.0f} texts/s" if kept.samples_per_second else "– texts/s" if has_epochs(view) else ""
    level = view.level or "own settings"
    epochs = f"{level}, {pluralize(kept.epochs, 'epoch')}" if kept.epochs else level
    # What changes during the training comes last.
    badges = "".join(
        f'<span class="em-badge" dir="auto">{html_pieces.text(fact)}</span>'
        for fact in (view.source_title, view.encoder, epochs, speed)
        if fact
    )
    facts = html_pieces.facts(
        [
            ("Name", view.name),
            ("Training", parent),
            ("Time", duration(view.duration_seconds)),
            ("Device", f"{kept.device}, {kept.processes} processes" if kept.processes > 1 else kept.device),
            ("Step", f"{view.last_logged_step:,} of {view.total_steps:,}" if view.total_steps else ""),
            ("Epoch", run_status.epoch_progress(view)),
            ("Batch size", str(kept.batch_size or "")),
            ("Learning rate", f"{kept.learning_rate:g}" if kept.learning_rate else ""),
            ("Parameters", _parameters(kept)),
            *_validation_scores(view),
        ]
    )
    notices = "".join(
        [
            *(html_pieces.notice(sentence, "error") for sentence in view.damage),
            *(html_pieces.notice(note, "info") for note in view.training_notes),
        ]
    )
    return f'<div class="em-badges">{badges}{_other_buttons(view)}</div><details class="em-folded"><summary>Details</summary>{facts}</details>{notices}{checks_view.checks_html(checks, so_far=view.live)}'


def _other_buttons(view: RunView) -> str:
    """Actions besides those of the footer."""
    prepare = Button("prepare", "Prepare another training", link=True)
    train_again = Button("again", "Train again with changes", code=view.id, link=True)
    return prepare.html if view.live else train_again.html + prepare.html


def footer(view: RunView, queue_position: int | None, scores: Scores | None, delay: Delay | None = None) -> str:
    """The next step with its button. ``queue_position`` runs are before a queued one, and ``delay`` is why it could not start."""
    results = Button("results", "See the results", code=view.id, primary=True, elem_id="to-results")
    resume = Button("resume", resume_label(view), code=view.id, elem_id="resume", busy_message="Resuming …")
    if view.status == "queued":
        message = f"Waiting in the queue behind {pluralize(queue_position, 'run')}." if queue_position else "It starts in a moment."
        if delay is not None:
            message = f"Waiting: {delay.reason}. Next try in about {max(1, round(delay.seconds))} s."
        return page_frame.footer_html(message, Button("stop", "Remove it from the queue", code=view.id, elem_id="cancel"))
    if view.status == "running":
        stopping = "Stopping: the best model so far is kept, and the report follows."
        return page_frame.footer_html(stopping if view.stop_requested else "Training. You may close this page: the training continues.")
    resumable = is_worth_resuming(view) and (view.status != "cancelled" or view.folds_done > 0)
    if view.has_model:
        score = "" if scores is None else f": {score_format.words_of(view.task).full_test_sentence(scores.test, view.baseline, view.folds)}"
        outcome = "Trained" if view.status == "finished" else "Its best model is kept"
        return page_frame.footer_html(f"{outcome}{score}.", *([resume] if resumable else []), results)
    if resumable:
        resume = Button("resume", resume_label(view), code=view.id, primary=True, elem_id="resume", busy_message="Resuming …")
        return page_frame.footer_html(_why_no_model(view), resume, is_error=view.status == "failed")
    return page_frame.footer_html(_why_no_model(view), is_error=view.status == "failed")


def _status_sentence(view: RunView, title: str, scores: Scores | None) -> tuple[str, str]:
    """What the run is doing or how it ended: the main part in bold, and the rest."""
    if view.status == "damaged":
        return f"{title} is damaged.", " ".join(view.damage)
    if view.status == "queued":
        return f"{title} is waiting in the queue.", "Its charts appear once it starts."
    latest, words = view.evaluations[-1] if view.evaluations else None, score_format.words_of(view.task)
    if view.status == "running":
        if latest is None or words.value(latest) is None:
            phase = view.phase or "starting"
            return f"{phase[0].upper()}{phase[1:]}.", baselines_sentence(view)
        return words.so_far.format(_validated(latest, view)), baselines_sentence(view)
    if view.status == "interrupted" and view.lacks_end:
        return f"{title} was interrupted.", view.message
    if view.status == "interrupted":
        reason = "The program ended before the training did."
        return f"{title} was interrupted {_at_step(view)}.", f"{reason} {_resume_sentence(view)}"
    if view.status == "finished":
        kept = view.kept.evaluation
        validation = "" if kept is None or words.value(kept) is None else f"{words.so_far.format(_validated(kept, view))} "
        score = "" if scores is None else f" {words.sentence(scores.test, view.folds)}."
        without_epochs = "" if has_epochs(view) else " It is a linear model on the unchanged encoder: without epochs there are no curves."
        return f"Trained.{score}", f"{validation}{baselines_sentence(view)}{without_epochs}"
    if view.status == "stopped":
        return (
            f"{title} was stopped {_at_step(view)}.",
            f"{view.message} Its best model so far is kept. Resume trains the remaining epochs in a new run.".strip(),
        )
    if view.status == "cancelled":
        return f"{title} {'was stopped' if view.folds_done else 'never started'}.", view.message
    resume = _resume_sentence(view) if view.saved_step and is_worth_resuming(view) else ""
    return f"{title} failed.", f"{view.message} {resume}".strip()


def baselines_sentence(view: RunView) -> str:
    """What the model has to beat, scored on the same validation rows."""
    baselines, words = [], score_format.words_of(view.task)
    # Without steps that model is the one that is trained.
    if view.linear is not None and has_epochs(view):
        baselines.append(f"without fine-tuning: {percent(words.value(view.linear.validation), 0)}")
    if view.baseline is not None:
        baselines.append(f"counting words: {percent(words.value(view.baseline.validation), 0)}")
    if view.majority is not None and words.is_share_of_rows:
        baselines.append(f"always “{_shortened(view.majority.name)}”: {percent(view.majority.validation_accuracy, 0)}")
    sentence = ", ".join(baselines)
    return f"{sentence[0].upper()}{sentence[1:]}." if sentence else ""


def _shortened(name: str, max_length: int = 20) -> str:
    return name if len(name) <= max_length else f"{name[: max_length - 1]}…"


def _validated(evaluation: Evaluation, view: RunView) -> str:
    """The main score on the validation rows, as a count if there are few and it is a share of them."""
    rows, words = view.rows.get("validation", 0), score_format.words_of(view.task)
    return words.format(words.value(evaluation), rows, 0) if rows else percent(words.value(evaluation), 0)


def _why_no_model(view: RunView) -> str:
    if view.status == "failed":
        return view.message
    if view.status == "interrupted":
        return view.message if view.lacks_end else f"Interrupted {_at_step(view)}. {_resume_sentence(view)}"
    return view.message or " ".join(view.damage)


def _validation_scores(view: RunView) -> list[tuple[str, str]]:
    """The scores of the kept model; during a training also the latest ones, from the start, so that nothing moves."""
    kept = view.kept.evaluation
    if view.status == "running":
        latest = view.evaluations[-1] if view.evaluations else None
        return [*_scores_of(view, "best so far", kept), *_scores_of(view, "latest", latest)]
    return [] if kept is None else _scores_of(view, "kept model", kept)


def _scores_of(view: RunView, which: str, evaluation: Evaluation | None) -> list[tuple[str, str]]:
    """Dashes before the first evaluation."""
    source = f"({which})" if evaluation is None else f"({which}, step {evaluation.step:,})"
    accuracy, macro_f1 = ("–", "–") if evaluation is None else (percent(evaluation.accuracy), percent(evaluation.macro_f1))
    return [
        (f"Validation {score_format.words_of(view.task).accuracy_name} {source}", accuracy),
        (f"Validation macro F1 {source}", macro_f1),
    ]


def _parameters(model: KeptModel) -> str:
    if not model.parameters:
        return ""
    trained = "all" if model.trainable_parameters == model.parameters else millions(model.trainable_parameters)
    return f"{millions(model.parameters)}, {trained} trained"


def _at_step(view: RunView) -> str:
    return f"at step {view.last_logged_step:,} of {view.total_steps:,}" if view.total_steps else "before its first step"


def _resume_sentence(view: RunView) -> str:
    """From where Resume would continue."""
    if view.folds_done and not view.saved_step:
        return "Resume trains the folds that are left and gives the same result."
    if not view.saved_step:
        return "No checkpoint was saved yet, so it starts from the beginning."
    return f"Resume continues from the checkpoint after step {view.saved_step:,} and gives the same result."
