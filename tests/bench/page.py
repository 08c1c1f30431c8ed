"""How much later our page answers than a bare one-textbox Gradio page, both started anew in turn."""

import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_BARE = "import gradio as gr\nwith gr.Blocks() as b:\n    gr.Textbox()\nb.launch()"


def seconds_to_answer(command: list[str], port: int) -> float:
    """From the start of the process to the first whole answer of its page."""
    with tempfile.TemporaryDirectory() as runs:
        environment = {
            **os.environ,
            "GRADIO_SERVER_PORT": str(port),
            "EMOTUNE_RUNS": runs,
            "GRADIO_ANALYTICS_ENABLED": "False",
            "CI": "1",
        }
        begun = time.monotonic()
        process = subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            while time.monotonic() - begun < 120:
                try:
                    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
                        if answer.status == 200 and b"gradio" in answer.read():
                            return time.monotonic() - begun
                except OSError:
                    time.sleep(0.01)
            raise TimeoutError(f"no answer from {command}")
        finally:
            process.kill()
            process.wait()


def measure(rounds: int = 5) -> dict[str, float]:
    """Medians of both, and their difference, in seconds."""
    ours, bare = [], []
    for number in range(rounds + 1):
        pair = (
            seconds_to_answer([sys.executable, "-c", _BARE], 7861 + 2 * number),
            seconds_to_answer([sys.executable, "app.py"], 7862 + 2 * number),
        )
        if number:  # the first round fills the disk's cache
            bare.append(pair[0])
            ours.append(pair[1])
    return {
        "page_seconds": round(statistics.median(ours), 3),
        "bare_gradio_page_seconds": round(statistics.median(bare), 3),
        "page_later_by_seconds": round(statistics.median(o - b for o, b in zip(ours, bare, strict=True)), 3),
    }
