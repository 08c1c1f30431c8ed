"""Waiting: every test that waits for something waits as long."""

import ast
from pathlib import Path

TESTS = Path(__file__).resolve().parent
MEASURED = {"bench", "attack", "faults"}
"""What looks at the clock on purpose."""


def test_no_test_has_a_deadline_of_its_own() -> None:
    """A number of seconds that suffices on a quiet machine fails a right program on a busy one."""
    own = []
    for path in sorted(TESTS.rglob("*.py")):
        if path.relative_to(TESTS).parts[0] in MEASURED:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            limits = [k.value for k in node.keywords if k.arg == "timeout"] if isinstance(node, ast.Call) else []
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "wait" and len(node.args) == 2:
                limits.append(node.args[1])  # workspace.wait(id, seconds)
            if isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and "TIMEOUT" in t.id for t in node.targets):
                limits.append(node.value)
            own += [f"{path.relative_to(TESTS)}:{limit.lineno}" for limit in limits if isinstance(limit, ast.Constant) and limit.value]
    assert [where for where in own if not where.startswith("addresses.py:")] == []


def test_every_page_waits_as_long() -> None:
    """Chromium's pages give up after 30 seconds of their own accord."""
    hasty = []
    for path in sorted(TESTS.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        if path.relative_to(TESTS).parts[0] in ("bench", "docs"):
            continue
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        opened = {id(c): c.lineno for c in calls if isinstance(c.func, ast.Attribute) and c.func.attr == "new_page"}
        for call in calls:
            if isinstance(call.func, ast.Name) and call.func.id == "patient":
                opened.pop(id(call.args[0]), None)
        hasty += [f"{path.relative_to(TESTS)}:{line}" for line in opened.values()]
    assert hasty == []
