"""Attack a server of one's own in every way that is known, on loopback alone; print what came of it, then one line of JSON.

    python -m tests.attack [--only NAME ...] [--share SHARE] [--seed N]

The exit status tells whether anything had an effect. A sample of each attack is part of the suite (``test_attacks.py``).
"""

import argparse
import importlib
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from trainer.settings import prepare_environment

prepare_environment()

from tests.attack.outcomes import Bounds, Outcome  # noqa: E402

ATTACKS: tuple[str, ...] = (
    "bombs",
    "files",
    "model_folders",
    "markup",
    "endpoints",
    "foreign_pages",
    "paths",
    "floods",
    "slow_senders",
    "load",
)
"""The modules of this folder, each with ``attack(bounds) -> Outcome``."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description="Attack a server of one's own.")
    parser.add_argument("--only", nargs="+", choices=ATTACKS, default=ATTACKS)
    parser.add_argument("--share", type=float, default=1.0, help="of the full number of tries")
    parser.add_argument("--seed", type=int, default=13)
    options = parser.parse_args(arguments)
    begun, found = time.monotonic(), {}
    for name in options.only:
        found[name] = _attack(name, Bounds(options.share, options.seed))
        print(f"{name}: {found[name].tries:,} tries, {len(found[name].effects)} effects, {found[name].figures}", flush=True)
        for effect in found[name].effects[:20]:
            print(f"  {effect}", flush=True)
    summary = {name: asdict(outcome) | {"effects": len(outcome.effects)} for name, outcome in found.items()}
    print(json.dumps({"attacks": summary, "seed": options.seed, "share": options.share, "seconds": round(time.monotonic() - begun)}))
    return int(not found or any(outcome.effects for outcome in found.values()))


def _attack(name: str, bounds: Bounds) -> Outcome:
    return importlib.import_module(f"tests.attack.{name}").attack(bounds)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
