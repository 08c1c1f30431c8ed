"""The refusals of requests by the server, from the calls that make them."""

import ast
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from types import ModuleType

from tests.docs.markdown import code, sentence, table
from tests.docs.pages import ROOT
from trainer.error_codes import ERROR_CODES

_PLACES = sorted([*(ROOT / "trainer" / "security").glob("*.py"), ROOT / "trainer" / "ui" / "launch.py"])


@dataclass(frozen=True)
class DocumentedRefusal:
    """HTTP status, code and message; what depends on the request is "…"."""

    status: int
    code: str
    message: str


def refusals() -> list[DocumentedRefusal]:
    """All of them, by status and code."""
    return sorted(
        {refusal for path in _PLACES for refusal in _refusals(path.read_text("utf-8"), _module(path))},
        key=lambda r: (r.status, r.code, r.message),
    )


def refusal_table() -> str:
    return table(["status", "code", "message"], [(str(r.status), code(r.code), sentence(r.message)) for r in refusals()])


def _module(path: object) -> ModuleType:
    return importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


def _refusals(source: str, module: ModuleType) -> Iterator[DocumentedRefusal]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Refusal":
            message, name = (_text(argument, module) for argument in node.args)
            yield DocumentedRefusal(ERROR_CODES[name].status, name, message)


def _text(node: ast.expr, module: ModuleType) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.Name):
        return getattr(module, node.id, "…")
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(value, module) for value in node.values)
    if isinstance(node, ast.FormattedValue):
        return _text(node.value, module)
    return "…"
