"""Disturb servers at random moments, print what came of it for each kind, then one line of JSON; the exit status tells whether anything was lost.

    python -m tests.faults [--tries N] [--two N] [--torchrun N] [--seed N] [--kinds KIND ...] [--scenes NAME ...] [--moments NAME ...]
        [--encoder FOLDER]

All that is drawn follows from the seed. Linux alone: servers are forked.
"""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import get_args

from trainer.settings import prepare_environment

prepare_environment()

# Whatever a training imports late: else each server that is forked would import it once more.
import accelerate  # noqa: E402, F401
import sklearn.feature_extraction.text  # noqa: E402
import sklearn.linear_model  # noqa: E402
import sklearn.metrics  # noqa: E402, F401
import torch.distributed  # noqa: E402, F401
import transformers  # noqa: E402, F401

from tests.conftest import save_tiny_bert  # noqa: E402
from tests.faults.disturbing import Disturbance, Found, Kind, be_their_keeper, disturb, draw, kill_what_is_below  # noqa: E402
from tests.faults.queue_server import Server  # noqa: E402
from tests.faults.scenes import MOMENTS, NAMES, Scene, build  # noqa: E402
from trainer.training.encoders import Encoder, local_encoder  # noqa: E402

IN_ONE: tuple[Kind, ...] = ("kill", "Ctrl-C", "stop")
IN_TWO: tuple[Kind, ...] = get_args(Kind)


def main(arguments: Sequence[str]) -> int:
    options = _options(arguments)
    folder, begun = Path(tempfile.mkdtemp(prefix="emotune-faults-")), time.monotonic()
    be_their_keeper()
    try:
        found = list(_tell(_disturb_all(local_encoder(options.encoder or _tiny_bert(folder)), folder, options)))
    finally:
        kill_what_is_below()
    faults = [fault for one in found for fault in one.faults]
    if not faults:
        shutil.rmtree(folder)
    print(json.dumps(_summary(found) | {"seed": options.seed, "seconds": round(time.monotonic() - begun)}))
    return int(bool(faults) or not found)


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Disturb servers at random moments.")
    parser.add_argument("--tries", type=int, default=15, help="of each kind, trainings in one process")
    parser.add_argument("--two", type=int, default=5, help="of each kind, trainings in two processes")
    parser.add_argument("--torchrun", type=int, default=1, help="of each kind, two processes that torchrun has started")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--encoder", type=Path, help="the folder of a tiny one; without it one is made")
    parser.add_argument("--kinds", nargs="+", choices=IN_TWO, default=IN_TWO)
    parser.add_argument("--scenes", nargs="+", choices=NAMES, default=NAMES)
    parser.add_argument("--moments", nargs="+", choices=MOMENTS, default=MOMENTS)
    return parser.parse_args(arguments)


def _tiny_bert(folder: Path) -> Path:
    """Made elsewhere: this process forks, and so runs nothing that starts threads."""
    import subprocess

    made = (
        f"import sys; from pathlib import Path; from {save_tiny_bert.__module__} import save_tiny_bert; save_tiny_bert(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", made, str(folder / "tiny-bert")], check=True)
    return folder / "tiny-bert"


def _disturb_all(encoder: Encoder, folder: Path, options: argparse.Namespace) -> Iterator[Found]:
    for processes, parts in ((1, ((options.tries, False),)), (2, ((options.two, False), (options.torchrun, True)))):
        if not any(tries for tries, _ in parts):
            continue
        scenes = {}
        for name in options.scenes:
            place = folder / f"{name} in {processes}"
            place.mkdir()
            scenes[name] = build(name, Server(encoder, processes), place)
        kinds = [kind for kind in (IN_ONE if processes == 1 else IN_TWO) if kind in options.kinds]
        source = random.Random(options.seed)
        for tries, torchrun in parts:
            for drawn in draw(scenes, source, kinds=kinds, moments=options.moments, tries=tries, processes=processes, torchrun=torchrun):
                yield _disturb(scenes[drawn.scene], Server(encoder, processes, torchrun), drawn, folder)


def _disturb(scene: Scene, server: Server, drawn: Disturbance, folder: Path) -> Found:
    place = Path(tempfile.mkdtemp(dir=folder))
    found = disturb(scene, server, drawn, place)
    if not found.faults:
        shutil.rmtree(place)
    for fault in found.faults:
        print(f"FAULT {fault}\n  {drawn}\n  left in {place}", flush=True)
    return found


def _tell(all_found: Iterator[Found]) -> Iterator[Found]:
    """Hand each on, and print a line for each kind once the next one begins."""
    kind, several = "", []
    for found in all_found:
        if (what := _what(found.disturbance)) != kind:
            _print(kind, several)
            kind, several = what, []
        several.append(found)
        yield found
    _print(kind, several)


def _what(disturbance: Disturbance) -> str:
    processes = "one process" if disturbance.processes == 1 else "two processes of torchrun" if disturbance.torchrun else "two processes"
    return f"{disturbance.kind}, {processes}"


def _print(kind: str, several: Sequence[Found]) -> None:
    if not several:
        return
    moments = ", ".join(f"{moment} {count}" for moment, count in sorted(Counter(f.disturbance.moment for f in several).items()))
    between = ", ".join(f"{status} {count}" for status, count in sorted(Counter(f.between for f in several).items()))
    well = sum(not found.faults for found in several)
    print(f"{kind}: {well} of {len(several)} with nothing lost; moments: {moments}; then: {between}", flush=True)


def _summary(found: Sequence[Found]) -> dict[str, object]:
    return {
        "tries": len(found),
        "lost": sum(bool(one.lost) for one in found),
        "mistold": sum(bool(one.mistold) for one in found),
        "damaged": sum(bool(one.damaged) for one in found),
        "unequal": sum(bool(one.unequal) for one in found),
        "parents_changed": sum(bool(one.changed) for one in found),
        "kinds": Counter(_what(one.disturbance) for one in found),
        "moments": Counter(one.disturbance.moment for one in found),
        "scenes": Counter(one.disturbance.scene for one in found),
        "between": Counter(one.between for one in found),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
