"""Links and paths in the documentation lead somewhere, and the README names every room."""

import re
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, code_blocks, pages

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_PATH = re.compile(r"`(\w[\w.-]*(?:/[\w.-]+)*/?)`")
_FOLDERS = ("trainer", "tests", "assets", "docs", ".ci")
_NAMED_AS_ABSENT = {"utils.py"}


def ids(path: Path) -> str:
    return str(path.relative_to(ROOT))


def anchors(page: str) -> set[str]:
    """The anchors that GitHub gives the headings of a page."""
    headings = re.findall(r"^#+ (.+)$", page, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("path", pages(), ids=ids)
def test_links_lead_to_a_file_and_a_heading(path: Path) -> None:
    for target in _LINK.findall(path.read_text(encoding="utf-8")):
        if target.startswith(("https://", "http://")):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.exists(), target
        assert not anchor or anchor in anchors(file.read_text(encoding="utf-8")), target


@pytest.mark.parametrize("path", [path for path in pages() if path.name != "CHANGELOG.md"], ids=ids)
def test_files_that_are_named_exist(path: Path) -> None:
    """A path may leave out its first folders, where that is clear."""
    suffixes = (".py", ".js", ".css", ".csv", ".toml", ".txt", "/")
    existing = {f"/{file.relative_to(ROOT).as_posix()}" for folder in _FOLDERS for file in (ROOT / folder).rglob("*")}
    existing |= {f"/{file.name}" for file in ROOT.iterdir()}
    for name in _PATH.findall(path.read_text(encoding="utf-8")):
        if name.endswith(suffixes) and name not in _NAMED_AS_ABSENT:
            assert any(file.endswith(f"/{name.rstrip('/')}") for file in existing), name


def test_every_page_of_docs_is_linked_from_the_readme() -> None:
    linked = set(_LINK.findall((ROOT / "README.md").read_text(encoding="utf-8")))
    assert {f"docs/{path.name}" for path in (ROOT / "docs").glob("*.md")} <= linked


def test_the_map_of_the_readme_has_every_module_and_every_room() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    listing = next(block.code for block in code_blocks(readme) if "trainer/\n" in block.code)
    entries = [entry for entry in (ROOT / "trainer").iterdir() if entry.suffix == ".py" or (entry / "__init__.py").is_file()]
    named = set(re.findall(r"[\w]+\.py|\w+/", listing))
    assert {f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries} - {"__init__.py"} <= named
    assert {name for name in named if name.endswith(".py")} <= {path.name for path in [*(ROOT / "trainer").glob("*.py"), ROOT / "app.py"]}
