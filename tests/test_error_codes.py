"""Every code that the program raises or sends is in the one table of codes, with its class, and every code of the table is used."""

import ast
import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from trainer import errors
from trainer.error_codes import ERROR_CODES
from trainer.errors import MustFixError, NoMemoryError, NotFoundError, UnavailableError, UserError

ROOT = Path(__file__).resolve().parents[1]
SOURCES = sorted([*(ROOT / "trainer").rglob("*.py"), ROOT / "app.py"])
CLASSES = {name: value for name, value in vars(errors).items() if inspect.isclass(value) and issubclass(value, UserError)}
POSITIONS = {"Refusal": 1, "_call_error": 1, "record_failure": 3}
"""Functions that take a code at this position."""
OF_OTHER_THINGS = {"Button", "CheckResult"}
"""Their ``code`` is none of an error."""


@dataclass(frozen=True)
class Use:
    """A code in the source, and the name of the error class that is made with it; "" for another call."""

    code: str
    error: str


def uses(source: str) -> Iterator[Use]:
    tree = ast.parse(source)
    local = {
        node.name: ast.unparse(node.bases[0])
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and node.bases and ast.unparse(node.bases[0]) in CLASSES
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        if name in OF_OTHER_THINGS:
            continue
        codes = [keyword.value for keyword in node.keywords if keyword.arg == "code" or (keyword.arg == "title" and name == "gr.Error")]
        codes += node.args[POSITIONS[name] : POSITIONS[name] + 1] if name in POSITIONS else []
        for code in codes:
            yield from (Use(text, local.get(name, name if name in CLASSES else "")) for text in _texts(code) if text)


def _texts(node: ast.expr) -> Iterator[str]:
    """The texts that an expression may have as a value, where it says so itself."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.IfExp):
        yield from (*_texts(node.body), *_texts(node.orelse))
    elif isinstance(node, ast.JoinedStr):
        yield ast.unparse(node)


@cache
def all_uses() -> list[Use]:
    return [use for path in SOURCES for use in uses(path.read_text(encoding="utf-8"))]


def test_a_code_in_the_source_is_found() -> None:
    source = """
class Worse(FileError): ...
raise FileError("x", code="a" if y else "b")
raise Worse("x", code="c")
Refusal("x", "d")
raise FileError("x", code=f"{part}_e")
Button("x", code="f")
raise error.with_message("x")
record_failure(run, error, "x", "g")
"""
    found = {(use.code, use.error) for use in uses(source)}
    file_errors = {("a", "FileError"), ("b", "FileError"), ("c", "FileError"), ("f'{part}_e'", "FileError")}
    assert found == file_errors | {("d", ""), ("g", "")}


def test_every_code_that_is_used_is_in_the_table_with_its_class() -> None:
    assert len(all_uses()) > 100
    for use in all_uses():
        assert use.code in ERROR_CODES, use
        if use.error:
            assert ERROR_CODES[use.code].error is CLASSES[use.error], use


def test_every_code_of_the_table_is_used() -> None:
    # MustFixError has a single code, and the default of _call_error is not at a call.
    assert {use.code for use in all_uses()} | {MustFixError("x", repair_codes=()).code, "wrong_values"} == ERROR_CODES.keys()


def test_each_code_has_two_sentences_and_stands_in_order() -> None:
    for code, entry in ERROR_CODES.items():
        assert entry.code == code
        for sentence in (entry.meaning, entry.what_to_do):
            assert sentence.endswith(".")
            assert sentence[0].isupper()
    codes = list(ERROR_CODES)
    for error in {entry.error for entry in ERROR_CODES.values()}:
        of_class = [code for code in codes if ERROR_CODES[code].error is error]
        assert of_class == sorted(of_class)


def test_an_error_is_raised_as_one_of_the_classes() -> None:
    """``UserError`` is what is caught."""
    for path in SOURCES:
        calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
        assert [node.lineno for node in calls if isinstance(node.func, ast.Name) and node.func.id == "UserError"] == [], path


def test_status_and_exit_status_follow_from_the_class() -> None:
    assert {error.__name__: (error.status, error.exit_status) for error in CLASSES.values()} == {
        "UserError": (422, 2),
        "FileError": (422, 2),
        "MustFixError": (422, 2),
        "RecipeError": (422, 2),
        "ModelError": (422, 2),
        "RunError": (409, 2),
        "NotFoundError": (404, 2),
        "UnavailableError": (503, 1),
        "NoMemoryError": (503, 1),
    }
    assert ERROR_CODES["unknown_run"].status == NotFoundError.status
    assert ERROR_CODES["disk_full"].status == UnavailableError.status
    assert ERROR_CODES["no_password"].status == 401


def test_an_error_in_other_words_is_the_same_error() -> None:
    error = NoMemoryError("before", code="out_of_memory", retry_texts_at_a_time=4)
    other = error.with_message("after")
    assert (type(other), other.message, str(other), vars(other)) == (NoMemoryError, "after", "after", vars(error))
    assert error.message == "before"
