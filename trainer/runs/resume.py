"""How a run may go on: what can be resumed, and for how many epochs. Pure."""

import math

from trainer.errors import UserError
from trainer.runs.view import RunView

_NO_MEMORY = frozenset({"out_of_memory", "batch_too_large"})
_RESUMABLE = frozenset({"interrupted", "stopped", "failed", "cancelled"})


def can_resume(view: RunView) -> bool:
    """Whether going on makes sense: what went astray would go astray again, and what is too large for the memory stays so."""
    too_large = view.code in _NO_MEMORY and view.fewer_texts is None
    return view.status in _RESUMABLE and view.code != "loss_not_finite" and not too_large


def resume_label(view: RunView) -> str:
    """What a press on Resume does."""
    begun = f"Resume from step {view.saved_step:,}" if view.saved_step else "Train it again"
    if view.fewer_texts is not None:
        return f"{begun} with {'one text' if view.fewer_texts == 1 else f'{view.fewer_texts:,} texts'} at a time"
    return begun if view.saved_step else "Train it again from the start"


def epochs_after_resume(view: RunView, more_epochs: int) -> int | None:
    """Epochs in all that a training which goes on is to have; None for those it was begun with. Raises UserError where it cannot go on."""
    if view.status == "finished":
        if more_epochs < 1:
            raise UserError(f"{view.name} is finished. To train it further, say for how many more epochs.", code="already_finished")
        # One that ended early is trained on from where it ended.
        done = math.ceil(max(view.last_logged_step, view.saved_step) / view.epoch_steps[0]) if view.epoch_steps else view.epochs
        return done + more_epochs
    if view.status == "damaged":
        raise UserError(" ".join(view.damage), code="run_damaged")
    if view.code in _NO_MEMORY and view.fewer_texts is None:
        raise UserError(
            f"{view.name} needs more memory than there is, even with one text at a time, and would again. "
            "Start it anew with a shorter maximum length, or with a smaller encoder.",
            code="cannot_resume",
        )
    if not can_resume(view):
        raise UserError(
            f"{view.name} went astray, and would again from the same state. Start it anew with a smaller learning rate.",
            code="cannot_resume",
        )
    if more_epochs:
        raise UserError(f"{view.name} has not finished the epochs it was begun with. Resume it first.", code="not_finished")
    return None
