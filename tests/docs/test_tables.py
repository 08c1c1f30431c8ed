"""The written tables are what the code says today, and nothing that a user can name is missing in them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.commands import arguments, commands
from tests.docs.endpoints import ALL_OF_PROGRESS, endpoints
from tests.docs.pages import ROOT, pages, table_names, with_tables
from tests.docs.refusals import refusals
from tests.docs.tables import TABLES
from trainer.data.files.table import READER_WARNINGS
from trainer.runs.event_types import EVENT_TYPES
from trainer.settings import LIBRARY_DEFAULTS, LIBRARY_VALUES, VARIABLES
from trainer.studio import Studio

SOURCES = sorted([*(ROOT / "trainer").rglob("*.py"), ROOT / "app.py"])
OTHER_NAMES = {
    # A value, and a method of HTTP.
    *("PASSIVE", "GET"),
    # Set for the process that reads files, or names that are no variables there.
    *("ARROW_DEFAULT_MEMORY_POOL", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "CREATE_NO_WINDOW", "SIGKILL", "SIGXCPU"),
    # Set by Emotune within a process that has a lent GPU.
    "BORROWED_GPU",
}
"""Names in capital letters, in modules that use the environment, that no one sets for Emotune."""


@pytest.mark.parametrize("path", pages(), ids=lambda path: str(path.relative_to(ROOT)))
def test_tables_are_what_the_code_says(path: Path) -> None:
    page = path.read_text(encoding="utf-8")
    assert page == with_tables(page, TABLES), "the code has changed: run `make docs`"


def test_each_table_stands_in_one_page() -> None:
    assert sorted(name for path in pages() for name in table_names(path.read_text(encoding="utf-8"))) == sorted(TABLES)


def test_a_table_is_written_between_its_marks_and_nowhere_else() -> None:
    page = "before\n<!-- make docs: fruit -->\nold\n<!-- end -->\nafter <!-- end -->\n"
    written = with_tables(page, {"fruit": lambda: "| apple |\n"})
    assert written == "before\n<!-- make docs: fruit -->\n\n| apple |\n\n<!-- end -->\nafter <!-- end -->\n"
    assert with_tables(written, {"fruit": lambda: "| apple |"}) == written
    assert with_tables(written, {"fruit": lambda: "| pear |"}) != written
    with pytest.raises(KeyError):
        with_tables(page, {})


# Commands and endpoints


@pytest.mark.parametrize("name", commands())
def test_each_argument_of_a_command_has_help(name: str) -> None:
    missing = [action.dest for action in arguments(commands()[name]) if not action.help]
    assert not missing


def test_each_argument_of_an_endpoint_and_each_result_is_described(studio: Studio) -> None:
    documented = endpoints(studio)
    for endpoint in documented:
        assert endpoint.description
        assert all(endpoint.arguments.values()), endpoint
        assert all(endpoint.returns.values()), endpoint
        assert endpoint.returns, endpoint
    by_name = {endpoint.name: endpoint for endpoint in documented}
    assert ALL_OF_PROGRESS not in by_name["/progress"].returns


def test_limits_in_the_description_of_endpoints_are_those_of_the_settings(studio: Studio) -> None:
    texts = next(endpoint.arguments["texts"] for endpoint in endpoints(studio) if endpoint.name == "/predict")
    settings = studio.settings
    assert re.findall(r"[\d,]+", texts) == [f"{settings.max_texts_per_prediction:,}", f"{settings.max_chars_per_prediction:,}"]


def test_every_event_says_what_it_means() -> None:
    """In a docstring of its own."""
    assert {name for name, event in EVENT_TYPES.items() if not vars(event)["__doc__"]} == set()


def test_every_refusal_has_a_code_and_a_message() -> None:
    listed = refusals()
    assert {refusal.code for refusal in listed} >= {
        "no_password",
        "foreign_page",
        "unknown_host",
        "too_large",
        "uploads_full",
        "unexpected",
    }
    assert all(re.fullmatch("[a-z_]+", refusal.code) and refusal.message.endswith(".") and refusal.message != "…" for refusal in listed)


def test_every_warning_of_a_reader_is_documented() -> None:
    assert set(_codes("ReaderWarning")) == set(READER_WARNINGS)


def _codes(*functions: str) -> Iterator[str]:
    """The first argument, a code, of all calls of these functions."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions and node.args:
                yield ast.literal_eval(node.args[0])


# Environment variables


def test_every_environment_variable_that_is_read_is_documented() -> None:
    named = {name for path in SOURCES for name in _variables(path.read_text(encoding="utf-8"))}
    assert named == {variable.name for variable in VARIABLES} | LIBRARY_DEFAULTS.keys() | LIBRARY_VALUES.keys()
    assert _variables('import os\nos.environ.get("EMOTUNE_NEW", "")\n') == {"EMOTUNE_NEW"}


def test_every_variable_of_ours_that_is_mentioned_exists() -> None:
    for path in [*pages(), ROOT / "Dockerfile", ROOT / "Makefile", *SOURCES]:
        mentioned = set(re.findall(r"\bEMOTUNE_[A-Z_]+", path.read_text(encoding="utf-8")))
        assert mentioned <= {variable.name for variable in VARIABLES}, path.name


def _variables(source: str) -> set[str]:
    """The names in capital letters in a module that uses the environment."""
    if not re.search(r"\benviron\b|\bgetenv\b", source):
        return set()
    constants = {node.value for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    return {name for name in constants if re.fullmatch("[A-Z][A-Z_]+", name)} - OTHER_NAMES
