"""Whether a run can be resumed, and for how many epochs."""

import math

from trainer.errors import RunError
from trainer.runs.view import RunView

_MEMORY_ERRORS = frozenset({"out_of_memory", "batch_too_large"})
_RESUMABLE = frozenset({"interrupted", "stopped", "failed", "cancelled"})


def is_worth_resuming(view: RunView) -> bool:
    """Whether resuming makes sense: a diverged training would diverge again, and one that never fits into memory never will."""
    too_large = view.code in _MEMORY_ERRORS and view.retry_texts_at_a_time is None
    return view.status in _RESUMABLE and view.code != "loss_not_finite" and not too_large


def has_epochs(view: RunView) -> bool:
    """Whether it was trained step by step, or may still be; the method frozen is a linear model, which is fitted at once."""
    return view.live or view.total_steps > 0 or (view.linear is None and not view.folds)


def resume_label(view: RunView) -> str:
    """What the Resume button does."""
    in_folds = view.folds_done and not view.saved_step
    label = f"Resume from step {view.saved_step:,}" if view.saved_step else "Train it again"
    if view.retry_texts_at_a_time is not None:
        texts = f"{'one text' if view.retry_texts_at_a_time == 1 else f'{view.retry_texts_at_a_time:,} texts'} at a time"
        return f"Resume with the folds that are left, {texts}" if in_folds else f"{label} with {texts}"
    if in_folds:
        return "Resume with the folds that are left"
    return label if view.saved_step else "Train it again from the start"


def epochs_after_resume(view: RunView, more_epochs: int) -> int | None:
    """Total epochs after a resume; None for the original number. Raises UserError if the run cannot be resumed."""
    if view.status == "finished":
        if more_epochs < 1:
            raise RunError(f"{view.name} is finished. To train it further, say for how many more epochs.", code="already_finished")
        if not has_epochs(view):
            raise RunError(
                f"{view.name} is a linear model on the unchanged encoder, which has no epochs. Start a new run with the method full.",
                code="cannot_resume",
            )
        # A training that ended early continues from where it ended.
        epochs_done = math.ceil(max(view.last_logged_step, view.saved_step) / view.epoch_steps[0]) if view.epoch_steps else view.epochs
        return epochs_done + more_epochs
    if view.status == "damaged":
        raise RunError(" ".join(view.damage), code="run_damaged")
    if view.code in _MEMORY_ERRORS and view.retry_texts_at_a_time is None:
        raise RunError(
            f"{view.name} needs more memory than there is, even with one text at a time. "
            "Start a new run with a shorter maximum length or a smaller encoder.",
            code="cannot_resume",
        )
    if not is_worth_resuming(view):
        raise RunError(
            f"{view.name} diverged, and would diverge again from the same state. Start a new run with a smaller learning rate.",
            code="cannot_resume",
        )
    if more_epochs:
        raise RunError(f"{view.name} has not finished its original epochs. Resume it first.", code="not_finished")
    return None
