"""A test run that is killed leaves no server and no browser behind."""

import ast
import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.addresses import TIMEOUT_SECONDS
from tests.child_processes import popen

ROOT = Path(__file__).resolve().parents[1]

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux do programs end with their parent")

PROBE = """
import os, sys, time
from pathlib import Path
from tests.test_child_processes import descendants
from tests.child_processes import popen

def test_probe(FIXTURES):
    popen([sys.executable, "-c", "import time; print(1, flush=True); time.sleep(600)"], stdout=-1).stdout.readline()
    Path("started.part").write_text(" ".join(map(str, descendants(os.getpid()))))
    os.rename("started.part", "started")
    time.sleep(600)
"""


def descendants(process: int) -> list[int]:
    """The processes started by this one, directly or indirectly."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
    processes, pending = [], [process]
    while pending:
        children = [child for child, parent in parents.items() if parent == pending[0]]
        processes, pending = processes + children, pending[1:] + children
    return processes


def lives(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.parametrize(("fixtures", "min_processes"), [("", 1), ("browser", 4)])
def test_a_killed_test_run_leaves_no_process(tmp_path: Path, fixtures: str, min_processes: int) -> None:
    if fixtures and shutil.which("chromium") is None:
        pytest.skip("needs Chromium (Debian: apt-get install chromium)")
    (tmp_path / "test_probe.py").write_text(PROBE.replace("FIXTURES", fixtures))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "--import-mode=importlib", "test_probe.py"]
    with open(tmp_path / "output", "wb") as output:
        run = popen(command, cwd=tmp_path, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=output, stderr=output)
    try:
        deadline = time.monotonic() + TIMEOUT_SECONDS
        while not (tmp_path / "started").exists():
            assert run.poll() is None, (tmp_path / "output").read_text()
            assert time.monotonic() < deadline, (tmp_path / "output").read_text()
            time.sleep(0.05)
        started = [int(process) for process in (tmp_path / "started").read_text().split()]
        # Chromium's own may come and go.
        assert sum(map(lives, started)) >= min_processes
    finally:
        run.send_signal(signal.SIGKILL)
        run.wait()
    deadline = time.monotonic() + TIMEOUT_SECONDS
    while alive := [process for process in started if lives(process)]:
        assert time.monotonic() < deadline, alive
        time.sleep(0.05)


def test_no_test_starts_a_program_that_would_outlive_it() -> None:
    loose = []
    for path in sorted((ROOT / "tests").rglob("*.py")):
        if path.name == "child_processes.py" or "bench" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and node.attr == "Popen" and not isinstance(getattr(node, "ctx", None), ast.Store):
                loose.append((str(path.relative_to(ROOT)), node.lineno))
    # Annotations start nothing.
    assert [place for place in loose if "Popen(" in (ROOT / place[0]).read_text().splitlines()[place[1] - 1]] == []
