"""The commands of the terminal and their options, from the parsers that read them."""

import argparse

import app
from tests.docs.markdown import code, sentence, table
from trainer.__main__ import build_parser


def commands() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command, by the words that call it."""
    parser = build_parser()
    # argparse has no public way to a parser's arguments.
    names = next(action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {"python app.py": app.build_parser(), **{f"{parser.prog} {name}": command for name, command in names.items()}}


def command_table() -> str:
    """Each command with the form of its call and a table of its arguments."""
    return "\n\n".join(_describe(name, command) for name, command in commands().items())


def arguments(command: argparse.ArgumentParser) -> list[argparse.Action]:
    """The arguments of a command, except ``--help``."""
    return [action for action in command._actions if action.dest != "help"]


def _describe(name: str, command: argparse.ArgumentParser) -> str:
    listed = arguments(command)
    usage = " ".join([name, *map(_usage, listed)])
    rows = [(code(" ".join([*action.option_strings[:1], *_value(action)])), sentence(action.help or "")) for action in listed]
    return f"### {name.removeprefix('python -m trainer ')}\n\n```\n{usage}\n```\n\n{table(['argument', 'meaning'], rows)}"


def _usage(action: argparse.Action) -> str:
    word = " ".join([*action.option_strings[:1], *_value(action)])
    more = " ..." if isinstance(action, argparse._AppendAction) or action.nargs in ("*", "+") else ""
    # ``action.required`` of a list that may be empty differs between releases of Python.
    required = action.required and action.nargs != "*"
    return f"{word}{more}" if required else f"[{word}]{more}"


def _value(action: argparse.Action) -> list[str]:
    return [] if action.nargs == 0 else [str(action.metavar or action.dest)]
