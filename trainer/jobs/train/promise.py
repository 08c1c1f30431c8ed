"""The promise of a run's model, that a share of its answers is right: read from its config, and written there and into its card.

Finds no threshold; abstaining.py does.
"""

from contextlib import suppress

from trainer.errors import ModelError, RunError
from trainer.evaluation.abstaining import Promise
from trainer.jobs.train.pipeline import rewrite_model_card
from trainer.runs.run import Run
from trainer.runs.run_files import MODEL, PREDICTIONS
from trainer.runs.writer_lock import maintenance_lock


def read_promise(run: Run) -> float | None:
    """The share of right answers that a run's model promises; None without a promise."""
    from trainer.training.temperature import read_config

    with suppress(OSError, ValueError):
        config = read_config(run.model)
        return config.get("abstain_target") if config.get("abstain_below") is not None else None
    return None


def save_promise(run: Run, promise: Promise | None) -> None:
    """Write a promise into the config and the card of a run's model, or remove it. Raises OSError, and UserError as ``TrainedModels.keep_promise``."""
    from trainer.training.temperature import config_file, config_with

    if promise is not None and promise.threshold is None:
        needed = "" if promise.rows_needed is None else f" About {promise.rows_needed:,} validation rows would be needed."
        raise ModelError(
            f"That {100 * promise.target:.0f} % of the answers are right cannot be promised with these validation rows.{needed} Choose a smaller share.",
            code="no_promise",
        )
    values = {"abstain_below": promise and promise.threshold, "abstain_target": promise and promise.target}
    with maintenance_lock(run.path) as acquired:
        view = run.read_view()
        if not acquired or not view.has_model:
            raise RunError(f"{view.name} is being trained or changed now. Try again in a moment.", code="run_is_live")
        run.check(MODEL, PREDICTIONS)
        run.replace_model_file(config_file(run.model), config_with(run.model, values))
    rewrite_model_card(run)
