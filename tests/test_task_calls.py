"""Only a task turns logits into probabilities and probabilities into decisions: nothing else says argmax, softmax or cross-entropy."""

import ast
from pathlib import Path

import pytest

from trainer.audit.checks_by_task import LABEL_CHECKS
from trainer.charts.charts_by_task import TASK_CHARTS
from trainer.data.folds import TASK_FOLDS
from trainer.data.task import TASKS
from trainer.evaluation.metrics import EVALUATIONS
from trainer.training.losses import TRAINING_TASKS

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*(ROOT / "trainer").rglob("*.py"), ROOT / "app.py"])

DECISIONS = {"argmax", "nanargmax", "idxmax", "topk", "argmin"}
PROBABILITIES = {"softmax", "log_softmax", "sigmoid", "logsigmoid", "expit"}
LOSSES = {"cross_entropy", "CrossEntropyLoss", "NLLLoss", "nll_loss", "binary_cross_entropy_with_logits", "BCEWithLogitsLoss"}
NAMES = DECISIONS | PROBABILITIES | LOSSES
SORTS = {"max", "min", "sorted", "sort", "argsort", "argpartition", "nlargest"}
"""Of probabilities or logits, they would be an argmax in disguise."""

HOMES = {
    "trainer/data/task.py": "the tasks themselves",
    "trainer/training/losses.py": "what they mean on tensors, while a model is trained",
}
NO_DECISIONS = {
    "trainer/data/checks/labels.py": "the labels with most and with fewest rows of the file",
    "trainer/evaluation/label_suggestions.py": "the label that is contradicted most, and the one whose texts are missed most",
    "trainer/evaluation/report.py": "the class with most rows",
    "trainer/training/batching.py": "the batch with the longest text",
}


def found(tree: ast.AST) -> list[str]:
    """Each use of one of the names, however it is written, and each sorting of probabilities or logits."""
    docstrings = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and node.body and isinstance(node.body[0], ast.Expr)
    }
    uses = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr in NAMES:
            uses.append(node.attr)
        elif isinstance(node, ast.Name) and node.id in NAMES:
            uses.append(node.id)
        elif isinstance(node, ast.ImportFrom):
            uses += [alias.name for alias in node.names if alias.name in NAMES]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            uses += [name for name in NAMES if f"{name}(" in node.value or node.value == name]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in SORTS:
            code = ast.unparse(node)
            bounds_a_number = isinstance(node.func, ast.Name) and node.func.id in ("max", "min") and len(node.args) > 1
            uses += [code] if ("probabilit" in code or "logits" in code) and not bounds_a_number else []
    return uses


def test_only_tasks_decide() -> None:
    for path in MODULES:
        name, uses = path.relative_to(ROOT).as_posix(), found(ast.parse(path.read_text(encoding="utf-8")))
        if name in NO_DECISIONS:
            assert set(uses) <= {"argmax", "argmin"}, f"{name}: {uses}"
        elif name not in HOMES:
            assert not uses, f"{name}: {uses}. Ask the task (trainer/data/task.py) or, on tensors of a training, TRAINING_TASKS."


@pytest.mark.parametrize("name", [*HOMES, *NO_DECISIONS])
def test_every_exception_is_needed(name: str) -> None:
    assert found(ast.parse((ROOT / name).read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    "code",
    [
        "x.argmax(1)",
        "np.argmax(probabilities, axis=1)",
        "torch.softmax(logits, -1)",
        "from torch.nn.functional import softmax as soft",
        "decide = np.argmax",
        "getattr(x, 'argmax')()",
        "CODE = 'probabilities = logits.softmax(-1)'",
        "torch.nn.functional.cross_entropy(logits, labels)",
        "max(probabilities, key=probabilities.get)",
        "sorted(range(3), key=lambda i: -probabilities[i])[0]",
        "np.argsort(self.probabilities)",
        "logits.max(dim=-1).indices",
        "logits.sort()",
    ],
)
def test_the_search_sees_it(code: str) -> None:
    assert found(ast.parse(code))


@pytest.mark.parametrize(
    "code", ["max(lengths)", "min(sum(probabilities), 1.0)", "np.argsort(lengths)", 'def f():\n    """Like softmax(x)."""', "sorted(names)"]
)
def test_the_search_leaves_other_code_alone(code: str) -> None:
    assert not found(ast.parse(code))


def test_every_table_has_every_task() -> None:
    assert TASKS.keys() == TASK_FOLDS.keys() == LABEL_CHECKS.keys() == TRAINING_TASKS.keys() == EVALUATIONS.keys() == TASK_CHARTS.keys()
