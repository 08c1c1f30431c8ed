"""Runs folders in which three runs wait, and what becomes of them when nobody disturbs: what disturbed ones are compared with."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tests.conftest import small_rows, write_rows
from tests.faults.outcomes import Outcome, digests, outcome_of
from tests.faults.queue_server import STUCK_SECONDS, Server, serve
from trainer.recipe import Recipe
from trainer.runs.events import EventLog
from trainer.runs.run import Run, RunStore
from trainer.settings import LOCAL_OWNER
from trainer.studio import Studio

RECIPE = Recipe(encoder="tiny-bert", epochs=2, batch_size=16, learning_rate=1e-2, max_length=32, log_every=2)
SHORT = replace(RECIPE, epochs=1, log_every=None)
NAMES = ("a fresh run", "more epochs", "a stopped run that goes on")
MOMENTS = ("start", "training", "evaluation", "save", "report")


@dataclass(frozen=True)
class Scene:
    """A runs folder, to be copied: the run that is to be disturbed is the first of three that wait."""

    name: str
    runs: Path
    target: str
    wanted: dict[str, Outcome]
    """By run, of all that are there when nobody disturbs."""
    parents: dict[str, dict[str, str]]
    """The digests of the files of runs that have a child, by run."""
    events: tuple[dict[str, Any], ...]
    """Of the target, when nobody disturbs."""
    before: int
    """So many events it has when it begins to wait."""

    def after(self, moment: str) -> list[int]:
        """The events, by their place in the log, right after which it is this moment."""
        told = range(self.before - 1, len(self.events) - 1)
        return [i for i in told if moment_after(self.events[i], self.events[i + 1]) == moment]


def moment_after(event: dict[str, Any], following: dict[str, Any]) -> str:
    """What a training does between two events."""
    kind, stage = event["kind"], event.get("stage")
    if stage in ("saving", "scoring", "comparing"):
        return "report"
    if kind == "saved" or event.get("what") == "training":
        return "training"
    if kind == "log":
        return "evaluation" if following["kind"] == "eval" else "save"
    return "save" if kind in ("eval", "checkpoint") else "start"


def build(name: str, server: Server, folder: Path) -> Scene:
    """Make one, and see what becomes of a copy that is left alone."""
    csv, runs = write_rows(folder / "moods.csv", small_rows(120)), folder / "runs"
    target = _sure(server.fork(runs, lambda studio: _prepare(studio, name, csv)).answer(), runs)
    alone = folder / "alone"
    shutil.copytree(runs, alone)
    _sure(server.fork(alone, lambda studio: serve(studio, target, goes_on=False)).answer(), alone)
    store, before = RunStore(alone), RunStore(runs)
    views = store.list(LOCAL_OWNER)
    parents = {view.parent: digests(runs / view.parent) for view in views if view.parent}
    ended = [Run(alone / view.id) for view in views if view.id not in parents]
    return Scene(
        name,
        runs,
        target,
        {run.id: outcome_of(run, store.view(run)) for run in ended},
        parents,
        tuple(Run(alone / target).log.read()),
        len(list(Run(before.root / target).log.read())),
    )


def _prepare(studio: Studio, name: str, csv: Path) -> str:
    """Put three runs into the queue, of which none is begun; the first one is the answer."""

    def begin(recipe: Recipe) -> str:
        return studio.train_files(LOCAL_OWNER, {"main": (csv.name, csv)}, recipe).id

    if name == NAMES[0]:
        studio._enqueue = lambda run: None  # type: ignore[method-assign]
        target = begin(RECIPE)
    else:
        if name == NAMES[2]:
            _stop_in_the_middle()
        parent = begin(RECIPE if name == NAMES[2] else SHORT)
        view = studio.wait(LOCAL_OWNER, parent, STUCK_SECONDS)
        if view.status != ("stopped" if name == NAMES[2] else "finished"):
            raise RuntimeError(f"the parent is {view.status}: {view.message}")
        studio.close()
        studio._enqueue = lambda run: None  # type: ignore[method-assign]
        target = studio.resume(LOCAL_OWNER, parent, more_epochs=1 if name == NAMES[1] else 0).id
    for seed in (7, 8):
        begin(replace(SHORT, seed=seed))
    return target


def _stop_in_the_middle() -> None:
    """In the process that trains: a stop in the middle of the second epoch, between two points of the charts."""
    append = EventLog.append

    def stopping(self: EventLog, kind: str, **fields: Any) -> None:
        append(self, kind, **fields)
        # The history of a child run is no training.
        if kind == "saved" and fields["step"] == 6 and "time" not in fields:
            (self.path.parent / "stop").touch()

    EventLog.append = stopping  # type: ignore[method-assign]


def _sure(answer: Any, runs: Path) -> Any:
    if answer is None:
        raise RuntimeError(f"A server has failed:\n{runs.with_suffix('.log').read_text()[-3000:]}")
    return answer
