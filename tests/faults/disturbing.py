"""One server disturbed at one moment of a run, what a new one makes of it, and what was lost on the way."""

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
from tests.faults.queue_server import Living, Server, serve, unfinished
from tests.faults.scenes import NAMES, Scene
from trainer.runs.events import parse
from trainer.runs.run import Run, RunStore
from trainer.runs.view import RunView
from trainer.settings import LOCAL_OWNER

Kind = Literal["kill", "kill of the server alone", "kill of one process", "Ctrl-C", "stop"]

MAY_BE: dict[Kind, frozenset[str]] = {
    "kill": frozenset({"queued", "interrupted", "finished"}),
    "kill of the server alone": frozenset({"queued", "interrupted", "running", "finished"}),
    "kill of one process": frozenset({"failed", "finished"}),
    # Nobody asked for the end of this run: one that has no model yet waits for the next server.
    "Ctrl-C": frozenset({"queued", "stopped", "finished"}),
    "stop": frozenset({"cancelled", "stopped", "finished"}),
}
"""What a run is told to be between the two servers."""

_PR_SET_CHILD_SUBREAPER = 36
_LOOK_SECONDS = 0.002
_SOON_SECONDS = 0.03
"""A training of the tiny model does what it does between two events in about so long."""


@dataclass(frozen=True)
class Disturbance:
    """What is done to a server, and when: so many seconds after a certain event of the run that is trained."""

    kind: Kind
    scene: str
    moment: str
    place: int
    seconds: float
    processes: int = 1
    torchrun: bool = False
    number: int = 0
    """Draws which of two processes is killed, and names the attempt."""


@dataclass(frozen=True)
class Found:
    """What came of it: the run's state between the two servers, and all that is wrong in the end."""

    disturbance: Disturbance
    between: str
    lost: tuple[str, ...] = ()
    """Runs that are not there, or could not be finished, in words."""
    damaged: tuple[str, ...] = ()
    """Events and files that are not what was written."""
    unequal: tuple[str, ...] = ()
    """Models and curves that differ from those of an undisturbed training."""
    changed: tuple[str, ...] = ()
    """Files of a parent that its child has changed."""

    @property
    def faults(self) -> tuple[str, ...]:
        return self.mistold + self.lost + self.damaged + self.unequal + self.changed

    @property
    def mistold(self) -> tuple[str, ...]:
        """What the run was between the two servers, where it must not be."""
        return () if self.between in MAY_BE[self.disturbance.kind] else (f"it was {self.between}",)


def draw(
    scenes: dict[str, Scene],
    source: random.Random,
    *,
    kinds: Sequence[Kind],
    moments: Sequence[str],
    tries: int,
    processes: int = 1,
    torchrun: bool = False,
) -> Iterator[Disturbance]:
    """So many of each kind; scenes and moments take turns, which event it is and how long after it are drawn."""
    turns = [(name, moment) for moment in moments for name in NAMES if name in scenes]
    for kind in kinds:
        source.shuffle(turns)
        for number in range(tries):
            name, moment = turns[number % len(turns)]
            places = scenes[name].after(moment)
            seconds = source.uniform(0, _SOON_SECONDS)
            yield Disturbance(kind, name, moment, source.choice(places), seconds, processes, torchrun, number)


def disturb(scene: Scene, server: Server, disturbance: Disturbance, folder: Path) -> Found:
    """Copy the scene, disturb the server that trains it, let a new one and a person go on, and judge what is there then."""
    runs = folder / "runs"
    shutil.copytree(scene.runs, runs)
    living = server.fork(runs, lambda studio: serve(studio, scene.target, goes_on=False))
    if _reached(living, Run(runs / scene.target), disturbance):
        _do(disturbance, living)
        with suppress(ChildProcessError):
            os.waitpid(living.process, 0)
    living.left()
    _reap()
    store = RunStore(runs)
    between = {view.id: view for view in store.list(LOCAL_OWNER)}
    missing = tuple(f"{run} is gone" for run in scene.wanted.keys() - between.keys())
    parents = scene.parents | {
        view.id: digests(runs / view.id) for view in between.values() if view.status == "stopped" and view.id not in scene.parents
    }
    server.fork(runs, lambda studio: serve(studio, scene.target, goes_on=True)).answer()
    _reap()
    status = between[scene.target].status if scene.target in between else "gone"
    return replace(_judge(scene, runs, parents, Found(disturbance, status)), lost=missing + _unfinished(runs))


def _reached(living: Living, run: Run, disturbance: Disturbance) -> bool:
    """Wait until the moment has come; False where the server has ended before."""
    while len(run.log.content().splitlines()) <= disturbance.place:
        if living.ended():
            return False
        time.sleep(_LOOK_SECONDS)
    time.sleep(disturbance.seconds)
    return not living.ended()


def _do(disturbance: Disturbance, living: Living) -> None:
    below = psutil.Process(living.process).children(recursive=True)
    match disturbance.kind:
        case "Ctrl-C":
            os.kill(living.process, signal.SIGINT)
        case "stop":
            os.kill(living.process, signal.SIGUSR1)
        case "kill of the server alone":
            os.kill(living.process, signal.SIGKILL)
        case "kill of one process":
            # The first is torchrun, or what stands in for it.
            with suppress(psutil.NoSuchProcess, IndexError):
                below[1:][disturbance.number % disturbance.processes].kill()
        case "kill":
            os.kill(living.process, signal.SIGKILL)
            kill_what_is_below()


def be_their_keeper() -> None:
    """Processes that outlive a server become this one's children, so that they can be found."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1)


def kill_what_is_below() -> None:
    """Kill all that descends from this process, also what a process starts while it is being killed, and wait until nothing is left of them:
    one whose last thread has not ended holds its locks."""
    me = psutil.Process()
    while below := me.children(recursive=True):
        for process in below:
            with suppress(psutil.NoSuchProcess):
                process.kill()
        _reap()
        time.sleep(_LOOK_SECONDS)


def _reap() -> None:
    """Those that have ended; what goes on training goes on."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _unfinished(runs: Path) -> tuple[str, ...]:
    views = RunStore(runs).list(LOCAL_OWNER)
    return tuple(f"{view.id} is {view.status} ({view.code}: {view.message})" for view in unfinished(views))


def _judge(scene: Scene, runs: Path, parents: dict[str, dict[str, str]], found: Found) -> Found:
    store = RunStore(runs)
    views = {view.id: view for view in store.list(LOCAL_OWNER)}
    damaged = [f"{view.id}: {words}" for view in views.values() for words in store.damage(Run(runs / view.id))]
    damaged += [f"{run}: an event" for run in views if parse(Run(runs / run).log.content()).damaged]
    unequal = []
    for run, wanted in scene.wanted.items():
        last = _last(run, views)
        if last is None or last.status != "finished":
            continue
        got = outcome_of(Run(runs / last.id), last)
        # Where nobody stopped it, its curves are the same too.
        if got.model != wanted.model or (last.id == run and got != wanted):
            unequal.append(f"{last.id} differs from {run} when undisturbed")
    changed = []
    for run, before in parents.items():
        now = digests(runs / run) if run in views else {}
        changed += [f"{run}/{name}" for name in before.keys() | now.keys() if before.get(name) != now.get(name)]
    return replace(found, damaged=tuple(damaged), unequal=tuple(unequal), changed=tuple(changed))


def _last(run: str, views: dict[str, RunView]) -> RunView | None:
    """The run that went on from one, or from one that did; itself where none did."""
    child = next((view.id for view in views.values() if view.parent == run), None)
    return views.get(run) if child is None else _last(child, views)
