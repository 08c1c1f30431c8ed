"""How much later our page first responds than a bare one-textbox Gradio page, both started in turn."""

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
def running_page(port: int, runs: Path, command: list[str] = _OURS) -> Iterator[str]:
    """Start a server process and wait for its first complete response; yields its address."""
    environment = {
        **os.environ,
        "GRADIO_SERVER_PORT": str(port),
        "EMOTUNE_RUNS": str(runs),
        "GRADIO_ANALYTICS_ENABLED": "False",
        "CI": "1",
    }
    address = f"http://127.0.0.1:{port}"
    started = time.monotonic()
    process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _responds(address):
            if time.monotonic() - started > 120:
                raise TimeoutError(f"no response from {command}")
            time.sleep(0.01)
        yield address
    finally:
        process.kill()
        process.wait()


def _responds(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/", timeout=5) as response:
            return response.status == 200 and b"gradio" in response.read()
    except OSError:
        return False


def seconds_to_response(command: list[str]) -> float:
    """From the start of the process to the first complete response of its page."""
    with tempfile.TemporaryDirectory() as runs:
        started = time.monotonic()
        with running_page(free_port(), Path(runs), command):
            return time.monotonic() - started


def measure(rounds: int = 5) -> dict[str, float]:
    """Medians of both and of their difference, in seconds."""
    ours, bare = [], []
    for number in range(rounds + 1):
        pair = (seconds_to_response(_BARE), seconds_to_response(_OURS))
        if number:  # the first round fills the disk's cache
            bare.append(pair[0])
            ours.append(pair[1])
    return {
        "page_seconds": round(statistics.median(ours), 3),
        "bare_gradio_page_seconds": round(statistics.median(bare), 3),
        "page_later_by_seconds": round(statistics.median(o - b for o, b in zip(ours, bare, strict=True)), 3),
    }


def show(results: dict[str, float]) -> None:
    print("From start to the page's first response, seconds (median of 5, in turn)")
    print(f"  a bare one-textbox Gradio page   {results['bare_gradio_page_seconds']:6.2f}")
    print(f"  Emotune                          {results['page_seconds']:6.2f}")
    print(f"  later by                         {results['page_later_by_seconds']:6.2f}   (allowed: 1.50)")
