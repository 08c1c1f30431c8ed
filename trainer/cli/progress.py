"""The progress bar of a training in the terminal."""

import sys
from typing import TYPE_CHECKING

from trainer.errors import UserError
from trainer.signals import stop_signals
from trainer.text_format import percent

if TYPE_CHECKING:
    from trainer.runs.view import RunView
    from trainer.workspace import Workspace

TIDYING_SECONDS = 60.0
"""How long a command waits at most for what follows the end of its job."""


def follow(workspace: "Workspace", view: "RunView") -> "RunView":
    """Show a progress bar until the run has ended; Ctrl-C stops the run and keeps the best model so far, however often it is pressed."""
    from tqdm import tqdm

    print(f"Run {view.name} ({view.id})", file=sys.stderr)
    with (
        stop_signals() as stop_requested,
        tqdm(
            total=1, unit="step", file=sys.stderr, disable=None, bar_format="{desc} {percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} {postfix}"
        ) as bar,
    ):
        while view.live:
            view = workspace.wait(view.id, 0.5)
            if view.live and stop_requested.is_set():
                stop_requested.clear()
                view = _stop(workspace, view)
            bar.total = max(1, view.total_steps)
            bar.n = view.last_logged_step
            bar.set_description_str(view.phase or view.status)
            bar.set_postfix_str(postfix(view))
        # The program must not end while its thread still removes what the training needed.
        return workspace.wait(view.id, TIDYING_SECONDS)


def _stop(workspace: "Workspace", view: "RunView") -> "RunView":
    # Late: every command imports this module, and few train.
    from trainer.jobs.train.train_job import TRAIN

    still = "Still stopping" if view.stop_requested else "Stopping"
    print(f"\n{still} {TRAIN.words.stops}.", file=sys.stderr)
    try:
        return workspace.stop(view.id)
    except UserError as error:
        # For example on a full disk: the training continues, and Ctrl-C can be pressed again.
        print(error.message, file=sys.stderr)
        return view


def postfix(view: "RunView") -> str:
    """The last loss, the scores and the speed, as the bar shows them."""
    parts = []
    if view.points and view.points[-1].loss is not None:
        parts.append(f"training loss {view.points[-1].loss:.3f}")
    last, kept = view.evaluations[-1] if view.evaluations else None, view.kept
    if last is not None and last.accuracy is not None:
        parts.append(f"validation accuracy {percent(last.accuracy)}")
        if kept.accuracy is not None and kept.step != last.step:
            parts.append(f"of the kept step {kept.step:,} {percent(kept.accuracy)}")
    if view.samples_per_second:
        parts.append(f"{view.samples_per_second:.0f} texts/s")
    return ", ".join(parts)
