"""How much later our page answers than a bare one-textbox Gradio page, both started anew in turn."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.addresses import free_port

ROOT = Path(__file__).resolve().parents[2]
_OURS = [sys.executable, "app.py"]
_BARE = [sys.executable, "-c", "import gradio as gr\nwith gr.Blocks() as b:\n    gr.Textbox()\nb.launch()"]


@contextmanager
def serving(port: int, runs: Path, command: list[str] = _OURS) -> Iterator[str]:
    """A server process of its own, from its first whole answer on; yields its address."""
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "EMOTUNE_RUNS": str(runs),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "CI": "1",
    }
    address = f"http://127.0.0.1:{port}"
    begun = time.monotonic()
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers(address):
            if time.monotonic() - begun > 120:
                raise TimeoutError(f"no answer from {command}")
            time.sleep(0.01)
        yield address
    finally:
        process.kill()
        process.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/", timeout=5) as answer:
            return answer.status == 200 and b"gradio" in answer.read()
    except OSError:
        return False


def seconds_to_answer(command: list[str]) -> float:
    """From the start of the process to the first whole answer of its page."""
    with tempfile.TemporaryDirectory() as runs:
        begun = time.monotonic()
        with serving(free_port(), Path(runs), command):
            return time.monotonic() - begun


def measure(rounds: int = 5) -> dict[str, float]:
    """Medians of both, and their difference, in seconds."""
    ours, bare = [], []
    for number in range(rounds + 1):
        pair = (seconds_to_answer(_BARE), seconds_to_answer(_OURS))
        if number:  # the first round fills the disk's cache
            bare.append(pair[0])
            ours.append(pair[1])
    return {
        "page_seconds": round(statistics.median(ours), 3),
        "bare_gradio_page_seconds": round(statistics.median(bare), 3),
        "page_later_by_seconds": round(statistics.median(o - b for o, b in zip(ours, bare, strict=True)), 3),
    }
