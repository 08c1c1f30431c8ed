"""The architecture: imports go downward only, gradio stays in ui/, torch in training/, and there are no import cycles."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted([*(ROOT / "trainer").rglob("*.py"), ROOT / "app.py"])

FLOORS = [
    {"errors", "atomic", "html_page", "text_format", "__init__"},
    {"recipe_fields", "regimes"},
    {
        "error_codes",
        "settings",
        "recipe",
        "cache",
        "call_rate",
        "check",
        "hub",
        "npm",
        "download_places",
        "open_pages",
        "terminal",
        "signals",
        "timer",
        "shares",
        "switches",
        "upload_owners",
        "users",
        "visits",
    },
    {"recipe_file"},
    {"data", "runs", "presets"},
    {"training", "evaluation", "audit"},
    {"charts", "drafts", "jobs", "security"},
    {"created_fields", "explanation", "storage", "report_html"},
    {"trained_models"},
    {"run_library", "whole_files", "file_evaluations", "similar_texts", "model_exports"},
    {"services", "label_proof", "label_checks", "label_corrections", "run_reports"},
    {"shared_runs"},
    {"workspace"},
    {"ready_model"},
    {"studio"},
    {"ui", "cli"},
    {"app", "__main__"},
]
ONLY_IN = {
    "gradio": {"ui", "app"},
    "torch": {"training"},
    "transformers": {"training"},
    "accelerate": {"training"},
    "peft": {"training"},
    "onnx": {"training"},
    "onnxruntime": {"training"},
}
LATE = {"torch", "transformers", "accelerate", "peft", "datasets", "sklearn", "onnx", "onnxruntime", "httpx"}


def room(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[0] if parts[0] == "app" else parts[1]


def floor(name: str) -> int:
    return next(i for i, rooms in enumerate(FLOORS) if name in rooms)


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports(path: Path) -> list[tuple[str, ast.stmt]]:
    """Every module imported anywhere in a file, with the statement."""
    modules = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            modules += [(alias.name, node) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            modules.append((node.module, node))
    return modules


@cache
def top_level(path: Path) -> list[str]:
    """The modules that importing this file imports at once."""
    return [
        name
        for node in parsed(path).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else [node.module or "", *(f"{node.module}.{a.name}" for a in node.names)]  # a name may be a module
        )
    ]


def test_imports_run_downward() -> None:
    for path, (name, node) in [(module, found) for module in MODULES for found in imports(module)]:
        if not name.startswith("trainer"):
            continue
        own_room = room(path)
        assert not (isinstance(node, ast.ImportFrom) and node.level), f"{path}: relative import"
        parts = name.split(".")
        imported_rooms = [parts[1]] if len(parts) > 1 else [a.name for a in node.names]
        for imported_room in imported_rooms:
            if imported_room == own_room or imported_room == "__version__":
                continue
            assert floor(imported_room) < floor(own_room), f"{path} ({own_room}) imports {name}, which is not below it"


def test_a_training_is_handed_a_reporter_and_paths_and_knows_no_run() -> None:
    training = [path for path in MODULES if room(path) == "training"]
    assert len(training) > 10
    for path in training:
        names = {name for name, _ in imports(path)}
        assert not names & {"trainer.runs.run", "trainer.runs.store", "trainer.runs.view_builder", "trainer.runs.events"}, path


def test_heavy_libraries_stay_in_their_room() -> None:
    for path in MODULES:
        for name, _ in imports(path):
            allowed = ONLY_IN.get(name.split(".")[0])
            assert allowed is None or room(path) in allowed, f"{path} imports {name}"


def test_no_import_cycles() -> None:
    def module(path: Path) -> str:
        return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")

    known = {module(p): p for p in MODULES}
    edges = {name: {n for n, _ in imports(path) if n in known} for name, path in known.items()}
    done: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " -> ".join((*trail, name))
        if name in done:
            return
        for imported in edges[name]:
            visit(imported, (*trail, name))
        done.add(name)

    for name in edges:
        visit(name, ())
    assert len(done) == len(known)


def imported_at_once(start: str) -> dict[str, set[str]]:
    """Each of our modules that importing ``start`` imports, with the names that it imports itself."""
    known = {".".join(p.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): p for p in MODULES}
    seen: dict[str, set[str]] = {}
    todo = [start]
    while todo:
        name = todo.pop()
        if name in known and name not in seen:
            seen[name] = set(top_level(known[name]))
            todo += seen[name]
    return seen


@pytest.mark.parametrize(
    ("start", "late"), [("trainer.ui.launch", LATE), ("trainer.__main__", LATE | {"numpy", "pyarrow", "pandas", "scipy"})]
)
def test_the_page_opens_before_torch_is_loaded(start: str, late: set[str]) -> None:
    """Top-level imports reach no library that takes seconds to import; those of the terminal none that takes long."""
    seen = imported_at_once(start)
    for name, imported in seen.items():
        heavy = {n.split(".")[0] for n in imported} & late
        assert not heavy, f"{name} imports {heavy} at once"
    assert len(seen) > 3


def test_only_the_child_process_imports_what_reads_files() -> None:
    parsers = {f"trainer.data.files.{name}" for name in ("read_table", "archives", "markup_tables", "calamine_workbook", "json_tables")}
    assert parsers <= imported_at_once("trainer.data.reader.child_main").keys()
    assert not parsers & imported_at_once("trainer.ui.launch").keys()
