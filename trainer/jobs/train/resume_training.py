"""Resuming a training from its last saved state, or training a finished one for more epochs in a child run."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from trainer.errors import UserError
from trainer.jobs.folds.run_folds import link_folds
from trainer.jobs.job_type import ResumeRequest
from trainer.jobs.queue_limits import check_capacity
from trainer.jobs.train import pipeline
from trainer.recipe import Recipe
from trainer.runs import child_run
from trainer.runs.checkpoints import Checkpoints
from trainer.runs.event_types import Queued
from trainer.runs.ids import random_id
from trainer.runs.names import friendly_name
from trainer.runs.resume_rules import epochs_after_resume
from trainer.runs.run import Run
from trainer.runs.run_files import ROWS
from trainer.runs.store import RunStore
from trainer.runs.view import RunView


def resume_training(request: ResumeRequest) -> str:
    """The ``resume`` of trainings; the choice ``more_epochs`` (int) trains a finished one further.

    A run that ended with a model keeps it: a child run continues. Raises UserError if there is nothing to continue.
    """
    services, run = request.services, Run(request.record.path)
    more_epochs = int(request.choices.get("more_epochs", 0))
    view = services.runs.view(run)
    epochs = epochs_after_resume(view, more_epochs)
    run.check(ROWS)
    run.resolved_recipe()
    pipeline.find_run_encoder(run, view, services.encoders)
    if view.status in ("finished", "stopped"):
        return _child(request, run, view, epochs, more_epochs)
    check_capacity(services.settings, services.runs.list(view.owner), services.runs.list_all(), new=False)
    request.admit()
    run.clear_stop()
    run.log.append(Queued(texts_at_a_time=view.retry_texts_at_a_time), durable=True)
    return run.id


def find_live_run(runs: RunStore, views: Sequence[RunView], recipe: Recipe) -> RunView | None:
    """The run among these that waits or trains already for the same recipe: a double press starts one."""
    for view in views:
        with suppress(UserError):  # a damaged recipe concerns that run alone
            if view.live and not view.stop_requested and runs.get(view.id, view.owner).recipe() == recipe:
                return view
    return None


def _child(request: ResumeRequest, parent: Run, view: RunView, epochs: int | None, more_epochs: int) -> str:
    """The id of the run that continues a finished or stopped one; that of the one that waits or trains already, if there is one."""
    services = request.services
    requested, resolved = (_with_epochs(recipe, epochs, view.epochs) for recipe in (parent.recipe(), parent.resolved_recipe()))
    views = services.runs.list(view.owner)
    existing = find_live_run(services.runs, [other for other in views if other.parent == view.id], requested)
    if existing is not None:
        return existing.id
    check_capacity(services.settings, views, services.runs.list_all())
    last, run_id = pipeline.require_checkpoint(Checkpoints(parent.checkpoints, parent.id), view.name, digest=None), random_id()
    request.admit()

    def fill(folder: Path) -> None:
        child_run.copy_parent_files(folder, run_id, parent, last)
        if epochs is None:
            link_folds(folder, parent)

    child = services.runs.create(
        recipe=requested,
        resolved=resolved,
        run_id=run_id,
        fill=fill,
        history=child_run.inherited_events(parent),
        created=child_run.created_event(friendly_name([other.name for other in views]), view, last, more_epochs),
    )
    return child.id


def _with_epochs(recipe: Recipe, epochs: int | None, previous: int) -> Recipe:
    """A recipe for ``epochs`` epochs in all instead of ``previous``; None leaves it unchanged. Raises UserError if they are too many."""
    if epochs is None:
        return recipe
    # An encoder that was frozen throughout stays so. And a user who requests more epochs does not want them to be stopped early.
    frozen = epochs if recipe.frozen_epochs >= previous else recipe.frozen_epochs
    return replace(recipe, epochs=epochs, frozen_epochs=frozen, early_stopping=None)
