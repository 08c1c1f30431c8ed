"""The status of a run, as the page words it."""

from trainer.runs.view import RunView

STATUS_NAMES = {
    "queued": "waiting",
    "running": "training",
    "interrupted": "interrupted",
    "finished": "finished",
    "stopped": "stopped",
    "failed": "failed",
    "cancelled": "cancelled",
    "damaged": "damaged",
}


def status_name(view: RunView) -> str:
    """The status, with "damaged" appended if files of the run are."""
    name = STATUS_NAMES[view.status]
    return f"{name}, damaged" if view.damage and view.status != "damaged" else name


def epoch_progress(view: RunView) -> str:
    """ "epoch 2 of 3" of a running run."""
    completed = sum(1 for step in view.epoch_steps if view.last_logged_step >= step)
    return f"epoch {min(completed + 1, view.epochs)} of {view.epochs}" if view.epochs else ""
