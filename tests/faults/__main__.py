"""Disturb servers at random moments; print a line for each type of disturbance, then one line of JSON. The exit status is 1 if anything was lost.

    python -m tests.faults [--tries N] [--two N] [--torchrun N] [--seed N] [--kinds TYPE ...] [--scenes NAME ...] [--moments NAME ...]
        [--encoder FOLDER]

All random choices follow from the seed. Linux only: servers are forked.
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

# Imported here so that forked servers need not import them again.
import accelerate  # noqa: E402, F401
import sklearn.feature_extraction.text  # noqa: E402
import sklearn.linear_model  # noqa: E402
import sklearn.metrics  # noqa: E402, F401
import torch.distributed  # noqa: E402, F401
import transformers  # noqa: E402, F401

from tests.conftest import save_tiny_bert  # noqa: E402
from tests.faults.disturbance import (  # noqa: E402
    Disturbance,
    DisturbanceResult,
    DisturbanceType,
    become_subreaper,
    disturb,
    draw_disturbances,
    kill_descendants,
)
from tests.faults.queue_server import Server  # noqa: E402
from tests.faults.scenes import MOMENTS, SCENE_NAMES, Scene, build  # noqa: E402
from trainer.training.encoders import Encoder, local_encoder  # noqa: E402

ONE_PROCESS_TYPES: tuple[DisturbanceType, ...] = ("kill", "Ctrl-C", "stop")
ALL_TYPES: tuple[DisturbanceType, ...] = get_args(DisturbanceType)


def main(arguments: Sequence[str]) -> int:
    options = _parse_options(arguments)
    folder, started = Path(tempfile.mkdtemp(prefix="emotune-faults-")), time.monotonic()
    become_subreaper()
    try:
        results = list(_print_each_type(_disturb_all(local_encoder(options.encoder or _tiny_bert(folder)), folder, options)))
    finally:
        kill_descendants()
    faults = [fault for result in results for fault in result.faults]
    if not faults:
        shutil.rmtree(folder)
    print(json.dumps(_summary(results) | {"seed": options.seed, "seconds": round(time.monotonic() - started)}))
    return int(bool(faults) or not results)


def _parse_options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description="Disturb servers at random moments.")
    parser.add_argument("--tries", type=int, default=15, help="per type, with trainings in one process")
    parser.add_argument("--two", type=int, default=5, help="per type, with trainings in two processes")
    parser.add_argument("--torchrun", type=int, default=1, help="per type, with two processes started by torchrun")
    parser.add_argument("--seed", type=int, default=13)
    parser.add_argument("--encoder", type=Path, help="the folder of a tiny encoder; by default one is created")
    parser.add_argument("--kinds", nargs="+", choices=ALL_TYPES, default=ALL_TYPES)
    parser.add_argument("--scenes", nargs="+", choices=SCENE_NAMES, default=SCENE_NAMES)
    parser.add_argument("--moments", nargs="+", choices=MOMENTS, default=MOMENTS)
    return parser.parse_args(arguments)


def _tiny_bert(folder: Path) -> Path:
    """Created in another process: this one forks, so it must not start threads."""
    import subprocess

    script = (
        f"import sys; from pathlib import Path; from {save_tiny_bert.__module__} import save_tiny_bert; save_tiny_bert(Path(sys.argv[1]))"
    )
    subprocess.run([sys.executable, "-c", script, str(folder / "tiny-bert")], check=True)
    return folder / "tiny-bert"


def _disturb_all(encoder: Encoder, folder: Path, options: argparse.Namespace) -> Iterator[DisturbanceResult]:
    for processes, parts in ((1, ((options.tries, False),)), (2, ((options.two, False), (options.torchrun, True)))):
        if not any(tries for tries, _ in parts):
            continue
        scenes = {}
        for name in options.scenes:
            scene_folder = folder / f"{name} in {processes}"
            scene_folder.mkdir()
            scenes[name] = build(name, Server(encoder, processes), scene_folder)
        types = [each for each in (ONE_PROCESS_TYPES if processes == 1 else ALL_TYPES) if each in options.kinds]
        rng = random.Random(options.seed)
        for tries, torchrun in parts:
            for disturbance in draw_disturbances(
                scenes, rng, types=types, moments=options.moments, tries=tries, processes=processes, torchrun=torchrun
            ):
                yield _disturb(scenes[disturbance.scene], Server(encoder, processes, torchrun), disturbance, folder)


def _disturb(scene: Scene, server: Server, disturbance: Disturbance, folder: Path) -> DisturbanceResult:
    work = Path(tempfile.mkdtemp(dir=folder))
    result = disturb(scene, server, disturbance, work)
    if not result.faults:
        shutil.rmtree(work)
    for fault in result.faults:
        print(f"FAULT {fault}\n  {disturbance}\n  left in {work}", flush=True)
    return result


def _print_each_type(results: Iterator[DisturbanceResult]) -> Iterator[DisturbanceResult]:
    """Pass the results on, and print a line for each type when it is complete."""
    description, of_this_type = "", []
    for result in results:
        if _describe(result.disturbance) != description:
            _print(description, of_this_type)
            description, of_this_type = _describe(result.disturbance), []
        of_this_type.append(result)
        yield result
    _print(description, of_this_type)


def _describe(disturbance: Disturbance) -> str:
    processes = "one process" if disturbance.processes == 1 else "two processes of torchrun" if disturbance.torchrun else "two processes"
    return f"{disturbance.type}, {processes}"


def _print(description: str, results: Sequence[DisturbanceResult]) -> None:
    if not results:
        return
    moments = ", ".join(f"{moment} {n}" for moment, n in sorted(Counter(r.disturbance.moment for r in results).items()))
    statuses = ", ".join(f"{status} {n}" for status, n in sorted(Counter(r.status_between for r in results).items()))
    n_good = sum(not result.faults for result in results)
    print(f"{description}: {n_good} of {len(results)} with nothing lost; moments: {moments}; statuses afterwards: {statuses}", flush=True)


def _summary(results: Sequence[DisturbanceResult]) -> dict[str, object]:
    return {
        "tries": len(results),
        "lost": sum(bool(result.lost) for result in results),
        "wrong_status": sum(bool(result.wrong_status) for result in results),
        "damaged": sum(bool(result.damaged) for result in results),
        "different": sum(bool(result.different) for result in results),
        "parents_changed": sum(bool(result.changed) for result in results),
        "types": Counter(_describe(result.disturbance) for result in results),
        "moments": Counter(result.disturbance.moment for result in results),
        "scenes": Counter(result.disturbance.scene for result in results),
        "statuses_between": Counter(result.status_between for result in results),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
