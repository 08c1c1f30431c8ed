"""Run all attacks on a local test server, on loopback only; print the outcomes, then one line of JSON.

    python -m tests.attack [--only NAME ...] [--parts NAME ...] [--share SHARE] [--seed N]

The exit status is 1 if anything had an effect. A sample of each attack is part of the test suite (``test_*.py``).
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

from tests.attack.outcomes import AttackOptions, Outcome  # noqa: E402

ATTACKS: tuple[str, ...] = (
    "bombs",
    "files",
    "model_folders",
    "markup",
    "endpoints",
    "foreign_pages",
    "paths",
    "visitors",
    "floods",
    "slow_senders",
    "big_files",
    "load",
)
"""The modules of this folder, each with ``attack(options) -> Outcome``."""


def main(arguments: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.attack", description="Attack a local test server.")
    parser.add_argument("--only", nargs="+", choices=ATTACKS, default=ATTACKS)
    parser.add_argument("--parts", nargs="+", default=[], help="only these parts of an attack that has parts (markup)")
    parser.add_argument("--share", dest="fraction", type=float, default=1.0, help="fraction of the full number of tries")
    parser.add_argument("--seed", type=int, default=13)
    args = parser.parse_args(arguments)
    started, outcomes = time.monotonic(), {}
    for name in args.only:
        outcome = outcomes[name] = _attack(name, AttackOptions(args.fraction, args.seed, tuple(args.parts)))
        print(f"{name}: {outcome.tries:,} tries, {len(outcome.effects)} effects, {outcome.figures}", flush=True)
        for effect in outcome.effects[:20]:
            print(f"  {effect}", flush=True)
    summary = {name: asdict(outcome) | {"effects": len(outcome.effects)} for name, outcome in outcomes.items()}
    print(json.dumps({"attacks": summary, "seed": args.seed, "share": args.fraction, "seconds": round(time.monotonic() - started)}))
    return int(not outcomes or any(outcome.effects for outcome in outcomes.values()))


def _attack(name: str, options: AttackOptions) -> Outcome:
    return importlib.import_module(f"tests.attack.{name}").attack(options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
