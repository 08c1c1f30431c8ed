"""The pages of the documentation, and the marked places in them that hold written tables.

A table stands between ``<!-- make docs: NAME -->`` and ``<!-- end -->``; what a table holds is in ``tables.py``.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_MARKED = re.compile(r"(<!-- make docs: ([a-z_]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


@dataclass(frozen=True)
class CodeBlock:
    """A fenced block of code and the name of its language, empty if it has none."""

    language: str
    code: str


def code_blocks(page: str) -> list[CodeBlock]:
    """The fenced blocks of a page, in their order."""
    return [CodeBlock(*found) for found in _BLOCK.findall(page)]


def pages() -> list[Path]:
    """All pages that a reader finds: those in the root folder, in docs/ and beside the tests."""
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("tests/**/*.md")])


def table_names(page: str) -> list[str]:
    """The names of the tables that a page asks for."""
    return [name for _, name, _, _ in _MARKED.findall(page)]


def with_tables(page: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """The page with each table written anew. Raises KeyError for a name without a table."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{tables[found[2]]().strip()}\n\n{found[4]}", page)


def write_tables(tables: Mapping[str, Callable[[], str]]) -> list[Path]:
    """Write all tables into their pages; returns the pages that have changed."""
    changed = []
    for path in pages():
        page = path.read_text(encoding="utf-8")
        if (written := with_tables(page, tables)) != page:
            path.write_text(written, encoding="utf-8")
            changed.append(path)
    return changed
