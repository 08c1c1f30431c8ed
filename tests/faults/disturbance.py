"""Disturb one server at one moment of a run, let a new server recover, and check that nothing was lost."""

import ctypes
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import psutil

from tests.faults.outcomes import digests, outcome_of
from tests.faults.queue_server import Server, ServerProcess, serve, unfinished
from tests.faults.scenes import SCENE_NAMES, Scene
from trainer.runs.events import parse
from trainer.runs.run import Run
from trainer.runs.store import RunStore
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER

DisturbanceType = Literal["kill", "kill of the server alone", "kill of one process", "Ctrl-C", "stop"]

ALLOWED_STATUSES: dict[DisturbanceType, frozenset[str]] = {
    "kill": frozenset({"queued", "interrupted", "finished"}),
    "kill of the server alone": frozenset({"queued", "interrupted", "running", "finished"}),
    "kill of one process": frozenset({"failed", "finished"}),
    # The user did not stop this run: without a model it waits for the next server.
    "Ctrl-C": frozenset({"queued", "stopped", "finished"}),
    "stop": frozenset({"cancelled", "stopped", "finished"}),
}
"""Possible statuses of the target between the two servers."""

_PR_SET_CHILD_SUBREAPER = 36
_POLL_SECONDS = 0.002
_MAX_DELAY_SECONDS = 0.03
"""About the time between two events of a training of the tiny model."""


@dataclass(frozen=True)
class Disturbance:
    """What is done to a server, and when: ``seconds`` after the event number ``place`` of the target run."""

    type: DisturbanceType
    scene: str
    moment: str
    place: int
    seconds: float
    processes: int = 1
    torchrun: bool = False
    number: int = 0
    """Number of the attempt; selects which of two processes is killed."""


@dataclass(frozen=True)
class DisturbanceResult:
    """The status of the target between the two servers, and everything that is wrong in the end."""

    disturbance: Disturbance
    status_between: str
    lost: tuple[str, ...] = ()
    """Messages about runs that are missing or could not be finished."""
    damaged: tuple[str, ...] = ()
    """Damaged events and files."""
    different: tuple[str, ...] = ()
    """Models and curves that differ from those of an undisturbed training."""
    changed: tuple[str, ...] = ()
    """Changed files of parent runs."""

    @property
    def faults(self) -> tuple[str, ...]:
        return self.wrong_status + self.lost + self.damaged + self.different + self.changed

    @property
    def wrong_status(self) -> tuple[str, ...]:
        return () if self.status_between in ALLOWED_STATUSES[self.disturbance.type] else (f"it was {self.status_between}",)


def draw_disturbances(
    scenes: dict[str, Scene],
    rng: random.Random,
    *,
    types: Sequence[DisturbanceType],
    moments: Sequence[str],
    tries: int,
    processes: int = 1,
    torchrun: bool = False,
) -> Iterator[Disturbance]:
    """``tries`` disturbances of each type; scenes and moments take turns, the event and the delay after it are random."""
    pairs = [(name, moment) for moment in moments for name in SCENE_NAMES if name in scenes]
    for disturbance_type in types:
        rng.shuffle(pairs)
        for number in range(tries):
            name, moment = pairs[number % len(pairs)]
            places = scenes[name].places(moment)
            seconds = rng.uniform(0, _MAX_DELAY_SECONDS)
            yield Disturbance(disturbance_type, name, moment, rng.choice(places), seconds, processes, torchrun, number)


def disturb(scene: Scene, server: Server, disturbance: Disturbance, folder: Path) -> DisturbanceResult:
    """Copy the scene, disturb the server that trains it, let a new server resume what is unfinished, and check the outcome."""
    runs = folder / "runs"
    shutil.copytree(scene.runs, runs)
    process = server.fork(runs, lambda studio: serve(studio, scene.target, resume=False))
    if _wait_for_moment(process, Run(runs / scene.target), disturbance):
        _apply(disturbance, process)
        with suppress(ChildProcessError):
            os.waitpid(process.pid, 0)
    process.read_result()
    _reap()
    store = RunStore(runs)
    views = {view.id: view for view in store.list(LOCAL_OWNER)}
    missing = tuple(f"{run} is missing" for run in scene.expected.keys() - views.keys())
    parents = scene.parents | {
        view.id: digests(runs / view.id) for view in views.values() if view.status == "stopped" and view.id not in scene.parents
    }
    server.fork(runs, lambda studio: serve(studio, scene.target, resume=True)).result()
    _reap()
    status = views[scene.target].status if scene.target in views else "missing"
    return replace(check_outcome(scene, runs, parents, DisturbanceResult(disturbance, status)), lost=missing + _unfinished(runs))


def _wait_for_moment(process: ServerProcess, run: Run, disturbance: Disturbance) -> bool:
    """Wait for the moment; False if the server ended before it."""
    while len(run.log.content().splitlines()) <= disturbance.place:
        if process.has_ended():
            return False
        time.sleep(_POLL_SECONDS)
    time.sleep(disturbance.seconds)
    return not process.has_ended()


def _apply(disturbance: Disturbance, process: ServerProcess) -> None:
    descendants = psutil.Process(process.pid).children(recursive=True)
    match disturbance.type:
        case "Ctrl-C":
            os.kill(process.pid, signal.SIGINT)
        case "stop":
            os.kill(process.pid, signal.SIGUSR1)
        case "kill of the server alone":
            os.kill(process.pid, signal.SIGKILL)
        case "kill of one process":
            # The first is torchrun or its replacement.
            with suppress(psutil.NoSuchProcess, IndexError):
                descendants[1:][disturbance.number % disturbance.processes].kill()
        case "kill":
            os.kill(process.pid, signal.SIGKILL)
            kill_descendants()


def become_subreaper() -> None:
    """Let processes that outlive a server become children of this one, so that they can be found."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def kill_descendants() -> None:
    """Kill all descendants of this process, including those that start meanwhile, and wait until none is left: a process holds its locks until
    its last thread has ended."""
    this_process = psutil.Process()
    while descendants := this_process.children(recursive=True):
        for process in descendants:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _reap()
        time.sleep(_POLL_SECONDS)


def _reap() -> None:
    """Reap the children that have ended."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _unfinished(runs: Path) -> tuple[str, ...]:
    views = RunStore(runs).list(LOCAL_OWNER)
    return tuple(f"{view.id} is {view.status} ({view.code}: {view.message})" for view in unfinished(views))


def check_outcome(scene: Scene, runs: Path, parents: dict[str, dict[str, str]], result: DisturbanceResult) -> DisturbanceResult:
    """``result`` with everything that differs from the undisturbed scene; ``parents`` are file digests of runs that must not change."""
    store = RunStore(runs)
    views = {view.id: view for view in store.list(LOCAL_OWNER)}
    damaged = [f"{view.id}: {message}" for view in views.values() for message in store.damage(Run(runs / view.id))]
    damaged += [f"{run}: an event" for run in views if parse(Run(runs / run).log.content()).damaged]
    different = []
    for run, expected in scene.expected.items():
        last = _last_descendant(run, views)
        if last is None or last.status != "finished":
            continue
        outcome = outcome_of(Run(runs / last.id), last)
        # If it was not stopped, its curves are equal too.
        if outcome.model != expected.model or (last.id == run and outcome != expected):
            different.append(f"{last.id} differs from the undisturbed {run}")
    changed = []
    for run, old_digests in parents.items():
        new_digests = digests(runs / run) if run in views else {}
        changed += [f"{run}/{name}" for name in old_digests.keys() | new_digests.keys() if old_digests.get(name) != new_digests.get(name)]
    return replace(result, damaged=tuple(damaged), different=tuple(different), changed=tuple(changed))


def _last_descendant(run: str, views: dict[str, RunView]) -> RunView | None:
    """The last run in the chain of children of ``run``; the run itself if it has none."""
    child = next((view.id for view in views.values() if view.parent == run), None)
    return views.get(run) if child is None else _last_descendant(child, views)
