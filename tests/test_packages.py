"""Installed packages: versions as locked, permissive licences, the container, the Space."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.addresses import TIMEOUT_SECONDS

ROOT = Path(__file__).resolve().parents[1]

PLATFORM_SPECIFIC = re.compile(r"triton|nvidia-.*|cuda-.*")
"""What torch's builds for NVIDIA bring along; it differs by machine."""

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


def test_the_lock_pins_each_package_but_what_builds_of_torch_bring_along() -> None:
    lines = [line for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    assert all(re.fullmatch(r"[a-z0-9-]+==[\w.]+( ; .+)?", line) for line in lines)
    assert [line for line in lines if PLATFORM_SPECIFIC.fullmatch(line.split("==")[0])] == []
    assert requirements("constraints.txt")["torch"].specifier.contains("2.13.0+cpu")


@pytest.mark.parametrize("file", ["requirements.txt", "tests/requirements.txt"])
def test_requirements_and_lock_agree(file: str) -> None:
    lock, required = requirements("constraints.txt"), requirements(file)
    pinned = {name: str(requirement.specifier) for name, requirement in required.items() if name != "torch"}
    assert {name: str(lock[name].specifier) for name in pinned} == pinned


@pytest.mark.parametrize("torch", ["2.8.0", "2.9.1", "2.10.0", "2.11.0"])
def test_a_space_with_zerogpu_may_have_its_own_torch(torch: str) -> None:
    required = requirements("requirements.txt")["torch"].specifier
    assert required.contains(torch)
    assert required.contains(str(requirements("constraints.txt")["torch"].specifier).removeprefix("=="))
    assert not required.contains("2.7.1")


def test_every_set_up_uses_the_lock() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "-c constraints.txt" in re.search(r"^PIP := (.*)$", makefile, re.MULTILINE)[1]
    assert re.search(r"^\$\(VENV\)/ready: .*constraints\.txt", makefile, re.MULTILINE)
    assert re.findall(r"^\t\$\(PIP\) -r (.*)$", makefile, re.MULTILINE) == ["requirements.txt", "tests/requirements.txt"]


def test_an_audit_that_could_look_nothing_up_is_no_success() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert "pip-audit --strict " in makefile


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


def test_the_container_follows_the_rules_of_its_linters() -> None:
    """Those of hadolint and of ``docker build --check`` that concern such a file."""
    lines = instructions()
    known = {"ARG", "CMD", "COPY", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "RUN", "USER", "VOLUME", "WORKDIR"}
    assert {instruction for instruction, _ in lines} <= known  # in capitals, COPY rather than ADD, no MAINTAINER
    by_name = {name: [arguments for instruction, arguments in lines if instruction == name] for name in known}
    assert all(re.fullmatch(r"[a-z/]+:(?!latest)[\w.-]+", image) for image in by_name["FROM"])
    assert all(folder.startswith("/") for folder in by_name["WORKDIR"])
    assert [len(by_name[name]) for name in ("CMD", "HEALTHCHECK", "USER")] == [1, 1, 1]
    assert all(
        isinstance(json.loads(arguments[arguments.index("[") :]), list) for name in ("CMD", "HEALTHCHECK") for arguments in by_name[name]
    )
    for command in by_name["RUN"]:
        assert not re.search(r"\b(sudo|ssh|vim|shutdown)\b|\bcd\b|curl|wget|apt-get", command)
        assert "pip install" not in command or "--no-cache-dir" in command
    assert not re.search(r"(?i)password|token|secret|key", " ".join(by_name["ENV"] + by_name["ARG"]))
    assert all(0 < int(port) < 65536 for port in by_name["EXPOSE"])
    # What changes seldom comes first, so that the layer with the packages is kept.
    copies = [number for number, (name, arguments) in enumerate(lines) if name == "COPY"]
    install = next(number for number, (_, arguments) in enumerate(lines) if "pip install" in arguments)
    assert copies[0] < install < copies[1]


def test_the_container_passes_docker_s_own_check() -> None:
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, timeout=TIMEOUT_SECONDS, check=False).returncode:
        pytest.skip("needs a running Docker")
    checked = subprocess.run([docker, "build", "--check", str(ROOT)], capture_output=True, text=True, timeout=TIMEOUT_SECONDS, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_file_that_the_container_copies_exists_and_is_not_ignored() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines() if line.startswith("!")}
    copied = {name for instruction, arguments in instructions() if instruction == "COPY" for name in arguments.split()[:-1]}
    assert copied == let_in == {"requirements.txt", "constraints.txt", "app.py", "trainer", "assets"}
    assert all((ROOT / name).exists() for name in copied)


def test_the_container_s_health_check_is_valid_python() -> None:
    arguments = dict(instructions())["HEALTHCHECK"]
    command = json.loads(arguments[arguments.index("[") :])
    assert compile(command[-1], "HEALTHCHECK", "exec").co_names


PINNED_TORCH = str(requirements("constraints.txt")["torch"].specifier).removeprefix("==")


@pytest.mark.slow
@pytest.mark.parametrize(("python", "torch"), [("3.11", PINNED_TORCH), ("3.12", "2.8.0"), ("3.12", "2.11.0"), ("3.13", PINNED_TORCH)])
def test_the_requirements_resolve_for_each_python_with_what_a_space_adds(python: str, torch: str, tmp_path: Path) -> None:
    """A Space installs them in one call with gradio[oauth], spaces and uvicorn; only pip's resolver runs here, nothing is installed.

    The releases of torch are the oldest and the newest of a Space with ZeroGPU, which has Python 3.12, and the locked one.
    """
    gradio = requirements("requirements.txt")["gradio"].specifier
    added = [f"gradio[oauth]{gradio}", "spaces", "uvicorn>=0.14.0", f"torch=={torch}"]
    command = [sys.executable, "-m", "pip", "install", "--dry-run", "--quiet", "--disable-pip-version-check", "--report", "report.json"]
    elsewhere = ["--python-version", python, "--only-binary", ":all:", "--target", str(tmp_path / "nowhere")]
    completed = subprocess.run(
        [*command, *elsewhere, "-r", str(ROOT / "requirements.txt"), *added],
        capture_output=True,
        text=True,
        timeout=2 * TIMEOUT_SECONDS,
        check=False,
        cwd=tmp_path,
    )
    if re.search(
        r"NewConnectionError|ConnectTimeout|ReadTimeout|Could not find a version that satisfies the requirement (spaces|authlib) \S*\(from versions: none\)",
        completed.stderr,
    ):
        pytest.skip("needs an index of packages")
    assert completed.returncode == 0, completed.stderr[-2000:]
    installed = {
        canonicalize_name(package["metadata"]["name"]): package["metadata"]["version"]
        for package in json.loads((tmp_path / "report.json").read_text())["install"]
    }
    # Our pinned releases stay.
    assert {
        name: installed[name]
        for name, required in requirements("requirements.txt").items()
        if not required.specifier.contains(installed[name])
    } == {}
    assert installed["torch"].split("+")[0] == torch
    assert {"spaces", "authlib"} <= installed.keys()


CORE = (
    "tests/training/test_trainer.py",
    "tests/training/test_predictor.py",
    "tests/training/test_resume.py",
    "tests/workspace/test_promise.py",
)


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("release", ["torch==2.8.0", "torch"], ids=["oldest", "newest"])
def test_the_core_of_the_suite_passes_with_the_oldest_and_the_newest_torch(release: str) -> None:
    """Trainings, resumed ones, predictions and the saved model in transformers' own pipeline, in an environment of its own: that of these tests with another torch.

    All other packages have one release (``requirements.txt``). The newest is what the index has, or what pip's own settings let it have.
    """
    # Gigabytes, with NVIDIA's libraries: on a disk, whatever temporary files are on.
    with tempfile.TemporaryDirectory(dir="/var/tmp" if Path("/var/tmp").is_dir() else None) as folder:
        environment, constraints = Path(folder) / "environment", Path(folder) / "constraints.txt"
        venv.create(environment, symlinks=os.name != "nt")
        paths = sysconfig.get_paths(vars={"base": str(environment), "platbase": str(environment)})
        (Path(paths["purelib"]) / "tests.pth").write_text(sysconfig.get_paths()["purelib"], encoding="utf-8")
        lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines(keepends=True)
        constraints.write_text("".join(line for line in lines if not line.startswith("torch==")), encoding="utf-8")
        python = str(Path(paths["scripts"]) / "python")
        pip = [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-cache-dir",
            "--upgrade",
        ]
        installed = run_here([*pip, "-c", str(constraints), release])
        if re.search(r"NewConnectionError|ConnectTimeout|ReadTimeout|from versions: none", installed.stderr):
            pytest.skip("needs an index of packages")
        assert installed.returncode == 0, installed.stderr[-2000:]
        asked = run_here([python, "-c", "import torch; print(torch.__version__.partition('+')[0])"])
        if asked.stdout.strip() == PINNED_TORCH:
            pytest.skip("the whole suite runs with this one")
        assert release == "torch" or asked.stdout.strip() == release.removeprefix("torch=="), asked.stderr[-2000:]
        tested = run_here([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", *CORE])
    assert tested.returncode == 0, tested.stdout[-4000:]


def run_here(command: list[str]) -> subprocess.CompletedProcess[str]:
    """A command that may take many minutes, in the folder of the project."""
    return subprocess.run(command, capture_output=True, text=True, timeout=10 * TIMEOUT_SECONDS, check=False, cwd=ROOT)
