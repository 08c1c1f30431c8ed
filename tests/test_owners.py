"""Everything that belongs to an owner is reached through a workspace; the owner is named once, in ``Studio.for_owner``."""

import ast
import inspect
from functools import cache
from pathlib import Path

import pytest

from trainer.drafts.drafts import Drafts
from trainer.drafts.editor import DraftEditor
from trainer.run_library import RunLibrary
from trainer.storage import StorageManager
from trainer.studio import Studio
from trainer.trained_models import TrainedModels
from trainer.workspace import Workspace

ROOT = Path(__file__).resolve().parents[1]
WITHOUT_OWNER = {
    "for_owner",
    "close",
    "encoders",
    "forget_visitors",
    "hardware",
    "model_is_on_its_way",
    "recover",
    "settings",
    "status",
    "warm_up",
}
"""What the page and the terminal may use of a studio."""
STORES = ("trainer.runs.store", "trainer.drafts.store", "trainer.drafts.draft_cache")
MODULES = sorted([*(ROOT / "trainer" / "ui").rglob("*.py"), *(ROOT / "trainer" / "cli").rglob("*.py"), ROOT / "trainer" / "__main__.py"])


@cache
def nodes() -> list[tuple[str, ast.AST]]:
    """Path of the module and node, of all modules of page and terminal."""
    trees = {path.relative_to(ROOT).as_posix(): ast.parse(path.read_text(encoding="utf-8")) for path in MODULES}
    return [(path, node) for path, tree in trees.items() for node in ast.walk(tree)]


def is_owner(node: ast.expr) -> bool:
    """Whether an expression is an owner: LOCAL_OWNER or owner()."""
    return (isinstance(node, ast.Name) and node.id == "LOCAL_OWNER") or (
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "owner"
    )


def test_page_and_terminal_name_the_owner_in_for_owner_only() -> None:
    for path, node in nodes():
        if isinstance(node, ast.Call) and any(map(is_owner, [*node.args, *(keyword.value for keyword in node.keywords)])):
            assert isinstance(node.func, ast.Attribute), f"{path}: {ast.unparse(node)}"
            assert node.func.attr == "for_owner", f"{path}: {ast.unparse(node)}"


def test_page_and_terminal_use_only_the_ownerless_part_of_a_studio() -> None:
    for path, node in nodes():
        if isinstance(node, ast.Attribute):
            name = node.value.id if isinstance(node.value, ast.Name) else node.value.attr if isinstance(node.value, ast.Attribute) else ""
            allowed = WITHOUT_OWNER | {"uploads", "visits", "after_deletion"}
            assert name not in ("studio", "_studio") or node.attr in allowed, f"{path}: {ast.unparse(node)}"


def test_page_and_terminal_create_no_stores() -> None:
    for path, node in nodes():
        if isinstance(node, ast.ImportFrom) and node.module in STORES:
            assert not {alias.name for alias in node.names} & {"RunStore", "DraftStore", "DraftCache"}, path


def test_a_studio_offers_nothing_of_an_owner_without_one() -> None:
    assert {name for name in vars(Studio) if not name.startswith("_")} <= WITHOUT_OWNER
    for part in (Workspace, Drafts, DraftEditor, RunLibrary, TrainedModels, StorageManager):
        for name, method in inspect.getmembers(part, inspect.isfunction):
            assert name == "__init__" or "owner" not in inspect.signature(method).parameters, f"{part.__name__}.{name}"


@pytest.mark.parametrize("part", [Studio, Workspace, Drafts, DraftEditor, RunLibrary, TrainedModels, StorageManager])
def test_no_class_has_more_than_fifteen_public_methods(part: type) -> None:
    assert len([name for name in vars(part) if not name.startswith("_")]) <= 15
