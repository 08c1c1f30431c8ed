"""The commands ``status``, ``switch`` and ``users``: who uses a server and what it does, what it may do at the moment, and who may log in."""

import argparse
import getpass
import json
import sys
import time
from dataclasses import asdict

from trainer.errors import RecipeError, UnavailableError
from trainer.settings import Settings
from trainer.switches import SWITCHES, Switches, blocked
from trainer.terminal import terminal_line
from trainer.text_format import file_size, pluralize, time_ago
from trainer.users import Users


def status(options: argparse.Namespace) -> int:
    """Print the visitors, their work and the disk, and the switches that are on."""
    from trainer.studio import Studio

    seen = Studio(Settings.from_environment()).status()
    if options.json:
        print(json.dumps(asdict(seen)))
        return 0
    for owner in seen.owners:
        last = "" if owner.last_visit is None else f", here {time_ago(time.time() - owner.last_visit)}"
        print(f"{terminal_line(owner.owner)}: {pluralize(owner.runs, 'run')}{last}")
    for job in seen.jobs:
        print(f"{job.status}: {job.type} {terminal_line(job.name)} of {terminal_line(job.owner)}")
    print(f"{file_size(seen.free_bytes)} of the disk are free.")
    print(f"Switched on: {', '.join(map(terminal_line, seen.switches)) or 'nothing'}")
    return 0


def switch(options: argparse.Namespace) -> int:
    """Turn a switch of a running server on or off, or block an owner."""
    is_owner = options.name.startswith(("block:visitor-", "block:user-"))
    name = blocked(options.name.removeprefix("block:")) if is_owner else options.name
    if name not in SWITCHES and name == options.name:
        raise RecipeError(
            f"There is no switch “{options.name[:40]}”. Choose {', '.join(SWITCHES)}, or block:OWNER with an owner that status lists.",
            code="unknown_setting",
        )
    settings = Settings.from_environment()
    try:
        Switches(settings.runs_dir).turn(name, on=options.state == "on")
    except OSError as error:
        raise UnavailableError(f"The switch could not be turned ({error.strerror or error}).", code="disk_not_writable") from error
    print(
        f"{options.name} is {options.state}. {SWITCHES.get(name, 'Requests of this visitor are refused.') if options.state == 'on' else ''}".strip()
    )
    return 0


def users(options: argparse.Namespace) -> int:
    """Print the users of a team, or add or remove one."""
    known, name = Users(Settings.from_environment().users_file), options.name.strip().lower()
    if options.action == "list":
        print("\n".join(known.names()) or "There is no user yet.")
        return 0
    try:
        if options.action == "remove":
            known.remove(name)
        else:
            known.set_password(name, _ask_password(name))
    except OSError as error:
        raise UnavailableError(f"The users could not be written ({error.strerror or error}).", code="disk_not_writable") from error
    print(
        f"{terminal_line(name)} may log in."
        if options.action == "add"
        else f"{terminal_line(name)} may not log in any more. Files and runs stay."
    )
    return 0


def _ask_password(name: str) -> str:
    """The new password of a user: typed twice, or the first line of the standard input of a program. Raises UserError ``bad_user``."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    password = getpass.getpass(f"Password of {terminal_line(name)}: ")
    if password != getpass.getpass("Once more: "):
        raise RecipeError("The two passwords differ. Type the same one twice.", code="bad_user")
    return password
