"""Installed packages: versions as locked, permissive licences, the container, the Space."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]

PLATFORM_SPECIFIC = re.compile(r"torch|triton|nvidia-.*|cuda-.*")
"""torch and its dependencies, whose builds differ by machine."""

PERMISSIVE = re.compile(
    r"(?i)\b(MIT|MIT-CMU|0?BSD|BSD-[23]-Clause|Apache|Apache-2\.0|PSF|PSF-2\.0|Python|CNRI-Python|ISC|ISCL|MPL-2\.0|Mozilla Public License 2\.0|Zlib|CC0-1\.0|BSL-1\.0|Unlicense)\b"
)
STRICT = re.compile(r"(?i)\b(A|L)?GPL|General Public|SSPL|Non-?Commercial|Proprietary")
UNDECLARED_LICENCES = {"axe-playwright-python": "MIT License"}
"""Text in the licence file of packages whose metadata names no licence."""


def requirements(name: str) -> dict[str, Requirement]:
    """Requirements of a file by package name; for a package with several lines, the one for this machine."""
    by_name = {}
    for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate():
                by_name[canonicalize_name(requirement.name)] = requirement
    return by_name


@cache
def needed(*files: str) -> frozenset[str]:
    """The packages that these requirements files install on this machine, dependencies included."""
    pending, seen = [(requirement.name, tuple(requirement.extras)) for file in files for requirement in requirements(file).values()], set()
    while pending:
        name, extras = pending.pop()
        if (canonicalize_name(name), extras) in seen:
            continue
        seen.add((canonicalize_name(name), extras))
        pending += [(inner.name, tuple(inner.extras)) for inner in _needs(name, extras)]
    return frozenset(name for name, _ in seen)


def _needs(name: str, extras: tuple[str, ...]) -> Iterator[Requirement]:
    for line in metadata.requires(name) or ():
        requirement = Requirement(line)
        environments = [{**default_environment(), "extra": extra} for extra in ("", *extras)]
        if requirement.marker is None or any(requirement.marker.evaluate(environment) for environment in environments):
            yield requirement


def test_each_package_that_is_installed_is_in_the_lock_with_its_release() -> None:
    lock, packages = requirements("constraints.txt"), needed("requirements.txt", "tests/requirements.txt")
    floating = {name for name in packages if not PLATFORM_SPECIFIC.fullmatch(name) and name not in lock}
    assert floating == set()
    differing = {
        name: metadata.version(name)
        for name in packages & lock.keys()
        if not lock[name].specifier.contains(metadata.version(name), prereleases=True)
    }
    assert differing == {}
    assert len(packages) > 80


def test_the_lock_pins_each_package_except_torch() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line) for line in lines)
    assert [line for line in lines if PLATFORM_SPECIFIC.fullmatch(line.split("==")[0])] == []
    assert requirements("requirements.txt")["torch"].specifier.contains("2.13.0+cpu")


@pytest.mark.parametrize("file", ["requirements.txt", "tests/requirements.txt"])
def test_requirements_and_lock_agree(file: str) -> None:
    lock = requirements("constraints.txt")
    required = {name: requirement for name, requirement in requirements(file).items() if not PLATFORM_SPECIFIC.fullmatch(name)}
    assert {name: str(lock[name].specifier) for name in required} == {
        name: str(requirement.specifier) for name, requirement in required.items()
    }


def test_every_set_up_uses_the_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "-c constraints.txt" in re.search(r"^PIP := (.*)$", makefile, re.MULTILINE)[1]
    assert re.search(r"^\$\(VENV\)/ready: .*constraints\.txt", makefile, re.MULTILINE)
    assert re.findall(r"^\t\$\(PIP\) -r (.*)$", makefile, re.MULTILINE) == ["requirements.txt", "tests/requirements.txt"]


def test_licences_are_permissive() -> None:
    wrong = {name: licence for name in needed("requirements.txt", "tests/requirements.txt") if not _permissive(licence := _licence(name))}
    assert wrong == {}


def _permissive(licence: str) -> bool:
    return bool(PERMISSIVE.search(licence)) and not STRICT.search(licence)


def _licence(name: str) -> str:
    package = metadata.metadata(name)
    classified = [line for line in package.get_all("Classifier") or () if line.startswith("License")]
    # If the licence is given in full, its first words name it.
    parts = (
        [package.get("License-Expression"), *classified] if package.get("License-Expression") or classified else [package.get("License")]
    )
    licence = " ".join(word for word in parts if word)[:300]
    if not licence and name in UNDECLARED_LICENCES:
        files = [file for file in metadata.files(name) or () if "LICENSE" in file.name.upper()]
        licence = UNDECLARED_LICENCES[name] if any(UNDECLARED_LICENCES[name] in file.read_text() for file in files) else ""
    return licence


@pytest.mark.parametrize(
    "licence",
    ["GPL-3.0-only", "License :: OSI Approved :: GNU Affero General Public License v3", "LGPL-2.1", "", "Proprietary", "MIT AND AGPL-3.0"],
)
def test_other_licences_are_detected(licence: str) -> None:
    assert not _permissive(licence)


def instructions() -> list[tuple[str, str]]:
    """The Dockerfile's instructions, each with its arguments."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"))
    return [tuple(line.split(maxsplit=1)) for line in text.splitlines() if line and not line.startswith("#")]


def test_the_container_installs_from_the_lock_keeps_runs_in_a_volume_and_does_not_run_as_root() -> None:
    lines = instructions()
    instructions_used = [instruction for instruction, _ in lines]
    (installs,) = (arguments for instruction, arguments in lines if instruction == "RUN" and "pip install" in arguments)
    assert "-c constraints.txt -r requirements.txt" in installs
    environment = dict(pair.split("=", 1) for instruction, arguments in lines if instruction == "ENV" for pair in arguments.split())
    (volume,) = (arguments for instruction, arguments in lines if instruction == "VOLUME")
    assert environment["EMOTUNE_RUNS"].startswith(f"{volume}/")
    assert environment["GRADIO_SERVER_NAME"] == "0.0.0.0"
    assert ("USER", "emotune") in lines
    assert instructions_used.index("USER") < instructions_used.index("CMD")
    assert "HEALTHCHECK" in instructions_used
    # Public only on request.
    assert json.loads(dict(lines)["CMD"]) == ["python", "app.py"]


def test_each_file_that_the_container_copies_exists_and_is_not_ignored() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    copied = {name for instruction, arguments in instructions() if instruction == "COPY" for name in arguments.split()[:-1]}
    assert copied == let_in == {"requirements.txt", "constraints.txt", "app.py", "trainer", "assets"}
    assert all((ROOT / name).exists() for name in copied)


def test_the_container_s_health_check_is_valid_python() -> None:
    arguments = dict(instructions())["HEALTHCHECK"]
    command = json.loads(arguments[arguments.index("[") :])
    assert compile(command[-1], "HEALTHCHECK", "exec").co_names


@pytest.mark.slow
def test_the_requirements_are_compatible_with_those_of_a_space(tmp_path: Path) -> None:
    """A Space installs them in one call with gradio[oauth], spaces and uvicorn; only pip's resolver runs here, nothing is installed."""
    added = ["gradio[oauth]==" + str(requirements("requirements.txt")["gradio"].specifier).removeprefix("=="), "spaces", "uvicorn>=0.14.0"]
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check", "--report", str(report)]
    completed = subprocess.run(
        [*command, "-r", str(ROOT / "requirements.txt"), *added], capture_output=True, text=True, timeout=600, check=False
    )
    if re.search(
        r"NewConnectionError|ConnectTimeout|ReadTimeout|Could not find a version that satisfies the requirement (spaces|authlib) \S*\(from versions: none\)",
        completed.stderr,
    ):
        pytest.skip("needs an index of packages")
    assert completed.returncode == 0, completed.stderr[-2000:]
    names = {canonicalize_name(package["metadata"]["name"]) for package in json.loads(report.read_text())["install"]}
    # Our pinned versions stay.
    assert names.isdisjoint(requirements("requirements.txt"))
