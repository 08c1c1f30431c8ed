"""Tables and cells in Markdown."""

import re
from collections.abc import Iterable, Sequence

_CODE = re.compile(r"""\{[^}]*\}|"[a-z0-9_]+"|(?<!\w)/[a-z]+\b|(?<!\w)--[a-z-]+|\b[A-Za-z0-9]+(?:_[A-Za-z0-9]+)+\b""")
"""Names and values in a sentence: JSON, quoted keys, endpoints, options, names with underscores."""


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; a cell is one line of Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(_cell, line))} |" for line in lines)


def code(text: object) -> str:
    """A name or a value in the type of code."""
    return f"`{text}`"


def sentence(text: str) -> str:
    """A sentence of the code as Markdown: its names in the type of code, and what looks like markup as it is."""
    return _CODE.sub(lambda name: code(name[0].strip('"')), text.replace("<", "&lt;").replace("*", "\\*"))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")
