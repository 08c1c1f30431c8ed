"""Runs folders with three queued runs, and the outcomes of their undisturbed trainings as the reference."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.conftest import small_rows, write_rows
from tests.faults.outcomes import Outcome, digests, outcome_of
from tests.faults.queue_server import STUCK_SECONDS, Server, serve
from trainer.recipe import Recipe
from trainer.runs.event_schema import Event
from trainer.runs.event_types import BestSaved, Evaluated, Logged, Phase, StateSaved
from trainer.runs.events import EventLog
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.settings import LOCAL_OWNER
from trainer.studio import Studio

RECIPE = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=1e-2, max_length=32, log_every=2)
SHORT = replace(RECIPE, epochs=1, log_every=None)
SCENE_NAMES = ("a fresh run", "more epochs", "a stopped run that is resumed")
MOMENTS = ("start", "training", "evaluation", "save", "report")


@dataclass(frozen=True)
class Scene:
    """A runs folder, to be copied; ``target``, the first of its three queued runs, is disturbed."""

    name: str
    runs: Path
    target: str
    expected: dict[str, Outcome]
    """Outcomes of all undisturbed runs, by run."""
    parents: dict[str, dict[str, str]]
    """File digests of the runs that have a child, by run."""
    events: tuple[Event, ...]
    """Events of the undisturbed target."""
    n_initial_events: int
    """Number of events of the queued target."""

    def places(self, moment: str) -> list[int]:
        """Indices of the events that are directly followed by this moment."""
        indices = range(self.n_initial_events - 1, len(self.events) - 1)
        return [i for i in indices if moment_after(self.events[i], self.events[i + 1]) == moment]


def moment_after(event: Event, following: Event) -> str:
    """What a training does between two events."""
    match event:
        case Phase(stage="saving" | "scoring" | "comparing"):
            return "report"
        case StateSaved() | Phase(what="training"):
            return "training"
        case Logged():
            return "evaluation" if isinstance(following, Evaluated) else "save"
        case Evaluated() | BestSaved():
            return "save"
    return "start"


def build(name: str, server: Server, folder: Path) -> Scene:
    """Make a scene, and train a copy of it undisturbed."""
    csv, runs = write_rows(folder / "moods.csv", small_rows(120)), folder / "runs"
    target = _require_result(server.fork(runs, lambda studio: _prepare(studio, name, csv)).result(), runs)
    undisturbed = folder / "undisturbed"
    shutil.copytree(runs, undisturbed)
    _require_result(server.fork(undisturbed, lambda studio: serve(studio, target, resume=False)).result(), undisturbed)
    store = RunStore(undisturbed)
    views = store.list(LOCAL_OWNER)
    parents = {view.parent: digests(runs / view.parent) for view in views if view.parent}
    ended = [Run(undisturbed / view.id) for view in views if view.id not in parents]
    return Scene(
        name,
        runs,
        target,
        {run.id: outcome_of(run, store.view(run)) for run in ended},
        parents,
        tuple(Run(undisturbed / target).log.read()),
        len(list(Run(runs / target).log.read())),
    )


def _prepare(studio: Studio, name: str, csv: Path) -> str:
    """Queue three runs without starting any; returns the id of the first."""

    def queue_run(recipe: Recipe) -> str:
        return studio.for_owner(LOCAL_OWNER).train_files({"main": (csv.name, csv)}, recipe).id

    if name == SCENE_NAMES[0]:
        studio._queue.put = lambda run_id: None  # type: ignore[method-assign]
        target = queue_run(RECIPE)
    else:
        if name == SCENE_NAMES[2]:
            _stop_in_the_middle()
        parent = queue_run(RECIPE if name == SCENE_NAMES[2] else SHORT)
        view = studio.for_owner(LOCAL_OWNER).wait(parent, STUCK_SECONDS)
        if view.status != ("stopped" if name == SCENE_NAMES[2] else "finished"):
            raise RuntimeError(f"the parent is {view.status}: {view.message}")
        studio.close()
        studio._queue.put = lambda run_id: None  # type: ignore[method-assign]
        target = studio.for_owner(LOCAL_OWNER).resume(parent, more_epochs=1 if name == SCENE_NAMES[1] else 0).id
    for seed in (7, 8):
        queue_run(replace(SHORT, seed=seed))
    return target


def _stop_in_the_middle() -> None:
    """Patch the training process: request a stop in the middle of the second epoch, between two points of the charts."""
    append = EventLog.append

    def append_and_stop(self: EventLog, event: Event, **options: Any) -> None:
        append(self, event, **options)
        # Events with a time are copied into the history of a child run.
        if isinstance(event, StateSaved) and event.step == 6 and event.time is None:
            (self.path.parent / "stop").touch()

    EventLog.append = append_and_stop  # type: ignore[method-assign]


def _require_result(result: Any, runs: Path) -> Any:
    if result is None:
        raise RuntimeError(f"A server failed:\n{runs.with_suffix('.log').read_text()[-3000:]}")
    return result
